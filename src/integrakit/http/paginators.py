"""How the next page is asked for: one small pure class for each way that APIs do it.

A paginator sees the request, the response and the records of a page, and returns the next request or None for the end. It keeps no state, so one
object serves any number of reads. Parameters go to the query, or with ``in_="json"`` to a dotted place in the body (``"params.1"``), or
``in_="header"``; cursors and totals are read from a dotted path or from ``"header:X-Total"``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias
from urllib.parse import urljoin

from attrs import field, frozen
from attrs import field as attr_field

from integrakit.errors import ConfigurationError, DecodeError
from integrakit.http.paths import ABSENT, look_up, parse_path, put_at
from integrakit.model import Record, Request, Response, Stability

__all__ = [
    "CursorPaginator",
    "HeaderLinkPaginator",
    "JSONLinkPaginator",
    "KeysetPaginator",
    "OffsetPaginator",
    "PageNumberPaginator",
    "SinglePagePaginator",
]

Place: TypeAlias = Literal["params", "json", "header"]


def _name(owner: Any, attribute: Any, value: Any) -> None:
    if not isinstance(value, str) or not value:
        raise ConfigurationError(f"{type(owner).__name__}({attribute.name}=…) takes a name or dotted path, not {value!r}")


def _optional_name(owner: Any, attribute: Any, value: Any) -> None:
    if value is not None:
        _name(owner, attribute, value)


def _size(owner: Any, attribute: Any, value: Any) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise ConfigurationError(f"{type(owner).__name__}({attribute.name}=…) takes a whole number of 1 or more, not {value!r}")


def _start(owner: Any, attribute: Any, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ConfigurationError(f"{type(owner).__name__}({attribute.name}=…) takes the first number, 0 or more, not {value!r}")


def _place(owner: Any, attribute: Any, value: Any) -> None:
    if value not in ("params", "json", "header"):
        raise ConfigurationError(f"{type(owner).__name__}(in_=…) takes 'params', 'json' or 'header', not {value!r}")


def read_at(response: Response, path: str) -> Any:
    """What stands at a dotted path of the body, or in a header (``header:X-Total``); ABSENT when it is not there."""
    if path.startswith("header:"):
        value = response.headers.get(path.removeprefix("header:"))
        return ABSENT if value is None else value
    return look_up(response.json(), parse_path(path))


def _place_parameter(request: Request, name: str, value: Any, place: Place) -> Request:
    if place == "json":
        return request.copy(json=put_at(request.json if request.json is not None else {}, parse_path(name), value))
    request = request.copy()
    (request.headers if place == "header" else request.params)[name] = str(value) if place == "header" else value
    return request


def _current(request: Request, name: str, place: Place) -> Any:
    if place == "json":
        return look_up(request.json, parse_path(name))
    return (request.headers if place == "header" else request.params).get(name, ABSENT)


def _whole(value: Any, name: str, response: Response) -> int:
    try:
        if isinstance(value, bool):
            raise ValueError
        return int(value)
    except (TypeError, ValueError):
        raise DecodeError(f"{response}: {name} holds {value!r} where a whole number was agreed", path=name, response=response) from None


@frozen
class SinglePagePaginator:
    """Everything comes at once: there is no next page."""

    stability: Stability = field(default="snapshot", init=False)

    def next_request(self, request: Request, response: Response, records: Sequence[Record], /) -> Request | None:
        return None


@frozen(kw_only=True)
class HeaderLinkPaginator:
    """The ``Link`` header (RFC 8288) names the next page; without one it was the last."""

    rel: str = field(default="next", validator=_name)
    stability: Stability = field(default="keyset", init=False)

    def next_request(self, request: Request, response: Response, records: Sequence[Record], /) -> Request | None:
        link = response.links.get(self.rel)
        return None if link is None else request.copy(url=urljoin(response.url, link), params={})


@frozen
class JSONLinkPaginator:
    """The body holds the URL of the next page at ``link``; null, an empty text or nothing there means it was the last."""

    link: str = field(validator=_name)
    stability: Stability = field(default="keyset", init=False)

    def next_request(self, request: Request, response: Response, records: Sequence[Record], /) -> Request | None:
        link = read_at(response, self.link)
        if link is ABSENT or link is None or link == "":
            return None
        if not isinstance(link, str):
            raise DecodeError(f"{response}: {self.link} holds {type(link).__name__} where a URL was agreed", path=self.link, response=response)
        return request.copy(url=urljoin(response.url, link), params={})


@frozen
class CursorPaginator:
    """The body (or a header) holds an opaque ``cursor`` for the next page, sent back as ``param``; null, empty or nothing there means the last.

    ``has_more``: a path whose falsy value ends the read even though a cursor is there.
    """

    cursor: str = field(validator=_name)
    param: str = field(validator=_name)
    in_: Place = field(default="params", validator=_place, kw_only=True)
    has_more: str | None = field(default=None, validator=_optional_name, kw_only=True)
    stability: Stability = field(default="keyset", init=False)

    def next_request(self, request: Request, response: Response, records: Sequence[Record], /) -> Request | None:
        cursor = read_at(response, self.cursor)
        if self.has_more is not None:
            more = read_at(response, self.has_more)
            if more is ABSENT or more in (False, None, "false", "", 0):
                return None
            if cursor in (ABSENT, None, ""):
                raise DecodeError(
                    f"{response}: {self.has_more} says that there is more, but {self.cursor} holds no cursor", path=self.cursor, response=response
                )
        if cursor is ABSENT or cursor is None or cursor == "":
            return None
        if not isinstance(cursor, str | int | float):
            raise DecodeError(
                f"{response}: {self.cursor} holds {type(cursor).__name__} where a cursor was agreed", path=self.cursor, response=response
            )
        return _place_parameter(request, self.param, cursor, self.in_)


@frozen(kw_only=True)
class OffsetPaginator:
    """Rows are counted off: the offset advances by what came, not by what was asked for, since servers cap limits silently.

    The read ends when the declared ``total`` is reached, or else at the first empty page; a short page alone is never an end.
    """

    limit: int | None = field(default=None, validator=_size)
    offset_param: str = field(default="offset", validator=_name)
    limit_param: str = field(default="limit", validator=_name)
    total: str | None = field(default=None, validator=_optional_name)
    in_: Place = field(default="params", validator=_place)
    stability: Stability = field(default="offset", init=False)

    def first_request(self, request: Request) -> Request:
        if self.limit is not None and _current(request, self.limit_param, self.in_) is ABSENT:
            request = _place_parameter(request, self.limit_param, self.limit, self.in_)
        return request

    def declared_total(self, response: Response) -> int | None:
        return _declared(response, self.total)

    def next_request(self, request: Request, response: Response, records: Sequence[Record], /) -> Request | None:
        before = _current(request, self.offset_param, self.in_)
        offset = (0 if before is ABSENT else _whole(before, self.offset_param, response)) + len(records)
        total = self.declared_total(response)
        if not records or (total is not None and offset >= total):
            return None
        return _place_parameter(request, self.offset_param, offset, self.in_)


@frozen(kw_only=True)
class PageNumberPaginator:
    """Pages are numbered from ``start``. The read ends when the declared ``total`` of records is reached, or else at the first empty page."""

    param: str = field(default="page", validator=_name)
    size_param: str | None = field(default=None, validator=_optional_name)
    size: int | None = field(default=None, validator=_size)
    start: int = field(default=1, validator=_start)
    total: str | None = field(default=None, validator=_optional_name)
    in_: Place = field(default="params", validator=_place)
    stability: Stability = field(default="offset", init=False)

    def __attrs_post_init__(self) -> None:
        if self.size is not None and self.size_param is None:
            raise ConfigurationError(f"PageNumberPaginator(size={self.size}) needs size_param=, the name of the parameter that carries it")

    def first_request(self, request: Request) -> Request:
        if self.size is not None and _current(request, str(self.size_param), self.in_) is ABSENT:
            request = _place_parameter(request, str(self.size_param), self.size, self.in_)
        if _current(request, self.param, self.in_) is ABSENT:
            request = _place_parameter(request, self.param, self.start, self.in_)
        return request

    def declared_total(self, response: Response) -> int | None:
        return _declared(response, self.total)

    def next_request(self, request: Request, response: Response, records: Sequence[Record], /) -> Request | None:
        before = _current(request, self.param, self.in_)
        page = self.start if before is ABSENT else _whole(before, self.param, response)
        # Whether the total is reached is the reader's to say: it knows how many came, servers cap sizes silently.
        return _place_parameter(request, self.param, page + 1, self.in_) if records else None


@frozen
class KeysetPaginator:
    """The next page begins after the last record's ``field``, sent as ``param`` (Stripe's ``starting_after``); ends by ``has_more`` or an empty
    page.
    """

    field: str = attr_field(validator=_name)
    param: str = attr_field(validator=_name)
    has_more: str | None = attr_field(default=None, validator=_optional_name, kw_only=True)
    in_: Place = attr_field(default="params", validator=_place, kw_only=True)
    stability: Stability = attr_field(default="keyset", init=False)

    def next_request(self, request: Request, response: Response, records: Sequence[Record], /) -> Request | None:
        if not records:
            return None
        if self.has_more is not None:
            more = read_at(response, self.has_more)
            if more is ABSENT or more in (False, None, "false", "", 0):
                return None
        last = look_up(records[-1], parse_path(self.field))
        if last is ABSENT or last is None:
            raise DecodeError(f"{response}: the last record has no {self.field!r} to go on from", path=self.field, response=response)
        return _place_parameter(request, self.param, last, self.in_)


def _declared(response: Response, path: str | None) -> int | None:
    if path is None:
        return None
    value = read_at(response, path)
    if value is ABSENT or value is None:
        return None
    if path.startswith("header:") and "/" in str(value):
        # Content-Range: items 0-49/830, or …/* when the server does not know.
        value = str(value).rpartition("/")[2]
        if value == "*":
            return None
    return _whole(value, path, response)
