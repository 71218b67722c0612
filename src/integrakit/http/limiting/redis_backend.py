"""Shared state in Redis: one script for each call, atomic, on the server's clock."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from integrakit.http.limiting.backend import ANSWER_WITHIN, CONNECT_WITHIN, Answer, StateAway
from integrakit.http.limiting.document import open_document
from integrakit.http.limiting.ledger import Ledger, Operation
from integrakit.http.limiting.redis_script import SCRIPT
from integrakit.http.limiting.terms import Terms
from integrakit.http.limiting.this_process import ThisProcess, place_of, shown

__all__ = ["RedisBackend"]


class RedisBackend:
    """One script for each call, on the server's clock. ``clock`` is for tests: what the script takes for the time."""

    def __init__(self, uri: str, name: str, terms: Sequence[Terms], *, clock: Callable[[], float] | None = None) -> None:
        self._uri = uri
        self._name = name
        self._terms = [each.packed() for each in terms]
        self._of = terms
        self._clock = clock
        self._process = ThisProcess()

    def _connect(self) -> Any:
        # Extras, and limits costs more to import than httpx.
        from limits.storage import storage_from_string
        from redis.backoff import NoBackoff
        from redis.exceptions import ConnectionError as Disconnected
        from redis.retry import Retry

        # A connection that the server has closed since is made anew, once; a server that does not answer is not asked again.
        again = Retry(NoBackoff(), 1, supported_errors=(Disconnected,))
        options: dict[str, Any] = {"socket_connect_timeout": CONNECT_WITHIN, "socket_timeout": ANSWER_WITHIN, "retry": again}
        storage: Any = storage_from_string(self._uri, **options)
        return storage.storage.register_script(SCRIPT)

    def _ask(self, key: str, **request: Any) -> Any:
        # An extra; who comes here has it.
        from redis.exceptions import RedisError

        try:
            script, process = self._process.held(self._connect)
            request |= {"terms": self._terms, "process": process}
            if self._clock is not None:
                request["clock"] = self._clock()
            return json.loads(script(keys=[f"integrakit:limit:{{{self._name}}}:{place_of(key)}"], args=[json.dumps(request)]))
        except (RedisError, OSError, ValueError) as problem:
            raise StateAway(f"{shown(self._uri)} cannot be asked") from problem

    def apply(self, key: str, operations: Sequence[Operation], wall: float) -> Answer:
        answers, paused, processes, used, moment = self._ask(key, operations=list(operations))
        return Answer(answers, paused, int(processes), used, moment)

    def look(self, key: str, wall: float) -> tuple[Ledger, float]:
        document = self._ask(key, look=True)
        return open_document(document, self._of, document["at"])[:2]
