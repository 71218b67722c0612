"""From the tree to rules: the grammar of a mapping, and every mistake in it.

Each mistake is a `ConfigurationError` that names the mapping, the field, what is wrong, and what was probably meant. No record is known here.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, NoReturn

from integrakit.errors import ConfigurationError
from integrakit.transform.conversions import convert_text
from integrakit.transform.exact import number, operations, shortest_number
from integrakit.transform.misfit import Misfit
from integrakit.transform.options import CONVERSION_OPTIONS, read_apply, read_conversion
from integrakit.transform.paths import Path, parse_path
from integrakit.transform.rules import Aggregate, Coalesce, Constant, Each, Field, Lookup, Nested, Node, Operator, Read, Rule
from integrakit.transform.wording import did_you_mean, spelled

__all__ = ["parse"]

Functions = Mapping[str, Callable[[Any], Any]]
Lookups = Mapping[str, Mapping[str, Any]]

_ARITHMETIC = ("add", "subtract", "multiply", "divide")
_AGGREGATES = ("sum", "count", "first", "last")
_KINDS = ("from", "value", "each", "fields", *_ARITHMETIC, *_AGGREGATES, "concat", "coalesce")
_STEPS = ("apply", "lookup", "otherwise", "to", *CONVERSION_OPTIONS)
_ENDS = ("default", "nullable", "optional")
_ALL = (*_KINDS, "of", *_STEPS, *_ENDS)
# Python allows twenty nested loops; no mapping that a person can read comes near.
_DEEPEST = 16


def parse(tree: dict[str, Any], functions: Functions, name: str) -> tuple[tuple[Field, ...], Lookups]:
    """The fields and the lookup tables of a plain tree. Raises `ConfigurationError`."""
    return _Parser(functions, name).mapping(tree)


class _Parser:
    def __init__(self, functions: Functions, name: str) -> None:
        self._functions = functions
        self._name = name
        self._lookups: dict[str, dict[str, Any]] = {}
        self._operations = operations()

    def mapping(self, tree: dict[str, Any]) -> tuple[tuple[Field, ...], Lookups]:
        self._known("the mapping", tree, ("source", "target", "fields", "lookups"), "entry")
        for heading in ("source", "target"):
            if not isinstance(tree.get(heading, ""), str):
                self._refuse(heading, f"is a name, as text, not {spelled(tree[heading])}")
        lookups = tree.get("lookups", {})
        for lookup, table in self._table("lookups", lookups).items():
            for key, value in self._table(f"lookups.{lookup}", table).items():
                if isinstance(value, list | dict):
                    self._refuse(f"lookups.{lookup}.{key}", f"stands for one value, not {spelled(value)}")
            self._lookups[lookup] = table
        if "fields" not in tree:
            self._refuse("fields", "is missing: a mapping has a table [fields] with a rule for each field of the target")
        return self._fields("fields", tree["fields"], False, 0), self._lookups

    # ---------------------------------------------------------------- mistakes

    def _refuse(self, where: str, why: str, cause: Exception | None = None) -> NoReturn:
        raise ConfigurationError(f"{self._name}: {where}: {why}") from cause

    def _known(self, where: str, tree: Mapping[str, Any], known: Iterable[str], what: str) -> None:
        known = tuple(known)
        for key in tree:
            if key not in known:
                self._refuse(where, f"unknown {what} {key!r}{did_you_mean(key, known)}")

    def _table(self, where: str, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            self._refuse(where, f"must be a table, not {spelled(value)}")
        return value

    # ---------------------------------------------------------------- fields and rules

    def _fields(self, where: str, tree: Any, shortest: bool, depth: int) -> tuple[Field, ...]:
        table = self._table(where, tree)
        if not table:
            self._refuse(where, "has no field: give at least one")
        result = []
        for name, rule in table.items():
            here = f"{where}.{name}"
            optional = isinstance(rule, dict) and self._flag(here, rule, "optional", False)
            if optional and "default" in rule:
                self._refuse(here, "optional = true leaves a missing field out, default fills it in: give one of them")
            result.append(Field(name, self._rule(here, rule, shortest, depth + 1, field=True), optional))
        return tuple(result)

    def _flag(self, where: str, tree: dict[str, Any], option: str, default: bool) -> bool:
        value = tree.get(option, default)
        if not isinstance(value, bool):
            self._refuse(where, f"{option} is true or false, not {spelled(value)}")
        return value

    def _rule(self, where: str, tree: Any, shortest: bool, depth: int, *, field: bool = False) -> Rule:
        if depth > _DEEPEST:
            self._refuse(where, f"nested more than {_DEEPEST} levels deep")
        if isinstance(tree, str):
            return Rule(node=Read(self._path(where, tree)))
        if not isinstance(tree, dict):
            self._refuse(where, f"a rule is a path as text or a table, not {spelled(tree)}: a constant is written {{ value = … }}")
        kind = self._kind(where, tree)
        if not field and "optional" in tree:
            self._refuse(where, "optional belongs to a whole field: say default = … here, or use coalesce")
        if not field and (kind == "each" or "fields" in tree):
            self._refuse(where, "each and fields make a whole field, not an operand")
        self._only(where, tree, kind)
        shortest = self._shortest(where, tree, kind, shortest)
        node = self._node(where, tree, kind, shortest, depth)
        conversion = read_conversion(tree, shortest, lambda why, cause=None: self._refuse(where, why, cause))
        default = None
        if "default" in tree:
            default = Constant(self._converted(where, "default", tree["default"], conversion))
        if kind == "value":
            node, conversion = Constant(self._converted(where, "value", tree["value"], conversion)), None
        return Rule(
            node=node,
            apply=read_apply(tree, self._functions, lambda why, cause=None: self._refuse(where, why, cause)),
            lookup=self._lookup(where, tree),
            conversion=conversion,
            default=default,
            nullable=self._flag(where, tree, "nullable", True),
        )

    def _kind(self, where: str, tree: dict[str, Any]) -> str:
        found = [kind for kind in _KINDS if kind in tree]
        if len(found) == 2 and found[1] == "fields" and found[0] in ("from", "each"):
            return "nested" if found[0] == "from" else "each"
        if not found:
            self._known(where, tree, _ALL, "option")
            self._refuse(where, f"says nothing about where the value comes from: give one of {', '.join(_KINDS)}")
        if len(found) > 1:
            self._refuse(where, f"{' and '.join(found)} exclude each other: a rule has one source")
        if found[0] == "each":
            self._refuse(where, "each needs fields = { … }: the rules for one item")
        return "nested" if found[0] == "fields" else found[0]

    def _only(self, where: str, tree: dict[str, Any], kind: str) -> None:
        """Refuses options that the rule does not know, or that would have no effect on it."""
        self._known(where, tree, _ALL, "option")
        allowed: tuple[str, ...] = (kind, *_STEPS, *_ENDS)
        if kind == "each":
            allowed = ("each", "fields", *_ENDS)
        elif kind == "nested":
            allowed = ("from", "fields", *_ENDS) if "from" in tree else ("fields",)
        elif kind == "value":
            allowed = ("value", "to", *CONVERSION_OPTIONS)
        elif kind in _AGGREGATES and kind != "count":
            allowed = (*allowed, "of")
        for key in tree:
            if key not in allowed:
                self._refuse(where, f"{key} has no meaning beside {'fields' if kind == 'nested' else kind}")

    def _shortest(self, where: str, tree: dict[str, Any], kind: str, inherited: bool) -> bool:
        if "float" not in tree:
            return inherited
        if tree["float"] != "shortest":
            self._refuse(where, f'float = "shortest" is the only rule for floats, not {spelled(tree["float"])}')
        if kind not in (*_ARITHMETIC, *_AGGREGATES, "concat", "coalesce") and tree.get("to") not in ("decimal", "str"):
            self._refuse(where, 'float = "shortest" is for arithmetic, concat, and to = "decimal" or "str"')
        return True

    def _converted(self, where: str, option: str, value: Any, conversion: Any) -> Any:
        if conversion is None or value is None:
            return value
        try:
            return conversion.convert(value)
        except Misfit as problem:
            self._refuse(where, f"{option} does not fit to = {conversion.to!r}: {problem}", problem)

    # ---------------------------------------------------------------- nodes

    def _node(self, where: str, tree: dict[str, Any], kind: str, shortest: bool, depth: int) -> Node:
        content = tree.get(kind)
        take = shortest_number if shortest else number
        if kind == "from":
            return Read(self._path(where, content))
        if kind == "value":
            return Constant(content)
        if kind in _ARITHMETIC:
            operands = self._operands(where, kind, content, shortest, depth, 2, take)
            return Operator(kind, operands, take, self._operations[kind])
        if kind == "concat":
            text = convert_text(shortest)
            return Operator(kind, self._operands(where, kind, content, shortest, depth, 1, text), text, operator.add)
        if kind == "coalesce":
            return Coalesce(self._operands(where, kind, content, shortest, depth, 1, None))
        if kind in _AGGREGATES:
            items = self._list(where, kind, content, shortest, depth)
            of = self._rule(f"{where}.of", tree["of"], shortest, depth + 1) if "of" in tree else Rule(node=Read(Path(())))
            return Aggregate(kind, items, of, take, self._operations["add"])
        if kind == "each":
            return Each(self._list(where, kind, content, shortest, depth), self._fields(f"{where}.fields", tree["fields"], shortest, depth))
        base = Rule(node=Read(self._path(where, tree["from"]))) if "from" in tree else None
        return Nested(base, self._fields(f"{where}.fields", tree["fields"], shortest, depth))

    def _path(self, where: str, text: Any) -> Path:
        if not isinstance(text, str):
            self._refuse(where, f"a path is text, not {spelled(text)}")
        try:
            return parse_path(text)
        except ValueError as problem:
            self._refuse(where, f"{text!r} is not a path: {problem}", problem)

    def _list(self, where: str, kind: str, content: Any, shortest: bool, depth: int) -> Rule:
        if not isinstance(content, str | dict):
            self._refuse(where, f"{kind} takes the path of a list, not {spelled(content)}")
        return self._rule(f"{where}.{kind}", content, shortest, depth + 1)

    def _operands(
        self, where: str, kind: str, content: Any, shortest: bool, depth: int, least: int, take: Callable[[Any], Any] | None
    ) -> tuple[Rule, ...]:
        if not isinstance(content, list) or len(content) < least:
            self._refuse(where, f"{kind} takes a list of at least {least} operand{'s' * (least > 1)}, not {spelled(content)}")
        result = []
        for index, operand in enumerate(content):
            here = f"{where}.{kind}[{index}]"
            if isinstance(operand, int | Decimal) and not isinstance(operand, bool):
                rule = Rule(node=Constant(operand))
            else:
                rule = self._rule(here, operand, shortest, depth + 1)
            if isinstance(rule.node, Constant) and take is not None:
                try:
                    rule = Rule(node=Constant(take(rule.node.value)))
                except Misfit as problem:
                    self._refuse(here, f"cannot be an operand of {kind}: {problem}", problem)
            result.append(rule)
        return tuple(result)

    def _lookup(self, where: str, tree: dict[str, Any]) -> Lookup | None:
        if "lookup" not in tree:
            if "otherwise" in tree:
                self._refuse(where, "otherwise belongs to lookup = …, which is missing")
            return None
        name, otherwise = tree["lookup"], tree.get("otherwise", "error")
        if not isinstance(name, str) or name not in self._lookups:
            self._refuse(where, f"unknown lookup {spelled(name)}{did_you_mean(name, self._lookups)}")
        if isinstance(otherwise, dict) and tuple(otherwise) == ("value",) and not isinstance(otherwise["value"], list | dict):
            otherwise = Constant(otherwise["value"])
        elif otherwise not in ("error", "keep"):
            self._refuse(where, f'otherwise is "error", "keep" or {{ value = … }}, not {spelled(otherwise)}')
        return Lookup(name, self._lookups[name], otherwise)
