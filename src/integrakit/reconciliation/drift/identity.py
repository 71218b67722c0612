"""What makes an item the same one from run to run: its key by value, as the comparison takes it, in text that a store can hold and order.

1, 1.0 and Decimal("1.00") are one key; 42 and "42" are two; with a normaliser, so are the keys it tells apart and no others.
"""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from typing import Any

from integrakit.reconciliation.rules.spec import Key
from integrakit.reconciliation.rules.values import canonical

__all__ = ["content_text", "item_id", "key_prefix", "key_text"]

_LONGEST = 300
_HEAD = 60
#: Never within a text below: JSON escapes it.
_SEPARATOR = "\x1f"
_INT_DIGITS = 18

_quoted = json.JSONEncoder(ensure_ascii=False).encode


def key_text(key: Any, by: Key) -> str:
    """The key of a record, a tuple for a composite, as text: the same for equal keys only."""
    normalise = by.normalise
    parts = key if len(by.names) > 1 and isinstance(key, tuple) else (key,)
    return _short(",".join(_part_text(part, normalise) for part in parts))


def content_text(left: Any, right: Any) -> str:
    """What has no key is known by a digest of what it holds."""
    return "content:" + _digest(_part_text(left, None) + _part_text(right, None))


def item_id(known: str, kind: str, field: str | None) -> str:
    """The id of an item: of a field that differs, or of another kind of break."""
    return f"{known}{_SEPARATOR}{kind}" if field is None else f"{known}{_SEPARATOR}field{_SEPARATOR}{_sound(_quoted(field))}"


def key_prefix(known: str) -> str:
    """What the ids of all items of a record begin with."""
    return known + _SEPARATOR


def _part_text(part: Any, normalise: Any) -> str:
    if normalise is None and type(part) is str:
        return _quoted(part)
    try:
        if normalise is not None and part is not None:
            part = normalise(part)
        return _text(canonical(part))
    except Exception:  # noqa: BLE001 - a normaliser or a foreign class may raise anything: the record is invalid, and known by how it looks
        return "?" + _quoted(_described(part))


def _text(form: Any) -> str:
    if isinstance(form, str):
        return _quoted(form)
    if isinstance(form, bool):
        return "true" if form else "false"
    if isinstance(form, int | Decimal):
        return _number_text(Decimal(form))
    if isinstance(form, bytes):
        return "0x" + form.hex()
    if isinstance(form, tuple):
        return "[" + ",".join(map(_text, form)) + "]"
    if isinstance(form, frozenset):
        return "{" + ",".join(sorted(map(_text, form))) + "}"
    return "null" if form is None else "?" + _quoted(_described(form))


def _number_text(number: Decimal) -> str:
    sign, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int):
        return str(number)
    written = "".join(map(str, digits)).strip("0")
    if not written:
        return "0"
    places = number.adjusted() + 1
    if len(written) <= places <= _INT_DIGITS:
        return f"{'-' if sign else ''}{written.ljust(places, '0')}"
    return f"{'-' if sign else ''}{written}E{places - 1}"


def _described(value: Any) -> str:
    try:
        return repr(value)
    except Exception:  # noqa: BLE001 - as above
        return type(value).__name__


def _short(text: str) -> str:
    """Cut where it is too long for an index; then the end is a digest of the whole."""
    return _sound(text) if len(text) <= _LONGEST else f"{_sound(text[:_HEAD])}…{_digest(text)}"


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _sound(text: str) -> str:
    # Half a character, which no store takes, is written with one backslash; JSON writes two for a backslash, so nothing can be mistaken.
    return text.encode("utf-8", "backslashreplace").decode()
