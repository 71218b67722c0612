"""Two values side by side in HTML, with the part that differs marked. Everything comes out escaped."""

from __future__ import annotations

import re
from html import escape

from integrakit.reconciliation.reports.showing import shared

__all__ = ["marked"]


#: What `show` says about a text that it cut.
_LENGTH = re.compile(r"…? \((?:from [0-9,]+ of )?[0-9,]+ characters\)\Z")


def _common(left: str, right: str) -> tuple[int, int]:
    """Letters in common at the start and at the end, without counting one twice."""
    start = shared(left, right)
    return start, shared(left[start:][::-1], right[start:][::-1])


def _with_mark(text: str, start: int, end: int) -> str:
    stop = len(text) - end
    middle = f"<mark>{escape(text[start:stop])}</mark>" if start < stop else ""
    return escape(text[:start]) + middle + escape(text[stop:])


def marked(left: str, right: str) -> tuple[str, str]:
    """Two values as they are shown, as HTML. Nothing is marked where they have nothing in common but their quotes: then all of it differs."""
    said = tuple(found[0] if (found := _LENGTH.search(text)) else "" for text in (left, right))
    mine, other = left[: len(left) - len(said[0])], right[: len(right) - len(said[1])]
    start, end = _common(mine, other)
    quotes = int(left[:1] == "'" == right[:1])
    if mine == other or start + end <= 2 * quotes:
        return escape(left), escape(right)
    return _with_mark(mine, start, end) + escape(said[0]), _with_mark(other, start, end) + escape(said[1])
