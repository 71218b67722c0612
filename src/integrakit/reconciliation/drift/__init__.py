"""Reconciliations over time: what is new, what persists, what was resolved and what came back; and when two systems that run in parallel agree."""

from integrakit.reconciliation.drift.account import Drift
from integrakit.reconciliation.drift.days import ParallelDay, ParallelStatus
from integrakit.reconciliation.drift.items import DriftItem
from integrakit.reconciliation.drift.ledger import DriftLedger
from integrakit.reconciliation.drift.parallel_run import ParallelRun

__all__ = ["Drift", "DriftItem", "DriftLedger", "ParallelDay", "ParallelRun", "ParallelStatus"]
