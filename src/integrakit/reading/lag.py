"""How late rows become visible: a source is polled for a while, and each new cursor value is compared with the moment it was first seen at.

What a watermark must be taken with care for is measured here, not guessed: `Lag.window` proposes a `Window`. Nothing is kept and nothing is written.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, cast

from attrs import define, evolve, field, frozen

from integrakit.errors import ConfigurationError, IncompleteRead
from integrakit.http.paths import ABSENT, look_up, parse_path
from integrakit.model import Checkpoint, Page, Window
from integrakit.model.reading import utc
from integrakit.protocols import Reader
from integrakit.reading.ties import key_reader, key_text_of
from integrakit.reading.watermark_values import moment_of, written_like
from integrakit.runtimes import drive, runtime

__all__ = ["Lag", "ameasure_lag", "clock_difference", "measure_lag"]

#: Seconds below the present that each poll looks back, besides the time of the whole measurement.
LOOKBACK = 3600.0
#: A difference of clocks below this many seconds is within what a Date header, of whole seconds, can tell.
CLOCKS_AGREE = 1.0
#: What is measured for minutes is exceeded in a year: the window is so much wider than the longest lag.
MARGIN = 2.0
#: Polls after which a row that comes no more is forgotten.
REMEMBERED = 5


@frozen(kw_only=True)
class Lag:
    """What was measured. Times in seconds; None where nothing new was seen.

    ``samples``: new cursor values seen. ``median``, ``p99``, ``longest``: how long after its own cursor time a row was first seen, which is at most
    ``every`` later than it became visible. ``earliest``: the shortest of these; below 0 where clocks are ahead. ``out_of_order``: rows that appeared
    below the highest cursor seen before, which a watermark without overlap loses; ``deepest``: how far below.
    """

    samples: int
    polls: int
    watched: float
    every: float
    earliest: float | None = None
    median: float | None = None
    p99: float | None = None
    longest: float | None = None
    out_of_order: int = 0
    deepest: float = 0.0
    #: The server's clock less ours, where it told; taken out of the lags above.
    clock_difference: float | None = None

    def window(self) -> Window:
        """A window that would have lost nothing, twice as wide as what was seen. Raises `ConfigurationError` where nothing new was seen.

        The overlap is twice the longest lag, or the deepest row that came out of order if that is more; the newest rows are left to settle where
        cursor values lay ahead of the server's own clock.
        """
        if self.longest is None or self.earliest is None:
            raise ConfigurationError(
                f"no row was new within {self.watched:.0f} seconds, so nothing is known: measure for longer, at a time when rows change"
            )
        overlap = math.ceil(MARGIN * max(self.longest, self.deepest, 0.0))
        settle = math.ceil(MARGIN * max(-self.earliest, 0.0)) if self.earliest < -CLOCKS_AGREE else 0
        return Window(overlap=overlap, settle=settle)

    def __str__(self) -> str:
        head = f"{self.samples} new rows in {self.polls} polls over {self.watched:.0f} s"
        if self.median is None or self.p99 is None or self.longest is None:
            return f"{head}: nothing is known"
        lines = [f"{head}: visible after {self.median:.1f} s (median), {self.p99:.1f} s (99 %), {self.longest:.1f} s (longest), ± {self.every:g} s"]
        if self.out_of_order:
            lines.append(
                f"  {self.out_of_order} appeared below the highest cursor seen before, by up to {self.deepest:.1f} s: lost without an overlap"
            )
        if self.clock_difference is not None and abs(self.clock_difference) > CLOCKS_AGREE:
            lines.append(f"  the server's clock is {abs(self.clock_difference):.1f} s {'ahead of' if self.clock_difference > 0 else 'behind'} ours")
        window = self.window()
        lines.append(f"  proposed: Window(overlap={window.overlap:g}, settle={window.settle:g})")
        return "\n".join(lines)


@define(kw_only=True)
class _Watch:
    """One measurement under way."""

    cursor: str
    key: Callable[[Any], Any]
    difference: float | None = None
    #: Key and cursor value → the poll that brought it last.
    seen: dict[tuple[str, Any], int] = field(factory=dict)
    lags: list[float] = field(factory=list)
    highest: datetime | None = None
    out_of_order: int = 0
    deepest: float = 0.0
    like: Any = None

    def page(self, page: Page, now: datetime, before: datetime | None, poll: int) -> None:
        for value, moment, key in self.rows(page):
            self.like = value
            known = (key, value) in self.seen
            self.seen[key, value] = poll
            if known or not poll:
                continue
            shift = self.difference if self.difference is not None and abs(self.difference) > CLOCKS_AGREE else 0.0
            self.lags.append((now - moment).total_seconds() + shift)
            if before is not None and moment < before:
                self.out_of_order += 1
                self.deepest = max(self.deepest, (before - moment).total_seconds())

    def rows(self, page: Page) -> Iterator[tuple[Any, datetime, str]]:
        path = parse_path(self.cursor)
        for record in page.records:
            value = look_up(record, path) if isinstance(record, dict) else record
            if not isinstance(record, dict):
                for name in path:
                    value = getattr(value, name, ABSENT)
            if value is None:
                continue
            moment, key = moment_of(value) if value is not ABSENT else None, key_text_of(self.key(record))
            if moment is None or key is None:
                what = f"its key {key!r}" if moment is not None else f"{value!r} at {self.cursor!r}, which is no time"
                raise ConfigurationError(f"measure_lag() needs records with a key and a cursor that is a time; one has {what}")
            self.highest = moment if self.highest is None else max(self.highest, moment)
            yield value, moment, key

    def forget(self, poll: int) -> None:
        """What did not come for some polls lies below where they begin."""
        self.seen = {row: last for row, last in self.seen.items() if last > poll - REMEMBERED}

    def lag(self, *, polls: int, watched: float, every: float) -> Lag:
        found = Lag(samples=len(self.lags), polls=polls, watched=watched, every=every, clock_difference=self.difference)
        if not self.lags:
            return found
        lags = sorted(self.lags)
        rank = max(0, math.ceil(0.99 * len(lags)) - 1)
        middle = (lags[(len(lags) - 1) // 2] + lags[len(lags) // 2]) / 2
        found = evolve(found, earliest=lags[0], median=middle, p99=lags[rank], longest=lags[-1])
        return evolve(found, out_of_order=self.out_of_order, deepest=self.deepest)


async def ameasure_lag(
    source: Any,
    *,
    seconds: float = 600.0,
    every: float = 15.0,
    cursor: str | None = None,
    key: str | tuple[str, ...] | None = None,
    lookback: float = LOOKBACK,
    clock: Callable[[], Awaitable[float | None]] | None = None,
) -> Lag:
    """Polls the newest rows of ``source`` for so many seconds, and says how late they become visible. Rows of the first poll tell nothing.

    ``source``: a resource, table, or anything else with ``open_read(since)`` whose checkpoints have watermarks. ``every``: seconds between polls, and
    how exact it is. ``cursor`` and ``key``: default to the source's own. ``lookback``: seconds before the present that are looked at. ``clock``:
    tells the server's clock less ours in seconds, or None. Raises `ConfigurationError` where the source has no cursor, or one that is no time.
    """
    for name, value in (("seconds", seconds), ("every", every), ("lookback", lookback)):
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
            raise ConfigurationError(f"measure_lag({name}=…) takes seconds above 0, not {value!r}")
    if not hasattr(source, "open_read"):
        raise ConfigurationError(f"measure_lag() takes a resource, a table, or another source with open_read(since), not {type(source).__name__}")
    cursor = cursor or getattr(source, "cursor", None)
    key = key or getattr(source, "key", None)
    if cursor is None or key is None:
        missing = "cursor=, the field that grows when a record changes" if cursor is None else "key=, the field that tells records apart"
        raise ConfigurationError(f"measure_lag() of {source!r:.100} needs {missing}")
    world = runtime()
    watch = _Watch(cursor=cursor, key=key_reader(key), difference=None if clock is None else await clock())
    begun, polls, back = world.now(), 0, timedelta(seconds=seconds + lookback)
    watch.like = await _sample(source, watch)
    while True:
        reader = source.open_read(_since(source, watch.like, world.wall() - back))
        before = watch.highest
        try:
            while (page := await reader.next_page()) is not None:
                watch.page(page, world.wall(), before, polls)
        except IncompleteRead:
            pass  # every record was delivered; a row that was passed over is seen by a later poll, and its lag is not shorter for that
        watch.forget(polls)
        polls += 1
        left = begun + seconds - world.now()
        if left <= 0 and polls > 1:  # one alone tells nothing
            break
        await world.sleep(max(0.0, min(every, left)))
    return watch.lag(polls=polls, watched=world.now() - begun, every=every)


def measure_lag(source: Any, **options: Any) -> Lag:
    """`ameasure_lag` for blocking code: ``measure_lag(table, seconds=600, every=15)``."""
    return drive(ameasure_lag(source, **options))


def clock_difference(date: str | None, begun: datetime, ended: datetime) -> float | None:
    """The server's clock less ours in seconds, by the Date header (RFC 9110 §6.6.1) of an answer that came between two moments; None without one."""
    try:
        told = utc(parsedate_to_datetime(date or ""))
    except (ValueError, IndexError, TypeError):
        return None
    # A date has whole seconds: on average half of one has passed since.
    return (told - begun).total_seconds() + 0.5 - (ended - begun).total_seconds() / 2


async def _sample(source: Any, watch: _Watch) -> Any:
    """A cursor value as the source writes them, of its first page; None where there is no row yet."""
    reader: Reader = source.open_read()
    while (page := await reader.next_page()) is not None:
        for value, _, _ in watch.rows(page):
            watch.highest = None
            return value
    return None


def _since(source: Any, like: Any, moment: datetime) -> Checkpoint | None:
    """A checkpoint of the source that begins at the moment."""
    if like is None:
        return None
    watermark = written_like(like, moment)
    make = getattr(source, "checkpoint", None)
    if callable(make):
        return cast("Checkpoint", make(watermark))
    empty: Checkpoint | None = source.open_read().checkpoint
    if empty is None:
        raise ConfigurationError(f"measure_lag() cannot read {source!r:.100} from a moment on: its readers have no checkpoint before they begin")
    return evolve(empty, token=None, ties={}, watermark=watermark)
