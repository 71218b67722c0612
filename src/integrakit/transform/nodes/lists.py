"""One value out of a list: ``sum average min max residue count first last``."""

from __future__ import annotations

import decimal
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import date, time, timedelta
from decimal import Context, Decimal
from functools import reduce
from typing import TYPE_CHECKING, Any

from attrs import frozen

from integrakit.money import Money
from integrakit.transform.careful import BAD
from integrakit.transform.exact import EXACT_DIGITS, number, operations, rounder, shortest_number
from integrakit.transform.misfit import Misfit
from integrakit.transform.nodes.arithmetic import factor, is_ours, numbers
from integrakit.transform.nodes.scales import read_scale
from integrakit.transform.nodes.values import Read
from integrakit.transform.nodes.walking import Walk, parse_inner, parse_walk
from integrakit.transform.ordering import greatest, least
from integrakit.transform.paths import Path
from integrakit.transform.rules import Constant, Found, Node, Place, Rule, place, reads, sources
from integrakit.unset import UNSET

if TYPE_CHECKING:
    from integrakit.transform.careful import CarefulPass, Frame
    from integrakit.transform.generating import Generator, Scope, Value
    from integrakit.transform.parsing import Parser, Spot

__all__ = ["ITSELF", "PICKS", "TOTALS", "Pick", "Total", "parse_pick", "parse_total"]

TOTALS = ("sum", "average", "min", "max", "residue")
PICKS = ("count", "first", "last")

#: What ``of`` is where the mapping does not say.
ITSELF = Rule(node=Read(Path(())))

_NOTHING = {"average": "no average", "min": "no smallest value", "max": "no largest value", "first": "no first item", "last": "no last item"}
# Their result is a Decimal, and finite where the numbers are.
_DECIMAL = ("sum", "average", "residue")


@frozen
class Total(Node):
    """``finish`` makes one value of the values that ``of`` has at the items, after ``take``. Needs every one of them."""

    name: str
    walk: Walk
    of: Rule
    take: Callable[[Any], Any]
    add: Callable[[Any, Any], Any]
    finish: Callable[[list[Any]], Any]
    details: str = ""

    def operands(self) -> tuple[Rule, ...]:
        return (self.walk.items,)

    def sources(self, start: Place) -> Iterator[Found]:
        yield from self.walk.reading(lambda at: sources(self.of, at), start)
        yield from self.walk.sources(start)

    def words(self, spell: Callable[[Rule], str]) -> str:
        return f"{self.name}({self.walk.words(spell)}{_of(self.of, spell)}{self.details})"

    def careful(self, careful: CarefulPass, rule: Rule, frame: Frame) -> Any:
        found = self.walk.careful(careful, frame)
        if found is UNSET or found is BAD:
            return found
        start = place(self.walk.items, frame.at)
        if not found and self.name in _NOTHING:
            return UNSET if frame.lenient else careful.note(start, frame.target, found, f"the list is empty: it has {_NOTHING[self.name]}")
        values = []
        for at, item in found:
            here = frame.item(item, at)
            value = careful.rule(self.of, here)
            values.append(value if value is BAD else careful.attempt(careful.place(self.of, at), frame.target, value, self.take, value))
        if any(value is BAD for value in values):
            return BAD
        return careful.attempt(start, frame.target, found, self.finish, values)

    def generate(self, make: Generator, scope: Scope, lenient: bool) -> Value:
        items = self.walk.generate(make, scope, lenient)
        result = make.result()
        empty = self.name in _NOTHING
        if items.missing:
            make.out.line(f"{result} = UNSET")
        with make.out.when(f"{items.name} is not UNSET" if items.missing else ""):
            if self.name == "sum":
                self._adding(make, items.name, result)
            else:
                self._gathering(make, items.name, result, empty)
        decimals = self.name in _DECIMAL
        value = make.value(result, missing=items.missing or empty, null=False, number=decimals)
        return make.finite(value) if decimals else value

    def _adding(self, make: Generator, items: str, result: str) -> None:
        make.out.line(f"{result} = ZERO")
        plain = self.walk.where is None and not self.walk.sort and is_ours(self.of)
        with make.exactly() if plain else nullcontext(), self.walk.each(make, items) as item:
            scope = make.open_scope(item, reads(self.of, False))
            if plain:
                make.out.line(f"{result} = {result} + {factor(make, self.of, scope, self.take, first=False)}")
            else:
                make.out.line(f"{result} = {make.out.constant(self.add, 'add')}({result}, {numbers(make, self.of, scope, False, self.take).name})")

    def _gathering(self, make: Generator, items: str, result: str, empty: bool) -> None:
        values = make.out.name("l")
        make.out.line(f"{values} = []")
        with self.walk.each(make, items) as item:
            scope = make.open_scope(item, reads(self.of, False))
            if self.name in _DECIMAL:
                value = numbers(make, self.of, scope, False, self.take).name
            else:
                value = make.rule(self.of, scope, False).name
                with make.out.block(f"if type({value}) is not int and type({value}) is not Decimal:"):
                    make.out.line(f"{value} = {make.out.constant(self.take, 'take')}({value})")
            make.out.line(f"{values}.append({value})")
        call = f"{make.out.constant(self.finish, self.name)}({values})"
        make.out.line(f"{result} = {call} if {values} else UNSET" if empty else f"{result} = {call}")


@frozen
class Pick(Node):
    """The number of items, or one of them: ``of`` it, which is the item itself unless the mapping says otherwise."""

    name: str
    walk: Walk
    of: Rule

    def operands(self) -> tuple[Rule, ...]:
        return (self.walk.items,)

    def sources(self, start: Place) -> Iterator[Found]:
        if self.name == "count":
            yield from ((path, False) for path, _ in self.walk.items.node.sources(start))
        else:
            yield from self.walk.reading(lambda at: sources(self.of, at), start)
        yield from self.walk.sources(start)

    def words(self, spell: Callable[[Rule], str]) -> str:
        return f"{self.name}({self.walk.words(spell)}{_of(self.of, spell)})"

    def careful(self, careful: CarefulPass, rule: Rule, frame: Frame) -> Any:
        found = self.walk.careful(careful, frame)
        if found is UNSET or found is BAD:
            return found
        if self.name == "count":
            return len(found)
        if not found:
            start = place(self.walk.items, frame.at)
            return UNSET if frame.lenient else careful.note(start, frame.target, found, f"the list is empty: it has {_NOTHING[self.name]}")
        at, item = found[0 if self.name == "first" else -1]
        value = careful.rule(self.of, frame.within(item, at))
        careful.took(self, frame.at, careful.place(self.of, at))
        return value

    def generate(self, make: Generator, scope: Scope, lenient: bool) -> Value:
        items = self.walk.generate(make, scope, lenient)
        result, null = make.result(), False
        if items.missing or self.name != "count":
            make.out.line(f"{result} = UNSET")
        with make.out.when(f"{items.name} is not UNSET" if items.missing else ""):
            kept = self.walk.kept(make, items.name)
            if self.name == "count":
                make.out.line(f"{result} = len({kept})")
                return make.value(result, missing=items.missing, null=False)
            with make.out.block(f"if {kept}:"):
                item = make.out.name("i")
                make.out.line(f"{item} = {kept}[{0 if self.name == 'first' else -1}]")
                value = make.rule(self.of, make.open_scope(item, reads(self.of, lenient)), lenient)
                make.out.line(f"{result} = {value.name}")
                null = value.null
        return make.value(result, missing=True, null=null)


def _of(of: Rule, spell: Callable[[Rule], str]) -> str:
    return "" if of == ITSELF else f" of {spell(of)}"


# ---------------------------------------------------------------- what becomes of the values


def _summing(add: Callable[[Any, Any], Any]) -> Callable[[list[Any]], Decimal]:
    return lambda values: reduce(add, values, Decimal(0))


def _averaging(add: Callable[[Any, Any], Any], divide: Callable[[Any, Any], Any]) -> Callable[[list[Any]], Decimal]:
    exact = Context(prec=EXACT_DIGITS, traps=[decimal.InvalidOperation, decimal.DivisionByZero, decimal.Overflow, decimal.Inexact])

    def average(values: list[Any]) -> Decimal:
        total = reduce(add, values, Decimal(0))
        try:
            return exact.divide(total, len(values))
        except decimal.Inexact:
            return divide(total, len(values))  # type: ignore[no-any-return]

    return average


def _residue(add: Callable[[Any, Any], Any], subtract: Callable[[Any, Any], Any], scale: int, rounding: str) -> Callable[[list[Any]], Decimal]:
    quantize, unit = rounder(scale, rounding)

    def residue(values: list[Any]) -> Decimal:
        once = quantize(reduce(add, values, Decimal(0)), unit)
        each = reduce(add, (quantize(Decimal(value), unit) for value in values), Decimal(0))
        return subtract(once, each)  # type: ignore[no-any-return]

    return residue


def _comparing(take: Callable[[Any], Any], converted: bool) -> Callable[[Any], Any]:
    """What ``min`` and ``max`` compare: what ``to`` made of the value; without it, a date as it is, and everything else as a number."""

    def comparable(value: Any) -> Any:
        if converted or isinstance(value, date | time | timedelta | Money):
            return value
        try:
            return take(value)
        except Misfit as problem:
            hint = ': say to = "date" (or "datetime", "str") in of, unless numbers are meant' if isinstance(value, str) else ""
            raise Misfit(f"{problem}{hint}") from problem

    return comparable


def parse_total(name: str) -> Callable[[Parser, dict[str, Any], Spot], Node]:
    def parse(parser: Parser, tree: dict[str, Any], spot: Spot) -> Node:
        take: Callable[[Any], Any] = shortest_number if spot.shortest else number
        walk = parse_walk(parser, tree, name, spot)
        of = parse_inner(parser, tree["of"], spot, "of") if "of" in tree else ITSELF
        known, details = operations(), ""
        if name == "residue":
            scale, rounding = read_scale(parser, tree, spot, name)
            finish, details = _residue(known["add"], known["subtract"], scale, rounding), f" at {scale} digits, {rounding}"
        elif name in ("min", "max"):
            take, finish = _comparing(take, of.conversion is not None), least if name == "min" else greatest
        else:
            finish = _summing(known["add"]) if name == "sum" else _averaging(known["add"], known["divide"])
        if isinstance(of.node, Constant) and of.plain:
            try:
                take(of.node.value)
            except Misfit as problem:
                parser.refuse(spot.at("of"), f"cannot be an operand of {name}: {problem}", problem)
        return Total(name, walk, of, take, known["add"], finish, details)

    return parse


def parse_pick(name: str) -> Callable[[Parser, dict[str, Any], Spot], Node]:
    def parse(parser: Parser, tree: dict[str, Any], spot: Spot) -> Node:
        of = parse_inner(parser, tree["of"], spot, "of") if "of" in tree else ITSELF
        return Pick(name, parse_walk(parser, tree, name, spot), of)

    return parse
