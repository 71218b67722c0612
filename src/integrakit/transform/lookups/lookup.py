"""One use of a table by a rule: the key of a value, the search, and what a miss becomes. Tables themselves are in the modules beside this one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from attrs import frozen

from integrakit.transform.conversions import bool_text
from integrakit.transform.misfit import Misfit, article, excerpt
from integrakit.unset import UNSET

if TYPE_CHECKING:
    from integrakit.transform.rules import Constant, Rule

__all__ = ["Lookup", "Table", "look_up", "lookup_key"]


class Table(Protocol):
    """Something that knows what stands for a key."""

    #: The table as a dict where it is one and no more: the generated code reads it itself. Else None.
    @property
    def plain(self) -> Mapping[str, Any] | None: ...

    def find(self, key: Any, at: Any) -> Any:
        """What stands for the key (as `lookup_key` gives it), on the day ``at`` where entries have dates; UNSET for a miss. Raises `Misfit`."""


@frozen
class Lookup:
    """``otherwise``: "error", "keep", or what a value outside the table becomes. ``at`` reads the day on which the entry must be in force."""

    name: str
    table: Table
    otherwise: str | Constant
    at: Rule | None = None


def lookup_key(value: Any) -> Any:
    """The text by which a value stands in a table: text itself, whole numbers and bools as text."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return bool_text(value)
    if isinstance(value, int) and value.bit_length() <= 256:
        return str(value)
    raise Misfit(f"{article(value)} cannot be looked up: text, a whole number or a bool can")


def look_up(lookup: Lookup, value: Any, at: Any = None) -> Any:
    """What the table says about the value, or ``otherwise``. Raises `Misfit`."""
    found = lookup.table.find(lookup_key(value), at)
    if found is not UNSET:
        return found
    if lookup.otherwise == "keep":
        return value
    if isinstance(lookup.otherwise, str):
        raise Misfit(f"{excerpt(value)} is not in lookup {lookup.name!r}")
    return lookup.otherwise.fresh()
