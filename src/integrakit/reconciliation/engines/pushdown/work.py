"""One attempt, step by step: what is compared and by which key, what is counted, what comes back and goes through the rules. Which engine it is, the
session knows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

from integrakit.errors import IncompleteRead
from integrakit.model import Evidence
from integrakit.reconciliation.engines.pushdown.kinds import Kind
from integrakit.reconciliation.engines.pushdown.session import Came, Session
from integrakit.reconciliation.engines.pushdown.sieve import joined, surely_same
from integrakit.reconciliation.engines.pushdown.statements import Part, Statements
from integrakit.reconciliation.engines.pushdown.summing import FAMILIES_OF_NUMBERS, asked, less, measured, total_of
from integrakit.reconciliation.engines.run import Run, Unsuitable
from integrakit.reconciliation.rules.columns import Row
from integrakit.reconciliation.rules.totals import Total

__all__ = ["Work"]

#: Rows that are handed to the rules at a time, at least.
_WINDOW = 2048
#: Category of keys by the family of their column; "cell" is read as what the other side has.
_CATEGORIES = {"number", "text", "bool", "date", "naive", "instant", "time", "bytes"}


#: Field, side, kind, and the column in SQL.
_Wanted = tuple[str, int, Kind, str]


class Work:
    """Blocks: called from the runtime's workers, one call at a time."""

    def __init__(self, run: Run, session: Session) -> None:
        self._run = run
        self._session = session
        self._sides = session.sides
        self._rows: list[int | None] = [None, None]
        #: What came back: rows of a side whose key is there once on both, and rows of keys that stand more than once.
        self._once, self._again = [0, 0], [0, 0]
        self._waiting: tuple[list[Row], list[Row]] = ([], [])
        self._last: tuple[Any, ...] | None = None
        #: Field → total of the whole of each side that can be told, less what came back.
        self._sums: dict[str, list[Total | None]] = {}
        self._whole: dict[str, tuple[Total, Total]] = {}
        self._back: dict[str, tuple[Total, Total]] = {}

    # ---------------------------------------------------------------- before

    def begin(self) -> Iterator[Came]:
        """All that is asked before rows come back. Raises `Unsuitable`."""
        run, session = self._run, self._session
        for side in (0, 1):
            run.have(side, session.sides[side].columns)
        parts = self._parts()
        self._statements = Statements(dialect=session.dialect, sides=session.sides, parts=parts, sure=self._sure())
        #: Fields of which pairs may be sorted out that are not the same value by value: their totals are asked for on both sides.
        self._relaxed = {
            name
            for name, column in run.comparison.columns.items()
            if column.field.options or "cell" in self._families(name) or len(self._families(name)) > 1
        }
        self._check_keys()
        self._kinds_of_keys()
        listed = None if self._rows_unknown() else self._in_one()
        return listed if listed is not None else self._in_streams()

    def _kind(self, side: int, name: str) -> Kind:
        return self._sides[side].columns[name].kind

    def _sql(self, side: int, name: str) -> str:
        return f"{'lr'[side]}.c{self._sides[side].place(name)}"

    def _parts(self) -> list[Part]:
        key = self._run.order.key
        if key.normalise is not None:
            raise Unsuitable("the key is changed before it is compared (normalise=, ignore_case=, unicode=, blanks=), which has no form in SQL")
        parts = []
        for left, right in zip(key.names, key.right, strict=True):
            for side, name in ((0, left), (1, right)):
                if name not in self._sides[side].columns:
                    raise Unsuitable(f"the {self._run.feeds[side].name} side has no column {name!r}, which is the key")
            found = joined(self._session.dialect, self._kind(0, left), self._kind(1, right))
            if found is None:
                kinds = f"{self._kind(0, left).name} on the left, {self._kind(1, right).name} on the right"
                raise Unsuitable(f"the key {left!r} has no equality in SQL that is that of its values: {kinds}")
            parts.append(Part(left=found[0].format(self._sql(0, left)), right=found[1].format(self._sql(1, right))))
        return parts

    def _sure(self) -> str:
        conditions = []
        for column in self._run.comparison.columns.values():
            field = column.field
            missing = [name for side, name in ((0, field.name), (1, field.right)) if name not in self._sides[side].columns]
            if missing:
                raise Unsuitable(f"the field {field.name!r} is no column of one side: {self._why(field)}")
            if field.by_side:
                raise Unsuitable(f"the field {field.name!r} goes by the clocks of two time zones")
            left, right = (self._sql(0, field.name), self._kind(0, field.name)), (self._sql(1, field.right), self._kind(1, field.right))
            condition = surely_same(self._session.dialect, field, left, right)
            if condition is None:
                if self._run.order.engine != "pushdown":
                    raise Unsuitable(f"the field {field.name!r} cannot be compared in SQL, so almost all rows would come back: {self._why(field)}")
                self._run.remarks.append(f"{field.name!r} cannot be compared in SQL: all rows that have it come back ({self._why(field)})")
                condition = f"({left[0]} IS NULL AND {right[0]} IS NULL)"
            conditions.append(condition)
        return " AND ".join(conditions) or "TRUE"

    def _why(self, field: Any) -> str:
        found = [self._sides[side].columns.get(name) for side, name in ((0, field.name), (1, field.right))]
        return ", ".join(
            f"{'no such column' if column is None else column.kind.name} on the {'right' if side else 'left'}" for side, column in enumerate(found)
        )

    def _check_keys(self) -> None:
        """Keys that SQL would join and the rules would not, or the other way round."""
        dialect, key = self._session.dialect, self._run.order.key
        for side, names in ((0, key.names), (1, key.right)):
            checks: list[tuple[str, str]] = []
            for name, other in zip(names, key.names if side else key.right, strict=True):
                kind, sql = self._kind(side, name), self._sql(side, name)
                if dialect.nan and (kind.family == "float" or (kind.family == "number" and kind.whole is None)):
                    checks.append((f"CASE WHEN {dialect.nan.format(sql)} THEN 1 END", f"the key {name!r} is not a number (NaN) in some rows"))
                if kind.family == "cell" and self._kind(1 - side, other).family == "number":
                    whole = dialect.matches.format(sql, "-?(0|[1-9][0-9]{0,17})")
                    checks.append((f"CASE WHEN NOT {whole} THEN 1 END", f"the key {name!r} is not written as a whole number in some rows"))
            if checks:
                answer = self._session.rows(self._statements.counted(side, [f"count({check})" for check, _ in checks]))[0]
                for count, (_, reason) in zip(answer[1:], checks, strict=True):
                    if count:
                        raise Unsuitable(reason)

    def _kinds_of_keys(self) -> None:
        """Says what the keys are, by which untyped cells of the other side are read."""
        readings = self._run.readings
        for side, names in ((0, self._run.order.key.names), (1, self._run.order.key.right)):
            for name, kinds in zip(names, readings[side].kinds, strict=True):
                family = self._kind(side, name).family
                if family in _CATEGORIES:
                    kinds.add(family)
        for side in (0, 1):
            readings[side].coerce(readings[1 - side])

    def _rows_unknown(self) -> bool:
        return any(side.rows is None for side in self._sides)

    # ---------------------------------------------------------------- everything at once

    def _in_one(self) -> Iterator[Came] | None:
        wanted = list(self._measured())
        # Every row of a side is in the full join, once, if no key stands more than once: what is measured there is measured of the side.
        measures = [asked(self._session.dialect, kind, f"{sql[0]}{sql[3:]}") for _, _, kind, sql in wanted]
        found = self._session.listed(self._statements.in_one([sql for each in measures for sql in each]))
        if found is None:
            return None
        (lefts, rights, *answers), came = found
        if (lefts, rights) != tuple(side.rows for side in self._sides):
            return None  # some key stands more than once, and its rows were counted more than once
        self._counted(0, lefts)
        self._counted(1, rights)
        self._answered(wanted, measures, answers)
        self._settle_totals()
        return iter([came])

    def _answered(self, wanted: Sequence[_Wanted], measures: Sequence[Sequence[str]], answers: Sequence[Any]) -> None:
        at = 0
        for (name, side, kind, _), each in zip(wanted, measures, strict=True):
            self._sums.setdefault(name, [None, None])[side] = total_of(self._session.dialect, kind, answers[at : at + len(each)])
            at += len(each)

    def _settle_totals(self) -> None:
        """Of a field whose pairs are sorted out by value, what is the same on the left is the same on the right."""
        for name, (left, right) in self._sums.items():
            right = right if name in self._relaxed else left
            if left is None or right is None or left.inexact or right.inexact:
                self._read_whole(name)
            else:
                self._whole[name] = left, right
                self._back[name] = Total(), Total()

    def _families(self, name: str) -> set[str]:
        field = self._run.comparison.columns[name].field
        return {self._kind(0, field.name).family, self._kind(1, field.right).family}

    def _counted(self, side: int, rows: int) -> None:
        self._rows[side] = rows
        self._run.count(side, rows)

    def _measured(self) -> Iterator[_Wanted]:
        """What is added up: fields that may hold numbers on a side, of both sides where the one does not say what the other is."""
        for name, column in self._run.comparison.columns.items():
            if not self._families(name) & FAMILIES_OF_NUMBERS and not self._wants(name):
                continue
            for side, own in ((0, column.field.name), (1, column.field.right)):
                if side == 0 or name in self._relaxed:
                    yield name, side, self._kind(side, own), self._sql(side, own)

    def _wants(self, name: str) -> bool:
        field = self._run.comparison.columns[name].field
        return any(self._kind(side, own).wanted is not None for side, own in ((0, field.name), (1, field.right)))

    # ---------------------------------------------------------------- as much as there is

    def _in_streams(self) -> Iterator[Came]:
        statements, unique = self._statements, all(side.unique for side in self._sides)
        for side in (0, 1):
            wanted = [each for each in self._measured() if each[1] == side]
            if side == 1 and unique and self._session.snapshot and not wanted:
                continue  # it follows from the left, for every pair is one row of each
            measures = [asked(self._session.dialect, kind, sql) for _, _, kind, sql in wanted]
            (count, *answers) = self._session.rows(statements.counted(side, [sql for each in measures for sql in each]))[0]
            self._counted(side, int(count))
            self._answered(wanted, measures, answers)
        self._settle_totals()
        again = any(not self._sides[side].unique and self._session.rows(statements.repeated(side))[0][0] for side in (0, 1))
        return self._session.came(statements.differing(again=again))

    def _read_whole(self, name: str) -> None:
        """Adds a column up in Python, on both sides: what comes back is not added again."""
        column = self._run.comparison.columns[name]
        for side, own in ((0, column.field.name), (1, column.field.right)):
            total = Total()
            for one in (True, False):
                # A column with anything but numbers in it has no total, and mostly the first value says so.
                total = Total()
                statement = self._statements.column(side, self._sides[side].place(own), one=one)
                with closing(self._session.column(statement, side, own)) as batches:
                    for values in batches:
                        total.merge(measured(values, untyped=self._run.comparison.untyped[side]))
                        if total.others:
                            break
                if total.others:
                    break
            self._run.total(side, name, total)
        column.adds = False

    # ---------------------------------------------------------------- what comes back

    def hand_over(self, came: Came) -> None:
        """Hands rows to the rules, in windows that are complete: the rows of one key follow each other."""
        for key, tag, left, right in zip(came.keys, came.tags, came.lefts, came.rights, strict=True):
            if (key != self._last or None in key) and len(self._waiting[0]) + len(self._waiting[1]) >= _WINDOW:
                self._flush()
            self._last = key
            for side, row in ((0, left), (1, right)):
                if row is not None:
                    self._waiting[side].append(row)
                    (self._again if tag else self._once)[side] += 1

    def _flush(self) -> None:
        lefts, rights = self._waiting
        self._waiting = [], []
        for name, totals in self._back.items():
            field = self._run.comparison.columns[name].field
            for side, own, rows in ((0, field.name, lefts), (1, field.right, rights)):
                totals[side].merge(measured([row[own] for row in rows], untyped=self._run.comparison.untyped[side]))
        self._run.join(lefts, rights)

    def end(self) -> tuple[int, int]:
        """All rows came: what did not is counted. Raises `IncompleteRead` where it does not add up. How many rows each side has."""
        self._flush()
        # A row of a key that stands once came back alone, or in a pair; what is left of each side are the pairs that are the same.
        back = [self._once[side] + self._again[side] for side in (0, 1)]
        left, right = self._rows
        assert left is not None
        same = left - back[0]
        if right is None:
            self._counted(1, right := same + back[1])
        if same < 0 or right - back[1] != same:
            reason = "the two sides do not add up: their rows changed between two statements"
            raise IncompleteRead(f"{reason}; compare copies that hold still", evidence=Evidence(complete=False, reasons=(reason,)))
        self._run.agreed(same)
        for name, totals in self._whole.items():
            for side in (0, 1):
                rest = less(totals[side], self._back[name][side if name in self._relaxed else 0])
                if rest is None:
                    raise Unsuitable(f"the control total of {name!r} cannot be told exactly")
                self._run.total(side, name, rest)
        return left, right
