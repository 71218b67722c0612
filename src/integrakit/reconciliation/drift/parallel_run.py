"""`ParallelRun`: two systems side by side until the new one may take over: days in a row within the rule, and the word when it is safe.

One document a day in a store. What a reconciliation found is judged by `Accept`, what the days come to stands in ``days``; here is what is kept.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from integrakit.errors import ConfigurationError, StoreError, VersionConflict
from integrakit.protocols import Put, Store
from integrakit.reconciliation.acceptance import Accept
from integrakit.reconciliation.diff import Diff
from integrakit.reconciliation.drift.days import (
    LONGEST,
    Account,
    ParallelDay,
    ParallelStatus,
    after,
    breaks_in,
    days_of,
    reasons_against,
    rule_text,
    status_of,
)
from integrakit.runtimes import drive, runtime
from integrakit.state import open_store

__all__ = ["ParallelRun"]

_ATTEMPTS = 20


class ParallelRun:
    """The parallel run ``name``: ``ParallelRun("state.db", "new-erp", accept=ik.Accept(breaks=5), days=10).record(diff)`` after each reconciliation.

    ``accept``: the rule that a day must keep; without one, no break at all. A day counts when it had a reconciliation, each of them was within the
    rule, at least ``records`` records on each side could be compared, and no side is known to have been read incompletely
    (``Accept(verified=True)`` asks for proof).
    A day without one ends the series, unless ``counts`` (a function of a date, e.g. ``lambda day: day.weekday() < 5``) says that such a day does not
    count; then it adds nothing either. More than ``gap`` days without one end it in any case: what was safe is not safe months later. ``zone``: where
    days begin, an IANA name. Days are judged by each rule for itself: with another ``accept`` or ``records`` the series begins anew, with the old one
    it goes on. A store that is given as an object stays open at `close`.
    Raises `ConfigurationError`; `StoreError` when it is used and the store fails.
    """

    def __init__(
        self,
        store: str | os.PathLike[str] | Store,
        name: str,
        *,
        days: int = 10,
        accept: Accept | None = None,
        records: int = 1,
        zone: str = "UTC",
        counts: Callable[[date], bool] | None = None,
        gap: int = 7,
    ) -> None:
        if not isinstance(name, str) or not name:
            raise ConfigurationError(f"ParallelRun(store, name) takes a name as text, not {name!r}")
        for argument, value, least, most in (("days", days, 1, LONGEST), ("records", records, 0, 10**18), ("gap", gap, 1, LONGEST)):
            if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
                raise ConfigurationError(f"ParallelRun({argument}=…) takes a whole number, {least} or more and at most {most:,}, not {value!r}")
        if accept is not None and not isinstance(accept, Accept):
            raise ConfigurationError(f"ParallelRun(accept=…) takes Accept(…), not {accept!r}")
        if counts is not None and not callable(counts):
            raise ConfigurationError(f"ParallelRun(counts=…) takes a function of a date, not {counts!r}")
        try:
            self._zone = ZoneInfo(zone)
        except Exception:  # noqa: BLE001 - KeyError, ValueError, TypeError, OSError: by what is wrong with the name or the files behind it
            raise ConfigurationError(f'ParallelRun(zone=…) takes an IANA name such as "Europe/Berlin", not {zone!r}') from None
        self.name = name
        self._space = f"parallel:{name}"
        self._days, self._accept, self._least, self._counts, self._gap = days, accept or Accept(), records, counts, gap
        self._rule = rule_text(self._accept, records)
        self._store = open_store(store)
        self._ours = self._store is not store

    def __repr__(self) -> str:
        return f"<ParallelRun {self.name!r}, {self._days} days>"

    def __enter__(self) -> ParallelRun:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---------------------------------------------------------------- recording

    def record(self, diff: Diff) -> ParallelStatus:
        """Takes note of one reconciliation, under today's date, and says where the run stands. Raises `ConfigurationError`, `StoreError`."""
        return drive(self.arecord(diff))

    async def arecord(self, diff: Diff) -> ParallelStatus:
        """`record` for async code."""
        if not isinstance(diff, Diff):
            raise ConfigurationError(f"record() takes the Diff that reconcile() gives, not {type(diff).__name__}")
        return await runtime().blocking(self._record, diff, runtime().wall())

    def _record(self, diff: Diff, at: datetime) -> ParallelStatus:
        day = at.astimezone(self._zone).date()
        reasons, breaks = reasons_against(diff, self._accept, self._least), breaks_in(diff)
        for _ in range(_ATTEMPTS):
            entry = self._store.get(self._space, day.isoformat())
            rules: dict[str, Account] = {} if entry is None else {**entry.value}
            rules[self._rule] = after(rules.get(self._rule, {}), diff, reasons, breaks, self._accept, at)
            try:
                self._store.commit([Put(self._space, day.isoformat(), rules, expect=0 if entry is None else entry.version)])
            except VersionConflict:
                continue
            return self._status(day)
        raise StoreError(f"the parallel run {self.name!r} lost {_ATTEMPTS} races in a row for {day}: other processes record all the time")

    # ---------------------------------------------------------------- asking

    def status(self) -> ParallelStatus:
        """Where it stands now. Raises `ConfigurationError` when ``counts`` fails, `StoreError`."""
        return self._status(runtime().wall().astimezone(self._zone).date())

    def history(self) -> Iterator[ParallelDay]:
        """The days that are on record, by date; a day that was judged by several rules once for each."""
        for entry in self._store.scan(self._space):
            yield from days_of(entry.key, entry.value)

    def _status(self, today: date) -> ParallelStatus:
        after_this = (today - timedelta(days=min(LONGEST, today.toordinal() - 1))).isoformat()
        found: dict[date, Any] = {date.fromisoformat(each.key): each.value for each in self._store.scan(self._space, after=after_this)}
        return status_of(self.name, found, today=today, rule=self._rule, needed=self._days, gap=self._gap, counts=self._counts)

    def close(self) -> None:
        """Closes the store if it was opened here, by a path or a URL."""
        if self._ours:
            self._store.close()
