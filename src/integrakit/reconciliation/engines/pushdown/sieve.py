"""The sieve in SQL: for two columns, a condition that implies that two values are the same by the rules, and never the other way round.

A condition that says "maybe" too often costs time; one that says "surely" once too often is a wrong answer. Where nothing can be said, there is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from integrakit.reconciliation.engines.pushdown.dialects import Dialect
from integrakit.reconciliation.engines.pushdown.kinds import OTHER, Kind
from integrakit.reconciliation.rules.spec import Field

__all__ = ["joined", "surely_same"]

#: Equality in SQL is equality of values, whatever the column.
_PLAIN = frozenset({"bool", "date", "naive", "instant", "time", "bytes", "text", "float", "cell"})
_CUTS: Mapping[str, str] = MappingProxyType({"us": "microseconds", "ms": "milliseconds", "s": "second"})

# Strictly written values in cells of CSV, as rules/cells.py reads them, and of those only what the engine is sure to read the same way.
_DECIMAL = r"-?(0|[1-9][0-9]{{0,17}})(\.[0-9]{{1,{scale}}})?"
_MOMENT = r"[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}[T ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?"
_ZONE = r"(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9])"


def _value(kind: Kind, sql: str) -> str:
    return kind.value.format(sql)


def _compared(dialect: Dialect, kind: Kind, sql: str) -> str:
    value = _value(kind, sql)
    return dialect.binary.format(value) if kind.family in ("text", "cell") else value


def _fit(dialect: Dialect, left: Kind, right: Kind) -> bool:
    """Whether numbers of both are compared without a loss."""
    if dialect.digits is None or left.name == right.name:
        return True
    sizes = (left.whole, right.whole, left.scale, right.scale)
    return None not in sizes and max(left.whole or 0, right.whole or 0) + max(left.scale or 0, right.scale or 0) <= dialect.digits


def surely_same(dialect: Dialect, field: Field, left: tuple[str, Kind], right: tuple[str, Kind]) -> str | None:
    """A condition, perhaps null, or None where only nulls are surely the same."""
    if field.by_side:
        return None
    raw = _raw(dialect, left, right)
    forms = [] if raw is None else [raw]
    forms += [form for form in (_within(dialect, field, left, right), _cut(dialect, field, left, right)) if form]
    forms += [form for form in (_small(dialect, field, left, right), _empty(field, left, right)) if form]
    return None if not forms else forms[0] if len(forms) == 1 else f"({' OR '.join(forms)})"


def _raw(dialect: Dialect, left: tuple[str, Kind], right: tuple[str, Kind]) -> str | None:
    (a, mine), (b, other) = left, right
    if mine.wanted is not None or other.wanted is not None:
        # What types= makes of a value depends on how it is written: 1.0 and 1.00 are two texts.
        return _identical(dialect, left, right) if mine.wanted == other.wanted else None
    families = {mine.family, other.family}
    if mine.name == other.name == "uuid":
        return dialect.same.format(a, b)
    if OTHER in families:
        return _identical(dialect, left, right)
    if families == {"number"} and _fit(dialect, mine, other):
        return dialect.same.format(_value(mine, a), _value(other, b))
    if len(families) == 1 and families <= _PLAIN and (mine.family != "float" or mine.bits == other.bits):
        return dialect.same.format(_compared(dialect, mine, a), _compared(dialect, other, b))
    if families <= {"number", "float"} and families != {"number"}:
        return _of_floats(dialect, left, right)
    if "cell" in families:
        cell, typed = (left, right) if mine.family == "cell" else (right, left)
        return _of_cell(dialect, cell[0], *typed)
    return None


def _identical(dialect: Dialect, left: tuple[str, Kind], right: tuple[str, Kind]) -> str | None:
    """Columns of one type that are compared as a whole, or by how they are written."""
    (a, mine), (b, other) = left, right
    if mine.name != other.name:
        return None
    if mine.wanted is None and mine.equal:
        return dialect.same.format(a, b)
    return dialect.same.format(*(dialect.binary.format(dialect.text.format(_value(kind, sql))) for sql, kind in (left, right)))


def _of_floats(dialect: Dialect, left: tuple[str, Kind], right: tuple[str, Kind]) -> str | None:
    """A float and a number, or floats of two widths: a float is the number that its shortest text says."""
    if dialect.shortest:
        # Not `same`: what is not finite has no number there, and two nulls would be taken for the same.
        numbers = [dialect.shortest.format(sql) if kind.family == "float" else _value(kind, sql) for sql, kind in (left, right)]
        return f"({numbers[0]} = {numbers[1]} OR ({left[0]} IS NULL AND {right[0]} IS NULL))"
    (single, _), (number, kind) = (left, right) if left[1].family == "float" else (right, left)
    if {left[1].family, right[1].family} == {"float"} or 32 in (left[1].bits, right[1].bits) or (kind.scale or 0) > 14:
        return None
    # A number of up to 15 digits is the shortest text of the float next to it.
    value, most = _value(kind, number), 10 ** (15 - (kind.scale or 0))
    return f"(({value} > -{most} AND {value} < {most} AND {dialect.double.format(value)} = {single}) OR ({value} IS NULL AND {single} IS NULL))"


def _of_cell(dialect: Dialect, cell: str, sql: str, kind: Kind) -> str | None:
    """A cell of untyped text and a value. Null and the empty cell are the same: the only way CSV has to write null."""
    value, text = _value(kind, sql), f"CAST({_value(kind, sql)} AS VARCHAR)"

    def form(made: str) -> str:
        return f"({made} OR ({cell} = '' AND {value} IS NULL))"

    if kind.family == "text":
        return form(f"{dialect.binary.format(value)} = {dialect.binary.format(cell)}")
    if not dialect.matches:
        return None
    if kind.family == "number" and (kind.whole or 0) + (kind.scale or 0) <= 38 and 0 < (kind.scale or 0) <= 18:
        pattern = dialect.matches.format(cell, _DECIMAL.format(scale=kind.scale))
        return form(f"({cell} = {text} OR ({pattern} AND TRY_CAST({cell} AS DECIMAL(38, {kind.scale})) = {value}))")
    if kind.family in ("number", "bool") or (kind.family == "float" and kind.bits == 64):
        return form(f"{cell} = {text}")
    if kind.family == "date":
        return form(f"({cell} = {text} AND length({cell}) = 10)")
    if kind.family in ("naive", "instant"):
        zone, made = ("", "TIMESTAMP") if kind.family == "naive" else (_ZONE, "TIMESTAMPTZ")
        return form(f"({dialect.matches.format(cell, _MOMENT + zone)} AND TRY_CAST({cell} AS {made}) = {value})")
    return None


# ---------------------------------------------------------------- options


def _within(dialect: Dialect, field: Field, left: tuple[str, Kind], right: tuple[str, Kind]) -> str | None:
    if field.options - {"null_is_empty"} != {"within"} or not {left[1].family, right[1].family} <= {"number", "float"}:
        return None
    limit = field.within
    if limit is None or (limit.absolute is None and limit.relative is None) or left[1].wanted or right[1].wanted:
        return None
    values = [_value(kind, sql) for sql, kind in (left, right)]
    a, b = (dialect.double.format(value) for value in values)
    size = f"(abs({a}) + abs({b}))"
    # In floats, and narrower than the limit by more than all that rounding can do; what is near the limit is decided by the rules.
    room = dialect.double.format(f"'{float(limit.absolute if limit.absolute is not None else limit.relative or 0) * 0.999999!r}'")
    # Half of the sum of both is no more than the larger one.
    larger = "" if limit.absolute is not None else f" * {size} / 2"
    slack = dialect.double.format("'1e-15'")
    close = f"abs({a} - {b}) <= {room}{larger} - {slack} * {size}"
    # Beyond that, conversions and sums fail; abs() does of the smallest whole number.
    finite = " AND ".join(f"{value} > -1e300 AND {value} < 1e300" for value in values)
    return f"CASE WHEN {finite} THEN {close} END"


def _cut(dialect: Dialect, field: Field, left: tuple[str, Kind], right: tuple[str, Kind]) -> str | None:
    families = {left[1].family, right[1].family}
    if field.options - {"null_is_empty"} != {"truncate"} or len(families) > 1 or not families <= {"naive", "instant"}:
        return None
    unit = _CUTS.get(field.truncate or "")
    if not dialect.cut or unit is None or left[1].wanted or right[1].wanted or left[1].name != right[1].name:
        return None
    return dialect.same.format(*(dialect.cut.format(unit, _value(kind, sql)) for sql, kind in (left, right)))


def _small(dialect: Dialect, field: Field, left: tuple[str, Kind], right: tuple[str, Kind]) -> str | None:
    if field.options - {"null_is_empty"} != {"ignore_case"} or not dialect.small or {left[1].family, right[1].family} - {"text", "cell"}:
        return None
    if left[1].wanted or right[1].wanted:
        return None
    return "{} = {}".format(*(dialect.binary.format(dialect.small.format(_value(kind, sql))) for sql, kind in (left, right)))


def _empty(field: Field, left: tuple[str, Kind], right: tuple[str, Kind]) -> str | None:
    if "null_is_empty" not in field.options:
        return None
    empty = [
        f"({sql} IS NULL OR {_value(kind, sql)} = '')" if kind.family in ("text", "cell") and not kind.wanted else f"{sql} IS NULL"
        for sql, kind in (left, right)
    ]
    return f"({empty[0]} AND {empty[1]})"


# ---------------------------------------------------------------- keys


def joined(dialect: Dialect, left: Kind, right: Kind) -> tuple[str, str] | None:
    """Templates of what is joined by ``=`` for a part of the key, left and right: equal exactly where the rules say so. None: there is no such form.

    Values that are not a number are left to the caller, and cells that are not written as whole numbers, too.
    """
    if left.wanted is not None or right.wanted is not None:
        return None
    families = {left.family, right.family}
    if families == {"number"}:
        return (left.value, right.value) if _fit(dialect, left, right) else None
    if families <= {"text", "cell"}:
        return dialect.binary.format(left.value), dialect.binary.format(right.value)
    if families == {"cell", "number"} and dialect.matches and max(left.scale or 0, right.scale or 0) == 0:
        made = "TRY_CAST({} AS BIGINT)"
        return (made, right.value) if left.family == "cell" else (left.value, made)
    if families == {"float"} and (left.bits != right.bits or not dialect.nan):
        return None
    return (left.value, right.value) if len(families) == 1 and families <= _PLAIN else None
