"""Values as a report shows them: text in quotes, numbers without, all cut to a readable length, nothing that could disturb a terminal or a page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Set
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any
from uuid import UUID

from integrakit.money import Money
from integrakit.unset import UNSET

__all__ = ["amount", "bare", "clean", "plain", "shared", "show", "show_both", "visible"]

_LENGTH = 60
_ITEMS = 6
_DEEP = 3
_WORD = 2**63
#: Blanks that a reader overlooks: at the ends, and more than one.
_RUN = re.compile(r"\A +| +\Z| {2,}")


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def amount(value: int | Decimal) -> str:
    """A number in full with separators, as long as it is of a human size."""
    number = Decimal(value)  # prints whole numbers of any length, which int refuses above 4300 digits
    if not number.is_finite() or not -20 < number.adjusted() < 40:
        return _cut(str(number), _LENGTH)
    exponent = int(number.as_tuple().exponent)
    return f"{number:,f}" if exponent > -20 else _cut(str(number), _LENGTH)


def show(value: Any, *, length: int = _LENGTH, depth: int = 0) -> str:
    """One value in one line."""
    if value is None:
        return "null"
    if value is UNSET:
        return "absent"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(str.__str__(value), length)
    if isinstance(value, int | Decimal):
        return _cut(str(Decimal(value)), length)
    if isinstance(value, float):
        return float.__repr__(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat() if value == value else "not a time"
    if isinstance(value, UUID | timedelta | Money):
        return str(value)
    if isinstance(value, Mapping):
        return _many(
            "{}", (f"{show(name, depth=depth + 1)}: {show(item, depth=depth + 1)}" for name, item in value.items()), len(value), length, depth
        )
    if isinstance(value, list | tuple | Set):
        brackets = "[]" if isinstance(value, list) else "()" if isinstance(value, tuple) else "{}"
        return _many(brackets, (show(item, depth=depth + 1) for item in value), len(value), length, depth)
    return _foreign(value, length)


def _many(brackets: str, items: Iterator[str], count: int, length: int, depth: int) -> str:
    shown = ["…"] if depth >= _DEEP and count else list(islice(items, _ITEMS))
    more = [f"… {count:,} in all"] if count > _ITEMS and depth < _DEEP else []
    return _cut(brackets[0] + ", ".join(shown + more) + brackets[1], length if depth else length * 2)


def clean(text: str, length: int = 2000) -> str:
    """Words from outside (names, paths, reasons) in one line: what cannot be seen, ends a line or turns the direction of writing is spelled out."""
    text = _cut(text, length)
    return text if text.isprintable() else "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


def shared(left: str, right: str) -> int:
    """How many letters both begin with. By halves: comparing slices is fast however long the texts are."""
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def show_both(left: Any, right: Any, length: int = _LENGTH) -> tuple[str, str]:
    """Two values side by side. Of long texts the part is shown in which they begin to differ."""
    if type(left) is str and type(right) is str and max(len(left), len(right)) > length:
        start = max(0, shared(left, right) - length // 3)
        if start:
            return _part(left, start, length), _part(right, start, length)
    return show(left, length=length), show(right, length=length)


def _part(text: str, start: int, length: int) -> str:
    end = start + length
    return f"…{text[start:end]!r}{'…' if len(text) > end else ''} (from {start + 1:,} of {len(text):,} characters)"


def bare(left: Any, right: Any, length: int = _LENGTH) -> tuple[str, str]:
    """`show_both` without the quotes of Python, for readers who do not write it; with them where only one of the two is text.

    Blanks that are easily overlooked and characters that cannot be seen are spelled out. The empty text is empty: say so in its place.
    """
    if not all(isinstance(value, str) or value is None or value is UNSET for value in (left, right)):
        return show_both(left, right, length)
    start = 0
    if type(left) is str and type(right) is str and max(len(left), len(right)) > length:
        start = max(0, shared(left, right) - length // 3)
    return _bare(left, start, length), _bare(right, start, length)


def _bare(value: Any, start: int, length: int) -> str:
    if not isinstance(value, str):
        return show(value)
    text = str.__str__(value)
    if len(text) <= length and not start:
        return visible(text)
    end = start + length
    said = f"from {start + 1:,} of {len(text):,}" if start else f"{len(text):,}"
    return f"{'…' if start else ''}{visible(text[start:end])}{'…' if len(text) > end else ''} ({said} characters)"


def visible(text: str) -> str:
    """Text with blanks at its ends and runs of them shown as ␣, and what cannot be seen as ⟨U+00A0⟩."""
    text = _RUN.sub(lambda found: "␣" * len(found[0]), text)
    return text if text.isprintable() else "".join(each if each.isprintable() else f"⟨U+{ord(each):04X}⟩" for each in text)


def _text(value: str, length: int) -> str:
    # repr escapes what cannot be seen: control characters, lone surrogates, marks that turn the direction of writing.
    return repr(value) if len(value) <= length else f"{value[: length - 1]!r}… ({len(value):,} characters)"


def _foreign(value: Any, length: int) -> str:
    try:
        text = str(value) if hasattr(value, "dtype") else repr(value)
    except Exception as problem:  # noqa: BLE001 - a class whose repr fails is still one line of the report
        return f"<{type(value).__name__}: its repr failed with {type(problem).__name__}>"
    return _cut("".join(character if character.isprintable() else "�" for character in text[: length + 1]), length)


def _sound(text: str) -> str:
    """Without halves of characters, which no encoding can write."""
    plainly = str.__str__(text)
    return plainly if plainly.isascii() else plainly.encode("utf-8", "backslashreplace").decode()


def plain(value: Any, depth: int = 0) -> Any:
    """The value as JSON can say it: decimals stay exact numbers, money stays money, times are ISO 8601, what JSON does not have becomes its text."""
    if type(value) is str:  # what records are full of, first
        return _sound(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _sound(value)
    if isinstance(value, Money):
        return value
    if type(value) is int and -_WORD < value < _WORD:
        return value
    if isinstance(value, int | Decimal):
        number = Decimal(value)
        return value if isinstance(value, int) and number.adjusted() < 40 else number if number.is_finite() else str(number)
    if isinstance(value, float):
        return float(value) if value - value == 0 else str(Decimal(value))
    if depth < 20 and isinstance(value, Mapping):
        return {_sound(name) if isinstance(name, str) else show(name): plain(item, depth + 1) for name, item in value.items() if item is not UNSET}
    if depth < 20 and isinstance(value, list | tuple):
        return [plain(item, depth + 1) for item in value]
    return show(value)
