"""When a record last changed: which field says it on each side, and what its values mean as instants.

A time without an offset is taken as UTC, a date as the end of its day: whoever says only the day may have changed in its last second. What cannot be
read says nothing. What follows from a moment is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from integrakit.errors import ConfigurationError
from integrakit.http.paths import ABSENT, look_up, parse_path
from integrakit.reading.watermark_values import moment_of
from integrakit.reconciliation.inputs.feed import Feed
from integrakit.reconciliation.live.settling import Settle

__all__ = ["USUAL", "Moments", "cutoff"]

#: What the field is called in most systems, the surest first.
USUAL = (
    "updated_at",
    "updatedAt",
    "modified_at",
    "modifiedAt",
    "changed_at",
    "changedAt",
    "last_modified",
    "lastModified",
    "last_modified_at",
    "LastModifiedDate",
    "SystemModstamp",
    "last_updated",
    "lastUpdated",
    "updated_on",
    "modified_on",
    "changed_on",
    "date_modified",
    "modification_date",
    "write_date",
    "updated",
    "modified",
    "changed",
)
_LENGTH_OF_A_DATE = len("2026-01-01")


def _whole_day(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 23, 59, 59, 999_999, tzinfo=UTC)


def _read(value: Any) -> tuple[datetime | None, bool]:
    """The instant, aware, and whether it was taken for one of UTC; None for what is no time."""
    if getattr(getattr(value, "dtype", None), "kind", "") == "M":  # numpy's
        value = value.astype("datetime64[us]").item()
    if isinstance(value, datetime):
        # pandas' NaT calls itself a datetime, and is not even equal to itself.
        return (moment_of(value), value.tzinfo is None) if value == value else (None, False)
    if isinstance(value, date):
        return _whole_day(value), True
    moment = moment_of(value)
    if moment is None or not isinstance(value, str):
        return moment, False
    try:
        written = datetime.fromisoformat(value)
    except ValueError:  # a number as text
        return moment, False
    return (_whole_day(written), True) if len(value) == _LENGTH_OF_A_DATE else (moment, written.tzinfo is None)


class Moments:
    """When records last changed, on the left (0) and on the right (1). The field is found with the first records that have one."""

    def __init__(self, feeds: tuple[Feed, Feed], settle: Settle | None) -> None:
        self._feeds = feeds
        self._given = (None, None) if settle is None else (settle.field, settle.right or settle.field)
        #: The name that was given on the left need not be one of the right's.
        self._surely = (self._given[0] is not None, settle is not None and settle.right is not None)
        self._chosen: list[str | None] = [None, None]
        #: Whether a record of the side was asked for its moment, and whether one had the field, readable or not.
        self.asked = [False, False]
        self.had = [False, False]
        #: Whether a moment was taken for one of UTC.
        self.naive = [False, False]

    def field(self, side: int) -> str | None:
        """The field that says it; None as long as no record had one."""
        return self._chosen[side]

    def of(self, side: int, record: Any) -> datetime | None:
        """When the record last changed, aware; None where it does not say."""
        if not isinstance(record, Mapping):
            return None
        self.asked[side] = True
        chosen = self._chosen[side]
        for name in self._names(side) if chosen is None else (chosen,):
            value = look_up(record, parse_path(name))
            if value is ABSENT:
                continue
            self.had[side] = True
            moment, naive = _read(value)
            if moment is not None:
                self._chosen[side] = name
                self.naive[side] = self.naive[side] or naive
                return moment
        return None

    def _names(self, side: int) -> tuple[str, ...]:
        given = self._given[side]
        if given is not None and self._surely[side]:
            return (given,)
        declared = getattr(self._feeds[side].source, "cursor", None)
        names = (given, declared, *USUAL)
        return tuple(dict.fromkeys(name for name in names if isinstance(name, str) and name))

    def check(self, names: tuple[Mapping[str, Any], Mapping[str, Any]]) -> None:
        """Raises `ConfigurationError` where the field that was named is not there, or where neither side has one.

        ``names``: what else is known of the fields of each side. A side of which nothing is known is not accused.
        """
        known = [self.asked[side] or bool(names[side]) for side in (0, 1)]
        has = [self.had[side] or not {name.partition(".")[0] for name in self._names(side)}.isdisjoint(names[side]) for side in (0, 1)]
        for side in (0, 1):
            if known[side] and not has[side] and self._surely[side]:
                raise ConfigurationError(
                    f"settle= says that the {self._feeds[side].name} side has the time of the last change in {self._given[side]!r}, and no record "
                    "there has such a field: correct its name"
                )
        if any(known) and not any(has):
            sides = "both sides" if all(known) else f"the {self._feeds[known.index(True)].name} side"
            raise ConfigurationError(
                f"settle= needs to know when a record last changed, and records of {sides} have none of the usual fields ({', '.join(USUAL[:3])}…): "
                "name it, as in settle=Settle(600, 'changed', right='last_edit')"
            )

    def notes(self) -> list[str]:
        """What a reader should know of how the moments were read."""
        found = []
        for side, feed in enumerate(self._feeds):
            if self.naive[side]:
                found.append(f"{self._chosen[side]} of the {feed.name} side has no offset: it was taken as UTC, and a date as the end of its day")
            elif self.asked[side] and not self.had[side]:
                found.append(f"records of the {feed.name} side do not say when they changed: one that stands there alone is never in flight")
        return found


def cutoff(started: datetime, settle: Settle) -> datetime:
    """From when on a change is too new; to whole seconds, for many systems write no finer."""
    try:
        return (started - timedelta(seconds=settle.seconds)).replace(microsecond=0)
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC)
