"""Pages that begin where the last one ended: by an opaque cursor, or by the last record's own key. Pure, without state."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import field, frozen
from attrs import field as attr_field

from integrakit.errors import DecodeError
from integrakit.http.paginators.places import (
    Place,
    a_body_path,
    a_name,
    a_path,
    a_path_or_none,
    a_place,
    check_cursor,
    check_names,
    put_parameter,
    read_at,
    says_more,
)
from integrakit.http.paths import ABSENT, look_up, parse_path
from integrakit.model import Record, Request, Response, Stability

__all__ = ["CursorPaginator", "KeysetPaginator"]


@frozen
class CursorPaginator:
    """The body (or a header) holds an opaque ``cursor`` for the next page, sent back as ``param``; null, empty or nothing there means the last.

    ``has_more``: a path whose falsy value ends the read even though a cursor is there.
    """

    cursor: str = field(validator=a_path)
    param: str = field(validator=a_name)
    in_: Place = field(default="params", validator=a_place, kw_only=True)
    has_more: str | None = field(default=None, validator=a_path_or_none, kw_only=True)
    stability: Stability = field(default="keyset", init=False)

    def __attrs_post_init__(self) -> None:
        check_names(self, self.in_, self.param)

    def next_request(self, request: Request, response: Response, records: Sequence[Record], /) -> Request | None:
        cursor = read_at(response, self.cursor)
        if self.has_more is not None:
            if not says_more(response, self.has_more):
                return None
            if cursor is ABSENT or cursor is None or cursor is False or cursor == "":
                raise DecodeError(
                    f"{response}: {self.has_more} says that there is more, but {self.cursor} holds no cursor", path=self.cursor, response=response
                )
        if cursor is ABSENT or cursor is None or cursor is False or cursor == "":
            return None
        check_cursor(cursor, self.cursor, response)
        return put_parameter(request, self.param, cursor, self.in_)


@frozen
class KeysetPaginator:
    """The next page begins after the last record's ``field``, sent as ``param`` (Stripe's ``starting_after``); ends by ``has_more`` or an empty
    page.
    """

    field: str = attr_field(validator=a_body_path)
    param: str = attr_field(validator=a_name)
    has_more: str | None = attr_field(default=None, validator=a_path_or_none, kw_only=True)
    in_: Place = attr_field(default="params", validator=a_place, kw_only=True)
    stability: Stability = attr_field(default="keyset", init=False)

    def __attrs_post_init__(self) -> None:
        check_names(self, self.in_, self.param)

    def next_request(self, request: Request, response: Response, records: Sequence[Record], /) -> Request | None:
        if self.has_more is not None:
            if not says_more(response, self.has_more):
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
        check_cursor(last, self.field, response)
        return put_parameter(request, self.param, last, self.in_)
