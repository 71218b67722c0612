"""`settle=` and `recheck=` in the user's words: values only, checked when they are built."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from attrs import frozen

from integrakit.errors import ConfigurationError

__all__ = ["Recheck", "Settle"]


def _seconds(value: Any, what: str) -> float:
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise ConfigurationError(f"{what} takes seconds, 0 or more, or a timedelta, not {value!r}")
    return float(value)


@frozen(init=False)
class Settle:
    """Records that changed within the last ``seconds`` before the comparison began are in flight: what differs in them is no break yet.

    ``field``: where a record says when it last changed, and ``right`` its name on the right; None: what the sources name as their cursor, else the
    one of the usual names that both sides have. Raises `ConfigurationError`.
    """

    seconds: float
    field: str | None
    right: str | None

    def __init__(self, seconds: float | timedelta, field: str | None = None, *, right: str | None = None) -> None:
        self.__attrs_init__(_seconds(seconds, "Settle(seconds)"), field, right if right is not None else field)  # pyright: ignore[reportAttributeAccessIssue] - made by attrs

    @classmethod
    def of(cls, value: Any) -> Settle | None:
        return value if value is None or isinstance(value, Settle) else cls(_seconds(value, "settle="))


@frozen(init=False)
class Recheck:
    """Breaks are looked at again up to ``times`` times, ``wait`` seconds apart: what agrees then was in flight. Raises `ConfigurationError`."""

    times: int
    wait: float

    def __init__(self, times: int, *, wait: float | timedelta = 2.0) -> None:
        if isinstance(times, bool) or not isinstance(times, int) or times < 0:
            raise ConfigurationError(f"recheck= takes the number of times to look again, 0 or more, not {times!r}")
        self.__attrs_init__(times, _seconds(wait, "Recheck(wait=…)"))  # pyright: ignore[reportAttributeAccessIssue] - made by attrs

    @classmethod
    def of(cls, value: Any) -> Recheck:
        return value if isinstance(value, Recheck) else cls(value)
