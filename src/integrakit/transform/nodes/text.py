"""Text out of operands: ``concat``. Needs every operand."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from attrs import frozen

from integrakit.transform.careful import BAD
from integrakit.transform.conversions import convert_text
from integrakit.transform.nodes.arithmetic import prepared
from integrakit.transform.rules import Node, Rule
from integrakit.unset import UNSET

if TYPE_CHECKING:
    from integrakit.transform.careful import CarefulPass, Frame
    from integrakit.transform.generating import Generator, Scope, Value
    from integrakit.transform.parsing import Parser, Spot

__all__ = ["Concat", "parse_concat"]


@frozen
class Concat(Node):
    """Text after text; ``take`` makes text of numbers, bools and dates."""

    of: tuple[Rule, ...]
    take: Callable[[Any], Any]

    def operands(self) -> tuple[Rule, ...]:
        return self.of

    def words(self, spell: Callable[[Rule], str]) -> str:
        return f"concat({', '.join(map(spell, self.of))})"

    def careful(self, careful: CarefulPass, rule: Rule, frame: Frame) -> Any:
        values = prepared(careful, self.of, self.take, frame)
        return values if values is UNSET or values is BAD else "".join(values)

    def generate(self, make: Generator, scope: Scope, lenient: bool) -> Value:
        values = [make.operand(operand, scope, lenient, self.take, "type({0}) is not str") for operand in self.of]
        return make.combined(
            values, lambda result: make.out.line(f"{result} = ''.join(({', '.join(value.name for value in values)},))"), number=False
        )


def parse_concat(parser: Parser, tree: dict[str, Any], spot: Spot) -> Node:
    take = convert_text(spot.shortest)
    return Concat(parser.operands(tree, "concat", spot, take=take), take)
