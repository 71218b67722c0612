"""A list as the nodes walk over it: which of its items count (``where``), and in which order (``sort``). Every kind of list is walked through here.

An item keeps its place in the record, whatever is left out and however it is sorted, so that an error names ``rows[12].price``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

from attrs import evolve, frozen

from integrakit.transform.careful import BAD
from integrakit.transform.conditions import parse_condition
from integrakit.transform.ordering import arranged, rank
from integrakit.transform.rules import Condition, Constant, Found, Place, Reading, Rule, place, reads, sources
from integrakit.transform.wording import spelled
from integrakit.unset import UNSET

if TYPE_CHECKING:
    from integrakit.transform.careful import CarefulPass, Frame
    from integrakit.transform.generating import Generator, Scope, Value
    from integrakit.transform.parsing import Parser, Spot

__all__ = ["SORTED", "WALKED", "Listing", "Placed", "Walk", "parse_inner", "parse_walk", "placed"]

#: The options of a list whose order does not matter, and of one whose order does.
WALKED = ("where",)
SORTED = ("where", "sort", "descending")

#: Items with their places in the record.
Placed: TypeAlias = list[tuple[Place, Any]]


@runtime_checkable
class Listing(Protocol):
    """A node that gives a list and knows the place of each item."""

    def listing(self, careful: CarefulPass, frame: Frame) -> Any:
        """`Placed` items, or None, UNSET or `BAD`."""


@frozen
class Walk:
    """``where`` and ``sort`` are read relative to an item."""

    items: Rule
    where: Condition | None = None
    sort: tuple[Rule, ...] = ()
    descending: tuple[bool, ...] = ()

    def inner(self) -> Iterator[Rule]:
        """What is read at each item."""
        if self.where is not None:
            yield Rule(node=Constant(True), when=self.where)
        yield from self.sort

    def sources(self, start: Place) -> Iterator[Found]:
        """What finding, choosing and sorting the items reads."""
        yield from self.items.node.choosing(start)
        for rule in self.inner():
            yield from self.items.node.inside(lambda at, rule=rule: sources(rule, at), start)  # type: ignore[misc]

    def reading(self, read: Reading, start: Place) -> Iterator[Found]:
        """What is read at the items; where nothing of them is, how many there are."""
        found = list(self.items.node.inside(read, start))
        yield from found
        for item, _ in self.items.node.inside(lambda at: [(at, True)], start):
            if not any(path[: len(item)] == item for path, _ in found):
                yield (item[:-1] if item[-1:] == (-1,) else item), False

    def words(self, spell: Callable[[Rule], str]) -> str:
        where = f" where {self.where.text}" if self.where is not None else ""
        keys = (spell(rule) + " descending" * down for rule, down in zip(self.sort, self.descending, strict=True))
        return spell(self.items) + where + (f" sorted by {', '.join(keys)}" if self.sort else "")

    # ---------------------------------------------------------------- the careful pass

    def careful(self, careful: CarefulPass, frame: Frame, *, nullable: bool = False) -> Any:
        """The items that count, `Placed`; or UNSET, or `BAD`; None where ``nullable``."""
        found = placed(careful, self.items, frame, nullable=nullable)
        if found is None or found is UNSET or found is BAD:
            return found
        if self.where is not None:
            holds = [self.where.careful(careful, frame.item(item, at)) for at, item in found]
            if any(one is BAD for one in holds):
                return BAD
            found = [one for one, keep in zip(found, holds, strict=True) if keep]
        return self._arranged(careful, found, frame) if self.sort else found

    def _arranged(self, careful: CarefulPass, found: Placed, frame: Frame) -> Any:
        columns = [[self._key(careful, rule, frame.item(item, at)) for at, item in found] for rule in self.sort]
        if any(key is BAD for column in columns for key in column):
            return BAD
        for rule, column in zip(self.sort, columns, strict=True):
            ranks = list(map(rank, column))
            odd = next((index for index, one in enumerate(ranks) if one != ranks[0]), None)
            if odd is not None:
                reason = f"{ranks[0]} and {ranks[odd]} cannot be sorted together"
                return careful.note(place(rule, found[odd][0]), frame.target, column[odd], reason)
        return careful.attempt(place(self.items, frame.at), frame.target, found, arranged, found, columns, self.descending)

    @staticmethod
    def _key(careful: CarefulPass, rule: Rule, here: Frame) -> Any:
        key = careful.rule(rule, here)
        if key is BAD or careful.attempt(careful.place(rule, here.at), here.target, key, rank, key) is BAD:
            return BAD
        return key

    # ---------------------------------------------------------------- the generated code

    @contextmanager
    def each(self, make: Generator, items: str) -> Iterator[str]:
        """A loop over the variable ``items``; what follows stands in it. Gives the variable of the item."""
        if self.sort:
            items = self.kept(make, items)
        else:
            make.must_be_list(items)
        item = make.out.name("i")
        with make.out.block(f"for {item} in {items}:"):
            if not self.sort:
                self._gate(make, item)
            yield item

    def kept(self, make: Generator, items: str) -> str:
        """The variable of a list of the items that count, in their order."""
        make.must_be_list(items)
        if self.where is None and not self.sort:
            return items
        kept, item = make.out.name("l"), make.out.name("i")
        columns = [make.out.name("c") for _ in self.sort]
        for name in (kept, *columns):
            make.out.line(f"{name} = []")
        with make.out.block(f"for {item} in {items}:"):
            self._gate(make, item)
            scope = make.open_scope(item, [read for rule in self.sort for read in reads(rule, False)])
            for column, rule in zip(columns, self.sort, strict=True):
                make.out.line(f"{column}.append({make.rule(rule, scope, False).name})")
            make.out.line(f"{kept}.append({item})")
        if self.sort:
            make.out.line(f"{kept} = {make.out.constant(arranged, 'arranged')}({kept}, ({', '.join(columns)},), {self.descending!r})")
        return kept

    def _gate(self, make: Generator, item: str) -> None:
        if self.where is not None:
            scope = make.open_scope(item, [(path, True) for path in self.where.paths()])
            with make.out.block(f"if not ({self.where.generate(make, scope)}):"):
                make.out.line("continue")

    def generate(self, make: Generator, scope: Scope, lenient: bool) -> Value:
        """The list itself, all of it."""
        return make.rule(self.items, scope, lenient)


def placed(careful: CarefulPass, rule: Rule, frame: Frame, *, nullable: bool = False) -> Any:
    """The items of the list that a rule gives, each with its place."""
    start = place(rule, frame.at)
    if isinstance(rule.node, Listing) and rule.plain and rule.default is None and rule.nullable:
        found = rule.node.listing(careful, frame)
        if found is UNSET and not frame.lenient:
            return careful.note(start, frame.target, UNSET, "is missing")
        return careful.note(start, frame.target, None, "null stands where a list is wanted") if found is None and not nullable else found
    items = careful.items(rule, frame, nullable=nullable)
    start = careful.place(rule, frame.at)
    return items if items is None or items is UNSET or items is BAD else [((*start, index), item) for index, item in enumerate(items)]


def parse_walk(parser: Parser, tree: dict[str, Any], name: str, spot: Spot, items: Rule | None = None) -> Walk:
    """The list at ``name`` with its options. ``items``: where the caller has read the list itself."""
    where = parse_condition(parser, tree["where"], spot.at("where")) if "where" in tree else None
    walk = Walk(parser.items(tree, name, spot) if items is None else items, where)
    if "sort" not in tree:
        if "descending" in tree:
            parser.refuse(spot, "descending belongs to sort = …, which is missing")
        return walk
    content, down = tree["sort"], tree.get("descending", False)
    keys = content if isinstance(content, list) else [content]
    if not keys:
        parser.refuse(spot.at("sort"), "takes a path or rule, or a list of them, relative to an item")
    rules = tuple(parse_inner(parser, key, spot, "sort", *([index] if isinstance(content, list) else [])) for index, key in enumerate(keys))
    turns = down if isinstance(down, list) else [down] * len(rules)
    if len(turns) != len(rules) or not all(isinstance(turn, bool) for turn in turns):
        parser.refuse(spot, f"descending is true or false, or a list with one of them for each key of sort, not {spelled(down)}")
    return evolve(walk, sort=rules, descending=tuple(turns))


def parse_inner(parser: Parser, tree: Any, spot: Spot, *segments: str | int) -> Rule:
    """A rule that starts at the items, such as ``of``."""
    return parser.rule(tree, evolve(spot.inside(*segments), numbered=None))
