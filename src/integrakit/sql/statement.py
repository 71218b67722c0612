"""The text of a query: where its parameters are, and that it is one statement that reads.

Only as much of SQL is understood as it takes to tell text and comments from the rest. That nothing is written is for the database to enforce; what is
found here is found before it is asked, and said in words. Values never become part of the text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

from integrakit.errors import ConfigurationError

__all__ = ["Statement", "parsed", "wrapped"]

_BEGINS = ("select", "with", "values", "table", "(")
_COMMON = r"""
    (?P<quoted> '(?:[^']|'')*' | "(?:[^"]|"")*" )
  | (?P<comment> --[^\n]* | /\*.*?\*/ )
  | (?P<cast> :: | := )
  | (?<![\w:]):(?P<name>[A-Za-z_]\w*)
  | (?P<word> [A-Za-z_]\w* )
  | (?P<end> ; )
  | (?P<open> ['"`] | /\* )
"""
#: What the databases have beyond that: text with backslashes, in dollars, in backticks and in brackets.
_TOKENS: Mapping[str, re.Pattern[str]] = {
    name: re.compile(more + "|" + _COMMON if more else _COMMON, re.VERBOSE | re.DOTALL)
    for name, more in {
        "postgresql": r"""(?P<own> (?<!\w)[eE]'(?:[^'\\]|\\.|'')*' | (?<!\w)(?P<tag>\$(?:[A-Za-z_]\w*)?\$).*?(?P=tag) )""",
        "mariadb": r"""(?P<own> '(?:[^'\\]|\\.|'')*' | "(?:[^"\\]|\\.|"")*" | `(?:[^`]|``)*` | \#[^\n]* )""",
        "sqlite": r"""(?P<own> `(?:[^`]|``)*` | \[[^\]]*\] )""",
    }.items()
}


@frozen
class Statement:
    """One query as a driver takes it."""

    sql: str
    values: tuple[Any, ...]


def parsed(query: Any, params: Mapping[str, Any] | None, dialect: str) -> Statement:
    """The query with a mark for each ``:name``. Raises `ConfigurationError` for what is not one SELECT, and for parameters missing or left over."""
    if not isinstance(query, str) or not query.strip():
        raise ConfigurationError(f"SqlQuery(query) takes the text of a SELECT, not {query!r:.60}")
    if params is not None and (not isinstance(params, Mapping) or not all(isinstance(name, str) for name in params)):
        raise ConfigurationError(f"SqlQuery(params=…) takes name → value, for :name in the text, not {type(params).__name__}")
    given = params or {}
    marks, percent = ("?", "%") if dialect == "sqlite" else ("%s", "%%")
    values: list[Any] = []
    parts: list[str] = []
    at, first, ended, used = 0, "", False, set()
    for found in _TOKENS[dialect].finditer(query):
        between, kind, text = query[at : found.start()], found.lastgroup, found.group()
        at = found.end()
        if kind == "comment" or text.startswith("#"):
            if text.startswith(("/*!", "/*M!")):
                raise ConfigurationError("SqlQuery: /*! … */ is run by the database, not a comment: write what is in it as it is")
            parts.append(between.replace("%", percent) + " ")
            first = first or between.strip()[:1]
            continue
        if ended and (between.strip() or kind != "end"):
            raise ConfigurationError("SqlQuery takes one statement: there is something behind its ';'")
        first = first or between.strip()[:1] or text
        if kind == "open":
            raise ConfigurationError(f"SqlQuery: the text or comment that begins with {query[found.start() : found.start() + 20]!r} has no end")
        if kind == "name":
            name = found["name"]
            if name not in given:
                there = f"; params= has {', '.join(sorted(given))}" if given else "; give params={…}"
                raise ConfigurationError(f"SqlQuery: there is no value for :{name}{there}")
            used.add(name)
            values.append(given[name])
            parts.append(between.replace("%", percent) + marks)
            continue
        if kind == "word" and dialect == "mariadb" and text.lower() == "into":
            raise ConfigurationError("SqlQuery reads: INTO would write")
        ended = ended or kind == "end"
        parts.append((between + ("" if kind == "end" else text)).replace("%", percent))
    rest = query[at:]
    if ended and rest.strip():
        raise ConfigurationError("SqlQuery takes one statement: there is something behind its ';'")
    first = first or rest.strip()
    if first.lower() not in _BEGINS:
        raise ConfigurationError(f"SqlQuery reads: its text begins with SELECT, WITH, VALUES or TABLE, not {first!r:.30}")
    if left := sorted(set(given) - used):
        raise ConfigurationError(f"SqlQuery(params=…) has {', '.join(left)}, which the text does not: write :{left[0]} where it belongs")
    return Statement("".join(parts) + rest.replace("%", percent), tuple(values))


def wrapped(statement: Statement, conditions: Sequence[str], values: Sequence[Any]) -> Statement:
    """The rows of a query that meet conditions; ``t`` stands for it in them."""
    if not conditions:
        return statement
    return Statement(f"SELECT * FROM (\n{statement.sql}\n) AS t WHERE {' AND '.join(conditions)}", (*statement.values, *values))
