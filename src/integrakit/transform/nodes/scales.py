"""``scale`` and ``rounding`` of the rules that round by themselves, without a ``to``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from integrakit.transform.exact import ROUNDINGS
from integrakit.transform.wording import did_you_mean, spelled

if TYPE_CHECKING:
    from integrakit.transform.parsing import Parser, Spot

__all__ = ["read_scale"]

_MOST_DIGITS = 100


def read_scale(parser: Parser, tree: dict[str, Any], spot: Spot, name: str, unless: str = "") -> tuple[int, str]:
    """The digits after the point, and the name of the rounding. ``name``: of the rule; ``unless``: what would make a scale needless."""
    scale, rounding = tree.get("scale"), tree.get("rounding", "half-even")
    if "scale" not in tree:
        parser.refuse(spot, f"{name} needs scale, the number of digits after the point: scale = 2, for one{unless}")
    if isinstance(scale, bool) or not isinstance(scale, int) or not 0 <= scale <= _MOST_DIGITS:
        parser.refuse(spot, f"scale is a number of digits after the point, 0 to {_MOST_DIGITS}, not {spelled(scale)}", option="scale")
    if rounding not in ROUNDINGS:
        parser.refuse(spot, f"unknown rounding {spelled(rounding)}{did_you_mean(rounding, ROUNDINGS)}", option="rounding")
    return scale, rounding
