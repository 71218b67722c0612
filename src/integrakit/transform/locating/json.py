"""JSON: strict values by the standard library, and where they stand by a scanner over the tokens. A name may be there only once in an object."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from attrs import define

from integrakit.transform.locating.places import BrokenText, Key, Place, fraction

__all__ = ["read_json"]

_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"|[{}\[\]:,]|[^\s{}\[\]:,"]++', re.DOTALL)
_LONGEST_INT = 1000
_TOP: tuple[Key, ...] = ()


def _whole(text: str) -> int | Decimal:
    return int(text) if len(text) <= _LONGEST_INT else Decimal(text)


def read_json(text: str) -> tuple[Any, Callable[[], Place]]:
    """The values, fractions as Decimals, and how to find their places. Raises `BrokenText`."""
    repeated = 0

    def table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal repeated
        result = dict(pairs)
        repeated += len(pairs) - len(result)
        return result

    try:
        tree = json.loads(text, object_pairs_hook=table, parse_float=fraction, parse_int=_whole, parse_constant=fraction)
    except RecursionError:
        raise BrokenText("nested too deeply for a mapping", max(text.find("[["), 0)) from None
    except json.JSONDecodeError as problem:
        comment = ": JSON has no comments" if text.startswith(("//", "/*", "#"), problem.pos) else ""
        raise BrokenText(problem.msg + comment, problem.pos) from problem
    if repeated:
        path, first, again = _scan(text)[1] or ((), 0, 0)
        raise BrokenText(f"is there twice, first in line {text.count(chr(10), 0, first) + 1}", again, path)
    return tree, lambda: _scan(text)[0]


@define
class _Inside:
    """An object or list that is open: ``index`` counts the items of a list, ``entry`` is the name in an object whose value comes next."""

    place: Place
    path: tuple[Key, ...]
    #: None in an object.
    index: int | None
    entry: str | None = None

    def key(self) -> Key:
        """Of the value that comes next."""
        return self.index if self.entry is None and self.index is not None else self.entry or ""


def _scan(text: str) -> tuple[Place, tuple[tuple[Key, ...], int, int] | None]:
    """The places in a valid text, and the first name that is there twice: its path and both positions."""
    root = Place(0)
    twice: tuple[tuple[Key, ...], int, int] | None = None
    inside: list[_Inside] = []
    for token in _TOKEN.finditer(text):
        position = token.start()
        mark = text[position]
        around = inside[-1] if inside else None
        if mark in "]}":
            inside.pop()
        elif mark == "," and around is not None:
            around.entry = None
            if around.index is not None:
                around.index += 1
        elif mark in ",:":
            continue
        elif around is not None and around.index is None and around.entry is None:
            name: str = json.loads(token[0])
            around.entry = name
            known = around.place.children.get(name)
            if known is not None and twice is None:
                twice = (*around.path, name), known.position, position
            around.place.child(name, position)
        else:
            place, path = root, _TOP
            if around is not None:
                path = (*around.path, around.key())
                place = around.place.child(around.key(), position)
            if mark in "[{":
                inside.append(_Inside(place, path, 0 if mark == "[" else None))
    return root, twice
