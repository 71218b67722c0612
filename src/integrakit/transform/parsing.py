"""From the tree to rules: every mistake in a mapping.

Each mistake is a `ConfigurationError` that names the mapping, the field, what is wrong, and what was probably meant; with a file, the line too. No
record is known here. What kinds of rules there are, and what they may have, is in `grammar`; how one is read, is in its node.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, NoReturn, TypeAlias

from attrs import evolve, frozen

from integrakit.errors import ConfigurationError
from integrakit.transform.conversions import CONVERSIONS
from integrakit.transform.grammar import ALL, HEADINGS, KINDS, Kind, kind_of
from integrakit.transform.lookups import Lookup, Table
from integrakit.transform.misfit import Misfit
from integrakit.transform.nodes.values import Read
from integrakit.transform.options import read_apply, read_conversion
from integrakit.transform.paths import Path, parse_path
from integrakit.transform.rules import Constant, Field, Rule
from integrakit.transform.wording import did_you_mean, spelled

__all__ = ["Locate", "Parser", "Spot"]

Functions: TypeAlias = Mapping[str, Callable[..., Any]]
#: From a place in the tree to line and column of the file, where there is one.
Locate: TypeAlias = Callable[[tuple[str | int, ...]], tuple[int, int] | None]

# Python allows twenty nested loops; no mapping that a person can read comes near.
_DEEPEST = 16


@frozen
class Spot:
    """Where in the tree the parser is: the path of keys and indexes, how deep, and whether floats count by their shortest text."""

    path: tuple[str | int, ...] = ()
    depth: int = 0
    shortest: bool = False

    def at(self, *segments: str | int) -> Spot:
        """An entry of this one."""
        return evolve(self, path=(*self.path, *segments))

    def inside(self, *segments: str | int) -> Spot:
        """A rule inside this one."""
        return evolve(self, path=(*self.path, *segments), depth=self.depth + 1)

    def __str__(self) -> str:
        text = ""
        for segment in self.path:
            text += f"[{segment}]" if isinstance(segment, int) else f".{segment}" if text else segment
        return text or "the mapping"


class Parser:
    """One mapping: `mapping` gives its fields; nodes read their own parts through the other methods."""

    def __init__(self, functions: Functions, name: str, tables: Mapping[str, Table], locate: Locate | None = None) -> None:
        self.functions = functions
        self._name = name
        self._tables = tables
        self._locate = locate

    def mapping(self, tree: dict[str, Any]) -> tuple[Field, ...]:
        """The fields of a plain tree. Raises `ConfigurationError`."""
        top = Spot()
        self._known(top, tree, HEADINGS, "entry")
        for heading in ("$schema", "source", "target"):
            if not isinstance(tree.get(heading, ""), str):
                self.refuse(top.at(heading), f"is a name, as text, not {spelled(tree[heading])}")
        if "fields" not in tree:
            self.refuse(top.at("fields"), "is missing: a mapping has a table [fields] with a rule for each field of the target")
        return self.fields(tree["fields"], top.at("fields"))

    # ---------------------------------------------------------------- mistakes

    def refuse(self, spot: Spot, why: str, cause: Exception | None = None) -> NoReturn:
        """Raises the `ConfigurationError` of a mistake."""
        found = self._locate(spot.path) if self._locate is not None else None
        raise ConfigurationError(f"{self._name}{f':{found[0]}' if found else ''}: {spot}: {why}") from cause

    def _known(self, spot: Spot, tree: Mapping[str, Any], known: Iterable[str], what: str) -> None:
        known = tuple(known)
        for key in tree:
            if key not in known:
                found = self._locate((*spot.path, key)) if self._locate is not None else None
                raise ConfigurationError(f"{self._name}{f':{found[0]}' if found else ''}: {spot}: unknown {what} {key!r}{did_you_mean(key, known)}")

    # ---------------------------------------------------------------- fields and rules

    def fields(self, tree: Any, spot: Spot) -> tuple[Field, ...]:
        """The rules of an object's fields."""
        if not isinstance(tree, dict):
            self.refuse(spot, f"must be a table, not {spelled(tree)}")
        if not tree:
            self.refuse(spot, "has no field: give at least one")
        result = []
        for name, rule in tree.items():
            here = spot.at(name)
            optional, null = False, False
            if isinstance(rule, dict):
                optional = self.flag(here, rule, "optional", False)
                null = "on_error" in rule
                if null and rule["on_error"] != "null":
                    self.refuse(here.at("on_error"), f'of a field is "null" (the field becomes null), not {spelled(rule["on_error"])}')
                if optional and "default" in rule:
                    self.refuse(here, "optional = true leaves a missing field out, default fills it in: give one of them")
            result.append(Field(name, self.rule(rule, evolve(here, depth=spot.depth + 1), field=True), optional, null))
        return tuple(result)

    def flag(self, spot: Spot, tree: dict[str, Any], option: str, default: bool) -> bool:
        """An option that is true or false."""
        value = tree.get(option, default)
        if not isinstance(value, bool):
            self.refuse(spot, f"{option} is true or false, not {spelled(value)}")
        return value

    def rule(self, tree: Any, spot: Spot, *, field: bool = False) -> Rule:
        """A rule: of a whole ``field``, or an operand."""
        if spot.depth > _DEEPEST:
            self.refuse(spot, f"nested more than {_DEEPEST} levels deep")
        if isinstance(tree, str):
            return Rule(node=Read(self.path(tree, spot)))
        if not isinstance(tree, dict):
            self.refuse(spot, f"a rule is a path as text or a table, not {spelled(tree)}: a constant is written {{ value = … }}")
        kind = self._kind(tree, spot)
        for option in ("optional", "on_error"):
            if not field and option in tree:
                self.refuse(spot, f"{option} belongs to a whole field: say default = … here, or use coalesce")
        if not field and (kind.whole or "fields" in tree):
            self.refuse(spot, f"{' and '.join(key for key in (kind.name, 'fields') if key in tree)} make a whole field, not an operand")
        self._only(tree, kind, spot)
        spot = self._shortest(tree, kind, spot)
        node = kind.parse(self, tree, spot)

        def refuse(why: str, cause: Exception | None = None) -> NoReturn:
            self.refuse(spot, why, cause)

        conversion = read_conversion(tree, spot.shortest, refuse)
        default = Constant(self._converted(tree["default"], "default", conversion, spot)) if "default" in tree else None
        if kind.name == "value":
            node, conversion = Constant(self._converted(tree["value"], "value", conversion, spot)), None
        return Rule(
            node=node,
            apply=read_apply(tree, self.functions, refuse),
            lookup=self._lookup(tree, spot),
            conversion=conversion,
            default=default,
            nullable=self.flag(spot, tree, "nullable", True),
        )

    def _kind(self, tree: dict[str, Any], spot: Spot) -> Kind:
        found = kind_of(tree)
        if not found:
            self._known(spot, tree, ALL, "option")
            self.refuse(spot, f"says nothing about where the value comes from: give one of {', '.join(KINDS)}")
        if len(found) > 1:
            self.refuse(spot, f"{' and '.join(kind.name for kind in found)} exclude each other: a rule has one source")
        return found[0]

    def _only(self, tree: dict[str, Any], kind: Kind, spot: Spot) -> None:
        """Refuses options that the rule does not know, or that would have no effect on it."""
        self._known(spot, tree, ALL, "option")
        allowed = kind.allowed(tree)
        for key in tree:
            if key not in allowed:
                self.refuse(spot.at(key), f"{key} has no meaning beside {'fields' if 'fields' in tree and kind.name == 'from' else kind.name}")

    def _shortest(self, tree: dict[str, Any], kind: Kind, spot: Spot) -> Spot:
        if "float" not in tree:
            return spot
        if tree["float"] != "shortest":
            self.refuse(spot, f'float = "shortest" is the only rule for floats, not {spelled(tree["float"])}')
        to = tree.get("to")
        if not kind.numeric and not (isinstance(to, str) and "float" in CONVERSIONS.get(to, ())):
            self.refuse(spot, 'float = "shortest" is for arithmetic, concat, and to = "decimal" or "str"')
        return evolve(spot, shortest=True)

    def _converted(self, value: Any, option: str, conversion: Any, spot: Spot) -> Any:
        if conversion is None or value is None:
            return value
        try:
            return conversion.convert(value)
        except Misfit as problem:
            self.refuse(spot, f"{option} does not fit to = {conversion.to!r}: {problem}", problem)

    def _lookup(self, tree: dict[str, Any], spot: Spot) -> Lookup | None:
        if "lookup" not in tree:
            for option in ("otherwise", "at"):
                if option in tree:
                    self.refuse(spot, f"{option} belongs to lookup = …, which is missing")
            return None
        name, otherwise = tree["lookup"], tree.get("otherwise", "error")
        if not isinstance(name, str) or name not in self._tables:
            self.refuse(spot.at("lookup"), f"unknown lookup {spelled(name)}{did_you_mean(name, self._tables)}")
        if isinstance(otherwise, dict) and tuple(otherwise) == ("value",) and not isinstance(otherwise["value"], list | dict):
            otherwise = Constant(otherwise["value"])
        elif otherwise not in ("error", "keep"):
            self.refuse(spot, f'otherwise is "error", "keep" or {{ value = … }}, not {spelled(otherwise)}')
        at = self.rule(tree["at"], spot.inside("at")) if "at" in tree else None
        return Lookup(name, self._tables[name], otherwise, at)

    # ---------------------------------------------------------------- for nodes

    def path(self, text: Any, spot: Spot) -> Path:
        """A path."""
        if not isinstance(text, str):
            self.refuse(spot, f"a path is text, not {spelled(text)}")
        try:
            return parse_path(text)
        except ValueError as problem:
            self.refuse(spot, f"{text!r} is not a path: {problem}", problem)

    def items(self, tree: dict[str, Any], name: str, spot: Spot) -> Rule:
        """The rule of a list: what stands at ``name``."""
        content = tree[name]
        if not isinstance(content, str | dict):
            self.refuse(spot, f"{name} takes the path of a list, not {spelled(content)}")
        return self.rule(content, spot.inside(name))

    def operands(self, tree: dict[str, Any], name: str, spot: Spot, *, least: int = 1, take: Callable[[Any], Any] | None = None) -> tuple[Rule, ...]:
        """The rules of a list of operands; a constant goes through ``take`` here and now."""
        content = tree[name]
        if not isinstance(content, list) or len(content) < least:
            self.refuse(spot, f"{name} takes a list of at least {least} operand{'s' * (least > 1)}, not {spelled(content)}")
        return tuple(self._operand(operand, name, spot.inside(name, index), take) for index, operand in enumerate(content))

    def _operand(self, tree: Any, name: str, spot: Spot, take: Callable[[Any], Any] | None) -> Rule:
        number = isinstance(tree, int | Decimal) and not isinstance(tree, bool)
        rule = Rule(node=Constant(tree)) if number else self.rule(tree, spot)
        if not isinstance(rule.node, Constant) or take is None or rule.when is not None:
            return rule
        try:
            return Rule(node=Constant(take(rule.node.value)))
        except Misfit as problem:
            self.refuse(spot, f"cannot be an operand of {name}: {problem}", problem)
