"""Cursor values: how they compare, how a bound is moved back by seconds, and which moment they mean. Pure.

A bound is written as the values of the collection are, since servers read no other way of writing. What is read is watched in `watermark.py`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from functools import lru_cache
from typing import Any

from integrakit.errors import ConfigurationError
from integrakit.model import Window

__all__ = ["comparable", "is_older", "later", "lower_bound", "moment_of", "not_beyond", "order_of", "orders_of", "same", "settled", "written_like"]

#: Texts that may be a time: `datetime.fromisoformat` takes many others for one.
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ].+)?")
#: Texts that are a number: "9" comes before "10".
_NUMBER = re.compile(r"-?[0-9]{1,19}(\.[0-9]{1,9})?")
_FRACTION = re.compile(r"[.,]([0-9]+)")
_OFFSET_WITHOUT_COLON = re.compile(r"[+-][0-9]{4}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Numbers below this are taken for numbers, not for seconds of the year 1973 and before.
FIRST_EPOCH = 100_000_000
#: A clock that is further ahead than this is none that can be compared with ours: `Window.settle` is for those.
CLOCKS_DIFFER = timedelta(minutes=1)
A_DAY = timedelta(days=1)
#: What every time zone can still write: placeholders such as 0001-01-01 are common.
_FIRST, _LAST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)


# ---------------------------------------------------------------------- comparing


def order_of(value: Any) -> Any:
    """What a cursor value is compared by: numbers as numbers, ISO 8601 times as instants (naive ones as UTC), other text as text."""
    if isinstance(value, str):
        return _order_of_text(value)
    if isinstance(value, datetime):
        return _aware(value)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool) and math.isfinite(value):
        return value
    raise TypeError(type(value).__name__)


@lru_cache(maxsize=4096)
def _order_of_text(text: str) -> Any:
    """Kept for a while: the highest value so far is compared with each record, and a record's with several others."""
    moment = _moment(text)
    if moment is None:
        return Decimal(text) if _NUMBER.fullmatch(text) else text
    return _aware(moment)


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
    before, after = (None if value is None else order_of(value) for value in (one, other))
    if before is None or after is None:
        return other if before is None else one
    if {type(before), type(after)} == {str, Decimal} and isinstance(one, str) and isinstance(other, str):
        before, after = one, other  # codes, of which some happen to be all digits
    return other if after > before else one


def _kind_of(order: Any) -> type:
    return datetime if isinstance(order, datetime) else str if isinstance(order, str) else Decimal


def comparable(one: Any, other: Any) -> bool:
    """Whether two orders, as of `order_of`, are of one kind: instants, texts or numbers. None is of none."""
    return one is not None and other is not None and _kind_of(one) is _kind_of(other)


def orders_of(values: Sequence[Any]) -> list[Any] | None:
    """`order_of` each value, null for null: all of one kind, so that the highest is their `max`. None where they are not, or one is no cursor value:
    such are compared one by one, by `later`.
    """
    present = [value for value in values if value is not None]
    kinds = set(map(type, present))
    if kinds <= {int}:
        return list(values)
    orders = _orders_of_texts(present) if kinds == {str} else None
    if orders is None:
        try:
            orders = [order_of(value) for value in present]
        except TypeError:
            return None
        if len(set(map(_kind_of, orders))) > 1:
            return None
    if len(orders) == len(values):
        return orders
    following = iter(orders)
    return [None if value is None else next(following) for value in values]


def _orders_of_texts(texts: list[str]) -> list[Any] | None:
    """Of texts that all are times, or all are numbers; None for others. Not compared as text: "…09:00+02:00" is before "…08:00Z"."""
    if all(map(_NUMBER.fullmatch, texts)):
        return list(map(Decimal, texts))
    if not (_written_alike(texts) or all(map(_TIME.fullmatch, texts))):
        return None
    try:
        moments = list(map(datetime.fromisoformat, texts))
    except ValueError:
        return None
    return [moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC) for moment in moments]


def _written_alike(texts: list[str]) -> bool:
    """Whether all are as long as the first, with what `_TIME` asks for in the same columns. For `datetime.fromisoformat` to look at the rest."""
    length, whole = len(texts[0]), "".join(texts)
    if length < 10 or length == 11 or set(map(len, texts)) != {length}:
        return False
    dashes = "-" * len(texts)
    return whole[4::length] == whole[7::length] == dashes and (length == 10 or set(whole[10::length]) <= {"T", "t", " "})


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


def _since_epoch(moment: datetime, like: float | Decimal) -> Decimal:
    return Decimal((moment - _EPOCH) // timedelta(microseconds=1)) * _per_second(like) / 1_000_000


def _exactly(number: Any) -> Decimal:
    return Decimal(repr(number)) if isinstance(number, float) else Decimal(number)


def _no_time(value: Any) -> ConfigurationError:
    return ConfigurationError(f"Window(overlap=…, settle=…) needs a cursor of times or epoch seconds; {value!r} is neither: leave the window out")


def lower_bound(watermark: Any, window: Window) -> Any:
    """What the next read asks for, inclusive: the watermark less the overlap. None when there is no watermark."""
    if watermark is None or not window.overlap:
        return watermark
    order = order_of(watermark)
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
    order, limit = order_of(watermark), _earlier(now, window.settle)
    if isinstance(order, datetime):
        return _time_like(watermark, limit) if order > limit else watermark
    if isinstance(order, str):
        raise _no_time(watermark)
    number = _since_epoch(limit, order)
    return _number_like(watermark, number) if order > number else watermark


def not_beyond(watermark: Any, began: datetime, ended: datetime) -> Any:
    """The watermark, but not beyond the moment a read of several pages began: a row that changed behind the reader bears a later time, and would
    never be asked for again once a newer row was seen. One that lies far ahead of our clock is of another clock, and stays.
    """
    moment = moment_of(watermark)
    if moment is None or not began < moment <= ended + CLOCKS_DIFFER:
        return watermark
    return written_like(watermark, began)


def is_older(order: Any, asked: Any) -> bool:
    """Whether a value, as it is compared, lies so far below what was asked for that the server cannot have minded: for times, by more than a day."""
    if isinstance(order, datetime):
        return bool(asked - order > A_DAY)
    return bool(order < asked)


# ---------------------------------------------------------------------- equal ones, and moments


def same(one: Any, other: Any) -> bool:
    """Whether two cursor values are the same place: ``09:00+01:00`` and ``08:00Z`` are. Raises TypeError for what is no cursor value."""
    if one is None or other is None:
        return False
    if type(one) is type(other) and one == other:
        return True
    before, after = order_of(one), order_of(other)
    if isinstance(before, str) or isinstance(after, str):
        return bool(one == other)
    return isinstance(before, datetime) == isinstance(after, datetime) and bool(before == after)


def moment_of(value: Any) -> datetime | None:
    """The instant a cursor value means, aware; None for what is no time. Numbers are epoch seconds, or finer, from 1973 on."""
    try:
        order = order_of(value)
        if isinstance(order, datetime):
            return order.astimezone(UTC)
        if isinstance(order, str) or order < FIRST_EPOCH:
            return None
        return _EPOCH + timedelta(microseconds=int(_exactly(order) * 1_000_000 / _per_second(order)))
    except (TypeError, OverflowError, ValueError):
        return None


def written_like(value: Any, moment: datetime) -> Any:
    """The moment, written as ``value`` is; earlier where that way of writing is coarser. Raises TypeError where ``value`` is no time."""
    order = order_of(value)
    if isinstance(order, datetime):
        return _time_like(value, moment)
    if isinstance(order, str):
        raise TypeError(f"{value!r} is no time")
    return _number_like(value, _since_epoch(moment, order))
