"""Mapped records as instances of an attrs class: ``into=`` of a mapping. cattrs makes them; what does not fit is told in the mapping's own terms."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from attrs import frozen

from integrakit._convert import structurable, structured
from integrakit.errors import ConfigurationError
from integrakit.model import FieldError
from integrakit.transform.checking import check_class
from integrakit.transform.checking.classes import is_class
from integrakit.transform.misfit import Misfit, article
from integrakit.transform.nodes.objects import Each
from integrakit.transform.nodes.values import Read
from integrakit.transform.paths import render
from integrakit.transform.rules import Field, Node, Place, place
from integrakit.unset import UNSET

__all__ = ["Maker", "read_into"]

# A validator's words may hold a whole record.
_LONGEST_REASON = 300


def read_into(into: Any, fields: tuple[Field, ...], name: str) -> Maker:
    """The class, checked against the mapping's fields. Raises `ConfigurationError` for what could never be made."""
    if not is_class(into):
        shown = f"the class {into.__name__}, which is none" if isinstance(into, type) else article(into)
        raise ConfigurationError(f"{name}: into=… takes an attrs class, not {shown}")
    structurable(into)
    check_class(fields, into, mapping=name).raise_()
    return Maker(into, fields)


@frozen
class Maker:
    """Makes instances of ``cls`` of what ``fields`` give."""

    cls: type
    fields: tuple[Field, ...]

    def make(self, mapped: dict[str, Any]) -> Any:
        """The instance. Raises `Misfit` that says nothing: `told` knows what is wrong."""
        instance, misfits = structured(mapped, self.cls)
        if misfits:
            raise Misfit("does not fit the class")
        return instance

    def told(self, mapped: dict[str, Any]) -> tuple[Any, list[FieldError]]:
        """The instance, or everything that does not fit."""
        instance, misfits = structured(mapped, self.cls)
        return instance, [self._error(mapped, path, why) for path, why in misfits]

    def _error(self, mapped: Any, target: tuple[str | int, ...], why: str) -> FieldError:
        value: Any = mapped
        for part in target:
            if isinstance(part, str):
                value = value.get(part, UNSET) if isinstance(value, dict) else UNSET
            else:
                value = value[part] if isinstance(value, list | tuple) and part < len(value) else UNSET
        kind = "missing" if value is UNSET else "null" if value is None else type(value).__name__
        words = why if len(why) <= _LONGEST_REASON else why[: _LONGEST_REASON - 1] + "…"
        reason = f"{words} ({self.cls.__name__})"
        return FieldError(_shown(_source(self.fields, target, ())), reason, kind, render(target))


def _source(fields: Iterable[Field], target: tuple[str | int, ...], start: Place) -> Place:
    """Where in the record a place of the target comes from, as far as one path can say it."""
    field = next((field for field in fields if field.name == target[0]), None) if target else None
    if field is None:
        return start
    node, rest = field.rule.node, target[1:]
    found = place(field.rule, start)
    names = tuple(part for part in rest if isinstance(part, str))
    if not node.members() or not names:
        return (*found, rest[0]) if rest and _in_order(node) else found
    inner = rest[rest.index(names[0]) :]
    starts = list(node.inside(lambda at: [(_source(node.members(), inner, at), True)], start))
    if not starts:
        return found
    path = starts[0][0]
    return (*path[: len(found)], rest[0], *path[len(found) + 1 :]) if _in_order(node) else path


def _in_order(node: Node) -> bool:
    """Whether the objects it makes are the items of the record's own list, one by one."""
    return isinstance(node, Each) and isinstance(node.items.node, Read) and node.walk.where is None and not node.walk.sort


def _shown(path: Place) -> str:
    return render(path).replace("[-1]", "[]")
