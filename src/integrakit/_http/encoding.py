"""What a caller gives as parameters and files, as the HTTP libraries take it. Opens files, and does no other I/O."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import IO, Any

from integrakit.errors import ConfigurationError
from integrakit.unset import UNSET

__all__ = ["check_files", "encode_params", "open_files"]


def encode_params(params: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Query parameters as text: None and UNSET are left out, a list repeats its name, booleans are ``true`` and ``false``, times are ISO 8601."""
    pairs = []
    for name, value in params.items():
        values = value if isinstance(value, list | tuple) else (value,)
        pairs += [(name, item if type(item) is str else _text(name, item)) for item in values if item is not None and item is not UNSET]
    return pairs


def _text(name: str, value: Any) -> str:
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal) and value.is_finite():
        return format(value, "f")
    if isinstance(value, Mapping | bytes | bytearray | set | frozenset | list | tuple):
        raise ConfigurationError(f"params={{{name!r}: …}} holds a {type(value).__name__}: give text, numbers, times, or a list of these")
    return str(value)


# ---------------------------------------------------------------------- files


def _entries(files: Any) -> Iterable[tuple[str, Any]]:
    entries: Iterable[tuple[str, Any]] = files.items() if isinstance(files, Mapping) else files
    return entries


def check_files(files: Any) -> None:
    """Raises `ConfigurationError` unless it is a mapping (or a list of pairs) of field names to paths, open files, bytes, or (name, content, …)."""
    wrong = 'files= takes {"field": Path("orders.csv")}, an open binary file, bytes, or (name, content, type)'
    try:
        entries = list(_entries(files))
        pairs = [(name, value) for name, value in entries]
    except (TypeError, ValueError):
        raise ConfigurationError(f"{wrong}, not {type(files).__name__}") from None
    for name, value in pairs:
        if isinstance(value, str):
            raise ConfigurationError(f"files={{{name!r}: …}} is a text, which may be a path or the content: give Path(…), or (name, content)")
        if not isinstance(value, tuple | os.PathLike | bytes) and not hasattr(value, "read"):
            raise ConfigurationError(f"{wrong}, not {type(value).__name__} for {name!r}")


def open_files(files: Any, opened: list[IO[bytes]]) -> list[tuple[str, Any]]:
    """The same with paths opened; what was opened is added to ``opened``, for the caller to close."""

    def content(value: Any) -> Any:
        if not isinstance(value, os.PathLike):
            return value
        try:
            opened.append(open(value, "rb"))  # noqa: SIM115 - closed once it is sent
        except OSError as problem:
            raise ConfigurationError(f"files=… cannot be read: {problem}") from problem
        return opened[-1]

    entries = []
    for name, value in _entries(files):
        if isinstance(value, tuple) and len(value) > 1:
            entries.append((name, (value[0], content(value[1]), *value[2:])))
        else:
            entries.append((name, (Path(value).name, content(value)) if isinstance(value, os.PathLike) else value))
    return entries
