"""`Accept`: how much may differ before a person has to act. A value; the verdict that follows from it is in the report."""

from __future__ import annotations

from attrs import frozen

__all__ = ["Accept"]


@frozen(kw_only=True)
class Accept:
    """Accepted while there are at most ``breaks`` breaks."""

    breaks: int = 0
