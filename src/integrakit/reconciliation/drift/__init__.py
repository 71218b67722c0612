"""Reconciliations over time: what is new, what persists, what was resolved and what came back; and when two systems that run in parallel agree."""

__all__ = []
