"""Connections inside of records: the server cuts them off after their first page, and the records look whole. Here they are found and completed.

They are found at any depth. Those that are declared as `NestedConnection` are read to their end, into the record; of the others it is said that they
were cut off. Requests go out by the ``call`` that is handed in.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from attrs import field, frozen

from integrakit.errors import ConfigurationError, DecodeError, PaginationStalled
from integrakit.http.graphql import marked, operation_of
from integrakit.http.paginators.connections import Cursor, Doubt, connection_at, cursor_after, nodes_of
from integrakit.http.paths import ABSENT, look_up, parse_path
from integrakit.model import Request, Response
from integrakit.runtimes import runtime

__all__ = ["NestedConnection", "completed"]

#: Parents that are completed at the same time.
AT_ONCE = 5

#: The objects around a value, from the inside out: the nearest one, and those around it.
Around = tuple[dict[str, Any], Any] | None


def _a_path(owner: Any, attribute: Any, value: Any) -> None:
    if not isinstance(value, str) or not all(value.split(".")):
        raise ConfigurationError(f"NestedConnection({attribute.name}=…) takes a dotted path such as 'lineItems', not {value!r}")


def _a_variable(owner: Any, attribute: Any, value: Any) -> None:
    if not isinstance(value, str) or not value.isidentifier():
        raise ConfigurationError(f"NestedConnection({attribute.name}=…) takes the name of a variable without its $, not {value!r}")


def _variables(owner: Any, attribute: Any, value: Any) -> None:
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise ConfigurationError(f"NestedConnection({attribute.name}=…) takes a mapping of names to values, not {value!r}")


def _pages(owner: Any, attribute: Any, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigurationError(f"NestedConnection({attribute.name}=…) takes a whole number of 1 or more, not {value!r}")


def _cost(owner: Any, attribute: Any, value: Any) -> None:
    if value is not None:
        _pages(owner, attribute, value)


@frozen
class NestedConnection:
    """How the rest of a connection inside of each record is read: ``NestedConnection("lineItems", query=…, connection="data.node.lineItems")``.

    ``path``: where it stands in a record, by the names in the answer; through a connection it goes without ``nodes`` or ``edges.node``, so the
    discounts of line items are ``"lineItems.discounts"``. ``query``: a document that reads a page of it for one parent. The parent's ``id``, a dotted
    path in the object that holds the connection, or else in the nearest one around it, goes out as the variable ``id_variable``, and the cursor as
    ``after``; ``variables`` go with them. ``connection``: where the page stands in that answer. At most ``pages`` of it are read for one parent.
    """

    path: str = field(validator=_a_path)
    query: str = field(kw_only=True, repr=False)
    connection: str = field(kw_only=True, validator=_a_path)
    id: str = field(default="id", kw_only=True, validator=_a_path)
    id_variable: str = field(default="id", kw_only=True, validator=_a_variable)
    after: str = field(default="after", kw_only=True, validator=_a_variable)
    variables: Mapping[str, Any] = field(factory=dict, kw_only=True, validator=_variables)
    pages: int = field(default=1_000, kw_only=True, validator=_pages)
    #: Units of the rate limit for one such request; None: what a page of records costs.
    cost: int | None = field(default=None, kw_only=True, validator=_cost)

    def __attrs_post_init__(self) -> None:
        operation = operation_of(self.query)
        if operation.kind != "query":
            raise ConfigurationError(f"NestedConnection({self.path!r}, query=…) takes a query: a {operation.kind} does not read")
        for name, what in ((self.id_variable, "the id of the parent"), (self.after, "the cursor")):
            if name not in operation.variables:
                raise ConfigurationError(f"NestedConnection({self.path!r}, query=…): the query has no variable ${name}, which is {what}")


@frozen
class _Cut:
    """A connection that goes on, or does not say. ``around``: the objects that hold it."""

    path: str
    connection: dict[str, Any]
    around: Around
    #: Whether it says so.
    certain: bool


async def completed(
    records: Sequence[Any],
    declared: Mapping[str, NestedConnection],
    partial_ones: frozenset[str],
    request: Request,
    call: Callable[[Request], Awaitable[Response]],
) -> list[str]:
    """Completes the records in place, and gives the reasons why something is missing from them all the same.

    ``partial_ones``: paths of connections whose first page will do. Raises what ``call`` raises, `DecodeError` and `PaginationStalled`.
    """
    reasons: list[str] = []
    undeclared: dict[tuple[str, bool], list[_Cut]] = {}
    found = _cut_off((("", record, None) for record in records), declared)
    while found:
        jobs = []
        for cut in found:
            if cut.path in declared:
                jobs.append(partial(_complete, cut, declared[cut.path], request, call))
            elif cut.path not in partial_ones:
                undeclared.setdefault((cut.path, cut.certain), []).append(cut)
        found = []
        for cut, added in await runtime().gather(jobs, AT_ONCE):
            if isinstance(added, str):
                reasons.append(added)
            else:
                # What came has connections of its own.
                found += _cut_off([(cut.path, added, cut.around)], declared)
    return reasons + [_left_out(path, cuts) for (path, _), cuts in undeclared.items()]


def _left_out(path: str, cuts: list[_Cut]) -> str:
    parent = _id_of(cuts[0].around, "id")
    whose = "a record" if parent is None else f"{parent!r:.100}"
    others = f" and of {len(cuts) - 1} others" if len(cuts) > 1 else ""
    which, enough = f"{path or 'a connection'} of {whose}{others}", f"or say partial=[{path!r}] where its first page will do"
    if not cuts[0].certain:
        return Doubt(f"{which} does not say whether it was cut off: ask for its pageInfo {{ hasNextPage endCursor }}, {enough}")
    return f"{which} was cut off by the server: declare it, nested=[NestedConnection({path!r}, query=…, connection=…)], {enough}"


def _cut_off(values: Iterable[tuple[str, Any, Around]], declared: Mapping[str, NestedConnection]) -> list[_Cut]:
    """The connections in values at paths that have a next page, or do not say. Without recursion: a body may be nested as deeply as JSON goes."""
    found: list[_Cut] = []
    for path, value, around in values:
        # Path, value, the objects around it, and whether it is the value of a field: what is in a connection has its path, and is none itself.
        stack: list[tuple[str, Any, Around, bool]] = [(path, value, around, False)]
        while stack:
            path, value, around, of_field = stack.pop()
            # Each value of each record comes through here. A decoded body has these very types and no others; this is the quickest way to tell.
            if type(value) is list:
                stack += [(path, item, around, False) for item in reversed(value) if type(item) is dict or type(item) is list]
            elif type(value) is dict:
                if ("pageInfo" in value or "nodes" in value or "edges" in value) and _is_connection(value):
                    matters = of_field and (value.get("nodes") or value.get("edges") or path in declared)
                    if (cut := _judged(path, value, around, matters)) is not None:
                        found.append(cut)
                    stack += _inside(path, value, around)
                elif inside := [(name, item) for name, item in value.items() if type(item) is dict or type(item) is list]:
                    below, inner = f"{path}." if path else "", (value, around)
                    stack += [(below + name, item, inner, True) for name, item in inside]
    return found


def _is_connection(value: dict[str, Any]) -> bool:
    return type(value.get("pageInfo")) is dict or type(value.get("nodes")) is list or type(value.get("edges")) is list


def _judged(path: str, connection: dict[str, Any], around: Around, matters: Any) -> _Cut | None:
    """A connection that has a next page; or, where that ``matters``, one that does not say. What is empty cannot have been cut off."""
    info = connection.get("pageInfo")
    more = info.get("hasNextPage") if isinstance(info, dict) else None
    return _Cut(path, connection, around, more is True) if more is True or (more is not False and matters) else None


def _inside(path: str, connection: dict[str, Any], around: Around) -> list[tuple[str, Any, Around, bool]]:
    """What stands in a connection. It is nobody's parent itself: what is in it belongs to those around it."""
    found: list[tuple[str, Any, Around, bool]] = []
    below = f"{path}." if path else ""
    for name, value in connection.items():
        if name == "edges" and isinstance(value, list):
            for edge in reversed(value):
                parts = edge.items() if isinstance(edge, dict) else ()
                found += [(path, each, around, False) if part == "node" else (below + part, each, around, True) for part, each in parts]
        elif name == "nodes":
            found.append((path, value, around, False))
        elif name != "pageInfo":
            found.append((below + name, value, around, True))
    return found


def _id_of(around: Around, path: str) -> Any:
    """The id in the nearest object that has one, or None."""
    steps = parse_path(path)
    while around is not None:
        holder, around = around
        found = look_up(holder, steps)
        if found is not ABSENT and found is not None:
            return found
    return None


async def _complete(
    cut: _Cut, nested: NestedConnection, request: Request, call: Callable[[Request], Awaitable[Response]]
) -> tuple[_Cut, dict[str, Any] | str]:
    """The rest of one connection, put into it, as a connection of its own; or why it could not be had."""
    parent = _id_of(cut.around, nested.id)
    if parent is None:
        raise DecodeError(f"{request}: what {nested.path} stands in has no {nested.id!r}: ask for it in the query, or name id=", path=nested.path)
    nodes_of(cut.connection, nested.path, request)
    cursor = cursor_after(cut.connection, nested.path, request)
    seen: set[Cursor] = set()
    rest: dict[str, Any] = {"nodes": [], "edges": []}
    last: Any = cursor
    while cursor is not None:
        if cursor in seen:
            raise PaginationStalled(f"{request}: {nested.path} of {parent!r:.100} names a cursor that was read before: it would loop for ever")
        if len(seen) >= nested.pages:
            raise PaginationStalled(
                f"{request}: {nested.path} of {parent!r:.100} has more than the {nested.pages} further pages that NestedConnection(pages=…) allows"
            )
        seen.add(cursor)
        body = {"query": nested.query, "variables": {**nested.variables, nested.id_variable: parent, nested.after: cursor}}
        asked = marked(request.copy(method="POST", json=body), "query")
        if nested.cost is not None:
            asked.cost = nested.cost
        response = await call(asked)
        page = connection_at(response, nested.connection)
        if page is None:
            # Deleted meanwhile, or hidden: no reason to give up all the others.
            return cut, f"{nested.path} of {parent!r:.100} was cut off, and its rest was not there any more when it was asked for"
        nodes = nodes_of(page, nested.connection, response)
        edges = page.get("edges")
        rest["nodes"] += nodes
        rest["edges"] += edges if isinstance(edges, list) else [{"node": node} for node in nodes]
        last, cursor = cursor, cursor_after(page, nested.connection, response)
    whole = cut.connection
    kept = {name: items for name, items in rest.items() if isinstance(whole.get(name), list)}
    for name, items in kept.items():
        whole[name] = [*whole[name], *items]
    whole["pageInfo"] = {**whole["pageInfo"], "hasNextPage": False, "endCursor": last}
    return cut, kept
