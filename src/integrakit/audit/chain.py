"""How records hang together: each holds the hash of the one before it, and a head says how far the chain goes. Pure functions and values, no I/O."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from secrets import token_hex
from typing import Any, NamedTuple

from attrs import field, frozen

from integrakit._json import canonical
from integrakit.errors import ConfigurationError, SignatureError

__all__ = ["FORMAT", "NOTHING", "Head", "SignedHead", "Stored", "first", "is_hash", "key_bytes", "link", "sha256", "verify_head"]

#: The version of the format. A log that says a greater one is refused.
FORMAT = 1
#: What the first record names as the hash before it.
NOTHING = "0" * 64
# So that a signature of ours is never one over something else that was signed with the same key.
_PURPOSE = b"integrakit audit head 1\n"
_HASH = re.compile(r"[0-9a-f]{64}")
_SHORTEST_KEY = 16


class Stored(NamedTuple):
    """One record as it lies in the file: nothing of it is believed yet."""

    #: For messages: "line 7".
    place: str
    #: The number it is filed under, where the file has one beside the record.
    seq: int | None
    #: The bytes that were hashed; None where what lies there is no record at all.
    data: bytes | None
    hash: str
    #: What lies there, where it is no record.
    scrap: bytes = b""
    #: The file ends in the middle of it.
    cut: bool = False


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def link(draft: Mapping[str, Any], seq: int, previous: str) -> tuple[bytes, str]:
    """The record as it is stored, and its hash: SHA-256 over exactly these bytes."""
    data = canonical({**draft, "seq": seq, "previous": previous})
    return data, sha256(data)


def first(at: str) -> dict[str, Any]:
    """The record every log begins with. Its random id makes each chain its own: a piece of another log fits nowhere."""
    return {"kind": "log", "at": at, "format": FORMAT, "log": token_hex(16)}


def key_bytes(what: str, key: Any) -> bytes:
    """A key for HMAC-SHA256 from bytes, a text, or a secret with ``reveal()``; raises `ConfigurationError`, which never shows it."""
    if callable(reveal := getattr(key, "reveal", None)):
        key = reveal()
    if isinstance(key, str):
        key = key.encode()
    if not isinstance(key, bytes | bytearray) or len(key) < _SHORTEST_KEY:
        raise ConfigurationError(f"{what} takes a key of {_SHORTEST_KEY} bytes or more as bytes, a text or a Secret, e.g. secrets.token_bytes(32)")
    return bytes(key)


def is_hash(value: Any) -> bool:
    return isinstance(value, str) and _HASH.fullmatch(value) is not None


def _hash(owner: Any, attribute: Any, value: Any) -> None:
    if not is_hash(value):
        raise ConfigurationError(f"{type(owner).__name__}({attribute.name}=…) takes 64 hexadecimal digits, not {value!r}")


def _seq(owner: Any, attribute: Any, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ConfigurationError(f"{type(owner).__name__}(seq=…) takes the number of a record, 0 or more, not {value!r}")


def _text(owner: Any, attribute: Any, value: Any) -> None:
    if not isinstance(value, str) or not value:
        raise ConfigurationError(f"{type(owner).__name__}({attribute.name}=…) takes a text, not {value!r}")


@frozen(kw_only=True)
class Head:
    """How far a log went: the number and the hash of its last record. Kept elsewhere, it shows that nothing up to there was changed or cut off."""

    #: The random id of the log.
    log: str = field(validator=_text)
    seq: int = field(validator=_seq)
    hash: str = field(validator=_hash)
    #: When that record was written: ISO 8601, UTC.
    at: str = field(validator=_text)

    def as_dict(self) -> dict[str, Any]:
        """JSON-able; `from_dict` reads it."""
        return {"log": self.log, "seq": self.seq, "hash": self.hash, "at": self.at}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Head:
        """Raises `ConfigurationError` where ``value`` is not what `as_dict` gave."""
        return cls(**_fields(cls, value, {"log", "seq", "hash", "at"}))

    def sign(self, key: Any) -> SignedHead:
        """Signs it by HMAC-SHA256. ``key``: 16 bytes or more (32 random ones are best), as bytes, text or a ``Secret``, not kept beside the log."""
        return SignedHead(head=self, signature=_signature(self, key_bytes("Head.sign(key)", key)))


@frozen(kw_only=True)
class SignedHead:
    """A head with its HMAC-SHA256: nobody without the key can make another that `verify_head` takes."""

    head: Head
    signature: str = field(validator=_hash)

    def as_dict(self) -> dict[str, Any]:
        return {**self.head.as_dict(), "signature": self.signature}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> SignedHead:
        """Raises `ConfigurationError` where ``value`` is not what `as_dict` gave. Says nothing about whether the signature is right."""
        fields = _fields(cls, value, {"log", "seq", "hash", "at", "signature"})
        signature = fields.pop("signature")
        return cls(head=Head(**fields), signature=signature)


def _fields(cls: type, value: Any, names: set[str]) -> dict[str, Any]:
    if not isinstance(value, Mapping) or set(value) != names:
        raise ConfigurationError(f"{cls.__name__}.from_dict takes what as_dict() gave, an object with {sorted(names)}")
    return dict(value)


def _signature(head: Head, key: bytes) -> str:
    return hmac.new(key, _PURPOSE + canonical(head.as_dict()), hashlib.sha256).hexdigest()


def verify_head(signed: SignedHead, key: Any) -> Head:
    """The head, when the signature is of this key; raises `SignatureError` otherwise."""
    if not isinstance(signed, SignedHead):
        raise ConfigurationError(f"verify_head takes a SignedHead, not {type(signed).__name__}")
    if not hmac.compare_digest(_signature(signed.head, key_bytes("verify_head(signed, key)", key)), signed.signature):
        raise SignatureError(f"the signature of the head at record {signed.head.seq} does not hold: it was changed, or signed with another key")
    return signed.head
