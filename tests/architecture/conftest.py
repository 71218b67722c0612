"""What the architecture tests look at: the source files of integrakit, parsed once. Every test that takes ``module`` runs once for each file."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from attrs import frozen

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"


@frozen
class Module:
    """One source file."""

    #: As it is imported, e.g. ``integrakit.http.retry``.
    name: str
    #: Relative to ``src``, with forward slashes.
    path: str
    text: str
    tree: ast.Module
    is_package: bool

    def at(self, node: ast.AST) -> str:
        return f"src/{self.path}:{getattr(node, 'lineno', 1)}"


def parse(text: str, path: str = "integrakit/sample.py") -> Module:
    parts = path.removesuffix(".py").split("/")
    is_package = parts[-1] == "__init__"
    return Module(".".join(parts[:-1] if is_package else parts), path, text, ast.parse(text), is_package)


MODULES = [parse(file.read_text(encoding="utf-8"), file.relative_to(SOURCE).as_posix()) for file in sorted(SOURCE.rglob("*.py"))]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "module" in metafunc.fixturenames:
        metafunc.parametrize("module", MODULES, ids=[module.path.removeprefix("integrakit/") for module in MODULES])


@pytest.fixture(scope="session")
def modules() -> list[Module]:
    """All of them at once."""
    return MODULES


@pytest.fixture(scope="session")
def sample():
    """Parses a sample, to show that a rule finds what it is there to find: ``sample("import httpx")``."""
    return parse


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder that holds pyproject.toml."""
    return ROOT
