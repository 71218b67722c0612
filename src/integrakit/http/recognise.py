"""Recognising how a collection is paged when nobody said: from the first page, by what the field commonly does. What is not recognised is said.

Never a guess that could skip rows: only links and cursors that name the next page themselves are followed.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from integrakit.http.paginators import CursorPaginator, HeaderLinkPaginator, JSONLinkPaginator, SinglePagePaginator
from integrakit.http.paths import ABSENT, look_up, parse_path
from integrakit.model import Response, Stability
from integrakit.protocols import Paginator

__all__ = ["Recognised", "recognise"]

#: Where bodies hold the URL of the next page. A value that is no URL is not taken for one.
LINKS = (
    "next",
    "next_url",
    "next_page_url",
    "links.next",
    "_links.next.href",
    "paging.next.link",
    "meta.next",
    "pagination.next_url",
    "@odata.nextLink",
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
#: Signs that there is more, without a word on how to get it.
MORE = ("has_more", "hasMore", "meta.has_more", "pagination.has_more", "hasNextPage")


@frozen(kw_only=True)
class Recognised:
    """The paginator found; ``reason`` why completeness cannot be proved with it; ``more`` when the body says that something is missing."""

    paginator: Paginator
    stability: Stability = "keyset"
    reason: str | None = None
    more: bool = False


def recognise(response: Response) -> Recognised:
    """How the collection of this first page goes on."""
    if "next" in response.links:
        return Recognised(paginator=HeaderLinkPaginator())
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
            if look_up(body, parse_path(path)) is True:
                reason = f"the body says {path}, and how the next page is asked for was not recognised: name a paginator="
                return Recognised(paginator=SinglePagePaginator(), stability="unknown", reason=reason, more=True)
        # A place where a link or cursor would stand, empty on the first page, is an explicit end.
        for path in (*LINKS, *(cursor for cursor, _ in CURSORS), *MORE):
            if look_up(body, parse_path(path)) in (None, "", False):
                return Recognised(paginator=SinglePagePaginator())
    reason = "no paginator= was named and none was recognised, so this is taken for everything there is"
    return Recognised(paginator=SinglePagePaginator(), stability="unknown", reason=reason)
