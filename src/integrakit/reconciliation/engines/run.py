"""One attempt to reconcile two sides: what every engine shares, and the only way for it to say what it found.

An engine that works on records hands them to `Run.join` in windows that are complete on both sides. An engine that works on columns or in a database
counts what is surely the same (`Run.agreed`, `Run.total`) and hands the rest to `Run.join` as records: what differs, and why, is decided in Python by
the one set of rules, never by an engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attrs import frozen

from integrakit.reconciliation.engines.joining import Joiner, Newest, Unsuitable
from integrakit.reconciliation.inputs.feed import Feed
from integrakit.reconciliation.rules.columns import Row
from integrakit.reconciliation.rules.comparison import Comparison
from integrakit.reconciliation.rules.keys import Keyed, Reading, rows_of
from integrakit.reconciliation.rules.spec import Field, Key
from integrakit.reconciliation.rules.totals import Total
from integrakit.reconciliation.tally import Tally

__all__ = ["Order", "Run", "Unsuitable"]


@frozen(kw_only=True)
class Order:
    """What the user asked for, checked."""

    key: Key
    #: None: every field that both sides have.
    fields: tuple[Field, ...] | None
    ignored: frozenset[str]
    #: "auto" or the name of an engine.
    engine: str
    #: Bytes that records of both sides may take in memory at a time.
    memory: int
    #: Which of several copies of a record count, where a side gave them because its rows moved while it was read.
    newest: Newest | None = None


class Run:
    """One attempt. Engines that give up are followed by another attempt with a run of its own."""

    def __init__(self, feeds: tuple[Feed, Feed], order: Order) -> None:
        self.feeds = feeds
        self.order = order
        self.comparison = Comparison(order.key, order.fields, order.ignored, (feeds[0].untyped, feeds[1].untyped))
        self.tally = Tally()
        key, untyped = order.key, self.comparison.untyped
        self.readings = (Reading(key, 0, untyped=untyped[0]), Reading(key, 1, untyped=untyped[1]))
        self.joiner = Joiner(self.comparison, self.readings, self.tally, order.newest)
        #: Sides in the order they are read: the typed one first, which says what the untyped text of the other is to be read as.
        self.sides = (1, 0) if untyped[0] and not untyped[1] else (0, 1)
        #: For explain(): what an engine wants to say about how it went.
        self.remarks: list[str] = []

    # ---------------------------------------------------------------- records

    async def page(self, side: int) -> Keyed | None:
        """The next page of one side, as rows without keys yet and what is no record; None at the end."""
        page = await self.feeds[side].next_page()
        if page is None:
            return None
        rows, invalid = rows_of(page.records)
        self.tally.read(side, len(page.records))
        self.comparison.see(side, rows)
        return Keyed(rows=list(rows), invalid=invalid)

    def join(self, lefts: Sequence[Row], rights: Sequence[Row]) -> None:
        """Joins and compares records by all the rules. Every record of a key that is among them must be among them, on both sides.

        They were counted before, by `page` or `count`.
        """
        keyed = []
        for side, rows in ((0, lefts), (1, rights)):
            found = self.readings[side].read(rows)
            self.joiner.unkeyed(side, found)
            keyed.append(found)
        self.joiner.join(keyed[0], keyed[1])

    # ---------------------------------------------------------------- columns, databases

    def count(self, side: int, records: int) -> None:
        """So many more records were read on this side."""
        self.tally.read(side, records)
        self.comparison.records[side] += records

    def have(self, side: int, names: Iterable[str]) -> None:
        """The columns of a side, known before any record: what `fields=None` compares is decided by them. For both sides, before anything else."""
        self.comparison.have(side, names)

    def agreed(self, pairs: int) -> None:
        """So many pairs of records have the same unique key and surely the same values in all fields. Raises `Unsuitable`."""
        if pairs and any(column.field.by_side for column in self.comparison.columns.values()):
            raise Unsuitable("a field goes by the clocks of two time zones, so what is written the same way may differ")
        self.tally.equal(pairs)

    def total(self, side: int, field: str, total: Total) -> None:
        """Control total of records that do not come through `join`. ``field``: by its name on the left."""
        self.comparison.columns[field].totals[side].merge(total)

    def totals_are_known(self) -> None:
        """The engine gives the totals of whole sides by `total`: what comes through `join` is not added to them."""
        for column in self.comparison.columns.values():
            column.adds = False
