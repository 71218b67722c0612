"""Control totals in SQL, exact or not at all: what is asked of a column, and the `Total` that its answer makes.

Where SQL cannot add a column up without rounding, the answer is None, and the column is read and added up in Python.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from integrakit.reconciliation.engines.pushdown.dialects import Dialect
from integrakit.reconciliation.engines.pushdown.kinds import OTHER, Kind
from integrakit.reconciliation.rules.totals import Total, measure, wide

__all__ = ["FAMILIES_OF_NUMBERS", "asked", "less", "measured", "total_of"]

#: Decimals behind the point that floats and cells are added up with.
_PLACES = 6
_WHOLE_CELL = r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,9})?"
_ANY_CELL = r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,9})?"
_NO_NUMBERS = (str, bool, bytes)
#: Of columns that may have numbers in them.
FAMILIES_OF_NUMBERS = frozenset({"number", "float", "cell", OTHER})


def _in_python(dialect: Dialect, kind: Kind) -> bool:
    """Whether the column is read if there is anything in it."""
    if kind.wanted is not None:
        return kind.wanted not in _NO_NUMBERS
    if kind.family == "number":
        return dialect.summed is not None and (kind.whole is None or kind.scale is None or kind.whole + kind.scale > dialect.summed)
    return kind.family == OTHER or (kind.family == "float" and kind.bits == 32) or (kind.family == "cell" and not dialect.matches)


def asked(dialect: Dialect, kind: Kind, sql: str) -> list[str]:
    """What is asked of a column."""
    value = kind.value.format(sql)

    def text(number: str) -> str:
        return f"CAST({number} AS {dialect.text.partition(' AS ')[2]}"

    if _in_python(dialect, kind) or kind.wanted is not None or kind.family not in FAMILIES_OF_NUMBERS:
        return [f"count({sql})"]
    if kind.family == "number":
        return [text(dialect.added.format(value) if kind.integer else f"sum({value})")]
    if kind.family == "float":
        # A whole number of millionths of up to 15 digits, which gives the float back when it is divided: the float is that decimal.
        scale = dialect.double.format(10**_PLACES)
        whole = f"round({value} * {scale})"
        good = f"CASE WHEN abs({value}) < {10 ** (15 - _PLACES)} AND {whole} / {scale} = {value} THEN {dialect.big.format(whole)} END"
        return [text(dialect.added.format(good)), f"count({value})", f"count({good})"]
    simple, number = dialect.matches.format(value, _WHOLE_CELL), dialect.matches.format(value, _ANY_CELL)
    good = f"CASE WHEN {simple} THEN CAST({value} AS DECIMAL(38, 9)) END"
    # Null where the join has no row of this side.
    odd = f"CASE WHEN {value} IS NULL OR {value} = '' OR {simple} OR {number} THEN NULL ELSE 1 END"
    return [text(f"sum({good})"), f"count(nullif({value}, ''))", f"count({good})", f"count({odd})"]


def total_of(dialect: Dialect, kind: Kind, answer: Sequence[Any]) -> Total | None:
    """The total that an answer says; None: it must be read and added up."""
    if _in_python(dialect, kind):
        return None if answer[0] else Total()
    if kind.wanted is not None or kind.family not in FAMILIES_OF_NUMBERS:
        return Total.of(0, count=0, others=int(answer[0]))
    if kind.family == "cell" and answer[3]:
        return Total.of(0, count=0, others=int(answer[3]))
    if len(answer) > 1 and answer[1] != answer[2]:
        return None
    if answer[0] is None:
        return Total()
    added = Decimal(_plain(answer[0]))
    if not added.is_finite():
        return None
    if kind.family == "float":
        added = wide().scaleb(added, -_PLACES)
    # How many numbers there were is of no matter, as long as there was one.
    return Total.of(int(added) if kind.integer else added, count=1)


def _plain(text: Any) -> str:
    return text.decode() if isinstance(text, bytes | bytearray) else str(text)


def measured(values: Sequence[Any], *, untyped: bool) -> Total:
    """The total of values that came back."""
    return measure(values, set(map(type, values)), untyped)


def less(all_of_it: Total, part: Total) -> Total | None:
    """The total of the rest; None where it cannot be told exactly."""
    if all_of_it.inexact or part.inexact:
        return None
    rest = wide().subtract(Decimal(all_of_it.value), Decimal(part.value))
    whole = isinstance(all_of_it.value, int) and isinstance(part.value, int)
    return Total.of(int(rest) if whole else rest, count=all_of_it.count - part.count, others=all_of_it.others - part.others)
