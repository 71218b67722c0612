"""The engine **pushdown**: both sides are in one engine, which joins them by itself; only what may differ comes back."""

from integrakit.reconciliation.engines.pushdown.choosing import suits_duckdb, suits_pushdown
from integrakit.reconciliation.engines.pushdown.engine import push_down

__all__ = ["push_down", "suits_duckdb", "suits_pushdown"]
