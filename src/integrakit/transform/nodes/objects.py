"""Objects and lists of objects in the target: ``fields``, ``from`` with ``fields``, and ``each``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from attrs import frozen

from integrakit.transform.careful import BAD
from integrakit.transform.containers import opened
from integrakit.transform.nodes.values import Read
from integrakit.transform.paths import Path
from integrakit.transform.rules import Field, Node, Place, Rule, place, reads, sources
from integrakit.unset import UNSET

if TYPE_CHECKING:
    from integrakit.transform.careful import CarefulPass, Frame
    from integrakit.transform.generating import Generator, Scope, Value
    from integrakit.transform.parsing import Parser, Spot

__all__ = ["Each", "Nested", "parse_each", "parse_fields", "parse_from"]


@frozen
class Each(Node):
    """A list of objects, one for each item of ``items``."""

    items: Rule
    fields: tuple[Field, ...]

    def operands(self) -> tuple[Rule, ...]:
        return (self.items,)

    def sources(self, start: Place) -> Iterator[tuple[Place, bool]]:
        for path, _ in list(sources(self.items, start)):
            for field in self.fields:
                yield from sources(field.rule, (*path, -1))

    def words(self, spell: Callable[[Rule], str]) -> str:
        return "a list, one object for each item"

    def careful(self, careful: CarefulPass, rule: Rule, frame: Frame) -> Any:
        items = careful.items(self.items, frame, nullable=True)
        if items is None or items is UNSET or items is BAD:
            return items
        start, result = place(self.items, frame.at), []
        for index, item in enumerate(items):
            here, target = (*start, index), (*frame.target, index)
            inner = careful.attempt(here, target, item, opened, item)
            if inner is not BAD:
                result.append(careful.fields(self.fields, inner, here, target))
        return result

    def generate(self, make: Generator, scope: Scope, lenient: bool) -> Value:
        items = make.rule(self.items, scope, lenient)
        result, item = make.out.name(), make.out.name("i")
        make.out.line(f"{result} = {items.name}")
        with make.out.when(items.present()):
            make.must_be_list(items.name)
            make.out.line(f"{result} = []")
            with make.out.block(f"for {item} in {items.name}:"):
                inner = make.open_scope(item, field_paths(self.fields), must_be_object=True)
                make.out.line(f"{result}.append({make.object(self.fields, inner)})")
        return make.value(result, missing=items.missing, null=items.null)


@frozen
class Nested(Node):
    """An object. With ``start`` its paths are relative to that object, else to the record (or item) around it."""

    start: Rule | None
    fields: tuple[Field, ...]

    def operands(self) -> tuple[Rule, ...]:
        return () if self.start is None else (self.start,)

    def reads(self, lenient: bool) -> Iterator[tuple[Path, bool]]:
        return reads(self.start, lenient) if self.start is not None else field_paths(self.fields)

    def sources(self, start: Place) -> Iterator[tuple[Place, bool]]:
        for path, _ in [(start, True)] if self.start is None else list(sources(self.start, start)):
            for field in self.fields:
                yield from sources(field.rule, path)

    def words(self, spell: Callable[[Rule], str]) -> str:
        return "an object"

    def careful(self, careful: CarefulPass, rule: Rule, frame: Frame) -> Any:
        if self.start is None:
            return careful.fields(self.fields, frame.scope, frame.at, frame.target)
        value = careful.rule(self.start, frame)
        if value is None or value is UNSET or value is BAD:
            return value
        start = place(self.start, frame.at)
        inner = careful.attempt(start, frame.target, value, opened, value)
        return inner if inner is BAD else careful.fields(self.fields, inner, start, frame.target)

    def generate(self, make: Generator, scope: Scope, lenient: bool) -> Value:
        if self.start is None:
            return make.assigned(make.object(self.fields, scope), null=False)
        found = make.rule(self.start, scope, lenient)
        result = make.assigned(found.name, missing=found.missing, null=found.null)
        with make.out.when(found.present()):
            inner = make.open_scope(found.name, field_paths(self.fields), must_be_object=True)
            make.out.line(f"{result.name} = {make.object(self.fields, inner)}")
        return result


def field_paths(fields: tuple[Field, ...]) -> Iterator[tuple[Path, bool]]:
    """Every path that the fields read in their own scope, with True where it may be missing."""
    for field in fields:
        yield from reads(field.rule, field.optional)


def parse_from(parser: Parser, tree: dict[str, Any], spot: Spot) -> Node:
    path = parser.path(tree["from"], spot)
    if "fields" not in tree:
        return Read(path)
    return Nested(Rule(node=Read(path)), parser.fields(tree["fields"], spot.at("fields")))


def parse_fields(parser: Parser, tree: dict[str, Any], spot: Spot) -> Node:
    return Nested(None, parser.fields(tree["fields"], spot.at("fields")))


def parse_each(parser: Parser, tree: dict[str, Any], spot: Spot) -> Node:
    if "fields" not in tree:
        parser.refuse(spot, "each needs fields = { … }: the rules for one item")
    return Each(parser.items(tree, "each", spot), parser.fields(tree["fields"], spot.at("fields")))
