"""Control totals: the exact sum of each numeric field on each side, as an auditor adds it up.

Sums are taken column by column. Whole numbers are exact without limit; decimals keep 120 digits, and a sum that needed more says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, Inexact, localcontext
from types import NoneType
from typing import Any
from uuid import UUID

from integrakit.reconciliation.rules.cells import cell_number
from integrakit.reconciliation.rules.values import Incomparable, number
from integrakit.unset import Unset

__all__ = ["Total", "measure", "wide"]


_NOTHING = frozenset({NoneType, Unset})
_NEVER_NUMBERS = frozenset({str, bool, date, datetime, time, timedelta, UUID, bytes, list, tuple, dict, set})


def wide(digits: int = 120, rounding: str | None = None) -> Context:
    """Decimal arithmetic in which no exponent overflows and nothing raises: huge and odd numbers are data, not accidents."""
    return Context(prec=max(120, digits), rounding=rounding, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])


class Total:
    """A sum that grows. ``count`` numbers went in; ``others`` values were neither numbers nor nothing (null, absent, an empty cell)."""

    __slots__ = ("_decimals", "_lost", "_whole", "count", "others")

    def __init__(self) -> None:
        self._whole = 0
        self._decimals = Decimal(0)
        self.count = 0
        self.others = 0
        self._lost = False

    @property
    def value(self) -> int | Decimal:
        return wide().add(self._decimals, self._whole) if self._decimals else self._whole

    @property
    def inexact(self) -> bool:
        """More than 120 digits would have been needed, or an infinity went in."""
        context = wide()
        if self._decimals:
            context.add(self._decimals, self._whole)
        return self._lost or bool(context.flags[Inexact])

    @property
    def numeric(self) -> bool:
        """Whether there is anything to add up, and nothing else."""
        return self.count > 0 and self.others == 0

    def merge(self, other: Total) -> None:
        self._whole += other._whole
        if other._decimals and not self.add_decimals([other._decimals], count=0):
            self._lost = True
        self.count += other.count
        self.others += other.others
        self._lost = self._lost or other._lost

    def add_whole(self, values: Sequence[int]) -> None:
        self._whole += sum(values)
        self.count += len(values)

    def add_decimals(self, values: Sequence[Decimal], *, count: int) -> bool:
        """Adds them all, or none when the sum is no number."""
        with localcontext(wide()) as context:
            total = sum(values, self._decimals)
            if not total.is_finite():
                return False
            self._lost = self._lost or bool(context.flags[Inexact])
        self._decimals = total
        self.count += count
        return True

    def add_one_by_one(self, values: Sequence[Any], untyped: bool) -> None:
        whole: list[int] = []
        decimals: list[Decimal] = []
        for value in values:
            if untyped and type(value) is str:
                found: int | Decimal | None = cell_number(value)
                self.others += found is None and value != ""
            else:
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
        if not self.add_decimals(decimals, count=len(decimals)):
            self._lost = True  # beyond the largest exponent there is
            self.count += len(decimals)


def _number(value: Any) -> int | Decimal | None:
    if type(value) in _NEVER_NUMBERS:
        return None
    try:
        return number(value)
    except Incomparable:  # not a number, whatever it is
        return None


def measure(values: Sequence[Any], kinds: set[type], untyped: bool) -> Total:
    """The total of one column of values; ``kinds`` are the types in it."""
    total = Total()
    if not kinds.isdisjoint(_NOTHING):
        kinds = kinds - _NOTHING
        values = [value for value in values if type(value) not in _NOTHING]
    if kinds <= _NEVER_NUMBERS and not (untyped and str in kinds):
        total.others = len(values)
    elif kinds == {int}:
        total.add_whole(values)
    else:
        decimals = list(map(Decimal, map(float.__repr__, values))) if kinds == {float} else values
        if not (kinds <= {float, Decimal} and len(kinds) == 1 and total.add_decimals(decimals, count=len(values))):
            total.add_one_by_one(values, untyped)
    return total
