"""``to = "money"`` and ``to = "minor"``: an amount with its currency, and the whole number of its smallest units that many payment APIs take.

The currency is a code in the mapping, or a rule that reads it beside the amount. What money is, is said in `integrakit.money`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from integrakit.errors import ConfigurationError
from integrakit.money import Currency, Money
from integrakit.money.currencies import currency_of
from integrakit.transform.conversions.money import from_minor, to_currency, to_minor, to_money
from integrakit.transform.conversions.target_types import ROUNDING, SHORTEST, Given, Made, Mistake, Option, TargetType, choice, whole
from integrakit.transform.misfit import Misfit
from integrakit.transform.wording import spelled

__all__ = ["MINOR", "MONEY"]

#: In the options of a field: the currency is read from the record.
_READ = object()


def _currency(name: str, value: Any) -> Any:
    if isinstance(value, dict):
        return _READ
    if not isinstance(value, str):
        raise Mistake(f'{name} is a code such as "EUR", or a rule such as {{ from = "currency" }}, not {spelled(value)}')
    return value


def _own_unit(code: str, given: Given) -> Currency:
    try:
        return Currency(code, digits=given["digits"]) if "digits" in given else currency_of(code)
    except ConfigurationError as problem:
        raise Mistake(f'currency: {problem} (a path is written {{ from = "…" }})') from problem


_CURRENCY = Option(
    {"anyOf": [{"type": "string", "pattern": "^[A-Z][A-Z0-9]*$"}, {"type": "object"}]},
    _currency,
    lambda name, value: f"in {value if isinstance(value, Currency | str) else 'the currency beside it'}",
)


def _maker(gives: str, make: Callable[[Any, Any, Given], Any]) -> Callable[[Given], Made]:
    def made(given: Given) -> Made:
        if "currency" not in given:
            raise Mistake(f'to = "{gives}" needs a currency: currency = "EUR", or currency = {{ from = "…" }}')
        fixed = given["currency"]
        if isinstance(fixed, str):
            fixed = _own_unit(fixed, given)
        elif "digits" in given:
            raise Mistake("digits are for a unit of your own: a currency of ISO 4217 brings them, and so does one that is read")
        if fixed is not _READ:
            return Made(convert=lambda value: make(value, fixed, given), gives="money" if gives == "money" else "int")
        return Made(convert=lambda value, code: make(value, to_currency(code), given), gives="money" if gives == "money" else "int")

    return made


def _money(value: Any, currency: Any, given: Given) -> Money:
    found = from_minor(value, currency) if given.get("unit") == "minor" else to_money(value, currency, shortest="float" in given)
    if "rounding" not in given:
        return found
    try:
        return found.round(given["rounding"])
    except ConfigurationError as problem:
        raise Misfit(str(problem)) from problem


def _minor(value: Any, currency: Any, given: Given) -> int:
    return to_minor(value, currency, rounding=given.get("rounding"), shortest="float" in given)


_DIGITS = whole(0, 18, "how many digits the smallest unit has after the point")
MONEY = TargetType(
    {"currency": _CURRENCY, "digits": _DIGITS, "rounding": ROUNDING, "unit": choice("minor", "major"), "float": SHORTEST}, _maker("money", _money)
)
MINOR = TargetType({"currency": _CURRENCY, "digits": _DIGITS, "rounding": ROUNDING, "float": SHORTEST}, _maker("minor", _minor))
