"""One read over slices: each is read until it is known not to be full, cut where it is, and delivered in order once it is whole.

Where slices are cut is decided in `slices`; what they prove together in `joined`.
"""

from __future__ import annotations

import inspect
import warnings
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from attrs import frozen

from integrakit.errors import ConfigurationError, DecodeError, IncompleteRead, IncompleteReadWarning, ReadError
from integrakit.http.paths import ABSENT, look_up, parse_path
from integrakit.model import Checkpoint, Evidence, Page, Tombstone, Window
from integrakit.protocols import Reader
from integrakit.reading.bounds import Scale, ceiling, like
from integrakit.reading.joined import Joined
from integrakit.reading.open import open_reader
from integrakit.reading.slices import Slice, cut, learn, step
from integrakit.reading.watermark_values import later, lower_bound, settled
from integrakit.runtimes import runtime

__all__ = ["SlicedReader", "SlicedSpec"]

MODE = "slices"


@frozen(kw_only=True)
class SlicedSpec:
    """What is read and how: everything of a read but its state."""

    source: Callable[[Any, Any], Any]
    resource: str
    parameters: str
    by: str
    key: tuple[str, ...]
    low: Any
    #: A value, a function without arguments, or None.
    high: Any
    scale: Callable[..., Scale]
    cap: int
    inclusive: bool
    cuts: bool
    workers: int
    watermark: bool
    window: Window
    warns: bool


class SlicedReader:
    """Reads slice after slice. ``next_page`` gives None at the end, and raises `IncompleteRead` there when something is known to be missing."""

    def __init__(self, spec: SlicedSpec, since: Checkpoint | None) -> None:
        self._spec = spec
        self._since = since
        self._path = parse_path(spec.by)
        self._key_paths = [parse_path(name) for name in spec.key]
        self._scale: Scale | None = None
        self._low: Any = spec.low
        self._high: Any = None
        #: Their places.
        self._ends: tuple[int | None, int | None] = (None, None)
        self._pending: list[Slice] = []
        self._ready: deque[tuple[list[Any], Slice]] = deque()
        self._begun = self._over = self._concluded = False
        self._joined = Joined(spec.by)
        self._pages = self._records = 0
        self._before = (0, 0)
        self._highest: Any = None
        self._started: datetime | None = None

    # ------------------------------------------------------------------ the read

    async def next_page(self) -> Page | None:
        """The next page, or None when the read is over. After an error it goes on where it stopped."""
        if not self._begun:
            await self._begin()
        while not self._ready:
            if not self._pending:
                self._over = True
                self._conclude()
                return None
            front = self._pending[0]
            if front.state == "over":
                self._deliver(front)
            elif front.state == "full":
                self._cut(front)
            else:
                await self._read()
        records, _ = self._ready.popleft()
        self._pages += 1
        self._records += len(records)
        if not self._ready:
            self._before = (self._pages, self._records)
        return Page(records, self.checkpoint)

    async def _begin(self) -> None:
        world, spec, since = runtime(), self._spec, self._since
        started = world.wall()
        high = spec.high
        if callable(high):
            high = await high() if inspect.iscoroutinefunction(high) else await world.blocking(high)
        low, pages, records = spec.low, 0, 0
        bound = high if low is None else low
        if since is not None:
            since.check(spec.resource, spec.parameters)
            since = since.live(started)
            self._highest = since.watermark
            if spec.watermark and since.watermark is not None:
                low = later(low, lower_bound(since.watermark, spec.window))
            if since.token is not None:
                token: Any = since.token
                if since.mode == MODE and isinstance(token, dict) and {"low", "high", "highest"} <= token.keys():
                    low, high, self._highest = token["low"], token["high"], token["highest"]
                    self._joined.missing, self._joined.unproved = bool(token.get("missing")), bool(token.get("reasons"))
                    self._joined.reasons = list(token.get("reasons", ()))
                    pages, records = since.pages, since.records
                    started = since.born or started
                else:
                    self._joined.notes.append("the checkpoint's token is none of a read in slices: the read began anew at the watermark")
        # A checkpoint and a watermark may hold texts; the user's function is given what it was given before.
        self._started, self._low, self._high = started, (low := like(low, bound)), (high := like(high, bound))
        self._pages, self._records, self._before = pages, records, (pages, records)
        first: int | None = None
        last: int | None = None
        if low is not None or high is not None:
            scale = self._scale = spec.scale(low, high)
            first = None if low is None else scale.position(low)
            last = None if high is None else ceiling(scale, high)
        self._ends = first, last
        if first is None or last is None or first < last:
            self._pending = [Slice(first, last, final=not spec.cuts)]
        self._begun = True

    async def _read(self) -> None:
        """Reads the slices at the front, side by side where there are workers; at most two for each of them stand in memory."""
        held = sum(span.state != "new" for span in self._pending[: 2 * self._spec.workers])
        most = max(1, min(self._spec.workers, 2 * self._spec.workers - held))
        found: list[Slice] = []
        index = 0
        while index < len(self._pending) and len(found) < most and index < 2 * self._spec.workers:
            span = self._pending[index]
            if span.state == "new":
                if self._scale is not None and span.reader is None and not span.final and (front := step(span, self._spec.cap, self._scale)):
                    self._pending.insert(index, front)
                    span = front
                found.append(span)
            index += 1
        await runtime().gather([partial(self._read_slice, span) for span in found], self._spec.workers)

    async def _read_slice(self, span: Slice) -> None:
        """Reads one slice until it is over, or known to be full. After an error it is gone on with."""
        cap = self._spec.cap
        if span.reader is None:
            span.reader = open_reader(self._spec.source(self._value(span.low), self._value(span.high)))
        reader: Reader = span.reader
        while True:
            try:
                page = await reader.next_page()
                span.evidence = reader.evidence
            except IncompleteRead as problem:
                page, span.evidence = None, problem.evidence or Evidence(complete=False, reasons=(str(problem),))
            span.total = span.evidence.declared_total
            if page is not None:
                try:
                    self._take(span, page.records)
                except (ReadError, DecodeError):
                    span.restart()  # the page is gone: whoever goes on after this must not pass it over
                    raise
            full = span.came >= cap or (span.total is not None and span.total >= cap)
            if full and not span.final:
                span.state, span.reader, span.pages, span.keys = "full", None, [], []
                return
            if page is None or span.came >= cap:
                span.state, span.reader = "over", None
                return

    def _take(self, span: Slice, records: Sequence[Any]) -> None:
        """Counts the records of a page, and keeps those that belong to the slice."""
        kept: list[Any] = []
        places: list[int | None] = []
        for record in records:
            place, belongs = self._belonging(span, record)
            if belongs:
                kept.append(record)
                places.append(place)
        span.came += len(records)
        span.passed += len(records) - len(kept)
        span.nulls += sum(place is None and not isinstance(record, Tombstone) for place, record in zip(places, kept, strict=True))
        span.places.extend(place for place in places if place is not None)
        if self._key_paths:
            span.keys.extend(zip((self._key(record) for record in kept), places, strict=True))
        if kept:
            span.pages.append(kept)

    def _belonging(self, span: Slice, record: Any) -> tuple[int | None, bool]:
        """The place of a record, and whether it is of this slice; raises `ReadError` where the server does not keep to what it was asked."""
        value = self._by(record)
        if value is None:
            if isinstance(record, Tombstone) or (span.low is None and span.high is None):
                return None, True
            raise self._ignored(span, "null", record)
        if self._scale is None:
            try:
                self._scale = self._spec.scale(value)
            except ConfigurationError as problem:
                raise DecodeError(f"{self._spec.resource}: the field {self._spec.by!r}: {problem}", path=self._spec.by, record=record) from problem
        try:
            place = self._scale.position(value)
        except ValueError as problem:
            raise DecodeError(
                f"a record of {self._spec.resource} has {value!r:.60} in {self._spec.by!r}: {problem}", path=self._spec.by, record=record
            ) from problem
        if span.high is not None and place >= span.high and (not self._spec.cuts or (self._spec.inclusive and place == span.high)):
            return place, False
        if (span.low is not None and place < span.low) or (span.high is not None and place >= span.high):
            raise self._ignored(span, repr(value), record)
        return place, True

    def _by(self, record: Any) -> Any:
        if isinstance(record, Tombstone):
            found = ABSENT if record.record is None else look_up(record.record, self._path)
            return None if found is ABSENT else found
        value = record
        if isinstance(record, dict):
            value = look_up(record, self._path)
        else:
            for name in self._path:
                value = getattr(value, name, ABSENT)
        if value is ABSENT:
            there = f"; it has {', '.join(map(repr, list(record)[:12]))}" if isinstance(record, dict) else ""
            raise DecodeError(
                f"a record of {self._spec.resource} has no {self._spec.by!r}, by which it is cut into slices{there}",
                path=self._spec.by,
                record=record,
            )
        return value

    def _key(self, record: Any) -> Any:
        if isinstance(record, Tombstone):
            return None
        parts = tuple(look_up(record, path) if isinstance(record, dict) else getattr(record, path[-1], ABSENT) for path in self._key_paths)
        return None if ABSENT in parts or None in parts else repr(parts)

    def _ignored(self, span: Slice, found: str, record: Any) -> ReadError:
        self._joined.missing = True
        self._joined.say("the server does not keep to the slices it is asked for")
        key = self._key(record)
        which = f"record {key}" if key else "a record"
        return ReadError(
            f"{self._spec.resource}: asked for {self._words(span)}, the server also gave {which} with {found}: it ignores the parameters of the "
            "slice, or compares otherwise (inclusive=True where its upper bound takes the value itself). Nothing of this slice was delivered",
            evidence=self.evidence,
        )

    # ------------------------------------------------------------------ slices that are over, or full

    def _cut(self, span: Slice) -> None:
        """Puts its parts in the place of a full slice; one that cannot be cut is read once more, for what can be had of it."""
        learn(span)
        parts = [] if self._scale is None else cut(span, self._spec.cap, self._scale, self._words(span))
        if span.nulls:
            self._joined.missing = True
            self._joined.say(f"{span.nulls} records without a {self._spec.by} came, and belong to no slice")
        self._joined.cuts += 1
        again = Slice(span.low, span.high, rest=span.rest, owed=span.owed, final=True)
        self._pending[:1] = parts or [again]

    def _deliver(self, span: Slice) -> None:
        full = None
        if span.came >= self._spec.cap or (span.total is not None and span.total >= self._spec.cap):
            how = "it cannot be cut further" if self._spec.cuts else "this feed is saturated, which is no safe place to go on from"
            full = f"{self._words(span)} is full with {max(span.came, span.total or 0)} records where the cap is {self._spec.cap}: {how}"
        learn(span)
        self._joined.add(span, self._words(span), full)
        if self._spec.watermark:
            for page in span.pages:
                for record in page:
                    self._highest = later(self._highest, self._by(record))
        self._pending.pop(0)
        self._ready.extend((page, span) for page in span.pages)

    def _value(self, place: int | None) -> Any:
        if place is None or self._scale is None:
            return None
        # The ends of it all may lie between two places: they are asked for as they are.
        first, last = self._ends
        return self._low if place == first else self._high if place == last else self._scale.value(place)

    def _words(self, span: Slice) -> str:
        low, high = (None if place is None else str(self._value(place)) for place in (span.low, span.high))
        if span.width == 1:
            return f"{self._spec.by} {low}"
        parts = [f"from {low} on" if low is not None else "", f"below {high}" if high is not None else ""]
        return f"{self._spec.by} {', '.join(part for part in parts if part) or 'without bounds'}"

    # ------------------------------------------------------------------ what it proves, and where it can resume

    @property
    def evidence(self) -> Evidence:
        return self._joined.evidence(over=self._over, pages=self._pages, records=self._records, started=self._started)

    def _conclude(self) -> None:
        evidence = self.evidence
        if evidence.complete is not False or self._concluded:
            return
        self._concluded = True
        said = f"the read of {self._spec.resource} is {evidence}"
        if not self._spec.warns:
            raise IncompleteRead(said, evidence=evidence)
        warnings.warn(said, IncompleteReadWarning, stacklevel=2)

    @property
    def checkpoint(self) -> Checkpoint:
        """What is true after the page that came last: the first slice that is not all delivered is the one to go on with."""
        since, token = self._since, None
        watermark = None if since is None else since.watermark
        pages, records = self._before
        if self._begun and not self._over and (self._ready or self._pending or self._high is not None):
            # Where all was delivered, and only the end was not asked for, nothing is left below the upper bound.
            span = self._ready[0][1] if self._ready else self._pending[0] if self._pending else None
            low = self._high if span is None else self._low if span.low is None else self._value(span.low)
            token = {"low": _portable(low), "high": _portable(self._high), "highest": self._highest}
            if self._joined.reasons:
                token |= {"missing": self._joined.missing, "reasons": list(self._joined.reasons)}
        elif not self._begun:
            token = None if since is None else since.token
        elif self._spec.watermark and self.evidence.complete is not False and self._over:
            started = self._started or runtime().wall()
            watermark = later(watermark, settled(self._highest, self._spec.window, started))
        return Checkpoint(
            resource=self._spec.resource,
            parameters=self._spec.parameters,
            mode=MODE if token is not None else "",
            token=token,
            watermark=watermark,
            pages=pages if token else 0,
            records=records if token else 0,
            born=self._started,
        )


def _portable(value: Any) -> Any:
    """As JSON can say it, and as a scale reads it again."""
    if value is None or isinstance(value, int | str):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
