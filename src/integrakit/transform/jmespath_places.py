"""Which fields of a record an expression of JMESPath reads, as far as the expression shows it. Works on the parsed tree alone.

A found value is a place in the record, and how often it is wrapped: 0 is what stands at the place, 1 a list that the expression has made of such
values. Nothing is known of what an expression builds itself; what it is built from counts as read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from integrakit.transform.rules import Place

__all__ = ["places"]

_Found: TypeAlias = tuple[Place, int]
_Node: TypeAlias = dict[str, Any]

#: Functions whose result is made of the items of their first input.
_KEEPING = ("sort", "sort_by", "reverse", "to_array", "not_null")
_CHOOSING = ("max_by", "min_by")


def places(tree: _Node) -> list[tuple[Place, bool]]:
    """The places read, with -1 for "any item of this list"; False where only the number of items counts."""
    reading = _Reading()
    reading.read(reading.visit(tree, [((), 0)]))
    return reading.found


class _Reading:
    def __init__(self) -> None:
        self.found: list[tuple[Place, bool]] = []

    def read(self, values: Iterable[_Found], whole: bool = True) -> None:
        self.found += [(place, whole) for place, _ in values]

    def visit(self, node: _Node, at: list[_Found]) -> list[_Found]:
        """What the node gives where it is applied to ``at``."""
        visit: Callable[[_Node, list[_Found]], list[_Found]] = getattr(self, f"_{node['type']}", self._built)
        return visit(node, at)

    def _built(self, node: _Node, at: list[_Found]) -> list[_Found]:
        for child in node["children"]:
            if isinstance(child, dict):
                self.read(self.visit(child, at))
        return []

    def _same(self, node: _Node, at: list[_Found]) -> list[_Found]:
        return at

    _current = _identity = _slice = _same

    def _literal(self, node: _Node, at: list[_Found]) -> list[_Found]:
        return []

    def _field(self, node: _Node, at: list[_Found]) -> list[_Found]:
        return [((*place, node["value"]), 0) for place, wrapped in at if not wrapped]

    def _index(self, node: _Node, at: list[_Found]) -> list[_Found]:
        return _items(at)

    def _chain(self, node: _Node, at: list[_Found]) -> list[_Found]:
        for child in node["children"]:
            at = self.visit(child, at)
        return at

    _subexpression = _index_expression = _pipe = _chain

    def _flatten(self, node: _Node, at: list[_Found]) -> list[_Found]:
        # What is already a list of the expression's own has lists as its items; those become one.
        return [(place, max(wrapped - 1, 0)) for place, wrapped in self.visit(node["children"][0], at)]

    def _projection(self, node: _Node, at: list[_Found]) -> list[_Found]:
        items = _items(self.visit(node["children"][0], at))
        return [(place, wrapped + 1) for place, wrapped in self.visit(node["children"][1], items)]

    def _filter_projection(self, node: _Node, at: list[_Found]) -> list[_Found]:
        items = _items(self.visit(node["children"][0], at))
        self.read(self.visit(node["children"][2], items))
        return [(place, wrapped + 1) for place, wrapped in self.visit(node["children"][1], items)]

    def _value_projection(self, node: _Node, at: list[_Found]) -> list[_Found]:
        # Of an object whose keys are not known everything may be read.
        self.read(self.visit(node["children"][0], at))
        return []

    def _or_expression(self, node: _Node, at: list[_Found]) -> list[_Found]:
        return [found for child in node["children"] for found in self.visit(child, at)]

    _and_expression = _or_expression

    def _function_expression(self, node: _Node, at: list[_Found]) -> list[_Found]:
        name, children = node["value"], node["children"]
        plain = [self.visit(child, at) for child in children if child["type"] != "expref"]
        inputs = [found for values in plain for found in values]
        for child in children:
            if child["type"] == "expref":
                inner = self.visit(child["children"][0], _items(inputs))
                if name == "map":
                    return [(place, wrapped + 1) for place, wrapped in inner]
                self.read(inner)
        if name in _KEEPING:
            return inputs
        if name in _CHOOSING:
            return _items(inputs)
        self.read(inputs, whole=name != "length")
        return []


def _items(values: list[_Found]) -> list[_Found]:
    return [(place, wrapped - 1) if wrapped else ((*place, -1), 0) for place, wrapped in values]
