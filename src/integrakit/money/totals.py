"""Adding up lines that must be rounded: per line or per document, with the difference between the two named.

An invoice shows rounded lines and a rounded total, and the two do not always meet: rounding each line and then adding up is not adding up and then
rounding. Both are in use, sometimes by law. What must not happen is that the difference vanishes: here it is the `residue`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

from attrs import frozen

from integrakit.errors import ConfigurationError
from integrakit.money.currencies import Currency
from integrakit.money.exact import from_units, shown, to_units
from integrakit.money.value import Money

__all__ = ["Per", "Rounded", "total"]

Per = Literal["line", "document"]


@frozen
class Rounded:
    """What `total` found. Everything is of one currency and rounded, but ``exact``."""

    #: What the document says at its end: of ``per="line"`` the sum of the rounded lines, of ``per="document"`` the rounded sum of the exact ones.
    total: Money
    #: Each line, rounded for itself.
    lines: tuple[Money, ...]
    #: The total per document less the total per line: what the rounding of the lines hides. The same whichever way was asked for.
    residue: Money
    #: The lines as they were given.
    exact: tuple[Money, ...]
    #: After the point, of everything that is rounded.
    digits: int
    per: Per
    rounding: str

    def on_line(self, index: int) -> tuple[Money, ...]:
        """The lines with the residue added to one of them, so that they add up to the total. Negative indexes count from the end."""
        self._check()
        if isinstance(index, bool) or not isinstance(index, int) or not -len(self.lines) <= index < len(self.lines):
            raise ConfigurationError(f"there is no line {shown(index)}: there are {len(self.lines)}")
        place = index % len(self.lines)
        return tuple(line + self.residue if each == place else line for each, line in enumerate(self.lines))

    def spread(self) -> tuple[Money, ...]:
        """The lines with the residue on those whose rounding lost most, a smallest unit each, the first of equals first; they add up to the total."""
        self._check()
        units = to_units(self.residue.amount, self.digits) or 0
        sign = 1 if units > 0 else -1
        lost = [(each - line) * sign for each, line in zip(self.exact, self.lines, strict=True)]
        # There are never more units than lines: rounding moves a line, and the total, by one unit at most.
        chosen = frozenset(sorted(range(len(lost)), key=lambda place: -lost[place])[: abs(units)])
        one = Money(from_units(sign, self.digits), self.total.unit)
        return tuple(line + one if place in chosen else line for place, line in enumerate(self.lines))

    def as_line(self) -> tuple[Money, ...]:
        """The lines and, where there is one, the residue as a line of its own at the end; they add up to the total."""
        self._check()
        return (*self.lines, self.residue) if self.residue else self.lines

    def _check(self) -> None:
        if self.per == "line":
            raise ConfigurationError('lines that were rounded per line add up to their total already: ask for per="document"')


def total(
    lines: Iterable[Money], per: Per, rounding: str = "half-even", *, digits: int | None = None, currency: Currency | str | None = None
) -> Rounded:
    """Adds up exact amounts, one for each line, and rounds them per line or per document.

    ``per="line"``: each line is rounded, the total is their sum. ``per="document"``: the exact lines are added up, and the total is rounded once.
    ``digits``: those of the currency unless given. ``currency``: for a document that may have no lines. Raises `ConfigurationError` for lines
    that are not money, or of several currencies.
    """
    if not isinstance(per, str) or per not in get_args(Per):
        raise ConfigurationError(f'total(per=…) is "line" or "document", not {shown(per)}')
    given = _money(lines)
    if not given and currency is None:
        raise ConfigurationError("a total of no lines has no currency: say which with currency=")
    nothing = Money(0, given[0].unit if currency is None else currency)
    zero = nothing.round(rounding, digits)
    rounded = tuple(line.round(rounding, digits) for line in given)
    by_line, by_document = sum(rounded, zero), sum(given, nothing).round(rounding, digits)
    return Rounded(
        total=by_line if per == "line" else by_document,
        lines=rounded,
        residue=by_document - by_line,
        exact=given,
        digits=(nothing.unit.digits or 0) if digits is None else digits,
        per=per,
        rounding=rounding,
    )


def _money(lines: Iterable[Money]) -> tuple[Money, ...]:
    if not isinstance(lines, Iterable):
        raise ConfigurationError(f"the lines of a total are a list of Money, not {shown(lines)}")
    given = tuple(lines)
    for index, line in enumerate(given):
        if not isinstance(line, Money):
            raise ConfigurationError(f"line {index} of a total is Money, not {shown(line)}")
    return given
