"""`StallGuard`: when a read that does not get on is given up. The limits, and the memory of where a read has been.

No I/O lives here, and nothing of what a read can prove.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import field, frozen

from integrakit.errors import ConfigurationError
from integrakit.model import Request, Response

__all__ = ["Latest", "Rounds", "StallGuard", "Trail", "unmoved"]

#: Requests for pages are remembered over this many pages; a longer circle is found too, only later.
PAGES_REMEMBERED = 100_000


def _number(owner: Any, attribute: Any, value: Any) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
        raise ConfigurationError(f"StallGuard({attribute.name}=…) takes a whole number of 0 or more, not {value!r}")


def _whole(owner: Any, attribute: Any, value: Any) -> None:
    if value is None:
        raise ConfigurationError(f"StallGuard({attribute.name}=…) takes a whole number of 0 or more, not None")
    _number(owner, attribute, value)


def _pages(owner: Any, attribute: Any, value: Any) -> None:
    _number(owner, attribute, value)
    if value == 0:
        raise ConfigurationError("StallGuard(pages=…) takes a whole number of 1 or more, or None for any number, not 0")


@frozen(kw_only=True)
class StallGuard:
    """When a read is given up with `PaginationStalled`: the same token twice always, and what is named here.

    ``ask_again``: how often a page is asked for once more that repeats the one before it, or that is empty though the server declares more (a cache
    that is behind passes, a server that loops does not). ``empty_pages``: how many pages without a record may come in a row while the server says
    that there is more, or bring nothing but records that came before. ``pages``: how many pages a read may have at all, None for any number.
    """

    ask_again: int = field(default=2, validator=_whole)
    empty_pages: int = field(default=100, validator=_whole)
    pages: int | None = field(default=None, validator=_pages)


def _place(request: Request) -> int:
    """What tells requests for pages apart: 64 bits each, so that many pages stay small."""
    return hash((request.url, repr(request.params), repr(request.json), repr(request.headers)))


class Trail:
    """The pages that were asked for. It finds a circle of any length, in bounded memory."""

    def __init__(self, first: Request) -> None:
        # Ordered, so that the oldest can be forgotten.
        self._looked_up = first, _place(first)
        self._places: dict[int, None] = {self._looked_up[1]: None}
        # Brent's: one place is waited at, for twice as long each time; who comes by again goes round in circles, however long they are.
        self._waiting, self._steps, self._patience = 0, 0, 1

    def passed(self, request: Request) -> bool:
        """Whether this page was asked for before."""
        place = _place(request)
        self._looked_up = request, place
        return place in self._places or place == self._waiting

    def go(self, request: Request) -> None:
        """This page is next."""
        looked_up, place = self._looked_up
        if looked_up is not request:
            place = _place(request)
        self._places[place] = None
        if len(self._places) > PAGES_REMEMBERED:
            del self._places[next(iter(self._places))]
            self._steps += 1
            if self._steps == self._patience:
                self._waiting, self._steps, self._patience = place, 0, self._patience * 2


class Rounds:
    """Whether the same pages come round and round, each asked for in words of its own: a server that begins again behind its last page."""

    def __init__(self, guard: StallGuard) -> None:
        self._most = guard.empty_pages
        #: Pages in a row that brought no key that is new.
        self._known = 0
        # Without keys, Brent's again: one page is kept, for twice as long each time, and the records counted that are its own once more.
        self._kept: Latest | None = None
        self._again, self._steps, self._patience = 0, 0, 1

    def keys(self, rows: int, new: bool) -> None:
        """A page of so many records, with keys; whether one of them is new."""
        if rows:
            self._known = 0 if new else self._known + 1

    def page(self, latest: Latest, records: list[Any], select: Callable[[Response], list[Any]]) -> None:
        """A page of records without keys."""
        if self._kept is not None and self._kept.is_again(records, select):
            self._again += len(records)
        self._steps += 1
        if self._steps == self._patience:
            self._kept, self._again, self._steps, self._patience = latest, 0, 0, self._patience * 2

    @property
    def told(self) -> str | None:
        """How it shows that it does not get on, in words."""
        if self._known > self._most:
            return f"{self._known} pages in a row brought nothing but records that had come before"
        return "the same page came again and again" if self._again > self._most else None


def unmoved(paginator: Any) -> str:
    """Why a server may give the same page again and again, in words: it may as well never have heard of the parameter."""
    name = getattr(paginator, "offset_param", None) or getattr(paginator, "param", None)
    return "the server does not move on" + (f" (does it know the parameter {name!r}?)" if isinstance(name, str) else "")


class Latest:
    """The page that was delivered last, to know it again when the server sends it once more."""

    def __init__(self, records: list[Any], response: Response) -> None:
        # A quick look first. The user may change the records, so it is taken now, and the body is decoded anew where it fits.
        self._count, self._first = len(records), repr(records[0])
        self._response = response

    def is_again(self, records: list[Any], select: Callable[[Response], list[Any]]) -> bool:
        """Whether these are exactly its records, as a cache that is behind serves them again."""
        if len(records) != self._count or repr(records[0]) != self._first:
            return False
        return select(self._response.fresh()) == records
