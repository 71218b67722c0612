"""A small GraphQL server: it parses documents and executes them over plain Python data, with Relay connections, as strictly as a test needs it.

A dict is an object, a `Rows` a connection, a function a field with arguments. Cursors are the numbers of rows. Adapters give its answers to httpx's
mock transport and to the loopback server. ``script``: what to answer instead, once each.
"""

from __future__ import annotations

import json
import re
import threading
from typing import Any

import httpx

__all__ = ["GraphQLServer", "Rows"]

Answer = tuple[int, dict[str, str], bytes]

_TOKEN = re.compile(r'#[^\n]*|[\s,]+|"""(.*?)"""|("(?:\\.|[^"\\])*")|(\.\.\.)|([_A-Za-z]\w*)|(-?\d+)|([{}()\[\]:$!@=|])', re.DOTALL)


class Rows(list[Any]):
    """A connection. ``most``: rows of a page at most, whatever ``first`` says."""

    def __init__(self, rows: Any, most: int = 250) -> None:
        super().__init__(rows)
        self.most = most

    def page(self, args: dict[str, Any]) -> dict[str, Any]:
        begin = 0 if args.get("after") is None else int(args["after"].removeprefix("row ")) + 1
        rows = self[begin : begin + min(args.get("first", 10), self.most)]
        end = begin + len(rows)
        return {
            "nodes": list(rows),
            "edges": [{"node": row, "cursor": f"row {begin + index}"} for index, row in enumerate(rows)],
            "pageInfo": {"hasNextPage": end < len(self), "endCursor": f"row {end - 1}" if rows else None},
            "totalCount": len(self),
        }


class _Wrong(Exception):
    """A document that cannot be executed."""


class _Parser:
    """Selections as lists of (alias, name, arguments, selections)."""

    def __init__(self, document: str, variables: dict[str, Any]) -> None:
        self.variables = variables
        self.declared: set[str] = set()
        self.tokens: list[str] = []
        place = 0
        while place < len(document):
            found = _TOKEN.match(document, place)
            if found is None:
                raise _Wrong(f"Syntax Error: unexpected {document[place]!r}")
            place = found.end()
            if found.lastindex:
                self.tokens.append(found[0])
        self.tokens.append("")

    def take(self, wanted: str | None = None) -> str:
        token = self.tokens.pop(0)
        if wanted is not None and token != wanted:
            raise _Wrong(f"Syntax Error: expected {wanted!r}, found {token!r}")
        return token

    def operation(self) -> tuple[str, list[Any]]:
        kind = self.take() if self.tokens[0] != "{" else "query"
        if self.tokens[0] not in ("{", "("):
            self.take()
        if self.tokens[0] == "(":
            while self.take() != ")":
                if self.tokens[0] == "$":
                    self.declared.add(self.tokens[1])
        return kind, self.selections()

    def selections(self) -> list[Any]:
        found: list[Any] = []
        self.take("{")
        while self.tokens[0] != "}":
            if self.tokens[0] == "...":
                self.take()
                self.take("on")
                self.take()
                found += self.selections()
                continue
            alias = name = self.take()
            if self.tokens[0] == ":":
                self.take()
                name = self.take()
            args: dict[str, Any] = {}
            if self.tokens[0] == "(":
                self.take()
                while self.tokens[0] != ")":
                    argument = self.take()
                    self.take(":")
                    args[argument] = self.value()
                self.take()
            found.append((alias, name, args, self.selections() if self.tokens[0] == "{" else None))
        self.take()
        return found

    def value(self) -> Any:
        token = self.take()
        if token != "$":
            return {"null": None, "true": True, "false": False}[token] if token in ("null", "true", "false") else json.loads(token)
        name = self.take()
        if name not in self.declared:
            raise _Wrong(f'Variable "${name}" is not defined.')
        return self.variables.get(name)


def _pick(value: Any, args: dict[str, Any], selections: Any) -> Any:
    if callable(value):
        value = value(**args)
    if isinstance(value, Rows):
        value = value.page(args)
    if value is None or selections is None:
        return value
    if isinstance(value, list):
        return [_pick(each, {}, selections) for each in value]
    picked = {}
    for alias, name, inner_args, inner in selections:
        if name not in value:
            raise _Wrong(f"Cannot query field {name!r}.")
        picked[alias] = _pick(value[name], inner_args, inner)
    return picked


class GraphQLServer:
    """``query`` and ``mutation``: the root objects. ``asked``: the bodies that came. ``script``: what to answer first, bodies or (status, body)."""

    def __init__(self, query: dict[str, Any], mutation: dict[str, Any] | None = None) -> None:
        self.roots = {"query": query, "mutation": mutation or {}}
        self.asked: list[dict[str, Any]] = []
        self.script: list[Any] = []
        self._lock = threading.Lock()

    def answer(self, body: bytes) -> Answer:
        with self._lock:
            asked = json.loads(body)
            self.asked.append(asked)
            scripted = self.script.pop(0) if self.script else None
        if scripted is None:
            scripted = self._execute(asked)
        status, answer = scripted if isinstance(scripted, tuple) else (200, scripted)
        if isinstance(answer, bytes):
            return status, {"Content-Type": "text/html"}, answer
        return status, {"Content-Type": "application/json"}, json.dumps(answer).encode()

    def _execute(self, asked: dict[str, Any]) -> Any:
        try:
            kind, selections = _Parser(asked["query"], asked.get("variables", {})).operation()
            return {"data": _pick(self.roots[kind], {}, selections)}
        except _Wrong as problem:
            return {"errors": [{"message": str(problem), "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"}}]}

    # ------------------------------------------------------------------ ways in

    def http(self) -> list[Any]:
        """For ``Client(http=…)``: no network in any world but the simulated one."""

        def handle(request: httpx.Request) -> httpx.Response:
            status, headers, content = self.answer(request.content)
            return httpx.Response(status, headers=headers, content=content)

        transport = httpx.MockTransport(handle)
        return [httpx.Client(transport=transport), httpx.AsyncClient(transport=transport)]

    def serve(self, asked: Any) -> Answer:
        """For the ``serve`` fixture: a script of the loopback server."""
        return self.answer(asked.body)
