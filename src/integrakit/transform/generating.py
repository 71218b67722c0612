"""The fast pass: turns the rules of a mapping into the source of one Python function, much as a person would write it by hand.

The function gives the mapped record, or raises *anything* for a record it does not like; `careful` then decides what is wrong, or right after all. So
every branch here either agrees with the careful pass or raises.

Nothing of a mapping enters the source but through ``repr`` of a ``str`` or as a numbered constant (``k0``): a mapping file cannot bring code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from attrs import Factory, define, frozen

from integrakit.transform.careful import look_up
from integrakit.transform.containers import item_or_missing, listed, listed_or_empty, opened, opened_or_empty
from integrakit.transform.conversions import Conversion
from integrakit.transform.exact import EXACT_DIGITS, rounder
from integrakit.transform.misfit import Misfit
from integrakit.transform.paths import Path, Segment
from integrakit.transform.rules import Aggregate, Coalesce, Constant, Each, Field, Lookup, Nested, Operator, Read, Rule, Step, reads
from integrakit.transform.times import LONGEST_TEXT
from integrakit.transform.writer import SourceWriter
from integrakit.unset import UNSET

__all__ = ["generate"]

_ARITHMETIC = ("add", "subtract", "multiply", "divide")


@frozen
class _Value:
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
class _Scope:
    """An object or list item that paths start from, and the containers along them that are already open: (prefix, kind) → variable."""

    item: str
    containers: dict[tuple[tuple[Segment, ...], type], str] = Factory(dict)


def generate(fields: tuple[Field, ...]) -> tuple[str, dict[str, Any]]:
    """The source of ``def mapped(record)``, and the names it needs."""
    return _Generator().function(fields)


class _Generator:
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
        self._out = SourceWriter(names)

    def function(self, fields: tuple[Field, ...]) -> tuple[str, dict[str, Any]]:
        with self._out.block("def mapped(record):"):
            scope = self._open_scope("record", _paths(fields), must_be_object=True)
            self._out.line(f"return {self._object(fields, scope)}")
        return self._out.text(), self._out.globals

    # ---------------------------------------------------------------- objects

    def _object(self, fields: tuple[Field, ...], scope: _Scope) -> str:
        """Emits every field; returns the expression (or the variable) that is the object."""
        certain: list[str] = []
        result = ""
        for field in fields:
            self._out.line(f"# {field.name!r}")
            value = self._rule(field.rule, scope, field.optional)
            if not value.missing and not result:
                certain.append(f"{field.name!r}: {value.name}")
                continue
            if not result:
                result = self._out.name("r")
                self._out.line(f"{result} = {{{', '.join(certain)}}}")
            if value.missing:
                with self._out.block(f"if {value.name} is not UNSET:"):
                    self._out.line(f"{result}[{field.name!r}] = {value.name}")
            else:
                self._out.line(f"{result}[{field.name!r}] = {value.name}")
        return result or f"{{{', '.join(certain)}}}"

    def _open_scope(self, item: str, paths: Iterable[tuple[Path, bool]], *, must_be_object: bool = False) -> _Scope:
        """Opens every container that a path of this scope goes through, once, outermost first."""
        lenient: dict[tuple[tuple[Segment, ...], type], bool] = {((), str): False} if must_be_object else {}
        for path, allowed in paths:
            for depth, segment in enumerate(path.segments):
                key = (path.segments[:depth], type(segment))
                lenient[key] = lenient.get(key, True) and allowed
        scope = _Scope(item)
        for (prefix, kind), allowed in sorted(lenient.items(), key=lambda entry: len(entry[0][0])):
            name, plain, opener = self._out.name("o"), "dict" if kind is str else "list", "opened" if kind is str else "listed"
            self._out.line(f"{name} = {self._fetch(scope, prefix, allowed)}")
            with self._out.block(f"if type({name}) is not {plain}:"):
                self._out.line(f"{name} = {opener}{'_or_empty' if allowed else ''}({name})")
            scope.containers[prefix, kind] = name
        return scope

    @staticmethod
    def _fetch(scope: _Scope, segments: tuple[Segment, ...], lenient: bool) -> str:
        if not segments:
            return scope.item
        last = segments[-1]
        container = scope.containers[segments[:-1], type(last)]
        if not lenient:
            return f"{container}[{last!r}]"
        return f"{container}.get({last!r}, UNSET)" if isinstance(last, str) else f"item_or_missing({container}, {last!r})"

    # ---------------------------------------------------------------- rules

    def _rule(self, rule: Rule, scope: _Scope, lenient: bool) -> _Value:
        value = self._node(rule, scope, lenient or rule.default is not None)
        for step in self._portions(rule):
            value = self._portion(step, value)
        if rule.default is not None:
            unwanted = [f"{value.name} is UNSET"] * value.missing + [f"{value.name} is None"] * (value.null and not rule.nullable)
            if unwanted:
                with self._out.block(f"if {' or '.join(unwanted)}:"):
                    self._out.line(f"{value.name} = {self._fresh(rule.default)}")
            return _Value(value.name, null=rule.nullable and (value.null or rule.default.value is None))
        if value.missing and not lenient:
            self._out.give_up_if(f"{value.name} is UNSET")
            value = _Value(value.name, null=value.null, number=value.number)
        if value.null and not rule.nullable:
            self._out.give_up_if(f"{value.name} is None")
            value = _Value(value.name, missing=value.missing, number=value.number)
        return value

    @staticmethod
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

    def _portion(self, portion: list[Step] | Step | Lookup | Conversion, value: _Value) -> _Value:
        name = value.name
        if isinstance(portion, list):
            with self._out.block(f"if type({name}) is str:"):
                self._out.line(f"{name} = {name}{''.join(f'.{step.method}()' for step in portion)}")
            with self._out.block(f"elif {value.present()}:" if value.present() else "else:"):
                self._out.line("raise Misfit")
            return value
        with self._out.when(value.present()):
            self._act(portion, value)
        own = isinstance(portion, Step)
        unknown = own or isinstance(portion, Lookup)
        number = isinstance(portion, Conversion) and portion.to == "decimal"
        return _Value(name, missing=value.missing or own, null=value.null or unknown, number=number and not value.null and not value.missing)

    def _act(self, portion: Step | Lookup | Conversion, value: _Value) -> None:
        name = value.name
        if isinstance(portion, Step):
            self._out.line(f"{name} = {self._out.constant(portion.function, 'function')}({name})")
        elif isinstance(portion, Lookup):
            table, lookup = self._out.constant(dict(portion.table), "table"), self._out.constant(portion, "lookup")
            with self._out.block(f"if type({name}) is str and {name} in {table}:"):
                self._out.line(f"{name} = {table}[{name}]")
            with self._out.block("else:"):
                self._out.line(f"{name} = look_up({lookup}, {name})")
        else:
            self._convert(portion, name, value.number)

    def _convert(self, conversion: Conversion, name: str, number: bool) -> None:
        """The common types of a value inline, everything else by the converter. Whatever raises here is looked at again by the careful pass."""
        kind = conversion.to
        call = f"{name} = {self._out.constant(conversion.convert, 'to_' + kind)}({name})"
        if kind == "decimal":
            self._convert_decimal(conversion, name, number, call)
            return
        unless = {"str": f"type({name}) is not str", "int": f"type({name}) is not int", "bool": f"{name} is not True and {name} is not False"}
        if kind == "str":
            with self._out.block(f"if type({name}) is int:"):
                self._out.line(f"{name} = str({name})")
        elif kind == "date":
            with self._out.block(f"if type({name}) is str and len({name}) <= {LONGEST_TEXT}:"):
                self._out.line(f"{name} = fromisoformat({name})")
        with self._out.when(unless.get(kind, "")):
            self._out.line(call)

    def _convert_decimal(self, conversion: Conversion, name: str, number: bool, call: str) -> None:
        quick = ""
        if conversion.scale is not None:
            quantize, unit = rounder(conversion.scale, conversion.rounding or "half-even")
            quick = f"{name} = {self._out.constant(quantize, 'quantize')}({name}, {self._out.constant(unit)})"
        if number:  # the result of arithmetic, known to be finite
            if quick:
                self._out.line(quick)
            return
        with self._out.block(f"if type({name}) is str and len({name}) <= {EXACT_DIGITS} and '_' not in {name} and {name}.isascii():"):
            self._out.line(f"{name} = Decimal({name})")
        with self._out.block(f"if type({name}) is not Decimal or not {name}.is_finite():"):
            self._out.line(call)
        if quick:
            with self._out.block("else:"):
                self._out.line(quick)

    def _fresh(self, constant: Constant) -> str:
        if isinstance(constant.value, list | dict):
            return f"{self._out.constant(constant.fresh)}()"
        return self._out.constant(constant.value)

    # ---------------------------------------------------------------- nodes

    def _node(self, rule: Rule, scope: _Scope, lenient: bool) -> _Value:
        node = rule.node
        name = self._out.name()
        if isinstance(node, Read):
            # The variable may be written to by later steps, so even the item itself gets one of its own.
            self._out.line(f"{name} = {self._fetch(scope, node.path.segments, lenient)}")
            if not lenient:
                self._out.give_up_if(f"{name} is UNSET")
            return _Value(name, missing=lenient)
        if isinstance(node, Constant):
            self._out.line(f"{name} = {self._fresh(node)}")
            return _Value(name, null=node.value is None)
        if isinstance(node, Operator):
            return self._text(node, scope, lenient) if node.name == "concat" else self._finite(self._arithmetic(node, scope, lenient))
        if isinstance(node, Coalesce):
            return self._coalesce(node, scope)
        if isinstance(node, Aggregate):
            return self._aggregate(node, scope, lenient)
        if isinstance(node, Each):
            return self._each(node, scope, lenient)
        return self._nested(node, scope, lenient)

    def _finite(self, value: _Value) -> _Value:
        """NaN and infinity pass through arithmetic without a word: one look at the result finds them."""
        self._out.give_up_if(" and ".join([f"{value.name} is not UNSET"] * value.missing + [f"not {value.name}.is_finite()"]))
        return value

    def _operand(self, rule: Rule, scope: _Scope, lenient: bool, take: Callable[[Any], Any], kinds: str) -> _Value:
        """An operand, made a number (or text) unless it is one already."""
        if isinstance(rule.node, Constant) and rule.plain and rule.default is None:
            return _Value(self._out.constant(take(rule.node.value)), null=False)
        if isinstance(rule.node, Operator) and rule.node.name in _ARITHMETIC and kinds == _NUMBERS and rule.plain and rule.default is None:
            return self._arithmetic(rule.node, scope, lenient)
        value = self._rule(rule, scope, lenient)
        if not (value.number and kinds == _NUMBERS):
            condition = kinds.format(value.name) + f" and {value.name} is not UNSET" * value.missing
            with self._out.block(f"if {condition}:"):
                self._out.line(f"{value.name} = {self._out.constant(take, take.__name__)}({value.name})")
        return _Value(value.name, missing=value.missing, null=False)

    def _combined(self, values: list[_Value], write: Callable[[str], None]) -> _Value:
        """Emits ``write(result)`` where every operand is there; the result is missing where one is."""
        result = self._out.name()
        missing = [value.name for value in values if value.missing]
        if missing:
            self._out.line(f"{result} = UNSET")
            with self._out.block(f"if {' and '.join(f'{name} is not UNSET' for name in missing)}:"):
                write(result)
        else:
            write(result)
        return _Value(result, missing=bool(missing), null=False, number=True)

    def _arithmetic(self, node: Operator, scope: _Scope, lenient: bool) -> _Value:
        values = [self._operand(operand, scope, lenient, node.take, _NUMBERS) for operand in node.operands]
        function = self._out.constant(node.combine, node.name)

        def write(result: str) -> None:
            left = values[0].name
            for value in values[1:]:
                self._out.line(f"{result} = {function}({left}, {value.name})")
                left = result

        return self._combined(values, write)

    def _text(self, node: Operator, scope: _Scope, lenient: bool) -> _Value:
        values = [self._operand(operand, scope, lenient, node.take, _TEXT) for operand in node.operands]
        text = self._combined(values, lambda result: self._out.line(f"{result} = ''.join(({', '.join(value.name for value in values)},))"))
        return _Value(text.name, missing=text.missing, null=False)

    def _coalesce(self, node: Coalesce, scope: _Scope) -> _Value:
        result = self._out.name()
        self._out.line(f"{result} = UNSET")
        for position, operand in enumerate(node.operands):
            if position == 0:
                first = self._rule(operand, scope, True)
                self._out.line(f"{result} = {first.name}")
                continue
            with self._out.block(f"if {result} is None or {result} is UNSET:"):
                value = self._rule(operand, scope, True)
                self._out.line(f"{result} = {value.name}" if not value.missing else f"{result} = {result} if {value.name} is UNSET else {value.name}")
        return _Value(result, missing=True)

    # ---------------------------------------------------------------- lists

    def _aggregate(self, node: Aggregate, scope: _Scope, lenient: bool) -> _Value:
        items = self._rule(node.items, scope, lenient)
        result = self._out.name()
        number = node.name == "sum"
        if items.missing:
            self._out.line(f"{result} = UNSET")
        with self._out.when(f"{items.name} is not UNSET" if items.missing else ""):
            value = self._over(node, items.name, result, lenient)
        value = _Value(result, missing=value.missing or items.missing, null=value.null, number=number)
        return self._finite(value) if number else value

    def _over(self, node: Aggregate, items: str, result: str, lenient: bool) -> _Value:
        with self._out.block(f"if type({items}) is not list:"):
            self._out.line(f"{items} = listed({items})")
        if node.name == "count":
            self._out.line(f"{result} = len({items})")
            return _Value(result, null=False)
        item = self._out.name("i")
        if node.name == "sum":
            self._out.line(f"{result} = ZERO")
            with self._out.block(f"for {item} in {items}:"):
                value = self._operand(node.of, self._open_scope(item, reads(node.of, False)), False, node.take, _NUMBERS)
                self._out.line(f"{result} = {self._out.constant(node.add, 'add')}({result}, {value.name})")
            return _Value(result, null=False)
        self._out.line(f"{result} = UNSET")
        with self._out.block(f"if {items}:"):
            self._out.line(f"{item} = {items}[{0 if node.name == 'first' else -1}]")
            value = self._rule(node.of, self._open_scope(item, reads(node.of, lenient)), lenient)
            self._out.line(f"{result} = {value.name}")
        return _Value(result, missing=True, null=value.null)

    def _each(self, node: Each, scope: _Scope, lenient: bool) -> _Value:
        items = self._rule(node.items, scope, lenient)
        result, item = self._out.name(), self._out.name("i")
        self._out.line(f"{result} = {items.name}")
        with self._out.when(items.present()):
            with self._out.block(f"if type({items.name}) is not list:"):
                self._out.line(f"{items.name} = listed({items.name})")
            self._out.line(f"{result} = []")
            with self._out.block(f"for {item} in {items.name}:"):
                inner = self._open_scope(item, _paths(node.fields), must_be_object=True)
                self._out.line(f"{result}.append({self._object(node.fields, inner)})")
        return _Value(result, missing=items.missing, null=items.null)

    def _nested(self, node: Nested, scope: _Scope, lenient: bool) -> _Value:
        result = self._out.name()
        if node.base is None:
            self._out.line(f"{result} = {self._object(node.fields, scope)}")
            return _Value(result, null=False)
        base = self._rule(node.base, scope, lenient)
        self._out.line(f"{result} = {base.name}")
        with self._out.when(base.present()):
            inner = self._open_scope(base.name, _paths(node.fields), must_be_object=True)
            self._out.line(f"{result} = {self._object(node.fields, inner)}")
        return _Value(result, missing=base.missing, null=base.null)


_NUMBERS = "type({0}) is not Decimal and type({0}) is not int"
_TEXT = "type({0}) is not str"


def _paths(fields: tuple[Field, ...]) -> Iterator[tuple[Path, bool]]:
    for field in fields:
        yield from reads(field.rule, field.optional)
