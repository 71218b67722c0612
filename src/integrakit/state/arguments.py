"""What every backend checks and prepares in the same way, before it touches anything it keeps.

Pure functions only: arguments in, values or a `ConfigurationError` out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from integrakit._json import pack
from integrakit.clock import Clock
from integrakit.errors import ConfigurationError, VersionConflict
from integrakit.protocols import Delete, DeleteColumns, Operation, Put, PutColumns, checked_attributes, checked_text

__all__ = ["check_clock", "check_expected", "check_keys", "check_range", "pack_operations", "prefix_end"]


def pack_operations(operations: Any) -> list[tuple[Operation, bytes]]:
    """Each operation with the bytes of its value (empty where it has none)."""
    if isinstance(operations, Put | Delete | PutColumns | DeleteColumns | str | bytes | Mapping) or not isinstance(operations, Iterable):
        raise ConfigurationError(f"commit() takes a list of operations, e.g. [Put(space, key, value)], not a {type(operations).__name__}")
    packed: list[tuple[Operation, bytes]] = []
    for operation in operations:
        if isinstance(operation, Put):
            packed.append((operation, _pack(operation)))
        elif isinstance(operation, Delete | PutColumns | DeleteColumns):
            packed.append((operation, b""))
        else:
            raise ConfigurationError(f"commit() takes Put, Delete, PutColumns and DeleteColumns, not a {type(operation).__name__}")
    return packed


def _pack(put: Put) -> bytes:
    try:
        return pack(put.value)
    except ConfigurationError as problem:
        raise ConfigurationError(f"{put.space}/{put.key}: {problem}") from problem
    except (TypeError, ValueError) as problem:  # e.g. a whole number with more digits than Python agrees to write
        raise ConfigurationError(f"{put.space}/{put.key}: this value cannot be kept in a store: {problem}") from problem


def check_keys(what: str, keys: Any) -> list[str]:
    """The keys once each, in their order."""
    if isinstance(keys, str | bytes) or not isinstance(keys, Iterable):
        raise ConfigurationError(f"{what} takes a list of keys, not a {type(keys).__name__}")
    return list(dict.fromkeys([checked_text(f"a key of {what}", key) for key in keys]))


def check_range(space: Any, prefix: Any, where: Any, after: Any, limit: Any) -> Mapping[str, str | int]:
    """Checks the arguments of a scan; hands back ``where``, an empty mapping for None."""
    checked_text("space", space)
    checked_text("prefix", prefix)
    if after is not None:
        checked_text("after", after)
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 0):
        raise ConfigurationError(f"limit must be a whole number from 0 on, or None for no limit, not {limit!r}")
    return {} if where is None else checked_attributes("where", where)


def check_clock(clock: Any) -> Clock:
    if not callable(getattr(clock, "wall", None)):
        raise ConfigurationError(f"clock must have now() and wall(), as integrakit.clock.Clock has, not a {type(clock).__name__}")
    checked: Clock = clock
    return checked


def check_expected(operation: Put | Delete, current: int) -> None:
    """``current``: the version the document is at, 0 where there is none. Raises `VersionConflict`."""
    expected = operation.expect
    if expected is None or expected == current:
        return
    place = f"{operation.space}/{operation.key}"
    is_now = f"is at version {current}" if current else "does not exist"
    wanted = f"at version {expected}" if expected else "absent"
    raise VersionConflict(
        f"{place} {is_now}, and was expected {wanted}: somebody else wrote it meanwhile. Nothing of this commit was kept; read it again",
        space=operation.space,
        key=operation.key,
    )


def prefix_end(prefix: str) -> str | None:
    """The smallest text that is greater than everything that begins with ``prefix``, by code point; None where there is none."""
    for position in range(len(prefix) - 1, -1, -1):
        code = ord(prefix[position])
        if code < 0x10FFFF:
            following = 0xE000 if code == 0xD7FF else code + 1  # surrogates are no characters
            return prefix[:position] + chr(following)
    return None
