"""The simulated server itself, without a network: one call and the time go in, one reply comes out.

In this order, as in front of a real service: faults that keep a call from arriving, credentials, rate limit, idempotency keys, the tables, and then
the faults that meet the answer. Nothing here waits or opens anything; a lock makes it safe for threads.
"""

from __future__ import annotations

import hashlib
import math
import random
import threading
from collections.abc import Callable, Mapping
from typing import Any

from attrs import define, field

from integrakit.testing.exchange import Call, Headers, RecordedRequest, Reply, error_reply, recorded
from integrakit.testing.faults import Fault, FaultDraw
from integrakit.testing.quota import Quota
from integrakit.testing.resources import Resources
from integrakit.testing.rows import Table

__all__ = ["Application"]

# As Stripe: what was refused before it was carried out is not remembered.
_NOT_REMEMBERED = (400, 405, 422)


@define(eq=False)
class _Remembered:
    """The first answer to an idempotency key."""

    fingerprint: str
    reply: Reply
    busy: bool = True


@define(kw_only=True, eq=False)
class Application:
    """All of the server's state. ``lock`` guards it, the tables included."""

    tables: Mapping[str, Table]
    resources: Resources
    draw: FaultDraw
    quota: Quota | None
    #: None, or what says whether a call may come in.
    allowed: Callable[[Headers], bool] | None
    #: The header that carries idempotency keys, or None.
    idempotency: str | None
    latency: tuple[float, float]
    random: random.Random
    lock: Any = field(factory=threading.RLock)
    log: list[RecordedRequest] = field(factory=list)
    refused: int = 0
    _keys: dict[str, _Remembered] = field(factory=dict)
    _count: int = 0

    def handle(self, call: Call, now: float) -> Reply:
        """Decides and does everything at once. Whoever delivers the reply waits ``reply.delay`` seconds, then calls `finish`."""
        with self.lock:
            self._count += 1
            number = f"req-{self._count}"
            fault = self.draw.next(call.method)
            # Drawn for each request, so that the latency of one does not depend on the fate of those before.
            latency = self.random.uniform(*self.latency)
            reply, kind = self._decide(call, fault, now)
            reply.delay += latency
            reply.headers.append(("X-Request-Id", number))
            self.log.append(recorded(call, reply.status, fault=kind, at=now, id=number))
            return reply

    def restart(self, quota: Quota | None) -> None:
        """A server that starts knows of no request under way, and counts anew: its clock may be another one."""
        with self.lock:
            self.quota = quota
            for remembered in self._keys.values():
                remembered.busy = False

    def finish(self, reply: Reply) -> None:
        """The reply is out (or nobody waits for it any more): its idempotency key may be used again."""
        if reply.key is not None:
            with self.lock:
                self._keys[reply.key].busy = False

    def idempotency_keys(self) -> dict[str, int]:
        """Each key that was honoured, with the status that is replayed for it."""
        with self.lock:
            return {key: remembered.reply.status or 0 for key, remembered in self._keys.items()}

    def _decide(self, call: Call, fault: Fault | None, now: float) -> tuple[Reply, str | None]:
        kind = fault.kind if fault is not None else None
        if kind == "drop":
            return Reply(None, dropped=True), kind
        if fault is not None and kind == "error":
            return self._error(fault), kind
        if self.allowed is not None and not self.allowed(call.headers):
            reply, other = error_reply(401, "unauthorized", "the credentials are missing or wrong", ("WWW-Authenticate", "Bearer")), False
        elif self.quota is not None and (wait := self.quota.admit(now)) > 0:
            self.refused += 1
            seconds = max(1, math.ceil(wait - 1e-9))  # whole seconds: what most servers send
            message = f"rate limit exceeded, come back in {seconds} s"
            reply, other = error_reply(429, "rate_limited", message, ("Retry-After", str(seconds))), False
        else:
            reply, other = self._once(call, kind)
        return reply, self._afflict(call, reply, kind, other)

    def _error(self, fault: Fault) -> Reply:
        retry_after = self.draw.faults.retry_after
        headers = () if retry_after is None or fault.status != 503 else (("Retry-After", f"{retry_after}"),)
        return error_reply(fault.status, "fault", "a fault of the simulator: nothing was done", *headers)

    def _afflict(self, call: Call, reply: Reply, kind: str | None, other: bool) -> str | None:
        """Does to an answer what its fault says; the fault that took effect, or None."""
        if kind in ("duplicate", "empty"):
            return kind if other else None
        if kind == "malformed":
            if not reply.body or call.method == "HEAD":
                return None
            reply.body = reply.body[: len(reply.body) // 2]
        elif kind == "slow":
            reply.delay += self.draw.faults.slow_seconds
        elif kind == "drop_response":
            reply.dropped = True
        return kind

    # ------------------------------------------------------------------ idempotency keys

    def _once(self, call: Call, fault: str | None) -> tuple[Reply, bool]:
        key = call.headers.get(self.idempotency) if self.idempotency is not None and call.method in ("POST", "PATCH") else None
        if key is None:
            return self.resources.answer(call, fault=fault)
        fingerprint = hashlib.sha256(b"\0".join([call.method.encode(), call.target.encode(), call.body])).hexdigest()
        remembered = self._keys.get(key)
        if remembered is not None:
            if remembered.fingerprint != fingerprint:
                return error_reply(422, "idempotency_key_reused", f"the key {key} was used for another request"), False
            if remembered.busy:
                return error_reply(409, "idempotency_key_in_use", f"the request with the key {key} is still under way"), False
            first = remembered.reply
            return Reply(first.status, [*first.headers, ("Idempotent-Replayed", "true")], first.body), False
        reply, _ = self.resources.answer(call)
        if reply.status not in _NOT_REMEMBERED:
            # Its own copy: a fault may cut off the one that is sent.
            self._keys[key] = _Remembered(fingerprint, Reply(reply.status, list(reply.headers), reply.body))
            reply.key = key
        return reply, False
