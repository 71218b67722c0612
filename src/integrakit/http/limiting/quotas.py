"""What a quota is, as a value, and the text it is usually written in. No state, no time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal, get_args

from attrs import field, frozen

from integrakit.errors import ConfigurationError

__all__ = ["PACED_UP_TO", "Quota", "parse_quotas", "quotas_of"]

#: In texts, windows up to this many seconds are paced, longer ones are counted.
PACED_UP_TO = 60.0
QuotaKind = Literal["rate", "window", "budget"]
_KINDS = get_args(QuotaKind)
#: Untyped, or the type checkers widen it to any text.
_DEFAULT: Any = "rate"


def _amount(owner: Any, attribute: Any, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 10**15:
        raise ConfigurationError(f"Quota({attribute.name}=…) takes a whole number of 1 or more, not {value!r}")


def _seconds(owner: Any, attribute: Any, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.001 <= value <= 1e9:
        raise ConfigurationError(f"Quota(seconds=…) takes the length of the window in seconds, from 0.001 to 1e9, not {value!r}")


def _kind(owner: Any, attribute: Any, value: Any) -> None:
    if value not in _KINDS:
        raise ConfigurationError(f'Quota(kind=…) takes "rate", "window" or "budget", not {value!r}')


def _name(owner: Any, attribute: Any, value: Any) -> None:
    if not isinstance(value, str) or not value.isprintable():
        raise ConfigurationError(f"Quota(name=…) takes a text that can be printed, not {value!r}")


@frozen
class Quota:
    """``amount`` units in ``seconds``.

    ``kind="rate"``: spread evenly, ``burst`` units at once at most after a pause. ``"window"``: at most so many in any window of that length, at
    once if need be. ``"budget"``: the same for long windows, remembered in a hundred steps, with reserves. ``name``: what the server calls it.
    """

    amount: int = field(validator=_amount)
    seconds: float = field(validator=_seconds)
    kind: QuotaKind = field(default=_DEFAULT, kw_only=True, validator=_kind)
    name: str = field(default="", kw_only=True, validator=_name)
    burst: int = field(default=1, kw_only=True, validator=_amount)

    def __str__(self) -> str:
        return f"{self.name + ': ' if self.name else ''}{self.amount} per {self.seconds:g} s ({self.kind})"


def parse_quotas(rate: Any, burst: int) -> list[Quota]:
    """Reads ``"2/second; 100000/day"`` as `limits` does: ``N/unit`` or ``N per M unit``, joined by ``;`` or ``,``."""
    # Imported here: limits costs more to import than httpx, and a client without a limit does not need it.
    from limits import parse_many

    wrong = f"a rate limit is written like '2/second', '100 per 10 seconds' or '2/second; 100000/day', not {rate!r}"
    if not isinstance(rate, str) or re.search(r"(per|/)\s*0+\s*[a-z]", rate, re.IGNORECASE):  # which limits takes for 1
        raise ConfigurationError(wrong)
    try:
        found = [(item.amount, float(item.get_expiry())) for item in parse_many(rate)]
    except ValueError as problem:
        raise ConfigurationError(wrong) from problem
    if not found or any(amount < 1 or seconds <= 0 for amount, seconds in found):
        raise ConfigurationError(wrong)
    return [
        Quota(amount, seconds, kind="rate", burst=burst) if seconds <= PACED_UP_TO else Quota(amount, seconds, kind="budget")
        for amount, seconds in found
    ]


def quotas_of(rate: Any, more: Sequence[Any], burst: int) -> list[Quota]:
    """What a user gives: one text, or values. Raises `ConfigurationError`."""
    if isinstance(rate, Quota):
        for quota in more:
            if not isinstance(quota, Quota):
                raise ConfigurationError(f"RateLimit takes a text or Quota values, and not {quota!r} among them")
        return [rate, *more]
    if more:
        raise ConfigurationError(f"RateLimit takes one text, such as '2/second; 100000/day', or Quota values; not {rate!r} and {more[0]!r}")
    return parse_quotas(rate, burst)
