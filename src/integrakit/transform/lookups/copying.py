"""Values of tables that hold lists or objects: copied whenever they are handed out, because two records must not share them."""

from __future__ import annotations

from typing import Any

__all__ = ["copied", "shareable"]

# No table is nested deeper; what is, is handed on as it stands.
_DEEPEST = 64


def shareable(value: Any) -> bool:
    """True where nobody can change the value. (What has a class of the application's own is the application's business.)"""
    return not isinstance(value, list | dict)


def copied(value: Any, depth: int = 0) -> Any:
    """The value with lists and dicts of its own."""
    if depth > _DEEPEST:
        return value
    if type(value) is dict:
        return {key: copied(item, depth + 1) for key, item in value.items()}
    if type(value) is list:
        return [copied(item, depth + 1) for item in value]
    return value
