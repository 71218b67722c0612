"""The four ways in which the simulated server hands out a collection. Pure: selected rows and a query go in, one page comes out.

Offsets and page numbers count rows off, so an insert or delete between two pages shifts the rest: that is what such servers do. Link and cursor pages
continue after the position of the last row that was sent, so nothing shifts them.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from attrs import Factory, frozen

from integrakit._json import dumps
from integrakit.testing.rows import Row, index_after

__all__ = ["PAGINATIONS", "BadParameter", "PageOf", "PageRequest", "Pagination", "render"]

_WHOLE = re.compile("[0-9]{1,15}")
_CURSOR = re.compile("(.*):([0-9]{1,18})", re.DOTALL)


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


def _token(request: PageRequest, position: int) -> str:
    return base64.urlsafe_b64encode(f"{request.table}:{position}".encode()).decode().rstrip("=")


def _position(request: PageRequest, name: str) -> int:
    """The position that a token stands for: -1 without one."""
    token = request.value(name)
    if token is None:
        return -1
    try:
        text = base64.b64decode(token.encode("ascii") + b"=" * (-len(token) % 4), altchars=b"-_", validate=True).decode()
    except ValueError:
        text = ""
    found = _CURSOR.fullmatch(text)
    if found is None or found[1] != request.table:
        raise BadParameter(f"{name} is not a token of this collection: {token!r}")
    return int(found[2])


def _after(request: PageRequest, parameter: str) -> tuple[list[Row], str | None]:
    start = index_after(request.rows, _position(request, parameter))
    end = start + request.size("limit")
    rows = request.rows[start:end]
    return rows, _token(request, rows[-1].position) if end < len(request.rows) else None


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

    @property
    def parameters(self) -> tuple[str, str]:
        return self.place, self.size

    def is_first(self, query: Sequence[tuple[str, str]]) -> bool:
        """Whether a query asks for the beginning of the collection."""
        places = [value for name, value in query if name == self.place]
        return not places or (self.place in ("offset", "page") and places[-1] == ("0" if self.place == "offset" else "1"))


PAGINATIONS = {
    "link": Pagination(_link, "cursor", "limit"),
    "cursor": Pagination(_cursor, "after", "limit", ("next",)),
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
