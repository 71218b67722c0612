"""`Guard`: how much one run may change before a person must look. Trips before harm is done, never after."""

from __future__ import annotations

import math
from typing import Any

from attrs import field, frozen

from integrakit.errors import ConfigurationError, GuardTripped

__all__ = ["Guard"]

#: A share of fewer records than this says little while a read is under way; at its end it counts.
SHARES_FROM = 100


def _limit(owner: Any, attribute: Any, value: Any) -> None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
        return
    if isinstance(value, str) and value.endswith("%"):
        try:
            if 0 <= float(value[:-1]) <= 100:
                return
        except ValueError:
            pass
    raise ConfigurationError(f"Guard({attribute.name}=…) takes a count such as 20, a share such as '5%', or None for no limit, not {value!r}")


@frozen(kw_only=True)
class Guard:
    """Limits of one run, each a count, a share (``"5%"``) or None. A share is rounded up, so that one record alone never trips it.

    ``max_deletes``: of the records this sync owns. ``max_rejected``: of the records read, from 100 on and at the end. ``max_changes``: writes and
    deletes, a share of the records this sync owns.
    """

    max_deletes: int | str | None = field(default="5%", validator=_limit)
    max_rejected: int | str | None = field(default="10%", validator=_limit)
    max_changes: int | str | None = field(default=None, validator=_limit)

    def check_deletes(self, deletes: int, owned: int) -> None:
        """Raises `GuardTripped` when so many of the owned records may not be deleted."""
        if deletes > (limit := allowed(self.max_deletes, owned)):
            raise GuardTripped(
                f"{deletes} of {owned} records would be deleted, and max_deletes={self.max_deletes!r} allows {limit:.0f}: none was deleted. Is the "
                "source whole? If so, run once with a higher limit"
            )

    def check_rejected(self, rejected: int, read: int, *, end: bool, because: str = "", kept: bool = True) -> None:
        """Raises `GuardTripped` when too many of the records read so far were rejected.

        ``because`` is what was wrong with one of them; ``kept``: each has a dead letter, which a plan does not write.
        """
        share = isinstance(self.max_rejected, str)
        if share and read < SHARES_FROM and not end:
            return
        if rejected > (limit := allowed(self.max_rejected, read)):
            raise GuardTripped(
                f"{rejected} of {read} records were rejected, and max_rejected={self.max_rejected!r} allows {limit:.0f}: "
                + ("the run stopped here. The dead letters say why each was" if kept else "the plan stopped here")
                + (f"{';' if kept else ','} one of them: {because}" if because else "")
            )

    def check_changes(self, changes: int, owned: int) -> None:
        """Raises `GuardTripped` when a run of so many changes is too much."""
        if changes > (limit := allowed(self.max_changes, owned)):
            raise GuardTripped(
                f"this run would make {changes} changes or more, and max_changes={self.max_changes!r} allows {limit:.0f}: the rest was not written. "
                "Look at sync.plan(), then run with a higher limit"
            )


def allowed(limit: int | str | None, whole: int) -> float:
    """How many a limit allows of ``whole``."""
    if limit is None:
        return float("inf")
    if isinstance(limit, str):
        return math.ceil(round(float(limit[:-1]) * whole / 100, 9))
    return limit
