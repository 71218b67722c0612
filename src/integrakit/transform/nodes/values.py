"""Values as they are met: what stands at a path, the first of several that is there, and several as a list.

A constant is a value of the mapping: `rules.Constant`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from integrakit.transform.careful import BAD
from integrakit.transform.paths import Path, last_key, render
from integrakit.transform.rules import Node, Place, Rule, place
from integrakit.transform.wording import did_you_mean, spelled
from integrakit.unset import UNSET

if TYPE_CHECKING:
    from integrakit.transform.careful import CarefulPass, Frame
    from integrakit.transform.generating import Generator, Scope, Value
    from integrakit.transform.parsing import Parser, Spot

__all__ = ["SKIPS", "Coalesce", "Gathered", "Read", "parse_coalesce", "parse_list", "read_skip"]

#: What a list may leave out; each leaves out what stands before it too.
SKIPS = ("missing", "null", "empty")

_MOST_NAMED = 8


@frozen
class Read(Node):
    """A path into the record, or into the list item inside ``of`` and ``each``."""

    path: Path

    def reads(self, lenient: bool) -> Iterator[tuple[Path, bool]]:
        yield self.path, lenient

    def sources(self, start: Place) -> Iterator[tuple[Place, bool]]:
        yield self.path.below(start), True

    def place(self, at: Place) -> Place:
        return self.path.below(at)

    def words(self, spell: Callable[[Rule], str]) -> str:
        return str(self.path)

    def careful(self, careful: CarefulPass, rule: Rule, frame: Frame) -> Any:
        return careful.read(self.path, frame)

    def generate(self, make: Generator, scope: Scope, lenient: bool) -> Value:
        # The variable may be written to by later steps, so even the item itself gets one of its own.
        after = last_key(self.path.segments)
        return make.assigned(make.read(scope, self.path, lenient), missing=lenient, doubtful=not lenient, after=after)


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
                result, found = value, careful.place(operand, frame.at)
                if value is not None or found != frame.at:  # a null of the mapping's own stands nowhere
                    careful.took(self, frame.at, found)
            if value is not UNSET and value is not None:
                break
        if result is UNSET and not frame.lenient:
            return careful.note(self.place(frame.at), frame.target, UNSET, f"none of the coalesce operands is there{self._all(careful, frame.at)}")
        return result

    def _all(self, careful: CarefulPass, at: Place) -> str:
        places = [found for operand in self.of if (found := place(operand, at)) != at]
        names = [render(careful.real(found)) for found in dict.fromkeys(places)]
        return f": {', '.join(names[:_MOST_NAMED])}{', …' * (len(names) > _MOST_NAMED)}" if len(names) > 1 else ""

    def generate(self, make: Generator, scope: Scope, lenient: bool) -> Value:
        found = make.rule(self.of[0], scope, True)
        name, missing, null = found.name, found.missing, found.null
        for operand in self.of[1:]:
            absent = [f"{name} is None"] * null + [f"{name} is UNSET"] * missing
            if not absent:
                break
            with make.out.block(f"if {' or '.join(absent)}:"):
                value = make.rule(operand, scope, True)
                with make.out.when(f"{value.name} is not UNSET" * value.missing):
                    make.out.line(f"{name} = {value.name}")
            missing, null = missing and value.missing, value.null or (null and value.missing)
        return make.value(name, missing=missing, null=null)


def parse_coalesce(parser: Parser, tree: dict[str, Any], spot: Spot) -> Node:
    return Coalesce(parser.operands(tree, "coalesce", evolve(spot, sometimes=True)))


@frozen
class Gathered(Node):
    """A list of several values. Needs every operand, but for those that it skips."""

    of: tuple[Rule, ...]
    #: One of `SKIPS`, or empty.
    skip: str
    #: False: the list is only on the way to something else, and its items are no places of the target.
    placed: bool = True

    def operands(self) -> tuple[Rule, ...]:
        return self.of

    def reads(self, lenient: bool) -> Iterator[tuple[Path, bool]]:
        return super().reads(lenient or bool(self.skip))

    def words(self, spell: Callable[[Rule], str]) -> str:
        return f"[{', '.join(map(spell, self.of))}]{f' without {self.skip}' if self.skip else ''}"

    def careful(self, careful: CarefulPass, rule: Rule, frame: Frame) -> Any:
        values, inner = [], frame.leniently() if self.skip else frame
        for index, operand in enumerate(self.of):
            value = careful.rule(operand, evolve(inner, target=(*frame.target, index)) if self.placed else inner)
            if not self._skips(value):
                values.append(value)
        if any(value is BAD for value in values):
            return BAD
        return UNSET if any(value is UNSET for value in values) else values

    def _skips(self, value: Any) -> bool:
        if not self.skip or value is BAD:
            return False
        empty = self.skip == "empty" and isinstance(value, str) and not str.__len__(value)
        return value is UNSET or (value is None and self.skip != "missing") or empty

    def generate(self, make: Generator, scope: Scope, lenient: bool) -> Value:
        if not self.skip:
            values = [make.rule(operand, scope, lenient) for operand in self.of]
            return make.combined(values, lambda result: make.out.line(f"{result} = [{', '.join(value.name for value in values)}]"), number=False)
        result = make.assigned("[]", null=False)
        for operand in self.of:
            value = make.rule(operand, scope, True)
            kept = [f"{value.name} is not UNSET"] * value.missing
            kept += [f"{value.name} is not None"] * (value.null and self.skip != "missing")
            kept += [f"not (isinstance({value.name}, str) and not str.__len__({value.name}))"] * (self.skip == "empty")
            with make.out.when(" and ".join(kept)):
                make.out.line(f"{result.name}.append({value.name})")
        return result


def read_skip(parser: Parser, tree: dict[str, Any], spot: Spot) -> str:
    """The option ``skip`` of a list: one of `SKIPS`, or empty."""
    skip = tree.get("skip", "")
    if "skip" in tree and skip not in SKIPS:
        parser.refuse(spot.at("skip"), f"cannot be {spelled(skip)}{did_you_mean(skip, SKIPS)}")
    return str(skip)


def parse_list(parser: Parser, tree: dict[str, Any], spot: Spot) -> Node:
    return Gathered(parser.operands(tree, "list", spot, whole=True), read_skip(parser, tree, spot))
