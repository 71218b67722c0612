"""Appending to a file so that it ends in whole lines: all of a call's lines or none, on the disk when the call returns.

Both formats write through here. What a line looks like is theirs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from integrakit.errors import ConfigurationError, DecodeError, WriteError
from integrakit.model import Change, Outcome
from integrakit.unset import UNSET

__all__ = ["Unfit", "append", "found", "names_of", "outcomes_of", "page_size_of", "record_of"]


class Unfit(ValueError):
    """The record cannot be written; the text says why."""


def names_of(what: str, argument: str, value: Any) -> tuple[str, ...]:
    """One name or several as a tuple; raises `ConfigurationError` for anything else."""
    names = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list | tuple) else ()
    if not names or len(set(names)) < len(names) or not all(isinstance(name, str) for name in names):
        raise ConfigurationError(f"{what}({argument}=…) takes the name of a field, or several different ones, not {value!r}")
    return names


def page_size_of(what: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigurationError(f"{what}(page_size=…) takes a whole number above 0, not {value!r}")
    return value


def record_of(change: Change, key: Sequence[str]) -> dict[str, Any]:
    """The fields to write, with the key among them; raises `Unfit` where the change is not for appending."""
    if change.kind not in ("create", "upsert"):
        raise Unfit(f"a file can only be appended to, so there is no {change.kind}")
    record = {name: value for name, value in (change.record or {}).items() if value is not UNSET}
    if change.key is None or not key:
        return record
    parts = (change.key,) if len(key) == 1 else tuple(change.key) if isinstance(change.key, tuple | list) else ()
    if len(parts) != len(key):
        raise Unfit(f"the key is ({', '.join(key)}), and the change has {change.key!r}")
    for name, part in zip(key, parts, strict=True):
        its = record.get(name, part)
        if type(its) is not type(part) or repr(its) != repr(part):
            raise Unfit(f"the record has {name} = {its!r}, and the change is for the key {change.key!r}")
    return {**dict(zip(key, parts, strict=True)), **record}


def outcomes_of(name: str, changes: Sequence[Change], line: Callable[[Change], None]) -> list[Outcome]:
    """One outcome for each change: what ``line`` refuses (`Unfit`) is rejected by itself."""
    outcomes = []
    for change in changes:
        if not isinstance(change, Change):
            raise ConfigurationError(f"write() takes changes, Change.create(key, record) and its kin, not {type(change).__name__}")
        try:
            line(change)
        except Unfit as problem:
            outcomes.append(Outcome.rejected(change.key, f"{name}: {problem}"))
        else:
            outcomes.append(Outcome.applied(change.key))
    return outcomes


def append(path: str, data: bytes, *, newline: bytes, read_through: Callable[[], object]) -> None:
    """Appends whole lines and waits until they are on the disk.

    Where the file ends without a line end, ``read_through`` must be able to read it: then the last line is whole and gets its end. Otherwise an
    earlier write was cut, and `WriteError` says so. It is raised, too, when the disk is full or the file may not be written; nothing is added then.
    """
    name = os.path.basename(path)
    try:
        with open(path, "ab", buffering=0) as file:
            size = file.seek(0, os.SEEK_END)
            if size and not _ends_with(path, newline):
                _prove_whole(name, read_through)
                data = newline + data
            try:
                left = memoryview(data)
                while left:
                    left = left[file.write(left) :]
                os.fsync(file.fileno())
            except OSError:
                file.truncate(size)
                raise
    except FileNotFoundError as problem:
        raise ConfigurationError(f"there is no directory {os.path.dirname(os.path.abspath(path))} for {name}") from problem
    except OSError as problem:
        raise WriteError(f"{name}: {problem.strerror or problem}; nothing of this call was written") from problem


def _ends_with(path: str, newline: bytes) -> bool:
    with open(path, "rb") as file:
        file.seek(-min(len(newline), os.path.getsize(path)), os.SEEK_END)
        return file.read() == newline


def _prove_whole(name: str, read_through: Callable[[], object]) -> None:
    try:
        read_through()
    except DecodeError as problem:
        raise WriteError(
            f"{name} ends in the middle of a record, an earlier write was cut: remove that part, then write again ({problem})"
        ) from problem


def found(records: Any, key: Sequence[str], keys: Collection[Any], form: Callable[[Any], Any]) -> dict[Any, Mapping[str, Any]]:
    """``{key: record}`` for those of ``keys`` that a record has; of several, the last one counts. ``form`` makes values comparable."""
    wanted: dict[Any, Any] = {}
    for given in keys:
        try:
            wanted[tuple(map(form, given if isinstance(given, tuple | list) else (given,)))] = tuple(given) if isinstance(given, list) else given
        except (Unfit, ConfigurationError):
            # What cannot be written is not there.
            continue
    hits: dict[Any, Mapping[str, Any]] = {}
    for record in records:
        position = tuple(form(record.get(name)) for name in key)
        if position in wanted:
            hits[wanted[position]] = record
    return hits
