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


def _name(value: Any, what: str) -> None:
    if value is not None and (not isinstance(value, str) or not all(value.split("."))):
        raise ConfigurationError(f"{what} takes the name of a field, such as 'updated_at', not {value!r}")


@frozen(init=False)
class Settle:
    """Records that changed within the last ``seconds`` before the comparison began are in flight: what differs in them is no break yet.

    ``field``: where a record says when it last changed, and ``right`` its name on the right, where it has another one there. None: what the source
    names as its cursor, else the one of the usual names that its records have. Raises `ConfigurationError`.
    """

    seconds: float
    field: str | None
    right: str | None

    def __init__(self, seconds: float | timedelta, field: str | None = None, *, right: str | None = None) -> None:
        _name(field, "Settle(seconds, field)")
        _name(right, "Settle(right=…)")
        self.__attrs_init__(_seconds(seconds, "Settle(seconds)"), field, right)  # pyright: ignore[reportAttributeAccessIssue] - made by attrs

    @classmethod
    def of(cls, value: Any) -> Settle | None:
        """None, and no time at all: nothing is set aside."""
        found = value if value is None or isinstance(value, Settle) else cls(_seconds(value, "settle="))
        return found if found is not None and found.seconds else None


@frozen(init=False)
class Recheck:
    """Breaks are looked at again up to ``times`` times, each time after ``wait`` seconds: what agrees then was in flight.

    What differs still, and otherwise than at the look before, is in flight too; what differs in the same way is a break. Raises `ConfigurationError`.
    """

    times: int
    wait: float

    def __init__(self, times: int, *, wait: float | timedelta = 2.0) -> None:
        if isinstance(times, bool) or not isinstance(times, int) or times < 0:
            raise ConfigurationError(f"recheck= takes the number of times to look again, 0 or more, not {times!r}")
        self.__attrs_init__(times, _seconds(wait, "Recheck(wait=…)"))  # pyright: ignore[reportAttributeAccessIssue] - made by attrs

    @classmethod
    def of(cls, value: Any) -> Recheck:
        return value if isinstance(value, Recheck) else cls(value)
