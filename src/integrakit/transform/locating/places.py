"""Where the entries of a text stand: a tree of positions beside the tree of values, and lines and columns from positions.

What all formats share; how the positions are found is the business of each.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal

from attrs import define, field

__all__ = ["BrokenText", "Key", "Locator", "Place", "fraction", "line_column"]

Key = str | int


class BrokenText(ValueError):
    """A text that is not of its format. ``position``: of the character where that shows. ``path``: the entry it is about, where one is known."""

    def __init__(self, reason: str, position: int, path: tuple[Key, ...] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.position = position
        self.path = path


def fraction(text: str) -> Decimal | float:
    """The number exactly as it is written. What no mapping can use is a float that is not finite: it is refused later, where its place is known."""
    try:
        value = Decimal(text)
    except ArithmeticError:  # an exponent out of all bounds
        return math.inf
    return value if value.is_finite() else float(value)


@define(eq=False)
class Place:
    """Where one entry begins, counted in characters from 0, and the places of what it holds: by name in a table, by index in a list."""

    position: int
    children: dict[Key, Place] = field(factory=dict)

    def child(self, key: Key, position: int) -> Place:
        """The place of an entry, made here if it is not known yet: the first mention counts."""
        found = self.children.get(key)
        if found is None:
            found = self.children[key] = Place(position)
        return found

    def nearest(self, path: tuple[Key, ...]) -> Place | None:
        """The place of the entry, or of the nearest one around it. None where that is the whole text."""
        here = self
        for key in path:
            inner = here.children.get(key)
            if inner is None:
                break
            here = inner
        return None if here is self else here


def line_column(text: str, position: int) -> tuple[int, int]:
    """Line and column of a character, both counted from 1, as editors do: a line ends at a line feed."""
    return text.count("\n", 0, position) + 1, position - text.rfind("\n", 0, position)


class Locator:
    """``locator(path) -> (line, column) | None``: for messages, so the text is only looked through when one is needed. It never raises."""

    def __init__(self, text: str, places: Callable[[], Place]) -> None:
        self._text = text
        self._places = places
        self._root: Place | None = None

    def __call__(self, path: tuple[Key, ...]) -> tuple[int, int] | None:
        if self._root is None:
            self._root = self._places()
        place = self._root.nearest(path)
        return None if place is None else line_column(self._text, place.position)
