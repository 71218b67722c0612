"""Pages that begin where the last one ended: by an opaque cursor, or by the last record's own key. Pure, without state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import field, frozen
from attrs import field as attr_field

from integrakit.errors import ConfigurationError, DecodeError
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
from integrakit.http.paginators.wording import Quoting, Wording, a_quoting, a_wording, reworded, text_of, worded
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
    stability: Stability = field(default="keyset", init=False, repr=False)
    mode: str = field(default="cursor", init=False, repr=False)

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


def _fields(owner: Any, attribute: Any, value: Any) -> None:
    several = value if isinstance(value, tuple) else (value,)
    if not several:
        raise ConfigurationError("KeysetPaginator(field=…) takes a dotted path in a record, or several, not ()")
    for each in several:
        a_body_path(owner, attribute, each)


def _a_text(owner: Any, attribute: Any, value: Any) -> None:
    if value is not None and not isinstance(value, str):
        raise ConfigurationError(f"KeysetPaginator({attribute.name}=…) takes a text, not {value!r}")


@frozen
class KeysetPaginator:
    """The next page begins after the last record's ``field``, sent as ``param`` (Stripe's ``starting_after``); ends by ``has_more`` or an empty
    page.

    ``template``: what is sent, with a place for the value: ``"gt.{}"``. ``clause``: for query languages, what is written behind the query that
    stands in ``param``: ``" WHERE Id > '{last}' ORDER BY Id LIMIT 200"``; ``first`` is what stands there for the first page. Several fields
    (``("updated_at", "id")``) have the places ``{0}``, ``{1}`` … Numbers, moments and UUIDs may stand by themselves, everything else in quotes;
    ``quote`` says how a quote in a value is escaped: ``"backslash"`` (SOQL, QuickBooks) or ``"double"`` (SQL, OData). A value that could say more
    than itself raises `DecodeError`.
    """

    field: str | tuple[str, ...] = attr_field(validator=_fields)
    param: str = attr_field(validator=a_name)
    has_more: str | None = attr_field(default=None, validator=a_path_or_none, kw_only=True)
    in_: Place = attr_field(default="params", validator=a_place, kw_only=True)
    template: str | None = attr_field(default=None, validator=a_wording, kw_only=True)
    clause: str | None = attr_field(default=None, validator=a_wording, kw_only=True)
    first: str | None = attr_field(default=None, validator=_a_text, kw_only=True)
    quote: Quoting = attr_field(default=None, validator=a_quoting, kw_only=True)
    stability: Stability = attr_field(default="keyset", init=False, repr=False)
    mode: str = attr_field(default="keyset", init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        check_names(self, self.in_, self.param)
        wording = self._wording
        if (self.clause is None) is not (self.first is None):
            raise ConfigurationError(
                "KeysetPaginator takes clause= and first= together: first=' ORDER BY Id LIMIT 200' is what stands behind the query for the first "
                "page, which must be ordered by the same field; '' where the query has its order already"
            )
        if self.clause is not None and self.in_ == "header":
            raise ConfigurationError("KeysetPaginator(clause=…) takes in_='params' or in_='json': no query stands in a header")
        if wording is None:
            if self.quote is not None or len(self._several) > 1:
                raise ConfigurationError(
                    "KeysetPaginator takes several fields, or quote=, with template= or clause= only: they say where values stand"
                )
        elif not wording.names.issuperset(self._names):
            raise ConfigurationError(
                f"KeysetPaginator needs a place for each field in its {'template' if self.clause is None else 'clause'}: "
                f"{', '.join(f'{{{name}}}' for name in self._names)}"
            )

    @property
    def _several(self) -> tuple[str, ...]:
        return self.field if isinstance(self.field, tuple) else (self.field,)

    @property
    def _names(self) -> tuple[str, ...]:
        return ("last",) if isinstance(self.field, str) else tuple(map(str, range(len(self.field))))

    @property
    def _wording(self) -> Wording | None:
        if self.clause is not None and self.template is not None:
            raise ConfigurationError("KeysetPaginator takes template= (all of the parameter) or clause= (behind its text), not both")
        if self.clause is not None:
            return worded("KeysetPaginator(clause=…)", self.clause, self._names, self.quote)
        return None if self.template is None else worded("KeysetPaginator(template=…)", self.template, self._names, self.quote, rest=True)

    def first_request(self, request: Request) -> Request:
        if self.clause is None:
            return request
        text = self._text(request)
        base = self._base(text)
        # One that has the clause already goes on from there.
        return request if self._wording.without(text) != text else reworded(request, self.param, self.in_, base, str(self.first))  # type: ignore[union-attr]

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
        values = {}
        for name, path in zip(self._names, self._several, strict=True):
            last = values[name] = look_up(records[-1], parse_path(path))
            if last is ABSENT or last is None:
                raise DecodeError(f"{response}: the last record has no {path!r} to go on from", path=path, response=response)
            check_cursor(last, path, response)
        wording = self._wording
        if wording is None:
            return put_parameter(request, self.param, values["last" if isinstance(self.field, str) else "0"], self.in_)
        written = wording.render(values, self._several[0])
        if self.clause is None:
            return put_parameter(request, self.param, written, self.in_)
        return reworded(request, self.param, self.in_, self._base(self._text(request)), written)

    def _text(self, request: Request) -> str:
        return text_of(request, self.param, self.in_, "KeysetPaginator(clause=…)")

    def _base(self, text: str) -> str:
        """The user's own query, without what was written behind it."""
        bare = self._wording.without(text)  # type: ignore[union-attr]
        return bare if bare != text else text.removesuffix(str(self.first))
