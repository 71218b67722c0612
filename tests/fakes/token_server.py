"""A token endpoint with refresh tokens that are good for one use: it revokes the whole grant when one is used twice, as strict servers do, or lets
the one before pass (``grace``). A plain object that answers forms; a loopback server or a fake exchange stands around it."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

__all__ = ["TokenServer"]

Answer = tuple[int, dict[str, str], bytes]


class TokenServer:
    """``refresh_token`` is the first one. ``log``: what was asked; ``refreshed``: how often it granted; ``reused``: how often it saw an old one."""

    def __init__(self, refresh_token: str = "refresh-token-0", *, grace: bool = False, expires_in: Any = 3600, rotate: bool = True) -> None:
        self.current = refresh_token
        self.previous: str | None = None
        self.grace = grace
        self.rotate = rotate
        self.expires_in = expires_in
        self.revoked = False
        self.refreshed = 0
        self.reused = 0
        self.valid: set[str] = set()
        self.log: list[Mapping[str, str]] = []
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def token(self, body: bytes | Mapping[str, str]) -> Answer:
        """The answer of ``POST /token``."""
        form = body if isinstance(body, Mapping) else {name: values[-1] for name, values in parse_qs(body.decode()).items()}
        with self._lock:
            self.log.append(form)
            if form.get("grant_type") != "refresh_token":
                return self._grant(refreshing=False)
            sent = form.get("refresh_token")
            if self.revoked:
                return self._error("invalid_grant", "grant revoked")
            if sent == self.current:
                return self._grant(refreshing=True)
            if sent is not None and sent == self.previous and self.grace:
                return self._grant(refreshing=True, again=True)
            self.reused += 1
            self.revoked = True
            self.valid.clear()
            return self._error("invalid_grant", f"refresh token {sent} was used before")

    def resource(self, authorization: str | None) -> Answer:
        """The answer of everything else: it wants the access token that was granted last, or one before it that is still good."""
        with self._lock:
            good = (authorization or "").removeprefix("Bearer ") in self.valid
        return (200, {"Content-Type": "application/json"}, b'{"ok": true}') if good else (401, {}, b'{"error": "invalid_token"}')

    def serve(self, asked: Any) -> Answer:
        """For the loopback server of the tests."""
        return self.token(asked.body) if asked.path == "/token" else self.resource(asked.headers.get("authorization"))

    def expire(self) -> None:
        """All access tokens of before are refused from now on."""
        with self._lock:
            self.valid.clear()

    def _grant(self, *, refreshing: bool, again: bool = False) -> Answer:
        number = next(self._numbers)
        access = f"access-token-{number}"
        self.valid.add(access)
        answer: dict[str, Any] = {"access_token": access, "token_type": "Bearer", "expires_in": self.expires_in}
        if refreshing:
            self.refreshed += 1
            if self.rotate:
                if not again:
                    self.previous = self.current
                self.current = f"refresh-token-{number}"
                answer["refresh_token"] = self.current
        return 200, {"Content-Type": "application/json"}, json.dumps(answer).encode()

    @staticmethod
    def _error(code: str, description: str) -> Answer:
        return 400, {"Content-Type": "application/json"}, json.dumps({"error": code, "error_description": description}).encode()
