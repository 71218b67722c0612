"""Reading only what is new: the highest cursor value seen, taken with care, and the lower bound that the next read asks for.

Pure but for `WatermarkReader`, which watches the pages of another reader pass by.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from attrs import evolve

from integrakit.errors import ConfigurationError, DecodeError
from integrakit.model import Checkpoint, Evidence, Page, Window
from integrakit.model.reading import utc
from integrakit.protocols import Reader
from integrakit.runtimes import runtime

__all__ = ["WatermarkReader", "later", "lower_bound", "settled"]


def _order(value: Any) -> Any:
    """What a cursor value is compared by: numbers as numbers, ISO 8601 times as instants (naive ones as UTC), other text as text."""
    if isinstance(value, bool):
        raise TypeError("bool")
    if isinstance(value, int | float | Decimal):
        return value
    if isinstance(value, datetime):
        return utc(value)
    if isinstance(value, date):
        return utc(datetime(value.year, value.month, value.day))
    if isinstance(value, str):
        try:
            return utc(datetime.fromisoformat(value))
        except ValueError:
            return value
    raise TypeError(type(value).__name__)


def later(one: Any, other: Any) -> Any:
    """The later of two cursor values, as it was written; None is earlier than everything. Raises TypeError when they cannot be compared."""
    if one is None or other is None:
        return other if one is None else one
    return other if _order(other) > _order(one) else one


def _shifted(value: Any, seconds: float) -> Any:
    """The cursor value ``seconds`` earlier, written in the same way."""
    if isinstance(value, datetime):
        return value - timedelta(seconds=seconds)
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            moment = None
        if moment is not None:
            if "T" not in value and " " not in value:  # a date: whole days, downwards
                return (moment - timedelta(seconds=seconds)).date().isoformat()
            text = (moment - timedelta(seconds=seconds)).isoformat(sep="T" if "T" in value else " ")
            return text.removesuffix("+00:00") + "Z" if value.endswith(("Z", "z")) else text
    elif isinstance(value, Decimal):
        return value - Decimal(repr(seconds))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        return value - seconds
    raise ConfigurationError(f"Window(overlap=…, settle=…) needs a cursor of times or epoch seconds; {value!r} is neither: leave the window out")


def lower_bound(watermark: Any, window: Window) -> Any:
    """What the next read asks for, inclusive: the watermark less the overlap. None when there is no watermark."""
    if watermark is None or not window.overlap:
        return watermark
    return _shifted(watermark, window.overlap)


def settled(watermark: Any, window: Window, now: datetime) -> Any:
    """The watermark, but never within the newest ``settle`` seconds, which are not believed yet."""
    if watermark is None or not window.settle:
        return watermark
    moment = _order(watermark)
    if isinstance(moment, datetime):
        excess = (moment - (now - timedelta(seconds=window.settle))).total_seconds()
    elif isinstance(moment, str):
        return _shifted(watermark, window.settle)
    else:
        excess = float(moment) - (now.timestamp() - window.settle)
    return _shifted(watermark, excess) if excess > 0 else watermark


class WatermarkReader:
    """Passes pages on and remembers the highest value of ``cursor``. Once the read is over, `checkpoint` begins the next one there."""

    def __init__(self, reader: Reader, cursor: str, window: Window, since: Checkpoint | None) -> None:
        self._reader = reader
        self._cursor = cursor
        self._window = window
        # In the middle of a read the highest value so far travels in the checkpoint's token; see `next_page`.
        token = since.token if since is not None and isinstance(since.token, dict) else {}
        self._floor = None if since is None else since.watermark
        self._highest = token.get("highest", self._floor)
        self._ended = False

    async def next_page(self) -> Page | None:
        page = await self._reader.next_page()
        if page is None:
            self._ended = True
            return None
        for record in page.records:
            value = record.get(self._cursor, page) if isinstance(record, dict) else getattr(record, self._cursor, page)
            if value is page:
                raise DecodeError(f"a record has no {self._cursor!r}, which is the cursor of this resource", path=self._cursor, record=record)
            try:
                self._highest = later(self._highest, value)
            except TypeError as problem:
                raise DecodeError(
                    f"the cursor {self._cursor!r} holds {value!r}, which cannot be compared with {self._highest!r}", path=self._cursor, record=record
                ) from problem
        checkpoint = page.checkpoint
        if checkpoint is not None and checkpoint.token is not None:
            page = evolve(page, checkpoint=evolve(checkpoint, token={**checkpoint.token, "highest": self._highest}))
        return page

    @property
    def evidence(self) -> Evidence:
        return self._reader.evidence

    @property
    def checkpoint(self) -> Checkpoint | None:
        inner = self._reader.checkpoint
        if not self._ended or inner is None:
            return inner
        started = inner.born or runtime().wall()
        highest = settled(self._highest, self._window, started)
        # A settle window must not move the watermark back below where it was.
        return evolve(inner, watermark=later(self._floor, highest))
