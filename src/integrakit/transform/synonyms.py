"""The words that people try first, and what they are called in a mapping. For messages alone: none of them is understood anywhere.

Where a single name is not the whole answer, a sentence says it.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["ENTRIES", "FUNCTIONS", "OPTIONS", "TYPES", "meant"]

Words = Mapping[str, str]

_LONGEST = 60


def _all(answer: str, *words: str) -> dict[str, str]:
    return dict.fromkeys(words, answer)


def _name(name: str, *words: str, more: str = "") -> dict[str, str]:
    return _all(f"did you mean {name!r}?{f' ({more})' if more else ''}", *words)


_TABLE = 'the table stands in [lookups.name], and the rule says lookup = "name"'
_ARITHMETIC = 'arithmetic is written add, subtract, multiply or divide = [ … ], and a function of yours call = "name", with = [ … ]'

#: For the entries of a rule.
OPTIONS: Words = {
    **_name("from", "source", "src", "path", "field", "key", "get", "input", "read", "attribute"),
    **_name("value", "const", "constant", "literal", "static", "fixed", "set"),
    **_name("lookup", "map", "mapping", "translate", "translation", "table", "dict", "replace", "lookups", more=_TABLE),
    **_name("when", "condition", "if", "only_if"),
    **_name("to", "type", "cast", "convert", "dtype", "target_type", "as_type", "coerce"),
    **_name("timezone", "tz", "zone", "time_zone", "tzinfo"),
    **_name("scale", "precision", "decimals", "places", "decimal_places", "round", more='beside to = "decimal": the digits after the point'),
    **_name("concat", "text", "template", "format_string", "string", "merge", "concatenate", "combine"),
    **_name("by", "sep", "separator", "delimiter", "glue"),
    **_name("where", "filter", "having"),
    **_name("cases", "switch", "case", "match", "choose"),
    **_name("sort", "order", "order_by", "orderby", "sort_by", "sorted"),
    **_name("distinct", "unique", "uniq"),
    **_name("each", "foreach", "for_each", "for", "loop", "items", "iterate", more="a list of objects: each = …, fields = { … }"),
    **_name("default", "default_value", "fallback", "else", "if_missing", more="or coalesce = [ … ], the first that is there"),
    **_name("fields", "object", "nested", "properties", "children"),
    **_name("nullable", "null", "allow_null", "nulls"),
    **_name("doc", "description", "comment", "note", "help"),
    **_name("apply", "function", "func", "transform", "functions", "pipe", more="or call = …, for a function of several values"),
    **_name("average", "avg", "mean"),
    **_name("sum", "total"),
    **_name("count", "len", "length", "size"),
    **_name("min", "minimum", "least"),
    **_name("max", "maximum", "greatest"),
    **_all("a field is required unless it says optional = true", "required", "mandatory"),
    **_all(_ARITHMETIC, "expression", "expr", "formula", "eval", "compute", "math", "calc"),
    **_all('it is said as apply = ["strip"]', "trim"),
    **_all('it is said as apply = ["lower"]', "lower", "lowercase"),
    **_all('it is said as apply = ["upper"]', "upper", "uppercase"),
}

#: For the entries of a whole mapping.
ENTRIES: Words = {**_name("fields", "map", "mapping", "mappings", "rules", "columns", "properties"), **_name("doc", "description", "comment")}

#: For the types behind ``to``.
TYPES: Words = {
    **_name("decimal", "number", "numeric", "num", "amount", "price", more='or "int"; an amount with its currency is "money"'),
    **_name("str", "string", "text", "varchar", "char"),
    **_name("int", "integer", "long", "bigint", "smallint"),
    **_name("bool", "boolean", "flag", "yesno"),
    **_name("datetime", "timestamp", "date-time", "date_time", "moment", "instant"),
    **_name("float", "double", "real"),
    **_name("decimal", "percent", "percentage", more='with percent = "fraction" or "number"'),
    **_name("phone", "telephone", "tel", "phone_number", "mobile"),
    **_name("minor", "cents", "minor_units"),
    **_name("duration", "timedelta", "interval", "period"),
    **_name("uuid", "guid"),
    **_name("email", "mail", "e-mail"),
    **_name("enum", "choice", "choices", "literal", "one_of"),
    **_all("an object is made by fields = { … }", "object", "dict", "json", "struct", "map"),
    **_all("a list is made by each, values, list or split", "list", "array", "set", "tuple"),
}

#: For the functions of ``apply``.
FUNCTIONS: Words = {
    **_name("strip", "trim"),
    **_name("lower", "lowercase", "to_lower", "tolower"),
    **_name("upper", "uppercase", "to_upper", "toupper"),
    **_name("title", "capitalize", "titlecase"),
    **_name("blank_to_null", "empty_to_null", "null_if_blank", "null_if_empty", "nullif"),
    **{name: f'a type is said as to = "{name}"' for name in ("int", "str", "float", "decimal", "bool", "date", "datetime", "time", "money")},
}


def meant(name: object, words: Words) -> str:
    """The end of a sentence about a word that is none here, or nothing."""
    answer = words.get(name.lower()) if isinstance(name, str) and len(name) <= _LONGEST else None
    return f": {answer}" if answer else ""
