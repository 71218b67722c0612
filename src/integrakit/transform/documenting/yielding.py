"""What comes out of a mapping, field by field: whether it is ever there, ever other than null, and ever other than the first time.

Kept for each field of the mapping are three counts and one short value; what is inside of copied objects is not looked at.
"""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal
from typing import Any

from attrs import Factory, define

from integrakit.transform.documenting.seeing import Pattern
from integrakit.transform.misfit import excerpt
from integrakit.transform.rules import Constant, Field
from integrakit.unset import UNSET

__all__ = ["Yield", "Yields"]

_PLAIN = frozenset({str, int, bool, Decimal, float, date, time})
_LONGEST = 200


@define
class Yield:
    """One target field."""

    #: How often it could have been there.
    total: int = 0
    missing: int = 0
    null: int = 0
    #: The first value, and False once there was another one, or one that cannot be compared safely.
    first: Any = UNSET
    same: bool = True

    def note(self, value: Any) -> None:
        self.total += 1
        if value is UNSET:
            self.missing += 1
        elif value is None:
            self.null += 1
        elif self.same:
            kind = type(value)
            if kind not in _PLAIN or (kind is str and len(value) > _LONGEST) or (kind is int and value.bit_length() > _LONGEST):
                self.same, self.first = False, UNSET
            elif self.first is UNSET:
                self.first = value
            elif type(self.first) is not kind or self.first != value:
                self.same, self.first = False, UNSET


@define
class Yields:
    """All target fields, in the order of the mapping."""

    found: dict[Pattern, Yield] = Factory(dict)
    _own: set[Pattern] = Factory(set)

    def note(self, fields: tuple[Field, ...], result: Any, at: Pattern = ()) -> None:
        """Notes the result of one record, or an object in it. As deep as the mapping, which has a limit."""
        if type(result) is not dict:
            return
        for field in fields:
            value, place, node = result.get(field.name, UNSET), (*at, field.name), field.rule.node
            self.found.setdefault(place, Yield()).note(value)
            if isinstance(node, Constant):
                self._own.add(place)
            if members := node.members():
                below = (*place, -1) if node.many else place
                for item in value if node.many and type(value) is list else [value]:
                    self.note(members, item, below)

    def always_missing(self) -> dict[Pattern, int]:
        """Never there."""
        return {place: one.total for place, one in self.found.items() if one.total == one.missing}

    def always_null(self) -> dict[Pattern, int]:
        """Null wherever it was there."""
        return {place: one.null for place, one in self.found.items() if one.null and one.total == one.null + one.missing and place not in self._own}

    def constant(self, least: int) -> dict[Pattern, str]:
        """One value and no null in ``least`` values or more, although its rule is no constant."""
        return {
            place: excerpt(one.first)
            for place, one in self.found.items()
            if one.same and one.first is not UNSET and not one.null and one.total - one.missing >= least and place not in self._own
        }
