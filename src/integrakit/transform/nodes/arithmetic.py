"""Exact arithmetic over operands: ``add subtract multiply divide``. Needs every operand."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import TYPE_CHECKING, Any

from attrs import frozen

from integrakit.transform.careful import BAD
from integrakit.transform.exact import number, operations, shortest_number
from integrakit.transform.nodes.values import Read
from integrakit.transform.rules import Constant, Node, Rule
from integrakit.unset import UNSET

if TYPE_CHECKING:
    from integrakit.transform.careful import CarefulPass, Frame
    from integrakit.transform.generating import Generator, Scope, Value
    from integrakit.transform.parsing import Parser, Spot

__all__ = ["ARITHMETIC", "Arithmetic", "factor", "is_ours", "numbers", "parse_arithmetic", "prepared"]

ARITHMETIC = ("add", "subtract", "multiply", "divide")

# The exact ones, as Python writes them.
_SIGNS = {"add": "+", "subtract": "-", "multiply": "*"}


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

    def expression(self, make: Generator, scope: Scope) -> str:
        """The same within `Generator.exactly`, as one expression: with plain operators, and a Decimal at the left of each."""
        first, *others = [factor(make, operand, scope, self.take, first=not position) for position, operand in enumerate(self.of)]
        if self.name in _SIGNS:
            return f" {_SIGNS[self.name]} ".join([first, *others])
        function = make.out.constant(self.combine, self.name)
        for other in others:
            first = f"{function}({first}, {other})"
        return first


def prepared(careful: CarefulPass, operands: tuple[Rule, ...], take: Callable[[Any], Any], frame: Frame) -> Any:
    """The operands' values after ``take``, as a list; UNSET where one is missing, `BAD` where one is wrong."""
    values = []
    for operand in operands:
        value = careful.rule(operand, frame)
        if value is not UNSET and value is not BAD:
            value = careful.attempt(careful.place(operand, frame.at), frame.target, value, take, value)
        values.append(value)
    if any(value is BAD for value in values):
        return BAD
    return UNSET if any(value is UNSET for value in values) else values


def numbers(make: Generator, operand: Rule, scope: Scope, lenient: bool, take: Callable[[Any], Any]) -> Value:
    """An operand, made a number unless it is one already."""
    if isinstance(operand.node, Arithmetic) and operand.plain and operand.default is None:
        return operand.node.unchecked(make, scope, lenient)
    return make.operand(operand, scope, lenient, take, "type({0}) is not Decimal and type({0}) is not int", number=True)


def factor(make: Generator, operand: Rule, scope: Scope, take: Callable[[Any], Any], *, first: bool) -> str:
    """An operand as part of an expression: a Decimal where it is the ``first``, else also an int; never a subclass, with operators of its own."""
    if isinstance(operand.node, Arithmetic) and operand.plain and operand.default is None:
        return f"({operand.node.expression(make, scope)})"
    if isinstance(operand.node, Constant):
        return numbers(make, operand, scope, False, take).name
    value = make.rule(operand, scope, False, doubtful=True)
    name, call = value.name, f"{make.out.constant(take, take.__name__)}({value.name})"
    with make.out.block(f"if type({name}) is not Decimal{'' if first else f' and type({name}) is not int'}:"):
        make.out.line(f"{name} = Decimal({f'{name} if type({name}) is int else ' * first}{call})")
    return name


def is_ours(rule: Rule) -> bool:
    """True when nothing but our own code runs for the rule: no function of the user's, and no table that might be one."""
    if rule.when is not None or rule.lookup is not None or rule.beside is not None or not all(step.method for step in rule.apply):
        return False
    return isinstance(rule.node, Read | Constant | Arithmetic) and all(map(is_ours, rule.node.operands()))


def parse_arithmetic(name: str) -> Callable[[Parser, dict[str, Any], Spot], Node]:
    def parse(parser: Parser, tree: dict[str, Any], spot: Spot) -> Node:
        take = shortest_number if spot.shortest else number
        return Arithmetic(name, parser.operands(tree, name, spot, least=2, take=take), take, operations()[name])

    return parse
