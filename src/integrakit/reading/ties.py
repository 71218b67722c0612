"""Ties: which records stood at the very watermark, and what they were, so that those that are still the same are not given out again.

Key as text → digest of the record. Only what was certainly given out before is ever held back. Pure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from json.encoder import encode_basestring
from typing import Any

from integrakit._json import canonical
from integrakit.errors import ConfigurationError
from integrakit.http.paths import ABSENT, look_up, parse_path

__all__ = ["MOST", "TRAVELLING", "Ties", "digest_of", "key_reader", "key_text_of", "key_texts_of"]

#: Above so many ties none are remembered: records come again rather than be lost, and a checkpoint stays small.
MOST = 10_000
#: So many travel with the checkpoint of each page, which is written often.
TRAVELLING = 1_000
#: Integers below this are written by `str` whatever the interpreter's limit of digits.
_DIGITS = 10**100


def key_text_of(key: Any) -> str | None:
    """A key as text, by which 42 and "42" are two; None for what is no key."""
    # What nearly all keys are is written at once, as `canonical` would: a key is written for each record of a read.
    if type(key) is int and -_DIGITS < key < _DIGITS:
        return str(key)
    if type(key) is str and key.isascii():
        return encode_basestring(key)
    if key is None or (isinstance(key, tuple) and any(part is None for part in key)):
        return None
    try:
        return canonical(key).decode("utf-8", "backslashreplace")
    except ConfigurationError:
        return None


def key_texts_of(keys: Sequence[Any]) -> list[str | None]:
    """`key_text_of` each: those of a page are nearly always of one type."""
    kinds = set(map(type, keys))
    if kinds == {int} and min(keys) > -_DIGITS and max(keys) < _DIGITS:
        return list(map(str, keys))
    if kinds == {str} and "".join(keys).isascii():
        return list(map(encode_basestring, keys))
    return list(map(key_text_of, keys))


def digest_of(record: Any) -> str | None:
    """Equal for equal records, whatever the order of their fields; None for one that cannot be written down."""
    try:
        return hashlib.blake2b(canonical(record), digest_size=12).hexdigest()
    except ConfigurationError:
        return None


def key_reader(key: str | tuple[str, ...] | None) -> Callable[[Any], Any]:
    """A function that gives a record's key, of dicts and objects; None where the record has none."""
    if key is None:
        return lambda record: None
    names = (key,) if isinstance(key, str) else key
    paths = [(name, parse_path(name)) for name in names]

    def one(record: Any, name: str, path: tuple[str, ...]) -> Any:
        if isinstance(record, Mapping):
            value = record[name] if name in record else look_up(record, path)
            return None if value is ABSENT else value
        for step in path:
            record = getattr(record, step, None)
        return record

    if not isinstance(key, str):
        return lambda record: tuple(one(record, *path) for path in paths)
    only = parse_path(key)
    # An ordinary dict is asked at once: this is called for each record of a read.
    return lambda record: record[key] if type(record) is dict and key in record else one(record, key, only)


class Ties:
    """The records at one place. Once there are more than `MOST`, or one cannot be remembered, that one or all come again."""

    def __init__(self, known: Mapping[str, str] | None = None) -> None:
        self.known: dict[str, str] | None = dict(known or {})

    @classmethod
    def unknown(cls) -> Ties:
        """Too many, or not known: none will be remembered."""
        ties = cls()
        ties.known = None
        return ties

    def add(self, key: str | None, digest: str | None) -> None:
        if key is None or self.known is None:
            return
        if digest is None:
            self.known.pop(key, None)
            return
        self.known[key] = digest
        if len(self.known) > MOST:
            self.known = None

    def forget(self, key: str | None) -> None:
        if self.known and key is not None:
            self.known.pop(key, None)

    def holds(self, key: str | None, digest: str | None) -> bool:
        """Whether this very record was given out before, as what was last given out of its key."""
        return bool(self.known) and key is not None and digest is not None and self.known.get(key) == digest  # type: ignore[union-attr]

    def kept(self, most: int = MOST) -> dict[str, str]:
        return {} if self.known is None or len(self.known) > most else dict(self.known)
