"""Reading ``Retry-After`` (RFC 9110 §10.2.3) strictly: what is malformed is no advice at all. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime

from integrakit.model.reading import utc

__all__ = ["parse_retry_after", "read_retry_after"]

# Decimals are not in the RFC and are sent all the same (Shopify: "2.0"). "120junk", "-1" and "1e3" have been seen too, and mean nothing.
_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
#: The same in milliseconds, which is more exact where both are sent: OpenAI and Azure (openai-python and azure-core, 2026-11).
_IN_MILLISECONDS = ("retry-after-ms", "x-ms-retry-after-ms")


def read_retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds to wait from ``now`` (aware) by whichever of these headers is there, or None. ``headers`` are looked up in small letters."""
    for name in _IN_MILLISECONDS:
        value = headers.get(name)
        if value is not None and _SECONDS.fullmatch(value := value.strip()):
            return float(value) / 1000
    return parse_retry_after(headers.get("retry-after"), now)


def parse_retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds to wait from ``now`` (aware), or None when the header is absent, malformed, or a date that has passed."""
    if value is None:
        return None
    value = value.strip()
    if _SECONDS.fullmatch(value):
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, IndexError, TypeError):
        return None
    seconds = (utc(moment) - now).total_seconds()
    return seconds if seconds >= 0 else None
