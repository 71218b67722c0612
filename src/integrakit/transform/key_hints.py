"""Which key of an object, or of a table, was probably meant, where one is not there. For messages of the careful pass: keys alone, never values.

A record may have a million lines that lack the same key: what was worked out for one is kept for the others, and only so much is worked out at all.
"""

from __future__ import annotations

from itertools import islice
from typing import Any

from integrakit.transform.lookups import Lookup
from integrakit.transform.misfit import excerpt
from integrakit.transform.paths import Path, render
from integrakit.transform.wording import closest

__all__ = ["KeyHints", "lookup_hint"]

_MOST_KEYS = 200
_LONGEST_KEY = 60
_MOST_ENTRIES = 1000
#: Different misses of one record that are looked at.
_MOST_MISSES = 20


class KeyHints:
    """The hints of one record."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, tuple[str, ...]], str] = {}

    def of(self, key: Any, container: Any, record: Any) -> str:
        """The end of the sentence "is missing". ``record``: the whole record, where the key was looked for in something inside of it."""
        if type(key) is not str or len(key) > _LONGEST_KEY or type(container) is not dict:
            return ""
        names = _names(container)
        found = self._known.get((key, names))
        if found is None:
            found = "" if len(self._known) >= _MOST_MISSES else _close(key, names)
            if len(self._known) < _MOST_MISSES:
                self._known[key, names] = found
        if not found and type(record) is dict and key in _names(record):
            return f": did you mean {Path((key,), root=True)}, which is read from the whole record?"
        return found


def _names(container: dict[Any, Any]) -> tuple[str, ...]:
    return tuple(key for key in islice(container, _MOST_KEYS) if type(key) is str and len(key) <= _LONGEST_KEY)


def _close(key: str, names: tuple[str, ...]) -> str:
    name = closest(key, names)
    return "" if name is None else f": did you mean {render((name,))}?"


def lookup_hint(lookup: Lookup, value: Any) -> str:
    """The end of a sentence about a text that is not in a table, where it would be but for capitals or blanks around it."""
    if type(value) is not str or len(value) > _LONGEST_KEY:
        return ""
    plain = value.strip().casefold()
    for entry in islice(lookup.table.entries() or (), _MOST_ENTRIES):
        if type(entry.key) is str and entry.key.strip().casefold() == plain and entry.key != value:
            return f", and {excerpt(entry.key)} is: {_how(value, entry.key, lookup.name)}"
    return ""


def _how(value: str, key: str, table: str) -> str:
    if value.strip() == key.strip():
        return 'apply = ["strip"] takes blanks away' if value.strip() == key else f"strip = true in [tables.{table}] takes blanks away"
    # The function that makes such a text of any.
    function = next((name for name in ("lower", "upper", "title") if getattr(key, name)() == key), "")
    folded = f"ignore_case = true in [tables.{table}]"
    return f'apply = ["{function}"] finds it, or {folded}' if function else f"{folded} finds it"
