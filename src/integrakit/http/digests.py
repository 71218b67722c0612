"""What the headers of an answer promise about its bytes: the digests in ``Repr-Digest``, ``Content-Digest``, ``Digest``, ``Content-MD5`` and
``x-goog-hash``, and the hashes that are compared with them. Pure.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["Hashes", "promised"]

#: By their names in headers (RFC 9530, RFC 3230, Google Cloud Storage). CRCs and sums are for lines, not for files.
_KNOWN = {"sha-256": "sha256", "sha-512": "sha512", "md5": "md5"}
#: ``sha-256=:base64:``, a dictionary of structured fields (RFC 9530 §2).
_STRUCTURED = re.compile(r"(?:^|,)\s*([a-z0-9*_.-]+)\s*=\s*:([A-Za-z0-9+/=]*):")
#: ``SHA-256=base64`` (RFC 3230 §4.3.2; x-goog-hash writes it in the same way).
_PLAIN = re.compile(r"(?:^|,)\s*([A-Za-z0-9-]+)\s*=\s*([A-Za-z0-9+/]+=*)")


class Hashes:
    """Several hashes of the same bytes. sha256 is always among them."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        #: How many bytes they are of.
        self.size = 0
        self._all: dict[str, Any] = {name: hashlib.new(name, usedforsecurity=False) for name in {"sha256", *names}}

    def names(self) -> set[str]:
        return set(self._all)

    def update(self, data: bytes) -> None:
        self.size += len(data)
        for each in self._all.values():
            each.update(data)

    def hex(self, name: str = "sha256") -> str:
        text: str = self._all[name].hexdigest()
        return text


def promised(headers: Mapping[str, str], *, whole: bool) -> dict[str, str]:
    """Hash → digest in hexadecimal, of the bytes as they are sent. ``whole``: the answer holds all of them, and not a range.

    What cannot be read is no promise. Of a range, only the headers that speak of the whole are taken.
    """
    found: dict[str, str] = {}
    # Google's are of what is stored; where it unpacks that on the way, they are of something else (cloud.google.com/storage/docs/transcoding).
    if headers.get("x-goog-stored-content-encoding", "identity") == headers.get("content-encoding", "identity"):
        _add(found, _PLAIN.findall(headers.get("x-goog-hash", "")))
    if whole and (md5 := headers.get("content-md5")):
        _add(found, [("md5", md5.strip())])
    _add(found, _PLAIN.findall(headers.get("digest", "")))
    if whole:
        _add(found, _STRUCTURED.findall(headers.get("content-digest", "")))
    _add(found, _STRUCTURED.findall(headers.get("repr-digest", "")))
    return found


def _add(found: dict[str, str], pairs: Iterable[tuple[str, str]]) -> None:
    for name, text in pairs:
        known = _KNOWN.get(name.lower())
        if known is None:
            continue
        try:
            digest = base64.b64decode(text, validate=True)
        except binascii.Error:
            continue
        if len(digest) == hashlib.new(known, usedforsecurity=False).digest_size:
            found[known] = digest.hex()
