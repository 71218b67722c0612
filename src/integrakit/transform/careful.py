"""The careful pass: walks the rules over one record and notes everything that is wrong with it.

It runs only when the generated code gave up on a record, and for coverage. It decides: what it returns is the answer, what it notes are the errors.
It goes on after an error, so that one message names every bad field. Nothing here needs to be fast. What a node means is the node's own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from integrakit.model import FieldError
from integrakit.transform.containers import as_record, item_or_missing, listed, opened
from integrakit.transform.exact import EXACT_DIGITS
from integrakit.transform.key_hints import KeyHints, lookup_hint
from integrakit.transform.lookups import Lookup, day_of
from integrakit.transform.misfit import Misfit, excerpt, kind_name
from integrakit.transform.paths import Path, render
from integrakit.transform.rules import Field, Node, Place, Rule, place
from integrakit.unset import UNSET

if TYPE_CHECKING:
    from integrakit.transform.nodes.shares import Turn

__all__ = ["BAD", "MOST_ERRORS", "CarefulPass", "Frame"]

#: A record with a million bad lines must not become a million errors.
MOST_ERRORS = 1000
# Beyond this many nobody reads what may have been meant, and looking through a table takes its time.
_MOST_HINTS = 100
_MOST_ALIKE = 16

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

    def item(self, scope: Any, at: Place) -> Frame:
        """The same, for an item of which nothing may be missing."""
        return Frame(scope, at, self.target, False)


class CarefulPass:
    """One record, once: call `run`, then read `errors`."""

    def __init__(self, words: Callable[[Field], str] | None = None) -> None:
        """``words`` puts a field's rule into words, for its errors."""
        self._words = words
        # By the id of a field: a record with a thousand bad lines asks for the same words a thousand times.
        self._said: dict[int, str] = {}
        self.errors: list[FieldError] = []
        #: Errors of fields that became null instead.
        self.nulled: list[FieldError] = []
        #: Errors beyond `MOST_ERRORS`.
        self.more = 0
        #: The first exception of a user's function, or of a value with a mind of its own.
        self.cause: Exception | None = None
        #: (lookup, value) → how often it was not in the table, whatever ``otherwise`` says.
        self.missed: Counter[tuple[str, str]] = Counter()
        #: (lookup, entry) of all that was found in a table whose entries are known.
        self.found: set[tuple[str, Any]] = set()
        #: The whole record, from which paths with ``$`` start.
        self.record: Any = UNSET

        #: What stands in for a place that only a node knows, such as the rows of a group → the place in the record.
        self.moved: dict[Place, Place] = {}
        # Where the value of a node was taken that takes one of several, by the node's id: where the node was read, and the place.
        self._taken: dict[int, tuple[Place, Place]] = {}
        self._hints = KeyHints()
        #: The turn that a list takes with its items, by the id of the node that asks.
        self.turns: dict[int, Turn] = {}

    def run(self, fields: tuple[Field, ...], record: Any) -> dict[str, Any]:
        """The mapped record; worth nothing when there are `errors`."""
        scope = self.attempt((), (), record, lambda: opened(as_record(record)))
        self.record = scope
        return {} if scope is BAD else self.fields(fields, scope, (), ())

    # ---------------------------------------------------------------- for nodes

    def note(self, at: Place, target: Place, value: Any, reason: str) -> Any:
        """Notes an error and returns `BAD`."""
        if len(self.errors) < MOST_ERRORS:
            error = FieldError(render(self.real(at)), reason, kind_name(value), render(target))
            if error not in self.errors[-_MOST_ALIKE:]:  # as of two operands below the same text, where an object should be
                self.errors.append(error)
        else:
            self.more += 1
        return BAD

    def note_again(self, errors: list[FieldError]) -> None:
        """Notes errors that were noted for another item, unless they still stand."""
        # Since then they may have been told their rule.
        if not any((error.path, error.target, error.reason) == (noted.path, noted.target, noted.reason) for error in errors for noted in self.errors):
            self.errors += errors[: MOST_ERRORS - len(self.errors)]
            self.more += not errors

    def took(self, node: Node, at: Place, taken: Place) -> None:
        """What the node gave, read at ``at``, stands at ``taken``: for `place`, until it is read again."""
        self._taken[id(node)] = at, taken

    def place(self, rule: Rule, at: Place) -> Place:
        """As `rules.place`, and of the operand that was taken where the rule takes one of several. To be asked after the rule was read."""
        known = self._taken.get(id(rule.node))
        return known[1] if known is not None and known[0] == at else place(rule, at)

    def real(self, at: Place) -> Place:
        """The place in the record that a place stands in for."""
        for depth in range(len(at), 0, -1):
            if at[:depth] in self.moved:
                return self.real(self.moved[at[:depth]] + at[depth:])
        return at

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
            return self.note(at, target, value, f"{name or 'reading it'} failed on {excerpt(value)}: {kind_name(problem)}: {_words(problem)}")

    def read(self, path: Path, frame: Frame) -> Any:
        """What stands at a path, or UNSET, or `BAD`."""
        value, start = (self.record, ()) if path.root else (frame.scope, frame.at)
        for depth, segment in enumerate(path.segments):
            here = (*start, *path.segments[:depth])
            if value is None or value is UNSET:
                reason = f"is missing, because {render(self.real(here))} is {'null' if value is None else 'missing'}"
                return UNSET if frame.lenient else self.note(path.below(start), frame.target, UNSET, reason)
            container = self.attempt(here, frame.target, value, opened if isinstance(segment, str) else listed, value)
            if container is BAD:
                return BAD
            value = self.attempt(here, frame.target, value, _entry, container, segment)  # keys may be objects with an `==` of their own
            if value is BAD:
                return BAD
            if value is UNSET:
                if frame.lenient or len(self.errors) >= MOST_ERRORS:
                    return UNSET if frame.lenient else self.note((*here, segment), frame.target, UNSET, "is missing")
                around = self.record if here and not depth and not path.root else None
                return self.note((*here, segment), frame.target, UNSET, f"is missing{self._hints.of(segment, container, around)}")
        return value

    def items(self, rule: Rule, frame: Frame, *, nullable: bool = False) -> Any:
        """The list a rule gives, or UNSET, or `BAD`; None where ``nullable``."""
        items = self.rule(rule, frame)
        if items is UNSET or items is BAD or (items is None and nullable):
            return items
        return self.attempt(self.place(rule, frame.at), frame.target, items, listed, items)

    def fields(self, fields: tuple[Field, ...], scope: Any, at: Place, target: Place) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for field in fields:
            errors, more = len(self.errors), self.more
            frame = Frame(scope, at, (*target, field.name), field.optional)
            try:
                value = self.rule(field.rule, frame)
            except Exception as problem:  # noqa: BLE001 - a value with a mind of its own may fail wherever it is touched
                self.cause = self.cause or problem
                value = self.note(place(field.rule, at), frame.target, scope, f"reading it failed: {kind_name(problem)}: {_words(problem)}")
            if self._words is not None and len(self.errors) > errors:
                self._name_rule(field, errors)
            if field.null_on_error and (len(self.errors) > errors or self.more > more):
                self.nulled += self.errors[errors : errors + MOST_ERRORS - len(self.nulled)]
                del self.errors[errors:]
                self.more = more
                value = None
            if value is not UNSET:
                result[field.name] = value
        return result

    def _name_rule(self, field: Field, since: int) -> None:
        """Says which rule the errors from that one on belong to, where a field inside this one has not said it."""
        if id(field) not in self._said and self._words is not None:
            self._said[id(field)] = self._words(field)
        for index in range(since, len(self.errors)):
            if not self.errors[index].rule:
                self.errors[index] = evolve(self.errors[index], rule=self._said[id(field)])

    def rule(self, rule: Rule, frame: Frame) -> Any:
        """The value of a rule, or UNSET, or `BAD`."""
        if rule.when is not None:
            holds = rule.when.careful(self, frame)
            if holds is BAD:
                return BAD
            if not holds:
                return UNSET if rule.default is None else rule.default.fresh()
        value = rule.node.careful(self, rule, frame.leniently() if rule.default is not None else frame)
        at = self.place(rule, frame.at)
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
        day = None
        if lookup.at is not None:
            day = self.rule(lookup.at, frame.strictly())
            day = day if day is BAD else self.attempt(self.place(lookup.at, frame.at), frame.target, day, day_of, day)
            if day is BAD:
                return BAD
        found = self.attempt(at, frame.target, value, lookup.table.find, value, day, name=f"lookup {lookup.name!r}")
        if found is not UNSET:
            if found is not BAD and (entry := lookup.table.identify(value, day)) is not None:
                self.found.add((lookup.name, entry))
            return found
        self.missed[lookup.name, lookup.shown(value, day)] += 1
        if isinstance(lookup.otherwise, Rule):
            return self.rule(lookup.otherwise, frame.strictly())
        if lookup.otherwise == "error" and len(self.errors) < _MOST_HINTS:
            return self.attempt(at, frame.target, value, _missed, lookup, value, day)
        return self.attempt(at, frame.target, value, lookup.instead, value, day)


def _missed(lookup: Lookup, value: Any, day: date | None) -> Any:
    try:
        return lookup.instead(value, day)
    except Misfit as problem:
        raise Misfit(f"{problem}{lookup_hint(lookup, value)}") from problem


def _entry(container: Any, segment: str | int) -> Any:
    return container.get(segment, UNSET) if isinstance(segment, str) else item_or_missing(container, segment)


def _words(problem: Exception) -> str:
    try:
        return excerpt(str(problem))
    except Exception:  # noqa: BLE001 - an exception whose text cannot be had is told by its type alone
        return "no message"
