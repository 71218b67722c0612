"""The layers hold: what ``lint-imports`` says, as a test. The contracts stand in pyproject.toml."""

from __future__ import annotations

import tomllib

import pytest

cli = pytest.importorskip("importlinter.cli", reason='needs import-linter: pip install "integrakit[test]"')


def test_every_contract_is_kept(root, monkeypatch, capsys):
    monkeypatch.chdir(root)
    # It configures logging for its whole process, which is ours too, and switches off every logger that is there.
    monkeypatch.setattr("logging.config.dictConfig", lambda config: None)
    status = cli.lint_imports(config_filename=str(root / "pyproject.toml"), no_cache=True)
    printed = capsys.readouterr().out
    assert status == cli.EXIT_STATUS_SUCCESS, printed


def test_the_layers_say_where_every_package_belongs(root, modules):
    """Exhaustive, so that a new package has to be given its place; and nothing is listed twice."""
    contracts = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    layers = next(contract for contract in contracts if contract["type"] == "layers")
    listed = [name.strip(" ()") for layer in layers["layers"] for name in layer.replace(":", "|").split("|")]
    assert layers["exhaustive"] is True
    assert len(listed) == len(set(listed))
    there = {module.name.split(".")[1] for module in modules if module.name != "integrakit"}
    assert there <= set(listed)


def test_no_module_imports_from_the_top(modules):
    """``from integrakit import X`` inside the library is an upward import in disguise: import from where the name is defined."""
    import ast

    found = [
        module.at(node)
        for module in modules
        if module.name != "integrakit"
        for node in ast.walk(module.tree)
        if (isinstance(node, ast.ImportFrom) and node.module == "integrakit" and not node.level)
        or (isinstance(node, ast.Import) and any(alias.name == "integrakit" for alias in node.names))
    ]
    assert not found
