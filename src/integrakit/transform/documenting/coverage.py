"""What a mapping makes of real records: which source fields it never uses, what its lookups miss, which conditions never hold, what comes out alike.

Memory is bounded by the number of distinct paths and values, and both have a limit: keys that are data (ids as keys) end as ``truncated``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import Factory, define, frozen

from integrakit.errors import ConfigurationError
from integrakit.model import Record
from integrakit.transform.careful import CarefulPass
from integrakit.transform.containers import as_record
from integrakit.transform.documenting.conditions import CountedConditions
from integrakit.transform.documenting.rows import pattern, shown
from integrakit.transform.documenting.seeing import Pattern, SeenFields
from integrakit.transform.documenting.yielding import Yields
from integrakit.transform.lookups import Table
from integrakit.transform.lookups.showing import never_found
from integrakit.transform.misfit import article
from integrakit.transform.rules import Field, sources

__all__ = ["Coverage", "cover"]

_MOST_MISSES = 1000
#: The same value so often is worth a word.
_LEAST_CONSTANT = 10
_SHOWN = 20

_NUMBER = re.compile(r"(\"(?:[^\"\\]|\\.)*\")|\[-?[0-9]+\]", re.DOTALL)


@frozen(kw_only=True)
class Coverage:
    """The findings. Source paths have ``[]`` for "any item of the list", and so have target fields; numbers count how often.

    Of the target only records count that the mapping does not refuse.
    """

    #: Records read, and how many of them the mapping refuses.
    records: int
    failed: int
    #: Source fields that were met, objects and lists with something in them left out; and how many of them a rule reads.
    fields_seen: int
    fields_used: int
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
    #: Of these: number of records in which it became null instead, as ``on_error = "null"`` says.
    nulled: Mapping[str, int]
    #: Lookup → entries of its table that no record needed; of a table that no rule uses, all.
    never_looked_up: Mapping[str, tuple[str, ...]]
    #: Target field → the conditions in its rule (``when``, ``where``, cases) that were true for no record.
    never_held: Mapping[str, tuple[str, ...]]
    #: Target fields that were left out every time, and those that were null whenever they were there.
    always_missing: Mapping[str, int]
    always_null: Mapping[str, int]
    #: Target field → the one value that it had in ten cases or more, although its rule is no constant.
    constant: Mapping[str, str]
    #: True when there were more distinct paths or values than are kept.
    truncated: bool

    def __str__(self) -> str:
        lines = [f"{self.records} records, {self.failed} of them refused"]
        if self.fields_seen:
            lines.append(f"used {self.fields_used} of {self.fields_seen} source fields ({100 * self.fields_used // self.fields_seen} %)")
        lines += _section("never used", self.unused)
        lines += _section("did not fit", self.errors)
        lines += _section("null because it did not fit", self.nulled)
        for lookup, values in self.missed.items():
            lines += _section(f"not in lookup {lookup!r}", values)
        for lookup, entries in self.never_looked_up.items():
            lines += _listed(f"never looked up in {lookup!r}", entries)
        lines += _section("conditions that never held", {field: "; ".join(texts) for field, texts in self.never_held.items()})
        lines += _section("always left out", self.always_missing)
        lines += _section("always null", self.always_null)
        lines += _section("always the same", self.constant)
        lines += _section("null", self.nulls)
        mixed = {path: ", ".join(f"{kind} {count}" for kind, count in kinds.items()) for path, kinds in self.types.items() if len(kinds) > 1}
        lines += _section("of several types", mixed)
        if self.truncated:
            lines.append("there was more than could be kept: some paths or values are not listed")
        return "\n".join(lines)


def _listed(title: str, entries: tuple[str, ...]) -> list[str]:
    more = f", … and {len(entries) - _SHOWN} more" if len(entries) > _SHOWN else ""
    return [f"{title}:", f"  {_line(', '.join(entries[:_SHOWN]))}{more}"]


def _section(title: str, entries: Mapping[str, Any]) -> list[str]:
    if not entries:
        return []
    shown = [_line(f"  {name}: {count}") for name, count in list(entries.items())[:_SHOWN]]
    return [f"{title}:", *shown, *([f"  … and {len(entries) - _SHOWN} more"] if len(entries) > _SHOWN else [])]


def _line(text: str) -> str:
    # A name out of a record may hold anything, and this is printed.
    return text if text.isprintable() else "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


@define
class _Noted:
    """What the careful pass says, over all records."""

    missed: dict[str, Counter[str]] = Factory(dict)
    found: set[tuple[str, Any]] = Factory(set)
    errors: Counter[str] = Factory(Counter)
    nulled: Counter[str] = Factory(Counter)
    truncated: bool = False

    def note(self, careful: CarefulPass) -> None:
        # A dict keeps their order, which a set would not: the same records give the same report.
        self.errors.update(dict.fromkeys((_any_item(error.target) for error in (*careful.errors, *careful.nulled)), 1))
        self.nulled.update(dict.fromkeys((_any_item(error.target) for error in careful.nulled), 1))
        self.found |= careful.found
        for (lookup, value), count in careful.missed.items():
            values = self.missed.setdefault(lookup, Counter())
            if value in values or len(values) < _MOST_MISSES:
                values[value] += count
            else:
                self.truncated = True


def cover(fields: tuple[Field, ...], records: Iterable[Record], tables: Mapping[str, Table]) -> Coverage:
    """Runs the careful pass over every record and walks the records themselves; then says what was never needed of the tables."""
    if not isinstance(records, Iterable) or isinstance(records, str | bytes | Mapping):
        raise ConfigurationError(f"coverage(records) takes an iterable of records, not {article(records)}")
    noted, seen, yields, conditions = _Noted(), SeenFields(), Yields(), CountedConditions()
    counted = conditions.fields(fields)
    total = failed = 0
    for record in records:
        total += 1
        careful = CarefulPass()
        result = careful.run(counted, record)
        failed += bool(careful.errors)
        noted.note(careful)
        if not careful.errors:
            yields.note(fields, result)
        if not any(error.path == "." for error in careful.errors):
            seen.walk(as_record(record))
    spare = {name: never_found(table, {entry for lookup, entry in noted.found if lookup == name}, _MOST_MISSES) for name, table in tables.items()}
    reading = _Reading.of(fields)
    leaves = seen.leaves()
    return Coverage(
        records=total,
        failed=failed,
        fields_seen=len(leaves),
        fields_used=sum(map(reading.uses, leaves)),
        unused={shown(path): sum(counts.values()) for path, counts in seen.types.items() if reading.passes_by(path)},
        nulls={shown(path): counts["null"] for path, counts in seen.types.items() if counts["null"]},
        types={shown(path): dict(counts) for path, counts in seen.types.items()},
        missed={lookup: dict(values.most_common()) for lookup, values in noted.missed.items()},
        errors=dict(noted.errors.most_common()),
        nulled=dict(noted.nulled.most_common()),
        never_looked_up={name: entries for name, entries in spare.items() if entries and total},
        never_held={shown(path): texts for path, texts in conditions.never_held().items() if total},
        always_missing={shown(path): count for path, count in yields.always_missing().items()},
        always_null={shown(path): count for path, count in yields.always_null().items()},
        constant={shown(path): text for path, text in yields.constant(_LEAST_CONSTANT).items()},
        truncated=noted.truncated or seen.truncated or any(len(entries) >= _MOST_MISSES for entries in spare.values()),
    )


@frozen
class _Reading:
    """What a mapping reads: whole, with all that is inside, and what it only passes through."""

    whole: frozenset[Pattern]
    passed: frozenset[Pattern]

    @classmethod
    def of(cls, fields: tuple[Field, ...]) -> _Reading:
        found = [(pattern(path), whole) for field in fields for path, whole in sources(field.rule)]
        passed = frozenset(path[:depth] for path, whole in found for depth in range(len(path) + (not whole)))
        return cls(frozenset(path for path, whole in found if whole), passed)

    def uses(self, path: Pattern) -> bool:
        return path in self.passed or any(path[:depth] in self.whole for depth in range(len(path) + 1))

    def passes_by(self, path: Pattern) -> bool:
        """It is not used, and what is around it is."""
        return not self.uses(path) and (len(path) == 1 or path[:-1] in self.passed)


def _any_item(target: str) -> str:
    return _NUMBER.sub(lambda found: found[1] or "[]", target)
