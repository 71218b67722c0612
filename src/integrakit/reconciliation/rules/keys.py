"""Which record is which: keys read from records, made comparable, and checked.

A key is the canonical value of its one field, or a tuple of them for a composite. Values of different types never make the same key. A key with a
null, absent or not-a-number part identifies nothing: it is reported and never joined.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from attrs import define, field, has

from integrakit.reconciliation.rules.cells import cell_as
from integrakit.reconciliation.rules.columns import Row, column
from integrakit.reconciliation.rules.spec import Key
from integrakit.reconciliation.rules.values import NAN, Incomparable, attributes, canonical, category
from integrakit.unset import UNSET

__all__ = ["Keyed", "Reading", "order_of", "rows_of"]

_NO_KEY = (None, UNSET, NAN)
#: Categories whose canonical values have an order, in the order they are sorted among each other.
_ORDERED = ("bool", "number", "date", "naive", "instant", "time", "time with offset", "timedelta", "text", "bytes", "uuid")
_RANK = {name: rank for rank, name in enumerate(_ORDERED)}


def rows_of(records: Sequence[Any]) -> tuple[Sequence[Row], list[tuple[Any, str]]]:
    """Records as plain dicts, and what is no record at all, each with the reason. Dicts are handed on as they are."""
    if set(map(type, records)) == {dict}:
        return records, []
    rows: list[Row] = []
    invalid: list[tuple[Any, str]] = []
    for record in records:
        if isinstance(record, Mapping):
            rows.append(dict(record))
        elif not isinstance(record, type) and has(type(record)):
            rows.append(attributes(record))
        else:
            invalid.append((record, f"a record is a dict or an attrs instance, not a {type(record).__name__}"))
    return rows, invalid


@define
class Keyed:
    """Records with their keys, side by side, and those that have none: null keys and keys that cannot be read."""

    keys: list[Hashable] = field(factory=list)
    rows: list[Row] = field(factory=list)
    null: list[Row] = field(factory=list)
    invalid: list[tuple[Any, str]] = field(factory=list)


class Reading:
    """How keys are read on one side. ``kinds`` collects, for each part, the categories met; `coerce` says what untyped text is to be read as."""

    def __init__(self, key: Key, side: int, *, untyped: bool) -> None:
        self.names = key.right if side else key.names
        self.kinds: tuple[set[str], ...] = tuple(set() for _ in self.names)
        self._normalise = key.normalise
        self._untyped = untyped
        self._targets: tuple[str | None, ...] = (None,) * len(self.names)

    def coerce(self, other: Reading) -> None:
        """Untyped text is read as what the other side's keys are, part by part, where those are all of one kind."""
        if self._untyped and not other._untyped:
            self._targets = tuple(next(iter(kinds)) if len(kinds) == 1 and "text" not in kinds else None for kinds in other.kinds)

    def raw(self, row: Row) -> Any:
        """The key as the record has it: a value, or a tuple of them."""
        parts = tuple(row.get(name) for name in self.names)
        return parts[0] if len(parts) == 1 else parts

    def read(self, rows: Sequence[Row]) -> Keyed:
        """The keys of some records, in their order."""
        if not rows:
            return Keyed()
        if len(self.names) == 1 and self._normalise is None and self._targets == (None,):
            values = column(rows, self.names[0])
            kinds = set(map(type, values))
            if kinds == {str} or kinds == {int}:
                self.kinds[0].add("text" if kinds == {str} else "number")
                return Keyed(keys=values, rows=rows if type(rows) is list else list(rows))
        return self._read_one_by_one(rows)

    def _read_one_by_one(self, rows: Sequence[Row]) -> Keyed:
        keyed = Keyed()
        columns = [column(rows, name) for name in self.names]
        for row, *values in zip(rows, *columns, strict=True):
            try:
                parts = tuple(map(self._part, range(len(values)), values))
            except Incomparable as problem:
                keyed.invalid.append((row, f"its key cannot be read: {problem}"))
                continue
            if any(part in _NO_KEY for part in parts):
                keyed.null.append(row)
                continue
            for kinds, part in zip(self.kinds, parts, strict=True):
                kinds.add(category(part))
            keyed.keys.append(parts[0] if len(parts) == 1 else parts)
            keyed.rows.append(row)
        return keyed

    def _part(self, index: int, value: Any) -> Hashable:
        target = self._targets[index]
        if target is not None and type(value) is str:
            value = cell_as(value, target)
        if self._normalise is not None and value is not None and value is not UNSET:
            try:
                value = self._normalise(value)
            except Exception as problem:  # the user's function makes one record invalid, with its reason, and the others go on
                raise Incomparable(f"normalise= failed on a {type(value).__name__}: {type(problem).__name__}: {problem}") from problem
        return canonical(value)

    @property
    def ordered(self) -> bool:
        """Whether all keys met so far can be put in one order by plain comparison."""
        return all(len(kinds) <= 1 and kinds <= _RANK.keys() for kinds in self.kinds)


def order_of(key: Hashable, parts: int) -> tuple[Any, ...]:
    """A sort key for keys of mixed kinds: by kind, then by value where the kind has an order."""
    found: list[Any] = []
    for part in key if parts > 1 and isinstance(key, tuple) else (key,):
        rank = _RANK.get(category(part))
        found += (len(_RANK), repr(part)) if rank is None else (rank, part)
    return tuple(found)
