"""One field of many records at once: which pairs differ, and why.

Records are compared in blocks, column by column, for a column of one plain type on both sides needs a single comparison of two lists. Only what is
not equal that way, or could be equal by accident (True and 1), is looked at value by value.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from itertools import compress
from operator import attrgetter, is_not, itemgetter, ne
from types import NoneType
from typing import Any
from uuid import UUID

from integrakit.reconciliation.rules.agreeing import Agreement
from integrakit.reconciliation.rules.causes import cause_of
from integrakit.reconciliation.rules.cells import cell_like
from integrakit.reconciliation.rules.spec import Field
from integrakit.reconciliation.rules.totals import Total, measure
from integrakit.reconciliation.rules.values import Incomparable
from integrakit.unset import UNSET, Unset

__all__ = ["Column", "column"]

Row = dict[str, Any]

_TIMES = ("instant", "naive")

#: Among values of these types Python's == is the comparison by value, as long as no two kinds of numbers meet.
_NUMBERS = frozenset({int, float, Decimal, bool})
_EXACT = frozenset({str, NoneType, Unset, date, datetime, timedelta, UUID, bytes}) | _NUMBERS


def column(rows: Sequence[Row], name: str) -> list[Any]:
    """One field of all rows; UNSET where a row does not have it."""
    try:
        return list(map(itemgetter(name), rows))
    except KeyError:
        return [row.get(name, UNSET) for row in rows]


def _python_decides(kinds: set[type], left: list[Any], right: list[Any]) -> bool:
    if not kinds <= _EXACT or len(kinds & _NUMBERS) > 1:
        return False
    if datetime not in kinds:
        return True
    if kinds != {datetime}:
        return False
    zones = set(map(attrgetter("tzinfo"), left)) | set(map(attrgetter("tzinfo"), right))
    return zones <= {None, UTC}  # in any other zone the two hours of an autumn night look equal


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

    @property
    def plain(self) -> bool:
        """Whether equality can be told from the canonical values of each side alone: no tolerance, no text to be read like the other side's."""
        return self.field.exact and not self._cells

    def add(self, side: int, rows: Sequence[Row]) -> None:
        """Counts records that have no partner into the totals of their side."""
        values = column(rows, self.field.right if side else self.field.name)
        kinds = set(map(type, values))
        self.seen[side] = self.seen[side] or kinds != {Unset}
        if self.adds:
            self.totals[side].merge(measure(values, kinds, self._untyped[side]))

    def differences(self, lefts: Sequence[Row], rights: Sequence[Row], failures: dict[int, str]) -> list[tuple[int, str]]:
        """Index and cause of each pair that differs. A pair that cannot be compared goes to ``failures`` with its reason."""
        left, right = column(lefts, self.field.name), column(rights, self.field.right)
        kinds, others = set(map(type, left)), set(map(type, right))
        self.seen[0] = self.seen[0] or kinds != {Unset}
        self.seen[1] = self.seen[1] or others != {Unset}
        decides = kinds == others and _python_decides(kinds, left, right)
        try:
            equal = decides and left == right
        except InvalidOperation:  # a signalling NaN among decimals
            decides = equal = False
        if self.adds:
            total = measure(left, kinds, self._untyped[0])
            self.totals[0].merge(total)
            self.totals[1].merge(total if equal and not self._cells else measure(right, others, self._untyped[1]))
        if equal:
            return []
        found: list[tuple[int, str]] = []
        for index in compress(range(len(left)), map(ne if decides else is_not, left, right)):
            try:
                if (pair := self._differ(lefts[index], rights[index])) is not None:
                    found.append((index, cause_of(*pair)))
            except Incomparable as problem:
                failures.setdefault(index, f"{self.field.name}: {problem}")
        return found

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
