"""Proving that two systems agree: records joined by key, compared by value, and every difference reported with its likely cause.

The package is not called ``reconcile`` because ``integrakit.reconcile`` is the function.
"""

from integrakit.reconciliation.acceptance import Accept
from integrakit.reconciliation.diff import Diff
from integrakit.reconciliation.findings import Break, BreakKind, ControlTotal, FieldMismatches, Lookalike, Mismatch
from integrakit.reconciliation.live import Recheck, Settle
from integrakit.reconciliation.repairs import RepairReport
from integrakit.reconciliation.rules.spec import Field, Key
from integrakit.reconciliation.running import areconcile, reconcile

__all__ = [
    "Accept",
    "Break",
    "BreakKind",
    "ControlTotal",
    "Diff",
    "Field",
    "FieldMismatches",
    "Key",
    "Lookalike",
    "Mismatch",
    "Recheck",
    "RepairReport",
    "Settle",
    "areconcile",
    "reconcile",
]
