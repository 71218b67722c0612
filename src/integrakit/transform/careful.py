"""The careful pass: walks the rules over one record and notes everything that is wrong with it.

It runs only when the generated code gave up on a record, and for coverage. It decides: what it returns is the answer, what it notes are the errors.
It goes on after an error, so that one message names every bad field. Nothing here needs to be fast.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import reduce
from typing import Any

from integrakit.model import FieldError
from integrakit.transform.containers import as_record, item_or_missing, listed, opened
from integrakit.transform.conversions import bool_text
from integrakit.transform.exact import EXACT_DIGITS
from integrakit.transform.misfit import Misfit, article, excerpt
from integrakit.transform.paths import Segment, render
from integrakit.transform.rules import Aggregate, Coalesce, Constant, Each, Field, Lookup, Nested, Operator, Read, Rule
from integrakit.unset import UNSET

__all__ = ["MOST_ERRORS", "CarefulPass", "look_up"]

#: A record with a million bad lines must not become a million errors.
MOST_ERRORS = 1000

_Place = tuple[Segment, ...]
# The value of what failed and was noted: everything built on it fails too, silently.
_BAD: Any = object()


def lookup_key(value: Any) -> str:
    """The text by which a value stands in a table: text itself, whole numbers and bools as text."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return bool_text(value)
    if isinstance(value, int) and value.bit_length() <= 256:
        return str(value)
    raise Misfit(f"{article(value)} cannot be looked up: text, a whole number or a bool can")


def look_up(lookup: Lookup, value: Any) -> Any:
    """What the table says about the value, or ``otherwise``. Raises `Misfit`."""
    key = lookup_key(value)
    if key in lookup.table:
        return lookup.table[key]
    if isinstance(lookup.otherwise, Constant):
        return lookup.otherwise.fresh()
    if lookup.otherwise == "keep":
        return value
    raise Misfit(f"{excerpt(value)} is not in lookup {lookup.name!r}")


class CarefulPass:
    """One record, once: call `run`, then read `errors`."""

    def __init__(self) -> None:
        self.errors: list[FieldError] = []
        #: Errors beyond `MOST_ERRORS`.
        self.more = 0
        #: The first exception of a user's function, or of a value with a mind of its own.
        self.cause: Exception | None = None
        #: (lookup, value) → how often it was not in the table, whatever ``otherwise`` says.
        self.missed: Counter[tuple[str, str]] = Counter()

    def run(self, fields: tuple[Field, ...], record: Any) -> dict[str, Any]:
        """The mapped record; worth nothing when there are `errors`."""
        scope = self._attempt((), (), record, lambda: opened(as_record(record)))
        return {} if scope is _BAD else self._fields(fields, scope, (), ())

    def _note(self, at: _Place, target: _Place, value: Any, reason: str) -> Any:
        if len(self.errors) < MOST_ERRORS:
            kind = "missing" if value is UNSET else "null" if value is None else type(value).__name__
            self.errors.append(FieldError(render(at), reason, kind, render(target)))
        else:
            self.more += 1
        return _BAD

    def _attempt(self, at: _Place, target: _Place, value: Any, function: Callable[..., Any], *arguments: Any, name: str = "") -> Any:
        try:
            return function(*arguments)
        except Misfit as problem:
            return self._note(at, target, value, str(problem))
        except Exception as problem:  # noqa: BLE001 - whatever a user's function or a hostile object raises is this field's error
            if not name and isinstance(problem, ArithmeticError):  # our own operators, whose contexts refuse to round
                return self._note(at, target, value, f"the exact result has more than {EXACT_DIGITS} digits")
            self.cause = self.cause or problem
            return self._note(at, target, value, f"{name or 'reading it'} failed on {excerpt(value)}: {type(problem).__name__}: {_words(problem)}")

    # ---------------------------------------------------------------- fields

    def _fields(self, fields: tuple[Field, ...], scope: Any, at: _Place, target: _Place) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for field in fields:
            value = self._rule(field.rule, scope, at, (*target, field.name), field.optional)
            if value is not UNSET:
                result[field.name] = value
        return result

    def _rule(self, rule: Rule, scope: Any, at: _Place, target: _Place, lenient: bool) -> Any:
        value = self._node(rule, scope, at, target, lenient or rule.default is not None)
        if value is not UNSET and value is not None and value is not _BAD:
            value = self._steps(rule, value, _place(rule, at), target)
        if value is _BAD or (value is not UNSET and (value is not None or rule.nullable)):
            return value
        if rule.default is not None:
            return rule.default.fresh()
        if value is None:
            return self._note(_place(rule, at), target, None, "null is not allowed here")
        return UNSET if lenient else self._note(_place(rule, at), target, UNSET, "is missing")

    def _steps(self, rule: Rule, value: Any, at: _Place, target: _Place) -> Any:
        for step in rule.apply:
            value = self._attempt(at, target, value, step.function, value, name=f"function {step.name!r}")
            if value is _BAD or value is None or value is UNSET:
                return value
        if rule.lookup is not None:
            value = self._look_up(rule.lookup, value, at, target)
        if rule.conversion is not None and value is not None and value is not _BAD:
            value = self._attempt(at, target, value, rule.conversion.convert, value)
        return value

    def _look_up(self, lookup: Lookup, value: Any, at: _Place, target: _Place) -> Any:
        key = self._attempt(at, target, value, lookup_key, value)
        if key is not _BAD and key not in lookup.table:
            self.missed[lookup.name, excerpt(value)] += 1
        return key if key is _BAD else self._attempt(at, target, value, look_up, lookup, value)

    # ---------------------------------------------------------------- nodes

    def _node(self, rule: Rule, scope: Any, at: _Place, target: _Place, lenient: bool) -> Any:
        node = rule.node
        if isinstance(node, Read):
            return self._read(node.path.segments, scope, at, target, lenient)
        if isinstance(node, Constant):
            return node.fresh()
        if isinstance(node, Operator):
            return self._operator(node, rule, scope, at, target, lenient)
        if isinstance(node, Coalesce):
            return self._coalesce(node, rule, scope, at, target, lenient)
        if isinstance(node, Aggregate):
            return self._aggregate(node, scope, at, target, lenient)
        if isinstance(node, Each):
            return self._each(node, scope, at, target, lenient)
        return self._nested(node, scope, at, target, lenient)

    def _read(self, segments: _Place, scope: Any, at: _Place, target: _Place, lenient: bool) -> Any:
        value = scope
        for depth, segment in enumerate(segments):
            here = (*at, *segments[:depth])
            if value is None or value is UNSET:
                reason = f"is missing, because {render(here)} is {'null' if value is None else 'missing'}"
                return UNSET if lenient else self._note((*at, *segments), target, UNSET, reason)
            container = self._attempt(here, target, value, opened if isinstance(segment, str) else listed, value)
            if container is _BAD:
                return _BAD
            value = container.get(segment, UNSET) if isinstance(segment, str) else item_or_missing(container, segment)
            if value is UNSET:
                return UNSET if lenient else self._note((*at, *segments[: depth + 1]), target, UNSET, "is missing")
        return value

    def _operator(self, node: Operator, rule: Rule, scope: Any, at: _Place, target: _Place, lenient: bool) -> Any:
        prepared = []
        for operand in node.operands:
            value = self._rule(operand, scope, at, target, lenient)
            if value is not UNSET and value is not _BAD:
                value = self._attempt(_place(operand, at), target, value, node.take, value)
            prepared.append(value)
        if any(value is _BAD for value in prepared):
            return _BAD
        if any(value is UNSET for value in prepared):
            return UNSET
        return self._attempt(_place(rule, at), target, prepared[-1], reduce, node.combine, prepared)

    def _coalesce(self, node: Coalesce, rule: Rule, scope: Any, at: _Place, target: _Place, lenient: bool) -> Any:
        result: Any = UNSET
        for operand in node.operands:
            value = self._rule(operand, scope, at, target, True)
            if value is not UNSET:
                result = value
            if value is not UNSET and value is not None:
                break
        if result is UNSET and not lenient:
            return self._note(_place(rule, at), target, UNSET, "none of the coalesce operands is there")
        return result

    def _items(self, node: Aggregate | Each, scope: Any, at: _Place, target: _Place, lenient: bool) -> Any:
        items = self._rule(node.items, scope, at, target, lenient)
        if items is UNSET or items is _BAD or (items is None and isinstance(node, Each)):
            return items
        return self._attempt(_place(node.items, at), target, items, listed, items)

    def _aggregate(self, node: Aggregate, scope: Any, at: _Place, target: _Place, lenient: bool) -> Any:
        items = self._items(node, scope, at, target, lenient)
        if items is UNSET or items is _BAD:
            return items
        if node.name == "count":
            return len(items)
        base = _place(node.items, at)
        if node.name == "sum":
            return self._sum(node, items, base, target)
        if not items:
            return UNSET if lenient else self._note(base, target, items, f"the list is empty: it has no {node.name} item")
        index = 0 if node.name == "first" else len(items) - 1
        return self._rule(node.of, items[index], (*base, index), target, lenient)

    def _sum(self, node: Aggregate, items: Any, base: _Place, target: _Place) -> Any:
        values = []
        for index, item in enumerate(items):
            at = (*base, index)
            value = self._rule(node.of, item, at, target, False)
            values.append(value if value is _BAD else self._attempt(_place(node.of, at), target, value, node.take, value))
        if any(value is _BAD for value in values):
            return _BAD
        return self._attempt(base, target, items, reduce, node.add, values, 0) if values else node.add(0, 0)

    def _each(self, node: Each, scope: Any, at: _Place, target: _Place, lenient: bool) -> Any:
        items = self._items(node, scope, at, target, lenient)
        if items is None or items is UNSET or items is _BAD:
            return items
        result = []
        for index, item in enumerate(items):
            here = (*_place(node.items, at), index)
            inner = self._attempt(here, (*target, index), item, opened, item)
            if inner is not _BAD:
                result.append(self._fields(node.fields, inner, here, (*target, index)))
        return result

    def _nested(self, node: Nested, scope: Any, at: _Place, target: _Place, lenient: bool) -> Any:
        if node.base is None:
            return self._fields(node.fields, scope, at, target)
        value = self._rule(node.base, scope, at, target, lenient)
        if value is None or value is UNSET or value is _BAD:
            return value
        base = _place(node.base, at)
        inner = self._attempt(base, target, value, opened, value)
        return inner if inner is _BAD else self._fields(node.fields, inner, base, target)


def _place(rule: Rule, at: _Place) -> _Place:
    """Where in the record a rule's value comes from: its path, or the first path below it."""
    node = rule.node
    if isinstance(node, Read):
        return (*at, *node.path.segments)
    if isinstance(node, Operator | Coalesce):
        return next((place for operand in node.operands if (place := _place(operand, at)) != at), at)
    if isinstance(node, Aggregate | Each):
        return _place(node.items, at)
    if isinstance(node, Nested) and node.base is not None:
        return _place(node.base, at)
    return at


def _words(problem: Exception) -> str:
    try:
        return excerpt(str(problem))
    except Exception:  # noqa: BLE001 - an exception whose text cannot be had is told by its type alone
        return "no message"
