"""What is in records, path by path: how often a field was there, and with which types. Bounded: by the number of paths, and never by the records.

A record may be hostile: nested deeper than Python can call, with ids as keys, with a list of millions. Nothing of it is kept but paths and counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from attrs import Factory, define

from integrakit.transform.misfit import excerpt
from integrakit.transform.paths import Segment
from integrakit.unset import UNSET

__all__ = ["Pattern", "SeenFields"]

#: A path with -1 for any item of a list.
Pattern: TypeAlias = tuple[Segment, ...]

_MOST_PATHS = 5000
_DEEPEST = 32
_LONGEST_NAME = 1000


@define
class SeenFields:
    """Every path that was met → type → how often."""

    types: dict[Pattern, Counter[str]] = Factory(dict)
    #: True where there were more, or deeper ones, than are kept, or what could not be read.
    truncated: bool = False

    def walk(self, record: Any) -> None:
        """Notes all that is in a record."""
        # A stack of its own instead of calls, and of iterators instead of items: a list of millions is not copied.
        stack: list[Iterator[tuple[Pattern, Any]]] = [iter([((), record)])]
        while stack:
            found = next(stack[-1], None)
            if found is None:
                stack.pop()
                continue
            pattern, value = found
            if value is UNSET:
                continue
            known = not pattern or self._note(pattern, value)
            if isinstance(value, Mapping | list | tuple):
                if len(pattern) >= _DEEPEST or not known:
                    self.truncated = True
                elif isinstance(value, Mapping):
                    stack.append(self._entries(pattern, value))
                else:
                    below = (*pattern, -1)
                    stack.append((below, item) for item in value)

    def _note(self, pattern: Pattern, value: Any) -> bool:
        counts = self.types.get(pattern)
        if counts is None:
            if len(self.types) >= _MOST_PATHS:
                self.truncated = True
                return False
            counts = self.types[pattern] = Counter()
        counts["null" if value is None else type(value).__name__] += 1
        return True

    def _entries(self, pattern: Pattern, value: Mapping[Any, Any]) -> Iterator[tuple[Pattern, Any]]:
        if type(value) is not dict:
            try:
                value = dict(value)
            except Exception:  # noqa: BLE001 - an object that cannot be read has its errors noted already; here it is only incomplete
                self.truncated = True
                return
        for key, item in value.items():
            yield (*pattern, str.__str__(key)[:_LONGEST_NAME] if isinstance(key, str) else excerpt(key)), item

    def leaves(self) -> list[Pattern]:
        """The paths below which nothing was ever found."""
        around = {pattern[:-1] for pattern in self.types}
        return [pattern for pattern in self.types if pattern not in around]
