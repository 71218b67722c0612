"""Objects and lists as they are met on the way along a path.

Both passes open containers through these, so that they agree on what is an object, what is a list, and what is merely missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import fields, has

from integrakit.transform.misfit import Misfit, article
from integrakit.unset import UNSET

__all__ = ["as_record", "item_or_missing", "listed", "listed_or_empty", "opened", "opened_or_empty"]


def opened(value: Any) -> dict[Any, Any]:
    """The object as a plain dict; raises `Misfit` for anything that is not a mapping."""
    if type(value) is dict:
        return value
    if isinstance(value, Mapping):
        # A copy, because a defaultdict would invent the fields it is asked for.
        return dict(value)
    raise Misfit("null stands where an object is wanted" if value is None else f"{article(value)} stands where an object is wanted")


def opened_or_empty(value: Any) -> dict[Any, Any]:
    """As `opened`; nothing can be found in a missing object or in null."""
    return {} if value is None or value is UNSET else opened(value)


def listed(value: Any) -> list[Any] | tuple[Any, ...]:
    """The list itself; raises `Misfit` for anything that is not a list or tuple. Text is not a list of characters."""
    if isinstance(value, list | tuple):
        return value
    raise Misfit("null stands where a list is wanted" if value is None else f"{article(value)} stands where a list is wanted")


def listed_or_empty(value: Any) -> list[Any] | tuple[Any, ...]:
    """As `listed`; nothing can be found in a missing list or in null."""
    return () if value is None or value is UNSET else listed(value)


def item_or_missing(items: list[Any] | tuple[Any, ...], index: int) -> Any:
    """The item, or UNSET where the list is too short."""
    return items[index] if -len(items) <= index < len(items) else UNSET


def as_record(value: Any) -> Any:
    """A record as a dict where it is an attrs instance (fields that are UNSET left out), itself otherwise."""
    if isinstance(value, dict) or not has(type(value)):
        return value
    return {field.name: _inner(getattr(value, field.name)) for field in fields(type(value)) if getattr(value, field.name) is not UNSET}


def _inner(value: Any) -> Any:
    return [_inner(item) for item in value] if isinstance(value, list | tuple) else as_record(value)
