"""The REST surface of the tables: what GET, POST, PUT, PATCH and DELETE do. No time, no faults, no credentials: those are the application's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, unquote

from integrakit._json import loads
from integrakit.errors import ConfigurationError
from integrakit.testing.exchange import Call, Reply, error_reply, json_reply
from integrakit.testing.paging import BadParameter, PageRequest, Pagination, render
from integrakit.testing.rows import Filter, Row, Table, key_text

__all__ = ["Resources"]

_COLLECTION = ("GET", "HEAD", "OPTIONS", "POST")
_ITEM = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "PUT")
_SINCE = ("_min", "_gte")
# How many reads under way can meet a stale page; a bound, so that a long test does not keep all it ever sent.
_WALKS = 64


class _Refused(Exception):
    """Carries the reply that ends the handling of a call."""

    def __init__(self, reply: Reply) -> None:
        super().__init__()
        self.reply = reply


class Resources:
    """Answers calls from the tables. ``url`` is what ``next`` links begin with."""

    def __init__(self, tables: Mapping[str, Table], *, pagination: Pagination, page_size: int, envelope: bool) -> None:
        self._tables = tables
        self._pagination = pagination
        self._page_size = page_size
        self._envelope = envelope
        self.url = ""
        # The page sent last for each table and filter, and the one before it: what a stale cache would still have.
        self._sent: dict[tuple[Any, ...], list[tuple[str, Reply]]] = {}

    def answer(self, call: Call, *, stale: bool = False) -> tuple[Reply, bool]:
        """The reply, and whether it is a page sent before (only where ``stale`` asks for that, and there is one)."""
        try:
            table, text = self._find(call)
            allowed = _COLLECTION if text is None else _ITEM
            if call.method not in allowed:
                message = f"{call.path} takes {', '.join(allowed)}, not {call.method}"
                return error_reply(405, "method_not_allowed", message, ("Allow", ", ".join(allowed))), False
            if call.method == "OPTIONS":
                return Reply(204, [("Allow", ", ".join(allowed))]), False
            if text is not None:
                return _ON_ITEM[call.method](call, table, text), False
            if call.method == "POST":
                return self._create(call, table), False
            return self._page(call, table, stale)
        except _Refused as refused:
            return refused.reply, False
        except BadParameter as problem:
            return error_reply(400, "bad_parameter", str(problem)), False

    def _find(self, call: Call) -> tuple[Table, str | None]:
        """The table, and the key's text where the path has one."""
        parts = [unquote(part) for part in call.path.split("/")[1:]]
        if len(parts) == 2 and parts[1] == "":
            parts.pop()
        table = self._tables.get(parts[0]) if 1 <= len(parts) <= 2 else None
        if table is None:
            known = ", ".join(f"/{name}" for name in self._tables)
            raise _Refused(error_reply(404, "not_found", f"there is no {call.path}; there are {known}"))
        return table, parts[1] if len(parts) == 2 else None

    # ------------------------------------------------------------------ collections

    def _page(self, call: Call, table: Table, stale: bool) -> tuple[Reply, bool]:
        pagination = self._pagination
        walk = (table.name, *(pair for pair in call.query if pair[0] not in pagination.parameters))
        if pagination.is_first(call.query) or walk not in self._sent:
            self._sent.pop(walk, None)
            self._sent[walk] = []
            if len(self._sent) > _WALKS:
                del self._sent[next(iter(self._sent))]
        sent = self._sent[walk]
        if stale and (before := [reply for target, reply in sent if target != call.target]):
            last = before[-1]
            return Reply(last.status, list(last.headers), last.body), True
        rows = table.select(self._filters(call, table))
        url = f"{self.url}/{quote(table.name, safe='')}"
        request = PageRequest(table.name, rows, call.query, self._page_size, url, self._envelope)
        page = pagination.make(request)
        total = () if self._envelope else (("X-Total-Count", str(len(rows))),)
        reply = json_reply(200, render(request, page), *page.headers, *total)
        sent[:] = [*[entry for entry in sent if entry[0] != call.target][-1:], (call.target, Reply(200, list(reply.headers), reply.body))]
        return reply, False

    def _filters(self, call: Call, table: Table) -> list[Filter]:
        """Conditions from the parameters that name a field; others are ignored, as most servers do."""
        texts: dict[tuple[str, bool], list[str]] = {}
        for name, value in call.query:
            if name in self._pagination.parameters:
                continue
            if table.has_column(name):
                texts.setdefault((name, False), []).append(value)
            elif name.endswith(_SINCE) and table.has_column(name[:-4]):
                texts.setdefault((name[:-4], True), []).append(value)
        return [Filter(field, values, since=since) for (field, since), values in texts.items()]

    def _create(self, call: Call, table: Table) -> Reply:
        values = _object(call)
        if values.get(table.key) is None:
            values[table.key] = table.new_key()
        text = key_text(values[table.key])
        if text is not None and table.get(text) is not None:
            raise _Refused(error_reply(409, "exists", f"{table.name} has a row with {table.key} {text} already"))
        row = _put(table, values)
        return json_reply(201, row.encoded, ("Location", f"{self.url}/{quote(table.name, safe='')}/{quote(row.key, safe='')}"))


# ------------------------------------------------------------------ rows


def _existing(table: Table, text: str) -> Row:
    row = table.get(text)
    if row is None:
        raise _Refused(error_reply(404, "not_found", f"{table.name} has no row with {table.key} {text}"))
    return row


def _object(call: Call) -> dict[str, Any]:
    try:
        values = loads(call.body, decimals=True)
    except ValueError as problem:
        raise _Refused(error_reply(400, "bad_json", f"the body is not JSON: {problem}")) from None
    if not isinstance(values, dict):
        raise _Refused(error_reply(422, "invalid", f"the body is a JSON {type(values).__name__}, not an object"))
    return values


def _same_key(table: Table, values: Mapping[str, Any], text: str) -> None:
    if key_text(values[table.key]) != text:
        raise _Refused(error_reply(422, "invalid", f"{table.key} in the body is not the {text} of the address"))


def _put(table: Table, values: Mapping[str, Any]) -> Row:
    try:
        return table.put(values)
    except ConfigurationError as problem:
        raise _Refused(error_reply(422, "invalid", str(problem))) from None


def _get(call: Call, table: Table, text: str) -> Reply:
    return json_reply(200, _existing(table, text).encoded)


def _replace(call: Call, table: Table, text: str) -> Reply:
    existed = table.get(text)
    values = _object(call)
    if values.get(table.key) is None:
        values[table.key] = existed.value[table.key] if existed else table.typed_key(text)
    _same_key(table, values, text)
    return json_reply(200 if existed else 201, _put(table, values).encoded)


def _merge(call: Call, table: Table, text: str) -> Reply:
    row = _existing(table, text)
    values = {**row.value, **_object(call)}
    _same_key(table, values, text)
    return json_reply(200, _put(table, values).encoded)


def _delete(call: Call, table: Table, text: str) -> Reply:
    _existing(table, text)
    table.delete(text)
    return Reply(204)


_ON_ITEM: Mapping[str, Callable[[Call, Table, str], Reply]] = {"GET": _get, "HEAD": _get, "PUT": _replace, "PATCH": _merge, "DELETE": _delete}
