"""`Money`: an exact amount of one currency, the value that is safe to add up.

Arithmetic, comparison and writing of one value. Sharing out is in `allocating`, adding up lines with a rounding in `totals`.

It is not an attrs class on purpose: it is one value, like a Decimal, and must not fall apart where a record around it is taken apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, NoReturn, final, overload

from integrakit.errors import ConfigurationError
from integrakit.money import exact
from integrakit.money.allocating import allocate
from integrakit.money.currencies import Currency, currency_of

__all__ = ["Money", "from_parts", "parts_of"]

_FORMAT = re.compile(r"(?:(.)?([<>^]))?([+ -])?([1-9][0-9]{0,3})?(,)?(?:\.([0-9]{1,2}))?f?", re.DOTALL)
_MOST_PARTS = 1_000_000
#: Types that have no business beside money: with them the mistake is named, other classes may know better themselves.
_PLAIN = (int, float, Decimal, str)


@final
class Money:
    """An amount of one currency: ``Money("9.80", "EUR")``. Never changes, can be hashed, and is exact.

    ``amount``: a Decimal, an int or decimal text, with as many digits as it needs; a float is refused. ``currency``: a current ISO 4217 code, or a
    `Currency`. Raises `ConfigurationError` for anything else, for mixing currencies, and for arithmetic that would lose a digit.

    Amounts that are equal are written alike: 1.1, "1.10" and 1.100 euros are 1.10 EUR.
    """

    __slots__ = ("_amount", "_unit")
    _amount: Decimal
    _unit: Currency

    def __init__(self, amount: Decimal | int | str, currency: Currency | str) -> None:
        unit = currency_of(currency)
        _fill(self, exact.settled(exact.exact_number(amount, "an amount of money"), unit.unit), unit)

    @classmethod
    def from_minor(cls, units: int, currency: Currency | str) -> Money:
        """From a whole number of the smallest unit: 1230 is 12.30 EUR, 1230 JPY and 1.230 KWD."""
        unit = currency_of(currency)
        if isinstance(units, bool) or not isinstance(units, int):
            raise ConfigurationError(f"Money.from_minor takes a whole number of the smallest unit, not {exact.shown(units)}")
        number = exact.exact_number(units, "an amount of money")
        return _made(exact.from_units(int(number), _digits(unit, "Money.from_minor")), unit)

    @property
    def amount(self) -> Decimal:
        """With at least the digits of the currency, and never an exponent."""
        return self._amount

    @property
    def currency(self) -> str:
        """The code."""
        return self._unit.code

    @property
    def unit(self) -> Currency:
        """The currency with its digits."""
        return self._unit

    @property
    def minor(self) -> int:
        """The amount in the smallest unit: 12.30 EUR is 1230. Raises `ConfigurationError` where digits would be lost."""
        digits = _digits(self._unit, "Money.minor")
        units = exact.to_units(self._amount, digits)
        if units is None:
            raise ConfigurationError(f"{self} has more than the {digits} digits of {self.currency}: round it first")
        return units

    @property
    def is_rounded(self) -> bool:
        """Whether the amount can be paid: it has no digits below the smallest unit."""
        return self._unit.unit is not None and self._amount.same_quantum(self._unit.unit)

    def round(self, rounding: str = "half-even", digits: int | None = None, *, step: Decimal | int | str | None = None) -> Money:
        """With the digits of the currency, or ``digits``, or as a multiple of ``step`` (0.05 for cash in CHF).

        ``rounding``: half-even (to the even digit), half-up (halves away from zero), half-down, up (away from zero), down, ceiling, floor, or exact,
        which is a `ConfigurationError` where a digit would be lost.
        """
        if step is not None:
            found = exact.settled(exact.exact_number(step, "step"), None, "step")
            if found <= 0 or digits is not None:
                raise ConfigurationError(f"Money.round takes digits or a step above zero, not {exact.shown(found)}")
            return _made(exact.stepped(self._amount, found, rounding), self._unit)
        if digits is None:
            digits = _digits(self._unit, "Money.round")
        return _made(exact.rounded(self._amount, digits, rounding), self._unit)

    def allocate(self, weights: Iterable[Decimal | int | str | Money], *, digits: int | None = None) -> list[Money]:
        """Parts in proportion to ``weights`` that add up to the amount, by the largest remainder; among equals the first gets more.

        ``weights``: numbers, or amounts of one currency; zero or more, not all zero. ``digits``: of the parts, those of the currency unless given.
        Raises `ConfigurationError` for other weights, and where the amount itself has more digits.
        """
        if isinstance(weights, Iterable) and not isinstance(weights, str | bytes):
            weights = _numbers(list(weights))
        scale = _digits(self._unit, "Money.allocate") if digits is None else digits
        return [_made(part, self._unit) for part in allocate(self._amount, weights, scale)]

    def split(self, parts: int, *, digits: int | None = None) -> list[Money]:
        """That many parts, as equal as can be; the first ones are larger."""
        if isinstance(parts, bool) or not isinstance(parts, int) or not 0 < parts <= _MOST_PARTS:
            raise ConfigurationError(f"Money.split takes a number of parts, 1 to {_MOST_PARTS:,}, not {exact.shown(parts)}")
        return self.allocate([1] * parts, digits=digits)

    # ---------------------------------------------------------------- arithmetic

    def __add__(self, other: Money) -> Money:
        if not isinstance(other, Money):
            self._refuse("+", other)
            return NotImplemented
        self._same(other, "added")
        return _made(exact.add(self._amount, other._amount), self._unit)

    def __radd__(self, other: int) -> Money:
        # Where sum() starts.
        if type(other) is int and other == 0:
            return self
        self._refuse("+", other)
        return NotImplemented

    def __sub__(self, other: Money) -> Money:
        if not isinstance(other, Money):
            self._refuse("-", other)
            return NotImplemented
        self._same(other, "subtracted")
        return _made(exact.add(self._amount, other._amount.copy_negate()), self._unit)

    def __neg__(self) -> Money:
        return _made(self._amount.copy_negate(), self._unit)

    def __pos__(self) -> Money:
        return self

    def __abs__(self) -> Money:
        return _made(self._amount.copy_abs(), self._unit)

    def __mul__(self, other: Decimal | int) -> Money:
        factor = self._factor("*", other)
        if factor is None:
            return NotImplemented
        return _made(exact.multiply(self._amount, factor), self._unit)

    __rmul__ = __mul__

    @overload
    def __truediv__(self, other: Money) -> Decimal: ...
    @overload
    def __truediv__(self, other: Decimal | int) -> Money: ...
    def __truediv__(self, other: Money | Decimal | int) -> Money | Decimal:
        """By a number: money, to 50 significant digits. By money of the same currency: the ratio, a Decimal."""
        if isinstance(other, Money):
            self._same(other, "divided")
        divisor = other._amount if isinstance(other, Money) else self._factor("/", other)
        if divisor is None:
            return NotImplemented
        if not divisor:
            raise ConfigurationError(f"{self} cannot be divided by zero")
        found = exact.divide(self._amount, divisor)
        return exact.settled(found, None) if isinstance(other, Money) else _made(found, self._unit)

    def __round__(self, digits: int | None = None) -> Money:
        return self.round(digits=digits)

    def _factor(self, sign: str, other: Any) -> Decimal | None:
        if isinstance(other, Money):
            raise ConfigurationError(f"{self} {sign} {other}: money is multiplied by numbers, not by money")
        if isinstance(other, str):
            self._refuse(sign, other)
        return exact.exact_number(other, f"the number in {self} {sign} …") if isinstance(other, _PLAIN) else None

    def _refuse(self, sign: str, other: Any) -> None:
        if isinstance(other, str):
            raise ConfigurationError(f"{self} {sign} {exact.shown(other)}: that is text")
        if isinstance(other, _PLAIN):
            raise ConfigurationError(f'{self} {sign} {exact.shown(other)}: only money goes with money: Money({_as_text(other)}, "{self.currency}")')

    def _same(self, other: Money, done: str) -> None:
        # Almost always the very same object.
        if self._unit is not other._unit and self._unit != other._unit:
            raise _mixed(self, other, done)

    # ---------------------------------------------------------------- comparison

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Money):
            return NotImplemented
        return self._amount == other._amount and self._unit == other._unit

    def __hash__(self) -> int:
        return hash((self._amount, self._unit))

    def __bool__(self) -> bool:
        return bool(self._amount)

    def __lt__(self, other: Money) -> bool:
        return self._amount < other._amount if self._comparable(other, "<") else NotImplemented

    def __le__(self, other: Money) -> bool:
        return self._amount <= other._amount if self._comparable(other, "<=") else NotImplemented

    def __gt__(self, other: Money) -> bool:
        return self._amount > other._amount if self._comparable(other, ">") else NotImplemented

    def __ge__(self, other: Money) -> bool:
        return self._amount >= other._amount if self._comparable(other, ">=") else NotImplemented

    def _comparable(self, other: Any, sign: str) -> bool:
        if isinstance(other, Money):
            self._same(other, "compared")
            return True
        self._refuse(sign, other)
        return False

    # ---------------------------------------------------------------- writing

    def __str__(self) -> str:
        return f"{self._amount:f} {self._unit.code}"

    def __repr__(self) -> str:
        return f"Money('{self._amount:f}', {self._unit.shortest!r})"

    def __format__(self, spec: str) -> str:
        """The amount as a number would be (``,`` ``+`` ``.2f``, halves to even), the code, and both padded to a width: ``f"{price:>16,}"``."""
        if not spec:
            return str(self)
        found = _FORMAT.fullmatch(spec)
        if found is None:
            raise ConfigurationError(f"{exact.shown(spec)} is no format of money: [[fill]align][sign][width][,][.digits], such as '>16,.2f'")
        fill, align, sign, width, comma, digits = found.groups()
        amount = self._amount if digits is None else exact.rounded(self._amount, int(digits), "half-even")
        return f"{amount:{sign or ''}{comma or ''}f} {self._unit.code}".__format__(f"{fill or ''}{align or '>'}{width or ''}")

    # ---------------------------------------------------------------- copies

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"money never changes: make another one instead of setting {name!r}")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"money never changes: {name!r} cannot be deleted")

    def __copy__(self) -> Money:
        return self

    def __deepcopy__(self, memo: Any) -> Money:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return from_parts, parts_of(self)


def parts_of(money: Money) -> tuple[str, str, int | None]:
    """What is kept of it: amount, code, and the digits too, for the list of currencies may be another one when it comes back."""
    return f"{money.amount:f}", money.currency, money.unit.digits


def from_parts(amount: str, code: str, digits: int | None) -> Money:
    """The inverse of `parts_of`."""
    return _made(Decimal(amount), Currency.kept(code, digits))


def _digits(unit: Currency, what: str) -> int:
    if unit.digits is None:
        raise ConfigurationError(f'{what}: {unit} has no smallest unit in ISO 4217: give digits=, or the currency as Currency("{unit}", digits=3)')
    return unit.digits


def _mixed(left: Money, right: Money, done: str) -> ConfigurationError:
    digits = f", with {left.unit.digits} and with {right.unit.digits} digits," if left.currency == right.currency else ""
    return ConfigurationError(f"{left} and {right} are of different currencies{digits} and cannot be {done}: convert one of them first")


def _as_text(number: Any) -> str:
    """How a number is written where money is wanted."""
    return f'"{exact.shown(number)}"' if isinstance(number, float | Decimal) else exact.shown(number)


def _numbers(weights: list[Any]) -> list[Any]:
    """Weights that are money as their amounts; of one currency, or all numbers."""
    money = [weight for weight in weights if isinstance(weight, Money)]
    for weight in money:
        weight._same(money[0], "weights of one whole")
    if money and len(money) < len(weights):
        raise ConfigurationError("weights are all numbers, or all amounts of one currency, not some of each")
    return [weight.amount for weight in money] or weights


def _fill(money: Money, amount: Decimal, unit: Currency) -> None:
    object.__setattr__(money, "_amount", amount)
    object.__setattr__(money, "_unit", unit)


def _made(amount: Decimal, unit: Currency) -> Money:
    """From a finite number that was checked."""
    money = Money.__new__(Money)
    _fill(money, exact.settled(amount, unit.unit), unit)
    return money
