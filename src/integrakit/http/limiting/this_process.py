"""Names around shared state: of this process, of a key, of the place as it may be shown. No I/O."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from integrakit._locks import StateLock

__all__ = ["ThisProcess", "place_of", "shown"]


class ThisProcess:
    """A name for this process that no other has, a forked child included; and what it holds, made anew after a fork."""

    def __init__(self) -> None:
        self._held: Any = None
        self._begin()
        self._guard = StateLock(self._begin).here

    def _begin(self) -> None:
        # Without closing what the parent holds: it is the parent's.
        self._name, self._held = uuid4().hex[:12], None

    def name(self) -> str:
        with self._guard():
            return self._name

    def held(self, make: Callable[[], Any]) -> tuple[Any, str]:
        """What ``make`` made in this process, and the name of it."""
        with self._guard():
            if self._held is None:
                self._held = make()
            return self._held, self._name


def place_of(key: str) -> str:
    """A key of the user's as every backend can hold it."""
    if len(key) <= 200 and key.isprintable():
        return key
    return "sha256:" + hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def shown(shared: Any) -> str:
    """As it may be shown: a URI without user, password and parameters."""
    if not isinstance(shared, str):
        return repr(shared)
    try:
        parts = urlsplit(shared)
        host = parts.netloc.rpartition("@")[2]
        return f"{parts.scheme}://{'***@' if '@' in parts.netloc else ''}{host}{parts.path if '@' not in parts.path else ''}"
    except ValueError:
        return "<a URI that cannot be read>"
