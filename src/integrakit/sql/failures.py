"""What the errors of database servers mean to somebody who reads, and what to do. No connection may be touched here."""

from __future__ import annotations

from typing import Any

from integrakit.errors import ConfigurationError, DecodeError, IntegrakitError, ReadError
from integrakit.state.sql_dialect import KILLED, code_of

__all__ = ["killed", "translated"]

#: SQLSTATE of PostgreSQL, error number of MariaDB / MySQL: https://www.postgresql.org/docs/15/errcodes-appendix.html and
#: https://mariadb.com/kb/en/mariadb-error-codes/ (read 2026-11).
_WRONG: dict[object, str] = {
    **dict.fromkeys(("28P01", "28000", 1045, 1698), "it refused the user name or the password: check both in the URL"),
    **dict.fromkeys(("3D000", 1049), "there is no such database on this server: check the URL"),
    **dict.fromkeys(("42P01", "3F000", 1146), "there is no such table"),
    **dict.fromkeys(("42703", 1054), "there is no such column"),
    **dict.fromkeys(("42601", 1064), "it does not understand the statement"),
    **dict.fromkeys(("42883", 1305), "there is no such function"),
    **dict.fromkeys(("42804", "42725", "42P18", "22P02", "22007", "22008"), "a value does not fit its type"),
    **dict.fromkeys(("42702", 1052, 1060), "a name stands for several columns: name them apart (AS)"),
}
_REFUSED: dict[object, str] = {
    **dict.fromkeys(("25006", 1792, 1290), "reads are read-only, and this would write"),
    **dict.fromkeys(("42501", 1044, 1142, 1143, 1227, 1370), "this user may not do that: grant it SELECT"),
    **dict.fromkeys(("55P03", 1205), "something locks the table: try again, or raise timeout="),
    **dict.fromkeys(
        ("57014", 3024, 1969, 1317), "the statement was cancelled: raise statement_timeout=, or make it cheaper (an index, a smaller page_size)"
    ),
    **dict.fromkeys(("53300", 1040, 1203, 1226), "it takes no more connections: raise its limit, or close some"),
    **dict.fromkeys(("53100", 1021, 1114), "its disk is full"),
    **dict.fromkeys(("40001", "40P01", 1213, 1020), "it gave way to another transaction: try again"),
}
_BYTES = ("22021", "22P05", 3854)


def killed(problem: BaseException | None) -> bool:
    """Whether the server ended the connection."""
    return code_of(problem) in KILLED


def translated(problem: BaseException, *, doing: str, database: str, lost: bool = False) -> IntegrakitError:
    """The error of integrakit's own that says what ``problem`` means while ``doing`` ("reading orders"). ``lost``: the connection is gone."""
    code = code_of(problem)
    said = _said(problem)
    if lost:
        return ReadError(f"{doing} in {database}: the connection was lost ({said})")
    if code in _WRONG:
        return ConfigurationError(f"{doing} in {database}: {_WRONG[code]} ({said})")
    if code in _BYTES:
        return DecodeError(f"{doing} in {database}: a text cannot be decoded ({said})")
    return ReadError(f"{doing} in {database}: {_REFUSED.get(code, 'the database refused')} ({said})")


def _said(problem: BaseException) -> str:
    # A driver's message has the statement and its values in further lines, if at all.
    arguments: tuple[Any, ...] = getattr(problem, "args", ())
    text = arguments[1] if len(arguments) > 1 and isinstance(arguments[0], int) else problem
    lines = str(text).strip().splitlines() or [""]
    return f"{type(problem).__name__}: {lines[0]:.300}"
