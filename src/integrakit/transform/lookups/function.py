"""A table that is a function of the program's: called for each value, its answers kept for a while, because such functions may be slow."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

from integrakit.errors import ConfigurationError
from integrakit.transform.lookups.copying import copied
from integrakit.transform.lookups.keys import Keys
from integrakit.transform.misfit import Misfit, article
from integrakit.unset import UNSET

__all__ = ["LookupFunction"]

# Values that cannot change behind the back of what remembers them.
_PLAIN = frozenset({bool, type(None), date, UUID})
_LARGEST_CACHE = 10_000_000
# Longer texts, larger numbers and longer lists are no codes: a record must not fill the memory with them.
_LONGEST_TEXT, _LARGEST_NUMBER, _MOST_PARTS = 1_000, 1_000, 20


class _Missed(Exception):
    """The function knows no answer. Raised, because what is raised is not remembered."""


class LookupFunction:
    """A function as a lookup, ``lookups={"region": LookupFunction(region_of, cache=0)}``; a bare function is the same with the default.

    It is called as ``function(value)``, and as ``function(value, day)`` by rules that have ``at``, with a `datetime.date`; never with a value that is
    null. It returns what stands for the value; None is null, `UNSET` is a miss. ``cache``: how many of its answers are kept, those that were asked
    for last; 0 keeps none. Misses, and what it raises, are never kept. Values are told apart by type and content; what is neither text, number, bool,
    date, time, UUID nor a list of these, or is very long, is asked about anew each time. Threads may call it at the same time.
    """

    columns: tuple[str, ...] = ()
    #: It takes a day where the rule gives one.
    dated: bool | None = None
    plain: Mapping[str, Any] | None = None
    gives = ""
    keys = Keys()

    def __init__(self, function: Callable[..., Any], *, cache: int = 10_000) -> None:
        call = getattr(type(function), "__call__", None)  # noqa: B004 - whether it is callable is asked below; this is about how
        if not callable(function) or inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call):
            raise ConfigurationError(f"LookupFunction takes a plain function of a value, or of a value and a day, not {_kind(function)}")
        if isinstance(cache, bool) or not isinstance(cache, int) or not 0 <= cache <= _LARGEST_CACHE:
            raise ConfigurationError(f"LookupFunction(cache=…) takes a number of answers, 0 to {_LARGEST_CACHE}")
        self.function = function
        self.cache = cache
        self._remembered: Callable[[_Question], Any] = lru_cache(maxsize=cache)(self._answered)

    def __repr__(self) -> str:
        return f"<LookupFunction {_name(self.function)}, cache {self.cache}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self.function, self.cache)

    @property
    def origin(self) -> str:
        """The function's name and the first line of what it says of itself."""
        said = (getattr(self.function, "__doc__", None) or "") if inspect.isroutine(self.function) else ""
        first = next(iter(said.strip().splitlines()), "")
        return f"the function {_name(self.function)}" + (f": {first}" if first else "")

    def find(self, value: Any, day: date | None) -> Any:
        """What the function says; UNSET for a miss. Raises whatever the function raises."""
        identity = _identity(value) if self.cache else None
        if identity is None:
            return self._asked(value, day)
        try:
            return copied(self._remembered(_Question((identity, day), value, day)))
        except _Missed:
            return UNSET

    def identify(self, value: Any, day: date | None) -> Any:
        """None: it has no entries."""
        return None

    def entries(self) -> Iterator[Any] | None:
        """None: nobody can list what a function knows."""
        return None

    def taking(self, column: str) -> LookupFunction:
        """Raises `Misfit`: a function says what it gives."""
        raise Misfit(f"is a function and has no column {column!r}: let the function give that value")

    def accepts(self, dated: bool) -> bool:
        """Whether it can be called as a rule with, or without, ``at`` calls it. True where Python does not know."""
        try:
            inspect.signature(self.function).bind(*(None, None) if dated else (None,))
        except TypeError:
            return False
        except ValueError:  # some functions written in C do not tell
            return True
        return True

    def fresh(self) -> LookupFunction:
        """The same function with nothing remembered."""
        return LookupFunction(self.function, cache=self.cache)

    def _asked(self, value: Any, day: date | None) -> Any:
        return self.function(value) if day is None else self.function(value, day)

    def _answered(self, question: _Question) -> Any:
        answer = self._asked(question.value, question.day)
        if answer is UNSET:
            raise _Missed
        return answer


class _Question:
    """What was asked, told apart by its identity alone."""

    __slots__ = ("day", "identity", "value")

    def __init__(self, identity: Any, value: Any, day: date | None) -> None:
        self.identity = identity
        self.value = value
        self.day = day

    def __hash__(self) -> int:
        return hash(self.identity)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Question) and self.identity == other.identity


def _identity(value: Any) -> Any:
    """What tells the value from every other one; None where nothing does."""
    kind = type(value)
    if kind in _PLAIN or (kind is str and len(value) <= _LONGEST_TEXT) or (kind is int and value.bit_length() <= _LARGEST_NUMBER):
        return (kind, value)
    if kind is float or (kind is Decimal and len(value.as_tuple().digits) <= _LARGEST_NUMBER):
        return (kind, str(value))  # 1.0 and 1.00 are equal, and not the same
    if kind in (datetime, time):
        return (kind, value.isoformat(), value.fold)
    if kind in (list, tuple) and len(value) <= _MOST_PARTS:
        parts = tuple(None if type(part) in (list, tuple) else _identity(part) for part in value)
        return None if None in parts else (kind, parts)
    return None


def _name(function: Callable[..., Any]) -> str:
    name = getattr(function, "__name__", None)
    return name if isinstance(name, str) else type(function).__name__


def _kind(function: Any) -> str:
    return "an async function" if callable(function) else article(function)


def _rebuild(function: Callable[..., Any], cache: int) -> LookupFunction:
    return LookupFunction(function, cache=cache)
