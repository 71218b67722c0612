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
from integrakit.transform.conditions import parse_condition
from integrakit.transform.conversions import CONVERSIONS
from integrakit.transform.grammar import ALL, ENDS, HEADINGS, KINDS, STEPS, Kind, kind_of
from integrakit.transform.hinting import constant_hint, dotted_hint, every_item_hint
from integrakit.transform.lookups import Lookup, LookupFunction, Tables
from integrakit.transform.misfit import Misfit
from integrakit.transform.nodes.values import Read
from integrakit.transform.options import CONVERSION_OPTIONS, read_apply, read_conversion
from integrakit.transform.paths import Path, parse_path
from integrakit.transform.rules import Constant, Field, Rule
from integrakit.transform.synonyms import ENTRIES, OPTIONS, meant
from integrakit.transform.tree import headed, place_name
from integrakit.transform.wording import closest, did_you_mean, spelled

__all__ = ["Locate", "Parser", "Spot"]

Functions: TypeAlias = Mapping[str, Callable[..., Any]]
#: From a place in the tree to line and column of the file, where there is one.
Locate: TypeAlias = Callable[[tuple[str | int, ...]], tuple[int, int] | None]

# Python allows twenty nested loops; no mapping that a person can read comes near.
_DEEPEST = 16
# More than these nobody reads.
_MOST_MISTAKES = 20
# Far more than a person writes. Code is generated for each, which Python takes its time and memory to compile.
_MOST_RULES = 20_000


@frozen
class Spot:
    """Where in the tree the parser is: the path of keys and indexes, how deep, and whether floats count by their shortest text."""

    path: tuple[str | int, ...] = ()
    depth: int = 0
    shortest: bool = False
    #: In the fields of a list: where rules leave the nodes that the list works something out for. Else None.
    numbered: list[Any] | None = None
    #: Within those: it is read for some of the items, and not for others.
    sometimes: bool = False

    def at(self, *segments: str | int) -> Spot:
        """An entry of this one."""
        return evolve(self, path=(*self.path, *segments))

    def inside(self, *segments: str | int) -> Spot:
        """A rule inside this one."""
        return evolve(self, path=(*self.path, *segments), depth=self.depth + 1)

    def __str__(self) -> str:
        return place_name(self.path)


class Parser:
    """One mapping: `mapping` gives its fields; nodes read their own parts through the other methods."""

    def __init__(self, functions: Functions, name: str, tables: Tables, locate: Locate | None = None) -> None:
        self.functions = functions
        self._name = name
        self._tables = tables
        #: The tables that a rule uses.
        self.used: set[str] = set()
        self._rules = 0
        self._locate = locate
        # Of fields, one of each.
        self._mistakes: list[ConfigurationError] = []

    def mapping(self, tree: dict[str, Any]) -> tuple[Field, ...]:
        """The fields of a plain tree. Raises `ConfigurationError`."""
        top = Spot()
        self._known(top, tree, HEADINGS, "entry", ENTRIES)
        for heading in ("source", "target"):
            if not isinstance(tree.get(heading, ""), str):
                self.refuse(top.at(heading), f"is a name, as text, not {spelled(tree[heading])}")
        self._doc(top, tree)
        if "fields" not in tree:
            self.refuse(top.at("fields"), "is missing: a mapping has a table [fields] with a rule for each field of the target")
        fields = self.fields(tree["fields"], top.at("fields"))
        if self._mistakes:
            first, *others = self._mistakes
            if not others:
                raise first
            lines = list(map(str, self._mistakes[:_MOST_MISTAKES])) + ["… and there may be more"] * (len(self._mistakes) > _MOST_MISTAKES)
            raise ConfigurationError("\n".join(lines)) from first.__cause__
        return fields

    # ---------------------------------------------------------------- mistakes

    def refuse(self, spot: Spot, why: str, cause: Exception | None = None, *, option: str = "") -> NoReturn:
        """Raises the `ConfigurationError` of a mistake. ``option``: the entry that it is about, whose line is told."""
        head = headed(self._name, self._locate, (*spot.path, option) if option else spot.path)
        raise ConfigurationError(f"{head}: {spot}: {why}") from cause

    def _known(self, spot: Spot, tree: Mapping[str, Any], known: Iterable[str], what: str, words: Mapping[str, str] = OPTIONS) -> None:
        known = tuple(known)
        for key in tree:
            if key not in known:
                hint = meant(key, words) or did_you_mean(key, known)
                if "did you mean" not in hint:
                    hint = meant(closest(key, words), words) or hint
                if what == "option" and len(spot.path) > 1 and spot.path[-2] == "fields" and (dotted := dotted_hint(str(spot.path[-1]), tree, known)):
                    hint = dotted
                self.refuse(spot, f"unknown {what} {key!r}{hint}", option=key)

    # ---------------------------------------------------------------- fields and rules

    def fields(self, tree: Any, spot: Spot) -> tuple[Field, ...]:
        """The rules of an object's fields. The mistakes of one field do not hide those of the next: `mapping` raises them all."""
        if not isinstance(tree, dict):
            self.refuse(spot, f"must be a table, not {spelled(tree)}")
        if not tree:
            self.refuse(spot, "has no field: give at least one")
        result = []
        for name, rule in tree.items():
            if len(self._mistakes) > _MOST_MISTAKES:
                break
            try:
                result.append(self._field(name, rule, evolve(spot.at(name), depth=spot.depth + 1)))
            except ConfigurationError as problem:
                self._mistakes.append(problem)
        return tuple(result)

    def _field(self, name: str, tree: Any, spot: Spot) -> Field:
        optional, null, doc = False, False, ""
        if isinstance(tree, dict):
            optional = self.flag(spot, tree, "optional", False)
            null = "on_error" in tree
            if null and tree["on_error"] != "null":
                self.refuse(spot.at("on_error"), f'of a field is "null" (the field becomes null), not {spelled(tree["on_error"])}')
            if optional and "default" in tree:
                self.refuse(spot, "optional = true leaves a missing field out, default fills it in: give one of them", option="optional")
            doc = self._doc(spot, tree)
        return Field(name, self.rule(tree, spot, field=True), optional, null, doc)

    def _doc(self, spot: Spot, tree: dict[str, Any]) -> str:
        doc = tree.get("doc", "")
        if not isinstance(doc, str):
            self.refuse(spot.at("doc"), f"tells people what is meant, as text, and is not {spelled(doc)}")
        return doc

    def flag(self, spot: Spot, tree: dict[str, Any], option: str, default: bool) -> bool:
        """An option that is true or false."""
        value = tree.get(option, default)
        if not isinstance(value, bool):
            self.refuse(spot, f"{option} is true or false, not {spelled(value)}", option=option)
        return value

    def rule(self, tree: Any, spot: Spot, *, field: bool = False, whole: bool = False) -> Rule:
        """A rule: of a whole ``field``, or an operand. ``whole``: an operand that may be an object or a list of objects."""
        if spot.depth > _DEEPEST:
            self.refuse(spot, f"nested more than {_DEEPEST} levels deep")
        self.count(spot)
        if isinstance(tree, str):
            return Rule(node=Read(self.path(tree, spot)))
        if not isinstance(tree, dict):
            self.refuse(spot, f"a rule is a path as text or a table, not {spelled(tree)}: a constant is written {{ value = … }}")
        kind = self._kind(tree, spot)
        for option in ("optional", "on_error"):
            if not field and option in tree:
                self.refuse(spot, f"{option} belongs to a whole field: say default = … here, or use coalesce", option=option)
        if not field and "doc" in tree:
            self.refuse(spot, "doc belongs to a whole field: say it there", option="doc")
        if not (field or whole) and (kind.whole or "fields" in tree):
            names = dict.fromkeys((kind.name, *("fields" for key in tree if key == "fields")))
            self.refuse(spot, f"{' and '.join(names)} make{'s' * (names.keys() == {'each'})} a whole field, not an operand")
        self._only(tree, kind, spot)
        spot = self._shortest(tree, kind, spot)
        if "when" in tree or (kind.name != "share" and ("default" in tree or tree.get("optional") is True)):
            spot = evolve(spot, sometimes=True)
        node = kind.parse(self, tree, spot)

        def refuse(why: str, cause: Exception | None = None, option: str = "") -> NoReturn:
            self.refuse(spot, why, cause, option=option)

        # A rule that takes no steps has its scale, if any, to itself.
        conversion = read_conversion(tree, spot.shortest, refuse) if kind.steps or "to" in kind.options else None
        beside = self.rule(tree["currency"], spot.inside("currency")) if conversion is not None and isinstance(tree.get("currency"), dict) else None
        if beside is not None and (fixed := next((key for key in ("value", "default") if tree.get(key) is not None), None)):
            self.refuse(spot, f'{fixed} needs a currency of the mapping\'s own: currency = "EUR"', option=fixed)
        default = Constant(self._converted(tree["default"], "default", conversion, spot)) if "default" in tree else None
        if kind.name == "value":
            node, conversion = Constant(self._converted(tree["value"], "value", conversion, spot)), None
        return Rule(
            node=node,
            when=parse_condition(self, tree["when"], spot.at("when")) if "when" in tree else None,
            apply=read_apply(tree, self.functions, refuse),
            lookup=self._lookup(tree, spot),
            conversion=conversion,
            beside=beside,
            default=default,
            nullable=self.flag(spot, tree, "nullable", True),
            back=self._back(tree, spot),
        )

    def count(self, spot: Spot, rules: int = 1) -> None:
        """Counts rules, operands and paths of conditions; refuses too many."""
        self._rules += rules
        if self._rules > _MOST_RULES:
            why = f"a mapping has at most {_MOST_RULES} rules, operands and paths of conditions: a long list of values belongs into a lookup"
            self.refuse(spot, why)

    def _back(self, tree: dict[str, Any], spot: Spot) -> str | Mapping[str, Any] | None:
        """What `inverse` does where the rule loses something; read now, so that a mistake in it is found now."""
        if "back" not in tree:
            return None
        back = tree["back"]
        if back in ("keep", "none"):
            return str(back)
        steps = {"to": back} if isinstance(back, str) else back
        if not isinstance(back, str | dict) or not isinstance(steps, dict):
            ways = '"keep", "none" (no part of the way back)'
            self.refuse(spot.at("back"), f'is {ways}, a type such as "str", or a table with apply and to, not {spelled(back)}')
        self._known(spot.at("back"), steps, ("apply", "to", *CONVERSION_OPTIONS), "option")
        self.rule({"from": "back", **steps}, spot.inside("back"))
        return back

    def _kind(self, tree: dict[str, Any], spot: Spot) -> Kind:
        found = kind_of(tree)
        if not found:
            self._known(spot, tree, ALL, "option")
            self.refuse(spot, f"says nothing about where the value comes from: give one of {', '.join(KINDS)}")
        if len(found) > 1:
            # What is an option of another one is not what is wrong.
            sources = [kind for kind in found if not any(kind.name in other.options for other in found)]
            self.refuse(spot, f"{' and '.join(kind.name for kind in sources)} exclude each other: a rule has one source")
        return found[0]

    def _only(self, tree: dict[str, Any], kind: Kind, spot: Spot) -> None:
        """Refuses options that the rule does not know, or that would have no effect on it."""
        self._known(spot, tree, ALL, "option")
        allowed = kind.allowed(tree)
        for key in tree:
            if key not in allowed:
                beside = "fields" if "fields" in tree and kind.name == "from" else kind.name
                self.refuse(spot.at(key), f"{key} has no meaning beside {beside}{_instead(key, kind, tree)}")

    def _shortest(self, tree: dict[str, Any], kind: Kind, spot: Spot) -> Spot:
        if "float" not in tree:
            return spot
        if tree["float"] != "shortest":
            self.refuse(spot, f'float = "shortest" is the only rule for floats, not {spelled(tree["float"])}', option="float")
        to = tree.get("to")
        if not kind.numeric and not (isinstance(to, str) and "float" in CONVERSIONS.get(to, ())):
            self.refuse(spot, 'float = "shortest" is for arithmetic, concat, and types such as to = "decimal" or "str"', option="float")
        return evolve(spot, shortest=True)

    def _converted(self, value: Any, option: str, conversion: Any, spot: Spot) -> Any:
        if conversion is None or value is None:
            return value
        try:
            return conversion.convert(value)
        except Misfit as problem:
            self.refuse(spot, f"{option} does not fit to = {conversion.to!r}: {problem}", problem, option=option)

    def _lookup(self, tree: dict[str, Any], spot: Spot) -> Lookup | None:
        if "lookup" not in tree:
            for option in ("otherwise", "at", "column"):
                if option in tree:
                    self.refuse(spot, f"{option} belongs to lookup = …, which is missing", option=option)
            return None
        name, column = tree["lookup"], tree.get("column")
        table = self._tables.get(name)
        if table is None:
            stands = "is the name of a table, and the table itself stands in [lookups.name]" if isinstance(name, dict) else ""
            self.refuse(spot.at("lookup"), stands or self._tables.unknown(name))
        if "column" in tree:
            if not isinstance(column, str):
                self.refuse(spot.at("column"), f"is the name of a column, not {spelled(column)}")
            try:
                table = table.taking(column)
            except Misfit as problem:
                self.refuse(spot.at("column"), f"table {name!r} {problem}", problem)
        at = self.rule(tree["at"], spot.inside("at")) if "at" in tree else None
        if table.dated is not None and table.dated is not (at is not None):
            why = f'needs at = "…", the date that says which entry of {name!r} holds' if at is None else f"at has no meaning: {name!r} has no dates"
            self.refuse(spot, f"lookup {why}" if at is None else why, option="lookup" if at is None else "at")
        if isinstance(table, LookupFunction) and not table.accepts(at is not None):
            wanted = "a value and a day" if at is not None else "one value"
            self.refuse(spot, f"the function of lookup {name!r} cannot be called with {wanted}", option="lookup")
        self.used.add(name)
        return Lookup(name, table, self._otherwise(tree.get("otherwise", "error"), spot), at, column)

    def _otherwise(self, otherwise: Any, spot: Spot) -> str | Constant | Rule:
        if otherwise in ("error", "keep"):
            return str(otherwise)
        if not isinstance(otherwise, dict):
            self.refuse(spot, f'otherwise is "error", "keep", {{ value = … }} or another rule, not {spelled(otherwise)}', option="otherwise")
        if tuple(otherwise) == ("value",):
            return Constant(otherwise["value"])
        return self.rule(otherwise, evolve(spot.inside("otherwise"), sometimes=True))

    # ---------------------------------------------------------------- for nodes

    def path(self, text: Any, spot: Spot) -> Path:
        """A path."""
        if not isinstance(text, str):
            self.refuse(spot, f"a path is text, not {spelled(text)}")
        try:
            return parse_path(text)
        except ValueError as problem:
            kind = spot.path[-1] if len(spot.path) > 1 and spot.path[-2] != "fields" else ""
            self.refuse(spot, f"{spelled(text)} is not a path: {every_item_hint(text, str(kind)) or problem}", problem)

    def items(self, tree: dict[str, Any], name: str, spot: Spot) -> Rule:
        """The rule of a list: what stands at ``name``."""
        content = tree[name]
        if not isinstance(content, str | dict):
            self.refuse(spot, f"{name} takes the path of a list, not {spelled(content)}")
        return self.rule(content, spot.inside(name))

    def operands(
        self, tree: dict[str, Any], name: str, spot: Spot, *, least: int = 1, take: Callable[[Any], Any] | None = None, whole: bool = False
    ) -> tuple[Rule, ...]:
        """The rules of a list of operands; a constant goes through ``take`` here and now. ``whole``: objects may be among them."""
        content = tree[name]
        if not isinstance(content, list) or len(content) < least:
            self.refuse(spot, f"{name} takes a list of at least {least} operand{'s' * (least > 1)}, not {spelled(content)}")
        return tuple(self._operand(operand, name, spot.inside(name, index), take, whole) for index, operand in enumerate(content))

    def _operand(self, tree: Any, name: str, spot: Spot, take: Callable[[Any], Any] | None, whole: bool) -> Rule:
        if isinstance(tree, str) and (hint := constant_hint(tree)):
            self.refuse(spot, hint)
        number = isinstance(tree, int | Decimal) and not isinstance(tree, bool)
        if number:
            self.count(spot)
        rule = Rule(node=Constant(tree)) if number else self.rule(tree, spot, whole=whole)
        if not isinstance(rule.node, Constant) or take is None or rule.when is not None:
            return rule
        try:
            return Rule(node=Constant(take(rule.node.value)))
        except Misfit as problem:
            self.refuse(spot, f"cannot be an operand of {name}: {problem}", problem)


def _instead(key: str, kind: Kind, tree: Mapping[str, Any]) -> str:
    """What to write instead of an option that the rule does not take, where that is known."""
    if key in ENDS and not kind.ends:
        if kind.name == "fields" and "when" not in tree:
            return ": the object is always there; say it at the fields inside, or say when = … for an object that may be left out"
        return ": it is always there" if "when" not in tree else ": where when does not hold the field is left out, or is its default"
    if key in STEPS and "fields" in tree:
        return ": it belongs to a field inside"
    return ""
