"""What `AuditLog` takes, checked before anything is opened: values in, a `ConfigurationError` that names the argument out."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from integrakit.errors import ConfigurationError

__all__ = ["checked_path", "is_json_lines", "one_of", "optional_callable", "seconds", "whole"]

F = TypeVar("F", bound=Callable[..., Any])


def checked_path(path: Any) -> Path:
    if not isinstance(path, str | os.PathLike) or not os.fspath(path) or isinstance(os.fspath(path), bytes) or "\0" in str(os.fspath(path)):
        raise ConfigurationError(f'AuditLog takes the path of a file, such as "audit.db" or "audit.jsonl", not {path!r}')
    if "://" in str(path) or str(path) == ":memory:":
        raise ConfigurationError("AuditLog takes the path of a file: a log that is gone with the process proves nothing")
    return Path(path).absolute()


def is_json_lines(form: Any, path: Path) -> bool:
    if form is None:
        return path.suffix.lower() in (".jsonl", ".ndjson")
    return one_of("form", form, ("sqlite", "jsonl")) == "jsonl"


def one_of(name: str, value: Any, values: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in values:
        raise ConfigurationError(f"AuditLog({name}=…) takes one of {', '.join(map(repr, values))}, not {value!r}")
    return value


def optional_callable(name: str, value: F | None) -> F | None:
    if value is not None and not callable(value):
        raise ConfigurationError(f"AuditLog({name}=…) takes a function, not {value!r}")
    return value


def whole(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigurationError(f"AuditLog({name}=…) takes a whole number of 1 or more, not {value!r}")
    return value


def seconds(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 86_400:
        raise ConfigurationError(f"AuditLog({name}=…) takes seconds above 0 and up to a day, not {value!r}")
    return float(value)
