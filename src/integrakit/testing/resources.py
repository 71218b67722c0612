"""The REST surface of the tables: what GET, POST, PUT, PATCH and DELETE do. No time, no faults, no credentials: those are the application's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, unquote

from integrakit._json import loads
from integrakit.errors import ConfigurationError
from integrakit.testing.exchange import Call, Reply, error_reply, json_reply
from integrakit.testing.paging import BadParameter, PageRequest, Pagination, render, snapshot_token
from integrakit.testing.rows import Filter, Order, Relation, Row, Table, key_text

__all__ = ["Resources"]

_COLLECTION = ("GET", "HEAD", "OPTIONS", "POST")
_ITEM = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "PUT")
#: What stands behind the name of a field, and what it asks for.
_BOUNDS: Mapping[str, Relation] = {"min": "from", "gte": "from", "lt": "below"}
# How many reads under way can meet a stale page, or go on in a frozen copy; a bound, so that a long test does not keep all it ever sent.
_WALKS = 64


class _Refused(Exception):
    """Carries the reply that ends the handling of a call."""

    def __init__(self, reply: Reply) -> None:
        super().__init__()
        self.reply = reply


class Resources:
    """Answers calls from the tables. ``url`` is what ``next`` links begin with."""

    def __init__(
        self, tables: Mapping[str, Table], *, pagination: Pagination, page_size: int, envelope: bool, order_by: tuple[str, ...] = ()
    ) -> None:
        self._tables = tables
        self._pagination = pagination
        self._page_size = page_size
        self._envelope = envelope
        self._order_by = order_by
        self._frozen: dict[int, list[Row]] = {}
        self._copies = 0
        self.url = ""
        # The page sent last for each table and filter, and the one before it: what a stale cache would still have.
        self._sent: dict[tuple[Any, ...], list[tuple[str, Reply]]] = {}

    def answer(self, call: Call, *, fault: str | None = None) -> tuple[Reply, bool]:
        """The reply, and whether a fault took effect on it that makes another page of it: ``duplicate`` or ``empty``."""
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
            return self._page(call, table, fault)
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

    def _page(self, call: Call, table: Table, fault: str | None) -> tuple[Reply, bool]:
        pagination = self._pagination
        walk = (table.name, *(pair for pair in call.query if pair[0] not in pagination.parameters))
        if pagination.is_first(call.query) or walk not in self._sent:
            self._sent.pop(walk, None)
            self._sent[walk] = []
            if len(self._sent) > _WALKS:
                del self._sent[next(iter(self._sent))]
        sent = self._sent[walk]
        if fault == "duplicate" and (before := [reply for target, reply in sent if target != call.target]):
            last = before[-1]
            return Reply(last.status, list(last.headers), last.body), True
        order = self._order(table)
        rows, snapshot = self._rows(call, table, order)
        url = f"{self.url}/{quote(table.name, safe='')}"
        empty = fault == "empty" and pagination.tokens
        request = PageRequest(table.name, rows, call.query, self._page_size, url, self._envelope, order, empty, snapshot)
        page = pagination.make(request)
        total = () if self._envelope else (("X-Total-Count", str(len(rows))),)
        reply = json_reply(200, render(request, page), *page.headers, *total)
        sent[:] = [*[entry for entry in sent if entry[0] != call.target][-1:], (call.target, Reply(200, list(reply.headers), reply.body))]
        return reply, empty and not page.rows

    def _order(self, table: Table) -> Order:
        fields = self._order_by
        if (fields or self._pagination.by_key) and table.key not in fields:
            fields = (*fields, table.key)
        return Order(fields)

    def _rows(self, call: Call, table: Table, order: Order) -> tuple[list[Row], tuple[int, int]]:
        """The rows a query selects, in their order; and which frozen copy they are, where there is one."""
        goes_on = snapshot_token(call.query, table.name) if self._pagination.frozen else None
        if goes_on is not None:
            if goes_on[0] not in self._frozen:
                raise _Refused(error_reply(410, "gone", "this snapshot is not kept any more: begin anew"))
            return self._frozen[goes_on[0]], goes_on
        rows = table.select(self._filters(call, table))
        if order.fields:
            rows = sorted(rows, key=order.place)
        if not self._pagination.frozen:
            return rows, (0, 0)
        self._copies += 1
        rows = self._frozen[self._copies] = [row.copy() for row in rows]
        if len(self._frozen) > _WALKS:
            del self._frozen[next(iter(self._frozen))]
        return rows, (self._copies, 0)

    def _filters(self, call: Call, table: Table) -> list[Filter]:
        """Conditions from the parameters that name a field; others are ignored, as most servers do."""
        texts: dict[tuple[str, Relation], list[str]] = {}
        for name, value in call.query:
            if name in self._pagination.parameters:
                continue
            if table.has_column(name):
                texts.setdefault((name, "is"), []).append(value)
                continue
            field, _, bound = name.rpartition("_")
            if bound in _BOUNDS and table.has_column(field):
                texts.setdefault((field, _BOUNDS[bound]), []).append(value)
        return [Filter(field, values, relation) for (field, relation), values in texts.items()]

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
