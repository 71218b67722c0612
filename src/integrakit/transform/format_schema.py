"""The format of mappings as a JSON schema (draft 2020-12): what editors complete, explain and underline while a mapping is written.

Made from the tables that the parser itself reads (`grammar`, `conversions`, `options`), so that it names the same kinds, options and words; what
stands at a name is in `format_contents`. It says less than the parser knows: paths, the names of lookups, and what depends on several entries.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from integrakit.transform.cleaning import BUILT_IN
from integrakit.transform.conversions import OPTION_TYPES
from integrakit.transform.format_contents import BY_KIND, CONTENTS, MEANINGS, NEEDED, NEEDED_BY_TYPE, OPTIONS, PATH, TABLES, TOP, Schema
from integrakit.transform.grammar import ALL, HEADINGS, KINDS, Kind
from integrakit.transform.lookups.declared import TABLE_OPTIONS
from integrakit.transform.options import CONVERSION_OPTIONS

__all__ = ["format_schema"]

# These have a meaning without ``to``, or with any.
_EVERYWHERE = ("float", "null_values")
_WHOLE_ONLY = ("optional", "on_error", "doc")


def format_schema() -> Schema:
    """The schema, as a dict that JSON can hold: a new one each time."""
    wholes = [kind.name for kind in KINDS.values() if kind.whole]
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "integrakit mapping",
        "description": "How a record of one system becomes a record of another.",
        "type": "object",
        "properties": {name: _described(*TOP.get(name, ({}, ""))) for name in HEADINGS},
        "required": ["fields"],
        "additionalProperties": False,
        "$defs": {
            "path": {
                "description": "A path into the record, or into the list item: customer.email, lines[0].price; . is the record or item itself.",
                "type": "string",
                "minLength": 1,
            },
            "function": {
                "description": "Built in, or one of your own that the program gives as functions={…}.",
                "anyOf": [{"enum": list(BUILT_IN)}, {"type": "string", "minLength": 1}],
            },
            "fields": {"type": "object", "minProperties": 1, "additionalProperties": {"anyOf": [PATH, {"$ref": "#/$defs/rule"}]}},
            "part": {"$ref": "#/$defs/rule", "propertyNames": {"not": {"enum": list(_WHOLE_ONLY)}}},
            "operand": {"$ref": "#/$defs/rule", "propertyNames": {"not": {"enum": [*_WHOLE_ONLY, "fields", *wholes]}}},
            "rule": _rule(),
            "typed": {"allOf": [*_typed()]},
            "conversion": _conversion(),
            "table": _table(),
        },
    }
    copy: Schema = json.loads(json.dumps(schema))
    return copy


def _described(schema: Mapping[str, Any], meaning: str) -> Schema:
    return {"description": meaning, **schema} if meaning else dict(schema)


def _one_of(ways: Iterable[Mapping[str, Any]]) -> Schema:
    different: list[Mapping[str, Any]] = []
    for way in ways:
        if way not in different:
            different.append(way)
    return dict(different[0]) if len(different) == 1 else {"anyOf": different} if different else {}


def _present(names: Iterable[str]) -> Schema:
    return {"anyOf": [{"required": [name]} for name in names]}


# ---------------------------------------------------------------- rules


def _rule() -> Schema:
    """A rule that is a table: every name it may have, and what goes with what."""
    return {
        "description": "A rule: one source, and what is done to its value.",
        "type": "object",
        "properties": {name: _property(name) for name in ALL},
        "additionalProperties": False,
        "oneOf": [_only(kind) for kind in KINDS.values()],
        "allOf": [*_beside(), *itertools.chain.from_iterable(map(_exactly, KINDS.values())), {"$ref": "#/$defs/typed"}, *_needed()],
    }


def _property(name: str) -> Schema:
    """What may stand at a name in any rule, and what it means in each."""
    ways: list[Mapping[str, Any]] = []
    meanings: list[str] = []
    if name in KINDS:
        ways.append(CONTENTS.get(name, {}))
        meanings.append(KINDS[name].meaning)
    elif name in OPTIONS:
        ways.append(OPTIONS[name][0])
        meanings.append(OPTIONS[name][1])
    for (kind, option), (schema, meaning) in BY_KIND.items():
        if option == name:
            ways.append(schema)
            meanings.append(f"With {kind}: {meaning}")
    owners = [to for to, options in OPTION_TYPES.items() if name in options]
    ways += [OPTION_TYPES[to][name] for to in owners]
    if owners:
        meanings.append(f"With to = {', '.join(owners)}: {MEANINGS.get(name, 'an option of its own.')}")
    return _described(_one_of(ways), " ".join(meanings))


def _hosts(name: str) -> list[str]:
    """The kinds that have this name as an option."""
    return [kind.name for kind in KINDS.values() if name in kind.options]


def _only(kind: Kind) -> Schema:
    """The rule is of this kind: its name is there. A name that is an option of other kinds makes a kind of its own where none of those is."""
    hosts = _hosts(kind.name)
    return {"required": [kind.name], **({"not": _present(hosts)} if hosts else {})}


def _beside() -> Iterable[Schema]:
    """What may stand beside each kind: it may depend on whether ``fields`` and ``when`` are there. Other kinds are kept out by `_only`."""
    refused: dict[tuple[str, ...], list[Schema]] = {}
    for kind in KINDS.values():
        turns = [name for name in ("fields", "when") if name != kind.name and name in kind.allowed({kind.name: 0})]
        found: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
        for size in range(len(turns) + 1):
            for present in itertools.combinations(turns, size):
                allowed = kind.allowed(dict.fromkeys((kind.name, *present), 0))
                others = tuple(name for name in ALL if name not in allowed and (name == "fields" or name not in KINDS))
                found.setdefault(others, []).append(present)
        for others, ways in found.items():
            if len(found) == 1:
                refused.setdefault(others, []).append(_only(kind))
            else:
                refused.setdefault(others, []).append({**_only(kind), "anyOf": [_exact_presence(turns, present) for present in ways]})
    for others, conditions in refused.items():
        yield {"if": {"anyOf": conditions}, "then": {"propertyNames": {"not": {"enum": list(others)}}}}


def _exact_presence(names: Sequence[str], present: tuple[str, ...]) -> Schema:
    absent = [name for name in names if name not in present]
    return {"required": list(present), **({"not": _present(absent)} if absent else {})}


def _exactly(kind: Kind) -> Iterable[Schema]:
    """What stands at the options that mean something of their own with this kind, and what the kind cannot do without."""
    own = {option: dict(schema) for (name, option), (schema, _) in BY_KIND.items() if name == kind.name}
    needed = list(NEEDED.get(kind.name, ()))
    if own or needed:
        yield {"if": _only(kind), "then": {"properties": own, "required": needed}}


def _typed() -> Iterable[Schema]:
    """What goes with a type: its own options, and no other type's."""
    for to, options in OPTION_TYPES.items():
        others = [name for name in CONVERSION_OPTIONS if name not in options and name not in _EVERYWHERE]
        then = {"properties": {name: dict(schema) for name, schema in options.items()}, "propertyNames": {"not": {"enum": others}}}
        yield {"if": {"properties": {"to": {"const": to}}, "required": ["to"]}, "then": {**then, **_wanting(to)}}


def _wanting(to: str) -> Schema:
    """What a type cannot do without, and which of its options cannot."""
    pairs = (("rounding", "scale"), ("fold", "timezone"))
    depends = {name: [other] for name, other in pairs if {name, other} <= OPTION_TYPES[to].keys()}
    return {"required": list(NEEDED_BY_TYPE.get(to, ())), **({"dependentRequired": depends} if depends else {})}


def _needed() -> Iterable[Schema]:
    """Names that mean nothing without another one."""
    for name, needed in {**dict.fromkeys(CONVERSION_OPTIONS, "to"), "otherwise": "lookup", "at": "lookup", "column": "lookup"}.items():
        if name in ALL and name not in _EVERYWHERE:
            alone = [host for host in _hosts(name) if needed not in KINDS[host].options]
            condition = {"required": [name], **({"not": _present(alone)} if alone else {})}
            yield {"if": condition, "then": {"required": [needed]}}
    yield {"dependentRequired": {"descending": ["sort"], "keep_empty": ["as"]}}
    yield {"if": {"properties": {"optional": {"const": True}}, "required": ["optional"]}, "then": {"properties": {"default": False}}}


# ---------------------------------------------------------------- conversions and tables


def _conversion() -> Schema:
    """``to`` with its options, where there is no rule around it."""
    names = ("apply", "to", *CONVERSION_OPTIONS)
    return {"type": "object", "properties": {name: _property(name) for name in names}, "additionalProperties": False, "$ref": "#/$defs/typed"}


def _table() -> Schema:
    return {
        "description": "Where the rows of a table are, and what their columns mean.",
        "type": "object",
        "properties": {name: _described(TABLES.get(name, {}), meaning) for name, meaning in TABLE_OPTIONS.items()},
        "required": ["key"],
        "additionalProperties": False,
        "dependentRequired": {name: ["csv"] for name in ("encoding", "delimiter", "quote")},
        "not": {"anyOf": [{"required": ["csv", "rows"]}, {"required": ["valid_to", "valid_through"]}]},
    }
