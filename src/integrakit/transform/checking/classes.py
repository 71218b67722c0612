"""What a mapping gives, held against the attributes of an attrs class: by name, as the class has them (an ``alias`` is for its ``__init__`` alone).

It knows what `integrakit._convert` makes of a value: a date of its text, a Decimal of a whole number, and no text of anything else.
"""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from types import UnionType
from typing import Annotated, Any, Literal, TypeGuard, get_args, get_origin
from uuid import UUID

from attrs import NOTHING, Attribute, Factory, evolve, fields, has

from integrakit.errors import ConfigurationError
from integrakit.money import Money
from integrakit.transform.checking.findings import Finding
from integrakit.transform.checking.given import ANYTHING, Given, Way, of_value
from integrakit.transform.checking.problems import Problem, settled
from integrakit.transform.paths import render
from integrakit.transform.wording import did_you_mean, spelled
from integrakit.unset import UNSET, Unset

__all__ = ["against_class", "is_class", "with_defaults"]

#: What an attribute of a type is made of: kinds of values.
_TAKES: Mapping[Any, frozenset[str]] = {
    str: frozenset({"str"}),
    int: frozenset({"int"}),
    float: frozenset({"float", "int", "decimal"}),
    bool: frozenset({"bool"}),
    Decimal: frozenset({"decimal", "int", "float", "str"}),
    date: frozenset({"date", "str"}),
    datetime: frozenset({"datetime", "str"}),
    time: frozenset({"time", "str"}),
    timedelta: frozenset({"duration"}),
    UUID: frozenset({"uuid", "str"}),
    Money: frozenset({"money", "object"}),
}
_WORDS = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    Decimal: "a decimal number",
    date: "a date",
    datetime: "a date with a time",
    time: "a time of day",
    timedelta: "a duration",
    UUID: "a UUID",
    Money: "money",
}
_TO = {str: "str", int: "int", float: "float", bool: "bool", Decimal: "decimal", date: "date", datetime: "datetime", time: "time", UUID: "uuid"}
_LISTS = frozenset({list, tuple, set, frozenset, Sequence})
_SHOWN = 6


def is_class(value: Any) -> TypeGuard[type]:
    """Whether it is an attrs class."""
    return isinstance(value, type) and has(value)


def against_class(given: Mapping[str, Given], cls: type) -> tuple[Finding, ...]:
    """Everything that is wrong. Raises `ConfigurationError` for a class whose types cannot be found."""
    return settled(_object(given, cls, ""), "the class")


def with_defaults(given: Mapping[str, Given], cls: type) -> dict[str, Given]:
    """What an instance of the class is written as: its defaults stand in for what the mapping does not give."""
    found = dict(given)
    for attribute in fields(cls):
        mine = found.get(attribute.name)
        if attribute.default is NOTHING or (mine is not None and not mine.missing):
            continue
        default = ANYTHING if isinstance(attribute.default, Factory) else of_value(attribute.default)  # type: ignore[arg-type]  # a class for mypy
        default = Given((Way(),)) if default is ANYTHING else default
        if mine is not None:
            found[attribute.name] = evolve(mine, ways=mine.ways + default.ways, null=mine.null or default.null, missing=default.missing)
        elif not default.missing:
            found[attribute.name] = default
    return found


def _object(given: Mapping[str, Given], cls: type, place: str) -> Iterator[Problem]:
    attributes: dict[str, Attribute[Any]] = {each.name: each for each in fields(cls)}
    taken = [name for name, each in attributes.items() if each.init]
    hints = _hints(cls)
    for name, each in given.items():
        here = _below(place, name)
        if name in taken:
            yield from _value(each, hints.get(name, attributes[name].type), here, cls)
        elif name in attributes:
            yield Problem(here, "error", f"is not taken by {cls.__name__}: its attribute has init=False")
        else:
            alias = next((other for other, each in attributes.items() if getattr(each, "alias", None) == name), None)
            hint = (
                f": did you mean {alias!r}? (an alias is for __init__ alone)" if alias else did_you_mean(name, [n for n in taken if n not in given])
            )
            yield Problem(here, "error", f"is no attribute of {cls.__name__}{hint}")
    for name in taken:
        if attributes[name].default is not NOTHING:
            continue
        if name not in given:
            yield Problem(_below(place, name), "error", f"is needed by {cls.__name__}, and no field gives it")
        elif given[name].missing:
            why = "and may be left out here: by optional = true, or a condition that does not hold. Give the attribute a default, such as UNSET"
            yield Problem(_below(place, name), "error", f"is needed by {cls.__name__}, {why}")


def _hints(cls: type) -> dict[str, Any]:
    try:
        return typing.get_type_hints(cls)
    except Exception as problem:
        raise ConfigurationError(f"the types of {cls.__name__}'s attributes cannot be found: {type(problem).__name__}: {problem}") from problem


def _below(place: str, name: str) -> str:
    return f"{place}.{render((name,))}" if place else render((name,))


# ---------------------------------------------------------------- values


def _value(given: Given, hint: Any, place: str, cls: type) -> Iterator[Problem]:
    kinds = _alternatives(hint)
    if kinds is None:
        return
    if given.null and type(None) not in kinds:
        if given.always_null:
            yield Problem(place, "error", "is always null, and the class does not take None here")
        else:
            yield Problem(place, "warning", "may be null, and the class does not take None: say default = … or nullable = false")
    others = [kind for kind in kinds if kind is not type(None) and kind is not Unset]
    for way in given.ways if others else ():
        if not way.kind:
            continue
        tried = [list(_way(way, kind, place, cls)) for kind in others]
        best = min(tried, key=lambda problems: sum(problem.severity == "error" for problem in problems))
        yield from best


def _alternatives(hint: Any) -> list[Any] | None:
    """The types of a union; None where anything is taken, or nothing is known."""
    while True:
        if get_origin(hint) is Annotated:
            hint = get_args(hint)[0]
        elif hasattr(hint, "__supertype__"):  # NewType
            hint = hint.__supertype__
        else:
            break
    if hint is None:
        return None
    if get_origin(hint) in (typing.Union, UnionType):
        found: list[Any] = []
        for each in get_args(hint):
            inner = _alternatives(each)
            if inner is None:
                return None
            found += inner
        return found
    if hint is Any or hint is object or isinstance(hint, typing.TypeVar):
        return None
    return [hint]


def _way(way: Way, kind: Any, place: str, cls: type) -> Iterator[Problem]:
    origin = get_origin(kind) or kind
    if kind in _TAKES:
        if way.kind not in _TAKES[kind]:
            hint = f': say to = "{_TO[kind]}"' if kind in _TO and way.value is UNSET and way.json not in ("object", "array") else ""
            yield Problem.of(way, place, f"wants {_WORDS[kind]}", hint=hint)
    elif has(origin):
        if way.json != "object" or way.kind == "money":
            yield Problem.of(way, place, f"wants an object, for {origin.__name__}")
        elif way.fields is not None:
            yield from _object(way.fields, origin, place)
    elif origin in _LISTS:
        if way.kind != "array":
            yield Problem.of(way, place, "wants a list")
        elif way.items is not None:
            items = get_args(kind)
            if items and (origin is not tuple or items[1:] == (Ellipsis,)):
                yield from _value(way.items, items[0], f"{place}[]", cls)
    elif origin is Literal:
        yield from _listed(way, get_args(kind), place)
    elif isinstance(kind, type) and issubclass(kind, Enum):
        yield from _listed(way, tuple(member.value for member in kind), place)


def _listed(way: Way, values: tuple[Any, ...], place: str) -> Iterator[Problem]:
    wants = f"takes only {', '.join(spelled(value) for value in values[:_SHOWN])}{f' and {len(values) - _SHOWN} more' * (len(values) > _SHOWN)}"
    if way.value is not UNSET:
        if not any(type(value) is type(way.value) and value == way.value for value in values):
            yield Problem.of(way, place, wants, known=(value for value in values if isinstance(value, str)))
    elif all(isinstance(value, str | int) for value in values) and way.kind not in {type(value).__name__ for value in values} | {"str"}:
        yield Problem.of(way, place, wants)
