"""One read of a collection over HTTP, page by page.

The reader asks for a page, finds its records, and hands on what proves that nothing was missed. How the next page is asked for is the paginator's;
what a request goes through is the client's; what it all proves is said in `proof.py`, and what going round in circles is in `stalling.py`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from attrs import evolve

from integrakit.errors import IncompleteRead, IncompleteReadWarning, PaginationStalled, ReadError, ResponseError
from integrakit.http.ahead import Ahead
from integrakit.http.overlapping import Overlap, plain
from integrakit.http.paginators.connections import Doubt
from integrakit.http.paginators.places import total_told
from integrakit.http.proof import Proof
from integrakit.http.read_options import ReadSpec
from integrakit.http.recognise import is_partial, objections, recognise
from integrakit.http.records import place_of, select, structured
from integrakit.http.rereading import Rereading
from integrakit.http.resuming import COUNTED, found_of, good_for, is_lost, mode_of, recognised_from, request_from, token_of, why_not
from integrakit.http.seen_keys import KeyField, RecentKeys
from integrakit.http.stalling import Latest, Rounds, Trail, unmoved
from integrakit.model import Checkpoint, Evidence, Page, Request, Response, Stability
from integrakit.model.exchange import mask_url
from integrakit.runtimes import runtime

__all__ = ["HttpReader"]

#: Seconds before a page is asked for again, doubled each time.
FIRST_WAIT = 0.1


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
        #: Where records are: as named, or else as the first page has them.
        self._records = spec.records
        self._call = call
        self._ahead = Ahead(call, spec.prefetch, own=own, clean=clean, records=spec.records) if spec.prefetch else None
        #: Of pages. What else is asked for, to complete one, is not among those that are fetched ahead.
        self._fetch = call if self._ahead is None else self._ahead.fetch
        self._own = own
        self._clean = clean
        self._paginator: Any = spec.paginator
        self._parameters = spec.parameters()
        self._since = since
        self._next: Request | None = None
        self._begun = self._on_token = self._concluded = False
        stability: Stability = getattr(spec.paginator, "stability", "unknown")
        self._proof = Proof(spec.stability or stability, named=spec.paginator is not None)
        self._key = None if spec.key is None else KeyField(spec.key, spec.resource)
        self._seen = RecentKeys()
        self._latest: Latest | None = None
        self._rounds = Rounds(spec.stall_guard)
        self._trail: Trail | None = None
        self._empty = 0
        self._rereading: Rereading | None = None
        self._overlap: Overlap | None = None

    # ------------------------------------------------------------------ the read

    async def next_page(self) -> Page | None:
        """The next page, or None when the read is over. After an error the same page is asked for again."""
        if not self._begun:
            self._begin()
        while True:
            request = self._next
            if request is None:
                if self._read_again():
                    continue
                self._conclude()
                return None
            most = self._spec.stall_guard.pages
            if most is not None and self._proof.pages >= most and not self._is_rereading:
                raise self._stalled(f"the read has {most} pages, which is all that its stall_guard allows, and there is another: {request}")
            try:
                page = await self._one_page(request)
            except (ResponseError, PaginationStalled) as problem:
                if not self._on_token or not is_lost(problem):
                    raise
                self._begin_anew("the server does not know the page any more where the last read stopped")
                continue
            self._on_token = False
            if page is not None:
                return page

    async def _one_page(self, request: Request) -> Page | None:
        request, response, records, keys = await self._ask(request)
        proof, paginator, overlap = self._proof, self._paginator, self._overlap
        total = total_told(self._paginator, response)
        fresh, new = records, keys
        if keys is not None and (overlap is not None or self._rereading is not None):
            fresh, new = self._not_known(records, keys)
        if overlap is not None:
            following = overlap.following(request, response, records, len(fresh))
        else:
            following = paginator.next_request(request, response, records)
            if following is not None and proof.reaches(total, len(records)):
                following = None
        if following is not None:
            following = self._checked_next(request, following, not records)
        latest = Latest(records, response) if records and overlap is None else None
        missing = await self._filled_in(fresh, request)
        came, bad = (fresh, 0) if self._spec.into is None else structured(fresh, self._spec.into, proof.records, self._spec.on_invalid)
        # Nothing fails from here on: a page counts once it can be delivered, so that a read that is taken up again after an error skips nothing.
        self._latest = latest
        if self._records is None:
            self._records = place_of(records, response)
        self._empty = 0 if records else self._empty + 1
        if is_partial(response):
            proof.wrong_about("the body says incomplete_results")
        for text in missing:
            (proof.doubt if isinstance(text, Doubt) else proof.wrong_about)(text)
        self._count(len(records), keys, fresh, new, total)
        if keys is None and latest is not None:
            self._rounds.page(latest, records, self._select)
        proof.invalid += bad
        if following is None:
            self._end_pass(response, records)
        elif self._trail is not None:
            self._trail.go(following)
        self._next = following
        if self._ahead is not None:
            self._ahead.foresee(following, response, records, proof.rows - proof.overlapped, paginator)
        return None if self._is_rereading and not fresh else Page(came, self.checkpoint)

    async def _ask(self, request: Request) -> tuple[Request, Response, list[Any], list[Any] | None]:
        """The page's request and answer, its records and their keys. Asked again where that is of use, or an earlier one where there is a hole."""
        again, most = 0, self._spec.stall_guard.ask_again
        if self._overlap is not None:
            self._overlap.look_anew()
        while True:
            response: Response = await self._fetch(request)
            records = self._select(response)
            if self._paginator is None:
                self._recognise(response, len(records))
            keys = self._key.keys(records) if self._key is not None and records else None
            if self._overlap is not None:
                earlier = self._look_back(self._overlap, request, keys or [])
                if earlier is None:
                    return request, response, records, keys
                request = earlier
                continue
            repeated = bool(records) and self._latest is not None and self._latest.is_again(records, self._select)
            if not repeated and (records or not self._is_short(response)):
                return request, response, records, keys
            self._proof.repeated += 1
            if again == most:
                if not repeated:
                    return request, response, records, keys  # the count says what is missing
                raise self._stalled(
                    f"{request} brought the page before it once more, {most + 1} times in a row, after {self._proof.records} records: "
                    f"{unmoved(self._paginator)}; nothing after them was read"
                )
            await runtime().sleep(FIRST_WAIT * 2**again)
            again += 1

    def _select(self, response: Response) -> list[Any]:
        own = None if self._spec.records is not None else getattr(self._paginator, "select", None)
        if own is None or response.status_code == 204:
            return select(response, self._records)
        records: list[Any] = own(response)
        return records

    async def _filled_in(self, records: list[Any], request: Request) -> list[str]:
        """What could not be completed of what the page left out of its records, in words."""
        fill_in = getattr(self._paginator, "fill_in", None)
        return [] if fill_in is None or not records else list(await fill_in(records, request, self._call))

    def _is_short(self, response: Response) -> bool:
        """Whether an empty page ends the read before the declared total is reached."""
        total = total_told(self._paginator, response)
        return total is not None and mode_of(self._paginator) in COUNTED and self._proof.rows < total

    def _recognise(self, response: Response, count: int) -> None:
        found = recognise(response, count)
        self._paginator = found.paginator
        self._proof.stability = self._spec.stability or found.stability
        if found.reason is not None:
            (self._proof.wrong_about if found.more else self._proof.doubt)(found.reason)

    def _checked_next(self, request: Request, following: Request, empty: bool) -> Request:
        if (url := self._clean(following.url)) != following.url:
            following = following.copy(url=url)
        if following.url != request.url and not self._own(following.url):
            raise ReadError(
                f"{request} names a next page at another origin, {mask_url(following.url)}: it was not followed; if it is right, name its host in "
                "allow_hosts=",
                evidence=self.evidence,
            )
        if self._trail is not None and self._trail.passed(following):
            raise self._stalled(
                f"{request} names a next page that was read before ({following}): going on would loop for ever; {self._proof.records} records "
                "were read"
            )
        if (told := self._rounds.told) is not None:
            raise self._stalled(f"{request} names a next page, and {told}: the server goes round in circles; {self._proof.records} records were read")
        if empty and self._empty >= self._spec.stall_guard.empty_pages:
            raise self._stalled(f"{request} is page {self._empty + 1} in a row without a record, and names a next one: the server does not move on")
        return following

    def _stalled(self, text: str) -> PaginationStalled:
        return PaginationStalled(text, evidence=self.evidence)

    # ------------------------------------------------------------------ rows that came before

    def _look_back(self, overlap: Overlap, request: Request, keys: list[Any]) -> Request | None:
        """An earlier page to ask for, where this one does not join those before it; None where it can be taken."""
        verdict = overlap.judge(keys)
        if verdict == "apart":
            first = self._spec.first_request()
            earlier = overlap.step_back(request, first)
            if earlier is first:
                self._proof.note("no page joined those before it any more, so the read began once more at the first one")
                if self._on_token:
                    self._proof.begin_anew()
            return earlier
        if verdict == "hole":
            self._proof.moved_about(f"rows are missing {overlap.between(keys)}: none of those before came again")
        elif verdict == "unsure":
            self._proof.unseen_about("pages of one row are too small to overlap, so rows that moved up between them would not be seen")
        if why := overlap.idle(keys):
            raise self._stalled(f"{request} {why}")
        return None

    def _not_known(self, records: list[Any], keys: list[Any]) -> tuple[list[Any], list[Any]]:
        """The records that had not come before, and their keys."""
        known = self._rereading.is_known if self._overlap is None else self._overlap.is_known  # type: ignore[union-attr]
        pairs = [pair for pair in zip(records, keys, strict=True) if pair[1] is None or not known(pair[1])]
        return [record for record, _ in pairs], [key for _, key in pairs]

    def _read_again(self) -> bool:
        """Whether the keys are read once more, since that decides."""
        first = self._spec.first_request()
        if self._rereading is None or not self._rereading.go_on(self._proof, first, self._spec.paginator):
            return False
        if self._overlap is not None:
            self._overlap, self._paginator = None, plain(self._paginator)
        self._next, self._latest, self._empty, self._trail, self._rounds = first, None, 0, Trail(first), Rounds(self._spec.stall_guard)
        return True

    @property
    def _is_rereading(self) -> bool:
        return self._rereading is not None and self._rereading.number > 0

    # ------------------------------------------------------------------ what it proves

    def _count(self, rows: int, keys: list[Any] | None, fresh: list[Any], new: list[Any] | None, total: int | None) -> None:
        proof, rereading = self._proof, self._rereading
        again = self._is_rereading
        if total is not None:
            proof.declared(total)
        proof.rows += rows
        proof.records += len(fresh)
        if fresh or not again:
            proof.pages += 1
        if not again:
            proof.overlapped += rows - len(fresh)
        if rereading is not None:
            self._rounds.keys(rows, rereading.page(keys, rows, total) or self._overlap is not None)
        if self._overlap is not None:
            self._overlap.passed(keys or [], len(fresh))
        if keys is None or new is None:
            return
        if None in keys:
            proof.doubt(f"some records have no {self._spec.key!r}, so doubles among them could not be found")
        if rereading is None or self._overlap is not None:
            twice = self._seen.add(new)
            proof.duplicates += twice
            self._rounds.keys(rows, twice < len(new) or self._overlap is not None)
            if self._seen.forgot:
                proof.note("doubles were looked for among the latest keys only: not all could be remembered")
        elif not again:
            proof.duplicates += len(keys) - len(set(keys)) - max(keys.count(None) - 1, 0)

    def _end_pass(self, response: Response, records: list[Any]) -> None:
        proof, paginator = self._proof, self._paginator
        # An empty page beyond a total that was passed ended it by itself: such a total is not believed.
        by_total = proof.total is not None and (proof.rows == proof.total or (bool(records) and proof.rows > proof.total))
        proof.ended_by = "total" if by_total else "protocol"
        if self._rereading is not None:
            self._rereading.ended(by_empty_page=not records)
        if response.status_code == 204 and proof.pages > 1 and mode_of(paginator) not in COUNTED:
            proof.doubt("the last page was 204 No Content, which cannot say that there is no next one")
        if proof.total is None and (place := getattr(paginator, "total", None)) is not None:
            proof.doubt(f"no page declared a total at {place!r}, where the paginator looks for it")
        if not self._is_rereading:
            alone = proof.pages == 1 and self._spec.paginator is not None
            for why, certain in objections(paginator, response, len(records), alone=alone, by_total=by_total):
                (proof.wrong_about if certain else proof.doubt)(why)

    @property
    def evidence(self) -> Evidence:
        """What the read can prove so far."""
        return self._proof.evidence()

    def _conclude(self) -> None:
        self._proof.over = True
        complete = self.evidence.complete
        if complete or self._concluded or (complete is None and self._spec.incomplete != "strict"):
            return
        self._concluded = True
        self._proof.warned = self._spec.incomplete == "warn"
        text = f"the read of {self._spec.resource} is {self.evidence}"
        if not self._proof.warned:
            raise IncompleteRead(text, evidence=self.evidence)
        warnings.warn(text, IncompleteReadWarning, stacklevel=3)

    # ------------------------------------------------------------------ where it begins, and where it can resume

    def _begin(self) -> None:
        since, proof = self._since, self._proof
        if since is not None:
            since.check(self._spec.resource, self._parameters)
        proof.started = now = runtime().wall()
        self._set_out(self._spec.first_request())
        if since is not None and since.token is not None:
            why = why_not(since, self._paginator, now)
            request = None if why is not None else request_from(since.token, self._spec.first_request(), self._own)
            if request is None or not proof.carry_on(since.token.get("proof", {}), since.pages, since.records):
                self._begin_anew(why or "the checkpoint's token is none of this resource's")
            else:
                self._on_token = True
                proof.started = since.born or now
                found, records = recognised_from(since.token.get("found"))
                self._records = self._records or records
                if self._paginator is None and found is not None:
                    self._paginator, proof.stability = found, self._spec.stability or found.stability
                self._set_out(request, since.token)
        self._begun = True

    def _set_out(self, request: Request, token: dict[str, Any] | None = None) -> None:
        """The read goes on at this request; with a token, in the middle."""
        paginator, proof = self._spec.paginator, self._proof
        self._next, self._latest, self._empty = request, None, 0
        proof.overlap = getattr(paginator, "overlap", 0)
        self._overlap = None
        if proof.overlap:
            anchors = None if token is None else token.get("anchors") or []
            self._overlap = Overlap(paginator, self._seen, self._spec.stall_guard, anchors)
        self._trail = None if self._overlap is not None else Trail(request)
        if self._spec.final_check == "ids" and paginator is not None and proof.stability in ("offset", "unknown"):
            self._rereading = Rereading(mode_of(paginator), resumed=token is not None, counts=not proof.overlap)

    def _begin_anew(self, why: str) -> None:
        """At the watermark, or at the beginning: where the last read stopped cannot be gone on from."""
        assert self._since is not None
        where = "beginning" if self._since.watermark is None else "watermark"
        self._since = evolve(self._since, token=None, pages=0, records=0)
        self._on_token = False
        self._proof.begin_anew()
        self._proof.note(f"{why}: the read began anew at the {where}")
        self._paginator, self._records = self._spec.paginator, self._spec.records
        self._set_out(self._spec.first_request())

    @property
    def checkpoint(self) -> Checkpoint:
        """What is true after the page that came last."""
        token: dict[str, Any] | None = None
        expires = None
        # While keys are read once more all there is was delivered, but for what was passed over: whoever is cut off there begins anew.
        if self._next is not None and not self._is_rereading:
            token = token_of(self._next, self._spec.request)
            if carried := self._proof.carried():
                token["proof"] = carried
            if found := found_of(self._spec, self._paginator, self._records):
                token["found"] = found
            if self._overlap is not None:
                token["anchors"] = self._overlap.anchors()
            if (keeps := good_for(self._spec.token_lifetime, self._proof.stability)) is not None:
                expires = runtime().wall() + keeps
        since = self._since
        return Checkpoint(
            resource=self._spec.resource,
            parameters=self._parameters,
            mode=mode_of(self._paginator) if token else "",
            token=token,
            watermark=None if since is None else since.watermark,
            pages=self._proof.pages if token else 0,
            records=self._proof.records if token else 0,
            born=self._proof.started,
            expires=expires,
        )
