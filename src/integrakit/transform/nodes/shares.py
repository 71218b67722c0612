"""What a list works out for each of its items, to be read in the item's own fields: its ``share`` of an amount, and its ``position``.

A list with such fields (`objects.Each`) takes a turn with each item; the nodes here look up whose turn it is. How an amount is shared out is the
business of `money`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

from attrs import Factory, define, evolve, frozen

from integrakit.model import FieldError
from integrakit.money import Money
from integrakit.transform.careful import BAD
from integrakit.transform.conversions.money import to_parts
from integrakit.transform.exact import number, shortest_number
from integrakit.transform.misfit import Misfit, excerpt
from integrakit.transform.nodes.scales import read_scale
from integrakit.transform.nodes.walking import Placed, parse_inner
from integrakit.transform.rules import Constant, Found, Node, Place, Rule, reads, sources
from integrakit.transform.wording import spelled
from integrakit.unset import UNSET

if TYPE_CHECKING:
    from integrakit.transform.careful import CarefulPass, Frame
    from integrakit.transform.generating import Generator, Scope, Value
    from integrakit.transform.parsing import Parser, Spot

__all__ = ["AROUND", "Numbered", "Position", "Share", "Turn", "parse_position", "parse_share"]

#: A key that no record has: where the list itself stands, as the start of a place that a `Share` reads from.
AROUND = "\0around"

_EQUAL = Rule(node=Constant(1))


@define
class Turn:
    """A list on its way through its items, in the careful pass."""

    items: Placed
    #: Where the list is read.
    frame: Frame
    #: The place of the list.
    at: Place = ()
    index: int = 0
    #: What a share, by the id of its node, came to; and the first error where it is bad.
    parts: dict[int, tuple[Any, list[FieldError]]] = Factory(dict)


@frozen
class Position(Node):
    """The number of the item in its list, after ``where`` and ``sort``."""

    first: int

    def words(self, spell: Callable[[Rule], str]) -> str:
        return f"its position, counted from {self.first}"

    def careful(self, careful: CarefulPass, rule: Rule, frame: Frame) -> Any:
        return careful.turns[id(self)].index + self.first

    def generate(self, make: Generator, scope: Scope, lenient: bool) -> Value:
        counter, _ = make.turns[id(self)]
        return make.assigned(f"{counter} + {self.first}", null=False)

    def around(self) -> tuple[Rule, ...]:
        """The rules that are read where the list stands."""
        return ()

    def begin(self, make: Generator, scope: Scope, items: str) -> str:
        """Writes what has to be worked out before the first item; the variable it is in."""
        return ""

    def unclaimed(self, careful: CarefulPass, turn: Turn) -> None:
        """The list is empty."""


@frozen
class Share(Node):
    """A part of ``amount``, which is read around the list, in proportion to ``by`` among the items. The parts add up to it."""

    amount: Rule
    by: Rule
    #: None: the amount is money in any case, and has digits of its own.
    scale: int | None
    take: Callable[[Any], Any]

    def sources(self, start: Place) -> Iterator[Found]:
        yield from sources(self.amount, (AROUND,))
        yield from sources(self.by, start)

    def words(self, spell: Callable[[Rule], str]) -> str:
        by = "equal" if self.by == _EQUAL else f"by {spell(self.by)}"
        return f"its share of {spell(self.amount)}, {by}" + ("" if self.scale is None else f", at {self.scale} digits")

    def around(self) -> tuple[Rule, ...]:
        return (self.amount,)

    # ---------------------------------------------------------------- the careful pass

    def careful(self, careful: CarefulPass, rule: Rule, frame: Frame) -> Any:
        turn = careful.turns[id(self)]
        if id(self) not in turn.parts:
            count = len(careful.errors)
            parts = self._parts(careful, turn, evolve(turn.frame, target=frame.target, lenient=frame.lenient))
            turn.parts[id(self)] = parts, careful.errors[count : count + 1]
        elif turn.parts[id(self)][0] is BAD:
            # Noted with the first item, and again only where that made the field null.
            careful.note_again(turn.parts[id(self)][1])
        parts, _ = turn.parts[id(self)]
        return parts if parts is UNSET or parts is BAD else parts[turn.index]

    def _parts(self, careful: CarefulPass, turn: Turn, frame: Frame) -> Any:
        amount = careful.rule(self.amount, frame)
        if amount is UNSET or amount is BAD:
            return amount
        weights = []
        for at, item in turn.items:
            here = frame.item(item, at)
            value = careful.rule(self.by, here)
            weights.append(value if value is BAD else careful.attempt(careful.place(self.by, at), frame.target, value, self._weight, value))
        if any(weight is BAD for weight in weights):
            return BAD
        if not weights:
            return careful.attempt(turn.at, frame.target, turn.items, self.deal, amount, weights)
        return careful.attempt(careful.place(self.amount, frame.at), frame.target, amount, self.deal, amount, weights)

    def unclaimed(self, careful: CarefulPass, turn: Turn) -> None:
        """Notes an amount that no item of an empty list can carry."""
        self._parts(careful, turn, turn.frame.leniently())

    # ---------------------------------------------------------------- the generated code

    def begin(self, make: Generator, scope: Scope, items: str) -> str:
        amount = make.rule(self.amount, scope, True)
        parts = make.assigned("UNSET").name
        with make.out.when(f"{amount.name} is not UNSET" if amount.missing else ""):
            weights, item = make.out.name("l"), make.out.name("i")
            make.out.line(f"{weights} = []")
            with make.out.block(f"for {item} in {items}:"):
                value = make.rule(self.by, make.open_scope(item, reads(self.by, False)), False)
                make.out.line(f"{weights}.append({value.name})")
            make.out.line(f"{parts} = {make.out.constant(self.deal, 'deal')}({amount.name}, {weights})")
        return parts

    def generate(self, make: Generator, scope: Scope, lenient: bool) -> Value:
        counter, parts = make.turns[id(self)]
        return make.assigned(f"UNSET if {parts} is UNSET else {parts}[{counter}]", missing=True, null=False)

    # ---------------------------------------------------------------- both

    def _weight(self, value: Any) -> Any:
        return value.amount if isinstance(value, Money) else self.take(value)

    def deal(self, amount: Any, weights: list[Any]) -> list[Any]:
        """The parts, one for each weight. Raises `Misfit`."""
        whole = amount if isinstance(amount, Money) else Decimal(self.take(amount))
        weights = [self._weight(weight) for weight in weights]
        if not weights:
            if whole:
                raise Misfit(f"{_said(whole)} cannot be shared out: the list is empty, and nothing would carry it")
            return []
        if not whole:
            return to_parts(whole, [1] * len(weights), scale=self.scale or 0)
        if not any(weights):
            raise Misfit(f"{_said(whole)} cannot be shared out: every weight is 0 (without by all items get the same)")
        if any(weight > 0 for weight in weights) and any(weight < 0 for weight in weights):
            raise Misfit(f"{_said(whole)} cannot be shared out: some weights are above zero, and some below")
        # A credit note has negative lines throughout: they carry in proportion all the same.
        return to_parts(whole, [abs(weight) for weight in weights], scale=self.scale or 0)


#: What `objects.Each` takes turns with.
Numbered: TypeAlias = Position | Share


def _said(whole: Decimal | Money) -> str:
    return excerpt(whole.amount) if isinstance(whole, Money) else excerpt(whole)


def _claim(parser: Parser, spot: Spot, name: str, node: Numbered) -> Node:
    if spot.numbered is None:
        parser.refuse(spot, f"{name} belongs into the fields of a list: those of each, flatten or group")
    spot.numbered.append(node)
    return node


def parse_share(parser: Parser, tree: dict[str, Any], spot: Spot) -> Node:
    if "when" in tree:
        parser.refuse(spot, "share takes no when: the part of an item that gets nothing would be lost. Make its weight 0, or leave it out with where")
    if spot.sometimes:
        parser.refuse(
            spot,
            "share cannot stand in coalesce, cases, otherwise, or a rule with when, default or optional: the part of an item that gets another value "
            "would be lost. "
            "Make its weight 0, or leave it out with where",
        )
    amount = parse_inner(parser, tree["share"], spot, "share")
    scale: int | None = None
    # Money is shared in its own smallest unit.
    if "scale" in tree or amount.conversion is None or amount.conversion.gives != "money":
        scale, _ = read_scale(parser, tree, spot, "share", ' (an amount with to = "money" needs none)')
    by = parse_inner(parser, tree["by"], spot, "by") if "by" in tree else _EQUAL
    return _claim(parser, spot, "share", Share(amount, by, scale, shortest_number if spot.shortest else number))


def parse_position(parser: Parser, tree: dict[str, Any], spot: Spot) -> Node:
    first = tree["position"]
    if isinstance(first, bool) or not isinstance(first, int) or abs(first) > 10**9:
        parser.refuse(spot, f"position is the number of the first item, such as 1, not {spelled(first)}")
    return _claim(parser, spot, "position", Position(first))
