"""Saying that shared state is away, and back: to the observers of the request that found out, and to the log, where nobody listens in vain.

A mistyped address would otherwise mean a quarter of the limit for ever, and silence.
"""

from __future__ import annotations

import logging

from integrakit.http.observing import observed
from integrakit.model import Request
from integrakit.model.events import SharedLimitBack, SharedLimitLost

__all__ = ["say_back", "say_lost"]

_LOGGER = "integrakit.limits"


def say_lost(request: Request, limit: str, share: float, error: BaseException) -> None:
    """``limit``: its name. ``share``: of the limit, from 0 to 1, that this process keeps to meanwhile."""
    # The kind of the error and not its words, which may hold an address with its password.
    logging.getLogger(_LOGGER).warning(
        "the shared state of the limit %r cannot be reached (%s): this process keeps to %.0f%% of it, and tries again",
        limit,
        type(error).__name__,
        share * 100,
    )
    if tell := observed(request):
        tell(SharedLimitLost(request=request, limit=limit, share=share, error=error))


def say_back(request: Request, limit: str, seconds: float) -> None:
    """After so many seconds."""
    logging.getLogger(_LOGGER).warning("the shared state of the limit %r is back after %.1f s", limit, seconds)
    if tell := observed(request):
        tell(SharedLimitBack(request=request, limit=limit, seconds=seconds))
