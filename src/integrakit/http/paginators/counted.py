"""Pages that are counted off: by a row's number, or by the page's. Pure, without state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import field, frozen

from integrakit.errors import ConfigurationError
from integrakit.http.paginators.places import (
    Place,
    a_name,
    a_name_or_none,
    a_path_or_none,
    a_place,
    a_size,
    a_start,
    check_names,
    declared_at,
    parameter_of,
    put_parameter,
    whole_number,
)
from integrakit.http.paginators.wording import Wording, a_wording, reworded, text_of, worded
from integrakit.http.paths import ABSENT
from integrakit.model import Record, Request, Response, Stability

__all__ = ["OffsetPaginator", "PageNumberPaginator"]


def _an_overlap(owner: Any, attribute: Any, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ConfigurationError(f"{type(owner).__name__}(overlap=…) takes a number of rows, 0 or more, not {value!r}")


@frozen(kw_only=True)
class OffsetPaginator:
    """Rows are counted off: the offset advances by what came, not by what was asked for, since servers cap limits silently.

    The read ends when the declared ``total`` is reached, or else at the first empty page; a short page alone is never an end.

    ``overlap``: so many rows of a page are asked for again with the next one (half a page at most), so that rows that move up meanwhile are met.
    ``start``: the number of the first row. ``clause``: where the offset stands in a query language, the text that is written behind the query in
    ``offset_param``: ``" STARTPOSITION {offset} MAXRESULTS {limit}"``; ``{limit}`` is ``limit``.
    """

    limit: int | None = field(default=None, validator=a_size)
    offset_param: str = field(default="offset", validator=a_name)
    limit_param: str = field(default="limit", validator=a_name)
    total: str | None = field(default=None, validator=a_path_or_none)
    in_: Place = field(default="params", validator=a_place)
    overlap: int = field(default=0, validator=_an_overlap)
    start: int = field(default=0, validator=a_start)
    clause: str | None = field(default=None, validator=a_wording)
    stability: Stability = field(default="offset", init=False, repr=False)
    mode: str = field(default="offset", init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if self.limit is not None and self.overlap >= self.limit:
            raise ConfigurationError(f"OffsetPaginator(overlap={self.overlap}) takes fewer rows than its limit={self.limit}: it could not get on")
        if self.clause is None:
            check_names(self, self.in_, self.offset_param, self.limit_param)
            return
        check_names(self, self.in_, self.offset_param)
        if self.in_ == "header":
            raise ConfigurationError("OffsetPaginator(clause=…) takes in_='params' or in_='json': no query stands in a header")
        names = self._wording.names
        if "offset" not in names or ("limit" in names) is not (self.limit is not None):
            raise ConfigurationError(f"OffsetPaginator(clause=…) takes {{offset}}, and {{limit}} together with limit=, not {self.clause!r}")

    @property
    def _wording(self) -> Wording:
        return worded("OffsetPaginator(clause=…)", str(self.clause), ("offset", "limit"))

    def first_request(self, request: Request) -> Request:
        if self.clause is not None:
            return self._at(request, self._offset_of(request, request))
        if self.limit is not None and parameter_of(request, self.limit_param, self.in_) is ABSENT:
            request = put_parameter(request, self.limit_param, self.limit, self.in_)
        if self.start and parameter_of(request, self.offset_param, self.in_) is ABSENT:
            request = put_parameter(request, self.offset_param, self.start, self.in_)
        return request

    def declared_total(self, response: Response) -> int | None:
        return declared_at(response, self.total)

    def next_request(self, request: Request, response: Response, records: Sequence[Record], /) -> Request | None:
        offset = self._offset_of(request, response)
        total = self.declared_total(response)
        if not records or (total is not None and offset - self.start + len(records) >= total):
            return None
        return self._at(request, offset + self._step(len(records)))

    def earlier(self, request: Request, rows: int, /) -> Request | None:
        """The same page begun ``rows`` rows earlier, or at the first row; None where it begins there already."""
        offset = self._offset_of(request, request)
        return None if offset <= self.start or rows < 1 else self._at(request, max(self.start, offset - rows))

    def requests_ahead(self, following: Request, response: Response, records: Sequence[Record], came: int, most: int, /) -> Sequence[Request]:
        """At most ``most`` requests after ``following``, none beyond the declared total. Each page is taken to bring what this one brought."""
        total = self.declared_total(response)
        if total is None or not records:
            return ()
        first, step = self._offset_of(following, response), self._step(len(records))
        # The page before one that is needed does not reach the total; an overlap makes pages reach further than the next one's beginning.
        needed = -(-(total + self.start - len(records) - first) // step)
        return [self._at(following, first + step * index) for index in range(1, min(most, needed) + 1)]

    def _step(self, rows: int) -> int:
        # At least half a page of new ground: a server that caps pages below the overlap, or the short last page, must not make it creep.
        return max(rows - self.overlap, (rows + 1) // 2)

    def _offset_of(self, request: Request, said_by: Request | Response) -> int:
        if self.clause is not None:
            text = text_of(request, self.offset_param, self.in_, "OffsetPaginator(clause=…)")
            offset = self._wording.number_in(text, "offset")
            return self.start if offset is None else offset
        before = parameter_of(request, self.offset_param, self.in_)
        return self.start if before is ABSENT else whole_number(before, self.offset_param, said_by)

    def _at(self, request: Request, offset: int) -> Request:
        if self.clause is None:
            return put_parameter(request, self.offset_param, offset, self.in_)
        base = self._wording.without(text_of(request, self.offset_param, self.in_, "OffsetPaginator(clause=…)"))
        return reworded(request, self.offset_param, self.in_, base, self._wording.render({"offset": offset, "limit": self.limit}))


@frozen(kw_only=True)
class PageNumberPaginator:
    """Pages are numbered from ``start``. The read ends when the declared ``total`` of records is reached, or else at the first empty page."""

    param: str = field(default="page", validator=a_name)
    size_param: str | None = field(default=None, validator=a_name_or_none)
    size: int | None = field(default=None, validator=a_size)
    start: int = field(default=1, validator=a_start)
    total: str | None = field(default=None, validator=a_path_or_none)
    in_: Place = field(default="params", validator=a_place)
    stability: Stability = field(default="offset", init=False, repr=False)
    mode: str = field(default="page", init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if self.size is not None and self.size_param is None:
            raise ConfigurationError(f"PageNumberPaginator(size={self.size}) needs size_param=, the name of the parameter that carries it")
        check_names(self, self.in_, self.param, self.size_param)

    def first_request(self, request: Request) -> Request:
        if self.size is not None and parameter_of(request, str(self.size_param), self.in_) is ABSENT:
            request = put_parameter(request, str(self.size_param), self.size, self.in_)
        if parameter_of(request, self.param, self.in_) is ABSENT:
            request = put_parameter(request, self.param, self.start, self.in_)
        return request

    def declared_total(self, response: Response) -> int | None:
        return declared_at(response, self.total)

    def next_request(self, request: Request, response: Response, records: Sequence[Record], /) -> Request | None:
        # Whether the total is reached is the reader's to say: it knows how many came, servers cap sizes silently.
        return put_parameter(request, self.param, self._page_of(request, response) + 1, self.in_) if records else None

    def earlier(self, request: Request, rows: int, /) -> Request | None:
        """The page before, however few ``rows`` are wanted; None where this is the first."""
        page = self._page_of(request, request)
        return None if page <= self.start or rows < 1 else put_parameter(request, self.param, page - 1, self.in_)

    def requests_ahead(self, following: Request, response: Response, records: Sequence[Record], came: int, most: int, /) -> Sequence[Request]:
        """At most ``most`` requests after ``following``, none beyond the declared total. Each page is taken to bring what this one brought."""
        total = self.declared_total(response)
        if total is None or not records:
            return ()
        first = self._page_of(following, response)
        pages = -(-(total - came) // len(records))
        return [put_parameter(following, self.param, first + index, self.in_) for index in range(1, min(most + 1, pages))]

    def _page_of(self, request: Request, said_by: Request | Response) -> int:
        before = parameter_of(request, self.param, self.in_)
        return self.start if before is ABSENT else whole_number(before, self.param, said_by)
