"""How the next page is asked for: one small pure class for each way that APIs do it.

A paginator sees the request, the response and the records of a page, and returns the next request or None for the end. It keeps no state, so one
object serves any number of reads. Parameters go to the query, or with ``in_="json"`` to a dotted place in the body (``"params.1"``), or
``in_="header"``; cursors and totals are read from a dotted path or from ``"header:X-Total"``.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Literal, TypeAlias
from urllib.parse import parse_qsl, urljoin

from attrs import Attribute, field, frozen
from attrs import field as attr_field

from integrakit.errors import ConfigurationError, DecodeError
from integrakit.http.paths import ABSENT, look_up, parse_path, put_at
from integrakit.model import Record, Request, Response, Stability
from integrakit.model.exchange import is_header_name, without_params

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


def _path(owner: Any, attribute: Any, value: Any) -> None:
    """A dotted path, or ``header:`` and a name."""
    _name(owner, attribute, value)
    if value.removeprefix("header:") == "" or not (value.startswith("header:") or all(value.split("."))):
        raise ConfigurationError(f"{type(owner).__name__}({attribute.name}=…) takes a dotted path or 'header:X-Name', not {value!r}")


def _body_path(owner: Any, attribute: Any, value: Any) -> None:
    _path(owner, attribute, value)
    if value.startswith("header:"):
        raise ConfigurationError(f"{type(owner).__name__}({attribute.name}=…) takes a dotted path in a record, not {value!r}")


def _optional_path(owner: Any, attribute: Any, value: Any) -> None:
    if value is not None:
        _path(owner, attribute, value)


def _join(response: Response, link: str) -> str:
    try:
        return urljoin(response.url, link)
    except ValueError as problem:
        raise DecodeError(f"{response}: the URL of the next page cannot be read ({problem})", response=response) from problem


def _says_more(response: Response, path: str) -> bool:
    more = read_at(response, path)
    return more is not ABSENT and bool(more) and str(more).lower() not in ("false", "0", "no")


def _optional_name(owner: Any, attribute: Any, value: Any) -> None:
    if value is not None:
        _name(owner, attribute, value)


def _size(owner: Any, attribute: Any, value: Any) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise ConfigurationError(f"{type(owner).__name__}({attribute.name}=…) takes a whole number of 1 or more, not {value!r}")


def _start(owner: Any, attribute: Any, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ConfigurationError(f"{type(owner).__name__}({attribute.name}=…) takes the first number, 0 or more, not {value!r}")


def _place(owner: Any, attribute: Attribute[Place], value: Place) -> None:
    if not isinstance(value, str) or value not in ("params", "json", "header"):
        raise ConfigurationError(f"{type(owner).__name__}(in_=…) takes 'params', 'json' or 'header', not {value!r}")


def _check_names(owner: Any, place: Place, *names: str | None) -> None:
    """Whether parameters can stand in their place, and each in one of its own."""
    given = [name for name in names if name is not None]
    for name in given:
        if (place == "header" and not is_header_name(name)) or (place == "json" and not all(name.split("."))):
            what = "the name of a header" if place == "header" else "a dotted path such as 'query.after'"
            raise ConfigurationError(f"{type(owner).__name__}(in_={place!r}) takes {what} for each parameter, not {name!r}")
    if len({name.lower() if place == "header" else name for name in given}) != len(given):
        raise ConfigurationError(f"{type(owner).__name__} has two parameters of the same name, {given[0]!r}: one would overwrite the other")


def read_at(response: Response, path: str) -> Any:
    """What stands at a dotted path of the body, or in a header (``header:X-Total``); ABSENT when it is not there."""
    if path.startswith("header:"):
        value = response.headers.get(path.removeprefix("header:"))
        return ABSENT if value is None else value
    if response.status_code == 204:
        return ABSENT
    return look_up(response.json(), parse_path(path))


def _place_parameter(request: Request, name: str, value: Any, place: Place) -> Request:
    if place == "json":
        return request.copy(json=put_at(request.json if request.json is not None else {}, parse_path(name), value))
    request = request.copy()
    if place == "header":
        text = str(value)
        if not text.isascii() or not text.isprintable():
            raise DecodeError(f"{request}: {value!r} cannot go into the header {name}", path=name)
        request.headers[name.lower()] = text
    else:
        # What stands in the URL itself would go out beside it.
        request.url = without_params(request.url, lambda given, _: given == name)
        request.params[name] = value
    return request


def _current(request: Request, name: str, place: Place) -> Any:
    if place == "json":
        return look_up(request.json, parse_path(name))
    if place == "header":
        return request.headers.get(name.lower(), ABSENT)
    if name not in request.params and "?" in request.url:
        return dict(parse_qsl(request.url.partition("#")[0].partition("?")[2], keep_blank_values=True)).get(name, ABSENT)
    return request.params.get(name, ABSENT)


def _whole(value: Any, name: str, response: Response) -> int:
    try:
        if isinstance(value, bool) or (isinstance(value, float | Decimal) and value != int(value)) or int(value) < 0:
            raise ValueError
        if isinstance(value, str) and not (value.strip().isascii() and value.strip().isdecimal()):
            raise ValueError  # int() would take 1_000 too
        return int(value)
    except (TypeError, ValueError, ArithmeticError):
        raise DecodeError(f"{response}: {name} holds {value!r} where a whole number was agreed", path=name, response=response) from None


def _check_cursor(cursor: Any, path: str, response: Response) -> None:
    if isinstance(cursor, bool) or not isinstance(cursor, str | int | float | Decimal):
        raise DecodeError(f"{response}: {path} holds {type(cursor).__name__} where a cursor was agreed", path=path, response=response)


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
        link = response.links.get(self.rel.lower())
        return None if link is None else request.copy(url=_join(response, link), params={})


@frozen
class JSONLinkPaginator:
    """The body holds the URL of the next page at ``link``; null, an empty text or nothing there means it was the last."""

    link: str = field(validator=_path)
    stability: Stability = field(default="keyset", init=False)

    def next_request(self, request: Request, response: Response, records: Sequence[Record], /) -> Request | None:
        link = read_at(response, self.link)
        if link is ABSENT or link is None or link is False or link == "":
            return None
        if not isinstance(link, str):
            raise DecodeError(f"{response}: {self.link} holds {type(link).__name__} where a URL was agreed", path=self.link, response=response)
        return request.copy(url=_join(response, link), params={})


@frozen
class CursorPaginator:
    """The body (or a header) holds an opaque ``cursor`` for the next page, sent back as ``param``; null, empty or nothing there means the last.

    ``has_more``: a path whose falsy value ends the read even though a cursor is there.
    """

    cursor: str = field(validator=_path)
    param: str = field(validator=_name)
    in_: Place = field(default="params", validator=_place, kw_only=True)
    has_more: str | None = field(default=None, validator=_optional_path, kw_only=True)
    stability: Stability = field(default="keyset", init=False)

    def __attrs_post_init__(self) -> None:
        _check_names(self, self.in_, self.param)

    def next_request(self, request: Request, response: Response, records: Sequence[Record], /) -> Request | None:
        cursor = read_at(response, self.cursor)
        if self.has_more is not None:
            if not _says_more(response, self.has_more):
                return None
            if cursor is ABSENT or cursor is None or cursor is False or cursor == "":
                raise DecodeError(
                    f"{response}: {self.has_more} says that there is more, but {self.cursor} holds no cursor", path=self.cursor, response=response
                )
        if cursor is ABSENT or cursor is None or cursor is False or cursor == "":
            return None
        _check_cursor(cursor, self.cursor, response)
        return _place_parameter(request, self.param, cursor, self.in_)


@frozen(kw_only=True)
class OffsetPaginator:
    """Rows are counted off: the offset advances by what came, not by what was asked for, since servers cap limits silently.

    The read ends when the declared ``total`` is reached, or else at the first empty page; a short page alone is never an end.
    """

    limit: int | None = field(default=None, validator=_size)
    offset_param: str = field(default="offset", validator=_name)
    limit_param: str = field(default="limit", validator=_name)
    total: str | None = field(default=None, validator=_optional_path)
    in_: Place = field(default="params", validator=_place)
    stability: Stability = field(default="offset", init=False)

    def __attrs_post_init__(self) -> None:
        _check_names(self, self.in_, self.offset_param, self.limit_param)

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
    total: str | None = field(default=None, validator=_optional_path)
    in_: Place = field(default="params", validator=_place)
    stability: Stability = field(default="offset", init=False)

    def __attrs_post_init__(self) -> None:
        if self.size is not None and self.size_param is None:
            raise ConfigurationError(f"PageNumberPaginator(size={self.size}) needs size_param=, the name of the parameter that carries it")
        _check_names(self, self.in_, self.param, self.size_param)

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

    field: str = attr_field(validator=_body_path)
    param: str = attr_field(validator=_name)
    has_more: str | None = attr_field(default=None, validator=_optional_path, kw_only=True)
    in_: Place = attr_field(default="params", validator=_place, kw_only=True)
    stability: Stability = attr_field(default="keyset", init=False)

    def __attrs_post_init__(self) -> None:
        _check_names(self, self.in_, self.param)

    def next_request(self, request: Request, response: Response, records: Sequence[Record], /) -> Request | None:
        if self.has_more is not None:
            if not _says_more(response, self.has_more):
                return None
            if not records:
                raise DecodeError(
                    f"{response}: {self.has_more} says that there is more, after a page without records", path=self.has_more, response=response
                )
        if not records:
            return None
        last = look_up(records[-1], parse_path(self.field))
        if last is ABSENT or last is None:
            raise DecodeError(f"{response}: the last record has no {self.field!r} to go on from", path=self.field, response=response)
        _check_cursor(last, self.field, response)
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
