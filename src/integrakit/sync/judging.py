"""One record at a time: is it one, has it a key, can it be kept; and the dead letter of one that is not well. Pure."""

from __future__ import annotations

import reprlib
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from attrs import has

from integrakit._json import canonical
from integrakit.errors import IntegrakitError, MappingError
from integrakit.transform.containers import as_record
from integrakit.unset import UNSET
from integrakit.writing import DeadLetter, letter_id

__all__ = ["checked_key", "dead_letter", "keepable", "letter_of_record", "nulled_notes", "record_of", "sample", "source_key"]

#: Characters of an error that are kept.
WORDS = 4000
_SAMPLE = 500


def record_of(target: Any) -> Mapping[str, Any]:
    """What the mapping gave, as a record without its UNSET fields. Raises `MappingError` when it is none."""
    if not isinstance(target, Mapping):
        if not has(type(target)) or isinstance(target, type):
            raise MappingError(f"the mapping gave a {type(target).__name__} where a record (a dict) is needed")
        # With the instances inside: what is compared, kept and sent are plain objects.
        target = as_record(target)
    record: Mapping[str, Any] = target
    if any(value is UNSET for value in record.values()):
        return {name: value for name, value in record.items() if value is not UNSET}
    return record


def checked_key(target: Mapping[str, Any], key: str | tuple[str, ...]) -> Any:
    """The record's key. Raises `MappingError` when it has none that can tell it apart."""
    if isinstance(key, str):
        return _checked(target, key)
    return tuple(_checked(target, name) for name in key)


def _checked(target: Mapping[str, Any], name: str) -> Any:
    value = target.get(name, UNSET)
    if value is UNSET:
        raise MappingError(f"the record has no {name!r}, which is the key of this sync")
    if value is None or value == "" or value != value or not isinstance(value, Hashable):
        raise MappingError(f"the key {name!r} is {value!r:.100}: a key is a text, a number or another value that tells one record from all others")
    return value


def source_key(record: Any, names: Sequence[str]) -> Any:
    """What the source calls a record, where it has a key and the record has it; else None."""
    if not names:
        return None
    values = tuple(record.get(name) if isinstance(record, Mapping) else getattr(record, name, None) for name in names)
    if any(value is None or not isinstance(value, Hashable) for value in values):
        return None
    values = tuple(value if isinstance(value, str | int) else keepable(value) for value in values)
    return values[0] if len(values) == 1 else values


def letter_of_record(record: Any, id: str, names: Sequence[str]) -> str:
    """The id of a record's dead letter: by the source's own key where it has one, so that it has one letter, whatever is wrong with it."""
    own = source_key(record, names)
    return letter_id(id if own is None else own)


def nulled_notes(nulled: Mapping[str, int]) -> tuple[str, ...]:
    """What a report says of fields that became null because they did not fit."""
    if not nulled:
        return ()
    fields = ", ".join(f"{name} {count}" for name, count in sorted(nulled.items(), key=lambda each: (-each[1], each[0]))[:10])
    return (f"fields that did not fit became null, as their mapping says (on_error): {fields}{', …' * (len(nulled) > 10)}",)


def sample(letter: DeadLetter) -> str:
    """What is wrong with one record, for a message about many: the reason first, and then which one it was."""
    reason = letter.error if len(letter.error) <= _SAMPLE else letter.error[: _SAMPLE - 1] + "…"
    return f"{reason} (record {reprlib.repr(letter.input if letter.key is None else letter.key)})"


def keepable(record: Any) -> Any:
    """The record, or a picture of it where no store could keep it."""
    try:
        canonical(record)
    except Exception:  # noqa: BLE001 - whatever is wrong with it, it gets its letter
        return reprlib.repr(record)
    return record


def dead_letter(record: Any, problem: Exception, names: Sequence[str], *, mapping: str, now: str, order: tuple[int, int]) -> DeadLetter:
    """The letter of a record that the mapping, or what was to be done with its result, failed on."""
    words = str(problem) if isinstance(problem, IntegrakitError) else f"the mapping failed with {type(problem).__name__}: {problem}"
    kept = keepable(record)
    own = source_key(record, names)
    return DeadLetter(
        id=letter_id(kept if own is None else own),
        input=kept,
        stage="mapping",
        error=words[:WORDS],
        errors=problem.errors if isinstance(problem, MappingError) else (),
        mapping=mapping,
        at=now,
        order=order,
    )
