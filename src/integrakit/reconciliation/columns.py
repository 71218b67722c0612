"""One field of many records at once: which pairs differ, and why.

Records are compared in blocks, column by column, for a column of one plain type on both sides needs a single comparison of two lists. Only what is
not equal that way, or could be equal by accident (True and 1), is looked at value by value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_UP, Decimal, InvalidOperation
from itertools import compress
from operator import attrgetter, is_not, itemgetter, ne
from types import NoneType
from typing import Any
from uuid import UUID

from integrakit.money import Money
from integrakit.reconciliation.causes import cause_of
from integrakit.reconciliation.cells import cell_like
from integrakit.reconciliation.spec import TRUNCATE_UNITS, Field, Tolerance
from integrakit.reconciliation.totals import Total, measure, wide
from integrakit.reconciliation.values import Incomparable, canonical, category, number, same
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


def _apart(left: Decimal, right: Decimal, limit: Decimal) -> bool:
    """Whether the distance is above the limit, exactly, however far apart the exponents are."""
    # Rounded up to at least as many digits as the limit has, a distance is above the limit exactly when it was before.
    context = wide(len(limit.as_tuple().digits), ROUND_UP)
    return context.abs(context.subtract(left, right)) > limit


def _within(left: Any, right: Any, tolerance: Tolerance) -> bool:
    if tolerance.time is not None:
        moments: Any = canonical(left), canonical(right)
        if category(moments[0]) not in _TIMES or category(moments[0]) != category(moments[1]):
            return False
        return bool(abs(moments[0][1] - moments[1][1]) <= tolerance.time // timedelta(microseconds=1) * 1000)
    if type(left) is Money and type(right) is Money and left.currency == right.currency:
        left, right = left.amount, right.amount
    numbers = number(left), number(right)
    if numbers[0] is None or numbers[1] is None:
        return False
    a, b = Decimal(numbers[0]), Decimal(numbers[1])
    if not (a.is_finite() and b.is_finite()):
        return False
    if tolerance.absolute is not None:
        return not _apart(a, b, tolerance.absolute)
    larger, share = max(a.copy_abs(), b.copy_abs()), tolerance.relative or Decimal(0)
    exact = wide(len(larger.as_tuple().digits) + len(share.as_tuple().digits))
    return not _apart(a, b, exact.multiply(larger, share))


def _bag(value: Any) -> Any:
    if isinstance(value, list | tuple | set | frozenset) or getattr(value, "ndim", 0) > 0:
        return "bag", frozenset(Counter(map(canonical, value)).items())
    return canonical(value)


def _cut(value: Any, unit: int) -> Any:
    """A time with what is below the unit cut off, by the clock of UTC for aware ones; anything else as it is."""
    if not isinstance(value, datetime) or value != value:  # pandas' NaT calls itself a datetime
        return value
    offset = value.utcoffset()
    plain = datetime(value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond)
    if offset is not None:
        try:
            plain = (plain - offset).replace(tzinfo=UTC)
        except OverflowError:  # the first or last day there is
            return value
    below = (plain.second * 1_000_000 + plain.microsecond) % (unit // 1000)
    return plain - timedelta(microseconds=below)


class Column:
    """How one field is compared, and the control totals of both sides so far."""

    def __init__(self, field: Field, *, untyped: tuple[bool, bool] = (False, False)) -> None:
        self.field = field
        self._untyped = untyped
        self._cells = untyped[0] != untyped[1]
        #: Whether each value is changed before it is compared.
        self._prepared = field.null_is_empty or field.normalise is not None or field.truncate is not None
        self.totals = (Total(), Total())
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
        total = measure(left, kinds, self._untyped[0])
        self.totals[0].merge(total)
        self.totals[1].merge(total if equal and not self._cells else measure(right, others, self._untyped[1]))
        if equal:
            return []
        found: list[tuple[int, str]] = []
        for index in compress(range(len(left)), map(ne if decides else is_not, left, right)):
            try:
                if (pair := self._differ(left[index], right[index])) is not None:
                    found.append((index, cause_of(*pair)))
            except Incomparable as problem:
                failures.setdefault(index, f"{self.field.name}: {problem}")
        return found

    def prepare(self, value: Any) -> Any:
        """A value as it is compared. Raises `Incomparable` when ``normalise=`` fails on it."""
        nothing = value is None or value is UNSET
        if self.field.null_is_empty and (nothing or (type(value) is str and not value)):
            return None
        if nothing:
            return value
        if self.field.normalise is not None:
            try:
                value = self.field.normalise(value)
            except Exception as problem:  # the user's function makes one record invalid, with its reason, and the others go on
                raise Incomparable(f"normalise= failed on a {type(value).__name__}: {type(problem).__name__}: {problem}") from problem
        return value if self.field.truncate is None else _cut(value, TRUNCATE_UNITS[self.field.truncate])

    def key(self, row: Row, side: int) -> Any:
        """The canonical value of a record's field, equal for equal values; only where `plain`."""
        value = row.get(self.field.right if side else self.field.name, UNSET)
        if self._prepared:
            try:
                value = self.prepare(value)
            except Incomparable:
                return "unprepared", canonical(value)
        return _bag(value) if self.field.unordered else canonical(value)

    def agree(self, left: Row, right: Row) -> bool:
        """Whether one pair of records has the same value here; what cannot be compared is not the same."""
        try:
            return self._differ(left.get(self.field.name, UNSET), right.get(self.field.right, UNSET)) is None
        except Incomparable:
            return False

    def _differ(self, left: Any, right: Any) -> tuple[Any, Any] | None:
        """The two values as they were compared, if they differ. Raises `Incomparable`."""
        if self._cells:
            left, right = (cell_like(left, right), right) if self._untyped[0] else (left, cell_like(right, left))
        if same(left, right):
            return None
        if self._prepared:
            left, right = self.prepare(left), self.prepare(right)
            if same(left, right):
                return None
        if self.field.within is not None and _within(left, right, self.field.within):
            return None
        if self.field.unordered and _bag(left) == _bag(right):
            return None
        return left, right
