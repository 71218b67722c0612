"""Deletes that a server tells: a feed of what is gone, or marks among the records. Both give `Tombstone`s among the pages of a read.

A feed is read first and the records after it, so that a record that was restored in between comes later than the word that it is gone. How far the
feed was read stands apart from the watermark of the records, in ``Checkpoint.deletes``.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from attrs import evolve
from typing_extensions import Unpack

from integrakit.errors import ConfigurationError, DecodeError, IncompleteRead
from integrakit.http import Client
from integrakit.http.arguments import checked_key, checked_params
from integrakit.http.paths import ABSENT, look_up, parse_path
from integrakit.http.read_options import ReadOptions, check_read_options
from integrakit.model import Checkpoint, Evidence, Page, Tombstone, Window
from integrakit.protocols import Paginator, Reader
from integrakit.reading.ties import MOST, Ties, digest_of, key_reader, key_text_of
from integrakit.reading.watermark_values import later, lower_bound, moment_of, settled, written_like
from integrakit.runtimes import runtime

__all__ = ["FedReader", "FeedReader", "MarkedReader", "Tombstones"]

#: Seconds that must lie between the start and the end of what a feed is asked for; Salesforce refuses less than a minute.
SHORTEST = 60.0
#: How times are written for a feed that has told none yet.
_LIKE = "2026-01-01T00:00:00Z"


class Tombstones:
    """How a resource tells what was deleted. Given to it as ``tombstones=``.

    A feed of its own: ``Tombstones("/orders/deleted", key="id", at="deleted_at", since_param="deleted_since")``, or the resource's own path with
    other parameters: ``Tombstones(params={"archived": "true"}, at="archivedAt")``. ``key``: the field that names the record (default: the
    resource's). ``at``: the field that says when, and ``since_param`` the parameter that asks from then on. ``end_param``: the parameter for where
    to stop, which is now. ``covered`` and ``earliest``: fields of the body that say how far the answer reaches, where the next read begins, and
    how far back the server remembers at all. ``reach``: the seconds it remembers, where it does not say. ``window``: as for the resource, whose
    own is the default. All else a read can be told may follow (`ReadOptions`).

    Marks among the records: ``Tombstones(where={"status": "Deleted"})``, or a function of a record.
    """

    def __init__(
        self,
        path: str | None = None,
        *,
        where: Mapping[str, Any] | Callable[[Any], bool] | None = None,
        key: str | tuple[str, ...] | None = None,
        at: str | None = None,
        since_param: str | None = None,
        end_param: str | None = None,
        covered: str | None = None,
        earliest: str | None = None,
        reach: float | None = None,
        params: Mapping[str, Any] | None = None,
        window: Window | None = None,
        **read: Unpack[ReadOptions],
    ) -> None:
        if path is not None and (not isinstance(path, str) or not path.startswith("/")):
            raise ConfigurationError(f"Tombstones(path) takes a path such as '/orders/deleted', not {path!r}")
        feed = path is not None or params is not None
        if feed == (where is not None):
            raise ConfigurationError("Tombstones takes a path (or params= for the resource's own path), or where= for marks among the records")
        for name, value in (("at", at), ("since_param", since_param), ("end_param", end_param), ("covered", covered), ("earliest", earliest)):
            if value is not None and (not isinstance(value, str) or not all(value.split("."))):
                raise ConfigurationError(f"Tombstones({name}=…) takes a name, not {value!r}")
        if where is not None:
            if any(value is not None for value in (since_param, end_param, covered, earliest, reach, window)) or read:
                raise ConfigurationError(
                    "Tombstones(where=…) takes key= and at= besides: the marks come with the records, and so does their watermark"
                )
            if not callable(where) and not (isinstance(where, Mapping) and where and all(isinstance(name, str) for name in where)):
                raise ConfigurationError(f"Tombstones(where=…) takes field → value such as {{'status': 'Deleted'}}, or a function, not {where!r}")
        if since_param is not None and at is None and covered is None:
            raise ConfigurationError("Tombstones(since_param=…) needs at=, the field that says when, or covered=: where the next read begins")
        if since_param is None and any(value is not None for value in (end_param, covered, earliest, reach)):
            raise ConfigurationError("Tombstones(end_param=…, covered=…, earliest=…, reach=…) need since_param=: they are about where a read begins")
        if (covered or earliest) and read.get("records") is None:
            raise ConfigurationError("Tombstones(covered=…, earliest=…) needs records=: where in the body the deletes are")
        if reach is not None and (isinstance(reach, bool) or not isinstance(reach, int | float) or not 0 < reach < math.inf):
            raise ConfigurationError(f"Tombstones(reach=…) takes seconds above 0, not {reach!r}")
        if window is not None and not isinstance(window, Window):
            raise ConfigurationError(f"Tombstones(window=…) takes a Window, not {window!r}")
        check_read_options(read, None)
        self.path = path
        self.where = where
        self.key = checked_key(key)
        self.at = at
        self.since_param = since_param
        self.end_param = end_param
        self.covered = covered
        self.earliest = earliest
        self.reach = reach
        self.params = checked_params("params", params)
        self.window = window
        self.read: ReadOptions = read

    def reader(
        self,
        records: Reader,
        client: Client,
        *,
        path: str,
        key: str | tuple[str, ...] | None,
        cursor: str | None,
        window: Window,
        since: Checkpoint | None,
        paginator: Paginator | None = None,
    ) -> Reader:
        """The reader of the records, with tombstones among its pages. ``paginator``: the resource's own, for a feed that names none."""
        key = self.key or key
        if key is None:
            raise ConfigurationError(f"tombstones= of {path} needs key=: the field by which a deleted record is known")
        if self.where is not None:
            return MarkedReader(records, self.where, key, self.at or cursor)
        state = None if since is None else since.deletes
        if since is not None and since.token is not None:
            return FedReader(records, None, state)  # the feed was read when that read began
        feed = self
        if paginator is not None and "paginator" not in self.read:
            feed = copy.copy(self)
            feed.read = {**self.read, "paginator": paginator}
        return FedReader(records, FeedReader(feed, client, self.path or path, key, self.window or window, state), state)

    def __repr__(self) -> str:
        return f"<Tombstones {'marked among the records' if self.where is not None else self.path or 'by ' + repr(self.params)}>"


def _field(record: Any, name: str | None) -> Any:
    if name is None:
        return None
    value = look_up(record, parse_path(name)) if isinstance(record, Mapping) else record
    if not isinstance(record, Mapping):
        for step in parse_path(name):
            value = getattr(value, step, None)
    return None if value is ABSENT else value


# ---------------------------------------------------------------------- marks among the records


class MarkedReader:
    """Makes tombstones of the records that are marked as deleted."""

    def __init__(self, reader: Reader, where: Mapping[str, Any] | Callable[[Any], bool], key: str | tuple[str, ...], at: str | None) -> None:
        self._reader = reader
        self._key = key_reader(key)
        self._at = at
        self._page: Page | None = None
        if callable(where):
            self._marked: Callable[[Any], bool] = where
        else:
            marks = dict(where)
            self._marked = lambda record: all(_field(record, name) == value for name, value in marks.items())

    async def next_page(self) -> Page | None:
        # Kept until it is looked through: a read that is taken up again after an error must not pass it over.
        page = self._page = self._page or await self._reader.next_page()
        if page is None:
            return None
        records = [self._tombstone(record) if self._marked(record) else record for record in page.records]
        self._page = None
        return evolve(page, records=records)

    def _tombstone(self, record: Any) -> Tombstone:
        return Tombstone(_checked_key(self._key(record), record, "a record that is marked as deleted"), _field(record, self._at), record)

    @property
    def evidence(self) -> Evidence:
        return self._reader.evidence

    @property
    def checkpoint(self) -> Checkpoint | None:
        return self._reader.checkpoint


def _checked_key(key: Any, record: Any, what: str) -> Any:
    if key_text_of(key) is None:
        raise DecodeError(f"{what} has no key, so which one is gone is not known: {record!r:.200}", record=record)
    return key


# ---------------------------------------------------------------------- a feed of its own


class FeedReader:
    """One read of a feed of deletes. ``state``: what `Checkpoint.deletes` says of the read before; afterwards, what the next read begins with."""

    def __init__(
        self,
        feed: Tombstones,
        client: Client,
        path: str,
        key: str | tuple[str, ...],
        window: Window,
        state: Mapping[str, Any] | None,
    ) -> None:
        self._feed = feed
        self._client = client
        self._path = path
        self._key = key_reader(key)
        self._window = window
        self.state = state
        self._floor = None if state is None else state.get("watermark")
        self._known = Ties(None if state is None else state.get("ties"))
        #: Where too many came to be known one by one: up to when all were told. Told again they would delete what was restored since.
        self._told = moment_of(None if state is None else state.get("told"))
        #: How many came again and were left out for that.
        self.held_back = 0
        #: Key text → when, and digest: the tombstones of this read that the next one may bring again.
        self._recent: dict[str, tuple[Any, str]] | None = {}
        self._highest: Any = self._floor
        self._covered: Any = None
        self._reader: Reader | None = None
        self._page: Page | None = None

    async def next_page(self) -> Page | None:
        """The next tombstones, or None at the end. Raises `IncompleteRead` when deletes are not in the feed any more."""
        if self._reader is None:
            self._begun_at = runtime().wall()
            reader = self._open()
            if reader is None:
                return None  # the last read was a moment ago
            self._reader = reader
        while True:
            page = self._page = self._page or await self._reader.next_page()
            if page is None:
                self._over()
                return None
            tombstones = self._news(page)
            self._page = None
            if tombstones:
                return Page(tombstones)

    def _open(self) -> Reader | None:
        feed, now = self._feed, self._begun_at
        like = self._floor if moment_of(self._floor) is not None else _LIKE
        start = None if self._floor is None else lower_bound(self._floor, self._window)
        oldest = None if feed.reach is None else now - timedelta(seconds=feed.reach)
        if oldest is not None:
            begun = moment_of(start)
            if begun is not None and begun < oldest:
                if not self._swept(oldest):
                    raise self._gap(f"it remembers {feed.reach:.0f} seconds")
                start = None
            if start is None:
                start = written_like(like, oldest)
        params = {} if start is None or feed.since_param is None else {feed.since_param: start}
        if feed.end_param is not None:
            end, begun = written_like(like, now), moment_of(start)
            if begun is not None and (now - begun).total_seconds() <= SHORTEST:
                return None
            params[feed.end_param] = end
        options: ReadOptions = feed.read
        if feed.covered is not None or feed.earliest is not None:
            options = {**options, "records": self._selector(start)}
        return self._client.stream(self._path, params=feed.params, start=params, **options).open_read()

    def _selector(self, start: Any) -> Callable[[Any], Any]:
        """Finds the deletes in a body, and what it says of how far it reaches."""
        records, feed = self._feed.read.get("records"), self._feed

        def select(body: Any) -> Any:
            earliest = None if feed.earliest is None else moment_of(_field(body, feed.earliest))
            begun = moment_of(start)
            if self._floor is not None and earliest is not None and begun is not None and earliest > begun and not self._swept(earliest):
                raise self._gap(f"it goes back to {_field(body, feed.earliest)}")
            if feed.covered is not None:
                covered = _field(body, feed.covered)
                if moment_of(covered) is None:
                    raise DecodeError(f"{self._path} does not say at {feed.covered!r} how far it reaches, but {covered!r}", path=feed.covered)
                self._covered = covered
            if callable(records):
                return records(body)
            found = look_up(body, parse_path(str(records)))
            if found is ABSENT:
                raise DecodeError(f"{self._path}: there are no deletes at {records!r}", path=str(records))
            return found

        return select

    def _swept(self, oldest: datetime) -> bool:
        """Whether a sweep found what the feed has forgotten."""
        swept = moment_of(None if self.state is None else self.state.get("swept"))
        return swept is not None and swept >= oldest

    def _gap(self, why: str) -> IncompleteRead:
        return IncompleteRead(
            f"{self._path} was read up to {self._floor} last, and {why}: what was deleted in between is told nowhere any more. A sweep finds it: "
            "sync.sweep(), after which reads go on; without a sync compare the ids (anti_join), and read on with "
            "attrs.evolve(checkpoint, deletes=None)",
            evidence=Evidence(complete=False, reasons=("deletes are missing from the feed",)),
        )

    def _news(self, page: Page) -> list[Tombstone]:
        highest, found = self._highest, []
        for record in page.records:
            at = _field(record, self._feed.at)
            try:
                highest = later(highest, at)
            except TypeError as problem:
                raise DecodeError(
                    f"{self._path} says {at!r} at {self._feed.at!r}, which cannot be compared with {highest!r}", record=record
                ) from problem
            found.append(Tombstone(_checked_key(self._key(record), record, f"a delete of {self._path}"), at, record))
        self._highest = highest
        news: list[Tombstone] = []
        for tombstone in found:
            text, digest = key_text_of(tombstone.key), digest_of(tombstone.record)
            if self._recent is not None and text is not None and digest is not None:
                self._recent[text] = (tombstone.at, digest)
                if len(self._recent) > 2 * MOST:
                    self._recent = None
            if self._told is not None and (when := moment_of(tombstone.at)) is not None and when <= self._told:
                self.held_back += 1
            elif not self._known.holds(text, digest):
                self._known.add(text, digest)
                news.append(tombstone)
        return news

    def _over(self) -> None:
        """Where the next read begins: at what the server covered, or at the latest delete, but never among the newest."""
        assert self._reader is not None
        if self._feed.since_param is None or self._reader.evidence.complete is False:
            return
        reached = self._covered if self._feed.covered is not None else self._highest
        watermark = later(self._floor, settled(reached, self._window, self._begun_at))
        bound = moment_of(lower_bound(watermark, self._window)) if watermark is not None else None
        ties: dict[str, str] = {}
        if self._recent is not None:
            ties = {text: digest for text, (at, digest) in self._recent.items() if bound is None or (when := moment_of(at)) is None or when >= bound}
        # Those from before this read, too: it was asked from the same moment on, and a server may have left one out.
        self.state = {"watermark": watermark, "ties": ties}
        if self._recent is None or len(ties) > MOST:
            latest = moment_of(self._highest)
            ahead = latest is not None and latest > self._begun_at  # of a clock that is wrong: what is deleted by then is still to be told
            self.state = {"watermark": watermark, "ties": {}, "told": written_like(self._highest, self._begun_at) if ahead else self._highest}

    @property
    def evidence(self) -> Evidence | None:
        return None if self._reader is None else self._reader.evidence


class FedReader:
    """The tombstones of a feed first, then the pages of the records. Neither watermark touches the other."""

    def __init__(self, records: Reader, feed: FeedReader | None, state: Mapping[str, Any] | None) -> None:
        self._records = records
        self._feed = feed
        self._state = state
        self._feeding = feed is not None

    async def next_page(self) -> Page | None:
        if self._feeding and self._feed is not None:
            page = await self._feed.next_page()
            if page is not None:
                forget = getattr(self._records, "forget", None)
                if forget is not None:
                    for tombstone in page.records:
                        forget(tombstone.key)
                # Cut off here the feed is read again: it moves once the records are under way.
                return evolve(page, checkpoint=self._with(self._records.checkpoint))
            self._feeding = False
            self._state = self._feed.state
        page = await self._records.next_page()
        return None if page is None else evolve(page, checkpoint=self._with(page.checkpoint))

    def _with(self, checkpoint: Checkpoint | None) -> Checkpoint | None:
        return None if checkpoint is None else evolve(checkpoint, deletes=self._state)

    @property
    def evidence(self) -> Evidence:
        evidence, feed = self._records.evidence, None if self._feed is None else self._feed.evidence
        notes = list(evidence.notes)
        if self._feed is not None and self._feed.held_back:
            notes.append(
                f"{self._feed.held_back} deletes came again, too many to be known one by one, and were left out: one that was told late is among "
                "them, and a sweep finds it"
            )
        if feed is not None and feed.complete is not True:
            notes.append(f"the feed of deletes is {feed}")
        return evolve(evidence, notes=tuple(notes))

    @property
    def checkpoint(self) -> Checkpoint | None:
        return self._with(self._records.checkpoint)
