"""One value out of a list: ``sum count first last``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import reduce
from typing import TYPE_CHECKING, Any

from attrs import frozen

from integrakit.transform.careful import BAD
from integrakit.transform.exact import number, operations, shortest_number
from integrakit.transform.nodes.arithmetic import numbers
from integrakit.transform.nodes.values import Read
from integrakit.transform.paths import Path
from integrakit.transform.rules import Node, Place, Rule, place, reads, sources
from integrakit.unset import UNSET

if TYPE_CHECKING:
    from integrakit.transform.careful import CarefulPass, Frame
    from integrakit.transform.generating import Generator, Scope, Value
    from integrakit.transform.parsing import Parser, Spot

__all__ = ["AGGREGATES", "ITSELF", "Aggregate", "parse_aggregate"]

AGGREGATES = ("sum", "count", "first", "last")

#: What ``of`` is where the mapping does not say.
ITSELF = Rule(node=Read(Path(())))


@frozen
class Aggregate(Node):
    """``of`` is read relative to an item, and is the item itself unless the mapping says otherwise."""

    name: str
    items: Rule
    of: Rule
    take: Callable[[Any], Any]
    add: Callable[[Any, Any], Any]

    def operands(self) -> tuple[Rule, ...]:
        return (self.items,)

    def sources(self, start: Place) -> Iterator[tuple[Place, bool]]:
        for path, _ in list(sources(self.items, start)):
            if self.name == "count":
                yield path, False
            else:
                yield from sources(self.of, (*path, -1))

    def words(self, spell: Callable[[Rule], str]) -> str:
        return f"{self.name}({spell(self.items)}{'' if self.of == ITSELF else f' of {spell(self.of)}'})"

    def careful(self, careful: CarefulPass, rule: Rule, frame: Frame) -> Any:
        items = careful.items(self.items, frame)
        if items is UNSET or items is BAD:
            return items
        if self.name == "count":
            return len(items)
        start = place(self.items, frame.at)
        if self.name == "sum":
            return self._sum(careful, items, start, frame)
        if not items:
            return UNSET if frame.lenient else careful.note(start, frame.target, items, f"the list is empty: it has no {self.name} item")
        index = 0 if self.name == "first" else len(items) - 1
        return careful.rule(self.of, frame.within(items[index], (*start, index)))

    def _sum(self, careful: CarefulPass, items: Any, start: Place, frame: Frame) -> Any:
        values = []
        for index, item in enumerate(items):
            here = frame.within(item, (*start, index)).strictly()
            value = careful.rule(self.of, here)
            values.append(value if value is BAD else careful.attempt(place(self.of, here.at), frame.target, value, self.take, value))
        if any(value is BAD for value in values):
            return BAD
        return careful.attempt(start, frame.target, items, reduce, self.add, values, 0) if values else self.add(0, 0)

    def generate(self, make: Generator, scope: Scope, lenient: bool) -> Value:
        items = make.rule(self.items, scope, lenient)
        result = make.out.name()
        if items.missing:
            make.out.line(f"{result} = UNSET")
        with make.out.when(f"{items.name} is not UNSET" if items.missing else ""):
            missing, null = self._over(make, items.name, result, lenient)
        value = make.value(result, missing=missing or items.missing, null=null, number=self.name == "sum")
        return make.finite(value) if self.name == "sum" else value

    def _over(self, make: Generator, items: str, result: str, lenient: bool) -> tuple[bool, bool]:
        """Writes the walk over the list; returns whether the result may be missing, and null."""
        make.must_be_list(items)
        if self.name == "count":
            make.out.line(f"{result} = len({items})")
            return False, False
        item = make.out.name("i")
        if self.name == "sum":
            make.out.line(f"{result} = ZERO")
            with make.out.block(f"for {item} in {items}:"):
                value = numbers(make, self.of, make.open_scope(item, reads(self.of, False)), False, self.take)
                make.out.line(f"{result} = {make.out.constant(self.add, 'add')}({result}, {value.name})")
            return False, False
        make.out.line(f"{result} = UNSET")
        with make.out.block(f"if {items}:"):
            make.out.line(f"{item} = {items}[{0 if self.name == 'first' else -1}]")
            value = make.rule(self.of, make.open_scope(item, reads(self.of, lenient)), lenient)
            make.out.line(f"{result} = {value.name}")
        return True, value.null


def parse_aggregate(name: str) -> Callable[[Parser, dict[str, Any], Spot], Node]:
    def parse(parser: Parser, tree: dict[str, Any], spot: Spot) -> Node:
        items = parser.items(tree, name, spot)
        of = parser.rule(tree["of"], spot.inside("of")) if "of" in tree else ITSELF
        return Aggregate(name, items, of, shortest_number if spot.shortest else number, operations()["add"])

    return parse
