"""`AuditLog`: the two policies that record every exchange, and the looking back.

An attempt is recorded twice: before it goes to the wire and when it ended. A log that writes only what has ended loses exactly the exchanges somebody
will ask about: those in the middle of which the process died. What cannot be recorded before it is sent is not sent; what was answered is handed
back, whatever became of the log: an error instead of the answer would make the caller write a second time.
"""

from __future__ import annotations

import logging
import os
import re
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from secrets import token_hex
from types import TracebackType
from typing import Any, Literal

from integrakit._locks import StateLock
from integrakit.audit.appender import Appender, File
from integrakit.audit.chain import FORMAT, Head, SignedHead, Stored, key_bytes, verify_head
from integrakit.audit.drafting import Drafting, Exchange, iso
from integrakit.audit.json_lines_file import JsonLinesFile, read_json_lines
from integrakit.audit.options import checked_path, is_json_lines, one_of, optional_callable, seconds, whole
from integrakit.audit.record import AuditRecord
from integrakit.audit.sqlite_file import SqliteFile, read_sqlite
from integrakit.audit.verifying import Verification, verify
from integrakit.errors import ConfigurationError, StoreError, StoreTooNew
from integrakit.model import Request, Response
from integrakit.protocols import CallNext
from integrakit.runtimes import runtime

__all__ = ["AuditLog"]

#: Under this name a request carries the call it belongs to.
_MARK = "audit"
#: Under this one it says that it is an auth's own: its bodies are credentials, and what is said of them is not kept.
_OF_AUTH = "of_auth"
_FORMAT = re.compile(rb'"format":(\d{1,9})')
_READING = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
#: Records that could not be written are kept in memory up to this number; of more it is written how many they were.
_MOST_OWED = 1000


class AuditLog:
    """An append-only, hash-chained log of every exchange: who, what, when, outcome, attempts, hashes. Never a body, a credential or a header's value.

    ``path``: the file; its directory must exist. ``form``: ``"sqlite"`` or ``"jsonl"``; by default the suffixes ``.jsonl`` and ``.ndjson`` mean JSON
    lines. ``actor``: who is acting, a text or a function that gives one; a call's own ``extensions["actor"]`` goes before it. ``durability``:
    ``"full"`` survives a power cut, ``"normal"`` any crash of the process. ``announce``: which attempts are recorded before they are sent, too:
    ``"all"``, ``"writes"`` (not GET, HEAD, OPTIONS, TRACE) or ``"none"``. ``bodies``: ``"hash"``, ``"hmac"`` (with ``key``, for bodies that could be
    guessed) or ``"none"``. ``values=False`` hides the values of all query parameters, ``messages=True`` keeps the words of errors, ``redact`` is a
    function of one's own over every text. ``on_failure``: ``"raise"`` refuses to send what cannot be recorded, ``"warn"`` sends it all the same.
    ``heads`` is called with the `Head` at every ``heads_every`` records and at the end. ``timeout``: seconds to wait for others who are writing.

    Safe for threads, tasks, processes on one machine, and across a fork. Raises `ConfigurationError` for wrong arguments, and `StoreError` where the
    file cannot be used.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        actor: str | Callable[[], str] | None = None,
        form: Literal["sqlite", "jsonl"] | None = None,
        durability: Literal["full", "normal"] = "full",
        announce: Literal["all", "writes", "none"] = "all",
        bodies: Literal["hash", "hmac", "none"] = "hash",
        key: Any = None,
        values: bool = True,
        messages: bool = False,
        redact: Callable[[str], str] | None = None,
        on_failure: Literal["raise", "warn"] = "raise",
        heads: Callable[[Head], object] | None = None,
        heads_every: int = 1000,
        timeout: float = 30.0,
    ) -> None:
        self._path = checked_path(path)
        self._lines = is_json_lines(form, self._path)
        one_of("durability", durability, ("full", "normal"))
        self._announce = one_of("announce", announce, ("all", "writes", "none"))
        one_of("bodies", bodies, ("hash", "hmac", "none"))
        self._on_failure = one_of("on_failure", on_failure, ("raise", "warn"))
        if (bodies == "hmac") != (key is not None):
            raise ConfigurationError('AuditLog(bodies="hmac", key=…) go together: the key is for nothing else')
        if actor is not None and not callable(actor):
            _actor(actor)
        self._actor = actor
        self._drafting = Drafting(
            bodies=bodies,
            key=None if key is None else key_bytes("AuditLog(key=…)", key),
            values=values,
            messages=messages,
            redact=optional_callable("redact", redact),
        )
        self._heads = optional_callable("heads", heads)
        self._every = whole("heads_every", heads_every)
        self._timeout = seconds("timeout", timeout)
        self._owed: list[dict[str, Any]] = []
        self._lost = 0
        self._begin()
        self._guard = StateLock(self._begin).here
        self._handed = -1
        make: Callable[[Path, str, float], File] = JsonLinesFile if self._lines else SqliteFile
        self._appender = Appender(lambda: make(self._path, durability, self._timeout), f"the audit log {self._path}", self._timeout)
        try:
            self._appender.append((), iso(runtime().wall()))
            self._check_format()
        except BaseException:
            self._appender.close()
            raise

    def __repr__(self) -> str:
        return f"AuditLog({str(self._path)!r})"

    @property
    def path(self) -> Path:
        """The file, as an absolute path."""
        return self._path

    # ------------------------------------------------------------------------------------------------ the policies

    async def call(self, request: Request, call_next: CallNext, /) -> Response:
        """The outermost policy: one record of how the whole call ended."""
        exchange = self._exchange(request, dict(request.params))
        exchange.ended, exchange.record = False, self.attempt
        started = runtime().now()
        marked = request.copy()
        marked.extensions[_MARK] = exchange
        try:
            response = await call_next(marked)
        except BaseException as problem:
            exchange.ended = True
            end = self._end("call", partial(self._whole, request, exchange, problem), exchange, started)
            await self._after([*exchange.take(), end], problem)
            raise
        exchange.ended = True
        end = self._end("call", partial(self._whole, request, exchange, response), exchange, started)
        await self._after([*exchange.take(), end], None)
        return response

    def _whole(self, request: Request, exchange: Exchange, outcome: Response | BaseException) -> dict[str, Any]:
        """The facts of a whole call."""
        drafting = self._drafting
        facts = {**drafting.request(request, exchange.params, body=not exchange.latest), **exchange.latest, "attempt": exchange.attempts}
        if isinstance(outcome, BaseException):
            return {**facts, **drafting.error(outcome)}
        return {**facts, **drafting.response(outcome, exchange.latest), "attempt": max(outcome.attempts, exchange.attempts)}

    async def attempt(self, request: Request, call_next: CallNext, /) -> Response:
        """Just before the wire: a record before, and one after. A client calls it for each exchange of a `call`; as a policy it stands alone, too."""
        exchange = request.extensions.get(_MARK)
        if not isinstance(exchange, Exchange):
            exchange = self._exchange(request, None)
        else:
            # Recorded here, and not once more by the client.
            request = request.copy()
            del request.extensions[_MARK]
        of_auth = _OF_AUTH in request.extensions
        base = {"exchange": token_hex(8), "attempt": request.attempt, **self._drafting.request(request, exchange.params, body=not of_auth)}
        if of_auth:
            base["authorisation"] = True
        announced: list[dict[str, Any]] = []
        if self._announce == "all" or (self._announce == "writes" and request.method.upper() not in _READING):
            announced = [{"kind": "started", "at": iso(runtime().wall()), **self._who(exchange), **base}]
        on_its_way, started = False, runtime().now()
        try:
            if announced or (self._owed and self._on_failure == "raise"):
                await self._before(request, [*exchange.take(), *announced])
            on_its_way, started = True, runtime().now()
            if not of_auth:
                exchange.attempts = max(exchange.attempts, request.attempt)
            response = await call_next(request)
        except BaseException as problem:
            if isinstance(problem, StoreError) and not on_its_way:
                raise
            if not on_its_way:
                base["sent"] = False  # cancelled while it was being announced
            if not of_auth:
                exchange.latest = {name: base[name] for name in _HASHES if name in base}
            end = self._end("attempt", partial(self._drafting.error, problem, secret=of_auth), exchange, started, base)
            await self._after([*exchange.take(), end], problem)
            raise
        end = self._end("attempt", partial(self._drafting.response, response, secret=of_auth), exchange, started, base)
        if not of_auth:
            exchange.latest = {name: end[name] for name in _HASHES if name in end}
        if not exchange.ended and end.get("status", 500) < 300 and "error" not in end:
            # The call is about to end, too: the two are written with one flush of the disk.
            exchange.held.append(end)
        else:
            await self._after([*exchange.take(), end], None)
        return response

    def _who(self, exchange: Exchange) -> dict[str, Any]:
        self._guard()  # for the name of this process
        who = {"call": exchange.call, "process": self._process}
        return who if exchange.actor is None else {**who, "actor": exchange.actor}

    def _exchange(self, request: Request, params: Mapping[str, Any] | None) -> Exchange:
        actor = request.extensions.get("actor")
        if actor is None:
            actor = self._actor() if callable(self._actor) else self._actor
        return Exchange(token_hex(8), None if actor is None else self._drafting.text(_actor(actor)), params)

    def _end(
        self, kind: str, describe: Callable[[], Mapping[str, Any]], exchange: Exchange, started: float, base: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        world = runtime()
        took = round((world.now() - started) * 1e6)
        try:
            facts = describe()
        except Exception as problem:  # noqa: BLE001 - noted, and logged
            # A function of the user's own, or an answer of a strange shape. What happened must be recorded, and handed on, all the same.
            _logger().warning("the end of an exchange could not be described", exc_info=True)
            facts = {"note": f"could not be described: {type(problem).__name__}"}
        return {"kind": kind, "at": iso(world.wall()), **self._who(exchange), **(base or {}), **facts, "microseconds": took}

    def _begin(self) -> None:
        """In this process. In a forked child: what the parent still has to write, the parent writes."""
        self._owed, self._lost = [], 0
        self._process = f"{socket.gethostname()}:{os.getpid()}"

    # ------------------------------------------------------------------------------------------------ writing

    async def _before(self, request: Request, drafts: list[dict[str, Any]]) -> None:
        once = _Once(self._append)
        try:
            await runtime().blocking(once, drafts, iso(runtime().wall()))
        except StoreError as problem:
            if self._on_failure == "raise":
                self._owe([draft for draft in drafts if draft["kind"] != "started"])
                raise StoreError(f"{request} was not sent, because the audit log cannot record it: {problem}") from problem
            self._owe(drafts)
            self._warn(problem)
        except BaseException:
            if once.claim():  # cancelled before its turn came
                self._owe([draft for draft in drafts if draft["kind"] != "started"])
            raise

    async def _after(self, drafts: list[dict[str, Any]], ended_by: BaseException | None) -> None:
        once, at = _Once(self._append_late), iso(runtime().wall())
        if isinstance(ended_by, GeneratorExit):
            once(drafts, at)  # a coroutine that is being closed may not await any more
            return
        try:
            await runtime().blocking(once, drafts, at)
        except BaseException:
            once(drafts, at)  # cancelled before its turn came: what happened is recorded all the same
            raise

    def _append_late(self, drafts: list[dict[str, Any]], at: str) -> None:
        try:
            self._append(drafts, at)
        except StoreError as problem:
            self._owe(drafts)
            self._warn(problem)

    def _append(self, drafts: list[dict[str, Any]], at: str) -> None:
        with self._guard():
            owed, self._owed = self._owed, []
            lost, self._lost = self._lost, 0
        late: list[dict[str, Any]] = []
        if owed or lost:
            why = f"{len(owed)} records that follow could not be written when they were made"
            late = [{"kind": "note", "at": at, "note": why + (f", and {lost} more are lost" if lost else ""), "late": len(owed), "lost": lost}]
        try:
            begun, head = self._appender.append([*late, *owed, *drafts], at)
        except BaseException:
            with self._guard():
                self._owed, self._lost = owed + self._owed, self._lost + lost
            raise
        if head.seq // self._every > (begun - 1) // self._every:
            self._hand_on(head)

    def _owe(self, drafts: list[dict[str, Any]]) -> None:
        with self._guard():
            room = max(0, _MOST_OWED - len(self._owed))
            self._owed += drafts[:room]
            self._lost += len(drafts[room:])

    def _warn(self, problem: StoreError) -> None:
        _logger().warning("%d records are waiting to be written: %s", len(self._owed), problem)

    def _hand_on(self, head: Head) -> None:
        with self._guard():
            if self._heads is None or head.seq <= self._handed:
                return
            before, self._handed = self._handed, head.seq
        try:
            self._heads(head)
        except Exception:  # noqa: BLE001 - logged
            # The records are written: whoever keeps the heads must not stop the calls. It is called again at the next turn, and at the end.
            _logger().exception("heads=… failed at record %d", head.seq)
            self._handed = before

    # ------------------------------------------------------------------------------------------------ looking back

    def __iter__(self) -> Iterator[AuditRecord]:
        return self.records()

    def records(self, *, after: int | None = None) -> Iterator[AuditRecord]:
        """All records in their order, or those behind number ``after``. Raises `StoreError` at one that cannot be read. Memory stays flat."""
        return (AuditRecord.of(stored) for stored in self._stored(after) if not (stored.data is None and stored.seq is None))

    def unfinished(self) -> list[AuditRecord]:
        """Attempts that were announced and whose end is not recorded: under way just now, or the process died in the middle of them."""
        started: dict[str | None, AuditRecord] = {}
        for record in self:
            if record.kind == "started":
                started[record.exchange] = record
            elif record.kind == "attempt":
                started.pop(record.exchange, None)
        return list(started.values())

    def head(self) -> Head:
        """Number and hash of the last record."""
        return self._appender.append((), iso(runtime().wall()))[1]

    def verify(self, *, head: Head | SignedHead | Iterable[Head | SignedHead] | None = None, key: Any = None) -> Verification:
        """Walks over the whole log and names what was changed, removed, reordered or put in.

        ``head``: one that was kept elsewhere, or several: what was cut off at the end is found only by them, and so is a chain made anew. ``key``: of
        signed ones. Raises `SignatureError` where a signature does not hold, and `StoreError` where the file cannot be read.
        """
        given = [] if head is None else list(head) if isinstance(head, Iterable) else [head]
        heads = []
        for one in given:
            if not isinstance(one, Head | SignedHead):
                raise ConfigurationError(f"verify(head=…) takes a Head or a SignedHead, or several, not {type(one).__name__}: see Head.from_dict")
            if isinstance(one, SignedHead) and key is None:
                raise ConfigurationError("verify(head=…) takes the key of a signed head as key=")
            heads.append(verify_head(one, key) if isinstance(one, SignedHead) else one)
        return verify(self._stored(None), heads)

    def _stored(self, after: int | None) -> Iterator[Stored]:
        return (read_json_lines if self._lines else read_sqlite)(self._path, self._timeout, after)

    def _check_format(self) -> None:
        # Read without believing it: a log that was tampered with must open, so that it can be verified.
        first = next(self._stored(None), None)
        match = None if first is None else _FORMAT.search(first.data or b"")
        if match is not None and int(match[1]) > FORMAT:
            raise StoreTooNew(f"{self._path} was written by a newer integrakit (format {int(match[1])}, this one knows {FORMAT}): upgrade integrakit")

    def close(self) -> None:
        """Writes what is still waiting, hands on the last head, and closes the file. Raises `StoreError` when something could not be written.

        Closing twice is allowed.
        """
        if self._appender.closed:
            return
        self._guard()  # for what is owed in this process
        try:
            if self._owed or self._lost:
                self._append([], iso(runtime().wall()))
            if self._heads is not None:
                self._hand_on(self.head())
        finally:
            self._appender.close()

    def __enter__(self) -> AuditLog:
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class _Once:
    """Calls a function once, whichever thread comes first."""

    def __init__(self, function: Callable[[list[dict[str, Any]], str], None]) -> None:
        self._function = function
        self._claim = threading.Lock()

    def claim(self) -> bool:
        """True for whoever asks first."""
        return self._claim.acquire(blocking=False)

    def __call__(self, drafts: list[dict[str, Any]], at: str) -> None:
        if self.claim():
            self._function(drafts, at)


_HASHES = ("request_hash", "request_bytes", "response_hash", "response_bytes")


def _logger() -> logging.Logger:
    return logging.getLogger("integrakit.audit")


def _actor(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ConfigurationError(f'the actor of an audit log is a text such as "orders-sync", or a function that gives one, not {value!r}')
    return value
