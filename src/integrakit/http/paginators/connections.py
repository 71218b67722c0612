"""A Relay connection as it stands in a body: what is in it, and whether it goes on. Pure.

(GraphQL Cursor Connections Specification, relay.dev/graphql/connections.htm; ``nodes`` as GitHub and Shopify have it.)
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from integrakit.errors import DecodeError
from integrakit.http.paths import parse_path
from integrakit.model import Request, Response

__all__ = ["Cursor", "Doubt", "connection_at", "cursor_after", "nodes_of"]

Cursor = str | int | float | Decimal


class Doubt(str):
    """A reason that leaves it open whether something is missing: what `fill_in` says of a connection that does not tell."""

    __slots__ = ()


def connection_at(response: Response, path: str) -> dict[str, Any] | None:
    """The connection there, or None where null stands on the way. Raises `DecodeError` when it is no connection."""
    found: Any = response.json()
    there = ""
    for step in parse_path(path):
        if found is None:
            return None
        if not isinstance(found, Mapping) or step not in found:
            has = ", ".join(map(repr, list(found)[:12])) or "nothing" if isinstance(found, Mapping) else _kind(found)
            raise DecodeError(f"{response}: there is no connection at {path!r}: {there or 'the body'} has {has}", path=path, response=response)
        found, there = found[step], f"{there}.{step}" if there else step
    if found is None:
        return None
    if not isinstance(found, dict):
        raise DecodeError(f"{response}: {path} holds {_kind(found)} where a connection was agreed", path=path, response=response)
    return found


def nodes_of(connection: Mapping[str, Any], path: str, said_by: Request | Response) -> list[Any]:
    """What is in it, None for what the server withheld. Raises `DecodeError` where it has neither nodes nor edges."""
    nodes, edges = connection.get("nodes"), connection.get("edges")
    if isinstance(nodes, list):
        return nodes
    if isinstance(edges, list):
        found = []
        for index, edge in enumerate(edges):
            if edge is not None and (not isinstance(edge, Mapping) or "node" not in edge):
                what = f"edges.{index} holds {_kind(edge)}" if not isinstance(edge, Mapping) else f"edges.{index} has no node"
                raise DecodeError(
                    f"{said_by}: {path}.{what}: ask for edges {{ node {{ … }} }}", path=f"{path}.edges.{index}", response=_answer(said_by)
                )
            found.append(None if edge is None else edge["node"])
        return found
    wrong = {name: connection[name] for name in ("nodes", "edges") if name in connection}
    if wrong:
        what = " and ".join(f"{name}: {_kind(value)}" for name, value in wrong.items())
        raise DecodeError(f"{said_by}: {path} holds {what} where a list was agreed", path=path, response=_answer(said_by))
    raise DecodeError(f"{said_by}: {path} has neither nodes nor edges: ask for nodes {{ … }} in the query", path=path, response=_answer(said_by))


def cursor_after(connection: Mapping[str, Any], path: str, said_by: Request | Response) -> Cursor | None:
    """Where it goes on, or None where it does not. Raises `DecodeError` where it does not say."""
    ask = "ask for pageInfo { hasNextPage endCursor } in the query"
    info = connection.get("pageInfo")
    if not isinstance(info, Mapping):
        what = f"a pageInfo that is {_kind(info)}" if "pageInfo" in connection else "no pageInfo"
        raise DecodeError(
            f"{said_by}: {path} has {what}, so nobody can tell whether that is all: {ask}", path=f"{path}.pageInfo", response=_answer(said_by)
        )
    more = info.get("hasNextPage")
    if not isinstance(more, bool):
        what = f"a hasNextPage that is {_kind(more)}" if "hasNextPage" in info else "no hasNextPage"
        raise DecodeError(f"{said_by}: the pageInfo of {path} has {what}: {ask}", path=f"{path}.pageInfo.hasNextPage", response=_answer(said_by))
    if not more:
        return None
    cursor = info.get("endCursor")
    if isinstance(cursor, bool) or not isinstance(cursor, Cursor) or cursor == "":
        what = f"its endCursor is {'empty' if cursor == '' else _kind(cursor)}" if "endCursor" in info else "there is no endCursor"
        raise DecodeError(
            f"{said_by}: the pageInfo of {path} says that there is more, and {what}: {ask}",
            path=f"{path}.pageInfo.endCursor",
            response=_answer(said_by),
        )
    return cursor


def _answer(said_by: Request | Response) -> Response | None:
    return said_by if isinstance(said_by, Response) else None


def _kind(value: Any) -> str:
    return "null" if value is None else f"a {type(value).__name__}"
