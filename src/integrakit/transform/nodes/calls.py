"""A registered function of several values: ``call`` and ``with``. A function of one value stands in ``apply``, and is none of this file's."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from attrs import frozen

from integrakit.transform.calling import arity_problem
from integrakit.transform.careful import BAD
from integrakit.transform.rules import Node, Rule
from integrakit.transform.wording import did_you_mean, spelled
from integrakit.unset import UNSET

if TYPE_CHECKING:
    from integrakit.transform.careful import CarefulPass, Frame
    from integrakit.transform.generating import Generator, Scope, Value
    from integrakit.transform.parsing import Parser, Spot

__all__ = ["Call", "parse_call"]


@frozen
class Call(Node):
    """What the user's function makes of the operands. It is called when all are there, and given None for a null."""

    name: str
    function: Callable[..., Any]
    of: tuple[Rule, ...]

    def operands(self) -> tuple[Rule, ...]:
        return self.of

    def words(self, spell: Callable[[Rule], str]) -> str:
        return f"{self.name}({', '.join(map(spell, self.of))})"

    def careful(self, careful: CarefulPass, rule: Rule, frame: Frame) -> Any:
        values = [careful.rule(operand, frame) for operand in self.of]
        if any(value is BAD for value in values):
            return BAD
        if any(value is UNSET for value in values):
            return UNSET
        return careful.attempt(self.place(frame.at), frame.target, values[0], self.function, *values, name=f"function {self.name!r}")

    def generate(self, make: Generator, scope: Scope, lenient: bool) -> Value:
        values = [make.rule(operand, scope, lenient) for operand in self.of]
        function, names = make.out.constant(self.function, "function"), ", ".join(value.name for value in values)
        result = make.combined(values, lambda result: make.out.line(f"{result} = {function}({names})"), number=False)
        return make.value(result.name, missing=True)


def parse_call(parser: Parser, tree: dict[str, Any], spot: Spot) -> Node:
    name = tree["call"]
    if not isinstance(name, str) or name not in parser.functions:
        hint = did_you_mean(name, parser.functions)
        parser.refuse(spot.at("call"), f"unknown function {spelled(name)}{hint} (functions are given as functions={{{spelled(name)}: …}})")
    if "with" not in tree:
        parser.refuse(spot, "call needs with = [ … ]: the values that the function is given")
    operands = parser.operands(tree, "with", spot, whole=True)
    if problem := arity_problem(parser.functions[name], len(operands)):
        parser.refuse(spot.at("call"), f"{name!r} cannot be called like this: {problem}")
    return Call(name, parser.functions[name], operands)
