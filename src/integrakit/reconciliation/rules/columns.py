"""One field of many records at once: which pairs differ, and why.

Records are compared in blocks, column by column, for a column of plain types on both sides needs a single comparison of two lists. Only what is not
equal that way is looked at value by value, and columns in which values could be equal by accident (True and 1) altogether.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from itertools import compress
from operator import attrgetter, is_not, itemgetter, ne
from types import NoneType
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from integrakit.reconciliation.rules.agreeing import Agreement
from integrakit.reconciliation.rules.causes import cause_of
from integrakit.reconciliation.rules.cells import cell_like
from integrakit.reconciliation.rules.spec import Field
from integrakit.reconciliation.rules.totals import Total, add_up
from integrakit.reconciliation.rules.values import Incomparable, canonical, category
from integrakit.unset import UNSET, Unset

__all__ = ["Column", "column"]

Row = dict[str, Any]

_TIMES = ("instant", "naive")

#: What Python calls equal among these types is the same, as long as no bool and no float meets another kind of number.
_NUMBERS = frozenset({int, float, Decimal, bool})
_EXACT = frozenset({str, NoneType, Unset, date, datetime, timedelta, UUID, bytes}) | _NUMBERS
_WHOLE_AND_DECIMAL = frozenset({int, Decimal})
_NOTHING = frozenset({NoneType, Unset})


def column(rows: Sequence[Row], name: str) -> list[Any]:
    """One field of all rows; UNSET where a row does not have it."""
    try:
        return list(map(itemgetter(name), rows))
    except KeyError:
        return [row.get(name, UNSET) for row in rows]


def _fixed(zone: Any) -> bool:
    """Whether a time zone has one offset for ever. In any other, the two hours of an autumn night look equal."""
    return zone is None or (type(zone) in (timezone, ZoneInfo) and zone.utcoffset(None) is not None)


def _python_decides(kinds: set[type], left: list[Any], right: list[Any]) -> bool:
    """Whether values that Python calls equal are surely the same. ``kinds``: the types on both sides."""
    if not kinds <= _EXACT:
        return False
    numbers = kinds & _NUMBERS
    if len(numbers) > 1 and not numbers <= _WHOLE_AND_DECIMAL:
        return False
    if datetime not in kinds:
        return True
    if kinds - _NOTHING != {datetime}:
        return False
    if len(kinds) > 1:
        left, right = ([value for value in values if type(value) is datetime] for values in (left, right))
    return all(map(_fixed, set(map(attrgetter("tzinfo"), left)).union(map(attrgetter("tzinfo"), right))))


def _as_decimals(values: list[Any]) -> list[Any]:
    """Floats as the decimals that they are compared as; everything else as it is."""
    return [Decimal(float.__repr__(value)) if type(value) is float else value for value in values]


class Column:
    """How one field is compared, and the control totals of both sides so far."""

    def __init__(self, field: Field, *, untyped: tuple[bool, bool] = (False, False)) -> None:
        self.field = field
        self._untyped = untyped
        self._cells = untyped[0] != untyped[1]
        self._agreement = Agreement(field)
        self.totals = (Total(), Total())
        #: Whether what is compared here is added to the totals; False where they are known otherwise.
        self.adds = True
        #: Whether any record that was compared had the field, on the left and on the right.
        self.seen = [False, False]
        #: The type of each value met, and the category of the first of that type: on the left and on the right.
        self.met: tuple[dict[type, str], dict[type, str]] = ({type(None): "null", Unset: "absent"}, {type(None): "null", Unset: "absent"})
        #: Whether a record of the latest block did not have it.
        self.gaps = (False, False)

    @property
    def plain(self) -> bool:
        """Whether equality can be told from the canonical values of each side alone: no tolerance, no text to be read like the other side's."""
        return self.field.exact and not self._cells

    def add(self, side: int, rows: Sequence[Row]) -> None:
        """Counts records that have no partner into the totals of their side."""
        values = column(rows, self.field.right if side else self.field.name)
        kinds = set(map(type, values))
        self._meet(side, values, kinds)
        self.seen[side] = self.seen[side] or kinds != {Unset}
        if self.adds:
            add_up(self.totals[side], values, kinds, self._untyped[side])

    def _meet(self, side: int, values: list[Any], kinds: set[type]) -> None:
        met = self.met[side]
        if kinds <= met.keys():
            return
        for kind in kinds - met.keys():
            value = next(value for value in values if type(value) is kind)
            try:
                met[kind] = category(canonical(value))
            except Incomparable:
                met[kind] = "other"

    def kinds(self, side: int) -> frozenset[str]:
        """The categories of the values met on one side, null and absent ones aside."""
        return frozenset(self.met[side].values()) - {"null", "absent"}

    @property
    def same_if_identical(self) -> bool:
        """Whether a record that stands on both sides, the very same object, has the same value here."""
        return self.field.name == self.field.right and not self.field.by_side and not self._cells

    def add_both(self, rows: Sequence[Row]) -> None:
        """Counts records that stand on both sides into the totals of both; only where `same_if_identical`."""
        values = column(rows, self.field.name)
        kinds = set(map(type, values))
        self._meet(0, values, kinds)
        self._meet(1, values, kinds)
        self.gaps = (Unset in kinds,) * 2
        self.seen = [seen or kinds != {Unset} for seen in self.seen]
        if self.adds:
            self._add_up(values, values, kinds, kinds, equal=kinds <= _EXACT)

    def differences(self, lefts: Sequence[Row], rights: Sequence[Row], failures: dict[int, str]) -> list[tuple[int, str]]:
        """Index and cause of each pair that differs. A pair that cannot be compared goes to ``failures`` with its reason."""
        left, right = column(lefts, self.field.name), column(rights, self.field.right)
        kinds, others = set(map(type, left)), set(map(type, right))
        self._meet(0, left, kinds)
        self._meet(1, right, others)
        self.gaps = (Unset in kinds, Unset in others)
        self.seen[0] = self.seen[0] or kinds != {Unset}
        self.seen[1] = self.seen[1] or others != {Unset}
        equal, suspects = (False, range(len(left))) if self.field.by_side else self._suspects(left, right, kinds | others)
        if self.adds:
            self._add_up(left, right, kinds, others, equal)
        found: list[tuple[int, str]] = []
        for index in suspects:
            try:
                if (pair := self._differ(lefts[index], rights[index])) is not None:
                    found.append((index, cause_of(*pair)))
            except Incomparable as problem:
                failures.setdefault(index, f"{self.field.name}: {problem}")
        return found

    @staticmethod
    def _suspects(left: list[Any], right: list[Any], kinds: set[type]) -> tuple[bool, Iterable[int]]:
        """Whether all values are surely the same, and else the indices of those that may differ."""
        try:
            if _python_decides(kinds, left, right):
                return (True, ()) if left == right else (False, compress(range(len(left)), list(map(ne, left, right))))
            if float in kinds and bool not in kinds and datetime not in kinds and kinds <= _EXACT:
                return False, compress(range(len(left)), list(map(ne, _as_decimals(left), _as_decimals(right))))
        except InvalidOperation:  # a signalling NaN among decimals
            pass
        return False, compress(range(len(left)), map(is_not, left, right))

    def _add_up(self, left: list[Any], right: list[Any], kinds: set[type], others: set[type], equal: bool) -> None:
        mine, theirs = self.totals
        if not equal or kinds != others or self._untyped[0] != self._untyped[1]:
            add_up(mine, left, kinds, self._untyped[0])
            add_up(theirs, right, others, self._untyped[1])
        elif kinds.isdisjoint(_NUMBERS) and not self._untyped[0]:
            before = mine.others
            add_up(mine, left, kinds, False)
            theirs.others += mine.others - before
        else:
            total = Total()
            add_up(total, left, kinds, self._untyped[0])
            mine.merge(total)
            theirs.merge(total)

    def key(self, row: Row, side: int) -> Any:
        """The canonical value of a record's field, equal for equal values; only where `plain`."""
        return self._agreement.key(row.get(self.field.right if side else self.field.name, UNSET), side)

    def agree(self, left: Row, right: Row) -> bool:
        """Whether one pair of records has the same value here; what cannot be compared is not the same."""
        try:
            return self._differ(left, right) is None
        except Incomparable:
            return False

    def _differ(self, left: Row, right: Row) -> tuple[Any, Any] | None:
        """The two values as they were compared, if they differ. Raises `Incomparable`."""
        mine, other = left.get(self.field.name, UNSET), right.get(self.field.right, UNSET)
        if self._cells:
            mine, other = (cell_like(mine, other), other) if self._untyped[0] else (mine, cell_like(other, mine))
        return self._agreement.differ(mine, other, (left, right))
