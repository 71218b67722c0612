"""Systems that go on working while they are compared: what is in flight is told apart from what is broken."""

from integrakit.reconciliation.live.settling import Recheck, Settle

__all__ = ["Recheck", "Settle"]
