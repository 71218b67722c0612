"""Values as they are met: what stands at a path, and the first of several that is there. (A constant is a value of the mapping: `rules.Constant`.)"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from attrs import frozen

from integrakit.transform.careful import BAD
from integrakit.transform.containers import item_or_missing, listed, opened
from integrakit.transform.paths import Path, render
from integrakit.transform.rules import Node, Place, Rule
from integrakit.unset import UNSET

if TYPE_CHECKING:
    from integrakit.transform.careful import CarefulPass, Frame
    from integrakit.transform.generating import Generator, Scope, Value
    from integrakit.transform.parsing import Parser, Spot

__all__ = ["Coalesce", "Read", "parse_coalesce"]


@frozen
class Read(Node):
    """A path into the record, or into the list item inside ``of`` and ``each``."""

    path: Path

    def reads(self, lenient: bool) -> Iterator[tuple[Path, bool]]:
        yield self.path, lenient

    def sources(self, start: Place) -> Iterator[tuple[Place, bool]]:
        yield start + self.path.segments, True

    def place(self, at: Place) -> Place:
        return (*at, *self.path.segments)

    def words(self, spell: Callable[[Rule], str]) -> str:
        return str(self.path)

    def careful(self, careful: CarefulPass, rule: Rule, frame: Frame) -> Any:
        value, segments = frame.scope, self.path.segments
        for depth, segment in enumerate(segments):
            here = (*frame.at, *segments[:depth])
            if value is None or value is UNSET:
                reason = f"is missing, because {render(here)} is {'null' if value is None else 'missing'}"
                return UNSET if frame.lenient else careful.note((*frame.at, *segments), frame.target, UNSET, reason)
            container = careful.attempt(here, frame.target, value, opened if isinstance(segment, str) else listed, value)
            if container is BAD:
                return BAD
            value = container.get(segment, UNSET) if isinstance(segment, str) else item_or_missing(container, segment)
            if value is UNSET:
                return UNSET if frame.lenient else careful.note((*frame.at, *segments[: depth + 1]), frame.target, UNSET, "is missing")
        return value

    def generate(self, make: Generator, scope: Scope, lenient: bool) -> Value:
        # The variable may be written to by later steps, so even the item itself gets one of its own.
        value = make.assigned(make.fetch(scope, self.path.segments, lenient), missing=lenient)
        if not lenient:
            make.out.give_up_if(f"{value.name} is UNSET")
        return value


@frozen
class Coalesce(Node):
    """The first operand that is neither missing nor null."""

    of: tuple[Rule, ...]
    tolerant = True

    def operands(self) -> tuple[Rule, ...]:
        return self.of

    def words(self, spell: Callable[[Rule], str]) -> str:
        return f"coalesce({', '.join(map(spell, self.of))})"

    def careful(self, careful: CarefulPass, rule: Rule, frame: Frame) -> Any:
        result: Any = UNSET
        for operand in self.of:
            value = careful.rule(operand, frame.leniently())
            if value is not UNSET:
                result = value
            if value is not UNSET and value is not None:
                break
        if result is UNSET and not frame.lenient:
            return careful.note(self.place(frame.at), frame.target, UNSET, "none of the coalesce operands is there")
        return result

    def generate(self, make: Generator, scope: Scope, lenient: bool) -> Value:
        result = make.assigned("UNSET", missing=True)
        for position, operand in enumerate(self.of):
            if position == 0:
                make.out.line(f"{result.name} = {make.rule(operand, scope, True).name}")
                continue
            with make.out.block(f"if {result.name} is None or {result.name} is UNSET:"):
                value = make.rule(operand, scope, True)
                kept = f"{result.name} if {value.name} is UNSET else " if value.missing else ""
                make.out.line(f"{result.name} = {kept}{value.name}")
        return result


def parse_coalesce(parser: Parser, tree: dict[str, Any], spot: Spot) -> Node:
    return Coalesce(parser.operands(tree, "coalesce", spot))
