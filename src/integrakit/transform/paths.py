"""Paths: the text by which a mapping names a place in a record, and its parts.

    path    = "." | [ "$" ] step { "." key | index }    "." alone is the record (or the list item) itself
    key     = bare | '"' … '"' | "'" … "'"          quoted keys may hold anything; a backslash escapes the next character
    bare    = any characters but . [ ] " '          blanks are allowed inside
    index   = "[" integer "]"                       counted from 0; -1 is the last

A path that begins with the key ``$``, unquoted, starts at the whole record, wherever it stands: ``$.currency`` inside the rules of a line.

Syntax only: what a path finds in a record is the business of `careful` and `generating`, which must agree.
"""

from __future__ import annotations

import re

from attrs import field, frozen

__all__ = ["Path", "Segment", "last_key", "parse_path", "render"]

Segment = str | int

_BARE = re.compile(r"[^.\[\]\"']+")
_QUOTED = re.compile(r"\"((?:[^\"\\]|\\.)*)\"|'((?:[^'\\]|\\.)*)'", re.DOTALL)
_INDEX = re.compile(r"\[\s*(-?[0-9]{1,9})\s*\]")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
# Far more than any record has: a bomb of a million steps goes beyond.
_LONGEST = 10_000
_MOST_STEPS = 100


@frozen
class Path:
    """A parsed path. ``segments``: a ``str`` is a key of an object, an ``int`` an index into a list; empty is the record or item itself."""

    segments: tuple[Segment, ...] = field()
    #: True: from the whole record on, not from the item.
    root: bool = False

    def below(self, start: tuple[Segment, ...]) -> tuple[Segment, ...]:
        """The place in the record, where ``start`` is the place of what the path is read in."""
        return self.segments if self.root else (*start, *self.segments)

    def __str__(self) -> str:
        if not self.root:
            return render(self.segments)
        return "$" + ("." if self.segments and isinstance(self.segments[0], str) else "") + (render(self.segments) if self.segments else "")


def render(segments: tuple[Segment, ...]) -> str:
    """Segments as text that `parse_path` reads back."""
    if not segments:
        return "."
    text = ""
    for segment in segments:
        if isinstance(segment, int):
            text += f"[{segment}]"
            continue
        bare = _BARE.fullmatch(segment) and segment == segment.strip() and (text or segment != "$")
        escaped = segment.replace("\\", "\\\\").replace('"', '\\"')
        text += ("." if text else "") + (segment if bare else f'"{escaped}"')
    return text


def parse_path(text: str) -> Path:
    """Raises ValueError with the reason when the text is not a path."""
    if text == ".":
        return Path(())
    if len(text) > _LONGEST:
        raise ValueError(f"it has more than {_LONGEST} characters")
    segments: list[Segment] = []
    root = text[:1] == "$" and text[1:2] in ("", ".", "[")
    position = int(root)
    while position < len(text) or not (segments or root):
        if len(segments) >= _MOST_STEPS:
            raise ValueError(f"it has more than {_MOST_STEPS} steps")
        if index := _INDEX.match(text, position):
            segments.append(int(index[1]))
            position = index.end()
            continue
        if segments or root:
            if text[position] != ".":
                raise ValueError(f"expected '.' or '[index]' at character {position + 1}")
            position += 1
        if quoted := _QUOTED.match(text, position):
            segments.append(_ESCAPE.sub(r"\1", quoted[1] if quoted[1] is not None else quoted[2]))
            position = quoted.end()
        elif bare := _BARE.match(text, position):
            if bare[0] != bare[0].strip():
                raise ValueError(f"a key that begins or ends with a blank must be quoted: {bare[0]!r}")
            segments.append(bare[0])
            position = bare.end()
        else:
            raise ValueError(f"expected a key at character {position + 1} (a key with . [ ] or quotes in it must be quoted)")
    return Path(tuple(segments), root)


def last_key(segments: tuple[Segment, ...]) -> str:
    """The last key on the way: what stands there can be called after it."""
    return next((segment for segment in reversed(segments) if isinstance(segment, str)), "")
