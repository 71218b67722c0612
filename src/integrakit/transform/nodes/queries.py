"""What an expression of JMESPath finds: ``jmespath``. The library behind it is imported when a mapping uses it, by `jmespath_queries`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from attrs import frozen

from integrakit.transform.exact import number, shortest_number
from integrakit.transform.rules import Node, Place, Rule
from integrakit.transform.wording import spelled
from integrakit.unset import UNSET

if TYPE_CHECKING:
    from integrakit.transform.careful import CarefulPass, Frame
    from integrakit.transform.generating import Generator, Scope, Value
    from integrakit.transform.parsing import Parser, Spot

__all__ = ["Query", "parse_jmespath"]


@frozen
class Query(Node):
    """``run`` takes the record, or the item, and gives what is found, or UNSET: JMESPath cannot tell null from missing."""

    text: str
    run: Callable[[Any], Any]
    #: What it reads, as `Node.sources` says it, as far as that can be told from the expression.
    found: tuple[tuple[Place, bool], ...]

    def sources(self, start: Place) -> Iterator[tuple[Place, bool]]:
        for path, whole in self.found:
            yield (*start, *path), whole

    def place(self, at: Place) -> Place:
        return (*at, *self._names())

    def _names(self) -> tuple[str, ...]:
        """The keys with which the first path begins."""
        path = self.found[0][0] if self.found else ()
        return tuple(takewhile(lambda segment: isinstance(segment, str), path))  # type: ignore[arg-type]  # only text is left

    def words(self, spell: Callable[[Rule], str]) -> str:
        return f"jmespath({self.text})"

    def careful(self, careful: CarefulPass, rule: Rule, frame: Frame) -> Any:
        shown = frame.scope
        for name in self._names():
            shown = shown.get(name, UNSET) if isinstance(shown, dict) else UNSET
        value = careful.attempt(self.place(frame.at), frame.target, shown, self.run, frame.scope)
        if value is UNSET and not frame.lenient:
            return careful.note(self.place(frame.at), frame.target, UNSET, f"{spelled(self.text)} finds nothing, or null")
        return value

    def generate(self, make: Generator, scope: Scope, lenient: bool) -> Value:
        return make.assigned(f"{make.out.constant(self.run, 'query')}({scope.item})", missing=True, null=False)


def parse_jmespath(parser: Parser, tree: dict[str, Any], spot: Spot) -> Node:
    # Only here: a mapping without this kind of rule does not need the library.
    from integrakit.transform.jmespath_queries import compiled

    text = tree["jmespath"]
    if not isinstance(text, str):
        parser.refuse(spot.at("jmespath"), f"is an expression, as text, not {spelled(text)}")
    try:
        return Query(text, *compiled(text, shortest_number if spot.shortest else number))
    except ValueError as problem:
        parser.refuse(spot.at("jmespath"), f"{spelled(text)} is not a JMESPath expression: {problem}", problem)
