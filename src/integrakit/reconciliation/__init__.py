"""Proving that two systems agree: records joined by key, compared by value, and every difference reported with its likely cause.

The package is not called ``reconcile`` because ``integrakit.reconcile`` is the function.
"""

from integrakit.reconciliation.diff import Diff
from integrakit.reconciliation.findings import Break, BreakKind, ControlTotal, FieldMismatches, Lookalike, Mismatch
from integrakit.reconciliation.repairs import RepairReport
from integrakit.reconciliation.running import areconcile, reconcile
from integrakit.reconciliation.spec import Field, Key

__all__ = [
    "Break",
    "BreakKind",
    "ControlTotal",
    "Diff",
    "Field",
    "FieldMismatches",
    "Key",
    "Lookalike",
    "Mismatch",
    "RepairReport",
    "areconcile",
    "reconcile",
]
