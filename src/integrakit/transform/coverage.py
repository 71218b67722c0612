"""What a mapping makes of real records: which source fields it never uses, what its lookups miss, where nulls are, which types come.

Memory is bounded by the number of distinct paths and values, and both have a limit: keys that are data (ids as keys) end as ``truncated``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attrs import Factory, define, frozen

from integrakit.errors import ConfigurationError
from integrakit.model import Record
from integrakit.transform.careful import CarefulPass
from integrakit.transform.containers import as_record
from integrakit.transform.misfit import article, excerpt
from integrakit.transform.paths import Segment, render
from integrakit.transform.rules import Field, sources
from integrakit.unset import UNSET

__all__ = ["Coverage", "cover"]

_MOST_PATHS = 5000
_MOST_MISSES = 1000
_DEEPEST = 32
_SHOWN = 20

_Pattern = tuple[Segment, ...]


@frozen(kw_only=True)
class Coverage:
    """The findings. Paths are those of the source, with ``[]`` for "any item of the list"; numbers count how often."""

    #: Records read, and how many of them the mapping refuses.
    records: int
    failed: int
    #: Source fields that no rule reads. Of an object that is never read only the object itself is named.
    unused: Mapping[str, int]
    #: Source fields that were null.
    nulls: Mapping[str, int]
    #: Source field → type → count.
    types: Mapping[str, Mapping[str, int]]
    #: Lookup → value that is not in its table → count, whatever ``otherwise`` says.
    missed: Mapping[str, Mapping[str, int]]
    #: Target field → number of records in which it did not fit.
    errors: Mapping[str, int]
    #: True when there were more distinct paths or values than are kept.
    truncated: bool

    def __str__(self) -> str:
        lines = [f"{self.records} records, {self.failed} of them refused"]
        lines += _section("never used", self.unused)
        lines += _section("did not fit", self.errors)
        for lookup, values in self.missed.items():
            lines += _section(f"not in lookup {lookup!r}", values)
        lines += _section("null", self.nulls)
        mixed = {path: ", ".join(f"{kind} {count}" for kind, count in kinds.items()) for path, kinds in self.types.items() if len(kinds) > 1}
        lines += _section("of several types", mixed)
        if self.truncated:
            lines.append("there was more than could be kept: some paths or values are not listed")
        return "\n".join(lines)


def _section(title: str, entries: Mapping[str, Any]) -> list[str]:
    if not entries:
        return []
    shown = [f"  {name}: {count}" for name, count in list(entries.items())[:_SHOWN]]
    return [f"{title}:", *shown, *([f"  … and {len(entries) - _SHOWN} more"] if len(entries) > _SHOWN else [])]


@define
class _Seen:
    types: dict[_Pattern, Counter[str]] = Factory(dict)
    missed: dict[str, Counter[str]] = Factory(dict)
    errors: Counter[str] = Factory(Counter)
    truncated: bool = False

    def note(self, pattern: _Pattern, value: Any) -> None:
        counts = self.types.get(pattern)
        if counts is None:
            if len(self.types) >= _MOST_PATHS:
                self.truncated = True
                return
            counts = self.types[pattern] = Counter()
        counts["null" if value is None else type(value).__name__] += 1

    def miss(self, lookup: str, value: str, count: int) -> None:
        values = self.missed.setdefault(lookup, Counter())
        if value in values or len(values) < _MOST_MISSES:
            values[value] += count
        else:
            self.truncated = True


def _walk(record: Any, seen: _Seen) -> None:
    # A stack of its own, because a record may be nested deeper than Python can call.
    stack: list[tuple[_Pattern, Any]] = [((), record)]
    while stack:
        pattern, value = stack.pop()
        if value is UNSET:
            continue
        if pattern:
            seen.note(pattern, value)
        if len(pattern) >= _DEEPEST:
            seen.truncated = seen.truncated or isinstance(value, dict | list | tuple)
        elif isinstance(value, Mapping):
            stack.extend(((*pattern, key if isinstance(key, str) else excerpt(key)), item) for key, item in reversed(_entries(value, seen)))
        elif isinstance(value, list | tuple):
            stack.extend(((*pattern, -1), item) for item in reversed(value))


def _entries(value: Mapping[Any, Any], seen: _Seen) -> list[tuple[Any, Any]]:
    try:
        return list(dict(value).items())
    except Exception:  # noqa: BLE001 - an object that cannot be read has its errors noted already; here it is only incomplete
        seen.truncated = True
        return []


def cover(fields: tuple[Field, ...], records: Iterable[Record]) -> Coverage:
    """Runs the careful pass over every record and walks the records themselves."""
    if not isinstance(records, Iterable) or isinstance(records, str | bytes | Mapping):
        raise ConfigurationError(f"coverage(records) takes an iterable of records, not {article(records)}")
    seen = _Seen()
    total = failed = 0
    for record in records:
        total += 1
        careful = CarefulPass()
        careful.run(fields, record)
        failed += bool(careful.errors)
        seen.errors.update({_shown_text(error.target) for error in careful.errors})
        for (lookup, value), count in careful.missed.items():
            seen.miss(lookup, value, count)
        if not any(error.path == "." for error in careful.errors):
            _walk(as_record(record), seen)
    unused = {_shown(pattern): sum(seen.types[pattern].values()) for pattern in _unused(fields, seen.types)}
    return Coverage(
        records=total,
        failed=failed,
        unused=unused,
        nulls={_shown(pattern): counts["null"] for pattern, counts in seen.types.items() if counts["null"]},
        types={_shown(pattern): dict(counts) for pattern, counts in seen.types.items()},
        missed={lookup: dict(values.most_common()) for lookup, values in seen.missed.items()},
        errors=dict(seen.errors.most_common()),
        truncated=seen.truncated,
    )


def _unused(fields: tuple[Field, ...], patterns: Iterable[_Pattern]) -> Iterator[_Pattern]:
    found = [(tuple(-1 if isinstance(part, int) else part for part in path), whole) for field in fields for path, whole in sources(field.rule)]
    read = {path for path, whole in found if whole}
    walked = {path[:depth] for path, whole in found for depth in range(len(path) + (not whole))}
    for pattern in patterns:
        below = any(pattern[:depth] in read for depth in range(len(pattern) + 1))
        if not below and pattern not in walked and (len(pattern) == 1 or pattern[:-1] in walked):
            yield pattern


def _shown(pattern: _Pattern) -> str:
    return render(pattern).replace("[-1]", "[]")


def _shown_text(target: str) -> str:
    head, *rest = target.split("[")
    return head + "".join("[]" + part.partition("]")[2] for part in rest)
