"""The fast pass: turns the rules of a mapping into the source of one Python function, much as a person would write it by hand.

The function gives the mapped record, or raises *anything* for a record it does not like; `careful` then decides what is wrong, or right after all. So
every branch here either agrees with the careful pass or raises. What a node becomes is the node's own; conversions are in `inlining`.

Nothing of a mapping enters the source but through ``repr`` of a ``str`` or as a numbered constant (``k0``): a mapping file cannot bring code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal, getcontext, setcontext
from typing import Any

from attrs import Factory, define, evolve, frozen

from integrakit.transform.containers import as_record, item_or_missing, listed, listed_or_empty, opened, opened_or_empty
from integrakit.transform.conversions import Conversion
from integrakit.transform.exact import exact_context
from integrakit.transform.inlining import write_conversion
from integrakit.transform.lookups import Lookup, look_up, search
from integrakit.transform.misfit import Misfit
from integrakit.transform.paths import Path, Segment, last_key
from integrakit.transform.rules import Constant, Field, Rule, Step, reads
from integrakit.transform.writer import SourceWriter
from integrakit.unset import UNSET

__all__ = ["Generator", "Scope", "Value", "generate"]

_BOUND = ("type", "dict", "str", "Decimal", "UNSET")


@frozen
class Value:
    """A variable of the generated code, and what it may hold besides a value of its type."""

    name: str
    missing: bool = False
    null: bool = True
    #: True: certainly a Decimal (finite once the expression is done).
    number: bool = False
    #: True: UNSET where it may not be missing: to be looked for before the value is handed on, unless what is done with it raises for UNSET.
    doubtful: bool = False

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
            "as_record": as_record,
            "datetime": datetime,
            "getcontext": getcontext,
            "setcontext": setcontext,
            "fromisoformat": datetime.fromisoformat,
            "Misfit": Misfit,
            "UNSET": UNSET,
            "ZERO": Decimal(0),
            "item_or_missing": item_or_missing,
            "listed": listed,
            "listed_or_empty": listed_or_empty,
            "look_up": look_up,
            "search": search,
            "opened": opened,
            "opened_or_empty": opened_or_empty,
        }
        self.out = SourceWriter(names)
        #: The counter of a list's items and what it worked out for them, by the id of the node that asks.
        self.turns: dict[int, tuple[str, str]] = {}
        self._record = Scope("record")
        self._later: Callable[[str], None] = self.out.line
        # What results are named after: the field that is being written.
        self._field = ""

    def function(self, fields: tuple[Field, ...]) -> tuple[str, dict[str, Any]]:
        self.out.line("# What is looked at most is bound as defaults: a local name is read faster than a global one.")
        with self.out.block(f"def mapped(record, {', '.join(f'{name}={name}' for name in _BOUND)}):"):
            paths = (read for field in fields for read in reads(field.rule, field.optional))
            scope = self._record = self.open_scope("record", paths, must_be_object=True)
            self._later = self.out.gap()
            self.out.line(f"return {self.object(fields, scope)}")
        return self.out.text(), self.out.globals

    # ---------------------------------------------------------------- objects

    def object(self, fields: tuple[Field, ...], scope: Scope) -> str:
        """Writes every field; returns the expression that is the object, for a statement that follows at once."""
        around, entries, absent, doubtful = self._field, [], [], []
        for field in fields:
            self.out.line(f"# {field.name!r}")
            self._field = field.name
            value = self.rule(field.rule, scope, field.optional, doubtful=True)
            entries.append((f"{field.name!r}: {value.name}", value))
            doubtful += [f"{value.name} is UNSET"] * value.doubtful
            absent += [(field.name, value)] * value.missing
        self._field = around
        if doubtful:
            self.out.give_up_if(" or ".join(doubtful))
        if not absent:
            return self.out.display([entry for entry, _ in entries])
        result = self.out.name("r", around)
        # A key that is taken out again leaves its room in the dict: where most may be missing they are put in one by one.
        first = len(entries) if 2 * len(absent) <= len(entries) else next(index for index, (_, value) in enumerate(entries) if value.missing)
        self.out.line(f"{result} = {self.out.display([entry for entry, _ in entries[:first]])}")
        for name, value in absent if first == len(entries) else ():
            with self.out.block(f"if {value.name} is UNSET:"):
                self.out.line(f"del {result}[{name!r}]")
        for field, (_, value) in list(zip(fields, entries, strict=True))[first:]:
            with self.out.when(f"{value.name} is not UNSET" * value.missing):
                self.out.line(f"{result}[{field.name!r}] = {value.name}")
        return result

    def open_scope(self, item: str, paths: Iterable[tuple[Path, bool]], *, must_be_object: bool = False) -> Scope:
        """Opens every container that a path of this scope goes through, once, outermost first."""
        lenient: dict[tuple[tuple[Segment, ...], type], bool] = {((), str): False} if must_be_object else {}
        for path, allowed in paths:
            if path.root:  # opened with the record, by `read`
                continue
            for depth, segment in enumerate(path.segments):
                key = (path.segments[:depth], type(segment))
                lenient[key] = lenient.get(key, True) and allowed
        scope = Scope(item)
        for key, allowed in sorted(lenient.items(), key=lambda entry: len(entry[0][0])):
            self._open(scope, key, allowed, self.out.line, item if must_be_object and not key[0] else "")
        if must_be_object:
            scope.item = scope.containers[(), str]
        return scope

    def _open(self, scope: Scope, key: tuple[tuple[Segment, ...], type], lenient: bool, write: Callable[[str], None], name: str = "") -> None:
        """Writes the lines that open a container. ``name``: of the variable that holds it already, and may be written to."""
        plain, opener = ("dict", "opened") if key[1] is str else ("list", "listed")
        if not name:
            name = self.out.name("o", last_key(key[0]))
            write(f"{name} = {self.fetch(scope, key[0], lenient)}")
        write(f"if type({name}) is not {plain}:")
        write(f"    {name} = {opener}{'_or_empty' * lenient}({'as_record(record)' if name == 'record' else name})")
        scope.containers[key] = name

    def read(self, scope: Scope, path: Path, lenient: bool) -> str:
        """The expression that reads a path of this scope, or of the record."""
        if not path.root:
            return self.fetch(scope, path.segments, lenient)
        for depth, segment in enumerate(path.segments):
            key = (path.segments[:depth], type(segment))
            if key not in self._record.containers:
                self._open(self._record, key, True, self._later)
        return self.fetch(self._record, path.segments, lenient)

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

    def result(self) -> str:
        """A new variable, named after the field that is being written."""
        return self.out.name(after=self._field)

    def assigned(self, expression: str, *, missing: bool = False, null: bool = True, doubtful: bool = False, after: str = "") -> Value:
        """A new variable that holds the expression, named ``after`` something, or after the field."""
        name = self.out.name(after=after or self._field)
        self.out.line(f"{name} = {expression}")
        return Value(name, missing=missing, null=null, doubtful=doubtful)

    @contextmanager
    def exactly(self) -> Iterator[None]:
        """What follows computes with plain operators, as exactly as the careful pass. No code that is not ours may run there."""
        self.out.line("calling = getcontext()")
        self.out.line(f"setcontext({self.out.shared('exact', 'exact', exact_context)})")
        with self.out.block("try:"):
            yield
        with self.out.block("finally:"):
            self.out.line("setcontext(calling)")

    def fresh(self, constant: Constant) -> str:
        """The expression of a constant; a list or dict is a new one each time."""
        if isinstance(constant.value, list | dict):
            return f"{self.out.constant(constant.fresh)}()"
        return self.out.literal(constant.value)

    def must_be_list(self, name: str) -> None:
        with self.out.block(f"if type({name}) is not list:"):
            self.out.line(f"{name} = listed({name})")

    def finite(self, value: Value) -> Value:
        """NaN and infinity pass through arithmetic without a word: one look at the result finds them."""
        self.out.give_up_if(" and ".join([f"{value.name} is not UNSET"] * value.missing + [f"not {value.name}.is_finite()"]))
        return value

    def operand(self, rule: Rule, scope: Scope, lenient: bool, take: Callable[[Any], Any], unlike: str, *, number: bool = False) -> Value:
        """An operand after ``take``, which raises for UNSET and is called only where ``unlike``, a condition on the variable {0}, holds.

        ``number``: it gives numbers.
        """
        if isinstance(rule.node, Constant) and rule.plain and rule.default is None:
            constant = take(rule.node.value)
            return Value(self.out.literal(Decimal(constant) if number else constant), null=False)
        value = self.rule(rule, scope, lenient, doubtful=True)
        if value.number and number:
            self._sure(value)
        else:
            condition = unlike.format(value.name) + f" and {value.name} is not UNSET" * value.missing
            with self.out.block(f"if {condition}:"):
                self.out.line(f"{value.name} = {self.out.constant(take, take.__name__)}({value.name})")
        return Value(value.name, missing=value.missing, null=False)

    def combined(self, values: list[Value], write: Callable[[str], None], *, number: bool = True) -> Value:
        """Emits ``write(result)`` where every operand is there; the result is missing where one is."""
        result = self.result()
        missing = [value.name for value in values if value.missing]
        if missing:
            self.out.line(f"{result} = UNSET")
            with self.out.block(f"if {' and '.join(f'{name} is not UNSET' for name in missing)}:"):
                write(result)
        else:
            write(result)
        return Value(result, missing=bool(missing), null=False, number=number)

    # ---------------------------------------------------------------- rules

    def rule(self, rule: Rule, scope: Scope, lenient: bool, *, doubtful: bool = False) -> Value:
        """Writes the lines of a rule; returns the variable its value is in. ``doubtful``: the caller looks at `Value.doubtful`."""
        if rule.when is None:
            return self._rule(rule, scope, lenient, doubtful)
        result = self.result()
        self.out.line(f"{result} = {'UNSET' if rule.default is None else self.fresh(rule.default)}")
        with self.out.block(f"if {rule.when.generate(self, scope)}:"):
            value = self._rule(rule, scope, lenient, False)
            self.out.line(f"{result} = {value.name}")
        null = value.null or (rule.default is not None and rule.default.value is None)
        return Value(result, missing=value.missing or rule.default is None, null=null)

    def _rule(self, rule: Rule, scope: Scope, lenient: bool, doubtful: bool) -> Value:
        value = rule.node.generate(self, scope, lenient or rule.default is not None)
        for step in _portions(rule):
            value = self._portion(step, value, rule, scope)
        if rule.default is not None:
            unwanted = [f"{value.name} is UNSET"] * value.missing + [f"{value.name} is None"] * (value.null and not rule.nullable)
            if unwanted:
                with self.out.block(f"if {' or '.join(unwanted)}:"):
                    self.out.line(f"{value.name} = {self.fresh(rule.default)}")
            return Value(value.name, null=(rule.nullable and value.null) or rule.default.value is None)
        if value.missing and not lenient:
            value = evolve(value, missing=False, doubtful=True)
        unwanted = [f"{value.name} is UNSET"] * (value.doubtful and not doubtful) + [f"{value.name} is None"] * (value.null and not rule.nullable)
        if unwanted:
            self.out.give_up_if(" or ".join(unwanted))
        return evolve(value, null=value.null and rule.nullable, doubtful=value.doubtful and doubtful)

    def _sure(self, value: Value) -> Value:
        if value.doubtful:
            self.out.give_up_if(f"{value.name} is UNSET")
        return evolve(value, doubtful=False)

    def _portion(self, portion: list[Step] | Step | Lookup | Conversion, value: Value, rule: Rule, scope: Scope) -> Value:
        name = value.name
        if isinstance(portion, list):
            with self.out.block(f"if type({name}) is str:"):
                self.out.line(f"{name} = {name}{''.join(f'.{step.method}()' for step in portion)}")
            with self.out.block(f"elif {value.present()}:" if value.present() else "else:"):
                self.out.line("raise Misfit")
            return evolve(value, doubtful=False)
        if isinstance(portion, Conversion) and rule.beside is None and write_conversion(self.out, portion, value):
            return Value(name, missing=value.missing, null=value.null, number=portion.to == "decimal" and not value.null and not value.missing)
        if isinstance(portion, Lookup):
            self._look_up(portion, value, scope)
            return Value(name, missing=value.missing)
        value = self._sure(value)
        with self.out.when(value.present()):
            if isinstance(portion, Step):
                self.out.line(f"{name} = {self.out.constant(portion.function, 'function')}({name})")
            else:
                beside = [name] if rule.beside is None else [name, self.rule(rule.beside, scope, False).name]
                self.out.line(f"{name} = {self.out.constant(portion.convert, 'to_' + portion.to)}({', '.join(beside)})")
        own = isinstance(portion, Step)
        return Value(name, missing=value.missing or own, null=value.null or own)

    def _look_up(self, lookup: Lookup, value: Value, scope: Scope) -> None:
        name, arguments = value.name, f"{self.out.constant(lookup, 'lookup')}, {value.name}"
        if lookup.at is not None or lookup.table.plain is None:
            with self.out.when(self._sure(value).present()):
                beside = [] if lookup.at is None else [self.rule(lookup.at, scope, False).name]
                self._search(lookup, name, ", ".join([arguments, *beside]), scope)
            return
        table = self.out.constant(lookup.table.plain, "table")
        with self.out.block(f"if type({name}) is str and {name} in {table}:"):
            self.out.line(f"{name} = {table}[{name}]")
        if value.doubtful:
            with self.out.block(f"elif {name} is UNSET:"):
                self.out.line("raise Misfit")
        with self.out.block(f"elif {value.present()}:" if value.present() else "else:"):
            self._search(lookup, name, arguments, scope)

    def _search(self, lookup: Lookup, name: str, arguments: str, scope: Scope) -> None:
        if not isinstance(lookup.otherwise, Rule):
            self.out.line(f"{name} = look_up({arguments})")
            return
        self.out.line(f"{name} = search({arguments})")
        with self.out.block(f"if {name} is UNSET:"):
            self.out.line(f"{name} = {self.rule(lookup.otherwise, scope, False).name}")


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
