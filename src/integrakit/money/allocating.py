"""Sharing a whole out in smallest units, so that the parts always add up to it: the method of the largest remainder (Hamilton).

Numbers only; `Money.allocate` and the mappings come here.

Each share is first cut to whole units, towards zero. The units that are left go, one each, to the shares that lost most; among equals, to the first.
So each part is less than one unit away from its exact share, a weight of zero gets nothing, and a negative whole is shared like the positive one.
Source: the apportionment method of Alexander Hamilton, 1792, also named after Hare and Niemeyer.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from integrakit.errors import ConfigurationError
from integrakit.money.exact import EXACT_DIGITS, exact_number, from_units, settled, shown, to_units

__all__ = ["allocate"]


def allocate(total: Decimal | int | str, weights: Iterable[Decimal | int | str], scale: int = 2) -> list[Decimal]:
    """``total`` in parts in proportion to ``weights``, each with ``scale`` digits after the point; their sum is ``total``, exactly.

    Raises `ConfigurationError` for a total with more digits than ``scale``, and for weights that are negative, all zero, none at all, or floats.
    """
    if isinstance(scale, bool) or not isinstance(scale, int) or not 0 <= scale < EXACT_DIGITS:
        raise ConfigurationError(f"scale is a number of digits after the point, 0 to {EXACT_DIGITS - 1}, not {shown(scale)}")
    whole = _plain(total, "the total to allocate")
    units = to_units(whole, scale)
    if units is None:
        raise ConfigurationError(f"{shown(whole)} has more than {scale} digits after the point: round it before it is allocated")
    return [from_units(part, scale) for part in _hamilton(units, _whole_weights(weights))]


def _plain(value: Any, what: str) -> Decimal:
    return settled(exact_number(value, what), None, what)


def _whole_weights(weights: Any) -> list[int]:
    if isinstance(weights, str | bytes) or not isinstance(weights, Iterable):
        raise ConfigurationError(f"weights are a list of numbers, not {shown(weights)}")
    found = [_plain(weight, f"weight {index}") for index, weight in enumerate(weights)]
    for index, weight in enumerate(found):
        if weight < 0:
            raise ConfigurationError(f"weight {index} is {shown(weight)}, and a weight is never negative")
    if not any(found):
        raise ConfigurationError(f"{'all weights are zero' if found else 'there are no weights'}: nothing says who gets what")
    digits = max(-int(weight.as_tuple().exponent) for weight in found)
    return [to_units(weight, digits) or 0 for weight in found]


def _hamilton(units: int, weights: list[int]) -> list[int]:
    everything = sum(weights)
    shares = [divmod(abs(units) * weight, everything) for weight in weights]
    parts = [share for share, _ in shares]
    left = abs(units) - sum(parts)
    # sorted() is stable: among equal remainders the first comes first.
    for index in sorted(range(len(shares)), key=lambda index: -shares[index][1])[:left]:
        parts[index] += 1
    return parts if units >= 0 else [-part for part in parts]
