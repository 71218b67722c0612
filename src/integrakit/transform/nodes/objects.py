"""Objects and lists of objects in the target: ``fields``, ``from`` with ``fields``, and ``each``, ``flatten`` and ``group`` with ``fields``.

Where the items of a list come from is the business of the nodes it walks over; this is what becomes of each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from integrakit.transform.careful import BAD
from integrakit.transform.containers import opened, opened_or_itself
from integrakit.transform.nodes.collecting import Values, parse_flatten
from integrakit.transform.nodes.group import Groups
from integrakit.transform.nodes.lists import ITSELF
from integrakit.transform.nodes.queries import Query
from integrakit.transform.nodes.shares import AROUND, Numbered, Share, Turn
from integrakit.transform.nodes.values import Read
from integrakit.transform.nodes.walking import Walk, parse_inner, parse_walk
from integrakit.transform.paths import Path
from integrakit.transform.rules import Field, Found, Node, Place, Reading, Rule, reads, sources
from integrakit.transform.wording import spelled
from integrakit.unset import UNSET

if TYPE_CHECKING:
    from integrakit.transform.careful import CarefulPass, Frame
    from integrakit.transform.generating import Generator, Scope, Value
    from integrakit.transform.parsing import Parser, Spot

__all__ = ["Each", "Nested", "parse_each", "parse_fields", "parse_flattened", "parse_from", "parse_group"]


@frozen
class Each(Node):
    """A list of objects, one for each item that counts. ``numbered``: the nodes among the fields that the list works something out for."""

    walk: Walk
    fields: tuple[Field, ...]
    numbered: tuple[Numbered, ...] = ()
    many = True

    @property
    def items(self) -> Rule:
        """The list that is walked over."""
        return self.walk.items

    def operands(self) -> tuple[Rule, ...]:
        return (self.walk.items,)

    def members(self) -> tuple[Field, ...]:
        return self.fields

    def reads(self, lenient: bool) -> Iterator[tuple[Path, bool]]:
        yield from reads(self.walk.items, lenient)
        for node in self.numbered:
            for rule in node.around():
                yield from reads(rule, True)

    def inside(self, read: Reading, start: Place) -> Iterator[Found]:
        for path, whole in self.walk.items.node.inside(read, start):
            yield (*start, *path[1:]) if path[:1] == (AROUND,) else path, whole

    def sources(self, start: Place) -> Iterator[Found]:
        for path, whole in self.walk.reading(lambda at: (found for field in self.fields for found in sources(field.rule, at)), start):
            yield (*start, *path[1:]) if path[:1] == (AROUND,) else path, whole
        yield from self.walk.sources(start)

    def words(self, spell: Callable[[Rule], str]) -> str:
        plain = isinstance(self.walk.items.node, Read) and self.walk.where is None and not self.walk.sort
        return "a list, one object for each item" + ("" if plain else f" of {self.walk.words(spell)}")

    def careful(self, careful: CarefulPass, rule: Rule, frame: Frame) -> Any:
        found = self.walk.careful(careful, frame, nullable=True)
        if found is None or found is UNSET or found is BAD:
            return found
        turn, result = Turn(found, frame, careful.place(self.walk.items, frame.at)), []
        for node in self.numbered:
            careful.turns[id(node)] = turn
            if not found:
                node.unclaimed(careful, turn)
        take = opened if _of_objects(self.fields) else opened_or_itself
        for index, (here, item) in enumerate(found):
            turn.index, target = index, (*frame.target, index)
            inner = careful.attempt(here, target, item, take, item)
            if inner is not BAD:
                result.append(careful.fields(self.fields, inner, here, target))
        return result

    def generate(self, make: Generator, scope: Scope, lenient: bool) -> Value:
        items = self.walk.generate(make, scope, lenient)
        result = make.result()
        make.out.line(f"{result} = {items.name}")
        with make.out.when(items.present()):
            if self.numbered:
                self._turns(make, items.name, result, scope)
            else:
                make.out.line(f"{result} = []")
                with self.walk.each(make, items.name) as item:
                    self._append(make, item, result)
        return make.value(result, missing=items.missing, null=items.null)

    def _turns(self, make: Generator, items: str, result: str, scope: Scope) -> None:
        items = self.walk.kept(make, items)
        counter, item = make.out.name("n"), make.out.name("i")
        for node in self.numbered:
            make.turns[id(node)] = counter, node.begin(make, scope, items)
        make.out.line(f"{result} = []")
        with make.out.block(f"for {counter}, {item} in enumerate({items}):"):
            self._append(make, item, result)

    def _append(self, make: Generator, item: str, result: str) -> None:
        objects = _of_objects(self.fields)
        if not objects:
            with make.out.block(f"if type({item}) is not dict:"):
                make.out.line(f"{item} = {make.out.constant(opened_or_itself, 'opened_or_itself')}({item})")
        inner = make.open_scope(item, field_paths(self.fields), must_be_object=objects)
        make.out.line(f"{result}.append({make.object(self.fields, inner)})")


@frozen
class Nested(Node):
    """An object. With ``start`` its paths are relative to that object, else to the record (or item) around it."""

    start: Rule | None
    fields: tuple[Field, ...]

    def operands(self) -> tuple[Rule, ...]:
        return () if self.start is None else (self.start,)

    def members(self) -> tuple[Field, ...]:
        return self.fields

    def reads(self, lenient: bool) -> Iterator[tuple[Path, bool]]:
        return reads(self.start, lenient) if self.start is not None else field_paths(self.fields)

    def inside(self, read: Reading, start: Place) -> Iterator[Found]:
        for path, _ in [(start, True)] if self.start is None else list(sources(self.start, start)):
            yield from read(path)

    def sources(self, start: Place) -> Iterator[Found]:
        for path, _ in self.inside(lambda at: [(at, True)], start):
            found = [one for field in self.fields for one in sources(field.rule, path)]
            yield from found
            if self.start is not None and not any(one[: len(path)] == path for one, _ in found):
                yield path, False  # whether it is there

    def words(self, spell: Callable[[Rule], str]) -> str:
        return "an object"

    def careful(self, careful: CarefulPass, rule: Rule, frame: Frame) -> Any:
        if self.start is None:
            return careful.fields(self.fields, frame.scope, frame.at, frame.target)
        value = careful.rule(self.start, frame)
        if value is None or value is UNSET or value is BAD:
            return value
        start = careful.place(self.start, frame.at)
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


def _of_objects(fields: tuple[Field, ...]) -> bool:
    """Whether the items that the fields start at have to be objects: a key of theirs is read, or nobody can tell."""
    keys = any(not path.root and any(isinstance(segment, str) for segment in path.segments[:1]) for path, _ in field_paths(fields))
    return keys or any(_queries(field.rule) for field in fields)


def _queries(rule: Rule) -> bool:
    if isinstance(rule.node, Query):
        return True
    return any(map(_queries, (*rule.node.operands(), *rule.sides(), *(field.rule for field in rule.node.members()))))


def parse_from(parser: Parser, tree: dict[str, Any], spot: Spot) -> Node:
    path = parser.path(tree["from"], spot)
    if "fields" not in tree:
        return Read(path)
    return Nested(Rule(node=Read(path)), parser.fields(tree["fields"], spot.at("fields")))


def parse_fields(parser: Parser, tree: dict[str, Any], spot: Spot) -> Node:
    return Nested(None, parser.fields(tree["fields"], spot.at("fields")))


def _objects(parser: Parser, tree: dict[str, Any], name: str, spot: Spot) -> tuple[tuple[Field, ...], tuple[Numbered, ...]]:
    if "fields" not in tree:
        parser.refuse(spot, f"{name} needs fields = {{ … }}: the rules for one {'group' if name == 'group' else 'item'}")
    numbered: list[Numbered] = []
    fields = parser.fields(tree["fields"], evolve(spot.at("fields"), numbered=numbered, sometimes=False))
    return fields, tuple(numbered)


def parse_each(parser: Parser, tree: dict[str, Any], spot: Spot) -> Node:
    fields, numbered = _objects(parser, tree, "each", spot)
    return Each(parse_walk(parser, tree, "each", spot), fields, numbered)


def parse_flattened(parser: Parser, tree: dict[str, Any], spot: Spot) -> Node:
    """``flatten``: an object for each item of the inner lists where there are ``fields``, else the items."""
    node = parse_flatten(parser, tree, spot)
    walk = parse_walk(parser, tree, "flatten", spot, Rule(node=node))
    if "fields" in tree:
        return Each(walk, *_objects(parser, tree, "flatten", spot))
    return node if walk.where is None and not walk.sort else Values(walk, ITSELF, False)


def parse_group(parser: Parser, tree: dict[str, Any], spot: Spot) -> Node:
    """``group``: an object for each key."""
    fields, numbered = _objects(parser, tree, "group", spot)
    content, name = tree.get("by"), tree.get("as", "rows")
    if not content or not isinstance(content, str | dict | list):
        parser.refuse(spot, "group needs by = …: the path of what the rows of a group have in common, or a list of such paths or rules")
    if not isinstance(name, str) or not name:
        parser.refuse(spot, f'as is the name by which a group has its rows, "rows" unless said, not {spelled(name)}')
    several = isinstance(content, list)
    keys = content if several else [content]
    by = tuple(parse_inner(parser, key, spot, "by", *([index] if several else [])) for index, key in enumerate(keys))
    paths = [*field_paths(fields), *(read for node in numbered if isinstance(node, Share) for read in reads(node.by, True))]
    common = tuple(dict.fromkeys(path for path, _ in paths if not path.root and path.segments[:1] != (name,)))
    if any(not path.segments for path in common):
        parser.refuse(spot, f"the path . says nothing in a group: name what its rows have in common, or read {name!r}")
    groups = Groups(parse_walk(parser, tree, "group", spot), by, name, common)
    return Each(Walk(Rule(node=groups)), fields, numbered)
