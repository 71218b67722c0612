"""Text out of operands, ``concat`` and ``join``, and parts out of a text, ``split``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from attrs import frozen

from integrakit.transform.careful import BAD
from integrakit.transform.containers import item_or_missing
from integrakit.transform.conversions import convert_text
from integrakit.transform.misfit import Misfit, article, excerpt
from integrakit.transform.nodes.arithmetic import prepared
from integrakit.transform.nodes.values import Gathered, read_skip
from integrakit.transform.rules import Node, Rule
from integrakit.transform.wording import spelled
from integrakit.unset import UNSET

if TYPE_CHECKING:
    from integrakit.transform.careful import CarefulPass, Frame
    from integrakit.transform.generating import Generator, Scope, Value
    from integrakit.transform.parsing import Parser, Spot

__all__ = ["Concat", "Join", "Split", "parse_concat", "parse_join", "parse_split"]

#: A megabyte of commas must not become a list of a million texts.
_MOST_PARTS = 100_000

# Up to this many, adding texts is faster than joining them.
_FEW = 4


@frozen
class Concat(Node):
    """Text after text; ``take`` makes text of numbers, bools and dates. Needs every operand."""

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
        names = [value.name for value in values]
        joined = " + ".join(names) if len(names) <= _FEW else f"''.join(({', '.join(names)}))"
        return make.combined(values, lambda result: make.out.line(f"{result} = {joined}"), number=False)


@frozen
class Join(Node):
    """The items of a list as one text. A null stays null."""

    items: Rule
    by: str
    skip: str
    take: Callable[[Any], Any]

    def operands(self) -> tuple[Rule, ...]:
        return (self.items,)

    def words(self, spell: Callable[[Rule], str]) -> str:
        return f"join({spell(self.items)} by {spelled(self.by)}{f' without {self.skip}' if self.skip else ''})"

    def text(self, value: Any) -> str | None:
        """The text of an item, None where it is skipped."""
        if self.skip and (value is UNSET or (value is None and self.skip != "missing")):
            return None
        text: str = self.take(value)
        return None if self.skip == "empty" and not text else text

    def joined(self, items: Any) -> str:
        """The text of the whole list."""
        return self.by.join([text for item in items if (text := self.text(item)) is not None])

    def careful(self, careful: CarefulPass, rule: Rule, frame: Frame) -> Any:
        items = careful.items(self.items, frame, nullable=True)
        if items is None or items is UNSET or items is BAD:
            return items
        start, node = careful.place(self.items, frame.at), self.items.node
        places = [(*start, index) for index in range(len(items))]
        if isinstance(node, Gathered) and len(items) == len(node.of):
            places = [careful.place(operand, frame.at) for operand in node.of]
        texts = [careful.attempt(at, frame.target, item, self.text, item) for at, item in zip(places, items, strict=True)]
        return BAD if any(text is BAD for text in texts) else self.by.join([text for text in texts if text is not None])

    def generate(self, make: Generator, scope: Scope, lenient: bool) -> Value:
        items = make.rule(self.items, scope, lenient)
        result = make.assigned(items.name, missing=items.missing, null=items.null)
        with make.out.when(items.present()):
            make.out.line(f"{result.name} = {make.out.constant(self.joined, 'join')}(listed({items.name}))")
        return result


@frozen
class Split(Node):
    """The parts of a text, or one of them. An empty text has no parts. A null stays null."""

    of: Rule
    #: None: at blanks, however many.
    by: str | None
    index: int | None
    parts: int
    strip: bool
    skip: bool

    def operands(self) -> tuple[Rule, ...]:
        return (self.of,)

    def words(self, spell: Callable[[Rule], str]) -> str:
        by = "at blanks" if self.by is None else f"by {spelled(self.by)}"
        return f"split({spell(self.of)} {by}){'' if self.index is None else f'[{self.index}]'}"

    def split(self, value: Any) -> list[str]:
        """All the parts."""
        if not isinstance(value, str):
            raise Misfit(f"{excerpt(value)} is {article(value)}, and split works on text")
        text = str.__str__(value)
        most = self.parts - 1 if self.parts else _MOST_PARTS
        found = text.split(self.by, most) if text else []
        if len(found) > _MOST_PARTS:
            raise Misfit(f"{excerpt(value)} has more than {_MOST_PARTS:,} parts")
        if self.strip:
            found = [part.strip() for part in found]
        return [part for part in found if part] if self.skip else found

    def careful(self, careful: CarefulPass, rule: Rule, frame: Frame) -> Any:
        value = careful.rule(self.of, frame)
        if value is None or value is UNSET or value is BAD:
            return value
        at = careful.place(self.of, frame.at)
        parts = careful.attempt(at, frame.target, value, self.split, value)
        if parts is BAD or self.index is None:
            return parts
        part = item_or_missing(parts, self.index)
        if part is UNSET and not frame.lenient:
            return careful.note(
                at, frame.target, value, f"{excerpt(value)} has {len(parts)} part{'s' * (len(parts) != 1)}, and none at [{self.index}]"
            )
        return part

    def generate(self, make: Generator, scope: Scope, lenient: bool) -> Value:
        value = make.rule(self.of, scope, lenient)
        result = make.assigned(value.name, missing=value.missing, null=value.null)
        with make.out.when(value.present()):
            call = f"{make.out.constant(self.split, 'split')}({value.name})"
            make.out.line(f"{result.name} = {call if self.index is None else f'item_or_missing({call}, {self.index})'}")
        return make.value(result.name, missing=value.missing or self.index is not None, null=value.null)


def parse_concat(parser: Parser, tree: dict[str, Any], spot: Spot) -> Node:
    take = convert_text(spot.shortest)
    return Concat(parser.operands(tree, "concat", spot, take=take), take)


def parse_join(parser: Parser, tree: dict[str, Any], spot: Spot) -> Node:
    skip = read_skip(parser, tree, spot)
    if isinstance(tree["join"], list):
        items = Rule(node=Gathered(parser.operands(tree, "join", spot), "missing" if skip else "", placed=False))
    else:
        items = parser.items(tree, "join", spot)
    if not isinstance(tree.get("by"), str):
        parser.refuse(spot, 'join needs by: the text between the items, such as by = ", "')
    return Join(items, tree["by"], skip, convert_text(spot.shortest))


def parse_split(parser: Parser, tree: dict[str, Any], spot: Spot) -> Node:
    of = parser.rule(tree["split"], spot.inside("split"))
    by, index, parts, skip = tree.get("by"), tree.get("index"), tree.get("parts", 0), tree.get("skip", "")
    if "by" in tree and (not isinstance(by, str) or not by):
        parser.refuse(spot.at("by"), f"is the text between the parts, not {spelled(by)}; without by the text is split at blanks")
    if "index" in tree and (isinstance(index, bool) or not isinstance(index, int)):
        parser.refuse(spot.at("index"), f"is the number of a part, from 0, or -1 for the last, not {spelled(index)}")
    if "parts" in tree and (isinstance(parts, bool) or not isinstance(parts, int) or not 2 <= parts <= _MOST_PARTS):
        parser.refuse(spot.at("parts"), f"is the greatest number of parts, 2 to {_MOST_PARTS}, not {spelled(parts)}")
    if skip not in ("", "empty") or ("skip" in tree and not skip):
        parser.refuse(spot.at("skip"), f'of split is "empty", which leaves out empty parts, not {spelled(skip)}')
    return Split(of, by, index, parts, parser.flag(spot, tree, "strip", False), bool(skip))
