"""Exact arithmetic over operands: ``add subtract multiply divide``. Needs every operand."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import TYPE_CHECKING, Any

from attrs import frozen

from integrakit.transform.careful import BAD
from integrakit.transform.exact import number, operations, shortest_number
from integrakit.transform.rules import Node, Rule, place
from integrakit.unset import UNSET

if TYPE_CHECKING:
    from integrakit.transform.careful import CarefulPass, Frame
    from integrakit.transform.generating import Generator, Scope, Value
    from integrakit.transform.parsing import Parser, Spot

__all__ = ["ARITHMETIC", "Arithmetic", "numbers", "parse_arithmetic", "prepared"]

ARITHMETIC = ("add", "subtract", "multiply", "divide")


@frozen
class Arithmetic(Node):
    """``combine`` takes two numbers that ``take`` has prepared."""

    name: str
    of: tuple[Rule, ...]
    take: Callable[[Any], Any]
    combine: Callable[[Any, Any], Any]

    def operands(self) -> tuple[Rule, ...]:
        return self.of

    def words(self, spell: Callable[[Rule], str]) -> str:
        return f"{self.name}({', '.join(map(spell, self.of))})"

    def careful(self, careful: CarefulPass, rule: Rule, frame: Frame) -> Any:
        values = prepared(careful, self.of, self.take, frame)
        if values is UNSET or values is BAD:
            return values
        return careful.attempt(self.place(frame.at), frame.target, values[-1], reduce, self.combine, values)

    def generate(self, make: Generator, scope: Scope, lenient: bool) -> Value:
        return make.finite(self.unchecked(make, scope, lenient))

    def unchecked(self, make: Generator, scope: Scope, lenient: bool) -> Value:
        """The lines without the look for NaN and infinity, which the outermost operator has."""
        values = [numbers(make, operand, scope, lenient, self.take) for operand in self.of]
        function = make.out.constant(self.combine, self.name)

        def write(result: str) -> None:
            left = values[0].name
            for value in values[1:]:
                make.out.line(f"{result} = {function}({left}, {value.name})")
                left = result

        return make.combined(values, write)


def prepared(careful: CarefulPass, operands: tuple[Rule, ...], take: Callable[[Any], Any], frame: Frame) -> Any:
    """The operands' values after ``take``, as a list; UNSET where one is missing, `BAD` where one is wrong."""
    values = []
    for operand in operands:
        value = careful.rule(operand, frame)
        if value is not UNSET and value is not BAD:
            value = careful.attempt(place(operand, frame.at), frame.target, value, take, value)
        values.append(value)
    if any(value is BAD for value in values):
        return BAD
    return UNSET if any(value is UNSET for value in values) else values


def numbers(make: Generator, operand: Rule, scope: Scope, lenient: bool, take: Callable[[Any], Any]) -> Value:
    """An operand, made a number unless it is one already."""
    if isinstance(operand.node, Arithmetic) and operand.plain and operand.default is None:
        return operand.node.unchecked(make, scope, lenient)
    return make.operand(operand, scope, lenient, take, "type({0}) is not Decimal and type({0}) is not int", number=True)


def parse_arithmetic(name: str) -> Callable[[Parser, dict[str, Any], Spot], Node]:
    def parse(parser: Parser, tree: dict[str, Any], spot: Spot) -> Node:
        take = shortest_number if spot.shortest else number
        return Arithmetic(name, parser.operands(tree, name, spot, least=2, take=take), take, operations()[name])

    return parse
