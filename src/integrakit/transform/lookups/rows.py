"""From rows to a table: the columns that are its keys, values and days, and every mistake in the rows. Where rows come from is not known here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any, NoReturn

from attrs import define, field

from integrakit.transform.containers import as_record
from integrakit.transform.lookups.copying import copied
from integrakit.transform.lookups.dated import DatedTable, Periods
from integrakit.transform.lookups.days import boundary, day_after, spelled_period
from integrakit.transform.lookups.declared import Declared
from integrakit.transform.lookups.plain import PlainTable, shown_key
from integrakit.transform.misfit import Misfit, article, excerpt
from integrakit.transform.wording import did_you_mean
from integrakit.unset import UNSET

__all__ = ["MOST_ROWS", "row_table"]

#: An iterable without an end must not fill the memory.
MOST_ROWS = 10_000_000


def row_table(rows: Iterable[tuple[int, Any]], declared: Declared, *, origin: str, lines: bool = False) -> PlainTable | DatedTable:
    """The table of numbered rows. ``lines``: they are those of a file, whose cells are text. Raises `Misfit`, and whatever iterating raises."""
    return _Builder(declared, origin, "line" if lines else "row").build(rows)


@define
class _Period:
    since: date
    until: date | None
    value: Any
    number: int

    def __str__(self) -> str:
        return spelled_period(None if self.since == date.min else self.since, self.until)


@define
class _Builder:
    declared: Declared
    origin: str
    unit: str
    spellings: dict[Any, Any] = field(factory=dict)
    #: Every column that a row had, in the order they came.
    seen: dict[str, None] = field(factory=dict)
    #: Where each key was first, in the order of the keys.
    numbers: list[int] = field(factory=list)

    def build(self, rows: Iterable[tuple[int, Any]]) -> PlainTable | DatedTable:
        found: dict[Any, Any] = {}
        add = self._add_period if self.declared.dated else self._add
        key_of, value_of, typed = self._key_reader(), self._value_reader(), self.declared.types
        count = 0
        for number, given in rows:
            count += 1
            if count > MOST_ROWS:
                raise Misfit(f"has more than {MOST_ROWS} rows, too many for a table in memory: look it up with a function")
            row = given if type(given) is dict else self._opened(given, number)
            if row.keys() != self.seen.keys():
                self._note_columns(row, number)
            if typed:
                row = self._typed(row, number)
            add(found, key_of(row, number), value_of(row, number), row, number)
        self._check_columns(count)
        declared = self.declared
        about = (declared.keys, self.origin, self._value_columns(), self.spellings, declared.value if isinstance(declared.value, str) else "")
        if not declared.dated:
            return PlainTable(found, *about)
        return DatedTable({key: self._joined(key, periods) for key, periods in found.items()}, *about)

    def refuse(self, number: int, why: str, cause: Exception | None = None) -> NoReturn:
        raise Misfit(f"{self.unit} {number}: {why}") from cause

    # ---------------------------------------------------------------- rows

    def _opened(self, given: Any, number: int) -> dict[Any, Any]:
        row = dict(given) if isinstance(given, Mapping) else as_record(given)
        if not isinstance(row, dict):
            self.refuse(number, f"a row is an object of columns, not {article(given)}")
        return row

    def _note_columns(self, row: dict[Any, Any], number: int) -> None:
        for name in row:
            if not isinstance(name, str):
                self.refuse(number, f"the name of a column is text, not {article(name)}")
            self.seen[name] = None

    def _check_columns(self, count: int) -> None:
        """A misspelt column that may be left out would otherwise be one that always is."""
        if count:
            for option, column in self.declared.columns():
                if column not in self.seen:
                    raise Misfit(f"{option}: no row has a column {column!r}{did_you_mean(column, self.seen)}")

    def _typed(self, row: dict[str, Any], number: int) -> dict[str, Any]:
        row = dict(row)
        for column, conversion in self.declared.types.items():
            value = row.get(column)
            if value is None or (isinstance(value, str) and not value.strip()):
                if column in row:
                    row[column] = None
                continue
            try:
                row[column] = conversion.convert(value)
            except (Misfit, ArithmeticError) as problem:
                why = str(problem) if isinstance(problem, Misfit) else f"{excerpt(value)} has too many digits"
                self.refuse(number, f"column {column!r}: {why}", problem)
        return row

    def _cell(self, row: dict[str, Any], column: str, number: int) -> Any:
        value = row.get(column, UNSET)
        if value is UNSET:
            self.refuse(number, f"has no column {column!r}{did_you_mean(column, [name for name in row if isinstance(name, str)])}")
        return value

    # ---------------------------------------------------------------- what the columns mean

    def _key_reader(self) -> Callable[[dict[str, Any], int], Any]:
        keys, spellings = self.declared.keys, self.spellings
        exact, single = keys.exact, keys.columns[0] if keys.parts == 1 else None

        def read(row: dict[str, Any], number: int) -> Any:
            if single is not None and exact:
                value = row.get(single)
                if type(value) is str and value and not value.isspace():
                    return value
            cells = [self._cell(row, column, number) for column in keys.columns]
            for column, cell in zip(keys.columns, cells, strict=True):
                if cell is None or (isinstance(cell, str) and not cell.strip() and self.unit == "line"):
                    self.refuse(number, f"the key {column!r} is {'null' if cell is None else 'empty'}")
            value = cells if single is None else cells[0]
            try:
                key = keys.of(value)
                if not exact:
                    spelt = keys.spelt(value)
                    if spelt != key:
                        spellings.setdefault(key, spelt)
            except Misfit as problem:
                self.refuse(number, f"the key {', '.join(map(repr, keys.columns))}: {problem}", problem)
            return key

        return read

    def _value_reader(self) -> Callable[[dict[str, Any], int], Any]:
        wanted = self.declared.value
        if isinstance(wanted, str):

            def read(row: dict[str, Any], number: int) -> Any:
                value = row.get(wanted)
                return value if type(value) is str else copied(self._cell(row, wanted, number))

            return read
        if wanted is None:
            return lambda row, number: copied({name: cell for name, cell in row.items() if cell is not UNSET})
        return lambda row, number: {column: copied(self._cell(row, column, number)) for column in wanted}

    def _value_columns(self) -> tuple[str, ...]:
        wanted = self.declared.value
        return () if isinstance(wanted, str) else tuple(name for name in self.seen if name) if wanted is None else wanted

    # ---------------------------------------------------------------- entries

    def _add(self, found: dict[Any, Any], key: Any, value: Any, row: dict[str, Any], number: int) -> None:
        if key in found:
            if not _same(found[key], value):
                before = self.numbers[list(found).index(key)]
                self.refuse(number, f"the key {shown_key(key)} is in {self.unit} {before} already, with another value")
            return
        found[key] = value
        self.numbers.append(number)

    def _add_period(self, found: dict[Any, list[_Period]], key: Any, value: Any, row: dict[str, Any], number: int) -> None:
        declared = self.declared
        since, until = self._day(row, declared.since, number), self._day(row, declared.until, number)
        if until is not None and declared.through:
            until = day_after(until)
        period = _Period(since or date.min, until, value, number)
        if until is not None and until <= period.since:
            self.refuse(number, f"the entry of {shown_key(key)} holds on no day: {period}")
        found.setdefault(key, []).append(period)

    def _joined(self, key: Any, periods: list[_Period]) -> Periods:
        """The periods of a key in order. They may touch, and not overlap."""
        periods.sort(key=lambda period: (period.since, period.until or date.max, period.number))
        kept = periods[:1]
        for new in periods[1:]:
            old = kept[-1]
            if old.until is None or new.since < old.until:
                if (old.since, old.until) == (new.since, new.until) and _same(old.value, new.value):
                    continue
                first, second = sorted((old, new), key=lambda period: period.number)
                self.refuse(second.number, f"the entry of {shown_key(key)} ({second}) overlaps with the one in {self.unit} {first.number} ({first})")
            kept.append(new)
        return Periods(tuple(it.since for it in kept), tuple(it.until for it in kept), tuple(it.value for it in kept))

    def _day(self, row: dict[str, Any], column: str | None, number: int) -> date | None:
        value = None if column is None else row.get(column)
        try:
            return None if value is UNSET else boundary(value)
        except Misfit as problem:
            self.refuse(number, f"column {column!r}: {problem}", problem)


def _same(left: Any, right: Any) -> bool:
    try:
        return type(left) is type(right) and bool(left == right)
    except Exception:  # noqa: BLE001 - what cannot be compared is not known to be the same
        return False
