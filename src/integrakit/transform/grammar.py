"""The grammar of a rule as one table: the kinds there are, what may stand beside each, and who parses it. An editor's schema is made from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from attrs import frozen

from integrakit.transform.nodes.arithmetic import ARITHMETIC, parse_arithmetic
from integrakit.transform.nodes.calls import parse_call
from integrakit.transform.nodes.collecting import parse_values
from integrakit.transform.nodes.conditions import parse_cases
from integrakit.transform.nodes.lists import PICKS, TOTALS, parse_pick, parse_total
from integrakit.transform.nodes.objects import parse_each, parse_fields, parse_flattened, parse_from, parse_group
from integrakit.transform.nodes.queries import parse_jmespath
from integrakit.transform.nodes.shares import parse_position, parse_share
from integrakit.transform.nodes.text import parse_concat, parse_join, parse_split
from integrakit.transform.nodes.values import parse_coalesce, parse_list
from integrakit.transform.nodes.walking import SORTED, WALKED
from integrakit.transform.options import CONVERSION_OPTIONS
from integrakit.transform.rules import Constant, Node

if TYPE_CHECKING:
    from integrakit.transform.parsing import Parser, Spot

__all__ = ["ALL", "ENDS", "HEADINGS", "KINDS", "NOTES", "STEPS", "Kind", "kind_of"]

#: The entries of a whole mapping.
HEADINGS = ("$schema", "source", "target", "doc", "on_error", "fields", "lookups", "tables")
#: What is done with a value once it is there.
STEPS = ("apply", "lookup", "column", "at", "otherwise", "to", *CONVERSION_OPTIONS)
#: What stands in where nothing came.
ENDS = ("default", "nullable", "optional", "on_error", "back")
#: What is for people, and changes nothing.
NOTES = ("doc",)


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
        return (self.name, "when", *self.options, *steps, *ends, *NOTES)


def _constant(parser: Parser, tree: dict[str, Any], spot: Spot) -> Node:
    return Constant(tree["value"])


_MEANINGS = {
    "add": "The exact sum of two or more operands.",
    "subtract": "The first operand less the others.",
    "multiply": "The exact product of two or more operands.",
    "divide": "The first operand divided by the others, to 50 digits.",
    "sum": "The exact sum over a list.",
    "count": "The number of items of a list.",
    "average": "The average over a list: exact where it can be, else to 50 digits.",
    "min": "The smallest value over a list.",
    "max": "The largest value over a list.",
    "residue": "The sum over a list rounded once, less the sum of the values rounded each.",
    "first": "The first item of a list, or `of` it.",
    "last": "The last item of a list, or `of` it.",
}

_ALL_KINDS = (
    Kind(name="from", meaning="What stands at a path.", parse=parse_from, options=("fields",)),
    Kind(name="value", meaning="A constant.", parse=_constant, options=("to", *CONVERSION_OPTIONS), steps=False, ends=False),
    Kind(name="each", meaning="A list of objects, one for each item.", parse=parse_each, options=("fields", *SORTED), steps=False, whole=True),
    Kind(
        name="group",
        meaning="A list of objects, one for each group of rows with the same key.",
        parse=parse_group,
        options=("by", "as", "fields", *SORTED),
        steps=False,
        whole=True,
    ),
    Kind(
        name="flatten",
        meaning="The items of lists inside the items of a list, or an object for each.",
        parse=parse_flattened,
        options=("as", "keep_empty", "fields", *SORTED),
    ),
    Kind(name="values", meaning="A list of plain values, one for each item.", parse=parse_values, options=("of", "distinct", *SORTED)),
    Kind(name="fields", meaning="An object.", parse=parse_fields, steps=False, ends=False, whole=True),
    *(Kind(name=name, meaning=_MEANINGS[name], parse=parse_arithmetic(name), numeric=True) for name in ARITHMETIC),
    *(
        Kind(name=name, meaning=_MEANINGS[name], parse=parse_total(name), options=("of", *WALKED), numeric=True)
        for name in TOTALS
        if name != "residue"
    ),
    Kind(
        name="residue",
        meaning=_MEANINGS["residue"],
        parse=parse_total("residue"),
        options=("of", "scale", "rounding", "float", *WALKED),
        steps=False,
        numeric=True,
    ),
    *(
        Kind(name=name, meaning=_MEANINGS[name], parse=parse_pick(name), options=WALKED if name == "count" else ("of", *SORTED), numeric=True)
        for name in PICKS
    ),
    Kind(
        name="share",
        meaning="In the fields of a list: the item's share of an amount; the shares add up to it.",
        parse=parse_share,
        options=("by", "scale", "float"),
        steps=False,
        numeric=True,
    ),
    Kind(name="position", meaning="In the fields of a list: the number of the item, counted from this.", parse=parse_position, ends=False),
    Kind(name="concat", meaning="Text after text.", parse=parse_concat, numeric=True),
    Kind(name="coalesce", meaning="The first operand that is neither missing nor null.", parse=parse_coalesce, numeric=True),
    Kind(name="cases", meaning="The first rule whose `when` holds.", parse=parse_cases, numeric=True),
    Kind(name="call", meaning="A function of the values of `with`.", parse=parse_call, options=("with",), numeric=True),
    Kind(name="list", meaning="A list of several values.", parse=parse_list, options=("skip",), numeric=True),
    Kind(name="split", meaning="The parts of a text, or one of them.", parse=parse_split, options=("by", "index", "parts", "strip", "skip")),
    Kind(name="join", meaning="The items of a list as one text.", parse=parse_join, options=("by", "skip"), numeric=True),
    Kind(name="jmespath", meaning="What a JMESPath expression finds.", parse=parse_jmespath, numeric=True),
)

KINDS: Mapping[str, Kind] = {kind.name: kind for kind in _ALL_KINDS}

#: Every key that a rule may have.
ALL: tuple[str, ...] = tuple(dict.fromkeys([*KINDS, "when", *(option for kind in _ALL_KINDS for option in kind.options), *STEPS, *ENDS, *NOTES]))


def kind_of(tree: Mapping[str, Any]) -> list[Kind]:
    """The kinds a rule could be: one, if it is right. ``fields`` beside a kind that takes it is that one's option."""
    found = [kind for name, kind in KINDS.items() if name in tree]
    if len(found) != 2:
        return found
    return [kind for kind in found if not any(kind.name in other.options for other in found)]
