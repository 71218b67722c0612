"""TOML: the values by the standard library, and where they stand by a small scanner, because the library does not tell.

The scanner is for text that the library has read: it finds keys and skips values, and judges nothing. Where it meets what it does not know it stops,
and what it has found until then is right.
"""

from __future__ import annotations

import contextlib
import re
import tomllib
from collections.abc import Callable
from typing import Any

from integrakit.transform.locating.places import BrokenText, Key, Place, fraction

__all__ = ["read_toml"]

# What may stand between entries. Commas belong to lists and inline tables, and do no harm elsewhere.
_BETWEEN = re.compile(r"(?:[ \t\r\n,]++|#[^\n]*+)*+")
_BLANKS = re.compile(r"[ \t]*+")
_KEY = re.compile(r"""[A-Za-z0-9_-]++|"(?:[^"\\\n]++|\\.)*+"|'[^'\n]*+'""")
_SCALAR = re.compile(
    r'''"""(?:[^"\\]++|\\.|"(?!""))*+"{3,5}|"(?:[^"\\\n]++|\\.)*+"'''
    r"""|'''(?:[^']++|'(?!''))*+'{3,5}|'[^'\n]*+'"""
    # A date and a time may be parted by a blank.
    r"""|[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[^\s,\]}#]++|[^\s,\]}#]++""",
    re.DOTALL,
)
# The library takes the square of its length for a key with many dots. No mapping that a person can read has half as many parts.
_MOST_PARTS = 40
_LONG_KEY = re.compile(rf"""^[ \t]*+\[{{0,2}}(?:[ \t]*+(?:{_KEY.pattern})[ \t]*+\.){{{_MOST_PARTS}}}""", re.MULTILINE)
_LONG_NUMBER = re.compile(r"[0-9_]{4301,}")
_POSITION = re.compile(r" \(at (?:line ([0-9]+), column ([0-9]+)|end of document)\)$")


def read_toml(text: str) -> tuple[Any, Callable[[], Place]]:
    """The values, fractions as Decimals, and how to find their places. Raises `BrokenText`."""
    if key := _LONG_KEY.search(text):
        raise BrokenText("nested too deeply for a mapping: a key of so many parts", key.end() - 1)
    try:
        return tomllib.loads(text, parse_float=fraction), lambda: _scan(text).root
    except RecursionError:
        raise BrokenText("nested too deeply for a mapping", _deepest(text)) from None
    except tomllib.TOMLDecodeError as problem:
        reason = str(problem)
        position = len(text.rstrip())
        if where := _POSITION.search(reason):
            reason = reason[: where.start()]
            if where[1]:
                position = _position(text, int(where[1]), int(where[2]))
        twice = _scan(text[: position + 1]).twice
        if twice is not None and re.search("verwrite|twice|edefine|uplicate|declare|utate", reason):
            path, first, again = twice
            raise BrokenText(f"is there twice, first in line {text.count(chr(10), 0, first) + 1} ({reason})", again, path) from problem
        raise BrokenText(reason, position) from problem
    except ValueError as problem:  # Python reads no integers of more than 4300 digits
        number = _LONG_NUMBER.search(text)
        raise BrokenText("a number of thousands of digits", number.start() if number else 0) from problem


def _position(text: str, line: int, column: int) -> int:
    position = 0
    for _ in range(line - 1):
        position = text.find("\n", position) + 1
    return position + column - 1


def _deepest(text: str) -> int:
    """Where the most lists and tables are opened one after the other."""
    opening = max(re.finditer(r"(?:[\[{]\s*+(?:[\w.-]++[ \t]*+=[ \t]*+)?)++", text), key=lambda run: run.end() - run.start(), default=None)
    return opening.start() if opening else 0


class _Lost(Exception):
    """The scanner met something it does not know."""


class _Scanner:
    def __init__(self, text: str) -> None:
        self.root = Place(0)
        #: The first entry that is there twice: its path, and both positions.
        self.twice: tuple[tuple[Key, ...], int, int] | None = None
        self._text = text
        self._headers: set[int] = set()

    def run(self) -> None:
        text, table = self._text, self.root
        path: tuple[Key, ...] = ()
        position = self._after(_BETWEEN, 0)
        while position < len(text):
            if text[position] == "[":
                table, path, position = self._header(position)
            else:
                position = self._entry(table, path, position)
            position = self._after(_BETWEEN, position)

    def _after(self, pattern: re.Pattern[str], position: int) -> int:
        found = pattern.match(self._text, position)
        if found is None:
            raise _Lost
        return found.end()

    def _keys(self, position: int) -> tuple[list[tuple[str, int]], int]:
        """The parts of a dotted key, each with its position, and the end."""
        keys: list[tuple[str, int]] = []
        while True:
            position = self._after(_BLANKS, position)
            end = self._after(_KEY, position)
            raw = self._text[position:end]
            if raw[0] == '"' and "\\" in raw:
                raw = tomllib.loads(f"key = {raw}")["key"]
            elif raw[0] in "\"'":
                raw = raw[1:-1]
            keys.append((raw, position))
            position = self._after(_BLANKS, end)
            if not self._text.startswith(".", position):
                return keys, position
            position += 1

    def _header(self, position: int) -> tuple[Place, tuple[Key, ...], int]:
        start, brackets = position, 2 if self._text.startswith("[[", position) else 1
        keys, position = self._keys(position + brackets)
        table = self.root
        path: tuple[Key, ...] = ()
        for index, (key, where) in enumerate(keys):
            table, path = table.child(key, where), (*path, key)
            last = index == len(keys) - 1
            if last and brackets == 2:
                path = (*path, len(table.children))
                table = table.child(len(table.children), start)
            elif 0 in table.children:  # [[table]] before: its last one is meant
                path = (*path, len(table.children) - 1)
                table = table.children[len(table.children) - 1]
        if brackets == 1:
            self._once(path, table, keys[-1][1], id(table) in self._headers)
            self._headers.add(id(table))
        return table, path, position + brackets

    def _once(self, path: tuple[Key, ...], place: Place, position: int, twice: bool) -> None:
        if twice and self.twice is None:
            self.twice = path, place.position, position

    def _entry(self, table: Place, path: tuple[Key, ...], position: int) -> int:
        """One ``key = value`` at the top or under a header; the end of it."""
        place, path, position = self._assigned(table, path, position)
        inside: list[tuple[Place, tuple[Key, ...], bool]] = []  # the lists and inline tables around: bool says that it is a list
        while True:
            opening = self._text[position : position + 1]
            if opening in ("[", "{"):
                inside.append((place, path, opening == "["))
                position += 1
            else:
                position = self._after(_SCALAR, position)
            while inside:
                position = self._after(_BETWEEN, position)
                if not self._text.startswith(("]", "}"), position):
                    break
                inside.pop()
                position += 1
            if not inside:
                return position
            place, path, is_list = inside[-1]
            if is_list:
                path = (*path, len(place.children))
                place = place.child(len(place.children), position)
            else:
                place, path, position = self._assigned(place, path, position)

    def _assigned(self, table: Place, path: tuple[Key, ...], position: int) -> tuple[Place, tuple[Key, ...], int]:
        """The place that a ``key =`` is for, and where its value begins."""
        keys, position = self._keys(position)
        for index, (key, where) in enumerate(keys):
            known = key in table.children
            table, path = table.child(key, where), (*path, key)
            self._once(path, table, where, known and index == len(keys) - 1)
        if not self._text.startswith("=", position):
            raise _Lost
        return table, path, self._after(_BLANKS, position + 1)


def _scan(text: str) -> _Scanner:
    scanner = _Scanner(text)
    # Broken text, or newer TOML than this scanner knows: what was found until there holds.
    with contextlib.suppress(_Lost, ValueError):
        scanner.run()
    return scanner
