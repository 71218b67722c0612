"""The grammar of a rule as one table: the kinds there are, what may stand beside each, and who parses it. An editor's schema is made from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from attrs import frozen

from integrakit.transform.nodes.arithmetic import ARITHMETIC, parse_arithmetic
from integrakit.transform.nodes.lists import AGGREGATES, parse_aggregate
from integrakit.transform.nodes.objects import parse_each, parse_fields, parse_from
from integrakit.transform.nodes.text import parse_concat
from integrakit.transform.nodes.values import parse_coalesce
from integrakit.transform.options import CONVERSION_OPTIONS
from integrakit.transform.rules import Constant, Node

if TYPE_CHECKING:
    from integrakit.transform.parsing import Parser, Spot

__all__ = ["ALL", "ENDS", "HEADINGS", "KINDS", "STEPS", "Kind", "kind_of"]

#: The entries of a whole mapping.
HEADINGS = ("$schema", "source", "target", "on_error", "fields", "lookups", "tables")
#: What is done with a value once it is there.
STEPS = ("apply", "lookup", "at", "otherwise", "to", *CONVERSION_OPTIONS)
#: What stands in where nothing came.
ENDS = ("default", "nullable", "optional", "on_error")


@frozen(kw_only=True)
class Kind:
    """One kind of rule: its name is the key by which it is known."""

    name: str
    #: For people, and for the hover help of an editor.
    meaning: str
    parse: Callable[[Parser, dict[str, Any], Spot], Node]
    #: Its own options beside its name.
    options: tuple[str, ...] = ()
    steps: bool = True
    ends: bool = True
    #: True: makes a whole field, and is no operand.
    whole: bool = False
    #: True: ``float = "shortest"`` has a meaning without ``to``.
    numeric: bool = False

    def allowed(self, tree: Mapping[str, Any]) -> tuple[str, ...]:
        """What may stand in this rule."""
        objects = "fields" in tree and self.name != "fields"
        steps = () if objects or not self.steps else STEPS
        # What is always there needs nothing to stand in for it, unless its condition may fail.
        ends = ENDS if self.ends else ("default",) if "when" in tree else ()
        return (self.name, "when", *self.options, *steps, *ends)


def _constant(parser: Parser, tree: dict[str, Any], spot: Spot) -> Node:
    return Constant(tree["value"])


_MEANINGS = {
    "add": "The exact sum of two or more operands.",
    "subtract": "The first operand less the others.",
    "multiply": "The exact product of two or more operands.",
    "divide": "The first operand divided by the others, to 50 digits.",
    "sum": "The exact sum over a list.",
    "count": "The number of items of a list.",
    "first": "The first item of a list, or `of` it.",
    "last": "The last item of a list, or `of` it.",
}

_ALL_KINDS = (
    Kind(name="from", meaning="What stands at a path.", parse=parse_from, options=("fields",)),
    Kind(name="value", meaning="A constant.", parse=_constant, options=("to", *CONVERSION_OPTIONS), steps=False, ends=False),
    Kind(name="each", meaning="A list of objects, one for each item.", parse=parse_each, options=("fields",), steps=False, whole=True),
    Kind(name="fields", meaning="An object.", parse=parse_fields, steps=False, ends=False, whole=True),
    *(Kind(name=name, meaning=_MEANINGS[name], parse=parse_arithmetic(name), numeric=True) for name in ARITHMETIC),
    *(
        Kind(name=name, meaning=_MEANINGS[name], parse=parse_aggregate(name), options=() if name == "count" else ("of",), numeric=True)
        for name in AGGREGATES
    ),
    Kind(name="concat", meaning="Text after text.", parse=parse_concat, numeric=True),
    Kind(name="coalesce", meaning="The first operand that is neither missing nor null.", parse=parse_coalesce, numeric=True),
)

KINDS: Mapping[str, Kind] = {kind.name: kind for kind in _ALL_KINDS}

#: Every key that a rule may have.
ALL: tuple[str, ...] = tuple(dict.fromkeys([*KINDS, "when", *(option for kind in _ALL_KINDS for option in kind.options), *STEPS, *ENDS]))


def kind_of(tree: Mapping[str, Any]) -> list[Kind]:
    """The kinds a rule could be: one, if it is right. ``fields`` beside a kind that takes it is that one's option."""
    found = [kind for name, kind in KINDS.items() if name in tree]
    if len(found) != 2:
        return found
    return [kind for kind in found if not any(kind.name in other.options for other in found)]
