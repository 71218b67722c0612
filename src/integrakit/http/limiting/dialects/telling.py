"""From the numbers of one quota to its signal: whether it is gone, until when, and who has to wait. In one place: all dialects agree. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from integrakit._json import loads
from integrakit.errors import DecodeError
from integrakit.http.limiting.dialects.values import bounded, server_now
from integrakit.http.limiting.quota_signal import Kind, QuotaSignal
from integrakit.http.retry_after import read_retry_after
from integrakit.model import Response

__all__ = ["DAY", "EVERYBODY_WAITS_FROM", "at", "body_of", "kind_of", "patience", "quota"]

DAY = 86_400.0
#: A server's advice from this many seconds on means that the whole quota is gone, not only this caller's turn.
EVERYBODY_WAITS_FROM = 5.0
#: Bytes. The body of a refusal is short; what is longer is a page of somebody else's.
LONGEST_REFUSAL = 65_536
#: Characters of a quota's name. Names are kept, and servers choose them.
LONGEST_NAME = 100


def patience(response: Response, now: datetime) -> float | None:
    """What Retry-After says, in seconds, by the server's clock; None for what is no advice, or beyond all bounds."""
    return bounded(read_retry_after(response.headers, server_now(response.headers, now)))


def kind_of(window: float | None) -> Kind:
    """What is counted over a day or more is a budget to share out, not a pace to keep."""
    return "budget" if window is not None and window >= DAY else "window"


def quota(
    dialect: str, response: Response, now: datetime, *, name: str = "", kind: Kind | None = None, refused: bool | None = None, **told: Any
) -> QuotaSignal:
    """The signal of a quota whose state was told. ``refused`` where the dialect knows better than: status 429 and nothing left."""
    remaining, rate = told.get("remaining"), told.get("rate")
    kind = kind_of(told.get("window")) if kind is None else kind
    # Below 1 and not 0 only: some tell fractions (Reddit). A permit comes back as soon as any call ends, so nobody has to wait for it.
    gone = remaining is not None and remaining < 1 and kind != "concurrency"
    wait = None
    if response.status_code >= 400 and (gone or refused):
        # RateLimit draft-11 §6: where both are sent, Retry-After takes precedence.
        wait = patience(response, now)
    if gone and wait is None:
        wait = bounded(1 / rate) if rate else told.get("reset")
    if refused is None:
        refused = bool(gone and response.status_code == 429)
    return QuotaSignal(dialect=dialect, name=name[:LONGEST_NAME], kind=kind, retry_after=wait, everybody=gone, refused=refused, **told)


def body_of(response: Response, longest: int = LONGEST_REFUSAL) -> Any:
    """The decoded body, where it says that it is JSON, and is not longer than that many bytes; None for any other, and for one not read here."""
    if "json" not in response.headers.get("content-type", "").lower():
        return None
    try:
        content = response.content
    except DecodeError:  # a stream that is handed on as it comes
        return None
    if len(content) > longest:
        return None
    if response.status_code < 400:
        # The caller is going to ask for it, too: it is decoded once.
        try:
            return response.json()
        except DecodeError:
            return None
    try:
        return loads(content)
    except ValueError:
        return None


def at(body: Any, *path: str) -> Any:
    """What stands there in nested objects; None where there is nothing."""
    for name in path:
        body = body.get(name) if isinstance(body, Mapping) else None
    return body
