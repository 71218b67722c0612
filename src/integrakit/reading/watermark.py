"""Reading only what is new: the highest cursor value seen, taken with care, and the lower bound that the next read asks for.

Pure but for `WatermarkReader`, which watches the pages of another reader pass by.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from attrs import evolve

from integrakit.errors import ConfigurationError, DecodeError
from integrakit.http.paths import ABSENT, look_up, parse_path
from integrakit.model import Checkpoint, Evidence, Page, Window
from integrakit.protocols import Reader
from integrakit.runtimes import runtime

__all__ = ["WatermarkReader", "later", "lower_bound", "settled"]

#: Texts that may be a time: `datetime.fromisoformat` takes many others for one.
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ].+)?")
#: Texts that are a number: "9" comes before "10".
_NUMBER = re.compile(r"-?[0-9]{1,19}(\.[0-9]{1,9})?")
_FRACTION = re.compile(r"[.,]([0-9]+)")
_OFFSET_WITHOUT_COLON = re.compile(r"[+-][0-9]{4}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: What every time zone can still write: placeholders such as 0001-01-01 are common.
_FIRST, _LAST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)


# ---------------------------------------------------------------------- comparing


def _order(value: Any) -> Any:
    """What a cursor value is compared by: numbers as numbers, ISO 8601 times as instants (naive ones as UTC), other text as text."""
    if isinstance(value, str):
        moment = _moment(value)
        if moment is None:
            return Decimal(value) if _NUMBER.fullmatch(value) else value
        return _aware(moment)
    if isinstance(value, datetime):
        return _aware(value)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool) and math.isfinite(value):
        return value
    raise TypeError(type(value).__name__)


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if _TIME.fullmatch(text) else None
    except ValueError:
        return None


def _aware(moment: datetime) -> datetime:
    # Not turned into UTC: there is none for the first and the last day that a time zone can write.
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def later(one: Any, other: Any) -> Any:
    """The later of two cursor values, as it was written; None is earlier than everything. Raises TypeError when they cannot be compared."""
    before, after = (None if value is None else _order(value) for value in (one, other))
    if before is None or after is None:
        return other if before is None else one
    if {type(before), type(after)} == {str, Decimal} and isinstance(one, str) and isinstance(other, str):
        before, after = one, other  # codes, of which some happen to be all digits
    return other if after > before else one


# ---------------------------------------------------------------------- moving


def _earlier(moment: datetime, seconds: float) -> datetime:
    try:
        return min(max(moment - timedelta(seconds=seconds), _FIRST), _LAST)
    except OverflowError:
        return _FIRST


def _time_like(value: Any, moment: datetime) -> Any:
    """The instant, written as ``value`` is; earlier where that way of writing is coarser."""
    like = _moment(value) if isinstance(value, str) else value
    zone = like.tzinfo if isinstance(like, datetime) else UTC
    moment = moment.astimezone(zone or UTC)
    if zone is None:
        moment = moment.replace(tzinfo=None)
    if isinstance(value, datetime):
        return moment
    if not isinstance(value, str):
        return moment.date()
    if len(value) == len("2026-01-01"):
        return moment.date().isoformat()
    fraction = _FRACTION.search(value)
    precision = "seconds" if fraction is None else "milliseconds" if len(fraction[1]) <= 3 else "microseconds"
    text = moment.isoformat(sep=value[10], timespec=precision)
    if value[-1] == "Z":
        return text.removesuffix("+00:00") + "Z"
    if _OFFSET_WITHOUT_COLON.fullmatch(value[-5:]):
        return text[:-3] + text[-2:]
    return text


def _number_like(value: Any, number: Decimal) -> Any:
    """The number, written as ``value`` is: what is whole stays whole, since servers read "1700000000.0" as no number at all."""
    if isinstance(value, str):
        return format(number.quantize(Decimal(value), rounding=ROUND_FLOOR), "f")
    if isinstance(value, int):
        return math.floor(number)
    return float(number) if isinstance(value, float) else number


def _per_second(value: float | Decimal) -> int:
    """Epoch seconds, milliseconds, microseconds or nanoseconds: as seconds, 1e11 is in the year 5138."""
    return next((per for per in (1, 1000, 1_000_000) if value < 1e11 * per), 1_000_000_000)


def _exactly(number: Any) -> Decimal:
    return Decimal(repr(number)) if isinstance(number, float) else Decimal(number)


def _no_time(value: Any) -> ConfigurationError:
    return ConfigurationError(f"Window(overlap=…, settle=…) needs a cursor of times or epoch seconds; {value!r} is neither: leave the window out")


def lower_bound(watermark: Any, window: Window) -> Any:
    """What the next read asks for, inclusive: the watermark less the overlap. None when there is no watermark."""
    if watermark is None or not window.overlap:
        return watermark
    order = _order(watermark)
    if isinstance(order, datetime):
        moment = _earlier(order, window.overlap)
        return _time_like(watermark, moment) if moment < order else watermark
    if isinstance(order, str):
        raise _no_time(watermark)
    return _number_like(watermark, _exactly(order) - _exactly(window.overlap) * _per_second(order))


def settled(watermark: Any, window: Window, now: datetime) -> Any:
    """The watermark, but never within the newest ``settle`` seconds, which are not believed yet."""
    if watermark is None or not window.settle:
        return watermark
    order, limit = _order(watermark), _earlier(now, window.settle)
    if isinstance(order, datetime):
        return _time_like(watermark, limit) if order > limit else watermark
    if isinstance(order, str):
        raise _no_time(watermark)
    number = Decimal((limit - _EPOCH) // timedelta(microseconds=1)) * _per_second(order) / 1_000_000
    return _number_like(watermark, number) if order > number else watermark


# ---------------------------------------------------------------------- watching


class WatermarkReader:
    """Passes pages on and remembers the highest value of ``cursor``. Once the read is over, `checkpoint` begins the next one there."""

    def __init__(self, reader: Reader, cursor: str, window: Window, since: Checkpoint | None) -> None:
        self._reader = reader
        self._cursor = cursor
        self._path = parse_path(cursor)
        self._window = window
        # In the middle of a read the highest value so far travels in the checkpoint's token; see `next_page`.
        token = since.token if since is not None and isinstance(since.token, dict) else {}
        self._floor = None if since is None else since.watermark
        self._highest = token.get("highest", self._floor)
        self._page: Page | None = None
        self._ended = False

    async def next_page(self) -> Page | None:
        """After an error the same page comes again: a read that is taken up anew must not pass it over."""
        page = self._page = self._page or await self._reader.next_page()
        if page is None:
            self._ended = True
            return None
        highest = self._highest
        for record in page.records:
            value = self._value(record)
            try:
                highest = later(highest, value)
            except TypeError as problem:
                raise DecodeError(
                    f"the cursor {self._cursor!r} holds {value!r}, which cannot be compared with {highest!r}", path=self._cursor, record=record
                ) from problem
        self._highest, self._page = highest, None
        checkpoint = page.checkpoint
        if checkpoint is not None and checkpoint.token is not None:
            page = evolve(page, checkpoint=evolve(checkpoint, token={**checkpoint.token, "highest": highest}))
        return page

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
        return self._reader.evidence

    @property
    def checkpoint(self) -> Checkpoint | None:
        inner = self._reader.checkpoint
        if not self._ended or inner is None or self.evidence.complete is False:
            return inner
        started = inner.born or runtime().wall()
        highest = settled(self._highest, self._window, started)
        # A settle window must not move the watermark back below where it was.
        return evolve(inner, watermark=later(self._floor, highest))
