"""One read of a collection over HTTP, page by page, and the evidence it gathers.

The reader asks for a page, finds its records, keeps count of what proves that nothing was missed, and knows where to resume. How the next page is
asked for is the paginator's; what a request goes through is the client's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from integrakit._http import encode_params
from integrakit.errors import CheckpointMismatch, DecodeError, IncompleteRead, PaginationStalled, ReadError
from integrakit.http.paginators import SinglePagePaginator
from integrakit.http.paths import ABSENT, look_up, parse_path
from integrakit.http.read_options import ReadSpec
from integrakit.http.recognise import overlooked, recognise
from integrakit.http.records import select, structured
from integrakit.model import Checkpoint, Evidence, Page, Request, Response, Stability
from integrakit.model.exchange import mask_url
from integrakit.protocols import Paginator
from integrakit.runtimes import runtime

__all__ = ["HttpReader"]

#: Keys are remembered over this many records, so that memory stays flat; rows that move come again close by.
KEYS_REMEMBERED = 100_000
#: Requests for pages are remembered over this many pages: circles are shorter.
PAGES_REMEMBERED = 100_000
#: A page that came twice in a row is asked for again this often: a cache that is behind passes, a server that loops does not.
ASK_AGAIN = 2
#: Seconds before it is asked for again, doubled each time.
FIRST_WAIT = 0.1
#: How long an offset is worth resuming at.
OFFSETS_KEEP = timedelta(minutes=15)


class HttpReader:
    """Reads until the protocol ends. ``next_page`` gives None at the end, and raises `IncompleteRead` there when something is known to be missing."""

    def __init__(
        self,
        spec: ReadSpec,
        call: Callable[[Request], Any],
        *,
        own: Callable[[str], bool],
        clean: Callable[[str], str] = str,
        since: Checkpoint | None = None,
    ) -> None:
        self._spec = spec
        self._call = call
        self._own = own
        self._clean = clean
        self._paginator = spec.paginator
        self._parameters = spec.parameters()
        self._since = since
        self._next: Request | None = None
        self._begun = False
        self._ended_by: str | None = None
        self._reasons: list[str] = []
        self._pages = self._records = self._duplicates = self._repeated = self._invalid = 0
        self._total: int | None = None
        self._started: datetime | None = None
        # Ordered, so that the oldest can be forgotten.
        self._tokens: dict[int, None] = {}
        self._keys: set[Any] = set()
        self._key_pages: deque[list[Any]] = deque()
        self._key_paths = [parse_path(name) for name in ([spec.key] if isinstance(spec.key, str) else spec.key or ())]
        self._simple_key = spec.key if isinstance(spec.key, str) and "." not in spec.key else None
        self._previous: tuple[int, str, Response] | None = None
        stability: Stability = getattr(spec.paginator, "stability", "unknown")
        self._stability: Stability = spec.stability or stability
        self._unproved = self._stability == "unknown"
        if self._unproved and spec.paginator is not None:
            self._reasons.append("the paginator does not say how far the collection holds still: name stability=")
        self._missing = self._concluded = self._over = False

    # ------------------------------------------------------------------ the read

    async def next_page(self) -> Page | None:
        """The next page, or None when the read is over. After an error the same page is asked for again."""
        if not self._begun:
            self._begin()
        if self._next is None:
            self._over = True
            self._conclude()
            return None
        request = self._next
        response, records, following = await self._ask(request)
        came, bad = (records, 0) if self._spec.into is None else structured(records, self._spec.into, self._records, self._spec.on_invalid)
        total = self._declared(response)
        duplicates = self._seen_before(records) if self._key_paths and records else 0
        if total is not None and self._records + len(records) >= total:
            following = None
        if following is not None:
            following = self._checked_next(request, following)
        # Nothing fails from here on: a page counts once it can be delivered, so that a read that is taken up again after an error skips nothing.
        self._count(records, duplicates, bad, total)
        self._previous = (len(records), repr(records[0]), response) if records else None
        if following is None:
            self._ended_by = "total" if self._total is not None and self._records >= self._total else "protocol"
            if self._pages == 1 and self._ended_by == "protocol" and self._spec.paginator is not None:
                self._look_again(self._spec.paginator, response, len(records))
        self._next = following
        return Page(came, self.checkpoint)

    def _begin(self) -> None:
        world = runtime()
        since = self._since
        self._started = world.wall()
        request = self._spec.request
        if self._spec.start:
            request = request.copy(params={**request.params, **self._spec.start})
        first_request = getattr(self._paginator, "first_request", None)
        if first_request is not None:
            request = first_request(request)
        if since is not None:
            since.check(self._spec.resource, self._parameters)
            since = self._since = since.live(self._started)
            if since.token is not None:
                request = self._from_token(since.token, request)
                self._pages, self._records = since.pages, since.records
                self._started = since.born or self._started
        self._next = request
        self._tokens[_token(request)] = None
        self._begun = True

    async def _ask(self, request: Request) -> tuple[Response, list[Any], Request | None]:
        """The page, its records, and the request for the page after it."""
        for again in range(ASK_AGAIN + 1):
            response: Response = await self._call(request)
            records = select(response, self._spec.records)
            if not self._is_repeated(records):
                if self._paginator is None:
                    self._recognise(response, len(records))
                following = self._paginator.next_request(request, response, records)  # type: ignore[union-attr]
                return response, records, following
            self._repeated += 1
            if again < ASK_AGAIN:
                await runtime().sleep(FIRST_WAIT * 2**again)
        raise PaginationStalled(
            f"{request} brought the page before it once more, {ASK_AGAIN + 1} times in a row, after {self._records} records: the server does not "
            "move on; nothing after them was read",
            evidence=self.evidence,
        )

    def _is_repeated(self, records: list[Any]) -> bool:
        """Whether these are exactly the records of the page before, which a cache that is behind serves again."""
        if self._previous is None or len(records) != self._previous[0] or repr(records[0]) != self._previous[1]:
            return False
        # The old body is decoded anew: the user may have changed its records since.
        before = self._previous[2].fresh()
        return select(before, self._spec.records) == records

    def _recognise(self, response: Response, count: int) -> None:
        found = recognise(response, count)
        self._paginator = found.paginator
        self._stability = self._spec.stability or found.stability
        self._unproved = found.reason is not None
        if found.reason is not None:
            self._reasons.append(found.reason)
            self._missing = found.more

    def _look_again(self, paginator: Paginator, response: Response, count: int) -> None:
        """Whether the one page was everything, where a paginator was named that saw no other."""
        why = overlooked(paginator, response, count)
        if why is not None:
            self._reasons.append(why)
            # Who says that there is one page may want no other; but that was not everything then.
            self._unproved = True
            self._missing = self._missing or not isinstance(paginator, SinglePagePaginator)

    def _checked_next(self, request: Request, following: Request) -> Request:
        if (url := self._clean(following.url)) != following.url:
            following = following.copy(url=url)
        if following.url != request.url and not self._own(following.url):
            raise ReadError(
                f"{request} names a next page at another origin, {mask_url(following.url)}: it was not followed; if it is right, name its host in "
                "allow_hosts=",
                evidence=self.evidence,
            )
        token = _token(following)
        if token in self._tokens:
            raise PaginationStalled(
                f"{request} names a next page that was read before ({following}): going on would loop for ever; {self._records} records were read",
                evidence=self.evidence,
            )
        self._tokens[token] = None
        if len(self._tokens) > PAGES_REMEMBERED:
            del self._tokens[next(iter(self._tokens))]
        return following

    # ------------------------------------------------------------------ what it proves

    def _declared(self, response: Response) -> int | None:
        declared = getattr(self._paginator, "declared_total", None)
        total: int | None = None if declared is None else declared(response)
        return total

    def _count(self, records: list[Any], duplicates: int, invalid: int, total: int | None) -> None:
        self._pages += 1
        self._records += len(records)
        self._duplicates += duplicates
        self._invalid += invalid
        if total is not None:
            if self._total is not None and total != self._total and self._stability == "offset":
                self._missing = True
                self._reasons.append(f"the declared total changed from {self._total} to {total} while rows were counted off")
            self._total = total

    def _seen_before(self, records: list[Any]) -> int:
        if self._simple_key is not None:
            name = self._simple_key
            keys = [record.get(name) if isinstance(record, dict) else None for record in records]
        else:
            parts = [tuple(look_up(record, path) for path in self._key_paths) for record in records]
            keys = [None if any(part is ABSENT for part in key) else key for key in parts]
        if None in keys:
            self._check_keys(records, keys)
        seen, twice = self._keys, 0
        try:
            fresh = set(keys)
            if len(fresh) == len(keys) and seen.isdisjoint(fresh):
                seen |= fresh
            else:
                for key in keys:
                    twice += key in seen and key is not None
                    seen.add(key)
        except TypeError:
            raise DecodeError(
                f"a record of {self._spec.resource} has a list or an object as its key {self._spec.key!r}", path=str(self._spec.key)
            ) from None
        self._key_pages.append(keys)
        while len(seen) > KEYS_REMEMBERED:
            seen.difference_update(self._key_pages.popleft())
        return twice

    def _check_keys(self, records: list[Any], keys: list[Any]) -> None:
        """Where keys are missing: of all records it is a wrong name, of some it leaves doubles unseen."""
        name = self._spec.key
        if all(key is None for key in keys) and all(isinstance(record, dict) for record in records):
            first = name if isinstance(name, str) else (name or ("",))[0]
            if all(look_up(record, parse_path(first)) is ABSENT for record in records):
                there = ", ".join(map(repr, list(records[0])[:12])) or "no fields"
                raise DecodeError(f"no record of {self._spec.resource} has {name!r}, which is its key; they have {there}", path=str(first))
        reason = f"some records have no {name!r}, so doubles among them could not be found"
        if reason not in self._reasons:
            self._reasons.append(reason)
            self._unproved = True

    @property
    def evidence(self) -> Evidence:
        complete: bool | None = None
        reasons = list(self._reasons)
        if not self._over:
            # Whoever leaves in the middle of the last page has not seen everything either.
            reasons.append("the read was not finished")
        else:
            missing = self._missing
            if self._duplicates:
                missing = True
                reasons.append(f"{self._duplicates} records came twice, so others may have been passed over")
            if self._total is not None and self._records < self._total:
                missing = True
                reasons.append(f"the server declared {self._total} records and gave {self._records}")
            if missing:
                complete = False
            elif self._stability == "offset":
                reasons.append("rows were counted off, so one that moved meanwhile may be missing: stability= says if they hold still")
            elif not self._unproved:
                complete = True
        return Evidence(
            complete=complete,
            reasons=tuple(reasons),
            pages=self._pages,
            records=self._records,
            declared_total=self._total,
            duplicates=self._duplicates,
            stability=self._stability,
            ended_by=self._ended_by,
            repeated_pages=self._repeated,
            invalid=self._invalid,
            started=self._started,
        )

    def _conclude(self) -> None:
        evidence = self.evidence
        if evidence.complete is False and not self._concluded:
            self._concluded = True
            raise IncompleteRead(f"the read of {self._spec.resource} is {evidence}", evidence=evidence)

    # ------------------------------------------------------------------ where it can resume

    @property
    def checkpoint(self) -> Checkpoint:
        """What is true after the page that came last."""
        token = None
        if self._next is not None:
            own = self._spec.request.headers
            headers = {name: value for name, value in self._next.headers.items() if own.get(name) != value}
            token = {"url": self._next.url, "params": _plain(self._next.params), "json": self._next.json, "headers": headers}
        return Checkpoint(
            resource=self._spec.resource,
            parameters=self._parameters,
            token=token,
            watermark=None if self._since is None else self._since.watermark,
            pages=self._pages if token else 0,
            records=self._records if token else 0,
            born=self._started,
            # Counted-off rows shift: after a while it is better to begin anew than to go on at a number.
            expires=runtime().wall() + OFFSETS_KEEP if token and self._stability == "offset" else None,
        )

    def _from_token(self, token: Any, first: Request) -> Request:
        parts: dict[str, Any] = token if isinstance(token, dict) else {}
        url: Any = parts.get("url")
        params: Any = parts.get("params")
        headers: Any = parts.get("headers", {})
        known = isinstance(url, str) and isinstance(params, dict) and isinstance(headers, dict) and "json" in parts
        if not known or not (url == first.url or self._own(url)):
            raise CheckpointMismatch(f"the checkpoint's token is none of {self._spec.resource}'s: start without it")
        return first.copy(url=url, params=dict(params), json=parts["json"], headers={**first.headers, **headers})


def _token(request: Request) -> int:
    """What tells requests for pages apart: 64 bits each, so that many pages stay small."""
    return hash((request.url, repr(request.params), repr(request.json), repr(request.headers)))


def _plain(params: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as they can be kept: what is more than text or a number becomes what would be sent."""
    return {
        name: value if value is None or type(value) in (str, int, float, bool) else [text for _, text in encode_params({name: value})]
        for name, value in params.items()
    }
