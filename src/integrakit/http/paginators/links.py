"""Pages that name the next one themselves, and collections that come on a single page. Pure, without state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import field, frozen

from integrakit.errors import DecodeError
from integrakit.http.paginators.places import a_name, a_name_or_none, a_path, a_path_or_none, join_link, read_at, says_more
from integrakit.http.paths import ABSENT
from integrakit.model import Record, Request, Response, Stability

__all__ = ["HeaderLinkPaginator", "JSONLinkPaginator", "SinglePagePaginator"]


@frozen
class SinglePagePaginator:
    """Everything comes at once: there is no next page."""

    stability: Stability = field(default="snapshot", init=False, repr=False)
    mode: str = field(default="single", init=False, repr=False)

    def next_request(self, request: Request, response: Response, records: Sequence[Record], /) -> Request | None:
        return None


@frozen(kw_only=True)
class HeaderLinkPaginator:
    """The ``Link`` header (RFC 8288) names the next page; without one it was the last."""

    rel: str = field(default="next", validator=a_name)
    stability: Stability = field(default="keyset", init=False, repr=False)
    mode: str = field(default="link", init=False, repr=False)

    def next_request(self, request: Request, response: Response, records: Sequence[Record], /) -> Request | None:
        link = response.links.get(self.rel.lower())
        return None if link is None else request.copy(url=join_link(response, link), params={})


@frozen
class JSONLinkPaginator:
    """The body holds the URL of the next page at ``link``; null, an empty text or nothing there means it was the last.

    ``rel``: what stands there is a list of links, of which the one of this relation is meant: ``{"rel": "next", "href": …}`` (Oracle, NetSuite) or
    ``{"relation": "next", "url": …}`` (FHIR). ``has_more``: a path whose falsy value ends the read even though a link is there.
    """

    link: str = field(validator=a_path)
    rel: str | None = field(default=None, validator=a_name_or_none, kw_only=True)
    has_more: str | None = field(default=None, validator=a_path_or_none, kw_only=True)
    stability: Stability = field(default="keyset", init=False, repr=False)
    mode: str = field(default="link", init=False, repr=False)

    def next_request(self, request: Request, response: Response, records: Sequence[Record], /) -> Request | None:
        more = None if self.has_more is None else says_more(response, self.has_more)
        if more is False:
            return None
        link = read_at(response, self.link)
        if self.rel is not None and link is not ABSENT and link is not None:
            if not isinstance(link, list):
                raise DecodeError(f"{response}: {self.link} holds {type(link).__name__} where a list was agreed", path=self.link, response=response)
            link = linked(link, self.rel)
        if link is ABSENT or link is None or link is False or link == "":
            if more:
                raise DecodeError(
                    f"{response}: {self.has_more} says that there is more, but {self.link} holds no link", path=self.link, response=response
                )
            return None
        if not isinstance(link, str):
            raise DecodeError(f"{response}: {self.link} holds {type(link).__name__} where a URL was agreed", path=self.link, response=response)
        return request.copy(url=join_link(response, link), params={})


def linked(links: Any, rel: str) -> Any:
    """What the first link of this relation in a list of link objects leads to; None where there is none."""
    for link in links if isinstance(links, list) else ():
        if isinstance(link, Mapping) and rel in (link.get("rel"), link.get("relation")):
            return link.get("href", link.get("url"))
    return None
