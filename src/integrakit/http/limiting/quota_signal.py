"""What a server said about one of its quotas, as a value. How it said so is for the dialects; what to do about it is for the limiters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Literal, get_args

from attrs import field, frozen

from integrakit.errors import ConfigurationError
from integrakit.model import Response

__all__ = ["Dialect", "Kind", "QuotaSignal"]

Kind = Literal["rate", "window", "concurrency", "budget"]
_KINDS = frozenset(get_args(Kind))


def _text(owner: Any, attribute: Any, value: Any) -> None:
    if not isinstance(value, str):
        raise ConfigurationError(f"QuotaSignal({attribute.name}=…) takes a text, not {value!r}")


def _kind(owner: Any, attribute: Any, value: Any) -> None:
    if not isinstance(value, str) or value not in _KINDS:
        raise ConfigurationError(f"QuotaSignal(kind=…) takes one of {sorted(_KINDS)}, not {value!r}")


def _usual_kind() -> Kind:
    return "window"


def _amount(owner: Any, attribute: Any, value: Any) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf")):
        raise ConfigurationError(f"QuotaSignal({attribute.name}=…) takes a finite number of 0 or more, or None where nothing is known, not {value!r}")


@frozen(kw_only=True)
class QuotaSignal:
    """The state of one quota as one answer told it. None: it was not told. Numbers are finite and never negative; times are in seconds."""

    #: Which dialect read it.
    dialect: str = field(validator=_text)
    #: The server's own name of the quota: "burst", "core", "daily" …
    name: str = field(default="", validator=_text)
    #: ``rate``: refills all the time (token and leaky buckets). ``window``: so many in a window below a day. ``budget``: so many in a day or longer.
    #: ``concurrency``: so many at the same time.
    kind: Kind = field(factory=_usual_kind, validator=_kind)
    #: What is counted: "requests", "points", "bytes", "tokens" …
    unit: str = field(default="requests", validator=_text)
    #: Units in the window, or in the full bucket.
    limit: float | None = field(default=None, validator=_amount)
    #: Units that are left.
    remaining: float | None = field(default=None, validator=_amount)
    #: Length of the window.
    window: float | None = field(default=None, validator=_amount)
    #: From now until the quota is whole again.
    reset: float | None = field(default=None, validator=_amount)
    #: Units restored per second.
    rate: float | None = field(default=None, validator=_amount)
    #: From now until asking again makes sense.
    retry_after: float | None = field(default=None, validator=_amount)
    #: The whole quota is gone: all who share it must wait, not only this caller.
    everybody: bool = False
    #: What this call really cost, and what it was charged at first; the difference was given back.
    charged: float | None = field(default=None, validator=_amount)
    requested: float | None = field(default=None, validator=_amount)
    #: This answer is a refusal by this quota, whatever its status.
    refused: bool = False


#: A pure function: the answer, and now (aware, UTC) → what it tells of quotas. Nothing in an answer makes it raise.
Dialect = Callable[[Response, datetime], Sequence[QuotaSignal]]
