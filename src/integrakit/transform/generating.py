"""The fast pass: turns the rules of a mapping into the source of one Python function, much as a person would write it by hand.

The function gives the mapped record, or raises *anything* for a record it does not like; `careful` then decides what is wrong, or right after all. So
every branch here either agrees with the careful pass or raises. What a node becomes is the node's own; conversions are in `inlining`.

Nothing of a mapping enters the source but through ``repr`` of a ``str`` or as a numbered constant (``k0``): a mapping file cannot bring code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from attrs import Factory, define, frozen

from integrakit.transform.containers import item_or_missing, listed, listed_or_empty, opened, opened_or_empty
from integrakit.transform.conversions import Conversion
from integrakit.transform.inlining import write_conversion
from integrakit.transform.lookups import Lookup, look_up
from integrakit.transform.misfit import Misfit
from integrakit.transform.paths import Path, Segment
from integrakit.transform.rules import Constant, Field, Rule, Step, reads
from integrakit.transform.writer import SourceWriter
from integrakit.unset import UNSET

__all__ = ["Generator", "Scope", "Value", "generate"]


@frozen
class Value:
    """A variable of the generated code, and what it may hold besides a value of its type."""

    name: str
    missing: bool = False
    null: bool = True
    #: True: certainly a Decimal (finite once the expression is done).
    number: bool = False

    def present(self) -> str:
        """The condition under which there is something to work on; empty when there always is."""
        return " and ".join([f"{self.name} is not None"] * self.null + [f"{self.name} is not UNSET"] * self.missing)


@define
class Scope:
    """An object or list item that paths start from, and the containers along them that are already open: (prefix, kind) → variable."""

    item: str
    containers: dict[tuple[tuple[Segment, ...], type], str] = Factory(dict)


def generate(fields: tuple[Field, ...]) -> tuple[str, dict[str, Any]]:
    """The source of ``def mapped(record)``, and the names it needs."""
    return Generator().function(fields)


class Generator:
    """One function in the making. Nodes write their lines through `out` and these methods."""

    def __init__(self) -> None:
        names = {
            "Decimal": Decimal,
            "fromisoformat": datetime.fromisoformat,
            "Misfit": Misfit,
            "UNSET": UNSET,
            "ZERO": Decimal(0),
            "item_or_missing": item_or_missing,
            "listed": listed,
            "listed_or_empty": listed_or_empty,
            "look_up": look_up,
            "opened": opened,
            "opened_or_empty": opened_or_empty,
        }
        self.out = SourceWriter(names)

    def function(self, fields: tuple[Field, ...]) -> tuple[str, dict[str, Any]]:
        with self.out.block("def mapped(record):"):
            paths = (read for field in fields for read in reads(field.rule, field.optional))
            scope = self.open_scope("record", paths, must_be_object=True)
            self.out.line(f"return {self.object(fields, scope)}")
        return self.out.text(), self.out.globals

    # ---------------------------------------------------------------- objects

    def object(self, fields: tuple[Field, ...], scope: Scope) -> str:
        """Emits every field; returns the expression (or the variable) that is the object."""
        certain: list[str] = []
        result = ""
        for field in fields:
            self.out.line(f"# {field.name!r}")
            value = self.rule(field.rule, scope, field.optional)
            if not value.missing and not result:
                certain.append(f"{field.name!r}: {value.name}")
                continue
            if not result:
                result = self.out.name("r")
                self.out.line(f"{result} = {{{', '.join(certain)}}}")
            if value.missing:
                with self.out.block(f"if {value.name} is not UNSET:"):
                    self.out.line(f"{result}[{field.name!r}] = {value.name}")
            else:
                self.out.line(f"{result}[{field.name!r}] = {value.name}")
        return result or f"{{{', '.join(certain)}}}"

    def open_scope(self, item: str, paths: Iterable[tuple[Path, bool]], *, must_be_object: bool = False) -> Scope:
        """Opens every container that a path of this scope goes through, once, outermost first."""
        lenient: dict[tuple[tuple[Segment, ...], type], bool] = {((), str): False} if must_be_object else {}
        for path, allowed in paths:
            for depth, segment in enumerate(path.segments):
                key = (path.segments[:depth], type(segment))
                lenient[key] = lenient.get(key, True) and allowed
        scope = Scope(item)
        for (prefix, kind), allowed in sorted(lenient.items(), key=lambda entry: len(entry[0][0])):
            name, plain, opener = self.out.name("o"), "dict" if kind is str else "list", "opened" if kind is str else "listed"
            self.out.line(f"{name} = {self.fetch(scope, prefix, allowed)}")
            with self.out.block(f"if type({name}) is not {plain}:"):
                self.out.line(f"{name} = {opener}{'_or_empty' if allowed else ''}({name})")
            scope.containers[prefix, kind] = name
        return scope

    @staticmethod
    def fetch(scope: Scope, segments: tuple[Segment, ...], lenient: bool) -> str:
        """The expression that reads a path; every container on the way is open."""
        if not segments:
            return scope.item
        last = segments[-1]
        container = scope.containers[segments[:-1], type(last)]
        if not lenient:
            return f"{container}[{last!r}]"
        return f"{container}.get({last!r}, UNSET)" if isinstance(last, str) else f"item_or_missing({container}, {last!r})"

    # ---------------------------------------------------------------- for nodes

    def value(self, name: str, *, missing: bool = False, null: bool = True, number: bool = False) -> Value:
        return Value(name, missing=missing, null=null, number=number)

    def assigned(self, expression: str, *, missing: bool = False, null: bool = True) -> Value:
        """A new variable that holds the expression."""
        name = self.out.name()
        self.out.line(f"{name} = {expression}")
        return Value(name, missing=missing, null=null)

    def fresh(self, constant: Constant) -> str:
        """The expression of a constant; a list or dict is a new one each time."""
        if isinstance(constant.value, list | dict):
            return f"{self.out.constant(constant.fresh)}()"
        return self.out.constant(constant.value)

    def must_be_list(self, name: str) -> None:
        with self.out.block(f"if type({name}) is not list:"):
            self.out.line(f"{name} = listed({name})")

    def finite(self, value: Value) -> Value:
        """NaN and infinity pass through arithmetic without a word: one look at the result finds them."""
        self.out.give_up_if(" and ".join([f"{value.name} is not UNSET"] * value.missing + [f"not {value.name}.is_finite()"]))
        return value

    def operand(self, rule: Rule, scope: Scope, lenient: bool, take: Callable[[Any], Any], unlike: str, *, number: bool = False) -> Value:
        """An operand after ``take``, called only where ``unlike``, a condition on the variable {0}, holds. ``number``: it gives numbers."""
        if isinstance(rule.node, Constant) and rule.plain and rule.default is None:
            return Value(self.out.constant(take(rule.node.value)), null=False)
        value = self.rule(rule, scope, lenient)
        if not (value.number and number):
            condition = unlike.format(value.name) + f" and {value.name} is not UNSET" * value.missing
            with self.out.block(f"if {condition}:"):
                self.out.line(f"{value.name} = {self.out.constant(take, take.__name__)}({value.name})")
        return Value(value.name, missing=value.missing, null=False)

    def combined(self, values: list[Value], write: Callable[[str], None], *, number: bool = True) -> Value:
        """Emits ``write(result)`` where every operand is there; the result is missing where one is."""
        result = self.out.name()
        missing = [value.name for value in values if value.missing]
        if missing:
            self.out.line(f"{result} = UNSET")
            with self.out.block(f"if {' and '.join(f'{name} is not UNSET' for name in missing)}:"):
                write(result)
        else:
            write(result)
        return Value(result, missing=bool(missing), null=False, number=number)

    # ---------------------------------------------------------------- rules

    def rule(self, rule: Rule, scope: Scope, lenient: bool) -> Value:
        """Writes the lines of a rule; returns the variable its value is in."""
        if rule.when is None:
            return self._rule(rule, scope, lenient)
        result = self.out.name()
        self.out.line(f"{result} = {'UNSET' if rule.default is None else self.fresh(rule.default)}")
        with self.out.block(f"if {rule.when.generate(self, scope)}:"):
            value = self._rule(rule, scope, lenient)
            self.out.line(f"{result} = {value.name}")
        null = value.null or (rule.default is not None and rule.default.value is None)
        return Value(result, missing=value.missing or rule.default is None, null=null)

    def _rule(self, rule: Rule, scope: Scope, lenient: bool) -> Value:
        value = rule.node.generate(self, scope, lenient or rule.default is not None)
        for step in _portions(rule):
            value = self._portion(step, value, rule, scope)
        if rule.default is not None:
            unwanted = [f"{value.name} is UNSET"] * value.missing + [f"{value.name} is None"] * (value.null and not rule.nullable)
            if unwanted:
                with self.out.block(f"if {' or '.join(unwanted)}:"):
                    self.out.line(f"{value.name} = {self.fresh(rule.default)}")
            return Value(value.name, null=rule.nullable and (value.null or rule.default.value is None))
        if value.missing and not lenient:
            self.out.give_up_if(f"{value.name} is UNSET")
            value = Value(value.name, null=value.null, number=value.number)
        if value.null and not rule.nullable:
            self.out.give_up_if(f"{value.name} is None")
            value = Value(value.name, missing=value.missing, number=value.number)
        return value

    def _portion(self, portion: list[Step] | Step | Lookup | Conversion, value: Value, rule: Rule, scope: Scope) -> Value:
        name = value.name
        if isinstance(portion, list):
            with self.out.block(f"if type({name}) is str:"):
                self.out.line(f"{name} = {name}{''.join(f'.{step.method}()' for step in portion)}")
            with self.out.block(f"elif {value.present()}:" if value.present() else "else:"):
                self.out.line("raise Misfit")
            return value
        with self.out.when(value.present()):
            if isinstance(portion, Step):
                self.out.line(f"{name} = {self.out.constant(portion.function, 'function')}({name})")
            elif isinstance(portion, Lookup):
                self._look_up(portion, name, scope)
            elif rule.beside is not None:
                beside = self.rule(rule.beside, scope, False)
                self.out.line(f"{name} = {self.out.constant(portion.convert, 'to_' + portion.to)}({name}, {beside.name})")
            else:
                write_conversion(self.out, portion, name, number=value.number)
        own = isinstance(portion, Step)
        unknown = own or isinstance(portion, Lookup)
        number = isinstance(portion, Conversion) and portion.to == "decimal" and not value.null and not value.missing
        return Value(name, missing=value.missing or own, null=value.null or unknown, number=number)

    def _look_up(self, lookup: Lookup, name: str, scope: Scope) -> None:
        constant = self.out.constant(lookup, "lookup")
        if lookup.at is not None:
            at = self.rule(lookup.at, scope, False)
            self.out.line(f"{name} = look_up({constant}, {name}, {at.name})")
        elif lookup.table.plain is None:
            self.out.line(f"{name} = look_up({constant}, {name})")
        else:
            table = self.out.constant(dict(lookup.table.plain), "table")
            with self.out.block(f"if type({name}) is str and {name} in {table}:"):
                self.out.line(f"{name} = {table}[{name}]")
            with self.out.block("else:"):
                self.out.line(f"{name} = look_up({constant}, {name})")


def _portions(rule: Rule) -> Iterator[list[Step] | Step | Lookup | Conversion]:
    methods: list[Step] = []
    for step in rule.apply:
        if step.method:
            methods.append(step)
            continue
        if methods:
            yield methods
            methods = []
        yield step
    if methods:
        yield methods
    if rule.lookup is not None:
        yield rule.lookup
    if rule.conversion is not None:
        yield rule.conversion
