"""Structured field values (RFC 9651, September 2024): lists and dictionaries of items, read strictly, in linear time. No inner lists. Pure.

A field is understood as a whole or not at all, as the RFC wants it: one wrong character, and there is no field.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import frozen

__all__ = ["Item", "Token", "parse_dictionary", "parse_list"]

#: Longer fields are nobody's quotas.
LONGEST_FIELD = 8_192

_KEY = re.compile(r"[a-z*][a-z0-9_.*-]*")
_COMMA = re.compile(r"[ \t]*,[ \t]*")
_SEMICOLON = re.compile(r"; *")
_BARE = re.compile(
    r"(?P<decimal>-?[0-9]{1,12}\.[0-9]{1,3})"
    r"|(?P<integer>-?[0-9]{1,15})"
    r'|"(?P<string>(?:[ !#-\[\]-~]|\\["\\])*)"'
    r"|(?P<token>[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*)"
    r"|:(?P<binary>[A-Za-z0-9+/]*={0,2}):"
    r"|\?(?P<boolean>[01])"
    r"|@(?P<date>-?[0-9]{1,15})"
    r'|%"(?P<display>(?:[ !#$&-~]|%[0-9a-f]{2})*)"'
)
_ESCAPED = re.compile(r"\\(.)")
_PERCENT = re.compile(rb"%([0-9a-f]{2})")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Token(str):
    """A word without quotes; other than in a string, spaces cannot be in it."""

    __slots__ = ()


@frozen
class Item:
    """One member: its value (int, float, str, `Token`, bytes, bool or an aware datetime), and its parameters."""

    value: Any
    params: Mapping[str, Any]


def parse_list(text: str) -> list[Item] | None:
    """The items of a list, or None for what is no list of items."""
    return _whole(text, _item)


def parse_dictionary(text: str) -> dict[str, Item] | None:
    """The members of a dictionary, or None for what is none. Of a name that comes twice, the last counts."""
    members = _whole(text, _member)
    return None if members is None else dict(members)


class _Malformed(ValueError):
    pass


def _whole(text: str, read: Any) -> list[Any] | None:
    text = text.strip(" ")
    if len(text) > LONGEST_FIELD:
        return None
    found: list[Any] = []
    position = 0
    try:
        while position < len(text):
            if found:
                position = _after(_COMMA, text, position)
            member, position = read(text, position)
            found.append(member)
    except (ValueError, OverflowError):  # a date beyond the calendar, base64 that is none
        return None
    return found


def _after(pattern: re.Pattern[str], text: str, position: int) -> int:
    found = pattern.match(text, position)
    if found is None:
        raise _Malformed
    return found.end()


def _key(text: str, position: int) -> tuple[str, int]:
    end = _after(_KEY, text, position)
    return text[position:end], end


def _member(text: str, position: int) -> tuple[tuple[str, Item], int]:
    name, position = _key(text, position)
    if text.startswith("=", position):
        item, position = _item(text, position + 1)
    else:  # a name alone is true
        params, position = _params(text, position)
        item = Item(True, params)
    return (name, item), position


def _item(text: str, position: int) -> tuple[Item, int]:
    value, position = _bare(text, position)
    params, position = _params(text, position)
    return Item(value, params), position


def _params(text: str, position: int) -> tuple[dict[str, Any], int]:
    params: dict[str, Any] = {}
    while text.startswith(";", position):
        name, position = _key(text, _after(_SEMICOLON, text, position))
        value: Any = True
        if text.startswith("=", position):
            value, position = _bare(text, position + 1)
        params[name] = value
    return params, position


def _bare(text: str, position: int) -> tuple[Any, int]:
    found = _BARE.match(text, position)
    if found is None or found.lastgroup is None:
        raise _Malformed
    return _READ[found.lastgroup](found[found.lastgroup]), found.end()


def _display(text: str) -> str:
    return _PERCENT.sub(lambda found: bytes.fromhex(found[1].decode()), text.encode()).decode()


_READ: Mapping[str, Any] = {
    "decimal": float,
    "integer": int,
    "string": lambda text: _ESCAPED.sub(r"\1", text),
    "token": Token,
    "binary": lambda text: binascii.a2b_base64(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4)),
    "boolean": lambda text: text == "1",
    "date": lambda text: _EPOCH + timedelta(seconds=int(text)),
    "display": _display,
}
