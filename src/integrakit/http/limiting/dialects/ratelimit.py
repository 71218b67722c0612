"""The IETF's RateLimit fields in all their forms: draft-11 (23 May 2026), the one line of draft-07, the three headers of the drafts before. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from attrs import frozen

from integrakit.http.limiting.dialects.generic import MOST, windows
from integrakit.http.limiting.dialects.structured_fields import Item, parse_dictionary, parse_list
from integrakit.http.limiting.dialects.telling import quota
from integrakit.http.limiting.dialects.values import amount, bounded, numbers, reset_in
from integrakit.http.limiting.quota_signal import QuotaSignal
from integrakit.model import Response

__all__ = ["ratelimit"]

#: Quota units of draft-11 §3.1.2 → what is counted. The last counts requests, too, but those under way.
_UNITS = {"request": "requests", "requests": "requests", "content-bytes": "bytes", "concurrent-requests": "requests"}


def ratelimit(response: Response, now: datetime) -> Sequence[QuotaSignal]:
    """``RateLimit`` and ``RateLimit-Policy``, or ``RateLimit-Limit``, ``-Remaining`` and ``-Reset``. The newest form that is there counts."""
    headers = response.headers
    state = headers.get("ratelimit")
    policies = headers.get("ratelimit-policy")
    if state is not None or policies is not None:
        named = _named(response, now, state, policies)
        if named:
            return named
    old = None if state is None else parse_dictionary(state)
    limit, spans, listed = windows(headers.get("ratelimit-limit"))
    if old:
        limit, remaining, end = (amount(old[key].value) if key in old else None for key in ("limit", "remaining", "reset"))
        end = bounded(end)
    else:
        remaining = min(numbers(headers.get("ratelimit-remaining")), default=None)
        # Seconds from now in every draft, a moment all the same at GitLab (its own list: gitlab-com/gl-infra production-engineering#25372).
        end = reset_in(headers.get("ratelimit-reset"), headers, now)
    _, more_spans, more = windows(policies)
    spans = {**more_spans, **spans}
    signals = []
    if limit is not None or remaining is not None or end is not None:
        window = None if limit is None else spans.get(limit)
        name = headers.get("ratelimit-name", "")  # GitLab's
        signals.append(quota("ratelimit", response, now, name=name, limit=limit, remaining=remaining, reset=end, window=window))
    # Of a policy that is listed in both headers, one.
    for name, of, window in dict.fromkeys([*listed, *more]):
        if window is not None and of != limit:
            signals.append(quota("ratelimit", response, now, name=name, limit=of, window=window))
    return signals[:MOST]


@frozen
class _Policy:
    """What draft-11 says of one policy in the two fields together."""

    params: dict[str, Any]
    left: dict[str, Any]

    def signal(self, name: str, response: Response, now: datetime) -> QuotaSignal:
        unit = str(self.params.get("qu", "requests"))
        window = bounded(amount(self.params.get("w")))
        told: dict[str, Any] = {
            "limit": amount(self.params.get("q")),
            "remaining": amount(self.left.get("r")),
            "reset": bounded(amount(self.left.get("t"))),
            "window": window,
            "unit": _UNITS.get(unit, unit),
        }
        return quota("ratelimit", response, now, name=name, kind="concurrency" if unit == "concurrent-requests" else None, **told)


def _named(response: Response, now: datetime, state: str | None, policies: str | None) -> list[QuotaSignal]:
    """Draft-11: lists of names (strings or tokens) with parameters."""
    found: dict[str, _Policy] = {}
    for text, required in ((policies, "q"), (state, "r")):
        for item in _items(text, required):
            policy = found.setdefault(item.value, _Policy({}, {}))
            (policy.params if required == "q" else policy.left).update(item.params)
    return [policy.signal(str(name), response, now) for name, policy in list(found.items())[:MOST]]


def _items(text: str | None, required: str) -> list[Item]:
    items = [] if text is None else parse_list(text) or []
    return [item for item in items if isinstance(item.value, str) and amount(item.params.get(required)) is not None]
