"""Control totals: the sum of each numeric field on each side, as an auditor adds it up. One rule for all engines, in any order and any parts.

- Whole numbers are exact without limit; decimals give 120 digits, and a sum that needs more says that it is not exact.
- A float whose shortest text (at its own width) has up to 15 significant digits counts as that decimal, exactly.
- Floats that need more (1/3) are summed as the binary numbers that they are, without rounding. A total with such a float is not exact: it is rounded,
  once, to 15 significant digits.
- NaN is no number. An infinity is counted and left out, and the total is not exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, Inexact, localcontext
from itertools import compress, repeat
from math import floor, fsum, isfinite, isinf, log10
from operator import eq, mul, not_, truediv
from types import NoneType
from typing import Any
from uuid import UUID

from integrakit.reconciliation.rules.cells import cell_number
from integrakit.reconciliation.rules.values import Incomparable, number
from integrakit.unset import Unset

__all__ = ["Total", "add_up", "measure", "wide"]


_NOTHING = frozenset({NoneType, Unset})
_NEVER_NUMBERS = frozenset({str, bool, date, datetime, time, timedelta, UUID, bytes, list, tuple, dict, set})


def wide(digits: int = 120, rounding: str | None = None) -> Context:
    """Decimal arithmetic in which no exponent overflows and nothing raises: huge and odd numbers are data, not accidents."""
    return Context(prec=max(120, digits), rounding=rounding, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])


#: Decimals of up to so many significant digits are floats and back without a change.
_DIGITS = 15
#: Digits that a sum keeps on its way: all that floats can need, so that the order in which they come changes nothing.
_KEPT = 1000
#: Every float is a whole multiple of 2 ** -1074.
_BITS = 1074


class Total:
    """A sum that grows. ``count`` numbers went in; ``others`` values were neither numbers nor nothing (null, absent, an empty cell)."""

    __slots__ = ("_decimals", "_long", "_lost", "_whole", "count", "others")

    def __init__(self) -> None:
        self._whole = 0
        self._decimals = Decimal(0)
        #: The floats of more than 15 digits, in units of 2 ** -1074; None when there was none.
        self._long: int | None = None
        self.count = 0
        self.others = 0
        self._lost = False

    @classmethod
    def of(
        cls, value: int | Decimal, *, count: int, others: int = 0, exact: bool = True, long: Sequence[float] | float | Decimal | None = None
    ) -> Total:
        """The total of a column that was added up elsewhere.

        ``value``: the exact sum of whole numbers, decimals and floats of up to 15 significant digits. ``long``: the floats that need more, or their
        sum (as exact as can be had: `math.fsum`, or a Decimal), finite; None where there is none. ``count``: how many numbers that is in all.
        ``others``: values that were neither numbers nor null. ``exact=False``: an infinity was left out, or digits were lost.
        """
        found = cls()
        if isinstance(value, int):
            found._whole = value
        else:
            found._lost = not found._add_decimal(value)
        found.count, found.others, found._lost = count, others, found._lost or not exact
        if isinstance(long, Decimal):
            found._add_long(int(wide(1500).multiply(long, 1 << _BITS)))
        elif isinstance(long, float | int):
            found._add_long(_units(float(long)))
        elif long:
            found._add_long(_binary(long))
        return found

    @property
    def value(self) -> int | Decimal:
        if self._long is not None:
            context = wide(_KEPT)
            exact = context.add(context.divide(Decimal(self._long), Decimal(1 << _BITS)), context.add(self._decimals, self._whole))
            return Context(prec=_DIGITS, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[]).plus(exact)
        return wide().add(self._decimals, self._whole) if self._decimals else self._whole

    @property
    def inexact(self) -> bool:
        """A float of more than 15 digits or an infinity went in, or more than 120 digits are needed."""
        context = wide()
        if self._decimals:
            context.add(self._decimals, self._whole)
        return self._lost or self._long is not None or bool(context.flags[Inexact])

    @property
    def numeric(self) -> bool:
        """Whether there is anything to add up, and nothing else."""
        return self.count > 0 and self.others == 0

    def merge(self, other: Total) -> None:
        self._whole += other._whole
        if (other._decimals or other._decimals.as_tuple().exponent) and not self._add_decimal(other._decimals):
            self._lost = True
        if other._long is not None:
            self._add_long(other._long)
        self.count += other.count
        self.others += other.others
        self._lost = self._lost or other._lost

    def _add_decimal(self, value: Decimal) -> bool:
        context = wide(_KEPT)
        total = context.add(self._decimals, value)
        if not total.is_finite():
            return False
        self._decimals, self._lost = total, self._lost or bool(context.flags[Inexact])
        return True

    def _add_long(self, units: int) -> None:
        self._long = (self._long or 0) + units

    def add_whole(self, values: Sequence[int]) -> None:
        self._whole += sum(values)
        self.count += len(values)

    def add_decimals(self, values: Sequence[Decimal], *, count: int) -> bool:
        """Adds them all, or none when the sum is no number."""
        with localcontext(wide(_KEPT)) as context:
            total = sum(values, self._decimals)
            if not total.is_finite():
                return False
            self._lost = self._lost or bool(context.flags[Inexact])
        self._decimals = total
        self.count += count
        return True

    def add_floats(self, values: Sequence[float]) -> None:
        """Floats of 64 bits; NaN and infinities may be among them."""
        context = wide(_KEPT)
        shown = (Decimal(float.__repr__(value)) for value in values[:: len(values) // 8 + 1])
        places = max((-int(value.as_tuple().exponent) for value in shown if value.is_finite()), default=0)
        finite = values
        if (scaled := _scaled(values, places)) is not None:
            back = list(map(truediv, scaled, repeat(10.0**places)))
            if back == values:
                self.count += len(values)
                self._decimals = context.add(self._decimals, context.scaleb(Decimal(sum(scaled)), -places))
                return
            fits = list(map(eq, back, values))
            self._decimals = context.add(self._decimals, context.scaleb(Decimal(sum(compress(scaled, fits))), -places))
            self.count += sum(fits)
            finite = list(compress(values, map(not_, fits)))
        elif not all(map(isfinite, values)):
            finite = list(filter(isfinite, values))
            infinite = sum(map(isinf, values))
            self._lost = self._lost or infinite > 0
            self.count += infinite
            self.others += len(values) - len(finite) - infinite
            self.add_floats(finite)
            return
        self.count += len(finite)
        long, finite = _long(finite)
        for value in finite:
            if float(f"{value:.{_DIGITS}g}") == value:
                self._decimals = context.add(self._decimals, Decimal(float.__repr__(value)))
            else:
                long.append(value)
        self._lost = self._lost or bool(context.flags[Inexact])
        if long:
            self._add_long(_binary(long))

    def add_one_by_one(self, values: Sequence[Any], untyped: bool) -> None:
        whole: list[int] = []
        decimals: list[Decimal] = []
        floats: list[float] = []
        for value in values:
            if untyped and type(value) is str:
                found: int | Decimal | None = cell_number(value)
                self.others += found is None and value != ""
            else:
                if isinstance(value, float):
                    floats.append(float(value))
                    continue
                found = _number(value)
                self.others += found is None
            if isinstance(found, int):
                whole.append(found)
            elif found is not None and found.is_finite():
                decimals.append(found)
            elif found is not None:
                self._lost = True
                self.count += 1
        self.add_whole(whole)
        self.add_floats(floats)
        if not self.add_decimals(decimals, count=len(decimals)):
            self._lost = True  # beyond the largest exponent there is
            self.count += len(decimals)


def _units(value: float) -> int:
    above, below = value.as_integer_ratio()
    return above * ((1 << _BITS) // below)


def _binary(values: Sequence[float]) -> int:
    """The exact sum of finite floats, in units of 2 ** -1074."""
    found, rest = 0, list(values)
    try:
        while part := fsum(rest):
            found += _units(part)
            rest.append(-part)
    except OverflowError:  # on the way, or in the end
        return sum(map(_units, values))
    return found


def _scaled(values: Sequence[float], places: int) -> list[int] | None:
    """These floats times 10 ** places, rounded; None where the results are not all below 10 ** 15.

    Divided again, one of up to so many places is what it was: the quotient of two whole numbers below 2 ** 53 is the float nearest to that decimal,
    and of up to 15 digits there is but one decimal for a float.
    """
    if not values or not 0 <= places <= 22:  # up to 10 ** 22 is a float
        return None
    try:
        scaled = list(map(round, map(mul, values, repeat(10.0**places))))
    except (OverflowError, ValueError):  # an infinity, NaN
        return None
    return scaled if min(scaled) > -(10**_DIGITS) and max(scaled) < 10**_DIGITS else None


def _long(values: Sequence[float]) -> tuple[list[float], Sequence[float]]:
    """Those that surely need more than 15 digits: with as many places as the largest may have, it is not what it is. And the others."""
    places = _DIGITS - 1 - floor(log10(max(map(abs, values), default=1.0) or 1.0))
    if (scaled := _scaled(values, places)) is None:
        return [], values
    scale, large = 10.0**places, 10 ** (_DIGITS - 1)  # one place more than that is the sixteenth digit
    found = [whole / scale != value and abs(whole) > large for whole, value in zip(scaled, values, strict=True)]
    return list(compress(values, found)), list(compress(values, map(not_, found)))


def _number(value: Any) -> int | Decimal | None:
    if type(value) in _NEVER_NUMBERS:
        return None
    try:
        return number(value)
    except Incomparable:  # not a number, whatever it is
        return None


def add_up(total: Total, values: Sequence[Any], kinds: set[type], untyped: bool) -> None:
    """Adds one column of values; ``kinds`` are the types in it."""
    if not kinds.isdisjoint(_NOTHING):
        kinds = kinds - _NOTHING
        values = [value for value in values if type(value) not in _NOTHING]
    if kinds <= _NEVER_NUMBERS and not (untyped and str in kinds):
        total.others += len(values)
    elif kinds == {int}:
        total.add_whole(values)
    elif kinds == {float}:
        total.add_floats(values)
    elif kinds != {Decimal} or not total.add_decimals(values, count=len(values)):
        total.add_one_by_one(values, untyped)


def measure(values: Sequence[Any], kinds: set[type], untyped: bool) -> Total:
    """The total of one column of values; ``kinds`` are the types in it."""
    total = Total()
    add_up(total, values, kinds, untyped)
    return total
