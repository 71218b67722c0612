"""Regular expressions from a mapping file, matched in time linear in the text.

A mapping or a record may be hostile, and Python's ``re`` can be made to backtrack for years. So the subset that needs no backtracking is taken:
characters, ``.``, classes, ``\\d \\w \\s``, groups, ``|`` and repeats. It is run as an automaton of one state for each character of the pattern
(Glushkov's), with the set of states in the bits of an integer. Matches are of the whole text; ``\\d``, ``\\w`` and ``\\s`` are ASCII. Look-around
and back-references are refused.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable

from attrs import frozen

__all__ = ["LONGEST_PATTERN", "LONGEST_SUBJECT", "compile_pattern"]

#: Characters of a pattern, and of a text it is tried on.
LONGEST_PATTERN = 500
LONGEST_SUBJECT = 4096
_MOST_STATES = 300
_MOST_READS = 5000
_DEEPEST = 20
_REPEAT = re.compile(r"\{([0-9]{1,4})(?:(,)([0-9]{1,4})?)?\}")
_ESCAPES = "dDwWsStnrfv"
# Names of classes that Python's re knows and this subset does not, and escapes whose meaning differs between dialects.
_REFUSED = {
    **dict.fromkeys("bB", "word boundaries"),
    **dict.fromkeys("AZ", "\\A and \\Z"),
    **dict.fromkeys("pP", "\\p and \\P"),
    **dict.fromkeys("kg0123456789", "back-references"),
}


@frozen
class _Piece:
    """A part of the pattern: states that can begin it, states that can end it (as bits), and whether it may be empty."""

    first: int
    last: int
    empty: bool


class _Builder:
    """Reads the pattern from left to right and numbers its characters. One pattern, once."""

    def __init__(self, pattern: str) -> None:
        self._text = pattern
        self._at = 0
        self._reads = 0
        #: The text of the class of each state, and the states that may follow each.
        self.atoms: list[str] = []
        self.follow: list[int] = []

    def build(self) -> _Piece:
        piece = self._alternatives(0)
        if self._at < len(self._text):
            raise ValueError("a ) without its (")
        return piece

    def _peek(self) -> str:
        return self._text[self._at] if self._at < len(self._text) else ""

    def _alternatives(self, depth: int) -> _Piece:
        if depth > _DEEPEST:
            raise ValueError(f"groups are nested more than {_DEEPEST} deep")
        piece = self._sequence(depth)
        while self._peek() == "|":
            self._at += 1
            other = self._sequence(depth)
            piece = _Piece(piece.first | other.first, piece.last | other.last, piece.empty or other.empty)
        return piece

    def _sequence(self, depth: int) -> _Piece:
        piece = _Piece(0, 0, True)
        while self._peek() not in ("", "|", ")"):
            piece = self._joined(piece, self._repeated(depth))
        return piece

    def _joined(self, left: _Piece, right: _Piece) -> _Piece:
        self._link(left.last, right.first)
        first = left.first | right.first if left.empty else left.first
        last = right.last | left.last if right.empty else right.last
        return _Piece(first, last, left.empty and right.empty)

    def _link(self, states: int, targets: int) -> None:
        for state in _bits(states):
            self.follow[state] |= targets

    def _repeated(self, depth: int) -> _Piece:
        start = self._at
        piece = self._one(depth)
        end = self._at
        least, most = self._times()
        if (least, most) == (1, 1):
            return piece
        if self._peek() in ("?", "+") and most != 1:
            self._at += 1  # lazy or possessive: the same texts match as a whole, but for possessive ones, which are refused
            if self._text[self._at - 1] == "+":
                raise ValueError("possessive repeats are not part of it")
        if self._peek() in ("*", "+", "?") or _REPEAT.match(self._text, self._at):
            raise ValueError("a repeat of a repeat: put the inner one into a group")
        after = self._at
        result = _Piece(0, 0, True)
        copies = max(least, 1) if most is None else most
        for index in range(copies):
            if index:  # the same piece once more, with states of its own
                self._at = start
                piece = self._one(depth)
                if self._at != end:
                    raise AssertionError("a piece is read the same way each time")
            if index >= least or (most is None and index == copies - 1):
                if most is None:
                    self._link(piece.last, piece.first)
                piece = _Piece(piece.first, piece.last, piece.empty or index >= least)
            result = self._joined(result, piece)
        self._at = after
        return result

    def _times(self) -> tuple[int, int | None]:
        sign = self._peek()
        if sign in ("*", "+", "?"):
            self._at += 1
            return (1 if sign == "+" else 0), (1 if sign == "?" else None)
        found = _REPEAT.match(self._text, self._at)
        if found is None:
            return 1, 1
        self._at = found.end()
        least = int(found[1])
        most = None if found[2] and not found[3] else int(found[3] or found[1])
        if (most is not None and (most < least or most == 0)) or max(least, most or 0) > _MOST_STATES:
            raise ValueError(f"the repeat {found[0]} is empty or longer than {_MOST_STATES}")
        return least, most

    def _one(self, depth: int) -> _Piece:
        character = self._peek()
        self._reads += 1
        if self._reads > _MOST_READS:  # repeats of nothing, as in (((){99}){99}){99}, add no state
            raise ValueError("it is too large: repeats count as often as they repeat")
        if character == "(":
            return self._group(depth)
        if character in ("*", "+", "?"):
            raise ValueError(f"{character} has nothing to repeat")
        if character in ("^", "$"):
            raise ValueError(f"{character} has no meaning inside: a pattern is for the whole text")
        return self._state(self._atom())

    def _group(self, depth: int) -> _Piece:
        self._at += 1
        if self._peek() == "?":
            if not self._text.startswith("?:", self._at):
                raise ValueError("look-around, named groups and flags are not part of it: ( ) and (?: ) are")
            self._at += 2
        piece = self._alternatives(depth + 1)
        if self._peek() != ")":
            raise ValueError("a ( without its )")
        self._at += 1
        return piece

    def _state(self, atom: str) -> _Piece:
        if len(self.atoms) >= _MOST_STATES:
            raise ValueError(f"it is too large: repeats count as often as they repeat, and {_MOST_STATES} characters are the most")
        self.atoms.append(atom)
        self.follow.append(0)
        bit = 1 << (len(self.atoms) - 1)
        return _Piece(bit, bit, False)

    def _atom(self) -> str:
        start = self._at
        character = self._peek()
        self._at += 1
        if character == "\\":
            self._escape()
        elif character == "[":
            if self._peek() == "^":
                self._at += 1
            if self._peek() in ("]", "["):
                raise ValueError("a [ or ] inside of [ ] needs a backslash")
            while (inner := self._peek()) != "]":
                if not inner:
                    raise ValueError("a [ without its ]")
                if inner == "[":
                    raise ValueError("a [ or ] inside of [ ] needs a backslash")
                self._at += 1
                if inner == "\\":
                    self._escape()
            self._at += 1
        elif character in ("{", "}", "]"):
            return "\\" + character
        return self._text[start : self._at]

    def _escape(self) -> None:
        character = self._peek()
        if not character:
            raise ValueError("a backslash at the end")
        if character in _REFUSED:
            raise ValueError(f"{_REFUSED[character]} are not part of it")
        if character.isalnum() and character not in _ESCAPES:
            raise ValueError(f"unknown escape \\{character}: \\d \\D \\w \\W \\s \\S \\t \\n are known")
        self._at += 1


def _bits(states: int) -> list[int]:
    found = []
    while states:
        lowest = states & -states
        found.append(lowest.bit_length() - 1)
        states ^= lowest
    return found


def compile_pattern(pattern: str) -> Callable[[str], bool]:
    """Whether a whole text matches. Raises ValueError for what is not a pattern of the subset."""
    if len(pattern) > LONGEST_PATTERN:
        raise ValueError(f"has more than {LONGEST_PATTERN} characters")
    inner = pattern[1:] if pattern.startswith("^") else pattern
    slashes = len(inner[:-1]) - len(inner[:-1].rstrip("\\"))
    if inner.endswith("$") and slashes % 2 == 0:
        inner = inner[:-1]
    if inner != pattern and _top_level_bar(inner):
        raise ValueError("^ and $ belong to one side of | only: put the alternatives into a group")
    builder = _Builder(inner)
    whole = builder.build()
    classes = [(_class(atom), sum(1 << state for state, other in enumerate(builder.atoms) if other == atom)) for atom in dict.fromkeys(builder.atoms)]
    follow = builder.follow

    def matches(subject: str) -> bool:
        if len(subject) > LONGEST_SUBJECT:
            return False
        if not subject:
            return whole.empty
        taking: dict[str, int] = {}
        following: dict[int, int] = {}
        candidates, states = whole.first, 0
        for character in subject:
            if character not in taking:
                taking[character] = sum(mask for accepts, mask in classes if accepts(character))
            states = candidates & taking[character]
            if not states:
                return False
            if states not in following:
                reached = 0
                for state in _bits(states):
                    reached |= follow[state]
                following[states] = reached
            candidates = following[states]
        return bool(states & whole.last)

    return matches


def _class(atom: str) -> Callable[[str], object]:
    """One character against one atom: nothing here can backtrack, so Python's own reading of classes is used."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return re.compile(atom, re.ASCII).fullmatch
    except (re.error, FutureWarning, DeprecationWarning) as problem:
        raise ValueError(f"{atom!r} is not a class of characters: {problem}") from None


def _top_level_bar(pattern: str) -> bool:
    depth, at, inside = 0, 0, False
    while at < len(pattern):
        character = pattern[at]
        if character == "\\":
            at += 1
        elif inside or character == "[":
            inside = character != "]"
        elif character in "()":
            depth += 1 if character == "(" else -1
        elif character == "|" and depth == 0:
            return True
        at += 1
    return False
