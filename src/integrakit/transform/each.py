"""`MappedRecords`: many records through one mapping, without a sync. What the mapping's ``on_error`` means when nobody else keeps the failures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from attrs import frozen

from integrakit.errors import ConfigurationError, MappingError
from integrakit.model import FieldError
from integrakit.transform.misfit import article

__all__ = ["MOST_KEPT", "Failure", "MappedRecords", "OnError", "check_on_error"]

#: Failures that are kept with their record; those beyond are counted.
MOST_KEPT = 10_000

OnError = str
_ON_ERROR = ("dead_letter", "raise", "null")


def check_on_error(value: Any, name: str) -> str:
    """Raises `ConfigurationError` for another word."""
    if value not in _ON_ERROR:
        shown = repr(value) if isinstance(value, str) else article(value)
        raise ConfigurationError(f"{name}: on_error is one of {', '.join(map(repr, _ON_ERROR))}, not {shown:.80}")
    return str(value)


@frozen
class Failure:
    """A record that does not fit, and why. ``number``: it was the nth record, counted from 1."""

    number: int
    record: Any
    error: MappingError


class MappedRecords:
    """The mapped records of an iterable, made as they are asked for; each iteration is a new read of it.

    A record that does not fit is left out and kept in `failures` ("dead_letter"), ends the iteration with its `MappingError` ("raise"), or has null
    in the fields that do not fit ("null"), which `nulled` then counts.
    """

    def __init__(self, records: Iterable[Any], mapped: Callable[[Any, list[FieldError]], Any], on_error: str) -> None:
        if not isinstance(records, Iterable) or isinstance(records, str | bytes | Mapping):
            raise ConfigurationError(f"each(records) takes an iterable of records, not {article(records)}")
        self._records = records
        self._mapped = mapped
        self._on_error = on_error
        self._begin()

    def _begin(self) -> None:
        #: Of the latest iteration: records that do not fit, at most `MOST_KEPT`; ``failed`` counts them all.
        self.failures: list[Failure] = []
        self.failed = 0
        #: Of the latest iteration: target field → number of records in which it became null because it did not fit.
        self.nulled: dict[str, int] = {}

    def __iter__(self) -> Iterator[Any]:
        self._begin()
        for number, record in enumerate(self._records, 1):
            nulled: list[FieldError] = []
            try:
                result = self._mapped(record, nulled)
            except MappingError as problem:
                if self._on_error == "raise":
                    problem.add_note(f"it was record {number}")
                    raise
                self.failed += 1
                if len(self.failures) < MOST_KEPT:
                    self.failures.append(Failure(number, record, problem))
                continue
            for name in {error.target for error in nulled}:
                self.nulled[name] = self.nulled.get(name, 0) + 1
            yield result
