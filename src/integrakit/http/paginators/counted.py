"""Pages that are counted off: by a row's number, or by the page's. Pure, without state."""

from __future__ import annotations

from collections.abc import Sequence

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
from integrakit.http.paths import ABSENT
from integrakit.model import Record, Request, Response, Stability

__all__ = ["OffsetPaginator", "PageNumberPaginator"]


@frozen(kw_only=True)
class OffsetPaginator:
    """Rows are counted off: the offset advances by what came, not by what was asked for, since servers cap limits silently.

    The read ends when the declared ``total`` is reached, or else at the first empty page; a short page alone is never an end.
    """

    limit: int | None = field(default=None, validator=a_size)
    offset_param: str = field(default="offset", validator=a_name)
    limit_param: str = field(default="limit", validator=a_name)
    total: str | None = field(default=None, validator=a_path_or_none)
    in_: Place = field(default="params", validator=a_place)
    stability: Stability = field(default="offset", init=False)

    def __attrs_post_init__(self) -> None:
        check_names(self, self.in_, self.offset_param, self.limit_param)

    def first_request(self, request: Request) -> Request:
        if self.limit is not None and parameter_of(request, self.limit_param, self.in_) is ABSENT:
            request = put_parameter(request, self.limit_param, self.limit, self.in_)
        return request

    def declared_total(self, response: Response) -> int | None:
        return declared_at(response, self.total)

    def next_request(self, request: Request, response: Response, records: Sequence[Record], /) -> Request | None:
        before = parameter_of(request, self.offset_param, self.in_)
        offset = (0 if before is ABSENT else whole_number(before, self.offset_param, response)) + len(records)
        total = self.declared_total(response)
        if not records or (total is not None and offset >= total):
            return None
        return put_parameter(request, self.offset_param, offset, self.in_)


@frozen(kw_only=True)
class PageNumberPaginator:
    """Pages are numbered from ``start``. The read ends when the declared ``total`` of records is reached, or else at the first empty page."""

    param: str = field(default="page", validator=a_name)
    size_param: str | None = field(default=None, validator=a_name_or_none)
    size: int | None = field(default=None, validator=a_size)
    start: int = field(default=1, validator=a_start)
    total: str | None = field(default=None, validator=a_path_or_none)
    in_: Place = field(default="params", validator=a_place)
    stability: Stability = field(default="offset", init=False)

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
        before = parameter_of(request, self.param, self.in_)
        page = self.start if before is ABSENT else whole_number(before, self.param, response)
        # Whether the total is reached is the reader's to say: it knows how many came, servers cap sizes silently.
        return put_parameter(request, self.param, page + 1, self.in_) if records else None
