"""Recognising how a collection is paged when nobody said: from the first page, by what the field commonly does. What is not recognised is said.

Never a guess that could skip rows: only links and cursors that name the next page themselves are followed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from attrs import frozen

from integrakit.http.paginators import CursorPaginator, HeaderLinkPaginator, JSONLinkPaginator, SinglePagePaginator, read_at
from integrakit.http.paginators.links import linked
from integrakit.http.paths import ABSENT, look_up, parse_path
from integrakit.model import Response, Stability
from integrakit.protocols import Paginator

__all__ = ["Recognised", "is_partial", "objections", "recognise"]

#: Where bodies hold the URL of the next page. A value that is no URL is not taken for one.
LINKS = (
    "next",
    "next_url",
    "next_page_url",
    "links.next",
    "_links.next.href",
    "links.next.href",
    "paging.next.link",
    "paging.next",
    "meta.next",
    "pagination.next_url",
    "@odata.nextLink",
    "odata.nextLink",
    "d.__next",
    "nextRecordsUrl",
    "nextLink",
    "nextPageUrl",
    "pagination.next",
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
    ("metadata.next_cursor", "cursor"),
    ("additional_data.next_cursor", "cursor"),
    ("nextCursor", "cursor"),
    ("meta.nextCursor", "cursor"),
    ("metadata.continue", "continue"),
)
#: Lists of link objects, one of which is the next: JSON of Oracle and NetSuite (``rel``, ``href``), FHIR (``relation``, ``url``).
LINK_LISTS = ("links", "link")
#: Where bodies hold something to go on with, and what is done with it differs: said, not guessed.
TOKENS = {
    "_scroll_id": "a scroll is read on at another address, by POST",
    "nextToken": "",
    "NextToken": "",
    "next_token": "",
    "meta.next_token": "",
    "continuationToken": "",
    "continuation_token": "",
    "continuation": "",
    "next_offset": "",
    "nextOffset": "",
    "meta.after_cursor": "Zendesk's is sent back as page[after]",
    "additional_data.pagination.next_start": "Pipedrive's is sent back as start",
    "cursor": "",
}
#: Where bodies and headers hold the number of all records, and of all pages.
TOTALS = (
    "total",
    "total_count",
    "totalCount",
    "total_results",
    "totalResults",
    "totalSize",
    "totalElements",
    "total_items",
    "meta.total",
    "meta.total_count",
    "meta.pagination.total",
    "pagination.total",
    "page.totalElements",
    "@odata.count",
    "odata.count",
    "d.__count",
    "hits.total.value",
    "hits.total",
)
PAGES = (
    "total_pages",
    "totalPages",
    "page_count",
    "last_page",
    "meta.total_pages",
    "meta.last_page",
    "meta.pagination.total_pages",
    "pagination.total_pages",
    "page.totalPages",
)
#: Signs that there is more, without a word on how to get it.
MORE = (
    "has_more",
    "hasMore",
    "meta.has_more",
    "meta.hasMore",
    "metadata.has_more",
    "pagination.has_more",
    "pagination.hasMore",
    "pagination.has_next",
    "pagination.has_next_page",
    "has_next",
    "has_next_page",
    "hasNext",
    "hasNextPage",
    "pageInfo.hasNextPage",
    "additional_data.pagination.more_items_in_collection",
)
#: Words for an answer that was cut off: Datasette's queries, S3's listings, GitHub's search when it ran out of time.
CUT = ("truncated", "isTruncated", "IsTruncated", "is_truncated", "meta.truncated", "incomplete_results")
#: Signs that there is no more, where they are true.
LAST = ("isLast", "isLastPage", "is_last", "is_last_page")
#: Headers that hold the number of all records, as it is or after the slash of a range.
TOTAL_HEADERS = ("X-Total-Count", "X-Total", "X-WP-Total", "Total-Count", "Content-Range")
#: Headers that hold the number of all pages.
PAGE_HEADERS = ("X-Total-Pages", "X-WP-TotalPages")
#: ``items 0-49/50`` and ``0-49/*``.
CONTENT_RANGE = re.compile(r"(?:[a-z]+ )?([0-9]{1,15})-([0-9]{1,15})/([0-9]{1,15}|\*)")


@frozen(kw_only=True)
class Recognised:
    """The paginator found; ``reason`` why completeness cannot be proved with it; ``more`` when the body says that something is missing."""

    paginator: Paginator
    stability: Stability = "keyset"
    reason: str | None = None
    more: bool = False


def _unread(what: str, hint: str = "") -> Recognised:
    reason = f"{what}, and how the next page is asked for was not recognised: name a paginator={hint}"
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
    found = _in_body(body, count) if isinstance(body, Mapping) else None
    if found is not None and (found.more or not isinstance(found.paginator, SinglePagePaginator)):
        return found
    # A header that declares more is believed before a body that names nothing.
    in_headers = _in_headers(response, count)
    if in_headers is not None and in_headers.more:
        return in_headers
    if found is None and response.links.keys() & {"prev", "previous", "first", "last"}:
        return Recognised(paginator=HeaderLinkPaginator())  # one that names its neighbours, but no next page, is the last
    if found is not None or in_headers is not None:
        return found or in_headers  # type: ignore[return-value]
    reason = "no paginator= was named and none was recognised, so this is taken for everything there is"
    return Recognised(paginator=SinglePagePaginator(), stability="unknown", reason=reason)


def _in_body(body: Mapping[str, Any], count: int) -> Recognised | None:
    """What the body says; None where it says nothing."""

    def at(path: str) -> Any:
        return look_up(body, parse_path(path))

    for path in LINKS:
        link = at(path)
        if isinstance(link, str) and (link.startswith(("http://", "https://", "/", "?"))):
            return Recognised(paginator=JSONLinkPaginator(path))
    for path in LINK_LISTS:
        if linked(at(path), "next") is not None:
            return Recognised(paginator=JSONLinkPaginator(path, rel="next"))
    for path, param in CURSORS:
        cursor = at(path)
        if cursor is not ABSENT and isinstance(cursor, str | int) and not isinstance(cursor, bool) and cursor != "":
            return Recognised(paginator=CursorPaginator(path, param))
    if isinstance(offset := at("offset"), str) and isinstance(body.get("records"), list) and "/" in offset:
        return Recognised(paginator=CursorPaginator("offset", "offset"))  # Airtable: "itr…/rec…"
    if (found := _more(body, at)) is not None:
        return found
    for path in TOTALS:
        if _whole(at(path)) > count:
            return _unread(f"the body declares {path}={at(path)} and {count} records came")
    for path in PAGES:
        if _whole(at(path)) > 1:
            return _unread(f"the body declares {path}={at(path)}")
    # A place where a link or cursor would stand, empty on the first page, is an explicit end.
    empty = any(at(path) in (None, "", False) for path in (*LINKS, *(cursor for cursor, _ in CURSORS), *MORE))
    said = any(at(path) is True for path in LAST) or (at("done") is True and "totalSize" in body)
    ended = any(info.get("hasNextPage") is False for _, info in _connections(body, ""))
    bundled = at("resourceType") == "Bundle" and isinstance(at("link"), list)
    if empty or said or ended or bundled:
        return Recognised(paginator=SinglePagePaginator())
    for path, hint in TOKENS.items():
        if _is_something(at(path)):
            # Some servers name one on the last page too.
            reason = f"the body holds {path}, which may be there to go on with{f' ({hint})' if hint else ''}: name a paginator="
            return Recognised(paginator=SinglePagePaginator(), stability="unknown", reason=reason)
    return None


def _more(body: Mapping[str, Any], at: Callable[[str], Any]) -> Recognised | None:
    """A word of the body that there is more, where it does not say how to get it."""
    for path, info in _connections(body, ""):
        if path and info.get("hasNextPage") is True:
            return _unread(f"the body says {path}.pageInfo.hasNextPage", f", for GraphQL RelayPaginator({path!r})")
    for path in MORE:
        if str(at(path)).lower() in ("true", "1"):
            keyset = " KeysetPaginator('id', 'starting_after', has_more='has_more')" if path == "has_more" and body.get("object") == "list" else ""
            return _unread(f"the body says {path}", keyset)
    for path in CUT:
        if at(path) is True:
            return _unread(f"the body says {path}")
    for path in LAST:
        if at(path) is False:
            return _unread(f"the body says {path}=false")
    if at("done") is False and ("totalSize" in body or "nextRecordsUrl" in body):
        return _unread("the body says done=false")
    for path in (*LINKS, *(cursor for cursor, _ in CURSORS)):
        if _is_something(at(path)):
            return _unread(f"the body names something at {path}")
    return None


def _connections(body: Any, path: str) -> list[tuple[str, Mapping[str, Any]]]:
    """Each ``pageInfo`` in the answer to a GraphQL query, with the path of its connection."""
    if not isinstance(body, Mapping) or path.count(".") > 3:
        return []
    info = body.get("pageInfo")
    found = [(path, info)] if isinstance(info, Mapping) else []
    for name, inner in body.items():
        if name != "pageInfo" and isinstance(name, str) and name and "." not in name:
            found += _connections(inner, f"{path}.{name}" if path else name)
    return found


def _in_headers(response: Response, count: int) -> Recognised | None:
    """What the headers say of how much there is; None where they say nothing."""
    for name in TOTAL_HEADERS:
        declared = _whole(response.headers.get(name, "").rpartition("/")[2].strip())
        if declared > count:
            return _unread(f"the header {name} declares {declared} and {count} records came")
    for name in PAGE_HEADERS:
        if _whole(response.headers.get(name, "").strip()) > 1:
            return _unread(f"the header {name} declares {response.headers[name].strip()} pages")
    if response.status_code == 206:
        return _unread("the status 206 says that this is a part")
    span = CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
    if span is None:
        return None
    first, last, total = span.groups()
    if total == "*":
        reason = (
            f"the header Content-Range ({span[0]}) does not say how many there are, and servers cap their pages: ask for the count (PostgREST: "
            "headers={'Prefer': 'count=exact'}) and name OffsetPaginator(total='header:Content-Range')"
        )
        return Recognised(paginator=SinglePagePaginator(), stability="unknown", reason=reason)
    # From the first row to the last of all, and that many came: said outright.
    return Recognised(paginator=SinglePagePaginator()) if int(first) == 0 and int(last) + 1 == int(total) == count else None


def is_partial(response: Response) -> bool:
    """Whether a page says that it is only a part of itself: GitHub's search, out of time, names next pages all the same."""
    body = None if response.status_code == 204 else response.json()
    return isinstance(body, Mapping) and body.get("incomplete_results") is True


def objections(paginator: Paginator, response: Response, count: int, *, alone: bool, by_total: bool) -> list[tuple[str, bool]]:
    """What the page that ended a read, of ``count`` records, says against its being everything, and whether that is certain.

    ``alone``: it is the only page that a named paginator saw. ``by_total``: the declared total ended it, whatever links there are.
    """
    why = _overlooked(paginator, response, count, by_total) if alone else None
    if why is None:
        why = _left_open(paginator, response, count)
        return [] if why is None else [(why, True)]
    # Who says that there is one page may want no other.
    return [(why, not isinstance(paginator, SinglePagePaginator))]


def _left_open(paginator: Paginator, response: Response, count: int) -> str | None:
    body = None if response.status_code == 204 else response.json()
    if not isinstance(body, Mapping):
        return None
    for name in ("errors", "error") if not count else ():
        if _is_something(body.get(name)) and body[name] != []:
            return f"the page that ended the read has no records, and holds {name}"
    has_more = getattr(paginator, "has_more", None)
    if isinstance(has_more, str) and read_at(response, has_more) is not ABSENT:
        return None  # the place that decides is there, whatever stands elsewhere
    for names, value in ((MORE, "true"), (CUT, "true"), (LAST, "false")):
        for path in names:
            if str(look_up(body, parse_path(path))).lower() == value:
                return f"the page that ended the read says {path}={value}"
    if isinstance(has_more, str) and isinstance(paginator, CursorPaginator | JSONLinkPaginator):
        place = paginator.cursor if isinstance(paginator, CursorPaginator) else paginator.link
        if _is_something(read_at(response, place)):
            return f"the page that ended the read has no {has_more}, though there is something at {place}"
    return None


def _overlooked(paginator: Paginator, response: Response, count: int, by_total: bool) -> str | None:
    """Why the only page that a named paginator saw cannot have been everything, in words, or None.

    A cursor or link that never appears may mean that there was one page, or that the paginator looks in the wrong place: the answer itself tells.
    """
    has_more = getattr(paginator, "has_more", None)
    if isinstance(has_more, str) and read_at(response, has_more) is not ABSENT:
        return None  # the place that decides is there, whatever stands elsewhere
    found = recognise(response, count)
    if found.more:
        said = str(found.reason).partition(",")[0]
    elif by_total or isinstance(found.paginator, SinglePagePaginator):
        return None
    else:
        said = f"the answer can be read on with {found.paginator!r}"
    return f"{type(paginator).__name__} saw one page only, but {said}: does it look in the right place?"
