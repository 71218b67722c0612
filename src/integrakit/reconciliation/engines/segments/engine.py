"""The engine itself: two snapshots, one pass of digests in each, then the rows of the buckets that differ, and the control totals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal, localcontext
from typing import Any

from integrakit.model import Evidence
from integrakit.reconciliation.engines.run import Order, Run, Unsuitable
from integrakit.reconciliation.engines.segments import mariadb, postgresql
from integrakit.reconciliation.engines.segments.buckets import Buckets, chosen
from integrakit.reconciliation.engines.segments.candidates import Candidates, merged
from integrakit.reconciliation.engines.segments.digests import PAGES, Digests
from integrakit.reconciliation.engines.segments.pairing import Side, pair_up
from integrakit.reconciliation.engines.segments.plan import Plan
from integrakit.reconciliation.engines.segments.snapshot import Snapshot
from integrakit.reconciliation.engines.segments.words import Words
from integrakit.reconciliation.inputs.feed import Feed
from integrakit.reconciliation.rules.totals import Total, wide
from integrakit.runtimes import runtime
from integrakit.sql.layout import Row
from integrakit.sql.query import SqlQuery
from integrakit.sql.table import SqlTable

__all__ = ["compare_segments", "suits_segments"]

#: Below so many rows merging is over before a digest is worth it.
_SMALL = 20_000
#: Of the rows of a side: above it, reading everything is cheaper than having digested it first.
_TOO_MANY = 0.2
#: The same for buckets whose rows are digested one by one before any is read.
_TOO_MANY_AGAIN = 0.6
#: Keys that are named one by one in a statement, at most.
_NAMED = 100_000
#: Rows in a bucket: small ones cost digests, large ones cost rows that are read for nothing. Rows of MariaDB cost more to read.
_ROWS = 24
_ROWS_OF_MARIADB = 16


def suits_segments(feeds: tuple[Feed, Feed], order: Order) -> tuple[bool, str]:
    """Whether both sides are tables of database servers that can digest their rows, and why or why not."""
    for feed in feeds:
        source = feed.source
        if not isinstance(source, SqlTable | SqlQuery) or source.server is None:
            return False, f"the {feed.name} side is no table or query of a database server"
    if order.key.normalise is not None:
        return False, "what Key(…) does to keys has no form in SQL"
    return True, "both sides are in databases, which digest their rows: only the rows of buckets that differ are read"


async def compare_segments(run: Run) -> None:
    """Raises `Unsuitable`, and what reading the sources raises."""
    suits, why = suits_segments(run.feeds, run.order)
    if not suits:
        raise Unsuitable(why)
    if any(column.field.by_side for column in run.comparison.columns.values()):
        raise Unsuitable("a field goes by the clocks of two time zones, so what is written the same way may differ")
    snapshots = Snapshot(run.feeds[0].source, "left"), Snapshot(run.feeds[1].source, "right")
    try:
        await _both(lambda side: snapshots[side].open())
        await _Comparing(run, snapshots).carry_out()
    finally:
        await runtime().blocking(_close, snapshots)


async def _both(work: Callable[[int], Any]) -> list[Any]:
    """The same work for both sides at the same time."""

    async def one(side: int) -> Any:
        return await runtime().blocking(work, side)

    return await runtime().gather([lambda: one(0), lambda: one(1)], 2)


def _close(snapshots: tuple[Snapshot, Snapshot]) -> None:
    try:
        snapshots[0].close()
    finally:
        snapshots[1].close()


class _Comparing:
    """One comparison of two open snapshots."""

    def __init__(self, run: Run, snapshots: tuple[Snapshot, Snapshot]) -> None:
        self._run = run
        self._snapshots = snapshots
        self._own = tuple(postgresql if snapshot.postgres else mariadb for snapshot in snapshots)
        self._started = runtime().wall()

    async def carry_out(self) -> None:
        run, snapshots = self._run, self._snapshots
        for side in (0, 1) if not run.comparison.named else ():
            run.have(side, snapshots[side].schema.columns)
        plan = self._plan()
        for column in run.comparison.columns.values():
            column.seen = [True, True]
        buckets = await self._buckets(plan)
        digests = await self._digested(plan, buckets)
        share = f"{digests.share:.1%} of the rows are in the {len(digests.dirty):,} of {digests.buckets:,} buckets that differ"
        finest = buckets.finest() if digests.dirty else None
        if digests.share > (_TOO_MANY if finest is None else _TOO_MANY_AGAIN) and run.order.engine == "auto":
            raise Unsuitable(f"{share}: so many are read sooner than looked for")
        run.totals_are_known()
        clean = digests.clean
        if digests.dirty:
            conditions = [self._own[side].among(buckets, side, digests.dirty) for side in (0, 1)]
            if finest is not None:
                finer = await self._digested(plan, finest, conditions)
                found = max(rows - clean - finer.clean for rows in digests.rows) / max(1, *digests.rows)
                if found > _TOO_MANY and run.order.engine == "auto":
                    raise Unsuitable(f"{found:.1%} of the rows differ: so many are read sooner than looked for")
                if len(finer.dirty) <= _NAMED:
                    clean += finer.clean
                    conditions = [self._own[side].among(finest, side, finer.dirty) for side in (0, 1)] if finer.dirty else []
            if conditions:
                await merged(run, (self._candidates(0, conditions[0]), self._candidates(1, conditions[1])))
        read = max(rows - clean for rows in digests.rows)
        run.remarks.append(
            f"{share}, and {read:,} rows were read" if digests.dirty else f"none of {digests.buckets:,} buckets differs: no row was read"
        )
        for side in (0, 1):
            run.count(side, clean)
        run.agreed(clean)
        await self._totals(plan, digests)
        for side, feed in enumerate(run.feeds):
            feed.told(self._evidence(digests.rows[side]))

    async def _digested(self, plan: Plan, buckets: Buckets, conditions: Sequence[str] = ("", "")) -> Digests:
        snapshots = self._snapshots

        def begin(side: int) -> list[Row]:
            statement = self._own[side].digests(plan, buckets, side, snapshots[side].schema.source, conditions[side])
            snapshots[side].begin(statement, digesting=True)
            return snapshots[side].fetch(PAGES, digesting=True)

        digests = Digests(plan)
        await runtime().blocking(digests.compare, snapshots, await _both(begin))
        return digests

    def _plan(self) -> Plan:
        run = self._run
        sides = [
            Side(name=snapshot.name, schema=snapshot.schema, postgres=snapshot.postgres, charsets=snapshot.charsets, retyped=feed.source.types)
            for snapshot, feed in zip(self._snapshots, run.feeds, strict=True)
        ]
        for feed, snapshot in zip(run.feeds, self._snapshots, strict=True):
            if feed.source.cursor is not None and snapshot.schema.columns[feed.source.cursor].cursor == "xid8":
                raise Unsuitable("a read by numbers of transactions leaves out what is not finished yet")
        keys, fields = pair_up((sides[0], sides[1]), run.order.key, list(run.comparison.columns.values()))
        unique = [side.schema.is_unique(names) for side, names in zip(sides, (run.order.key.names, run.order.key.right), strict=True)]
        return Plan(keys=tuple(keys), fields=fields, postgres=(sides[0].postgres, sides[1].postgres), unique=(unique[0], unique[1]))

    async def _buckets(self, plan: Plan) -> Buckets:
        def ask(side: int) -> tuple[int, Row | None]:
            snapshot, own = self._snapshots[side], self._own[side]
            rows = snapshot.estimate()
            if rows < _SMALL and self._run.order.engine == "auto":
                return rows, None
            return rows, snapshot.rows(own.bounds(plan, side, snapshot.schema.source))[0] if plan.whole_key else None

        found = await _both(ask)
        rows = max(count for count, _ in found)
        if rows < _SMALL and self._run.order.engine == "auto":
            raise Unsuitable(f"there are only about {rows:,} rows, which are read sooner than digested")
        ends = [int(end) for _, ends in found for end in ends or () if end is not None]
        bounds = (min(ends, default=0), max(ends, default=0)) if plan.whole_key else None
        wanted = _ROWS if plan.both_postgresql else _ROWS_OF_MARIADB
        return chosen(list(plan.keys), Words.random(), rows=rows, bounds=bounds, wanted=wanted)

    def _candidates(self, side: int, condition: str) -> Candidates:
        key = self._run.order.key
        return Candidates(self._snapshots[side], key.right if side else key.names, condition, types=self._run.feeds[side].source.types)

    async def _totals(self, plan: Plan, digests: Digests) -> None:
        for place, name in enumerate(plan.summed):
            for side in (0, 1):
                pair, sums = plan.fields[name], digests.sums[side]
                form = pair.of(side)
                value = sums.values[place]
                if value is None:
                    continue
                # The sum of decimals next to which floats stand does not tell which of these have more than 15 digits.
                if place in sums.partial or (form.number == "float" and not pair.in_millionths):
                    self._run.total(side, name, await runtime().blocking(self._looked_closer, plan, name, side))
                else:
                    # How many numbers there are is not asked for: that there are some is what counts.
                    self._run.total(side, name, Total.of(int(value) if form.number == "int" else value, count=digests.rows[side]))

    def _looked_closer(self, plan: Plan, name: str, side: int) -> Total:
        """The total of a column with numbers that are not finite, or with floats of more than 15 digits, which are added up as they are stored."""
        own, snapshot = self._own[side], self._snapshots[side]
        source = snapshot.schema.source
        form = plan.fields[name].of(side)
        ((short, finite, none, infinite, barred),) = snapshot.rows(own.looking_closer(plan, name, side, source))
        if barred:
            raise Unsuitable(f"the {snapshot.name} side has a field that cannot be added up: {form.name!r}: {form.why_barred}")
        found = own.parts(snapshot.rows(own.long_parts(plan, name, side, source))) if form.number == "float" else ()
        with localcontext(wide(1500)):
            exact = sum((_scaled(int(value), int(power)) for power, value in found), Decimal(0))
        return Total.of(Decimal(short), count=int(finite) + int(infinite), others=int(none), exact=not infinite, long=exact if found else ())

    def _evidence(self, rows: int) -> Evidence:
        return Evidence(complete=True, pages=1, records=rows, stability="snapshot", ended_by="protocol", started=self._started)


def _scaled(value: int, power: int) -> Decimal:
    """``value`` · 2 ** ``power``, exactly, in a context that is wide enough."""
    return Decimal(value << power) if power >= 0 else Decimal(value * 5**-power).scaleb(power)
