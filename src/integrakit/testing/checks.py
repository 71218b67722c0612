"""The checks of arguments that several classes of this package share. Each raises `ConfigurationError`, naming the argument."""

from __future__ import annotations

from typing import Any

from integrakit.errors import ConfigurationError

__all__ = ["is_number", "seconds"]


def is_number(value: Any) -> bool:
    """A finite int or float; a bool is none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < float("inf")


def seconds(name: str, value: Any) -> float:
    if not is_number(value) or value < 0:
        raise ConfigurationError(f"{name} takes seconds, 0 or more, not {value!r}")
    return float(value)
