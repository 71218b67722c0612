"""What many servers send and no vendor owns: Retry-After, and the headers that begin with X-RateLimit. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import get_args

from integrakit.errors import ConfigurationError
from integrakit.http.limiting.dialects.telling import EVERYBODY_WAITS_FROM, patience, quota
from integrakit.http.limiting.dialects.values import ResetForm, amount, amounts, bounded, number, numbers, reset_in
from integrakit.http.limiting.quota_signal import Dialect, QuotaSignal
from integrakit.model import Response
from integrakit.model.exchange import is_header_name

__all__ = ["retry_after", "windows", "x_ratelimit"]

#: Where Retry-After speaks of quotas. In a redirect, a 202 or a 404 it says when something will be ready.
_REFUSALS = frozenset({403, 413, 429, 503})
#: Kong's window names (Kong Gateway 3.x, "Rate Limiting" plugin, 2026-11) and their seconds.
_UNITS = {"second": 1.0, "minute": 60.0, "hour": 3_600.0, "day": 86_400.0, "month": 2_592_000.0, "year": 31_536_000.0}
#: What one answer may tell at most: a list without end is not a list of quotas.
MOST = 32


def retry_after(response: Response, now: datetime) -> Sequence[QuotaSignal]:
    """``Retry-After`` (RFC 9110 §10.2.3) in seconds, decimals or a date, and ``Retry-After-Ms``, of an answer that is a refusal."""
    status = response.status_code
    wait = patience(response, now) if status in _REFUSALS else None
    if wait is None:
        return ()
    # A 503 asks for a pause, and is no word on how much was sent.
    return (QuotaSignal(dialect="retry-after", retry_after=wait, everybody=wait >= EVERYBODY_WAITS_FROM, refused=status in (403, 429)),)


def windows(text: str | None) -> tuple[float | None, dict[float, float], list[tuple[str, float, float | None]]]:
    """Of ``100, 100;w=60, 5000;w=3600``: the first limit, the window of each limit, and all with a window as (name, limit, window)."""
    items = amounts(text)[:MOST]
    policies = [(str(item.params.get("name", "")), float(item.value), bounded(amount(item.params.get("w")))) for item in items if "w" in item.params]
    spans = {limit: window for _, limit, window in reversed(policies) if window is not None}
    return (float(items[0].value) if items else None), spans, policies


def x_ratelimit(*, reset: ResetForm = "auto", prefix: str = "x-ratelimit") -> Dialect:
    """A dialect that reads ``<prefix>-Limit``, ``-Remaining``, ``-Used`` and ``-Reset``, and the same with a unit at the end (Kong).

    ``reset``: how the server writes it: "epoch" seconds, "epoch-ms", "delta" seconds from now, "delta-ms". "auto" tells moments from lengths of time
    by their size, and cannot recognise "delta-ms". Dates and durations like "6m0s" are understood in any case. Raises `ConfigurationError`.
    """
    if reset not in get_args(ResetForm):
        raise ConfigurationError(f"x_ratelimit(reset=…) takes one of {list(get_args(ResetForm))}, not {reset!r}")
    if not isinstance(prefix, str) or not is_header_name(prefix):
        raise ConfigurationError(f"x_ratelimit(prefix=…) takes the beginning of a header's name, such as 'x-ratelimit', not {prefix!r}")
    prefix = prefix.lower()
    of_unit = re.compile(rf"{re.escape(prefix)}-(?:limit|remaining)-((?:[^-]+-)*({'|'.join(_UNITS)}))")

    def dialect(response: Response, now: datetime) -> Sequence[QuotaSignal]:
        # Seven are looked up, and the libraries search through all of them each time.
        headers = {name.lower(): value for name, value in response.headers.items()}
        limit, spans, policies = windows(headers.get(f"{prefix}-limit"))
        used = number(headers.get(f"{prefix}-used"))
        remaining = min(numbers(headers.get(f"{prefix}-remaining")), default=None)
        if remaining is None and limit is not None and used is not None:
            remaining = max(0.0, limit - used)
        # Discord: in seconds with decimals, more exact than its Reset; and the name of the quota (docs.discord.com, "Rate Limits", 2026-11).
        end = reset_in(headers.get(f"{prefix}-reset-after"), headers, now, "delta")
        end = reset_in(headers.get(f"{prefix}-reset"), headers, now, reset) if end is None else end
        signals = []
        if limit is not None or remaining is not None or end is not None:
            window = None if limit is None else spans.get(limit)
            signals.append(
                quota(prefix, response, now, name=headers.get(f"{prefix}-bucket", ""), limit=limit, remaining=remaining, reset=end, window=window)
            )
        for name, more, window in policies:
            if window is not None and more != limit:
                signals.append(quota(prefix, response, now, name=name, limit=more, window=window))
        for name, unit in _unit_names(headers, prefix, of_unit):
            signals.append(_of_unit(prefix, reset, response, headers, now, name, unit))
        return signals[:MOST]

    return dialect


def _unit_names(headers: Mapping[str, str], prefix: str, of_unit: re.Pattern[str]) -> list[tuple[str, str]]:
    found = (of_unit.fullmatch(name) for name in headers if name.startswith(prefix))
    return list(dict.fromkeys((match[1], match[2]) for match in found if match is not None))[:MOST]


def _of_unit(prefix: str, form: ResetForm, response: Response, headers: Mapping[str, str], now: datetime, name: str, unit: str) -> QuotaSignal:
    limit, remaining = (number(headers.get(f"{prefix}-{what}-{name}")) for what in ("limit", "remaining"))
    end = reset_in(headers.get(f"{prefix}-reset-{name}"), headers, now, form)
    return quota(prefix, response, now, name=name, limit=limit, remaining=remaining, reset=end, window=_UNITS[unit])
