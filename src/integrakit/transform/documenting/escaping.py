"""Text of a mapping in Markdown and in mermaid: a name, a doc or a value can never become markup, HTML or a line of a picture.

What cannot be seen (control characters, marks that turn the direction of writing) is spelled out, so that two names that differ look different.
"""

from __future__ import annotations

import re

__all__ = ["cell", "label", "line", "paragraphs"]

_MARKUP = {ord(character): "\\" + character for character in "\\`*_[]|#~$"} | {ord("<"): "&lt;", ord(">"): "&gt;", ord("&"): "&amp;"}
# What makes a list, a heading or a rule of a paragraph that begins with it.
_OPENING = re.compile(r"^(?:[-+=:]|[0-9]{1,9}(?=[.)]))")
_BLANK = re.compile(r"\s+")

_LONGEST_CELL = 2_000
_LONGEST_LABEL = 60
# All else is written as its number: quotes and brackets end a label, # begins a number, % a comment, ` Markdown, and : belongs to styles.
_PLAIN = frozenset(" _,=().[]")


def _visible(text: str, longest: int) -> str:
    # Cut first: a text may be many megabytes.
    short = _BLANK.sub(" ", text[: longest * 2]).strip()
    seen = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in short)
    return seen if len(seen) <= longest and len(text) <= longest * 2 else seen[: longest - 1] + "…"


def cell(text: str) -> str:
    """For a cell of a table, or the middle of a line: at most 2,000 characters before they are escaped."""
    return _visible(text, _LONGEST_CELL).translate(_MARKUP)


def line(text: str) -> str:
    """For a line of its own."""
    escaped = cell(text)
    start = _OPENING.match(escaped)
    if start is None:
        return escaped
    return f"{start[0]}\\{escaped[start.end() :]}" if start[0].isdigit() else f"\\{escaped}"


def paragraphs(text: str) -> list[str]:
    """A text of several paragraphs, with an empty line after each."""
    return [shown for part in re.split(r"\n\s*\n", text) if part.strip() for shown in (line(part), "")]


def label(text: str) -> str:
    """For a label of mermaid, between double quotes: at most 60 characters, all that could mean something written as numbers."""
    shown = _visible(text, _LONGEST_LABEL)
    written = "".join(letter if letter.isalnum() or letter in _PLAIN else f"#{ord(letter)};" for letter in shown)
    # "1. a" would be a list, and "direction TB" is a line of mermaid wherever it stands, even in quotes.
    return re.sub(r"^([0-9]+)\.", r"\1#46;", written).replace("direction", "directio#110;") or "#32;"
