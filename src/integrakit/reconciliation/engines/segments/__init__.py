"""The engine **segments**: two databases, each of which digests its rows bucket by bucket; only the buckets that differ are read and compared."""

from __future__ import annotations

from integrakit.reconciliation.engines.segments.engine import compare_segments, suits_segments

__all__ = ["compare_segments", "suits_segments"]
