"""How the engines that can join differ in their SQL: a handful of forms, each of which is exact or says nothing.

Statements are plain text in the SQL that all of them share; a translator would have to be trusted with the one thing that matters here, which is that
a form means exactly the same everywhere.
"""

from __future__ import annotations

from attrs import frozen

__all__ = ["DUCKDB", "MARIADB", "POSTGRESQL", "SPARK", "SQLITE", "Dialect"]


@frozen(kw_only=True)
class Dialect:
    """One engine's forms; ``{}`` is where an expression goes."""

    name: str
    #: Equal, or both null: never null itself.
    same: str = "{} IS NOT DISTINCT FROM {}"
    #: The text of any value, one text for one value.
    text: str = "CAST({} AS VARCHAR)"
    #: Text as it is compared and sorted by code point.
    binary: str = "{}"
    double: str = "CAST({} AS DOUBLE)"
    big: str = "TRY_CAST({} AS BIGINT)"
    #: The exact number that a float's shortest text says; null for what is not finite. Empty: there is no such form.
    shortest: str = ""
    #: The most digits of numbers that are compared without losing any; None: no limit.
    digits: int | None = 38
    #: The most digits before the point and behind it of a column that can be added up in SQL.
    summed: int | None = 28
    #: Sums so that nothing overflows.
    added: str = "sum({})"
    #: Cuts a time: unit, value. Empty: there is no such form.
    cut: str = ""
    #: ASCII letters made small, no others. Empty: there is no such form.
    small: str = ""
    #: Of a float or a number: whether it is none. Empty: such values do not exist.
    nan: str = ""
    #: What says that a part of WITH is not to be stored first.
    inline: str = ""
    #: Whether there is FULL JOIN.
    full_join: bool = True
    nulls_last: str = "{} NULLS LAST"
    #: Whether cells of untyped text can be told to be numbers, by a pattern.
    matches: str = ""


_ASCII = "'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz'"

DUCKDB = Dialect(
    name="duckdb",
    binary='{} COLLATE "C"',
    cut="date_trunc('{}', {})",
    small=f"translate({{}}, {_ASCII})",
    nan="isnan({})",
    inline="NOT MATERIALIZED ",
    matches="regexp_full_match({}, '{}')",
)
POSTGRESQL = Dialect(
    name="postgresql",
    text="CAST({} AS text)",
    binary='({}) COLLATE "C"',
    double="CAST({} AS float8)",
    big="CAST({} AS int8)",
    shortest="CASE WHEN abs({0}) < 'Infinity' THEN CAST(CAST({0} AS text) AS numeric) END",
    digits=None,
    summed=None,
    cut="date_trunc('{}', {})",
    small=f'translate(({{}}) COLLATE "C", {_ASCII})',
    nan="({} = 'NaN')",
    inline="NOT MATERIALIZED ",
)
SPARK = Dialect(
    name="spark",
    text="CAST({} AS STRING)",
    same="{} <=> {}",
    binary="CAST({} AS BINARY)",
    added="sum(CAST({} AS DECIMAL(28, 0)))",
    nan="isnan({})",
)
MARIADB = Dialect(
    name="mariadb",
    same="{} <=> {}",
    text="CAST({} AS BINARY)",
    binary="CAST({} AS BINARY)",
    big="CAST({} AS DECIMAL(40, 0))",
    digits=65,
    summed=43,
    full_join=False,
    nulls_last="{0} IS NULL, {0}",
)
SQLITE = Dialect(
    name="sqlite",
    same="{} IS {}",
    text="CAST({} AS TEXT)",
    binary="{} COLLATE BINARY",
    digits=None,
    full_join=False,
    nulls_last="{0} IS NULL, {0}",
)
