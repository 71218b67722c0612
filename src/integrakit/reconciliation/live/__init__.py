"""Systems that go on working while they are compared: what is in flight is told apart from what is broken."""

from integrakit.reconciliation.live.apart import Live
from integrakit.reconciliation.live.moments import Moments
from integrakit.reconciliation.live.moving import Copies
from integrakit.reconciliation.live.settling import Recheck, Settle

__all__ = ["Copies", "Live", "Moments", "Recheck", "Settle"]
