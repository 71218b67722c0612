"""``to = "currency"``: the code of a currency, checked against ISO 4217. Amounts, and what belongs to them, are money's business."""

from __future__ import annotations

from typing import Any

from integrakit.money.currencies import CURRENCIES, WITHDRAWN
from integrakit.transform.conversions.target_types import Given, Made, Mistake, TargetType, flag
from integrakit.transform.misfit import Misfit, article, excerpt

__all__ = ["CURRENCY"]

_LONGEST = 16


def _make(given: Given) -> Made:
    numbers = _numbers() if given.get("numeric") else {}

    def to_currency(value: Any) -> str:
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise Misfit(f"{article(value)} is not the code of a currency: three letters such as EUR are")
        text = f"{value:03}" if isinstance(value, int) and 0 <= value <= 999 else value
        code = text.strip().upper() if isinstance(text, str) and len(text) <= _LONGEST else ""
        if code.isascii() and code.isdigit():
            if not given.get("numeric"):
                raise Misfit(f"{excerpt(value)} is a number: numeric = true takes the numbers of ISO 4217 too")
            code = numbers.get(code, "")
        if code in CURRENCIES:
            return code
        if code in WITHDRAWN:
            old = WITHDRAWN[code]
            after = f", {old.successor} came after it" if old.successor else ""
            raise Misfit(f"{excerpt(value)} is a currency that was withdrawn in {old.when}{after}")
        raise Misfit(f"{excerpt(value)} is not the code of a currency in ISO 4217: three letters such as EUR are")

    return Made(convert=to_currency, gives="str")


def _numbers() -> dict[str, str]:
    try:
        import pycountry  # an extra: only mappings with numbers of currencies need it
    except ImportError as problem:
        raise Mistake('numeric = true needs pycountry: pip install "integrakit[countries]"') from problem
    return {currency.numeric: currency.alpha_3 for currency in pycountry.currencies if currency.alpha_3 in CURRENCIES}


CURRENCY = TargetType({"numeric": flag()}, _make)
