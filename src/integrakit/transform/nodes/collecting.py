"""Lists of plain values: ``values``, and lists of lists made into one: ``flatten``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from integrakit.transform.careful import BAD
from integrakit.transform.nodes.lists import ITSELF
from integrakit.transform.nodes.walking import Placed, Walk, parse_inner, parse_walk, placed
from integrakit.transform.ordering import distinct, key_of
from integrakit.transform.rules import Found, Node, Place, Reading, Rule, reads, sources
from integrakit.transform.wording import spelled
from integrakit.unset import UNSET

if TYPE_CHECKING:
    from integrakit.transform.careful import CarefulPass, Frame
    from integrakit.transform.generating import Generator, Scope, Value
    from integrakit.transform.parsing import Parser, Spot

__all__ = ["Flatten", "Values", "parse_flatten", "parse_values"]

_MOST_LEVELS = 4
# Brackets without a number end a level; those inside quotes are part of a key.
_LEVEL_END = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|(\[\s*\]\.?)", re.DOTALL)
#: A key that no record has: the scope of the names that stand for the levels.
NAMES = "\0names"


@frozen
class Values(Node):
    """``of`` at each item; ``unique``: each value once."""

    walk: Walk
    of: Rule
    unique: bool

    def operands(self) -> tuple[Rule, ...]:
        return (self.walk.items,)

    def inside(self, read: Reading, start: Place) -> Iterator[Found]:
        if self.of == ITSELF:
            yield from self.walk.items.node.inside(read, start)
        else:
            for path, _ in list(self.walk.items.node.inside(lambda at: sources(self.of, at), start)):
                yield from read(path)

    def choosing(self, start: Place) -> Iterator[Found]:
        return self.walk.sources(start)

    def sources(self, start: Place) -> Iterator[Found]:
        yield from self.walk.reading(lambda at: sources(self.of, at), start)
        yield from self.walk.sources(start)

    def words(self, spell: Callable[[Rule], str]) -> str:
        of = "" if self.of == ITSELF else f" of {spell(self.of)}"
        return f"{'distinct ' * self.unique}values({self.walk.words(spell)}{of})"

    def listing(self, careful: CarefulPass, frame: Frame) -> Any:
        found = self.walk.careful(careful, frame, nullable=True)
        if found is None or found is UNSET or found is BAD:
            return found
        result: Placed = []
        for at, item in found:
            value = careful.rule(self.of, frame.item(item, at))
            result.append((careful.place(self.of, at), value))
        if any(value is BAD for _, value in result):
            return BAD
        return self._once(careful, result, frame) if self.unique else result

    @staticmethod
    def _once(careful: CarefulPass, found: Placed, frame: Frame) -> Any:
        keys = [careful.attempt(at, frame.target, value, key_of, value) for at, value in found]
        if any(key is BAD for key in keys):
            return BAD
        first: dict[Any, Any] = {}
        for key, one in zip(keys, found, strict=True):
            first.setdefault(key, one)
        return list(first.values())

    def careful(self, careful: CarefulPass, rule: Rule, frame: Frame) -> Any:
        found = self.listing(careful, frame)
        return [value for _, value in found] if isinstance(found, list) else found

    def generate(self, make: Generator, scope: Scope, lenient: bool) -> Value:
        items = self.walk.generate(make, scope, lenient)
        result = make.assigned(items.name, missing=items.missing, null=items.null)
        with make.out.when(items.present()):
            make.out.line(f"{result.name} = []")
            with self.walk.each(make, items.name) as item:
                value = make.rule(self.of, make.open_scope(item, reads(self.of, False)), False)
                make.out.line(f"{result.name}.append({value.name})")
            if self.unique:
                make.out.line(f"{result.name} = {make.out.constant(distinct, 'distinct')}({result.name})")
        return result


@frozen
class Flatten(Node):
    """The items of the lists in the items of a list, level by level: each level is read relative to an item of the one before.

    With ``names`` an item is an object with one entry for each level; without, it is the innermost item. ``keep_empty``: an item with an empty list
    below comes once, without what would be below.
    """

    levels: tuple[Rule, ...]
    names: tuple[str, ...] = ()
    keep_empty: bool = False

    def operands(self) -> tuple[Rule, ...]:
        return self.levels[:1]

    def _levels(self, start: Place) -> Iterator[tuple[int, Place]]:
        """Every level's number with the places that its items may have."""
        items = list(self.levels[0].node.inside(lambda at: [(at, True)], start))
        for depth in range(len(self.levels)):
            if depth:
                items = [one for at, _ in items for one in self.levels[depth].node.inside(lambda at: [(at, True)], at)]
            yield from ((depth, at) for at, _ in items)

    def inside(self, read: Reading, start: Place) -> Iterator[Found]:
        levels = list(self._levels(start))
        if not self.names:
            for depth, at in levels:
                if depth == len(self.levels) - 1:
                    yield from read(at)
            return
        for path, whole in read((NAMES,)):
            if path[:1] != (NAMES,):
                yield path, whole
            elif len(path) == 1:
                yield from ((at, whole) for _, at in levels)
            else:
                yield from ((at + path[2:], whole) for depth, at in levels if self.names[depth] == path[1])

    def choosing(self, start: Place) -> Iterator[Found]:
        yield from self.levels[0].node.choosing(start)
        for depth, at in self._levels(start):
            if depth + 1 < len(self.levels):
                yield from self.levels[depth + 1].node.choosing(at)

    def sources(self, start: Place) -> Iterator[Found]:
        yield from self.inside(lambda at: [(at, True)], start)
        yield from self.choosing(start)

    def words(self, spell: Callable[[Rule], str]) -> str:
        names = f" as {', '.join(self.names)}" if self.names else ""
        return f"flatten({', '.join(map(spell, self.levels))}){names}{', items with an empty list too' * self.keep_empty}"

    # ---------------------------------------------------------------- the careful pass

    def listing(self, careful: CarefulPass, frame: Frame) -> Any:
        found = placed(careful, self.levels[0], frame, nullable=True)
        if found is None or found is UNSET or found is BAD:
            return found
        chains: list[Placed] = [[one] for one in found]
        for depth, level in enumerate(self.levels[1:], 1):
            longer: list[Placed] = []
            bad = False
            for chain in chains:
                if len(chain) < depth:  # ended above
                    longer.append(chain)
                    continue
                at, item = chain[-1]
                below = placed(careful, level, frame.item(item, at))
                bad = bad or below is BAD
                if below is not BAD:
                    longer += [[*chain, one] for one in below] if below or not self.keep_empty else [chain]
            if bad:
                return BAD
            chains = longer
        return [self._named(careful, chain) for chain in chains] if self.names else [chain[-1] for chain in chains]

    def _named(self, careful: CarefulPass, chain: Placed) -> tuple[Place, Any]:
        base = (*chain[-1][0], NAMES)
        careful.moved[base] = chain[-1][0]
        for name, (at, _) in zip(self.names, chain, strict=False):
            careful.moved[(*base, name)] = at
        return base, {name: item for name, (_, item) in zip(self.names, chain, strict=False)}

    def careful(self, careful: CarefulPass, rule: Rule, frame: Frame) -> Any:
        found = self.listing(careful, frame)
        return [value for _, value in found] if isinstance(found, list) else found

    # ---------------------------------------------------------------- the generated code

    def generate(self, make: Generator, scope: Scope, lenient: bool) -> Value:
        items = make.rule(self.levels[0], scope, lenient)
        result = make.assigned(items.name, missing=items.missing, null=items.null)
        with make.out.when(items.present()):
            make.out.line(f"{result.name} = []")
            self._loop(make, items.name, result.name, [])
        return result

    def _loop(self, make: Generator, items: str, result: str, chain: list[str]) -> None:
        make.must_be_list(items)
        if len(chain) == len(self.levels) - 1 and not self.names:
            make.out.line(f"{result}.extend({items})")
            return
        item = make.out.name("i")
        with make.out.block(f"for {item} in {items}:"):
            chain = [*chain, item]
            if len(chain) < len(self.levels):
                level = self.levels[len(chain)]
                below = make.rule(level, make.open_scope(item, reads(level, False)), False).name
                self._loop(make, below, result, chain)
                if self.keep_empty:
                    with make.out.block(f"if not {below}:"):
                        make.out.line(f"{result}.append({self._object(chain)})")
            else:
                make.out.line(f"{result}.append({self._object(chain)})")

    def _object(self, chain: list[str]) -> str:
        return f"{{{', '.join(f'{name!r}: {item}' for name, item in zip(self.names, chain, strict=False))}}}"


def parse_values(parser: Parser, tree: dict[str, Any], spot: Spot) -> Node:
    of = parse_inner(parser, tree["of"], spot, "of") if "of" in tree else ITSELF
    return Values(parse_walk(parser, tree, "values", spot), of, parser.flag(spot, tree, "distinct", False))


def parse_flatten(parser: Parser, tree: dict[str, Any], spot: Spot) -> Flatten:
    """The lists alone: what ``where``, ``sort`` and ``fields`` make of their items is read by `objects.parse_flattened`."""
    content = tree["flatten"]
    parts: list[Any] = _parts(content) if isinstance(content, str) else content if isinstance(content, list) else [content]
    if not parts:
        parser.refuse(spot, 'flatten takes the lists from the outside in, such as "orders[].lines[]" or ["orders", "lines"]')
    several = isinstance(content, list)
    levels = [parser.items({"flatten": parts[0]}, "flatten", spot if not several else spot.at("flatten"))]
    for depth, part in enumerate(parts[1:]):
        # A level stands inside the loops over those before it.
        deeper = evolve(spot, depth=spot.depth + depth)
        levels.append(parse_inner(parser, part, deeper, "flatten", *([depth + 1] if several else [])))
    if len(levels) == 1:
        levels.append(ITSELF)
    if len(levels) > _MOST_LEVELS:
        parser.refuse(spot, f"flatten takes at most {_MOST_LEVELS} lists, one in the other, not {len(levels)}")
    names, keep = tree.get("as", []), parser.flag(spot, tree, "keep_empty", False)
    named = {name for name in names if isinstance(name, str) and name} if isinstance(names, list) else ()
    if "as" in tree and not len(names) == len(levels) == len(named):
        parser.refuse(spot, f"as gives each of the {len(levels)} lists a name, from the outside in, for one item of it, not {spelled(names)}")
    if keep and not names:
        parser.refuse(spot, "keep_empty needs as = [ … ]: without names nothing would be left of an item with an empty list")
    return Flatten(tuple(levels), tuple(names), keep)


def _parts(text: str) -> list[str]:
    """``orders[].lines[]`` as its levels: ``orders`` and ``lines``."""
    parts, start = [], 0
    for found in _LEVEL_END.finditer(text):
        if found[1] is not None:
            parts.append(text[start : found.start()] or ".")
            start = found.end()
    rest = text[start:]
    return [*parts, rest] if rest or not parts else parts
