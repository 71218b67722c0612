"""The text of a query: where its parameters are, and what is not one SELECT."""

from __future__ import annotations

from typing import Any

import pytest

from integrakit.errors import ConfigurationError
from integrakit.sql.statement import parsed, wrapped


@pytest.mark.parametrize(
    ("dialect", "text", "sql", "values"),
    [
        ("sqlite", "SELECT :a, :b, :a", "SELECT ?, ?, ?", (1, 2, 1)),
        ("postgresql", "SELECT :a + :b", "SELECT %s + %s", (1, 2)),
        ("postgresql", "SELECT :a::int, x::text, ARRAY[1,2,3][1:2] WHERE :b", "SELECT %s::int, x::text, ARRAY[1,2,3][1:2] WHERE %s", (1, 2)),
        ("postgresql", "SELECT y[lo:hi], :a, :b", "SELECT y[lo:hi], %s, %s", (1, 2)),
        ("postgresql", "SELECT ':a', \":a\", :a, 'it''s :b', :b", "SELECT ':a', \":a\", %s, 'it''s :b', %s", (1, 2)),
        ("postgresql", r"SELECT E'\':a', :a, :b", r"SELECT E'\':a', %s, %s", (1, 2)),
        ("postgresql", "SELECT $$:a ; '$$, $x$ :b $$ $x$, :a, :b", "SELECT $$:a ; '$$, $x$ :b $$ $x$, %s, %s", (1, 2)),
        ("postgresql", "SELECT '\\', :a, :b", "SELECT '\\', %s, %s", (1, 2)),
        ("mariadb", r"SELECT '\':a', `:b`, :a, :b", r"SELECT '\':a', `:b`, %s, %s", (1, 2)),
        ("mariadb", "SELECT @x := :a, :b # :c; ' \n", "SELECT @x := %s, %s  \n", (1, 2)),
        ("sqlite", "SELECT [:a], `:b`, :a, :b -- ; :c\n", "SELECT [:a], `:b`, ?, ?  \n", (1, 2)),
        ("sqlite", "SELECT 10 % :a, '5%', :b", "SELECT 10 % ?, '5%', ?", (1, 2)),
        ("postgresql", "SELECT 10 % :a, '5%', :b -- %", "SELECT 10 %% %s, '5%%', %s  ", (1, 2)),
        ("postgresql", " /* what; :c */ WITH x AS (SELECT :a) SELECT :b FROM x ; ", "   WITH x AS (SELECT %s) SELECT %s FROM x  ", (1, 2)),
        ("postgresql", "(SELECT :a) UNION (SELECT :b)", "(SELECT %s) UNION (SELECT %s)", (1, 2)),
        ("postgresql", "values (:a, :b)", "values (%s, %s)", (1, 2)),
        ("sqlite", "SELECT :a, 'INTO', :b AS into", "SELECT ?, 'INTO', ? AS into", (1, 2)),
    ],
)
def test_parameters_stand_where_they_are_named(dialect: str, text: str, sql: str, values: tuple[Any, ...]) -> None:
    found = parsed(text, {"a": 1, "b": 2}, dialect)
    assert (found.sql, found.values) == (sql, values)


@pytest.mark.parametrize(
    ("text", "params", "message"),
    [
        ("", None, "takes the text of a SELECT"),
        (7, None, "takes the text of a SELECT"),
        ("SELECT :a", 7, "takes name → value"),
        ("SELECT :a", {1: 2}, "takes name → value"),
        ("SELECT :a", None, r"there is no value for :a; give params=\{…\}"),
        ("SELECT :a", {"b": 1}, "there is no value for :a; params= has b"),
        ("SELECT :a", {"a": 1, "b": 1, "c": 1}, "has b, c, which the text does not: write :b"),
        ("DELETE FROM t", None, "begins with SELECT, WITH, VALUES or TABLE, not 'DELETE'"),
        ("-- SELECT\nUPDATE t SET x = 1", None, "not 'UPDATE'"),
        ("; SELECT 1", None, "behind its ';'"),
        ("7", None, "not '7'"),
        ("'SELECT'", None, "not \"'SELECT'\""),
        ("SELECT 1; SELECT 2", None, "takes one statement"),
        ("SELECT 1; -- x\n 2", None, "takes one statement"),
        ("SELECT 1;;", None, None),
        ("SELECT 'open", None, 'begins with "\'open" has no end'),
        ("SELECT 1 /* open", None, "has no end"),
        ('SELECT "open', None, "has no end"),
    ],
)
def test_what_is_not_one_select(text: Any, params: Any, message: str | None) -> None:
    for dialect in ("sqlite", "postgresql", "mariadb"):
        if message is None:
            assert parsed(text, params, dialect).values == ()
            continue
        with pytest.raises(ConfigurationError, match=message):
            parsed(text, params, dialect)


def test_what_mariadb_would_write_or_run() -> None:
    for text in ("SELECT 1 INTO OUTFILE 'x'", "SELECT 1 into @x"):
        with pytest.raises(ConfigurationError, match="INTO would write"):
            parsed(text, None, "mariadb")
    for text in ("SELECT 1 /*! INTO OUTFILE 'x' */", "SELECT 1 /*M! INTO OUTFILE 'x' */"):
        with pytest.raises(ConfigurationError, match="run by the database"):
            parsed(text, None, "mariadb")


def test_conditions_stand_around_a_query() -> None:
    statement = parsed("SELECT :a AS x -- the end", {"a": 1}, "sqlite")
    assert wrapped(statement, [], []) is statement
    around = wrapped(statement, ["x > ?", "x < ?"], [5, 6])
    assert around.values == (1, 5, 6)
    assert around.sql.endswith("\n) AS t WHERE x > ? AND x < ?")
