"""How a server writes the values of a column, so that what is written the same way is the same value, whichever server wrote it.

Two forms of one family ("number", "text", "instant" …) may be compared by their texts; values of different families are never the same, nor are their
columns compared here. A value that has two texts only costs time; two values of one text would be a wrong answer. Pure: names and types in, SQL out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from attrs import evolve, frozen

from integrakit.reconciliation.engines.joining import Unsuitable
from integrakit.sql.server_schema import ServerColumn

__all__ = ["FAR", "Form", "mariadb_form", "postgresql_form"]

#: What `Form.millionths` gives for a float that is no whole number of millionths, or above 10 ** 9: larger than any sum of those that are. Up to
#: there the number of millionths has 15 digits at most, and a decimal of 15 digits has only one float, whose shortest text it is.
FAR = 2**63 - 1
_FITS = "abs({0}) < 1e9 AND round({0} * {1}) / {1} = {0}"


@frozen(kw_only=True)
class Form:
    """One column of one side."""

    name: str
    #: What is compared with what: forms of different families never are.
    family: str
    #: The value itself, for what is done with numbers.
    value: str
    #: Its text; null for null.
    text: str
    #: Whether any character may stand in the text. Otherwise no letter of the run's own words may be in it.
    free: bool = False
    #: Digits behind the point that the text always has; None: as many as need be, so that zeros at the end are cut off.
    scale: int | None = None
    #: The text without the zeros at its end; the same where there are none.
    trimmed: str = ""
    #: How numbers are added up exactly; empty: there is nothing to add.
    added: str = ""
    #: Of floats: a millionth's whole number of times that the value is, where its shortest text says so; see `FAR`. Empty: there is no such form.
    millionths: str = ""
    #: Of times: the seconds since 1970 with six digits behind the point; empty where they are not at hand. And which value has no such number.
    seconds: str = ""
    no_seconds: str = ""
    #: Of whole numbers: the number as one of 64 bits with a sign.
    whole: str = ""
    #: "int", "decimal", "float", "float4": what a number is; empty for all else.
    number: str = ""
    #: A condition that no value may meet, and why not.
    barred: str = ""
    why_barred: str = ""
    required: bool = False
    #: A condition for values that identify nothing, beside null.
    no_key: str = ""

    @property
    def shortest(self) -> str:
        """The text, with the zeros cut off where it has any."""
        return self.trimmed or self.text


# ---------------------------------------------------------------------- PostgreSQL

_TEXT = "CAST({} AS text)"
#: The text that the server would send, which is what the driver reads; a cast to text cuts blanks and masks off.
_SENT = "CASE WHEN {0} IS NOT NULL THEN concat({0}) END"
_JSON_NUMBER = r"{} ~ '^\s*[-0-9]'"
_NUMBERS_IN_JSON = "it has JSON that is a bare number, which counts into the control totals"

_INTEGERS = frozenset({"int2", "int4", "int8", "oid", "xid8"})
_SENT_AS_TEXT = frozenset(
    {"inet", "cidr", "int4range", "int8range", "numrange", "daterange", "tsrange", "tstzrange"}
    | {"int4multirange", "int8multirange", "nummultirange", "datemultirange", "tsmultirange", "tstzmultirange"}
)
_PLAIN: Mapping[str, str] = MappingProxyType(
    {"uuid": "text", "date": "date", "timestamp": "naive", "time": "time", "timetz": "time with offset", "interval": "interval"}
)


def postgresql_form(column: ServerColumn) -> Form:
    """Raises `Unsuitable` for a type whose values have no such text."""
    value, kind = column.selected, column.kind
    plain: dict[str, Any] = {"name": column.name, "value": value, "required": column.required}
    text = _TEXT.format(value)
    if kind in _INTEGERS:
        its = {"xid8": f"CAST({text} AS numeric)", "oid": f"CAST({value} AS int8)"}.get(kind, value)
        whole = value if kind == "int8" else f"CAST({value} AS int8)"
        return Form(family="number", text=text, added=its, whole=whole, number="int" if kind != "xid8" else "decimal", scale=0, **plain)
    if kind in ("numeric", "money"):
        size = _SIZE.fullmatch(column.declared)
        scale = int(size[2]) if size is not None and kind == "numeric" else None
        trimmed = f"CAST(trim_scale({value}) AS text)"
        return Form(family="number", text=text, trimmed=trimmed, added=value, number="decimal", scale=scale, no_key=f"{value} = 'NaN'", **plain)
    if kind in ("float4", "float8"):
        # Adding zero makes one zero of both; a zero of the same width, for the text is the shortest at that.
        written = f"CAST(({value} + CAST(0 AS {kind})) AS text)"
        number = "float" if kind == "float8" else "float4"
        million = "CAST(1e6 AS float8)"
        fits = _FITS.format(value, million)
        found = f"CASE WHEN {fits} THEN CAST(round({value} * {million}) AS int8) WHEN {value} IS NOT NULL THEN {FAR} END"
        added = f"CAST(CAST({value} AS text) AS numeric)"
        return Form(family="number", text=written, added=added, number=number, millionths=found if number == "float" else "", **plain)
    if kind == "bool":
        return Form(family="bool", text=f"CAST(CAST({value} AS int4) AS text)", **plain)
    if kind in _PLAIN:
        return Form(family=_PLAIN[kind], text=text, **plain)
    if kind == "timestamptz":
        seconds = f"CAST(extract(epoch FROM {value}) AS text)"
        return Form(family="instant", text=f"CAST(({value} AT TIME ZONE 'UTC') AS text)", seconds=seconds, **plain)
    if kind == "bytea":
        return Form(family="bytes", text=f"encode({value}, 'hex')", **plain)
    if kind in ("json", "jsonb"):
        return Form(family="json", text=text, free=True, barred=_JSON_NUMBER.format(text), why_barred=_NUMBERS_IN_JSON, **plain)
    if kind == "bpchar" or kind in _SENT_AS_TEXT:
        return Form(family="text", text=_SENT.format(value), free=True, **plain)
    if column.classes == (str,):
        return Form(family="text", text=text, free=True, **plain)
    if not kind:
        raise Unsuitable(f"the column {column.name!r} is of a type that a query does not tell the name of")
    return Form(family=f"PostgreSQL's {column.declared}", text=_SENT.format(value), free=True, **plain)


_SIZE = re.compile(r"(?:numeric|decimal)\((\d+),\s*(\d+)\)(?: unsigned)?(?: zerofill)?")

# ---------------------------------------------------------------------- MariaDB
# Numbers and times are put among texts as they are: the server writes them then as it would for a client.

_MARIADB_INTEGERS = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint", "year"})
_MARIADB_BYTES = frozenset({"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"})
_MARIADB_TIMES: Mapping[str, str] = MappingProxyType({"datetime": "naive", "timestamp": "instant", "time": "MariaDB's TIME"})
_UTF8 = frozenset({"utf8mb4", "utf8mb3", "utf8"})
_WIDEST_SUM = 50
_CUT = "TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM {}))"


def mariadb_form(column: ServerColumn, charset: str = "") -> Form:
    """``charset``: of a text, where it is known. Raises `Unsuitable` for a type whose values have no such text."""
    kind, declared = column.kind, column.declared
    make: Callable[[ServerColumn], Form] | None = _MARIADB.get(kind)
    if make is not None:
        return make(column)
    value = column.selected
    plain: dict[str, Any] = {"name": column.name, "value": value, "required": column.required}
    if declared in ("tinyint(1)", "bit(1)"):
        why = "it has other values than 0 and 1, which are numbers among truths"
        return Form(family="bool", text=value, barred=f"{value} NOT IN (0, 1)", why_barred=why, **plain)
    if kind in _MARIADB_INTEGERS or kind == "bit":
        # A zerofill writes zeros that are no part of the number.
        text = f"({value} + 0)" if kind == "year" or "zerofill" in declared else value
        # A table tells whether they have a sign.
        whole = value if "(" in declared and "unsigned" not in declared else f"CAST({value} AS SIGNED)"
        return Form(family="number", text=text, added=value, whole=whole, number="int", scale=0, **plain)
    if kind in _MARIADB_BYTES:
        return Form(family="bytes", text=f"LOWER(HEX({value}))", **plain)
    if kind == "date":
        return Form(family="date", text=value, **plain)
    if kind in _MARIADB_TIMES:
        fraction = re.fullmatch(rf"{kind}\((\d)\)", declared)
        # Without a number there are none in a table, but a query does not tell.
        trimmed = _CUT.format(value) if fraction and fraction[1] != "0" else _careful(value)
        found = Form(family=_MARIADB_TIMES[kind], text=value, trimmed=trimmed, scale=int(fraction[1]) if fraction else None, **plain)
        if declared == "timestamp(6)":
            return evolve(found, seconds=f"UNIX_TIMESTAMP({value})", no_seconds=f"{value} = 0")
        return found
    if column.classes == (str,):
        # The bytes of UTF-8 are there as they are.
        text = f"CAST({value} AS BINARY)" if charset in _UTF8 else f"CONVERT({value} USING utf8mb4)"
        return Form(family="text", text=text, free=True, **plain)
    raise Unsuitable(f"the column {column.name!r} is of MariaDB's type {kind or 'unknown'}, whose values have no exact text")


def _careful(text: str) -> str:
    return f"IF(LOCATE('.', {text}), {_CUT.format(text)}, {text})"


def _decimal(column: ServerColumn) -> Form:
    text = f"({column.selected} + 0)" if "zerofill" in column.declared else column.selected
    size = _SIZE.fullmatch(column.declared)
    if size is not None and int(size[1]) > _WIDEST_SUM:
        raise Unsuitable(
            f"the column {column.name!r} is {column.declared}, and MariaDB cannot add up numbers of more than {_WIDEST_SUM} digits exactly"
        )
    scale = int(size[2]) if size is not None else None
    trimmed = "" if scale == 0 else _CUT.format(text) if scale else _careful(text)
    return Form(
        name=column.name,
        family="number",
        value=column.selected,
        text=text,
        trimmed=trimmed,
        added=column.selected,
        number="decimal",
        scale=scale,
        required=column.required,
    )


def _double(column: ServerColumn) -> Form:
    value = column.selected
    return Form(
        name=column.name,
        family="number",
        value=value,
        text=f"({value} + 0)",
        added=f"CAST({value} AS DECIMAL(65, 30))",
        number="float",
        millionths=f"IF({_FITS.format(value, '1e6')}, CAST(ROUND({value} * 1e6) AS SIGNED), IF({value} IS NULL, NULL, {FAR}))",
        barred=f"(ABS({value}) > 1e30 OR ({value} <> 0 AND ABS({value}) < 1e-13))",
        why_barred="it has numbers too large or too small for MariaDB to add up exactly",
        required=column.required,
    )


def _float(column: ServerColumn) -> Form:
    raise Unsuitable(f"the column {column.name!r} is of MariaDB's type FLOAT, which has no exact text: DOUBLE and DECIMAL have")


def _json(column: ServerColumn) -> Form:
    text = f"CONVERT({column.selected} USING utf8mb4)"
    return Form(
        name=column.name,
        family="json",
        value=column.selected,
        text=text,
        free=True,
        barred=f"{text} REGEXP '^[[:space:]]*[-0-9]'",
        why_barred=_NUMBERS_IN_JSON,
        required=column.required,
    )


_MARIADB: Mapping[str, Callable[[ServerColumn], Form]] = MappingProxyType({"decimal": _decimal, "double": _double, "float": _float, "json": _json})
