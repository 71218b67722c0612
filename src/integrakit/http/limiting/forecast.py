"""When a quota will be used up, if it goes on as in its recent past. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from attrs import frozen

from integrakit.http.limiting.ledger import Ledger
from integrakit.http.limiting.meters import Meter
from integrakit.http.limiting.quotas import Quota

__all__ = ["Forecast", "forecast_of"]


@frozen
class Forecast:
    """One quota as it stands. ``used`` and ``remaining`` in its units, over its window; what others used counts where the server told."""

    quota: Quota
    used: float
    remaining: float
    #: Units in an hour at the pace of the recent past: the last hour, or the whole window where that is shorter.
    per_hour: float
    #: When nothing is left at that pace (aware, UTC), and in how many seconds; None: it never comes to that.
    exhausted_at: datetime | None
    exhausted_in: float | None

    def __str__(self) -> str:
        if self.quota.kind == "rate":
            return f"{self.quota}: {self.used:g} used, {self.per_hour:.0f} an hour"
        end = f"used up at {self.exhausted_at:%Y-%m-%d %H:%M} UTC" if self.exhausted_at is not None else "not used up at this pace"
        return f"{self.quota}: {self.used:g} used, {self.remaining:g} left, {self.per_hour:.0f} an hour, {end}"


def forecast_of(ledger: Ledger, now: float, wall: datetime) -> list[Forecast]:
    """For each quota. ``now`` by the ledger's clock, ``wall`` the same moment, aware."""
    return [_of(meter, now, wall) for meter in ledger.meters]


def _of(meter: Meter, now: float, wall: datetime) -> Forecast:
    meter.forget(now)
    quota, terms = meter.terms.quota, meter.terms
    capacity = quota.amount if terms.paced else terms.capacity
    recent = min(quota.seconds, 3600.0)
    # Of a paced quota more is remembered than a window; and slots at its very ends are not more than it grants.
    used = min(capacity, sum(step[1] for step in meter.log if step[0] > now - quota.seconds)) if terms.paced else meter.used()
    remaining = max(0.0, capacity - used)
    since = [(step[0], step[1]) for step in meter.log if step[0] > now - recent]
    # What began a minute ago is not spread over an hour of silence.
    length = min(recent, max(now - (meter.log[0][0] - terms.bucket), recent / 20)) if meter.log else recent
    pace = sum(units for _, units in since) / length
    if terms.paced:
        pace = min(pace, quota.amount / quota.seconds)
    left = _lasts(meter, now, pace, remaining) if not terms.paced else None
    moment = None
    if left is not None:
        try:
            moment = wall + timedelta(seconds=left)
        except OverflowError:
            left = None  # later than any calendar
    return Forecast(quota, used, remaining, pace * 3600, moment, left)


def _lasts(meter: Meter, now: float, pace: float, remaining: float) -> float | None:
    """Seconds until nothing is left: used up at ``pace``, freed where what was used falls out of the window."""
    if remaining <= 0:
        return 0.0
    freed: Sequence[tuple[float, float]] = [(step[0] + meter.terms.window, step[1]) for step in meter.log]
    if meter.foreign:
        freed = sorted([*freed, (meter.foreign_until, meter.foreign)])
    at = now
    for moment, units in freed:
        if pace * (moment - at) >= remaining:
            return at + remaining / pace - now
        remaining += units - pace * (moment - at)
        at = moment
    # From here on what falls out of the window is what was used at this very pace.
    if pace * meter.terms.window <= meter.terms.capacity:
        return None
    return at + remaining / pace - now
