"""Pages that name the next one themselves, and collections that come on a single page. Pure, without state."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import field, frozen

from integrakit.errors import DecodeError
from integrakit.http.paginators.places import a_name, a_path, join_link, read_at
from integrakit.http.paths import ABSENT
from integrakit.model import Record, Request, Response, Stability

__all__ = ["HeaderLinkPaginator", "JSONLinkPaginator", "SinglePagePaginator"]


@frozen
class SinglePagePaginator:
    """Everything comes at once: there is no next page."""

    stability: Stability = field(default="snapshot", init=False)

    def next_request(self, request: Request, response: Response, records: Sequence[Record], /) -> Request | None:
        return None


@frozen(kw_only=True)
class HeaderLinkPaginator:
    """The ``Link`` header (RFC 8288) names the next page; without one it was the last."""

    rel: str = field(default="next", validator=a_name)
    stability: Stability = field(default="keyset", init=False)

    def next_request(self, request: Request, response: Response, records: Sequence[Record], /) -> Request | None:
        link = response.links.get(self.rel.lower())
        return None if link is None else request.copy(url=join_link(response, link), params={})


@frozen
class JSONLinkPaginator:
    """The body holds the URL of the next page at ``link``; null, an empty text or nothing there means it was the last."""

    link: str = field(validator=a_path)
    stability: Stability = field(default="keyset", init=False)

    def next_request(self, request: Request, response: Response, records: Sequence[Record], /) -> Request | None:
        link = read_at(response, self.link)
        if link is ABSENT or link is None or link is False or link == "":
            return None
        if not isinstance(link, str):
            raise DecodeError(f"{response}: {self.link} holds {type(link).__name__} where a URL was agreed", path=self.link, response=response)
        return request.copy(url=join_link(response, link), params={})
