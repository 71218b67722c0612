"""What stands at each name of a mapping, as JSON schemas, and what it means in a sentence: for `format_schema`, which puts them together.

Only what the grammar's own tables do not say. A name that is missing here may hold anything; a test finds it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from integrakit.transform.conversions import OPTION_TYPES
from integrakit.transform.conversions.target_types import ROUNDING, SCALE, SHORTEST
from integrakit.transform.nodes.values import SKIPS
from integrakit.transform.options import NULL_VALUES

__all__ = ["BY_KIND", "CONTENTS", "MEANINGS", "NEEDED", "NEEDED_BY_TYPE", "OPTIONS", "PATH", "TABLES", "TOP", "Schema"]

Schema = dict[str, Any]

PATH: Schema = {"$ref": "#/$defs/path"}
_FIELDS: Schema = {"$ref": "#/$defs/fields"}
_TEXT: Schema = {"type": "string"}
_NAME: Schema = {"type": "string", "minLength": 1}
_FLAG: Schema = {"type": "boolean"}
_SCALAR: Schema = {"not": {"type": ["array", "object"]}}
_RULE: Schema = {"anyOf": [PATH, {"$ref": "#/$defs/operand"}]}
_CONVERSION: Schema = {"$ref": "#/$defs/conversion"}
_TYPE: Schema = {"enum": list(OPTION_TYPES)}


def _some(item: Schema, least: int = 1) -> Schema:
    return {"type": "array", "items": item, "minItems": least}


def _one_or_some(item: Schema) -> Schema:
    return {"anyOf": [item, _some(item)]}


def _operands(least: int, rule: str = "operand") -> Schema:
    return _some({"anyOf": [PATH, {"type": "number"}, {"$ref": f"#/$defs/{rule}"}]}, least)


#: What stands at the name of a kind.
CONTENTS: Mapping[str, Schema] = {
    "from": PATH,
    "value": {},
    "each": _RULE,
    "group": _RULE,
    "flatten": _one_or_some(_RULE),
    "values": _RULE,
    "fields": _FIELDS,
    **dict.fromkeys(("add", "subtract", "multiply", "divide"), _operands(2)),
    **dict.fromkeys(("sum", "average", "min", "max", "residue", "count", "first", "last"), _RULE),
    "share": _RULE,
    "position": {"type": "integer"},
    **dict.fromkeys(("concat", "coalesce"), _operands(1)),
    "join": {"anyOf": [_RULE, _operands(1)]},
    "split": _RULE,
    "cases": _operands(1, "part"),
    "call": _NAME,
    "list": _operands(1, "part"),
    "jmespath": _NAME,
}

#: Options without which a kind is none.
NEEDED: Mapping[str, tuple[str, ...]] = {
    "each": ("fields",),
    "group": ("fields", "by"),
    "residue": ("scale",),
    "join": ("by",),
    "call": ("with",),
}

#: Options without which a type of ``to`` is none.
NEEDED_BY_TYPE: Mapping[str, tuple[str, ...]] = {"enum": ("one_of",)}

#: What stands at the other names of a rule, and what that means. The options of ``to`` are in `conversions`.
OPTIONS: Mapping[str, tuple[Schema, str]] = {
    "of": (_RULE, "The rule for one item; its paths start there. Left out, it is the item itself."),
    "when": (_NAME, "The rule holds where this is true of the record; elsewhere the value is missing."),
    "where": (_NAME, "Only the items of which this is true."),
    "sort": (_one_or_some(_RULE), "What the items are sorted by, or several such, the first one first; paths start at the item."),
    "descending": ({"anyOf": [_FLAG, _some(_FLAG)]}, "true: from the greatest down; or a list with one of them for each key of sort."),
    "distinct": (_FLAG, "true: each value once."),
    "keep_empty": (_FLAG, "true: an item whose inner list is empty is there once, without an inner item."),
    "with": (_operands(1, "part"), "The values that the function is given."),
    "apply": ({"type": "array", "items": {"$ref": "#/$defs/function"}}, "Functions for the value, from left to right."),
    "lookup": (_NAME, "The table whose entry replaces the value: [lookups.…], [tables.…], or one that the program gives."),
    "column": (_NAME, "The column of the entry, where the table has several."),
    "at": (_RULE, "The day on which the entry of the table must hold."),
    "otherwise": (
        {"anyOf": [{"enum": ["error", "keep"]}, {"$ref": "#/$defs/operand"}]},
        'What a value becomes that is not in the table: "error" (where it is not said), "keep", { value = … }, or another rule.',
    ),
    "to": (_TYPE, "The type of the value."),
    "null_values": (dict(NULL_VALUES.schema), "What stands for null in the source."),
    "default": ({}, "What stands in where the value is missing. It is written as the target wants it."),
    "nullable": (_FLAG, "false: null is an error, or becomes the default."),
    "optional": (_FLAG, "true: where the value is missing, the field is left out."),
    "doc": (_TEXT, "What the field means, for people."),
    "on_error": ({"const": "null"}, "The field becomes null where the record does not fit it."),
    "back": (
        {"anyOf": [{"enum": ["keep", "none"]}, _TYPE, _CONVERSION]},
        'What the inverse does where this rule loses something: "keep", a type, a table with apply and to; "none" leaves it out.',
    ),
}

#: Options that hold something else with one kind than with the others: (kind, option).
BY_KIND: Mapping[tuple[str, str], tuple[Schema, str]] = {
    ("group", "by"): (_one_or_some(_RULE), "What the rows of a group have in common: a path or rule that starts at the row, or several."),
    ("group", "as"): (_NAME, 'The name by which a group has its rows, "rows" where it is not said.'),
    ("flatten", "as"): (_some(_NAME), "A name for one item of each list, from the outside in."),
    ("share", "by"): (_RULE, "The weight of an item; equal shares where it is not said."),
    **{(kind, "scale"): (dict(SCALE.schema), "The number of digits after the point.") for kind in ("residue", "share")},
    ("residue", "rounding"): (dict(ROUNDING.schema), "How each value is rounded: half-even where it is not said."),
    **{(kind, "float"): (dict(SHORTEST.schema), "Floats count by their shortest text.") for kind in ("residue", "share")},
    ("join", "by"): (_TEXT, "The text between the items."),
    **dict.fromkeys((("join", "skip"), ("list", "skip")), ({"enum": list(SKIPS)}, "What is left out.")),
    ("split", "by"): (_NAME, "The text between the parts; blanks where it is not said."),
    ("split", "index"): ({"type": "integer"}, "The number of one part, from 0; -1 is the last."),
    ("split", "parts"): ({"type": "integer", "minimum": 2}, "The greatest number of parts."),
    ("split", "strip"): (_FLAG, "true: without the blanks around each part."),
    ("split", "skip"): ({"const": "empty"}, "empty: empty parts are left out."),
}

#: What the options of ``to`` mean.
MEANINGS: Mapping[str, str] = {
    "scale": "The number of digits after the point.",
    "rounding": "How to round to the scale, once, at the end: half-even where it is not said.",
    "currency": "The currency of the amount, as a code of ISO 4217, or the rule that reads it.",
    "float": "Floats count by their shortest text: 0.1 is one tenth. Without it they are an error where exactness counts.",
    "max_length": "The most characters the text may have.",
    "min_length": "The least characters the text may have.",
    "too_long": "What becomes of a text with more characters: an error where it is not said, or cut.",
    "width": "The text is filled up to so many characters.",
    "fill": "The character that fills up, at the left.",
    "pattern": "A regular expression that the whole text must match.",
    "decimal_mark": "What stands before the fraction in the source's numbers.",
    "group_mark": "What stands between groups of digits in the source's numbers.",
    "negative": "How the source writes negative numbers.",
    "percent": "What a percent sign means.",
    "true_values": "The spellings of true, in place of the usual ones.",
    "false_values": "The spellings of false, in place of the usual ones.",
    "timezone": "The place whose clock counts, such as Europe/Berlin.",
    "format": "How the source writes it, such as %d.%m.%Y, or a list of ways.",
    "epoch": "The unit of numbers that count from 1970.",
    "write": "Text or a number is made instead of an object, in this form.",
    "fold": "Which instant a local time means that comes twice when the clock changes.",
    "gap": "Which instant a local time means that the clock leaves out.",
    "digits": "How many digits the smallest unit of a currency of your own has after the point.",
    "unit": "What a bare number counts: a unit of time, or the smallest unit of the currency (minor).",
    "clock": "What 01:30 means.",
    "one_of": "The values that are right.",
    "ignore_case": "true: upper and lower case are the same.",
    "region": "The country of numbers that do not say theirs, as two letters.",
    "numeric": "true: the three-digit numbers of ISO 4217 count too.",
}

#: The entries of a mapping.
TOP: Mapping[str, tuple[Schema, str]] = {
    "$schema": (_TEXT, "The JSON schema that an editor reads. It is no part of the mapping."),
    "source": (_TEXT, "What is mapped, for people."),
    "target": (_TEXT, "What it becomes, for people."),
    "on_error": ({"enum": ["dead_letter", "raise", "null"]}, "What becomes of a record that does not fit."),
    "doc": (_TEXT, "What the mapping is for, for people."),
    "fields": (_FIELDS, "A rule for each field of the target, by its name."),
    "lookups": (
        {"type": "object", "additionalProperties": {"type": "object", "additionalProperties": _SCALAR}},
        "Tables by name, each with what its values become.",
    ),
    "tables": ({"type": "object", "additionalProperties": {"$ref": "#/$defs/table"}}, "Tables with columns, by name."),
}

#: What stands in an entry of ``tables``; what it means is in `lookups.declared`.
TABLES: Mapping[str, Schema] = {
    "csv": _NAME,
    "rows": {"type": "array", "items": {"type": "object"}},
    "encoding": _NAME,
    "delimiter": {"type": "string", "minLength": 1, "maxLength": 1},
    "quote": {"type": "string", "minLength": 1, "maxLength": 1},
    "key": _one_or_some(_NAME),
    "value": _one_or_some(_NAME),
    "valid_from": _NAME,
    "valid_to": _NAME,
    "valid_through": _NAME,
    "types": {"type": "object", "additionalProperties": {"anyOf": [_TYPE, {**_CONVERSION, "required": ["to"], "properties": {"apply": False}}]}},
    "ignore_case": _FLAG,
    "strip": _FLAG,
}
