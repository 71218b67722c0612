"""Whether two values of one field agree by its options: prepared (case, blanks, cut times …), within a tolerance, without the order of a list.

Every rule stands here once. Engines that work on columns or in a database may only sort out what is surely the same; two values that are the same to
begin with agree whatever the options are, and all others come here.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from decimal import ROUND_UP, Decimal
from typing import Any

from integrakit.money import Money
from integrakit.reconciliation.rules.spec import Field, Tolerance
from integrakit.reconciliation.rules.totals import wide
from integrakit.reconciliation.rules.values import Incomparable, canonical, category, number, same
from integrakit.unset import UNSET

__all__ = ["Agreement"]

Row = dict[str, Any]

_TIMES = ("instant", "naive")


class Agreement:
    """The rule of one field."""

    def __init__(self, field: Field) -> None:
        self.field = field
        self._preparations = field.preparation(0), field.preparation(1)
        #: Whether each value is changed before it is compared.
        self.prepares = field.null_is_empty or field.normalise is not None or any(self._preparations)

    def prepare(self, value: Any, side: int) -> Any:
        """A value of one side as it is compared. Raises `Incomparable` when ``normalise=`` fails on it."""
        nothing = value is None or value is UNSET
        empties = self.field.null_is_empty
        if empties and (nothing or (isinstance(value, str) and not value)):
            return None
        if nothing:
            return value
        if self.field.normalise is not None:
            try:
                value = self.field.normalise(value)
            except Exception as problem:  # the user's function makes one record invalid, with its reason, and the others go on
                raise Incomparable(f"normalise= failed on a {type(value).__name__}: {type(problem).__name__}: {problem}") from problem
        if preparation := self._preparations[side]:
            value = preparation(value)
        return None if empties and (value is UNSET or (isinstance(value, str) and not value)) else value

    def key(self, value: Any, side: int) -> Any:
        """The canonical form of a value, equal for values that agree; only for fields without a tolerance."""
        if self.prepares:
            try:
                value = self.prepare(value, side)
            except Incomparable:
                return "unprepared", canonical(value)
        return _bag(value) if self.field.unordered else canonical(value)

    def differ(self, left: Any, right: Any, rows: tuple[Row, Row]) -> tuple[Any, Any] | None:
        """The two values as they were compared, if they do not agree. ``rows``: the whole records. Raises `Incomparable`."""
        if not self.field.by_side and same(left, right):
            return None
        if self.prepares:
            left, right = self.prepare(left, 0), self.prepare(right, 1)
            if same(left, right):
                return None
        if self.field.within is not None and self._near(left, right, self.field.within, rows):
            return None
        if self.field.unordered and _bag(left) == _bag(right):
            return None
        return left, right

    def _near(self, left: Any, right: Any, tolerance: Tolerance, rows: tuple[Row, Row]) -> bool:
        if type(left) is Money and type(right) is Money:
            if left.currency != right.currency:
                return False
            currency: str | None = left.currency
            left, right = left.amount, right.amount
        elif self.field.currency is not None:
            found = [_code(row.get(name)) for row, name in zip(rows, self.field.currency, strict=True)]
            currency = found[0] if found[0] == found[1] else None
        else:
            currency = None
        limit = tolerance.of(currency)
        return limit is not None and _within(left, right, limit)


def _code(value: Any) -> str | None:
    return (value.strip().upper() or None) if isinstance(value, str) else None


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
    if isinstance(value, list | tuple | set | frozenset) or (hasattr(value, "dtype") and value.ndim):
        return "bag", frozenset(Counter(map(canonical, value)).items())
    return canonical(value)
