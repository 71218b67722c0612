"""The numbers a quota is kept by: margin, share and reserves worked in. What Python and the Redis script both calculate from. No state, no time."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import field, frozen

from integrakit.errors import ConfigurationError
from integrakit.http.limiting.quotas import Quota

__all__ = ["Terms", "check_reserve", "terms_of"]

#: A window of up to so many units is remembered unit by unit, a greater one in steps.
EXACT_UP_TO = 256


@frozen
class Terms:
    """How one quota is kept: for the paced kind ``interval`` and ``tolerance`` count, for the others ``capacity``, ``window`` and ``bucket``."""

    quota: Quota
    #: Under which the state is kept where others share it. Not the amount: it may change, and what was used stays used.
    place: str
    paced: bool
    #: The most that one call may cost.
    capacity: int
    #: Seconds of one unit.
    interval: float
    tolerance: float
    #: Seconds that what was used counts.
    window: float
    #: Seconds of a step in what is remembered; 0: none, each call by itself.
    bucket: float
    reserves: Mapping[str, int] = field(factory=dict)

    def packed(self) -> list[Any]:
        """For the Redis script."""
        reserves = [[name, units] for name, units in self.reserves.items()]
        numbers = [int(self.paced), self.capacity, self.interval, self.tolerance, self.window, self.bucket, self.quota.amount]
        return [self.place, *numbers, int(self.quota.kind == "window"), reserves]


def terms_of(quotas: Sequence[Quota], margin: float, reserve: Mapping[str, Any], share: float = 1.0) -> list[Terms]:
    """For each quota: ``margin`` below the server's number, and of that the ``share`` of one process where it is on its own."""
    found: list[Terms] = []
    for quota in quotas:
        paced = quota.kind == "rate"
        place = f"{quota.kind}:{quota.name}:{quota.seconds:g}"
        while any(other.place == place for other in found):
            place += "'"
        interval = quota.seconds / (quota.amount * (1.0 - margin) * share)
        capacity, window, bucket = quota.amount, quota.seconds, quota.seconds / 100
        if paced:
            # What was used is remembered only to tell whether others use the quota too; a little longer, for answers that are under way.
            window, bucket = quota.seconds * 1.1 + 0.5, quota.seconds / 20
        elif quota.kind == "window":
            # The margin is in time, not in the amount: what arrives late of one burst must not meet the next one at the server.
            capacity, window = _whole(quota.amount, share), quota.seconds * (1.0 + margin)
            bucket = 0.0 if capacity <= EXACT_UP_TO else window / 200
        else:
            capacity = _whole(quota.amount * (1.0 - margin), share)
        reserves = {name: _units(units, capacity) for name, units in reserve.items()} if quota.kind == "budget" else {}
        if reserves and share == 1.0 and sum(reserves.values()) > capacity:
            raise ConfigurationError(f"RateLimit(reserve=…) keeps back {sum(reserves.values())} of {quota}, which holds {capacity} only")
        tolerance = (max(1.0, quota.burst * share) - 1) * interval
        found.append(Terms(quota, place, paced, capacity, interval, tolerance, window, bucket, reserves))
    return found


def _whole(amount: float, share: float) -> int:
    # Rounded up: of "2/day" the margin must not take one. A share is rounded down: all shares together must not be more than the whole.
    # The tiny amount undoes what floats add.
    return math.ceil(amount - 1e-9) if share == 1.0 else math.floor(amount * share + 1e-9)


def _units(value: int | float, capacity: int) -> int:
    return math.floor(value * capacity + 1e-9) if isinstance(value, float) else value


def check_reserve(value: Any, quotas: Sequence[Quota]) -> dict[str, int | float]:
    """``reserve=`` with shares as floats. Raises `ConfigurationError`."""
    if value is None:
        return {}
    wrong = f'RateLimit(reserve=…) takes purposes with units or shares, such as {{"interactive": 20_000}} or {{"interactive": "20%"}}, not {value!r}'
    if not isinstance(value, Mapping):
        raise ConfigurationError(wrong)
    found: dict[str, int | float] = {}
    for name, units in value.items():
        if isinstance(units, str) and re.fullmatch(r"\s*[0-9]{1,3}(\.[0-9]{1,6})?\s*%\s*", units):
            units = float(units.strip().rstrip("% ")) / 100
        whole = isinstance(units, int) and not isinstance(units, bool) and units >= 0
        if not isinstance(name, str) or not name or not name.isprintable() or not (whole or (isinstance(units, float) and 0 <= units <= 1)):
            raise ConfigurationError(wrong)
        found[name] = float(units) if isinstance(units, float) else int(units)
    if found and not any(quota.kind == "budget" for quota in quotas):
        raise ConfigurationError('RateLimit(reserve=…) keeps part of a budget back, and there is none here: add one, such as "100000/day"')
    return found
