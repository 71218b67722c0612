"""A Vault of a few endpoints, written from https://developer.hashicorp.com/vault/api-docs (read 2026-11): what a client of KV version 2 meets.

Give it to the ``serve`` fixture: ``server = serve(FakeVault())``. Its clock stands still unless a test moves it.
"""

from __future__ import annotations

import json
import threading
from typing import Any

Answer = tuple[int, dict[str, str], Any]


class FakeVault:
    """Tokens with leases, one AppRole, secrets with versions. ``clock`` says what time it is, in seconds."""

    def __init__(self, clock: Any = lambda: 0.0, *, namespace: str | None = None) -> None:
        self.clock = clock
        self.namespace = namespace
        self.secrets: dict[str, list[dict[str, Any] | None]] = {}
        self.tokens: dict[str, dict[str, Any]] = {}
        self.role = {"role_id": "role-1", "secret_id": "s3cret-id"}
        self.ttl, self.max_ttl, self.renewable = 3600.0, 1e9, True
        self.sealed = False
        #: Status to answer everything with, e.g. that of a standby node.
        self.status: int | None = None
        #: Tokens that may not read.
        self.denied: set[str] = set()
        self.lookup_allowed = True
        self.calls: list[str] = []
        self._issued = 0
        self._lock = threading.Lock()

    def put(self, path: str, **fields: Any) -> None:
        self.secrets.setdefault(path, []).append(fields)

    def issue(self, token: str, *, ttl: float | None = None, renewable: bool | None = None) -> str:
        """A token; ``ttl=0``: for ever, as a root token is."""
        lasts = self.ttl if ttl is None else ttl
        now = self.clock()
        self.tokens[token] = {
            "ttl": lasts,
            "expires": now + lasts if lasts else float("inf"),
            "oldest": now + self.max_ttl,
            "renewable": self.renewable if renewable is None else renewable,
        }
        return token

    def logins(self) -> int:
        return self.calls.count("POST /v1/auth/approle/login")

    def renewals(self) -> int:
        return self.calls.count("PUT /v1/auth/token/renew-self")

    def __call__(self, asked: Any) -> Answer:
        with self._lock:
            self.calls.append(f"{asked.method} {asked.path}")
            if self.sealed:
                return _errors(503, "Vault is sealed")
            if self.status is not None:
                return _errors(self.status, "no")
            return self._route(asked)

    def _route(self, asked: Any) -> Answer:
        if asked.headers.get("x-vault-namespace") != self.namespace:
            return _errors(403, "permission denied")
        if asked.path == "/v1/auth/approle/login":
            return self._login(asked)
        lease = self.tokens.get(asked.headers.get("x-vault-token", ""))
        if lease is None or self.clock() >= lease["expires"]:
            return _errors(403, "permission denied", "invalid token")
        if asked.path == "/v1/auth/token/lookup-self":
            return self._lookup(lease)
        if asked.path == "/v1/auth/token/renew-self":
            return self._renew(asked.headers["x-vault-token"], lease)
        return self._read(asked)

    def _login(self, asked: Any) -> Answer:
        if asked.method not in ("POST", "PUT"):
            return _errors(405, "unsupported operation")
        if json.loads(asked.body or b"{}") != self.role:
            return _errors(400, "invalid role or secret ID")
        self._issued += 1
        token = self.issue(f"hvs.token-{self._issued}")
        return 200, {}, {"auth": self._auth(token), "data": None, "lease_duration": 0, "renewable": False}

    def _auth(self, token: str) -> dict[str, Any]:
        lease = self.tokens[token]
        left = 0 if lease["expires"] == float("inf") else int(lease["expires"] - self.clock())
        return {"client_token": token, "lease_duration": left, "renewable": lease["renewable"], "token_type": "service"}

    def _lookup(self, lease: dict[str, Any]) -> Answer:
        if not self.lookup_allowed:
            return _errors(403, "permission denied")
        left = 0 if lease["expires"] == float("inf") else int(lease["expires"] - self.clock())
        return 200, {}, {"data": {"ttl": left, "renewable": lease["renewable"]}}

    def _renew(self, token: str, lease: dict[str, Any]) -> Answer:
        if not lease["renewable"]:
            return _errors(400, "lease is not renewable")
        lease["expires"] = min(self.clock() + lease["ttl"], lease["oldest"])
        return 200, {}, {"auth": self._auth(token)}

    def _read(self, asked: Any) -> Answer:
        if asked.headers["x-vault-token"] in self.denied:
            return _errors(403, "1 error occurred:\n\t* permission denied\n\n")
        mount, _, path = asked.path.removeprefix("/v1/").partition("/data/")
        versions = self.secrets.get(path, []) if mount == "secret" else []
        number = int(asked.params.get("version", len(versions)))
        if not 1 <= number <= len(versions):
            return 404, {}, {"errors": []}
        fields = versions[number - 1]
        deleted = "" if fields is not None else "2026-01-01T00:00:00.000000000Z"
        metadata = {"created_time": "2026-01-01T00:00:00Z", "deletion_time": deleted, "destroyed": False, "version": number}
        return 200 if fields is not None else 404, {}, {"data": {"data": fields, "metadata": metadata}, "lease_duration": 0}


def _errors(status: int, *words: str) -> Answer:
    return status, {}, {"errors": list(words)}
