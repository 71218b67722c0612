"""How the breaks add up to the difference of the control totals: what differs, what only the left has, what only the right has, and the rest.

Exact, in memory that does not grow. It is fed by whoever reads the breaks; what is written about it stands elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from attrs import frozen

from integrakit.reconciliation.findings import Break, Findings
from integrakit.reconciliation.rules.cells import cell_number
from integrakit.reconciliation.rules.totals import wide
from integrakit.reconciliation.rules.values import Incomparable, number

__all__ = ["Bridge", "Bridges", "apart", "number_of"]

_DIGITS = 1000


@frozen
class Bridge:
    """Of one field: left minus right of the records that differ in it, and the sums of the records on one side only."""

    changed: Decimal
    left_only: Decimal
    right_only: Decimal

    def other(self, difference: int | Decimal) -> Decimal:
        """What of the difference of the totals is in none of these: repeated keys, records that cannot be compared, what a tolerance bore with."""
        context = wide(_DIGITS)
        known = context.subtract(context.add(self.changed, self.left_only), self.right_only)
        return wide().plus(context.subtract(Decimal(difference), known))


def number_of(value: Any, untyped: bool) -> Decimal | None:
    """The finite number that counts into a control total, if it is one."""
    if isinstance(value, str):
        return cell_number(value) if untyped else None
    try:
        found = number(value)
    except Incomparable:
        return None
    return Decimal(found) if found is not None and Decimal(found).is_finite() else None


def apart(left: Any, right: Any, untyped: tuple[bool, bool]) -> Decimal | None:
    """Left minus right; None where they are not two numbers."""
    mine, other = number_of(left, untyped[0]), number_of(right, untyped[1])
    return None if mine is None or other is None else wide().subtract(mine, other)


class Bridges:
    """The bridges of all fields with control totals, as breaks come by."""

    def __init__(self, findings: Findings) -> None:
        self._untyped = findings.untyped
        self._names = [(field.name, field.right) for field in findings.fields if field.name in findings.totals]
        self._sums = {name: [Decimal(0), Decimal(0), Decimal(0)] for name, _ in self._names}
        self._context = wide(_DIGITS)

    def add(self, found: Break) -> None:
        if found.kind == "changed":
            for name, each in found.fields.items():
                if name in self._sums:
                    self._count(name, 0, each.left, 0, 1)
                    self._count(name, 0, each.right, 1, -1)
        elif found.kind == "missing_right":
            for name, _ in self._names:
                self._count(name, 1, found.left.get(name), 0, 1)
        elif found.kind == "missing_left":
            for name, other in self._names:
                self._count(name, 2, found.right.get(other), 1, 1)

    def _count(self, name: str, place: int, value: Any, side: int, sign: int) -> None:
        if (amount := number_of(value, self._untyped[side])) is not None:
            sums = self._sums[name]
            sums[place] = self._context.add(sums[place], amount) if sign > 0 else self._context.subtract(sums[place], amount)

    def result(self) -> Mapping[str, Bridge]:
        return {name: Bridge(*sums) for name, sums in self._sums.items()}
