"""The shape of files: short, opened by prose, named after what they hold."""

from __future__ import annotations

import ast
import re

import pytest

MOST_LINES = 400
BANNED = frozenset({"util", "utils", "common", "base", "manager", "helper", "helpers", "misc"})
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|NotImplementedError")


def prose(module) -> str | None:
    """What is wrong with the opening of a file, if anything."""
    text = ast.get_docstring(module.tree) or ""
    first = text.partition("\n")[0]
    if len(text.split()) < 8:
        return "opens with a few lines of prose: what lives here, and what may not"
    return None if first.rstrip().endswith((".", ":", ",", "?")) or "\n" in text else "its first sentence does not end"


def words(name: str) -> set[str]:
    """The words of a snake_case or CamelCase name, in small letters."""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+", name)}


def banned(module) -> list[str]:
    """Names that say nothing: of files, folders and classes."""
    found = [part for part in module.name.split(".") if words(part) & BANNED]
    return found + [node.name for node in ast.walk(module.tree) if isinstance(node, ast.ClassDef) and words(node.name) & BANNED]


def test_length(module):
    lines = module.text.count("\n")
    assert lines <= MOST_LINES, f"{module.path} has {lines} lines: one idea a file, {MOST_LINES} lines at most"


def test_prose(module):
    assert prose(module) is None


def test_names(module):
    assert banned(module) == []


def test_finished(module):
    assert not UNFINISHED.search(module.text)


@pytest.mark.parametrize("text", ["", "import os", '"""Retry."""', '"""Retry and several other words without any end of the sentence"""'])
def test_a_file_without_prose_is_found(sample, text):
    assert prose(sample(text)) is not None


def test_names_that_say_nothing_are_found(sample):
    assert banned(sample("", "integrakit/http/utils.py")) == ["utils"]
    assert banned(sample("class TokenManager: ...\nclass BaseAuth: ...\nclass Database: ...")) == ["TokenManager", "BaseAuth"]
    assert UNFINISHED.search("# TODO: later")
