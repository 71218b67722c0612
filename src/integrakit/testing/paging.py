"""The six ways in which the simulated server hands out a collection. Pure: selected rows and a query go in, one page comes out.

Offsets and page numbers count rows off, so an insert or delete between two pages shifts the rest: that is what such servers do. Link, cursor and
keyset pages continue after the place of the last row that was sent, so nothing shifts them. Snapshot pages count in rows that no longer change.
"""

from __future__ import annotations

import base64
import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from attrs import Factory, frozen

from integrakit._json import dumps, loads
from integrakit.testing.rows import Order, Row

__all__ = ["PAGINATIONS", "BadParameter", "PageOf", "PageRequest", "Pagination", "render", "snapshot_token", "token_of"]

_WHOLE = re.compile("[0-9]{1,15}")


class BadParameter(Exception):
    """A paging parameter of the query is not understood: the server answers 400. Never leaves the simulator."""


@frozen
class PageOf:
    """One page: its rows, what stands beside them in the envelope, and headers."""

    rows: Sequence[Row]
    members: dict[str, Any] = Factory(dict)
    headers: tuple[tuple[str, str], ...] = ()


@frozen
class PageRequest:
    """What a pagination knows: the table, the selected rows, the query, the server's cap, and the URL of the collection."""

    table: str
    rows: list[Row]
    query: list[tuple[str, str]]
    page_size: int
    url: str
    envelope: bool
    order: Order
    #: Whether the page is to come without rows, though there are some: the fault ``empty``.
    empty: bool = False
    #: Which frozen copy these rows are, and where in it the page begins.
    snapshot: tuple[int, int] = (0, 0)

    def value(self, name: str) -> str | None:
        """Of a parameter that came several times, the last."""
        return next((value for key, value in reversed(self.query) if key == name), None)

    def whole(self, name: str, default: int, least: int) -> int:
        text = self.value(name)
        if text is None:
            return default
        if not _WHOLE.fullmatch(text) or int(text) < least:
            raise BadParameter(f"{name} takes a whole number from {least}, not {text!r}")
        return int(text)

    def size(self, name: str) -> int:
        """What was asked for, cut down to the server's page size without a word, as servers do."""
        return min(self.whole(name, self.page_size, 1), self.page_size)


def token_of(*parts: Any) -> str:
    """What is opaque to a client: the table's name first."""
    return base64.urlsafe_b64encode(dumps(list(parts))).decode().rstrip("=")


def _parts(token: str, table: str, name: str) -> tuple[Any, int]:
    try:
        parts = loads(base64.b64decode(token.encode("ascii") + b"=" * (-len(token) % 4), altchars=b"-_", validate=True), decimals=True)
    except ValueError:
        parts = None
    # A name, what the place is, and a count.
    if not isinstance(parts, list) or len(parts) != 3 or parts[0] != table or type(parts[2]) is not int:
        raise _no_token(name, token)
    return parts[1], parts[2]


def _no_token(name: str, token: str) -> BadParameter:
    return BadParameter(f"{name} is not a token of this collection: {token!r}")


def snapshot_token(query: Sequence[tuple[str, str]], table: str) -> tuple[int, int] | None:
    """The frozen copy that a query goes on in, and where; None where it asks for the first page."""
    token = next((value for name, value in reversed(query) if name == "snapshot"), None)
    if token is None:
        return None
    number, start = _parts(token, table, "snapshot")
    if type(number) is not int or start < 0:
        raise _no_token("snapshot", token)
    return number, start


def _after(request: PageRequest, parameter: str) -> tuple[list[Row], str | None]:
    token, order = request.value(parameter), request.order
    start = again = 0
    place = None
    if token is not None:
        place, again = _parts(token, request.table, parameter)
        try:
            start = 0 if place is None else bisect_right(request.rows, order.taken(place), key=order.place)
        except ValueError:
            raise _no_token(parameter, token) from None
    if request.empty and start < len(request.rows):
        # Another token for the same place, as from a server that looked through some rows and found none that it shows.
        return [], token_of(request.table, place, again + 1)
    end = start + request.size("limit")
    rows = request.rows[start:end]
    return rows, token_of(request.table, order.written(rows[-1]), 0) if end < len(request.rows) else None


def _link(request: PageRequest) -> PageOf:
    rows, token = _after(request, "cursor")
    if token is None:
        return PageOf(rows)
    query = urlencode([(name, value) for name, value in request.query if name != "cursor"] + [("cursor", token)])
    return PageOf(rows, headers=(("Link", f'<{request.url}?{query}>; rel="next"'),))


def _cursor(request: PageRequest) -> PageOf:
    rows, token = _after(request, "after")
    # A bare list has no room for the token.
    headers = () if request.envelope or token is None else (("X-Next-Cursor", token),)
    return PageOf(rows, {"next": token}, headers)


def _keyset(request: PageRequest) -> PageOf:
    text, order = request.value("starting_after"), request.order
    start = 0
    if text is not None and request.rows:
        try:
            start = bisect_right(request.rows, order.read(text, request.rows[0]), key=order.place)
        except ValueError as problem:
            raise BadParameter(f"starting_after {problem}, not {text!r}") from None
    end = start + request.size("limit")
    return PageOf(request.rows[start:end], {"has_more": end < len(request.rows)})


def _snapshot(request: PageRequest) -> PageOf:
    number, start = request.snapshot
    end = start + request.size("limit")
    token = token_of(request.table, number, end) if end < len(request.rows) else None
    headers = () if request.envelope or token is None else (("X-Next-Cursor", token),)
    return PageOf(request.rows[start:end], {"next": token, "total": len(request.rows)}, headers)


def _offset(request: PageRequest) -> PageOf:
    start = request.whole("offset", 0, 0)
    return PageOf(request.rows[start : start + request.size("limit")], {"total": len(request.rows)})


def _page(request: PageRequest) -> PageOf:
    number, size = request.whole("page", 1, 1), request.size("size")
    return PageOf(request.rows[(number - 1) * size : number * size], {"page": number, "total": len(request.rows)})


@frozen
class Pagination:
    """One way of paging: the function, the parameters it reads (no filters), and the names it needs in the envelope.

    ``place`` is the parameter that says where a page is; without it, it is the first.
    """

    make: Callable[[PageRequest], PageOf]
    place: str
    size: str
    members: tuple[str, ...] = ()
    #: Whether rows come in the order of their keys where no other order is named.
    by_key: bool = False
    #: Whether the first page freezes the rows for those after it.
    frozen: bool = False
    #: Whether a page can come without rows and still name a next one.
    tokens: bool = False

    @property
    def parameters(self) -> tuple[str, str]:
        return self.place, self.size

    def is_first(self, query: Sequence[tuple[str, str]]) -> bool:
        """Whether a query asks for the beginning of the collection."""
        places = [value for name, value in query if name == self.place]
        return not places or (self.place in ("offset", "page") and places[-1] == ("0" if self.place == "offset" else "1"))


PAGINATIONS = {
    "link": Pagination(_link, "cursor", "limit", tokens=True),
    "cursor": Pagination(_cursor, "after", "limit", ("next",), tokens=True),
    "keyset": Pagination(_keyset, "starting_after", "limit", ("has_more",), by_key=True),
    "snapshot": Pagination(_snapshot, "snapshot", "limit", ("next", "total"), frozen=True),
    "offset": Pagination(_offset, "offset", "limit", ("total",)),
    "page": Pagination(_page, "page", "size", ("page", "total")),
}


def render(request: PageRequest, page: PageOf) -> bytes:
    """The body of a page: in its envelope, or the bare list."""
    listing = b"[" + b",".join([row.encoded for row in page.rows]) + b"]"
    if not request.envelope:
        return listing
    members = [dumps(request.table) + b":" + listing, *(dumps(name) + b":" + dumps(value) for name, value in page.members.items())]
    return b"{" + b",".join(members) + b"}"
