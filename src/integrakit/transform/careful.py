"""The careful pass: walks the rules over one record and notes everything that is wrong with it.

It runs only when the generated code gave up on a record, and for coverage. It decides: what it returns is the answer, what it notes are the errors.
It goes on after an error, so that one message names every bad field. Nothing here needs to be fast. What a node means is the node's own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from attrs import evolve, frozen

from integrakit.model import FieldError
from integrakit.transform.containers import as_record, listed, opened
from integrakit.transform.exact import EXACT_DIGITS
from integrakit.transform.lookups import Lookup, look_up, lookup_key
from integrakit.transform.misfit import Misfit, excerpt
from integrakit.transform.paths import render
from integrakit.transform.rules import Field, Place, Rule, place
from integrakit.unset import UNSET

__all__ = ["BAD", "MOST_ERRORS", "CarefulPass", "Frame"]

#: A record with a million bad lines must not become a million errors.
MOST_ERRORS = 1000

#: The value of what failed and was noted: everything built on it fails too, silently.
BAD: Any = object()


@frozen
class Frame:
    """Where a rule is read: the object its paths start from, that one's place in the record, and in the target, and whether it may be missing."""

    scope: Any
    at: Place
    target: Place
    lenient: bool

    def leniently(self) -> Frame:
        return evolve(self, lenient=True)

    def strictly(self) -> Frame:
        return evolve(self, lenient=False)

    def within(self, scope: Any, at: Place) -> Frame:
        """The same, for an item or object below."""
        return evolve(self, scope=scope, at=at)


class CarefulPass:
    """One record, once: call `run`, then read `errors`."""

    def __init__(self) -> None:
        self.errors: list[FieldError] = []
        #: Errors of fields that became null instead.
        self.nulled: list[FieldError] = []
        #: Errors beyond `MOST_ERRORS`.
        self.more = 0
        #: The first exception of a user's function, or of a value with a mind of its own.
        self.cause: Exception | None = None
        #: (lookup, value) → how often it was not in the table, whatever ``otherwise`` says.
        self.missed: Counter[tuple[str, str]] = Counter()

    def run(self, fields: tuple[Field, ...], record: Any) -> dict[str, Any]:
        """The mapped record; worth nothing when there are `errors`."""
        scope = self.attempt((), (), record, lambda: opened(as_record(record)))
        return {} if scope is BAD else self.fields(fields, scope, (), ())

    # ---------------------------------------------------------------- for nodes

    def note(self, at: Place, target: Place, value: Any, reason: str) -> Any:
        """Notes an error and returns `BAD`."""
        if len(self.errors) < MOST_ERRORS:
            kind = "missing" if value is UNSET else "null" if value is None else type(value).__name__
            self.errors.append(FieldError(render(at), reason, kind, render(target)))
        else:
            self.more += 1
        return BAD

    def attempt(self, at: Place, target: Place, value: Any, function: Callable[..., Any], *arguments: Any, name: str = "") -> Any:
        """What the function gives, or `BAD` with a note of what it raised. ``name``: of a user's own function."""
        try:
            return function(*arguments)
        except Misfit as problem:
            return self.note(at, target, value, str(problem))
        except Exception as problem:  # noqa: BLE001 - whatever a user's function or a hostile object raises is this field's error
            if not name and isinstance(problem, ArithmeticError):  # our own operators, whose contexts refuse to round
                return self.note(at, target, value, f"the exact result has more than {EXACT_DIGITS} digits")
            self.cause = self.cause or problem
            return self.note(at, target, value, f"{name or 'reading it'} failed on {excerpt(value)}: {type(problem).__name__}: {_words(problem)}")

    def items(self, rule: Rule, frame: Frame, *, nullable: bool = False) -> Any:
        """The list a rule gives, or UNSET, or `BAD`; None where ``nullable``."""
        items = self.rule(rule, frame)
        if items is UNSET or items is BAD or (items is None and nullable):
            return items
        return self.attempt(place(rule, frame.at), frame.target, items, listed, items)

    def fields(self, fields: tuple[Field, ...], scope: Any, at: Place, target: Place) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for field in fields:
            errors, more = len(self.errors), self.more
            value = self.rule(field.rule, Frame(scope, at, (*target, field.name), field.optional))
            if field.null_on_error and (len(self.errors) > errors or self.more > more):
                self.nulled += self.errors[errors : errors + MOST_ERRORS - len(self.nulled)]
                del self.errors[errors:]
                self.more = more
                value = None
            if value is not UNSET:
                result[field.name] = value
        return result

    def rule(self, rule: Rule, frame: Frame) -> Any:
        """The value of a rule, or UNSET, or `BAD`."""
        if rule.when is not None:
            holds = rule.when.careful(self, frame)
            if holds is BAD:
                return BAD
            if not holds:
                return UNSET if rule.default is None else rule.default.fresh()
        value = rule.node.careful(self, rule, frame.leniently() if rule.default is not None else frame)
        at = place(rule, frame.at)
        if value is not UNSET and value is not None and value is not BAD:
            value = self._steps(rule, value, at, frame)
        if value is BAD or (value is not UNSET and (value is not None or rule.nullable)):
            return value
        if rule.default is not None:
            return rule.default.fresh()
        if value is None:
            return self.note(at, frame.target, None, "null is not allowed here")
        return UNSET if frame.lenient else self.note(at, frame.target, UNSET, "is missing")

    # ---------------------------------------------------------------- steps

    def _steps(self, rule: Rule, value: Any, at: Place, frame: Frame) -> Any:
        for step in rule.apply:
            value = self.attempt(at, frame.target, value, step.function, value, name=f"function {step.name!r}")
            if value is BAD or value is None or value is UNSET:
                return value
        if rule.lookup is not None:
            value = self._look_up(rule.lookup, value, at, frame)
        if rule.conversion is not None and value is not None and value is not BAD:
            value = self._convert(rule, value, at, frame)
        return value

    def _convert(self, rule: Rule, value: Any, at: Place, frame: Frame) -> Any:
        assert rule.conversion is not None
        if rule.beside is None:
            return self.attempt(at, frame.target, value, rule.conversion.convert, value)
        beside = self.rule(rule.beside, frame.strictly())
        return BAD if beside is BAD else self.attempt(at, frame.target, value, rule.conversion.convert, value, beside)

    def _look_up(self, lookup: Lookup, value: Any, at: Place, frame: Frame) -> Any:
        moment = None if lookup.at is None else self.rule(lookup.at, frame.strictly())
        if moment is BAD:
            return BAD
        key = self.attempt(at, frame.target, value, lookup_key, value)
        if key is BAD:
            return BAD
        found = self.attempt(at, frame.target, value, lookup.table.find, key, moment)
        if found is UNSET:
            self.missed[lookup.name, excerpt(value)] += 1
            return self.attempt(at, frame.target, value, look_up, lookup, value, moment)
        return found


def _words(problem: Exception) -> str:
    try:
        return excerpt(str(problem))
    except Exception:  # noqa: BLE001 - an exception whose text cannot be had is told by its type alone
        return "no message"
