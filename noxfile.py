"""Everything a developer runs, by name: ``nox -s tests``, ``nox -s lint types layers docs``. ``nox --list`` shows them all.

What needs nothing but PyPI stays that way. ``.ci/run`` does the same steps in one go, on one Python.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import nox

nox.needs_version = ">=2024.10"
nox.options.default_venv_backend = "venv"
# A Python that is not on this machine is skipped, and said so, also in CI.
nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["lint", "types", "layers", "tests", "docs"]

PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
ROOT = Path(__file__).parent


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """The tests, with all extras."""
    session.install("-e", ".[test]")
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session(python="3.11")
def core(session: nox.Session) -> None:
    """The tests with the core dependencies only: what needs an extra is skipped, visibly, and nothing else changes."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    tools = [line for line in project["optional-dependencies"]["test"] if not line.startswith("integrakit[")]
    session.install("-e", ".", *tools)
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session(python="3.11")
def lowest(session: nox.Session) -> None:
    """The tests on the oldest versions that pyproject.toml promises to work with."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    session.install("-e", ".[test]", *(line.replace(">=", "==") for line in project["dependencies"]))
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session(python="3.11")
def coverage(session: nox.Session) -> None:
    """The tests with branch coverage; fails below the floor in pyproject.toml."""
    session.install("-e", ".[test]")
    session.run("python", "-m", "pytest", "--cov", *session.posargs)


@nox.session(python="3.11")
def httpx2(session: nox.Session) -> None:
    """What reaches a server, over httpx2 instead of httpx."""
    session.install("-e", ".[test]")
    session.run("python", "-m", "pytest", "--http", "httpx2", *session.posargs)


@nox.session(python="3.11")
def spark(session: nox.Session) -> None:
    """What is compared inside Spark. Needs Java."""
    session.install("-e", ".[test,spark]")
    session.run("python", "-m", "pytest", "tests/services/test_reconcile_spark.py", *session.posargs)


@nox.session(python="3.11")
def sweep(session: nox.Session) -> None:
    """The property tests with thousands of examples each, and a new seed every time."""
    session.install("-e", ".[test]")
    session.run("python", "-m", "pytest", "tests/properties", "--hypothesis-profile=sweep", *session.posargs)


@nox.session(python="3.11")
def lint(session: nox.Session) -> None:
    """Style, format and changelog fragments."""
    session.install("ruff", "towncrier")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("towncrier", "build", "--draft", "--version", "next", silent=True)


@nox.session(python="3.11")
def types(session: nox.Session) -> None:
    """mypy and pyright: the library, and how its users see it (tests/typing)."""
    session.install("-e", ".[test]", "mypy", "pyright[nodejs]")
    session.run("mypy")
    session.run("pyright")


@nox.session(python="3.11")
def layers(session: nox.Session) -> None:
    """Who may import whom."""
    session.install("-e", ".", "import-linter")
    session.run("lint-imports", "--no-cache")


@nox.session(python="3.11")
def docs(session: nox.Session) -> None:
    """The documentation as HTML in docs/_build; a warning is an error. Its snippets are run by the tests."""
    session.install("-e", ".[docs]")
    session.run("sphinx-build", "--fail-on-warning", "--keep-going", "--quiet", "docs", "docs/_build")


@nox.session(python="3.11")
def benchmarks(session: nox.Session) -> None:
    """The figures of benchmarks/README.md, measured here and now."""
    session.install("-e", ".", "-r", "benchmarks/peers.txt")
    for program in sorted((ROOT / "benchmarks").glob("[!_]*.py")):
        session.run("python", str(program), *session.posargs)
