"""Pages fetched ahead of the one that is walked: it stands between a reader and its client, and only saves time.

Nothing depends on the foresight. A page that was fetched ahead is given to a reader that asks for exactly that request; for any other request what
was fetched is dropped, and the page asked for anew. What the next page is, the paginator says here as it does in the reader; what it proves is the
reader's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from integrakit._locks import StateLock
from integrakit.errors import IntegrakitError
from integrakit.http.records import Selector, select
from integrakit.model import Record, Request, Response
from integrakit.protocols import Paginator
from integrakit.runtimes import Background, Runtime, Waiter, runtime

__all__ = ["Ahead"]

#: After so many pages that were known in advance and then were others (a server whose pages differ in size), they are followed one after the other.
MISSES = 2


class Ahead:
    """At most ``most`` pages are held or on their way at a time, besides the one that is walked.

    ``call`` gets a page; ``own`` and ``clean`` are the reader's, so that no link leads elsewhere here that would not be followed there.
    """

    def __init__(
        self,
        call: Callable[[Request], Coroutine[Any, Any, Response]],
        most: int,
        *,
        own: Callable[[str], bool],
        clean: Callable[[str], str] = str,
        records: Selector = None,
    ) -> None:
        self._background: Background | None = None
        self._world = ""
        self._fresh: Callable[[], _Line] = lambda: _Line(call, most, own, clean, records)
        self._line = self._fresh()
        self._call = call
        self._most = most
        self._misses = 0
        self._mistake: Exception | None = None

    async def fetch(self, request: Request) -> Response:
        """The page of this request. An error of one that was fetched ahead is raised here, once: asking again asks the server."""
        if self._mistake is not None:
            mistake, self._mistake = self._mistake, None
            raise mistake
        world = runtime()
        if not self._is_here(world):
            self._drop()
        line = self._line
        with line.lock():
            place = line.places[0] if line.places else None
            missed = place is not None and not _same(place.request, request)
            if place is not None and not missed and (place.told or not place.begun):
                line.places.popleft()  # it has failed, or nobody has come to asking for it: it is asked for here
                place = None
        if missed:
            self._misses += 1
            self._drop()
        if place is None or missed:
            return await self._call(request)
        while True:
            with line.lock():
                if place.done:
                    break
                waiter = line.waiter = world.waiter()
            await waiter.wait()
        with line.lock():
            if place.error is None:
                line.places.popleft()
            else:
                place.told = True  # those behind it are as good as before
        if place.error is not None:
            raise place.error
        # None: whoever fetched it was cancelled.
        return place.response if place.response is not None else await self._call(request)

    def foresee(self, following: Request | None, response: Response, records: Sequence[Record], came: int, paginator: Paginator) -> None:
        """After each page: ``following`` is asked for next (None: nothing is). ``response`` and ``records`` are this page's, ``came`` is how many
        records came until now. Never fails: a mistake of the paginator's ``requests_ahead`` is raised when the next page is asked for.
        """
        if following is None:
            self._drop()
            return
        known = self._known(following, response, records, came, paginator)
        world = runtime()
        line = self._line
        with line.lock():
            missed = bool(line.places) and not _same(line.places[0].request, following)
        self._misses += missed
        if missed or not self._is_here(world):
            self._drop()
        if self._background is None:
            self._background, self._world = world.background(self._most), world.name
        line = self._line
        for _ in range(line.foreseen(following, known, came, paginator)):
            self._background.start(line.work)

    def _is_here(self, world: Runtime) -> bool:
        """Whether the jobs run where this call does; a read may be taken up again in another loop, thread or process."""
        return self._background is None or (self._world == world.name and self._background.here())

    def _known(self, following: Request, response: Response, records: Sequence[Record], came: int, paginator: Paginator) -> Sequence[Request] | None:
        """The requests after ``following`` that are known already; None where only following the pages tells."""
        ahead = getattr(paginator, "requests_ahead", None)
        declared = getattr(paginator, "declared_total", None)
        if self._misses >= 2 * MISSES:
            return ()  # nothing but the page after this one is sure
        if ahead is None or declared is None or self._misses >= MISSES:
            return None
        try:
            if declared(response) is None:
                return None
            return tuple(ahead(following, response, records, came, self._most - 1))[: self._most - 1]
        except IntegrakitError:
            return None  # the reader comes to the same place, and says it
        except Exception as problem:  # noqa: BLE001 - not now: this page has come, and must not be lost over the next one
            self._mistake = problem
            return None

    def _drop(self) -> None:
        """Everything that was foreseen. What is on its way is cancelled, or not listened to."""
        self._line.dropped = True
        if self._background is not None:
            self._background.dismiss()
            self._background = None
        self._line = self._fresh()

    def __del__(self) -> None:
        # A read that was left in the middle. No lock here: this may happen in the middle of anything.
        if (background := getattr(self, "_background", None)) is not None:
            self._line.dropped = True
            background.dismiss()


class _Place:
    """One page: asked for by a job, and there when it is ``done``."""

    __slots__ = ("after", "begun", "came", "done", "error", "following", "request", "response", "told")

    def __init__(self, request: Request, came: int) -> None:
        self.request = request
        #: Records of all pages before this one, and with it.
        self.came = self.after = came
        self.begun = self.done = self.told = False
        self.response: Response | None = None
        self.error: Exception | None = None
        #: The page after it, where pages are followed one after the other.
        self.following: Request | None = None


class _Line:
    """The pages to come, in their order: what an `Ahead` shares with its jobs. It knows nothing of reader and `Ahead`, which may become garbage."""

    def __init__(
        self,
        call: Callable[[Request], Coroutine[Any, Any, Response]],
        most: int,
        own: Callable[[str], bool],
        clean: Callable[[str], str],
        records: Selector,
    ) -> None:
        self.lock = StateLock().here
        self.places: deque[_Place] = deque()
        self.waiter: Waiter | None = None
        self.dropped = False
        self._call, self._most, self._own, self._clean, self._records = call, most, own, clean, records
        self._jobs = 0
        #: Says the page after one that has come, where pages are followed; None where they are known in advance.
        self._paginator: Paginator | None = None

    def foreseen(self, following: Request, known: Sequence[Request] | None, came: int, paginator: Paginator) -> int:
        """Takes in what is to come; how many more jobs there is work for."""
        with self.lock():
            self._paginator = paginator if known is None else None
            if not self.places:
                self.places.append(_Place(following, came))
            self.places[0].came = came
            for index, request in enumerate(known or (), start=1):
                if index < len(self.places) and not _same(self.places[index].request, request):
                    self._forget(index)
                if index >= len(self.places):
                    self.places.append(_Place(request, 0))
            if known is not None:
                self._forget(1 + len(known))
            self._lengthen()
            waiting = sum(not place.begun for place in self.places)
            more = min(waiting, self._most - self._jobs)
            self._jobs += more
        return more

    async def work(self) -> None:
        """One job: asks for the pages that nobody asks for yet, until there is none, or no more room."""
        try:
            while (place := self._taken()) is not None:
                await self._fill(place)
        finally:
            with self.lock():
                self._jobs -= 1

    async def _fill(self, place: _Place) -> None:
        try:
            place.response = await self._call(place.request)
            # Here, so that decoding the body is done when the reader asks; it finds what was decoded.
            place.following = self._after(place, place.response)
        except Exception as problem:  # noqa: BLE001 - raised at its turn
            place.error = problem
        finally:
            with self.lock():
                place.done = True
                self._lengthen()
                waiter, self.waiter = self.waiter, None
            if waiter is not None:
                waiter.wake()

    def _taken(self) -> _Place | None:
        with self.lock():
            failed = any(place.error is not None for place in self.places)
            place = None if self.dropped or failed else next((each for each in self.places if not each.begun), None)
            if place is not None:
                place.begun = True
            return place

    def _lengthen(self) -> None:
        """Puts the page after the last one in line. Under the lock."""
        if self.places and len(self.places) < self._most and (last := self.places[-1]).following is not None:
            self.places.append(_Place(last.following, last.after))

    def _after(self, place: _Place, response: Response) -> Request | None:
        paginator = self._paginator
        if paginator is None or self.dropped:
            return None
        try:
            # A function of the user's may change the body it is given; the reader gives it the same one later.
            own = getattr(paginator, "select", None) if self._records is None else None
            records = select(response.fresh() if callable(self._records) else response, self._records) if own is None else own(response)
            following = paginator.next_request(place.request, response, records)
            declared = getattr(paginator, "declared_total", None)
            total = None if declared is None else declared(response)
        except Exception:  # noqa: BLE001 - the reader does the same with this page, and says what is wrong with it
            return None
        place.after = place.came + len(records)
        if following is None or (total is not None and place.after >= total):
            return None
        if (url := self._clean(following.url)) != following.url:
            following = following.copy(url=url)
        return following if following.url == place.request.url or self._own(following.url) else None

    def _forget(self, index: int) -> None:
        while len(self.places) > index:
            self.places.pop()


def _same(one: Request, other: Request) -> bool:
    return (
        one.url == other.url and one.params == other.params and one.json == other.json and one.headers == other.headers and one.method == other.method
    )
