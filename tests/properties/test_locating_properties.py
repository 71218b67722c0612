"""Where the entries of mapping files stand: random trees, written in many styles, and each entry found at the line and column it was written to."""

from __future__ import annotations

import itertools
import json
import re
import tomllib
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrakit.errors import ConfigurationError
from integrakit.transform.loading import Loaded, read_text

PATIENT = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
STEMS = [
    "a",
    "from",
    "to-day",
    "_x",
    "1",
    "a b",
    "a.b",
    'say "x"',
    "it's",
    "[k]",
    "#k",
    "k = v",
    "é",
    "日本",
    "tab\t",
    "back\\slash",
    "{}",
    "'''",
    '"""',
]


def random_tree(random: Random) -> dict[str, Any]:
    """Names are all different, and so are the numbers, so that nothing can be taken for something else."""
    number = itertools.count(1000)

    def value(depth: int) -> Any:
        kind = random.choice(["number", "number", "text", "date", "moment", "table", "list", "tables"] if depth < 4 else ["number", "text"])
        if kind == "table":
            return table(depth)
        if kind == "list":
            return [value(depth + 1) for _ in range(random.randint(0, 3))]
        if kind == "tables":
            return [table(depth + 1) for _ in range(random.randint(1, 3))]
        if kind == "text":
            return random.choice(["", "x", "# no comment", "] = [", 'say "x"', "it's", "two\nlines\n[fields]\n", "'''", '"""', '""', "\\", "}"])
        if kind == "date":
            return "DATE"
        return "MOMENT" if kind == "moment" else next(number)

    def table(depth: int) -> dict[str, Any]:
        return {f"{random.choice(STEMS)}{next(number)}": value(depth + 1) for _ in range(random.randint(0, 4))}

    return {f"top{next(number)}": value(1) for _ in range(random.randint(1, 4))}


class TomlWriter:
    """Writes a tree as TOML, choosing among all the ways TOML has."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.lines: list[str] = []

    def write(self, tree: dict[str, Any]) -> str:
        self.table(tree, ())
        return self.random.choice(["\n", "\r\n"]).join("\n".join(self.lines).split("\n")) + self.random.choice(["", "\n", "\n# end"])

    def key(self, name: str) -> str:
        ways = [json.dumps(name, ensure_ascii=self.random.random() < 0.5)]
        if re.fullmatch(r"[A-Za-z0-9_-]+", name):
            ways.append(name)
        if "'" not in name and "\t" not in name:
            ways.append(f"'{name}'")
        return self.random.choice(ways)

    def keys(self, path: tuple[str, ...]) -> str:
        return self.random.choice([".", " . ", ".\t"]).join(self.key(name) for name in path)

    def text(self, value: str) -> str:
        ways = [json.dumps(value)]
        if "'" not in value and "\n" not in value:
            ways.append(f"'{value}'")
        if "'''" not in value and not value.endswith("'"):
            ways.append(f"'''{value}'''")
        if "\\" not in value:
            broken = value.replace('"""', '""\\"')
            ways += [f'"""\n{broken}"""', f'"""\\\n   {broken}"""'] if not broken.startswith((" ", "\n")) else []
        return self.random.choice(ways)

    def space(self) -> str:
        return self.random.choice(["", "", " ", "\n  ", " # ] a comment, }\n", "\n\n\t"])

    def value(self, value: Any) -> str:
        if value == "DATE":
            return "1979-05-27"
        if value == "MOMENT":
            return self.random.choice(["1979-05-27 07:32:00Z", "1979-05-27T07:32:00.5-07:00", "1979-05-27 07:32:00"])
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            items = [f"{self.space()}{self.value(item)}{self.space()}" for item in value]
            return f"[{','.join(items)}{self.random.choice(['', ',']) if items else ''}{self.space()}]"
        if isinstance(value, dict):
            entries = [f"{self.inline(name, item)}" for name, item in value.items()]
            return f"{{{' ' if entries else ''}{', '.join(entries)} }}"
        return str(value)

    def inline(self, name: str, value: Any) -> str:
        path = (name,)
        while isinstance(value, dict) and len(value) == 1 and self.random.random() < 0.5:
            ((inner, value),) = value.items()
            path = (*path, inner)
        return f"{self.keys(path)} {self.random.choice(['=', '= '])}{self.value(value)}"

    def table(self, tree: dict[str, Any], path: tuple[str, ...]) -> None:
        later = []
        for name, value in tree.items():
            if self.random.random() < 0.2:
                self.lines.append(self.random.choice(["", "# [comment]", "   ", "\t# a = 1"]))
            tables = isinstance(value, list) and value and all(isinstance(item, dict) for item in value)
            if (isinstance(value, dict) or tables) and self.random.random() < 0.6:
                later.append((name, value))
            elif isinstance(value, dict) and value and self.random.random() < 0.5:
                self.lines += [f"{self.keys((name, inner))} = {self.value(item)}" for inner, item in value.items()]
            else:
                self.lines.append(f"{self.random.choice(['', '  '])}{self.inline(name, value)}{self.random.choice(['', ' # = [x]'])}")
        for name, value in later:
            below = (*path, name)
            for item in value if isinstance(value, list) else [value]:
                opening, closing = ("[[", "]]") if isinstance(value, list) else ("[", "]")
                self.lines.append(f"{opening}{self.random.choice(['', ' '])}{self.keys(below)} {closing}{self.random.choice(['', ' # c'])}")
                self.table(item, below)


def spellings(name: str) -> list[str]:
    return [name, f"'{name}'", json.dumps(name), json.dumps(name, ensure_ascii=False), "'" + name.replace("'", "''") + "'"]


def check(loaded: Loaded, text: str, tree: Any, yaml: bool = False) -> None:
    """Each name stands where `where` says, and each number of a list."""
    lines = text.split("\n")
    waiting: list[tuple[tuple[str | int, ...], Any]] = [((), tree)]
    while waiting:
        path, value = waiting.pop()
        if path and (isinstance(path[-1], str) or isinstance(value, int)):
            line, column = loaded.where(path) or (0, 0)
            here = lines[line - 1][column - 1 :]
            wanted = spellings(path[-1]) if isinstance(path[-1], str) else [str(value)]
            assert here.startswith(tuple(wanted)) or (yaml and here.startswith(("? ", '"'))), (path, line, column, here)
            assert loaded.where((*path, "nowhere", 7)) == (line, column)
        if isinstance(value, dict):
            waiting += [((*path, name), item) for name, item in value.items()]
        elif isinstance(value, list):
            waiting += [((*path, index), item) for index, item in enumerate(value)]


def plain(value: Any) -> Any:
    """What was read, with dates as the trees above say them."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, str | int):
        return value
    return "MOMENT" if hasattr(value, "hour") else "DATE"


@PATIENT
@given(st.randoms(use_true_random=False))
def test_toml(random: Random) -> None:
    tree = random_tree(random)
    text = TomlWriter(random).write(tree)
    assert plain(tomllib.loads(text)) == tree  # the writer is right
    loaded = read_text(text, "toml", "random.toml")
    check(loaded, text, plain(loaded.tree))


@PATIENT
@given(st.randoms(use_true_random=False), st.sampled_from([None, 0, 1, 4]), st.booleans())
def test_json(random: Random, indent: int | None, ascii: bool) -> None:
    tree = random_tree(random)
    text = json.dumps(tree, indent=indent, ensure_ascii=ascii)
    loaded = read_text(text, "json", "random.json")
    assert loaded.tree == tree
    check(loaded, text, tree)


@PATIENT
@given(st.randoms(use_true_random=False), st.sampled_from([None, True, False]), st.integers(1, 8))
def test_yaml(random: Random, flow: bool | None, indent: int) -> None:
    yaml = pytest.importorskip("yaml")
    tree = random_tree(random)
    text = yaml.safe_dump(tree, default_flow_style=flow, indent=indent, allow_unicode=True, sort_keys=False)
    loaded = read_text(text, "yaml", "random.yaml")
    assert loaded.tree == tree
    check(loaded, text, tree, yaml=True)


@PATIENT
@given(st.randoms(use_true_random=False), st.data())
def test_a_spoiled_text_is_an_error_with_a_line_or_still_a_mapping(random: Random, data: st.DataObject) -> None:
    """No text crashes the readers or the scanners, and what is found stays inside the text."""
    pytest.importorskip("yaml")
    tree = random_tree(random)
    format = data.draw(st.sampled_from(["toml", "json", "yaml"]))
    text = TomlWriter(random).write(tree) if format == "toml" else json.dumps(tree, indent=1)
    at = data.draw(st.integers(0, len(text)))
    text = text[:at] + data.draw(st.text(alphabet="[]{}\"'=:,#\\\n\0 &*!?|-<.1e\ufeff", max_size=3)) + text[at + data.draw(st.integers(0, 2)) :]
    try:
        loaded = read_text(text, format, "spoiled")
    except ConfigurationError as problem:
        found = re.match(r"spoiled(?::(\d+))?(?::\d+)?: ", str(problem))
        assert found
        assert found[1] is None or 1 <= int(found[1]) <= text.count("\n") + 1
    else:
        check_bounds(loaded, text)


def check_bounds(loaded: Loaded, text: str) -> None:
    lines = text.split("\n")
    for name in loaded.tree:
        line, column = loaded.where((name,)) or (1, 1)
        assert 1 <= line <= len(lines)
        assert 1 <= column <= len(lines[line - 1]) + 1
