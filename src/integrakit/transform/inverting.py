"""The way back: the mapping that makes a source record out of a target record, where there is one.

A field has a way back when nothing was lost on the way there: it was moved, nested, listed, looked up one to one, or changed by exact arithmetic with
a constant. What loses something (``apply``, ``to``, ``default``) has one where the mapping says it: ``back``. A field that has none is no harm if all
that it reads comes back by others, such as a total of lines that are all there; if not, the error names it. Works on rules, gives a tree. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from attrs import define, field, frozen

from integrakit.errors import ConfigurationError
from integrakit.transform.hinting import as_operand
from integrakit.transform.lookups import Lookup
from integrakit.transform.nodes.arithmetic import Arithmetic
from integrakit.transform.nodes.objects import Each, Nested
from integrakit.transform.nodes.values import Read
from integrakit.transform.paths import Path, render
from integrakit.transform.rules import Constant, Field, Node, Place, Rule, sources

__all__ = ["invert"]

#: (operator, the constant stands first) → the operator of the way back. ``subtract`` from a constant is its own.
_OPPOSITES = {
    ("add", False): "subtract",
    ("add", True): "subtract",
    ("subtract", False): "add",
    ("subtract", True): "subtract",
    ("multiply", False): "divide",
    ("multiply", True): "divide",
    ("divide", False): "multiply",
}


_LEAVE_OUT = ': back = "none" leaves it out'


class _NoWay(Exception):
    """A field has no way back; the text says why, and what to say for it to have one."""


@frozen
class _Lost:
    name: str
    why: str
    #: What it reads, from the record on.
    reads: tuple[Place, ...]


@frozen
class _Way:
    """One source field: how it comes out of the target."""

    path: tuple[str, ...]
    rule: dict[str, Any]
    optional: bool
    #: The target field it comes from, as a path.
    origin: str


@define
class _Inversion:
    lookups: dict[str, dict[str, str]] = field(factory=dict)
    lost: list[_Lost] = field(factory=list)
    #: What comes back, from the record on, with -1 for any item of a list.
    found: set[Place] = field(factory=set)

    def fields(self, fields: Iterable[Field], target: tuple[str, ...], name: str, start: Place) -> dict[str, Any]:
        """The fields of a source object, out of the target object at ``target``. ``name``: of that in messages; ``start``: the source's place."""
        ways: list[_Way] = []
        for each in fields:
            self._field(each, target, name, start, ways)
        return self._nest(_first_of_each(ways), start)

    def _field(self, each: Field, target: tuple[str, ...], name: str, start: Place, ways: list[_Way]) -> None:
        rule, node = each.rule, each.rule.node
        path, shown = (*target, each.name), f"{name}{render((each.name,))}"
        if rule.back == "none" or (isinstance(node, Constant) and rule.when is None):
            return  # it is no part of the way back, or says nothing of the source
        if isinstance(node, Nested) and node.start is None and rule.when is None:
            for inner in node.fields:
                self._field(inner, path, f"{shown}.", start, ways)
            return
        before = len(self.lost)
        try:
            back = _steps(rule, self._table)
            source, tree = self._node(rule, path, shown, start, back)
        except _NoWay as problem:
            if len(self.lost) > before:
                return  # the fields inside are named, which says more
            self.lost.append(_Lost(shown, str(problem), tuple(found for found, _ in sources(rule, start))))
            return
        ways.append(_Way(source, {**tree, **({"optional": True} if each.optional else {})}, each.optional, render(path)))

    def _node(self, rule: Rule, path: tuple[str, ...], shown: str, start: Place, back: dict[str, Any]) -> tuple[tuple[str, ...], dict[str, Any]]:
        node, origin = rule.node, render(path)
        if isinstance(node, Read):
            return _names(node.path), {"from": origin, **back}
        if isinstance(node, Arithmetic):
            source, tree = _arithmetic(node, as_operand(origin))
            return source, {**tree, **back}
        if isinstance(node, Nested) and node.start is not None and isinstance(node.start.node, Read) and not back:
            source = _names(node.start.node.path)
            return source, {"from": origin, "fields": self._inner(node.fields, f"{shown}.", (*start, *source))}
        if isinstance(node, Each) and isinstance(node.items.node, Read) and node.items.plain and not back:
            if node.walk.where is not None or node.walk.sort:
                raise _NoWay("where leaves items out, and sort moves them")
            source = _names(node.items.node.path)
            return source, {"each": origin, "fields": self._inner(node.fields, f"{shown}[].", (*start, *source, -1))}
        raise _NoWay(_no_way(node, bool(back)))

    def _inner(self, fields: tuple[Field, ...], name: str, start: Place) -> dict[str, Any]:
        inner = self.fields(fields, (), name, start)
        if not inner:
            raise _NoWay("nothing in it comes back")
        return inner

    def _table(self, lookup: Lookup) -> str:
        """The name of the lookup's table read backwards."""
        if lookup.otherwise != "error":
            raise _NoWay(f'lookup {lookup.name!r} takes values outside its table: only otherwise = "error" has a way back')
        entries = lookup.table.entries()
        if entries is None or lookup.table.columns or lookup.table.dated:
            raise _NoWay(f"lookup {lookup.name!r} is no plain table of one value for each key")
        backwards: dict[str, str] = {}
        for entry in entries:
            value = entry.value
            if not isinstance(entry.key, str) or not isinstance(value, str | int):
                raise _NoWay(f"lookup {lookup.name!r} has {entry.key!r}: only text, whole numbers and bools can be looked up again")
            key = value if isinstance(value, str) else str(value).lower()
            if key in backwards:
                raise _NoWay(f"lookup {lookup.name!r} makes {key!r} of {backwards[key]!r} and of {entry.key!r}")
            backwards[key] = entry.key
        if not backwards:
            raise _NoWay(f"lookup {lookup.name!r} is empty")
        self.lookups[lookup.name] = backwards
        return lookup.name

    def _nest(self, ways: list[_Way], start: Place) -> dict[str, Any]:
        """The ways as the fields of an object, with objects inside where paths are longer."""
        tree: dict[str, Any] = {}
        inside: dict[str, list[_Way]] = {}
        for way in ways:
            self.found.add((*start, *way.path))
            if len(way.path) == 1:
                tree[way.path[0]] = _short(way.rule)
            else:
                inside.setdefault(way.path[0], []).append(_Way(way.path[1:], way.rule, way.optional, way.origin))
                tree.setdefault(way.path[0], None)
        for name, inner in inside.items():
            tree[name] = {"fields": self._nest(inner, (*start, name))}
            if all(way.optional and "`" not in way.origin for way in inner):
                # An object of which nothing is there was not there itself.
                tree[name]["when"] = " or ".join(f"`{way.origin}` is not missing" for way in inner)
        return tree


def invert(fields: tuple[Field, ...], tree: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The tree of the mapping back. Raises `ConfigurationError` naming the fields that have no way back, and why."""
    inversion = _Inversion()
    back = inversion.fields(fields, (), "", ())
    missing = [lost for lost in inversion.lost if not all(_covered(read, inversion.found) for read in lost.reads)]
    if missing:
        lines = [f"  {lost.name}: {lost.why}" for lost in missing[:20]]
        lines += [f"  … and {len(missing) - 20} more"] * (len(missing) > 20)
        count = f"{len(missing)} field{'s have' if len(missing) > 1 else ' has'}"
        raise ConfigurationError("\n".join([f"{name}: there is no inverse, because {count} no way back:", *lines]))
    if not back:
        raise ConfigurationError(f"{name}: there is no inverse: no field of it reads anything of the source")
    result: dict[str, Any] = {}
    for heading, other in (("source", "target"), ("target", "source")):
        if other in tree:
            result[heading] = tree[other]
    if "on_error" in tree:
        result["on_error"] = tree["on_error"]
    return {**result, "fields": back, **({"lookups": inversion.lookups} if inversion.lookups else {})}


def _covered(place: Place, found: set[Place]) -> bool:
    place = tuple(-1 if isinstance(part, int) else part for part in place)
    return any(place[:depth] in found for depth in range(1, len(place) + 1))


def _first_of_each(ways: list[_Way]) -> list[_Way]:
    """One way for each place: the shortest path first, since an object that comes back whole brings all that is in it; then the plainest rule."""
    chosen: list[_Way] = []
    for way in sorted(ways, key=lambda way: (len(way.path), way.optional, len(way.rule))):
        if not any(way.path[: len(other.path)] == other.path for other in chosen):
            chosen.append(way)
    return sorted(chosen, key=ways.index)


def _names(path: Path) -> tuple[str, ...]:
    if path.root:
        raise _NoWay(f"{path} is read from the whole record, not from the item")
    names = tuple(part for part in path.segments if isinstance(part, str))
    if not names:
        raise _NoWay("the whole record (or item) is not one field of it")
    if len(names) != len(path.segments):
        raise _NoWay(f"{path} is one item of a list, and the others are not known")
    return names


def _steps(rule: Rule, table: Any) -> dict[str, Any]:
    """The steps of the way back. Raises `_NoWay`."""
    said = rule.back
    if rule.when is not None:
        raise _NoWay("when leaves it out for some records")
    if said is not None:
        return {} if said == "keep" else {"to": said} if isinstance(said, str) else dict(said)
    if rule.default is not None:
        raise _NoWay('default fills in what was missing: say back = "keep" if it may stay filled in')
    if rule.apply:
        names = ", ".join(step.name for step in rule.apply)
        raise _NoWay(f'apply {names} may lose something: say back = "keep" if it may stay as it is, or the way back')
    if rule.conversion is not None:
        hint = 'say back = "str", or what the type of the source is'
        raise _NoWay(f"to = {rule.conversion.to!r} does not say of which type the value was: {hint}")
    return {} if rule.lookup is None else {"lookup": table(rule.lookup)}


def _arithmetic(node: Arithmetic, origin: str) -> tuple[tuple[str, ...], dict[str, Any]]:
    if len(node.of) != 2:
        raise _NoWay(f"{node.name} of more than two operands has no way back")
    constants = [isinstance(operand.node, Constant) for operand in node.of]
    if sum(constants) != 1:
        raise _NoWay(f"{node.name} of several values has no way back")
    constant, other = (node.of[0], node.of[1]) if constants[0] else (node.of[1], node.of[0])
    opposite = _OPPOSITES.get((node.name, constants[0]))
    assert isinstance(constant.node, Constant)
    if opposite is None or (node.name in ("multiply", "divide") and constant.node.value == 0):
        raise _NoWay(f"{node.name} by this operand has no way back")
    if not isinstance(other.node, Read) or not other.plain or other.default is not None:
        raise _NoWay(f"{node.name} of more than a path has no way back")
    if opposite == "multiply" and not _ends(constant.node.value):
        raise _NoWay(f"a division by {constant.node.value} is rounded")
    operands = [constant.node.value, origin] if (node.name, constants[0]) == ("subtract", True) else [origin, constant.node.value]
    return _names(other.node.path), {opposite: operands}


def _ends(divisor: Any) -> bool:
    """Whether a quotient by this number has an end: nothing but twos and fives divides it."""
    number = abs(Fraction(divisor).numerator)
    for prime in (2, 5):
        while number % prime == 0:
            number //= prime
    return number == 1


def _no_way(node: Node, back: bool) -> str:
    if isinstance(node, Each | Nested):
        kind = "each" if isinstance(node, Each) else "from"
        if back:
            return "fields with steps of their own have no way back"
        return f"{kind} has a way back where it stands at a path, and this one stands at a rule{_LEAVE_OUT}"
    words = node.words(lambda _: "…")
    name = words.partition("(")[0].partition(" ")[0] if "(" in words else "it"
    return f"{name} has no way back, because several values may have made the same one{_LEAVE_OUT}"


def _short(rule: dict[str, Any]) -> Any:
    """A rule that is a path alone, as one."""
    return rule["from"] if set(rule) == {"from"} else rule
