"""Exports are complete, sorted and real; the lazy top level, what type checkers see of it and ``dir()`` say the same."""

from __future__ import annotations

import ast
import importlib
import re

import pytest

import integrakit
from integrakit.errors import ConfigurationError


def exported(module) -> list[str] | None:
    """The ``__all__`` of a file as it is written down."""
    for node in module.tree.body:
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["__all__"]:
            return list(ast.literal_eval(node.value))
    return None


def is_public(module) -> bool:
    return not any(part.startswith("_") for part in module.name.split("."))


def order(name: str) -> tuple[int, str]:
    """CONSTANTS, then Classes, then functions: the order of ruff's RUF022."""
    kind = 0 if re.fullmatch(r"_*[A-Z][A-Z0-9_]*", name) and len(name) > 1 else 1 if name.lstrip("_")[:1].isupper() else 2
    return kind, name


def defined(module) -> set[str]:
    """The public classes and functions of a file, and for a package what it hands on from its own files."""
    names = {node.name for node in module.tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)}
    if module.is_package:
        for node in module.tree.body:
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("integrakit"):
                names |= {alias.asname or alias.name for alias in node.names}
    return {name for name in names if not name.startswith("_")}


def wrong(module) -> str | None:
    """What is wrong with the exports of a file, if anything. Files inside a package are for the package, and may go without."""
    names, public = exported(module), module.is_package or module.name.count(".") == 1
    if names is None:
        return "has no __all__" if public else None
    if public and (missing := defined(module) - set(names)):
        return f"defines or hands on {sorted(missing)} outside __all__: export them, or start their names with _"
    if len(names) != len(set(names)):
        return "names something twice"
    return None if names == sorted(names, key=order) else "is not sorted: CONSTANTS, Classes, functions"


def test_exports_of_a_module(module):
    if is_public(module):
        assert wrong(module) is None, module.path


def test_exports_are_real(module):
    try:
        there = importlib.import_module(module.name)
    except ConfigurationError as problem:
        pytest.skip(f"needs an extra: {problem}")
    for name in exported(module) or []:
        assert hasattr(there, name), name


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def f(): ...", "no __all__"),
        ("__all__ = ['f']\ndef f(): ...\nclass G: ...", "'G'"),
        ("__all__ = ['f', 'G']\ndef f(): ...\nclass G: ...", "sorted"),
        ("__all__ = ['f', 'f']\ndef f(): ...", "twice"),
    ],
)
def test_wrong_exports_are_found(sample, text, words):
    assert words in (wrong(sample(text)) or "")


def test_right_exports_are_not(sample):
    assert wrong(sample("__all__ = ['XY', 'G', 'f']\ndef f(): ...\nclass G: ...\ndef _h(): ...")) is None


# ---------------------------------------------------------------------------------------------------- the top level


@pytest.fixture(scope="module")
def seen_by_type_checkers(modules) -> dict[str, str]:
    """Name → where it comes from, as the ``if TYPE_CHECKING`` block of the package says."""
    top = next(module for module in modules if module.name == "integrakit")
    block = next(node for node in top.tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    return {
        alias.asname or alias.name: f"{node.module}.{alias.name}" for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }


def test_type_checkers_see_what_is_exported(seen_by_type_checkers):
    assert sorted([*seen_by_type_checkers, "__version__"]) == sorted(integrakit.__all__)
    assert sorted(integrakit.__all__, key=order) == integrakit.__all__


def test_dir_lists_it():
    assert dir(integrakit) == sorted(integrakit.__all__)


@pytest.mark.parametrize("name", integrakit.__all__)
def test_every_name_is_there_and_is_the_one_that_type_checkers_see(name, seen_by_type_checkers):
    value = getattr(integrakit, name)
    if name == "__version__":
        assert re.fullmatch(r"\d+\.\d+\.\d+\S*", value)
        return
    home, _, attribute = seen_by_type_checkers[name].rpartition(".")
    if home == "integrakit":
        assert value is importlib.import_module(f"integrakit.{attribute}")
    else:
        assert value is getattr(importlib.import_module(home), attribute)


def test_a_name_that_is_not_there_is_said_and_the_nearest_is_suggested():
    with pytest.raises(AttributeError, match=r"integrakit .* has no 'Clientt'") as caught:
        integrakit.Clientt  # noqa: B018
    assert caught.value.name == "Clientt"
    assert caught.value.obj is integrakit
    with pytest.raises(AttributeError, match=r"it is integrakit\.http\.ConcurrencyLimit"):
        integrakit.ConcurrencyLimit  # noqa: B018


def test_an_exported_name_is_not_also_a_submodule(modules):
    """``import integrakit.run`` would replace the function of that name: see docs/decisions/0001."""
    files = {module.name.split(".")[1] for module in modules if module.name != "integrakit"}
    assert files & set(integrakit.__all__) <= {"audit", "connectors", "errors", "http", "observers", "secrets", "testing"}


@pytest.mark.parametrize("package", ["http", "reading"])
def test_what_a_package_hands_on_is_not_also_a_submodule_of_it(package, modules):
    """Whoever imports the submodule first would put it in the place of the function."""
    files = {module.name.split(".")[2] for module in modules if module.name.startswith(f"integrakit.{package}.")}
    assert not files & set(importlib.import_module(f"integrakit.{package}").__all__)
