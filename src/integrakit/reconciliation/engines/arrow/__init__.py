"""The engine **arrow**: both sides as batches of columns, compared column by column without making records of what is surely the same."""

from __future__ import annotations

from integrakit.reconciliation.engines.arrow.engine import compare_columns, suits_arrow

__all__ = ["compare_columns", "suits_arrow"]
