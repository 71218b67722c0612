"""Watching a read: the highest cursor value seen, taken with care, and the records that tie on it.

How cursor values compare is in `watermark_values.py`.

The lower bound of a read is inclusive, so the records at the very watermark come again. With a key they are known again: one that is still what it
was is not given out once more, one that changed within the same tick is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from attrs import evolve

from integrakit.errors import DecodeError
from integrakit.http.paths import ABSENT, look_up, parse_path
from integrakit.model import Checkpoint, Evidence, Page, Window
from integrakit.protocols import Reader
from integrakit.reading.ties import TRAVELLING, Ties, digest_of, key_reader, key_text_of, key_texts_of
from integrakit.reading.watermark_values import comparable, is_older, later, lower_bound, not_beyond, order_of, orders_of, same, settled
from integrakit.runtimes import runtime

__all__ = ["WatermarkReader"]

_IGNORED = "records came that are older than was asked for: does the server know the parameter that since_param= names?"


class WatermarkReader:
    """Passes pages on and remembers the highest value of ``cursor``. Once the read is over, `checkpoint` begins the next one there.

    ``key``: the field, or fields, that tell records apart; without it ties are not known again and come once more. A record whose cursor is null has
    no place in the order of changes: it is given out whenever the server brings it, and moves nothing.
    """

    def __init__(
        self,
        reader: Reader,
        cursor: str,
        window: Window,
        since: Checkpoint | None,
        *,
        key: str | tuple[str, ...] | None = None,
    ) -> None:
        self._reader = reader
        self._cursor = cursor
        self._path = parse_path(cursor)
        self._window = window
        self._key = None if key is None else key_reader(key)
        self._key_name = key if isinstance(key, str) else None
        # In the middle of a read the highest value so far, and its ties, travel in the checkpoint's token; see `next_page`.
        token = since.token if since is not None and isinstance(since.token, dict) else {}
        floor = None if since is None else since.watermark
        self._floor, self._highest = _Place(floor), _Place(token.get("highest", floor))
        #: What was last given out of the records at the floor, by earlier reads and by this one.
        self._known = Ties(since.ties if since is not None and self._key is not None else None)
        #: Those at the floor that this read has seen, and those at the highest value so far.
        self._at_floor, self._at_highest = (_resumed(token, name) for name in ("at_floor", "at_highest"))
        #: Where this read was asked to begin, and whether older records came all the same.
        self._asked = _Place(lower_bound(floor, window))
        self._older = False
        self._page: Page | None = None
        self._ended: datetime | None = None
        #: Records that were not given out, being what they were.
        self.held_back = 0

    async def next_page(self) -> Page | None:
        """After an error the same page comes again: a read that is taken up anew must not pass it over."""
        page = self._page = self._page or await self._reader.next_page()
        if page is None:
            self._ended = self._ended or runtime().wall()
            return None
        records = self._news(page.records, *self._taken(page.records))
        self._page = None
        if page.checkpoint is None:
            return Page(records)
        # The ties are not those of the checkpoint that this read began at: what was given out since then counts.
        token, ties = page.checkpoint.token, self._known.kept(TRAVELLING)
        if token is not None:
            token = {**token, "highest": self._highest.value}
            if self._key is not None:
                token |= {"at_floor": _travelling(self._at_floor), "at_highest": _travelling(self._at_highest)}
        return Page(records, evolve(page.checkpoint, token=token, ties=ties))

    def forget(self, key: Any) -> None:
        """The record of this key was said to be gone: if it comes after all, it is news."""
        if self._key is not None:
            self._known.forget(key_text_of(key))

    def _taken(self, records: Sequence[Any]) -> tuple[Collection[int], Collection[int]]:
        """Where in the page the records at the floor are, and those at the highest value so far. Raises `DecodeError` before anything was counted.

        A page whose values are of one kind, which nearly all are, is looked at as a whole: each value is parsed once, and only the records at either
        place are looked at again. Others are compared in pairs.
        """
        values = self._values(records)
        orders = orders_of(values)
        if orders is not None:
            present = [order for order in orders if order is not None] if None in values else orders
            if not present:
                return (), ()
            top = max(present)
            # What the values stand beside must be of their kind, too.
            if all(place.value is None or comparable(top, place.order) for place in (self._floor, self._highest)):
                self._older = self._older or (self._asked.order is not None and is_older(min(present), self._asked.order))
                if self._highest.value is None or top > self._highest.order:
                    self._move(values[orders.index(top)])
                return _where(orders, self._floor.order), _where(orders, self._highest.order)
        highest = self._highest.value
        for record, value in zip(records, values, strict=True):
            try:
                highest = later(highest, value)
            except TypeError as problem:
                raise DecodeError(
                    f"the cursor {self._cursor!r} holds {value!r}, which cannot be compared with {highest!r}", path=self._cursor, record=record
                ) from problem
        self._move(highest)
        floor, highest = self._floor.value, self._highest.value
        return {at for at, value in enumerate(values) if same(value, floor)}, {at for at, value in enumerate(values) if same(value, highest)}

    def _move(self, highest: Any) -> None:
        if highest is not self._highest.value and not same(highest, self._highest.value):
            self._at_highest = Ties()
        self._highest = _Place(highest)

    def _news(self, records: Sequence[Any], at_floor: Collection[int], at_highest: Collection[int]) -> Sequence[Any]:
        """The records that were not given out before."""
        if self._key is None:
            return records
        known = self._known.known
        keys = key_texts_of(_column(records, self._key_name) or list(map(self._key, records))) if known else []
        if not at_floor and (not known or known.keys().isdisjoint(keys)):
            for at in at_highest if self._at_highest.known is not None else ():
                self._at_highest.add(key_text_of(self._key(records[at])), digest_of(records[at]))
            return records
        news: list[Any] = []
        for at, record in enumerate(records):
            key = keys[at] if keys else key_text_of(self._key(record))
            floor, highest = at in at_floor, at in at_highest
            digest = digest_of(record) if floor or highest else None
            if highest:
                self._at_highest.add(key, digest)
            if floor:
                self._at_floor.add(key, digest)
                if self._known.holds(key, digest):
                    self.held_back += 1
                    continue
                self._known.add(key, digest)
            else:
                self._known.forget(key)
            news.append(record)
        return news

    def _values(self, records: Sequence[Any]) -> list[Any]:
        """The cursor of each record."""
        return _column(records, self._cursor) or [self._value(record) for record in records]

    def _value(self, record: Any) -> Any:
        value = record
        if isinstance(record, dict):
            value = record[self._cursor] if self._cursor in record else look_up(record, self._path)
        else:
            for name in self._path:
                value = getattr(value, name, ABSENT)
        if value is ABSENT:
            there = f"; it has {', '.join(map(repr, list(record)[:12]))}" if isinstance(record, dict) else ""
            raise DecodeError(f"a record has no {self._cursor!r}, which is the cursor of this resource{there}", path=self._cursor, record=record)
        return value

    @property
    def evidence(self) -> Evidence:
        evidence = self._reader.evidence
        return evolve(evidence, notes=(*evidence.notes, _IGNORED)) if self._older else evidence

    @property
    def checkpoint(self) -> Checkpoint | None:
        inner = self._reader.checkpoint
        if inner is None:
            return None
        evidence = self._reader.evidence
        if self._ended is None or evidence.complete is False:
            return evolve(inner, ties=self._known.kept())
        started = inner.born or self._ended
        floor, highest = self._floor.value, self._highest.value
        # A single page is of one moment: nothing changes behind its reader.
        watermark = highest if evidence.pages < 2 else not_beyond(highest, started, self._ended)
        # A settle window must not move the watermark back below where it was.
        watermark = later(floor, settled(watermark, self._window, started))
        ties = Ties()
        if same(watermark, highest):
            ties = self._at_highest
        elif same(watermark, floor):
            ties = self._at_floor
        return evolve(inner, watermark=watermark, ties=ties.kept())


class _Place:
    """A cursor value, and what it is compared by: None also for what is no cursor value."""

    __slots__ = ("order", "value")

    def __init__(self, value: Any) -> None:
        self.value: Any = value
        self.order: Any = None
        if value is not None:
            with suppress(TypeError):
                self.order = order_of(value)


def _column(records: Sequence[Any], name: str | None) -> list[Any]:
    """A field of ordinary dicts that all have it; nothing where that is not so."""
    if name is not None and set(map(type, records)) == {dict}:
        with suppress(KeyError):
            return [record[name] for record in records]
    return []


def _where(orders: list[Any], order: Any) -> Collection[int]:
    """The indexes of these that are this one."""
    many = 0 if order is None else orders.count(order)
    if many <= 1:
        return (orders.index(order),) if many else ()
    return {at: None for at, one in enumerate(orders) if one == order}


def _resumed(token: Mapping[str, Any], name: str) -> Ties:
    """As they were when the read was cut off. Where they did not travel along, none will be remembered."""
    if not token:
        return Ties()
    travelled = token.get(name)
    return Ties(travelled) if isinstance(travelled, Mapping) else Ties.unknown()


def _travelling(ties: Ties) -> dict[str, str] | None:
    return None if ties.known is None or len(ties.known) > TRAVELLING else dict(ties.known)
