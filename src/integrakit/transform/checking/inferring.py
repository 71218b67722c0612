"""From rules to what they can give. Only what is certain is claimed: a path may give anything, and so may a function of the application, which is not
called, and a kind of rule that is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from attrs import evolve

from integrakit.transform.checking.given import ANYTHING, KINDS, Given, Way, merged, money, of_value, one, together
from integrakit.transform.cleaning import BUILT_IN
from integrakit.transform.conversions import Conversion
from integrakit.transform.lookups import Lookup
from integrakit.transform.nodes.arithmetic import Arithmetic
from integrakit.transform.nodes.collecting import Flatten, Values
from integrakit.transform.nodes.conditions import Cases
from integrakit.transform.nodes.lists import Pick, Total
from integrakit.transform.nodes.objects import Each, Nested
from integrakit.transform.nodes.queries import Query
from integrakit.transform.nodes.shares import Position, Share
from integrakit.transform.nodes.text import Concat, Join, Split
from integrakit.transform.nodes.values import Coalesce, Gathered, Read
from integrakit.transform.rules import Constant, Field, Node, Rule, Step
from integrakit.unset import UNSET

__all__ = ["infer", "infer_fields"]

# Built-in functions that hand on what is no text.
_ANY = ("blank_to_null", "nan_to_null")
# Types of ``to`` whose text a schema has a format for.
_FORMATS = {"email": "email"}


def infer_fields(fields: Iterable[Field]) -> dict[str, Given]:
    """What each field of an object can be."""
    found = {}
    for field in fields:
        given = infer(field.rule, field.optional)
        found[field.name] = evolve(given, null=True) if field.null_on_error else given
    return found


def infer(rule: Rule, lenient: bool) -> Given:
    """What a rule can give. ``lenient``: it may be missing."""
    inner = lenient or rule.default is not None
    given = _node(rule.node, inner)
    given = evolve(given, missing=given.missing and inner)
    if given.ways:
        given = _steps(rule, given)
    default = None if rule.default is None else of_value(rule.default.value)
    if not rule.nullable and given.null:
        given = evolve(given, null=False)
        given = given if default is None else together([given, default])
    if given.missing or rule.when is not None:
        given = evolve(given, missing=True) if default is None else together([evolve(given, missing=False), default])
    return given


# ---------------------------------------------------------------- nodes


def _node(node: Node, lenient: bool) -> Given:
    """Of a node alone. ``missing`` where it may be, if it is allowed to."""
    if isinstance(node, Read):
        return evolve(ANYTHING, missing=True)
    if isinstance(node, Constant):
        return of_value(node.value)
    known = _NODES.get(type(node))
    if known is not None:
        return known(node, lenient)
    return evolve(ANYTHING, missing=True)


def _operands(rules: Iterable[Rule], lenient: bool) -> bool:
    """Whether one of them may be missing, and with it the whole."""
    return any(infer(rule, lenient).missing for rule in rules)


def _number(node: Any, lenient: bool) -> Given:
    return Given((Way("decimal"),), missing=_operands(node.operands(), lenient))


def _total(node: Total, lenient: bool) -> Given:
    missing = _operands(node.operands(), lenient) or node.name in ("average", "min", "max")
    if node.name in ("min", "max"):
        of = infer(node.of, False)
        # Without a conversion dates stay dates, and everything else is a number.
        ways = tuple(way for way in of.ways if way.kind) if node.of.conversion is not None else (Way(),)
        return Given(ways or (Way(),), missing=missing)
    return Given((Way("decimal"),), missing=missing)


def _pick(node: Pick, lenient: bool) -> Given:
    if node.name == "count":
        return Given((Way("int"),), missing=_operands(node.operands(), lenient))
    return evolve(infer(node.of, lenient), missing=True)


def _coalesce(node: Coalesce, lenient: bool) -> Given:
    given = [infer(rule, True) for rule in node.of]
    certain = next((index for index, each in enumerate(given) if not each.null and not each.missing), None)
    ways = merged(way for each in given for way in each.ways)
    if certain is not None:
        return Given(merged(way for each in given[: certain + 1] for way in each.ways))
    return Given(ways, null=any(each.null for each in given), missing=all(each.missing for each in given))


def _cases(node: Cases, lenient: bool) -> Given:
    given = together(infer(evolve(case, when=None), lenient) for case in node.of)
    return evolve(given, missing=True) if node.of and node.of[-1].when is not None else given


def _nested(node: Nested, lenient: bool) -> Given:
    found = one("object", fields=infer_fields(node.fields))
    if node.start is None:
        return found
    start = infer(node.start, lenient)
    return evolve(found, null=start.null, missing=start.missing)


def _each(node: Each, lenient: bool) -> Given:
    items = infer(node.items, lenient)
    return evolve(one("array", items=one("object", fields=infer_fields(node.fields))), null=items.null, missing=items.missing)


def _values(node: Values, lenient: bool) -> Given:
    items = infer(node.walk.items, lenient)
    return evolve(one("array", items=infer(node.of, False)), null=items.null, missing=items.missing)


def _flatten(node: Flatten, lenient: bool) -> Given:
    items = infer(node.levels[0], lenient)
    return evolve(one("array"), null=items.null, missing=items.missing)


def _gathered(node: Gathered, lenient: bool) -> Given:
    given = [infer(rule, lenient or bool(node.skip)) for rule in node.of]
    null = not node.skip or node.skip == "missing"
    items = together(given)
    items = evolve(items, missing=False, null=items.null and null)
    return Given((Way("array", items=items),), missing=not node.skip and any(each.missing for each in given))


def _join(node: Join, lenient: bool) -> Given:
    items = infer(node.items, lenient)
    return evolve(one("str"), null=items.null, missing=items.missing)


def _split(node: Split, lenient: bool) -> Given:
    of = infer(node.of, lenient)
    found = one("array", items=one("str")) if node.index is None else one("str")
    return evolve(found, null=of.null, missing=of.missing or node.index is not None)


def _share(node: Share, lenient: bool) -> Given:
    # Money where the amount is money, and that is seen by the amount alone.
    kinds = {way.kind for way in infer(node.amount, True).ways}
    way = Way("decimal", scale=node.scale) if not kinds & {"", "money"} else Way()
    return Given((way,), missing=True)


_NODES: Mapping[type, Callable[[Any, bool], Given]] = {
    Arithmetic: _number,
    Total: _total,
    Pick: _pick,
    Coalesce: _coalesce,
    Cases: _cases,
    Nested: _nested,
    Each: _each,
    Values: _values,
    Flatten: _flatten,
    Gathered: _gathered,
    Join: _join,
    Split: _split,
    Share: _share,
    Concat: lambda node, lenient: Given((Way("str"),), missing=_operands(node.operands(), lenient)),
    Position: lambda node, lenient: one("int"),
    # It says missing where JMESPath finds null.
    Query: lambda node, lenient: Given((Way(),), missing=True),
}


# ---------------------------------------------------------------- steps


def _steps(rule: Rule, given: Given) -> Given:
    ways, null = list(given.ways), given.null
    for step in rule.apply:
        applied = [_applied(step, way) for way in ways]
        ways, null = [way for each in applied for way in each.ways], null or any(each.null for each in applied)
    found = Given(merged(ways), null=null, missing=given.missing)
    if rule.lookup is not None and found.ways:
        looked_up = _looked_up(rule.lookup, found)
        found = evolve(looked_up, null=found.null or looked_up.null, missing=found.missing)
    if rule.conversion is not None and found.ways:
        found = evolve(found, ways=merged(made for way in found.ways for made in _converted(rule.conversion, way, rule)))
    return found


def _applied(step: Step, way: Way) -> Given:
    if step.name not in BUILT_IN:
        return ANYTHING if not step.name.startswith("null for ") else Given((way,), null=way.value is UNSET)
    if way.value is not UNSET:
        try:
            return of_value(step.function(way.value))
        except ValueError:  # a value that does not fit is refused when the record is mapped: nothing comes of it
            return Given(())
    return Given((way,), null=True) if step.name in _ANY else one("str")


def _looked_up(lookup: Lookup, given: Given) -> Given:
    entries = lookup.table.entries()
    found = [ANYTHING] if entries is None else [_values_of(entries)]
    if isinstance(lookup.otherwise, Rule):
        found.append(infer(lookup.otherwise, False))
    elif isinstance(lookup.otherwise, Constant):
        found.append(of_value(lookup.otherwise.value))
    elif lookup.otherwise == "keep":
        found.append(evolve(given, missing=False))
    return together(found)


def _values_of(entries: Iterable[Any]) -> Given:
    seen: dict[Any, Any] = {}
    for entry in entries:
        value = entry.value
        # Objects are as many as they are; values of codes mostly repeat.
        key = (type(value), str(value)) if isinstance(value, str | int | bool) or value is None else id(value)
        seen.setdefault(key, value)
    return together(of_value(value) for value in seen.values())


def _converted(conversion: Conversion, way: Way, rule: Rule) -> tuple[Way, ...]:
    if way.value is not UNSET and rule.beside is None:
        try:
            return of_value(conversion.convert(way.value)).ways
        except ValueError:  # as above
            return ()
    kind = conversion.gives
    if kind == "money":
        return money().ways
    if conversion.to == "enum":
        return together(map(of_value, conversion.options["one_of"])).ways
    return (Way(kind if kind in KINDS else "", format=_FORMATS.get(conversion.to, "") if kind == "str" else "", scale=conversion.scale),)
