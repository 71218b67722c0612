"""Which fault meets which request: probabilities drawn from a seed, or a script.

What a fault does to a request is the application's business; here it is only chosen.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

from attrs import field, frozen

from integrakit.errors import ConfigurationError
from integrakit.testing.checks import is_number, seconds

__all__ = ["Fault", "FaultDraw", "Faults"]

#: In the order in which one random number is laid over their probabilities.
KINDS = ("error", "drop", "drop_response", "slow", "duplicate", "malformed", "empty")
_STATUSES = (500, 502, 503)


@frozen
class Fault:
    """One fault: its kind, and for an ``error`` the status to answer."""

    kind: str
    status: int = 500


def _probability(owner: Any, attribute: Any, value: Any) -> None:
    if not is_number(value) or not 0 <= value <= 1:
        raise ConfigurationError(f"Faults({attribute.name}=…) takes a probability from 0 to 1, not {value!r}")


def _methods(value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, str) or not all(isinstance(method, str) for method in value):
        raise ConfigurationError(f'Faults(drop_methods=…, script_methods=…) take a list of methods such as ["POST"], not {value!r}')
    return tuple(method.upper() for method in value)


def _entries(value: Any) -> Any:
    if isinstance(value, str):
        raise ConfigurationError(f"Faults(scripted=…) takes a list, not {value!r}")
    entries = tuple(value)
    for entry in entries:
        is_status = isinstance(entry, int) and not isinstance(entry, bool) and 400 <= entry <= 599
        if entry is not None and entry not in KINDS and not is_status:
            raise ConfigurationError(f"a script of faults takes None, a status from 400 to 599, or one of {', '.join(KINDS)}; not {entry!r}")
    return entries


@frozen(kw_only=True)
class Faults:
    """What goes wrong, and how often. The same seed and the same order of requests give the same faults.

    Each request meets at most one fault. ``error``, ``drop``, ``drop_response``, ``slow``, ``duplicate``, ``malformed`` and ``empty`` are
    probabilities, their sum at most 1:

    - ``error``: answered 500, 502 or 503 before anything happened; ``retry_after`` (seconds, or any text) goes with a 503;
    - ``drop``: the connection is closed before anything happened;
    - ``drop_response``: it happens, then the connection is closed without an answer; only for ``drop_methods`` (None: all);
    - ``slow``: it happens, and the answer comes ``slow_seconds`` late;
    - ``duplicate``: a request for a page is answered with the page before it once more, next link and all, as a stale cache would;
    - ``malformed``: it happens, and the JSON of the answer is cut off in the middle, under headers that fit it;
    - ``empty``: a page comes without rows, and names a next one that begins at the same place; only where pages go on by tokens (link, cursor).

    ``scripted`` comes first: one entry for each of the next requests (with ``script_methods``: the next requests by those methods).
    """

    seed: int = 0
    error: float = field(default=0.0, validator=_probability)
    drop: float = field(default=0.0, validator=_probability)
    drop_response: float = field(default=0.0, validator=_probability)
    slow: float = field(default=0.0, validator=_probability)
    duplicate: float = field(default=0.0, validator=_probability)
    malformed: float = field(default=0.0, validator=_probability)
    empty: float = field(default=0.0, validator=_probability)
    slow_seconds: float = 1.0
    retry_after: float | str | None = None
    drop_methods: tuple[str, ...] | None = field(default=None, converter=_methods)
    scripted: tuple[str | int | None, ...] = field(default=(), converter=_entries)
    script_methods: tuple[str, ...] | None = field(default=None, converter=_methods)

    def __attrs_post_init__(self) -> None:
        seconds("Faults(slow_seconds=…)", self.slow_seconds)
        if isinstance(self.retry_after, str):
            if not (self.retry_after.isascii() and self.retry_after.isprintable()):
                raise ConfigurationError(f"Faults(retry_after=…) takes seconds, or text that can stand in a header, not {self.retry_after!r}")
        elif self.retry_after is not None:
            seconds("Faults(retry_after=…)", self.retry_after)
        if isinstance(self.seed, bool) or not isinstance(self.seed, int):
            raise ConfigurationError(f"Faults(seed=…) takes a whole number, not {self.seed!r}")
        total = sum(getattr(self, kind) for kind in KINDS)
        if total > 1 + 1e-9:
            raise ConfigurationError(f"the probabilities of Faults add up to {total:g}, and a request meets one fault at most: make it 1 or less")

    @classmethod
    def script(cls, entries: Iterable[str | int | None], *, methods: Iterable[str] | None = None, **others: Any) -> Faults:
        """Faults for the next requests, one after the other: ``Faults.script(["error", None, "drop_response", 429])``.

        An entry is a kind of fault, a status to answer before anything happens, or None for a request that meets none. ``methods``: only requests by
        these use the script up. Afterwards the probabilities in ``others`` count, by default none.
        """
        return cls(scripted=tuple(entries), script_methods=None if methods is None else tuple(methods), **others)


class FaultDraw:
    """`Faults` in use: where in the script and in the random numbers a simulator is."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self._random = random.Random(faults.seed)
        self._script = list(faults.scripted)[::-1]

    def next(self, method: str) -> Fault | None:
        """The fault that a request by ``method`` is to meet."""
        faults = self.faults
        if self._script and (faults.script_methods is None or method in faults.script_methods):
            entry = self._script.pop()
            if isinstance(entry, int):
                return Fault("error", entry)
            return None if entry is None else self._fault(entry)
        # One number for each request, whatever comes of it: the faults of later requests do not depend on the methods of earlier ones.
        number = self._random.random()
        for kind in KINDS:
            number -= getattr(faults, kind)
            if number < 0:
                if kind == "drop_response" and faults.drop_methods is not None and method not in faults.drop_methods:
                    return None
                return self._fault(kind)
        return None

    def _fault(self, kind: str) -> Fault:
        return Fault(kind, self._random.choice(_STATUSES)) if kind == "error" else Fault(kind)
