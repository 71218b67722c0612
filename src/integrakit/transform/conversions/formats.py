"""Formats such as ``%d.%m.%Y``: compiled once, the same on every machine and in every locale, strict about what is there.

The directives are those of ``strptime``, with English names, ASCII digits, and the rule that a directive stands in a format once. What a format does
not name is not invented. Moments that are not spelled by directives (RFC 2822, ``/Date(…)/``) are in `spellings`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

from attrs import frozen

from integrakit.transform.conversions.target_types import Mistake

__all__ = ["LONGEST_FORMAT", "MONTHS", "WEEKDAYS", "Format", "compile_format", "offset_zone"]

LONGEST_FORMAT = 64
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_TOKEN = re.compile(r"%(-?[a-zA-Z]|:z|%)|(%.?)|([^%]+)", re.DOTALL)
_OFFSET = r"Z|z|[+-][0-9]{2}(?::?[0-9]{2}(?::?[0-9]{2})?)?"
# Directive → digits it has at most, or a pattern of its own.
_DIGITS = {"Y": 4, "y": 2, "m": 2, "d": 2, "H": 2, "I": 2, "M": 2, "S": 2, "j": 3, "L": 3}
_WORDS = {
    "B": "[A-Za-z]{3,9}",
    "b": "[A-Za-z]{3}",
    "A": "[A-Za-z]{6,9}",
    "a": "[A-Za-z]{3}",
    "p": r"[AaPp]\.?[Mm]\.?",
    "f": "[0-9]{1,9}",
    "z": _OFFSET,
}
_DATE = frozenset("YymBbdjAa")
_CLOCK = frozenset("HIMSfLp")
_KNOWN = "%Y %y %m %d %b %B %j %a %A %H %I %p %M %S %f %L %z %:z"
# What says the same thing may stand in a format once.
_ONCE = ("Yy", "mBbj", "dj", "Aa", "HI", "fL")
_BLANK = "[ \t\u00a0\u2009\u202f]+"


@frozen
class Format:
    """A compiled format. ``read`` gives None for what is not spelled so; ``write`` may raise ValueError for years outside 1 to 9999."""

    text: str
    directives: frozenset[str]
    read: Callable[[str], Any]
    write: Callable[[Any], str]
    #: It ends with a Z that is a mere letter of the format.
    says_utc: bool

    @property
    def has_date(self) -> bool:
        """A whole date can be read by it."""
        found = self.directives
        return bool(found & {"Y", "y"}) and ("j" in found or ("d" in found and bool(found & {"m", "b", "B"})))

    @property
    def has_clock(self) -> bool:
        """A time of day can be read by it."""
        return "H" in self.directives or {"I", "p"} <= self.directives

    @property
    def only_date(self) -> bool:
        return not self.directives & (_CLOCK | {"z"})

    @property
    def only_clock(self) -> bool:
        return not self.directives & (_DATE | {"z"})


def offset_zone(text: str) -> timezone:
    """``Z``, ``+02:00``, ``+0200``, ``+02``. Raises ValueError for a day or more."""
    if text in ("Z", "z"):
        return UTC
    digits = text[1:].replace(":", "").ljust(6, "0")
    hours, minutes, seconds = int(digits[:2]), int(digits[2:4]), int(digits[4:])
    if minutes > 59 or seconds > 59:
        raise ValueError("no such offset")
    offset = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    return timezone(-offset if text[0] == "-" else offset)


def compile_format(text: str, *, to_read: bool = True) -> Format:
    """Raises `Mistake` for a directive that is unknown; and for what is said twice, where the format is to be read by."""
    tokens = _tokens(text)
    found = [name for directive, name in tokens if directive]
    if to_read:
        _check_once(text, found)
    pattern = re.compile(_pattern(tokens)) if to_read else None
    last = tokens[-1]
    says_utc = not last[0] and last[1].endswith("Z") and bool(set(found) & _CLOCK)

    def read(value: str) -> Any:
        match = pattern.fullmatch(value) if pattern is not None else None
        if match is None:
            return None
        try:
            return _moment(match.groupdict())
        except (ValueError, OverflowError):
            return None

    return Format(text, frozenset(found), read, _writer(text), says_utc)


def _check_once(text: str, found: list[str]) -> None:
    for same in _ONCE:
        twice = [name for name in found if name in same]
        if len(set(twice)) > 1:
            raise Mistake(f"{text!r} says the same twice: %{twice[0]} and %{twice[1]}")
    for name in found:
        if found.count(name) > 1:
            raise Mistake(f"{text!r} has %{name} twice")
    if ("I" in found) != ("p" in found):
        raise Mistake(f"{text!r}: %I and %p belong together: hours of a half day, and which half")


def _tokens(text: str) -> list[tuple[bool, str]]:
    """(is a directive, its letter or the literal text), neighbours of literal text joined."""
    tokens: list[tuple[bool, str]] = []
    for match in _TOKEN.finditer(text):
        directive, broken, literal = match.groups()
        if broken is not None:
            raise Mistake(f"{text!r} has {broken!r}, which is no directive: known are {_KNOWN}, and %% for a % itself")
        name = directive.lstrip("-:") if directive else ""
        if directive and directive != "%":
            if name == "Z":
                raise Mistake(f'{text!r}: names of zones (%Z) are not read, since many are ambiguous: write them as text, and say timezone = "…"')
            if (name not in _DIGITS and name not in _WORDS) or (directive[0] == "-" and name not in "mdHIMSj"):
                raise Mistake(f"{text!r}: unknown directive %{directive}: known are {_KNOWN}")
            tokens.append((True, name))
            continue
        words = "%" if directive else literal
        if tokens and not tokens[-1][0]:
            words = tokens.pop()[1] + words
        tokens.append((False, words))
    if not any(directive for directive, _ in tokens):
        raise Mistake(f"{text!r} has no directive: known are {_KNOWN}")
    return tokens


def _pattern(tokens: list[tuple[bool, str]]) -> str:
    parts = []
    for index, (directive, name) in enumerate(tokens):
        if not directive:
            parts.append("".join(_BLANK if piece.isspace() else re.escape(piece) for piece in re.split(r"(\s+)", name) if piece))
            continue
        # Digits that touch other digits have their full number: 112024 by %d%m%Y could be two days.
        before = tokens[index - 1] if index else (False, " ")
        after = tokens[index + 1] if index + 1 < len(tokens) else (False, " ")
        touching = (before[1] in _DIGITS if before[0] else before[1][-1].isdigit()) or (
            (after[1] in _DIGITS or after[1] == "f") if after[0] else after[1][0].isdigit()
        )
        if name in _WORDS:
            parts.append(f"(?P<{name}>{_WORDS[name]})")
        else:
            digits = _DIGITS[name]
            least = digits if touching or name in "YyL" else 1
            parts.append(f"(?P<{name}>[0-9]{{{least},{digits}}})")
    return "".join(parts)


def _moment(found: dict[str, str]) -> date | datetime | time:
    day = _day(found) if "Y" in found or "y" in found else None
    clock = _clock(found) if "H" in found or "I" in found else None
    if clock is None:
        if day is None:
            raise ValueError("neither a day nor a time")
        return day
    return clock if day is None else datetime.combine(day, clock)


def _day(found: dict[str, str]) -> date:
    # POSIX says of two digits that 69 to 99 are the 20th century.
    year = int(found["Y"]) if "Y" in found else int(found["y"]) + (1900 if int(found["y"]) >= 69 else 2000)
    if "j" in found:
        day = date(year, 1, 1) + timedelta(days=int(found["j"]) - 1)
        if day.year != year:
            raise ValueError("no such day")
    else:
        day = date(year, int(found["m"]) if "m" in found else _named(found, "B", "b", MONTHS) + 1, int(found["d"]))
    if ("A" in found or "a" in found) and _named(found, "A", "a", WEEKDAYS) != day.weekday():
        raise ValueError("another day of the week")
    return day


def _named(found: dict[str, str], full: str, short: str, names: tuple[str, ...]) -> int:
    if full in found:
        return [name.lower() for name in names].index(found[full].lower())
    return [name[:3].lower() for name in names].index(found[short].lower())


def _clock(found: dict[str, str]) -> time:
    if "H" in found:
        hour = int(found["H"])
    else:
        half = int(found["I"])
        if not 1 <= half <= 12:
            raise ValueError("no such hour")
        hour = half % 12 + (12 if found["p"][0] in "Pp" else 0)
    fraction = found.get("f") or found.get("L") or ""
    zone = offset_zone(found["z"]) if "z" in found else None
    return time(hour, int(found.get("M") or 0), int(found.get("S") or 0), int(fraction[:6].ljust(6, "0")), tzinfo=zone)


# ---------------------------------------------------------------- writing

_WRITERS: dict[str, Callable[[Any], str]] = {
    "Y": lambda moment: f"{moment.year:04}",
    "y": lambda moment: f"{moment.year % 100:02}",
    "m": lambda moment: f"{moment.month:02}",
    "-m": lambda moment: str(moment.month),
    "d": lambda moment: f"{moment.day:02}",
    "-d": lambda moment: str(moment.day),
    "b": lambda moment: MONTHS[moment.month - 1][:3],
    "B": lambda moment: MONTHS[moment.month - 1],
    "a": lambda moment: WEEKDAYS[moment.weekday()][:3],
    "A": lambda moment: WEEKDAYS[moment.weekday()],
    "j": lambda moment: f"{moment.timetuple().tm_yday:03}",
    "-j": lambda moment: str(moment.timetuple().tm_yday),
    "H": lambda moment: f"{moment.hour:02}",
    "-H": lambda moment: str(moment.hour),
    "I": lambda moment: f"{moment.hour % 12 or 12:02}",
    "-I": lambda moment: str(moment.hour % 12 or 12),
    "p": lambda moment: "PM" if moment.hour >= 12 else "AM",
    "M": lambda moment: f"{moment.minute:02}",
    "-M": lambda moment: str(moment.minute),
    "S": lambda moment: f"{moment.second:02}",
    "-S": lambda moment: str(moment.second),
    "f": lambda moment: f"{moment.microsecond:06}",
    "L": lambda moment: f"{moment.microsecond // 1000:03}",
    "z": lambda moment: _offset(moment, ""),
    ":z": lambda moment: _offset(moment, ":"),
    "%": lambda moment: "%",
}


def _offset(moment: datetime, mark: str) -> str:
    offset = moment.utcoffset() or timedelta(0)
    sign, offset = ("-", -offset) if offset < timedelta(0) else ("+", offset)
    minutes, seconds = divmod(int(offset.total_seconds()), 60)
    return f"{sign}{minutes // 60:02}{mark}{minutes % 60:02}" + (f"{mark}{seconds:02}" if seconds else "")


def _writer(text: str) -> Callable[[Any], str]:
    parts: list[str | Callable[[Any], str]] = []
    for match in _TOKEN.finditer(text):
        directive, _, literal = match.groups()
        parts.append(literal if directive is None else _WRITERS[directive])

    def write(moment: Any) -> str:
        return "".join(part if isinstance(part, str) else part(moment) for part in parts)

    return write
