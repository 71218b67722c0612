"""A mapping as rows, one for each field of the target at any depth: where it comes from, by which rule, of which type. What page, picture and lineage
are made of.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TypeAlias

from attrs import evolve, frozen

from integrakit.transform.documenting.kinds import gives
from integrakit.transform.documenting.words import field_words, part_words
from integrakit.transform.nodes.conditions import Cases
from integrakit.transform.nodes.objects import Each
from integrakit.transform.nodes.values import Gathered, Read
from integrakit.transform.paths import parse_path, render
from integrakit.transform.rules import Field, Found, Node, Place, Reading, Rule, sources

__all__ = ["FieldRow", "pattern", "read_pattern", "rows", "shown"]

_Trace: TypeAlias = Callable[[Reading], Iterable[Found]]

# A bracket outside of quotes: with nothing in it, or the -1 that stands for any item.
_BRACKETS = re.compile(r"(\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')|\[\s*(?:-1\s*)?\]", re.DOTALL)


@frozen(kw_only=True)
class FieldRow:
    """One field of the target. Places have -1 for any item of a list."""

    place: Place
    #: "object" or "list" where the fields inside it have rows of their own, else empty.
    holds: str
    type: str
    #: Where its value is read.
    origins: tuple[Place, ...]
    #: What is read to say whether, and which of, these values count: conditions, sorting, keys of groups.
    deciding: tuple[Place, ...]
    #: The same of the lists and objects around it.
    around: tuple[Place, ...]
    #: Those of its origins of which only the number of items is read.
    counted: tuple[Place, ...]
    #: True: what stands at the origin is handed on whole, with all that is inside.
    copied: bool
    rule: str
    doc: str

    @property
    def field(self) -> str:
        """The target field: ``total``, ``lines[].sku``."""
        return shown(self.place)

    @property
    def sources(self) -> tuple[str, ...]:
        """The source fields that its rule reads."""
        return tuple(dict.fromkeys(shown(place) for place in (*self.origins, *self.deciding)))


def shown(place: Place) -> str:
    """A place as text, with ``[]`` for any item of a list."""
    return _BRACKETS.sub(lambda found: found[1] or "[]", render(place))


def read_pattern(text: str) -> Place:
    """The place that `shown` writes so; any number in brackets is any item. Raises ValueError."""
    return pattern(parse_path(_BRACKETS.sub(lambda found: found[1] or "[-1]", text)).segments)


def pattern(place: Place) -> Place:
    """The place with -1 for every number: ``lines[0]`` is one of ``lines[]``."""
    return tuple(-1 if isinstance(segment, int) else segment for segment in place)


def rows(fields: tuple[Field, ...], *, say_null: bool = True) -> Iterator[FieldRow]:
    """Every field, each before those inside it. ``say_null``: see `field_words`."""
    return _rows(fields, (), lambda read: read(()), (), say_null)


def _rows(fields: tuple[Field, ...], target: Place, trace: _Trace, around: tuple[Place, ...], say_null: bool) -> Iterator[FieldRow]:
    """``trace``: from what is read at the place where the fields stand to what is read of the record."""
    for field in fields:
        row = _row(field.rule, (*target, field.name), trace, around)
        yield evolve(row, rule=field_words(field, say_null=say_null), doc=field.doc)
        yield from _inside(field.rule, row, trace, say_null)


def _row(rule: Rule, place: Place, trace: _Trace, around: tuple[Place, ...]) -> FieldRow:
    node = rule.node
    unless = rule.when.paths() if rule.when is not None else ()
    reading = [partial(sources, outer) for outer in node.operands()] if node.members() else [partial(sources, evolve(rule, when=None))]
    found = [one for read in reading for one in trace(read)]
    origins, whole = tuple(dict.fromkeys(path for path, _ in found)), {path for path, all in found if all}
    deciding = _places(trace, lambda start: [(path.below(start), True) for path in unless], *_choosing(node))
    return FieldRow(
        place=place,
        holds=_holds(rule),
        type=gives(rule),
        origins=origins,
        deciding=tuple(path for path in deciding if path not in origins),
        around=around,
        counted=tuple(path for path in origins if path not in whole),
        copied=isinstance(node, Read) and rule.lookup is None and rule.conversion is None and not rule.apply,
        rule="",
        doc="",
    )


def _inside(rule: Rule, row: FieldRow, trace: _Trace, say_null: bool) -> Iterator[FieldRow]:
    node, around = rule.node, tuple(dict.fromkeys((*row.around, *row.deciding)))
    if node.members():
        below = (*row.place, -1) if node.many else row.place
        yield from _rows(node.members(), below, partial(_below, trace, node), around, say_null)
    elif isinstance(node, Cases):
        whens = [case.when.paths() for case in node.of if case.when is not None]
        decided = _places(trace, *(lambda start, paths=paths: [(path.below(start), True) for path in paths] for paths in whens))
        for case in node.of:
            part = evolve(_row(case, row.place, trace, tuple(dict.fromkeys((*around, *decided)))), rule=part_words(case))
            yield from _inside(case, part, trace, say_null)
    elif isinstance(node, Gathered) and node.placed:
        for index, operand in enumerate(node.of):
            part = evolve(_row(operand, (*row.place, index), trace, around), rule=part_words(operand))
            if part.holds:
                yield part
                yield from _inside(operand, part, trace, say_null)


def _holds(rule: Rule) -> str:
    if rule.node.members():
        return "list" if rule.node.many else "object"
    if isinstance(rule.node, Cases) and rule.plain:
        held = {_holds(case) for case in rule.node.of}
        return held.pop() if len(held) == 1 else ""
    return ""


def _choosing(node: Node) -> Iterator[Reading]:
    if isinstance(node, Each):
        yield node.walk.sources


def _places(trace: _Trace, *readings: Reading) -> tuple[Place, ...]:
    return tuple(dict.fromkeys(path for read in readings for path, _ in trace(read)))


def _below(trace: _Trace, node: Node, read: Reading) -> Iterable[Found]:
    return trace(partial(node.inside, read))
