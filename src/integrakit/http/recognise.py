"""Recognising how a collection is paged when nobody said: from the first page, by what the field commonly does. What is not recognised is said.

Never a guess that could skip rows: only links and cursors that name the next page themselves are followed.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from attrs import frozen

from integrakit.http.paginators import CursorPaginator, HeaderLinkPaginator, JSONLinkPaginator, SinglePagePaginator, read_at
from integrakit.http.paths import ABSENT, look_up, parse_path
from integrakit.model import Response, Stability
from integrakit.protocols import Paginator

__all__ = ["Recognised", "overlooked", "recognise"]

#: Where bodies hold the URL of the next page. A value that is no URL is not taken for one.
LINKS = (
    "next",
    "next_url",
    "next_page_url",
    "links.next",
    "_links.next.href",
    "links.next.href",
    "paging.next.link",
    "meta.next",
    "pagination.next_url",
    "@odata.nextLink",
    "nextLink",
    "next.href",
    "next_page",
)
#: Where bodies hold a cursor, and the parameter that sends it back.
CURSORS = (
    ("next_cursor", "cursor"),
    ("meta.next_cursor", "cursor"),
    ("pagination.next_cursor", "cursor"),
    ("response_metadata.next_cursor", "cursor"),
    ("paging.next.after", "after"),
    ("nextPageToken", "pageToken"),
    ("next_page_token", "page_token"),
)
#: Where bodies and headers hold the number of all records, and of all pages.
TOTALS = ("total", "total_count", "totalCount", "total_results", "totalResults", "meta.total", "meta.total_count", "pagination.total")
PAGES = ("total_pages", "totalPages", "page_count", "last_page", "meta.total_pages", "meta.last_page", "pagination.total_pages")
#: Signs that there is more, without a word on how to get it.
MORE = ("has_more", "hasMore", "meta.has_more", "meta.hasMore", "pagination.has_more", "hasNextPage", "pageInfo.hasNextPage")
#: Headers that hold the number of all records, as it is or after the slash of a range.
TOTAL_HEADERS = ("X-Total-Count", "X-Total", "Content-Range")


@frozen(kw_only=True)
class Recognised:
    """The paginator found; ``reason`` why completeness cannot be proved with it; ``more`` when the body says that something is missing."""

    paginator: Paginator
    stability: Stability = "keyset"
    reason: str | None = None
    more: bool = False


def _unread(what: str) -> Recognised:
    reason = f"{what}, and how the next page is asked for was not recognised: name a paginator="
    return Recognised(paginator=SinglePagePaginator(), stability="unknown", reason=reason, more=True)


def _whole(value: Any) -> int:
    """A number of records or pages, however it is written; 0 for what is none."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 16:
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or not 0 <= value < 1e15 or value != int(value):
        return 0
    return int(value)


def _is_something(value: Any) -> bool:
    """Whether a value where the next page would be named is not empty: an object that is not filled in names nothing."""
    if isinstance(value, Mapping):
        return bool(value) and all(map(_is_something, value.values()))
    return value not in (ABSENT, None, "", False)


def recognise(response: Response, count: int) -> Recognised:
    """How the collection of this first page, of ``count`` records, goes on."""
    if "next" in response.links:
        return Recognised(paginator=HeaderLinkPaginator())
    if response.status_code == 204:
        return Recognised(paginator=SinglePagePaginator())
    body = response.json()
    if isinstance(body, Mapping):
        for path in LINKS:
            link = look_up(body, parse_path(path))
            if isinstance(link, str) and (link.startswith(("http://", "https://", "/", "?"))):
                return Recognised(paginator=JSONLinkPaginator(path))
        for path, param in CURSORS:
            cursor = look_up(body, parse_path(path))
            if cursor is not ABSENT and isinstance(cursor, str | int) and not isinstance(cursor, bool) and cursor != "":
                return Recognised(paginator=CursorPaginator(path, param))
        for path in MORE:
            if str(look_up(body, parse_path(path))).lower() in ("true", "1"):
                return _unread(f"the body says {path}")
        for path in (*LINKS, *(cursor for cursor, _ in CURSORS)):
            if _is_something(look_up(body, parse_path(path))):
                return _unread(f"the body names something at {path}")
        for path in TOTALS:
            if _whole(look_up(body, parse_path(path))) > count:
                return _unread(f"the body declares {path}={look_up(body, parse_path(path))} and {count} records came")
        for path in PAGES:
            if _whole(look_up(body, parse_path(path))) > 1:
                return _unread(f"the body declares {path}={look_up(body, parse_path(path))}")
        # A place where a link or cursor would stand, empty on the first page, is an explicit end.
        for path in (*LINKS, *(cursor for cursor, _ in CURSORS), *MORE):
            if look_up(body, parse_path(path)) in (None, "", False):
                return Recognised(paginator=SinglePagePaginator())
    if response.links.keys() & {"prev", "previous", "first", "last"}:
        return Recognised(paginator=HeaderLinkPaginator())  # one that names its neighbours, but no next page, is the last
    for name in TOTAL_HEADERS:
        declared = _whole(response.headers.get(name, "").rpartition("/")[2].strip())
        if declared > count:
            return _unread(f"the header {name} declares {declared} and {count} records came")
    reason = "no paginator= was named and none was recognised, so this is taken for everything there is"
    return Recognised(paginator=SinglePagePaginator(), stability="unknown", reason=reason)


def overlooked(paginator: Paginator, response: Response, count: int) -> str | None:
    """Why the only page that a named paginator saw cannot have been everything, in words, or None.

    A cursor or link that never appears may mean that there was one page, or that the paginator looks in the wrong place: the answer itself tells.
    """
    has_more = getattr(paginator, "has_more", None)
    if isinstance(has_more, str) and read_at(response, has_more) is not ABSENT:
        return None  # the place that decides is there, whatever stands elsewhere
    found = recognise(response, count)
    if found.more:
        said = str(found.reason).partition(",")[0]
    elif isinstance(found.paginator, SinglePagePaginator):
        return None
    else:
        said = f"the answer can be read on with {found.paginator!r}"
    return f"{type(paginator).__name__} saw one page only, but {said}: does it look in the right place?"
