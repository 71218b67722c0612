"""Values changed before they are compared: text folded and cleaned, times taken by a clock and cut.

Pure, and one value at a time; no fields, no tolerances. What an option is not meant for (nulls, numbers, the insides of dicts) passes untouched; in a
list, tuple or set each item is changed. Preparing a value twice gives what preparing it once gives.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Set
from datetime import UTC, datetime, timedelta, tzinfo
from types import MappingProxyType
from typing import Any, Literal, TypeAlias
from zoneinfo import ZoneInfo

from attrs import field, frozen

from integrakit.reconciliation.rules.values import Incomparable, Moment, canonical, category

__all__ = ["TRUNCATE_UNITS", "Blanks", "Preparation", "Truncate", "UnicodeForm"]

Truncate: TypeAlias = Literal["us", "ms", "s", "min", "h", "day"]
UnicodeForm: TypeAlias = Literal["NFC", "NFKC"]
Blanks: TypeAlias = Literal["trim", "collapse", "remove"]

#: nanoseconds
TRUNCATE_UNITS: Mapping[str, int] = MappingProxyType(
    {"us": 1_000, "ms": 1_000_000, "s": 1_000_000_000, "min": 60_000_000_000, "h": 3_600_000_000_000, "day": 86_400_000_000_000}
)

#: Sorting the combining marks of one letter takes the square of their number: longer text is normalised in pieces of about this length.
_PIECE = 4096
_YEAR_ONE = datetime(1, 1, 1)


def _begins_anew(character: str) -> bool:
    """Whether nothing before this character can combine with it, in any form."""
    if character < "\u0300":
        return True
    first = unicodedata.normalize("NFKD", character)[0]
    joins = "\u1160" <= first <= "\u11ff" or "\U00016d63" <= first <= "\U00016d6a"  # vowels of Korean and Kirat Rai, which are letters that combine
    return not (joins or unicodedata.combining(first) or unicodedata.category(first)[0] == "M")


def _normalized(form: UnicodeForm, text: str) -> str:
    """The text in a Unicode form, in a time that grows with its length alone. Raises `Incomparable`."""
    if text.isascii():
        return text
    if len(text) <= _PIECE:
        return unicodedata.normalize(form, text)
    pieces, start = [], 0
    while start < len(text):
        end = start + _PIECE
        while end < len(text) and not _begins_anew(text[end]):
            end += 1
            if end - start > 2 * _PIECE:
                raise Incomparable(f"more than {_PIECE:,} combining characters in a row, which is no text")
        pieces.append(unicodedata.normalize(form, text[start:end]))
        start = end
    return "".join(pieces)


def _text(text: str, *, ignore_case: bool, form: UnicodeForm | None, blanks: Blanks | None) -> str:
    if form is not None:
        text = _normalized(form, text)
    if ignore_case:
        text = text.casefold()
        if form is not None:  # folding takes letters apart, and a compatibility form may then have more to fold
            text = _normalized(form, _normalized(form, text).casefold())
    if blanks is None:
        return text
    if blanks == "trim":
        return text.strip()
    text = (" " if blanks == "collapse" else "").join(text.split())
    # A mark that stood apart may now stand at a letter.
    return text if form is None or blanks == "collapse" else _normalized(form, text)


def _wall(value: datetime) -> datetime:
    """The clock's reading alone, to the microsecond."""
    return datetime(value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond, fold=value.fold)


def _moment(value: Any) -> tuple[datetime, int] | None:
    """A time of any library as a datetime and the nanoseconds below it; None for what is no time."""
    if isinstance(value, datetime):
        if value != value:  # pandas' NaT calls itself a datetime
            return None
        return _wall(value).replace(tzinfo=value.tzinfo), int(getattr(value, "nanosecond", 0))
    if getattr(getattr(value, "dtype", None), "kind", None) != "M":
        return None
    found = canonical(value)
    if not isinstance(found, tuple) or category(found) != "naive":
        return None
    microseconds, below = divmod(found[1], 1000)
    return _YEAR_ONE + timedelta(days=-1, microseconds=microseconds), below


def _cut(wall: datetime, unit: int) -> datetime:
    below = ((wall.hour * 60 + wall.minute) * 60 + wall.second) * 1_000_000 + wall.microsecond
    cut = wall - timedelta(microseconds=below % (unit // 1000))
    # Of a day there is one beginning, of an hour that comes twice there are two.
    return cut.replace(fold=0 if unit == TRUNCATE_UNITS["day"] else wall.fold)


@frozen
class Preparation:
    """What is done to each value of one side. ``zone``: the clock of naive times. ``cut_zone``: the clock by which aware times are cut; None: UTC."""

    ignore_case: bool = False
    unicode: UnicodeForm | None = None
    blanks: Blanks | None = None
    zone: str | None = None
    truncate: Truncate | None = None
    cut_zone: str | None = None
    _zone: tzinfo | None = field(init=False, eq=False, repr=False)
    _cut_zone: tzinfo = field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "_zone", None if self.zone is None else ZoneInfo(self.zone))
        object.__setattr__(self, "_cut_zone", UTC if self.cut_zone is None else ZoneInfo(self.cut_zone))

    @property
    def of_texts(self) -> bool:
        """Whether text is changed."""
        return self.ignore_case or self.unicode is not None or self.blanks is not None

    @property
    def of_times(self) -> bool:
        """Whether times are changed."""
        return self.zone is not None or self.truncate is not None

    def __bool__(self) -> bool:
        return self.of_texts or self.of_times

    def __call__(self, value: Any) -> Any:
        """The value as it is compared. Raises `Incomparable` for text that cannot be normalised and what is nested too deeply."""
        try:
            return self._value(value)
        except RecursionError:
            raise Incomparable("nested too deeply to compare") from None

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            if not self.of_texts:
                return value
            return _text(str.__str__(value), ignore_case=self.ignore_case, form=self.unicode, blanks=self.blanks)
        if isinstance(value, list | tuple) or (hasattr(value, "dtype") and value.ndim):
            return tuple(self._value(item) for item in value)
        if isinstance(value, Set):
            return frozenset(self._value(item) for item in value)
        return self._time(value) if self.of_times else value

    def _time(self, value: Any) -> Any:
        found = _moment(value)
        if found is None:
            return value
        moment, nanosecond = found
        if moment.utcoffset() is None:
            moment = moment.replace(tzinfo=self._zone)
        if self.truncate is not None:
            nanosecond = 0
            moment = self._truncated(moment, TRUNCATE_UNITS[self.truncate])
        return Moment.of(moment, nanosecond)

    def _truncated(self, moment: datetime, unit: int) -> datetime:
        if moment.utcoffset() is None:
            return _cut(_wall(moment), unit)
        try:
            local = moment.astimezone(self._cut_zone)
        except OverflowError:  # the first or last day there is
            return moment
        return _cut(_wall(local), unit).replace(tzinfo=self._cut_zone)
