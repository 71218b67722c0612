"""Regular expressions of a schema, tried only where they cannot take for ever: a pattern of a file may be written to do so.

Looked at: short patterns without a repeated group and with few repetitions, on short texts. Of all others nothing is known.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

__all__ = ["matches"]

_LONGEST_PATTERN, _LONGEST_TEXT = 300, 100
# Steps that a pattern may take at worst, as a power of two: each repetition tries every length of the text, and so does the search for its beginning;
# each choice doubles them.
_MOST_STEPS, _REPEAT_STEPS = 16, 7
_ESCAPED = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]", re.DOTALL)
_REPEATED_GROUP = re.compile(r"\)(?:[*+]|\{)")
_REPEAT = re.compile(r"[*+]|\{[0-9]*,[0-9]*\}")
_CHOICE = re.compile(r"(?<!\()\?|\|")
# Python may one day read these otherwise within brackets, and warns.
_OTHER_SETS = re.compile(r"\[\[|--|&&|\|\||~~")


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    bare = _ESCAPED.sub("x", pattern)
    anchored = bare.startswith("^") and "|" not in bare
    steps = _REPEAT_STEPS * (len(_REPEAT.findall(bare)) + (not anchored)) + len(_CHOICE.findall(bare))
    if steps > _MOST_STEPS or _REPEATED_GROUP.search(bare) or _OTHER_SETS.search(pattern):
        return None
    try:
        return re.compile(pattern, re.ASCII)
    except (re.error, OverflowError, RecursionError):  # of another dialect, or no pattern at all
        return None


def matches(pattern: Any, text: str) -> bool | None:
    """Whether the pattern is found in the text; None where that is not looked at."""
    if not isinstance(pattern, str) or len(pattern) > _LONGEST_PATTERN or len(text) > _LONGEST_TEXT:
        return None
    compiled = _compiled(pattern)
    return None if compiled is None else compiled.search(text) is not None
