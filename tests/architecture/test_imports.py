"""Who may import what: HTTP libraries and cattrs behind one file each, extras where they are needed, and nothing at all on ``import integrakit``."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from typing import Any

import pytest
from packaging.requirements import Requirement

#: The only files and folders that may import a package. Everybody else goes through them.
ONLY_IN = {
    "httpx": ("integrakit/_http/", "integrakit/http/httpx.py"),
    "httpx2": ("integrakit/_http/", "integrakit/http/httpx2.py"),
    "cattrs": ("integrakit/_convert.py",),
}

#: What may be imported inside a function, and why. The place itself says why once more, in a comment.
LATE = {
    "anyio": "as slow to import as half of httpx; needed only where a loop runs",
    "boto3": "an extra",
    "botocore": "an extra",
    "cattrs": "core, on first use: not everybody structures records",
    "concurrent": "a third of httpx's own import time; needed only for work side by side",
    "cryptography": "an extra",
    "duckdb": "an extra",
    "ctypes": "for forked children only",
    "httpx": "core, on first use: the import of integrakit must stay cheap",
    "httpx2": "an extra",
    "keyring": "an extra",
    "jwt": "an extra",
    "limits": "core, on first use: not everybody limits a rate",
    "numpy": "an extra",
    "oauthlib": "an extra",
    "opentelemetry": "an extra",
    "pandas": "an extra",
    "phonenumbers": "an extra",
    "polars": "an extra",
    "pymemcache": "an extra",
    "pymongo": "an extra",
    "prometheus_client": "an extra",
    "pyarrow": "an extra",
    "pycountry": "an extra",
    "pyspark": "an extra",
    "pytest": "for the testing tools only",
    "redis": "an extra",
    "sqlalchemy": "an extra",
    "tenacity": "core, on first use: not everybody hands in its objects",
}


def imported(node: ast.AST) -> list[str]:
    """The modules that a node imports, in any spelling."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [] if node.level or node.module is None else [node.module]
    if isinstance(node, ast.Call) and ast.unparse(node.func) in {"import_module", "importlib.import_module", "__import__"}:
        return [node.args[0].value] if node.args and isinstance(node.args[0], ast.Constant) else []
    return []


def trespassing(module) -> list[str]:
    found = []
    for node in ast.walk(module.tree):
        for name in imported(node):
            allowed = ONLY_IN.get(name.partition(".")[0])
            if allowed is not None and not module.path.startswith(allowed):
                found.append(f"{module.at(node)}: {name}")
    return found


def late(module) -> list[str]:
    """Imports inside functions that are not on the list, or without a comment, above or behind, that says why."""
    lines = module.text.splitlines()
    found: dict[int, str] = {}
    for function in ast.walk(module.tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for node in ast.walk(function):
            if not isinstance(node, ast.Import | ast.ImportFrom):
                continue
            package = (imported(node) or ["."])[0]
            top = package.partition(".")[0]
            above = node.lineno - 2
            while above > 0 and lines[above].lstrip().startswith(("import ", "from ", "try:")):
                above -= 1
            if top not in LATE and top != "integrakit":
                found[node.lineno] = f"{module.at(node)}: {package} is not on the list of what may be imported late"
            elif not lines[above].lstrip().startswith("#") and not re.search(r"#\s+(?!noqa|type:)", lines[node.lineno - 1]):
                found[node.lineno] = f"{module.at(node)}: {package} needs a comment that says why it is not at the top"
    return list(found.values())


def child(program: str, *arguments: str) -> Any:
    """What a fresh interpreter prints as JSON."""
    result = subprocess.run([sys.executable, "-I", "-c", program, *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def extras() -> set[str]:
    """The import names of everything that is installed here and is neither integrakit nor one of its dependencies, nor one of theirs."""
    waiting, core = ["integrakit"], {"integrakit"}
    while waiting:
        for line in metadata.requires(waiting.pop()) or []:
            requirement = Requirement(line)
            if normal(requirement.name) not in core and (requirement.marker is None or requirement.marker.evaluate({"extra": ""})):
                core.add(normal(requirement.name))
                waiting.append(requirement.name)
    return {top for top, owners in metadata.packages_distributions().items() if not core & {normal(owner) for owner in owners}}


def test_one_importer_for_each(module):
    assert trespassing(module) == []


def test_imports_stand_at_the_top(module):
    assert late(module) == []


_LOADED = "import sys, json; before = set(sys.modules); import integrakit; print(json.dumps(sorted(set(sys.modules) - before)))"


def test_the_import_is_cheap():
    loaded = {name.partition(".")[0] for name in child(_LOADED)}
    assert "integrakit" in loaded
    assert not loaded & {"httpx", "httpx2", "cattrs", "limits", "tenacity", "attrs", "attr", "anyio", "asyncio", "ssl", "sqlite3"}


_CORE_ONLY = """
import importlib, json, sys
names, absent, problems = sys.argv[1].split(","), set(sys.argv[2].split(",")), {}

class Gate:
    @staticmethod
    def find_spec(module, path=None, target=None):
        if module.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"No module named {module!r}", name=module)

for module in [module for module in sys.modules if module.partition(".")[0] in absent]:
    del sys.modules[module]
sys.meta_path.insert(0, Gate)
for name in names:
    try:
        importlib.import_module(name)
    except Exception as problem:
        problems[name] = [type(problem).__name__, str(problem)]
print(json.dumps(problems))
"""


def test_core_needs_no_extra(modules):
    """Every module can be imported with the core dependencies alone, or says at once which pip line is missing."""
    problems = child(_CORE_ONLY, ",".join(module.name for module in modules), ",".join(sorted(extras())))
    assert {name: said for name, said in problems.items() if said[0] != "ConfigurationError" or 'pip install "integrakit[' not in said[1]} == {}


def test_the_gate_holds():
    assert not extras() & {"integrakit", "httpx", "attrs", "attr", "anyio", "tenacity", "cattrs", "limits", "typing_extensions"}
    assert child(_CORE_ONLY, "pytest,attrs", ",".join(sorted(extras()))) == {"pytest": ["ModuleNotFoundError", "No module named 'pytest'"]}


def test_the_dependencies_are_these_six(root):
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert sorted(Requirement(line).name for line in project["dependencies"]) == [
        "attrs",
        "cattrs",
        "httpx",
        "limits",
        "tenacity",
        "typing-extensions",
    ]


def test_every_extra_that_is_named_exists(root, modules):
    """An error that tells the user to install something must be right."""
    extras = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    files = {module.path: module.text for module in modules}
    files |= {page.name: page.read_text(encoding="utf-8") for page in [root / "README.md", *(root / "docs").rglob("*.md")]}
    for where, text in files.items():
        for group in re.findall(r"integrakit\[([a-z0-9,]+)\]", text):
            assert set(group.split(",")) <= set(extras), f"{where} names the extra {group!r}"


@pytest.mark.parametrize("text", ["import httpx", "from httpx import Client", "def f():\n    import httpx2.x", "importlib.import_module('cattrs')"])
def test_a_trespasser_is_found(sample, text):
    assert len(trespassing(sample(text))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "def f():\n    import json",
        "def f():\n    # why\n    from os import path",
        "def f():\n    import pyarrow  # noqa: X",
        "def f():\n    from . import x",
    ],
)
def test_a_late_import_is_found(sample, text):
    assert len(late(sample(text))) == 1


def test_a_late_import_with_a_reason_is_not(sample):
    text = """
def f():
    # an extra
    import pyarrow
    import pyarrow.compute
    import pandas  # an extra
    try:
        # an extra
        import polars
    except ImportError: ...
"""
    assert late(sample(text)) == []
