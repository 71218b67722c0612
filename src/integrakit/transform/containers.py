"""Objects and lists as they are met on the way along a path.

Both passes open containers through these, so that they agree on what is an object, what is a list, and what is merely missing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from enum import Enum
from typing import Any

from attrs import fields, has

from integrakit.money import Money
from integrakit.transform.misfit import Misfit, article
from integrakit.unset import UNSET

__all__ = ["as_record", "item_or_missing", "listed", "listed_or_empty", "opened", "opened_or_empty", "opened_or_itself"]


def opened(value: Any) -> dict[Any, Any]:
    """The object as a plain dict; raises `Misfit` for anything that is neither a mapping nor `Money`, which has an amount and a currency."""
    if type(value) is dict:
        return value
    if isinstance(value, Mapping):
        # A copy, because a defaultdict would invent the fields it is asked for.
        return dict(value)
    if type(value) is Money:
        return {"amount": value.amount, "currency": value.currency}
    record = as_record(value)
    if record is not value:  # an instance inside of a plain record
        return record  # type: ignore[no-any-return]
    raise Misfit("null stands where an object is wanted" if value is None else f"{article(value)} stands where an object is wanted")


def opened_or_itself(value: Any) -> Any:
    """As `opened` where that is possible, else the value as it is."""
    try:
        return opened(value)
    except Misfit:
        return value


def opened_or_empty(value: Any) -> dict[Any, Any]:
    """As `opened`; nothing can be found in a missing object or in null."""
    return {} if value is None or value is UNSET else opened(value)


def listed(value: Any) -> list[Any] | tuple[Any, ...]:
    """The list itself; raises `Misfit` for anything that is not a list or tuple. Text is not a list of characters."""
    kind = type(value)
    if kind is list or kind is tuple:
        return value  # type: ignore[no-any-return]
    if isinstance(value, list | tuple):
        # A copy, read once and here: a class of its own may fail on the way, or count otherwise than it iterates.
        return list(value)
    raise Misfit("null stands where a list is wanted" if value is None else f"{article(value)} stands where a list is wanted")


def listed_or_empty(value: Any) -> list[Any] | tuple[Any, ...]:
    """As `listed`; nothing can be found in a missing list or in null."""
    return () if value is None or value is UNSET else listed(value)


def item_or_missing(items: list[Any] | tuple[Any, ...], index: int) -> Any:
    """The item, or UNSET where the list is too short."""
    return items[index] if -len(items) <= index < len(items) else UNSET


def as_record(value: Any) -> Any:
    """A record as a dict where it is an attrs or dataclass instance (fields that are UNSET left out), itself otherwise.

    So are the objects inside; a member of an enum is its value, as it is on the wire.
    """
    if isinstance(value, dict):
        return value
    kind = type(value)
    names = fields(kind) if has(kind) else dataclasses.fields(kind) if dataclasses.is_dataclass(kind) else None
    if names is None:
        return value
    found = ((field.name, getattr(value, field.name, UNSET)) for field in names)
    return {name: _inner(item) for name, item in found if item is not UNSET}


def _inner(value: Any) -> Any:
    if isinstance(value, Enum) and value is not UNSET:
        return value.value
    return [_inner(item) for item in value] if isinstance(value, list | tuple) else as_record(value)
