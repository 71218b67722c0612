"""The mapping as its author wrote it, from a file or as a dict, brought to one plain form, and the hash of that form.

Plain means: dicts, lists, text, whole numbers, bools, dates, times, null, and Decimals for every fraction, because 0.1 in a mapping means one tenth.
What the entries mean is the business of `parsing`.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, NoReturn

from integrakit.errors import ConfigurationError
from integrakit.transform.paths import render

__all__ = ["Where", "content_hash", "headed", "place_name", "plain_tree", "undocumented"]

#: Line and column of an entry by its path in the tree, counted from 1; None where nothing around it can be found.
Where = Callable[[tuple[str | int, ...]], tuple[int, int] | None]

# Deeper than any mapping, and far from the interpreter's own limit.
_DEEPEST = 64
# Far more than a person writes: a bomb of shared lists goes beyond.
_MOST_ENTRIES = 500_000
_LONGEST_NAME = 1_000
_MOST_DIGITS = 1_000
_MOST_BITS = 3_322
_SHOWN, _SHOWN_PARTS = 60, 40
_WITH_FIELDS = ("fields", "cases", "list", "with")


def plain_tree(tree: Any, name: str, where: Where | None = None) -> dict[str, Any]:
    """A copy of the tree in plain form, so that later changes to the caller's dict change nothing. Raises `ConfigurationError`.

    ``where`` finds the lines that messages name. An entry ``$schema`` at the top, which is for editors, is left out.
    """
    if not isinstance(tree, Mapping):
        raise ConfigurationError(f"{name}: a mapping is a tree of dicts (or a file: Mapping.load), not a {type(tree).__name__}")
    content = {key: item for key, item in tree.items() if key != "$schema" or not isinstance(item, str)}
    plain: dict[str, Any] = _Plain(name, where).copy(content, ())
    return plain


def place_name(path: tuple[str | int, ...]) -> str:
    """A place in the tree for a message: ``fields.total.add[1]``, with long names cut."""
    if not path:
        return "the mapping"
    text = render(tuple(_clip(key) if isinstance(key, str) else key for key in path))
    return text if text.isprintable() else "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def headed(name: str, where: Where | None, path: tuple[str | int, ...]) -> str:
    """The name of the mapping with the line of an entry, where it can be found: how a message about that entry begins."""
    found = where(path) if where is not None else None
    return f"{name}:{found[0]}" if found else name


def _clip(name: str) -> str:
    return name if len(name) <= _SHOWN else name[: _SHOWN - 1] + "…"


class _Plain:
    def __init__(self, name: str, where: Where | None) -> None:
        self._name = name
        self._where = where
        self._left = _MOST_ENTRIES

    def _refuse(self, path: tuple[str | int, ...], why: str) -> NoReturn:
        place = f"{place_name(path[:_SHOWN_PARTS])}{'…' * (len(path) > _SHOWN_PARTS)}"
        raise ConfigurationError(f"{headed(self._name, self._where, path)}: {place}: {why}")

    def copy(self, value: Any, path: tuple[str | int, ...]) -> Any:
        self._left -= 1
        if self._left < 0:
            self._refuse(path, f"more than {_MOST_ENTRIES} entries are too many for a mapping")
        if len(path) > _DEEPEST:
            self._refuse(path, "nested too deeply for a mapping")
        if isinstance(value, str):
            return str.__str__(value)
        if isinstance(value, Mapping):
            return self._table(value, path)
        if isinstance(value, list | tuple):
            return [self.copy(item, (*path, index)) for index, item in enumerate(value)]
        if isinstance(value, float):
            if not math.isfinite(value):
                self._refuse(path, f"{float.__repr__(value)} is not a number a mapping can use")
            return Decimal(float.__repr__(value))
        if isinstance(value, Decimal):
            if not value.is_finite():
                self._refuse(path, f"{value} is not a number a mapping can use")
            if len(value.as_tuple().digits) > _MOST_DIGITS:
                self._refuse(path, f"a number of more than {_MOST_DIGITS} digits")
            return value
        if isinstance(value, int) and value.bit_length() > _MOST_BITS:
            self._refuse(path, f"a number of more than {_MOST_DIGITS} digits")
        if value is not None and not isinstance(value, bool | int | datetime | date | time):
            self._refuse(path, f"a {type(value).__name__} cannot be part of a mapping: text, numbers, bools, dates, lists and dicts can")
        return value

    def _table(self, value: Mapping[Any, Any], path: tuple[str | int, ...]) -> dict[str, Any]:
        table: dict[str, Any] = {}
        for key, item in value.items():
            # In files names are always text; a dict may spell the 1 of a lookup as a number.
            text = _key(key) if path[:1] == ("lookups",) and len(path) == 2 else key
            if not isinstance(text, str):
                self._refuse(path, f"a name must be text, not {type(key).__name__}")
            text = str.__str__(text)
            if len(text) > _LONGEST_NAME:
                self._refuse((*path, text), f"a name of {len(text)} characters is too long (at most {_LONGEST_NAME})")
            if text in table:
                self._refuse(path, f"{place_name((text,))} is there twice, as text and as something else")
            table[text] = self.copy(item, (*path, text))
        return table


def _key(key: Any) -> Any:
    if isinstance(key, bool):
        return "true" if key else "false"
    return str(key) if isinstance(key, int) else key


def undocumented(tree: dict[str, Any]) -> dict[str, Any]:
    """The tree without what it tells people in ``doc``: what it does, and what its version is a hash of."""
    return {key: _fields(item) if key == "fields" else item for key, item in tree.items() if key != "doc"}


def _fields(fields: Any) -> Any:
    return {name: _rule(rule) for name, rule in fields.items()} if isinstance(fields, dict) else fields


def _rule(rule: Any) -> Any:
    if not isinstance(rule, dict):
        return rule
    # Objects with fields of their own stand under ``fields``, and among the operands of a few kinds.
    parts = {key: [_rule(part) for part in item] if isinstance(item, list) else _fields(item) for key, item in rule.items() if key in _WITH_FIELDS}
    rest = {key: item for key, item in {**rule, **parts}.items() if key != "doc"}
    # A path alone is the same rule in both of its spellings, and only the one can have a doc.
    return rest["from"] if rest.keys() == {"from"} else rest


def content_hash(tree: dict[str, Any]) -> str:
    """12 hex digits that change with the content of the tree, and not with the order of its keys."""
    text = json.dumps(tree, sort_keys=True, separators=(",", ":"), default=lambda value: {"$": type(value).__name__, "v": str(value)})
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
