"""Rows brought together by a key: the list behind ``group``. Its items are objects of what the rows of a group have in common, and of the rows.

What is read of a group outside its rows must be the same in each of them: nothing is taken from the first row in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import TYPE_CHECKING, Any

from attrs import frozen

from integrakit.transform.careful import BAD
from integrakit.transform.containers import item_or_missing, listed_or_empty, opened, opened_or_empty
from integrakit.transform.misfit import Misfit, excerpt
from integrakit.transform.nodes.walking import Placed, Walk
from integrakit.transform.ordering import key_of, same
from integrakit.transform.paths import Path, render
from integrakit.transform.rules import Found, Node, Place, Reading, Rule, place, reads, sources
from integrakit.unset import UNSET

if TYPE_CHECKING:
    from integrakit.transform.careful import CarefulPass, Frame
    from integrakit.transform.generating import Generator, Scope, Value

__all__ = ["Groups"]

#: A key that no record has: the scope of a group.
GROUP = "\0group"

# Types whose values are the same when they are equal.
_PLAIN = frozenset({str, int, bool})


@frozen
class Groups(Node):
    """One object for each key, in order of first appearance. ``name``: by which its rows are reached; ``common``: the other paths read of it."""

    walk: Walk
    by: tuple[Rule, ...]
    name: str
    common: tuple[Path, ...]

    def operands(self) -> tuple[Rule, ...]:
        return (self.walk.items,)

    def inside(self, read: Reading, start: Place) -> Iterator[Found]:
        for path, whole in read((GROUP,)):
            if path[:1] != (GROUP,):
                yield path, whole
            elif path == (GROUP, self.name):  # the list of rows itself
                yield from ((at[:-1] if at[-1:] == (-1,) else at, whole) for at, _ in self._row((), start))
            else:
                yield from ((at, whole) for at, _ in self._row(path[3 if path[1:2] == (self.name,) else 1 :], start))

    def _row(self, below: Place, start: Place) -> Iterator[Found]:
        """Where a row, or what is below it, stands in the record."""
        return self.walk.items.node.inside(lambda at: [((*at, *below), True)], start)

    def choosing(self, start: Place) -> Iterator[Found]:
        for rule in self.by:
            yield from self.walk.items.node.inside(lambda at, rule=rule: sources(rule, at), start)  # type: ignore[misc]
        yield from self.walk.sources(start)

    def sources(self, start: Place) -> Iterator[Found]:
        return self.choosing(start)

    def words(self, spell: Callable[[Rule], str]) -> str:
        return f"the rows of {self.walk.words(spell)} with the same {', '.join(map(spell, self.by))}"

    # ---------------------------------------------------------------- the careful pass

    def listing(self, careful: CarefulPass, frame: Frame) -> Any:
        found = self.walk.careful(careful, frame, nullable=True)
        if found is None or found is UNSET or found is BAD:
            return found
        groups: dict[Hashable, Placed] = {}
        bad = False
        for at, item in found:
            row = careful.attempt(at, frame.target, item, opened, item)
            key = BAD if row is BAD else self._key(careful, frame.item(row, at))
            bad = bad or key is BAD
            groups.setdefault(key, []).append((at, row))
        if bad:
            return BAD
        result = [self._group(careful, rows, place(self.walk.items, frame.at), frame) for rows in groups.values()]
        return BAD if any(one is BAD for one in result) else result

    def _key(self, careful: CarefulPass, here: Frame) -> Any:
        keys = []
        for rule in self.by:
            value = careful.rule(rule, here)
            keys.append(value if value is BAD else careful.attempt(careful.place(rule, here.at), here.target, value, key_of, value))
        return BAD if any(key is BAD for key in keys) else tuple(keys)

    def _group(self, careful: CarefulPass, rows: Placed, start: Place, frame: Frame) -> Any:
        at, first = rows[0]
        if any(self.name in row for _, row in rows):
            return careful.note(at, frame.target, first, self._taken())
        agreed = [self._agrees(careful, path, rows, frame) for path in self.common]
        if not all(agreed):
            return BAD
        base = (*at, GROUP)
        careful.moved[base] = at
        careful.moved[(*base, self.name)] = start
        careful.moved.update({(*base, self.name, index): at for index, (at, _) in enumerate(rows)})
        return base, {**first, self.name: [row for _, row in rows]}

    @staticmethod
    def _agrees(careful: CarefulPass, path: Path, rows: Placed, frame: Frame) -> bool:
        (start, row), *others = rows
        if not others:
            return True
        first = careful.read(path, frame.within(row, start).leniently())
        if first is BAD:
            return False
        for at, row in others:
            value = careful.read(path, frame.within(row, at).leniently())
            equal = BAD if value is BAD else careful.attempt(path.below(at), frame.target, value, same, first, value)
            if equal is BAD:
                return False
            if not equal:
                careful.note(path.below(at), frame.target, value, _differs(value, first, render(careful.real(path.below(start)))))
                return False
        return True

    def careful(self, careful: CarefulPass, rule: Rule, frame: Frame) -> Any:
        found = self.listing(careful, frame)
        return [value for _, value in found] if isinstance(found, list) else found

    # ---------------------------------------------------------------- the generated code

    def generate(self, make: Generator, scope: Scope, lenient: bool) -> Value:
        items = self.walk.generate(make, scope, lenient)
        result, groups = make.assigned(items.name, missing=items.missing, null=items.null), make.out.name("g")
        with make.out.when(items.present()):
            make.out.line(f"{groups} = {{}}")
            with self.walk.each(make, items.name) as item:
                inner = make.open_scope(item, [read for rule in self.by for read in reads(rule, False)], must_be_object=True)
                keys = [make.rule(rule, inner, False).name for rule in self.by]
                for key in keys:
                    with make.out.block(f"if type({key}) is not str and type({key}) is not int:"):
                        make.out.line(f"{key} = {make.out.constant(key_of, 'key_of')}({key})")
                key = f"({', '.join(keys)},)" if len(keys) > 1 else keys[0]
                make.out.line(f"{groups}.setdefault({key}, []).append({inner.item})")
            group = make.out.constant(self._grouped, "grouped")
            make.out.line(f"{result.name} = [{group}(rows) for rows in {groups}.values()]")
        return result

    def _grouped(self, rows: list[dict[Any, Any]]) -> dict[Any, Any]:
        """The scope of a group. Raises anything for a group that the careful pass has to look at."""
        first = rows[0]
        if any(self.name in row for row in rows):
            raise Misfit(self._taken())
        for path in self.common if len(rows) > 1 else ():
            value = _found(first, path)
            plain = type(value) in _PLAIN
            for row in rows:
                other = _found(row, path)
                if other is not value and not (plain and type(other) is type(value) and other == value) and not same(value, other):
                    raise Misfit(_differs(other, value, str(path)))
        return {**first, self.name: rows}

    def _taken(self) -> str:
        return f"the rows have a field {self.name!r} of their own: give the rows of a group another name with as = …"


def _found(row: Any, path: Path) -> Any:
    """What stands at the path, or UNSET; raises `Misfit` for a list where the path wants an object."""
    for segment in path.segments:
        row = opened_or_empty(row).get(segment, UNSET) if isinstance(segment, str) else item_or_missing(listed_or_empty(row), segment)
    return row


def _differs(value: Any, first: Any, where: str) -> str:
    one, other = ("missing" if each is UNSET else excerpt(each) for each in (value, first))
    return f"is {one}, and {other} at {where}, in the same group: what differs between the rows of a group is read through them"
