"""What a `Sync` is told, checked when it is built: every wrong argument is a `ConfigurationError` that names it."""

from __future__ import annotations

import inspect
import os
from typing import Any

from integrakit.errors import ConfigurationError
from integrakit.reading import is_source
from integrakit.sync.progress import make_bar
from integrakit.writing import Guard

__all__ = ["check_arguments", "check_mapped_key", "check_unmarked", "checked_names"]


def check_arguments(
    name: Any,
    *,
    source: Any,
    sink: Any,
    mapping: Any,
    mode: Any,
    remember: Any,
    guard: Any,
    batch: Any,
    workers: Any,
    progress: Any,
    tombstone_key: Any,
) -> None:
    """Raises `ConfigurationError` for the first one that is wrong."""
    if not isinstance(name, str) or not name or not name.isprintable():
        raise ConfigurationError(f"Sync(name) takes a name that stays, such as 'orders-to-invoices', not {name!r}")
    if not is_source(source):
        raise ConfigurationError(f"Sync({name!r}, source=…) takes a resource, table, file, or iterable of records, not {type(source).__name__}")
    getattr(source, "client", None)  # a resource that is bound to no connector says so now, and not in the first run
    getattr(sink, "client", None)
    if mapping is not None and not callable(mapping):
        hint = f": write ik.Mapping.load({mapping!r})" if isinstance(mapping, str | os.PathLike) else ""
        raise ConfigurationError(f"Sync({name!r}, mapping=…) takes a Mapping or a function of a record, not {type(mapping).__name__}{hint}")
    for argument, value, values in (("mode", mode, ("append", "upsert", "mirror")), ("remember", remember, ("record", "fingerprint"))):
        if value not in values:
            raise ConfigurationError(f"Sync({name!r}, {argument}=…) takes one of {', '.join(map(repr, values))}, not {value!r}")
    if not isinstance(guard, Guard):
        raise ConfigurationError(f"Sync({name!r}, guard=…) takes a Guard, not {guard!r}")
    for argument, number in (("batch", batch), ("workers", workers)):
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            raise ConfigurationError(f"Sync({name!r}, {argument}=…) takes a whole number of 1 or more, not {number!r}")
    make_bar(progress)
    if tombstone_key is not None and (not callable(tombstone_key) or inspect.iscoroutinefunction(tombstone_key)):
        raise ConfigurationError(f"Sync({name!r}, tombstone_key=…) takes a plain function of a Tombstone, not {tombstone_key!r}")


def check_unmarked(name: str, source: Any, what: str) -> None:
    """Raises `ConfigurationError` for a backfill where nothing is written of what is read: its ledger would say that it was."""
    if getattr(source, "marks_what_was_read", False):
        raise ConfigurationError(
            f"sync {name!r} cannot {what} {source!r}: it marks what was read as done, and a {what} writes nothing of it: run the sync, or {what} "
            "with the source of one partition"
        )


def checked_names(name: str, key: Any) -> str | tuple[str, ...]:
    names = (key,) if isinstance(key, str) else key
    if not isinstance(names, tuple | list) or not names or not all(isinstance(part, str) and part for part in names):
        raise ConfigurationError(f"Sync({name!r}, key=…) takes the name of a field, or a tuple of names, not {key!r}")
    return key if isinstance(key, str) else tuple(names)


def check_mapped_key(name: str, key: str | tuple[str, ...] | None, mapping: Any) -> None:
    """Raises `ConfigurationError` where a mapping that tells its fields gives no such field as the key: every record would be rejected."""
    fields = getattr(mapping, "fields", None)
    if key is None or not isinstance(fields, tuple):
        return
    for part in (key,) if isinstance(key, str) else key:
        if part not in fields:
            known = ", ".join(map(repr, fields[:20])) + ", …" * (len(fields) > 20)
            raise ConfigurationError(
                f"Sync({name!r}): the key {part!r} is no field of its mapping, which gives {known}: key= names a field of the mapped record"
            )
