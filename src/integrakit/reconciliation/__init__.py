"""Proving that two systems agree: records joined by key, compared by value, and every difference reported with its likely cause.

The package is not called ``reconcile`` because ``integrakit.reconcile`` is the function.
"""

from integrakit.reconciliation.acceptance import Accept
from integrakit.reconciliation.diff import Diff
from integrakit.reconciliation.drift import Drift, DriftItem, DriftLedger, ParallelDay, ParallelRun, ParallelStatus
from integrakit.reconciliation.findings import Break, BreakKind, Check, ControlTotal, FieldMismatches, Lookalike, Mismatch, Verdict
from integrakit.reconciliation.live import Recheck, Settle
from integrakit.reconciliation.matching import Ambiguity, Match, Matching, Remainder, amatch_ledgers, match_ledgers
from integrakit.reconciliation.repairs import RepairReport
from integrakit.reconciliation.rules.spec import Field, Key
from integrakit.reconciliation.running import areconcile, reconcile

__all__ = [
    "Accept",
    "Ambiguity",
    "Break",
    "BreakKind",
    "Check",
    "ControlTotal",
    "Diff",
    "Drift",
    "DriftItem",
    "DriftLedger",
    "Field",
    "FieldMismatches",
    "Key",
    "Lookalike",
    "Match",
    "Matching",
    "Mismatch",
    "ParallelDay",
    "ParallelRun",
    "ParallelStatus",
    "Recheck",
    "Remainder",
    "RepairReport",
    "Settle",
    "Verdict",
    "amatch_ledgers",
    "areconcile",
    "match_ledgers",
    "reconcile",
]
