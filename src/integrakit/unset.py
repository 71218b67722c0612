"""UNSET: a field that is absent, as opposed to null.

``None`` means "the value is null, write null". ``UNSET`` means "nothing was said about this field, leave it alone". The difference is what keeps
a patch from wiping fields, so the two are never interchangeable.
"""

from __future__ import annotations

import enum
from typing import Final, Literal

__all__ = ["UNSET", "Unset"]


class Unset(enum.Enum):
    """The type of :data:`UNSET`. An enum with one member, so that type checkers can narrow ``value is UNSET``."""

    UNSET = "UNSET"

    def __repr__(self) -> str:
        return "UNSET"

    def __bool__(self) -> Literal[False]:
        return False


#: The one value of :class:`Unset`: absent.
UNSET: Final = Unset.UNSET
