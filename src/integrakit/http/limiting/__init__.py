"""Limits on how much is asked of a server: what it says of its quotas itself."""

from integrakit.http.limiting.signals import DIALECTS, Dialect, QuotaSignal, read_signals, resolve_dialects, x_ratelimit

__all__ = ["DIALECTS", "Dialect", "QuotaSignal", "read_signals", "resolve_dialects", "x_ratelimit"]
