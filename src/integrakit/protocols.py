"""Every seam of integrakit, on one page.

Each is one to three methods; anything of the right shape fits, nothing has to be subclassed. What a method may raise, and what it must not do, stands
beside it. No implementation may live here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar, runtime_checkable

from attrs import field, frozen

from integrakit.model import Change, Checkpoint, Evidence, Outcome, Page, Record, Request, Response

T = TypeVar("T")

# ------------------------------------------------------------------------------------------------ requests

#: Passes a request on to the next policy, and in the end to the server.
CallNext = Callable[[Request], Awaitable[Response]]


class Policy(Protocol):
    """What surrounds a request. Awaits only ``call_next`` and the runtime's verbs, so that it works in every world."""

    async def __call__(self, request: Request, call_next: CallNext, /) -> Response: ...


class Auth(Protocol):
    """Signs a request. Called for each attempt, and only for origins the credentials belong to."""

    async def authorise(self, request: Request, /) -> Request: ...

    def secrets(self) -> Iterable[str]:
        """The values that must never show up in a message."""
        ...


class Paginator(Protocol):
    """Knows how the next page is asked for. Pure: no I/O, no state of its own."""

    def next_request(self, request: Request, response: Response, records: Sequence[Record], /) -> Request | None: ...


# ------------------------------------------------------------------------------------------------ reading


class Reader(Protocol):
    """One read in progress. Not shared between threads or tasks; ``None`` is the end."""

    async def next_page(self) -> Page | None: ...

    @property
    def evidence(self) -> Evidence: ...


@runtime_checkable
class Source(Protocol):
    """Anything that can be read page by page. A plain iterable of records is a source too."""

    def pages(self, since: Checkpoint | None, /) -> Iterable[Page]: ...


@runtime_checkable
class AsyncSource(Protocol):
    """A source for async code only: the iterator is an asynchronous one."""

    def apages(self, since: Checkpoint | None, /) -> Any: ...


@runtime_checkable
class Readable(Protocol):
    """A source of integrakit's own making: its reader is written on the runtime and works in every world."""

    def open_read(self, since: Checkpoint | None = None, /) -> Reader: ...


# ------------------------------------------------------------------------------------------------ writing


@runtime_checkable
class Sink(Protocol):
    """Anything that can be written to: one outcome for each change, in their order. A callable taking a list of records is a sink too.

    Optional attributes: ``key`` (name of the key field), ``repeatable`` (True: the same change twice has the effect of one),
    ``find(keys) -> {key: remote key or record}`` (asks which keys exist), ``limits`` (`SinkLimits`).
    An exception means that nothing is known about any change of the batch that was not reported.
    """

    def write(self, changes: Sequence[Change], /) -> Sequence[Outcome]: ...


@runtime_checkable
class AsyncSink(Protocol):
    """A sink for async code. With ``on_runtime = True`` it awaits only the runtime's verbs and works in sync runs too."""

    async def awrite(self, changes: Sequence[Change], /) -> Sequence[Outcome]: ...


@runtime_checkable
class TransactionalSink(Protocol):
    """A sink in the same database as the store: its writes and the store's share one transaction."""

    def write_in(self, connection: Any, changes: Sequence[Change], /) -> Sequence[Outcome]: ...

    def shares_database_with(self, store: Store, /) -> bool: ...


@frozen(kw_only=True)
class SinkLimits:
    """What one call of a sink can take: ``batch`` changes at most."""

    batch: int | None = None


# ------------------------------------------------------------------------------------------------ remembering


@frozen
class Entry:
    """One document as it stands: its value, the version to ``expect`` when it is written again, and its key."""

    value: Any
    version: int
    key: str = ""
    attributes: Mapping[str, str | int] = field(factory=dict)


@frozen
class Put:
    """Write one document. ``expect``: the version it must have now (0: it must not exist; None: any). ``ttl``: seconds until it is gone."""

    space: str
    key: str
    value: Any
    expect: int | None = field(default=None, kw_only=True)
    ttl: float | None = field(default=None, kw_only=True)
    #: What `Store.scan` can select by.
    attributes: Mapping[str, str | int] = field(factory=dict, kw_only=True)


@frozen
class Delete:
    """Remove one document; that it is not there is no error unless ``expect`` says a version."""

    space: str
    key: str
    expect: int | None = field(default=None, kw_only=True)


@frozen
class PutColumns:
    """Write a batch of ``key → bytes`` into a hot set, whatever was there."""

    set: str
    values: Mapping[str, bytes]


@frozen
class DeleteColumns:
    """Remove a batch of keys from a hot set; with ``keys=None`` all of them."""

    set: str
    keys: Sequence[str] | None = None


Operation = Put | Delete | PutColumns | DeleteColumns


class Store(Protocol):
    """Where state lives. Synchronous and thread-safe; the runtime takes it off the event loop. Raises `StoreError` and nothing else."""

    def get(self, space: str, key: str) -> Entry | None: ...

    def get_many(self, space: str, keys: Iterable[str]) -> dict[str, Entry]: ...

    def scan(
        self,
        space: str,
        *,
        prefix: str = "",
        where: Mapping[str, str | int] | None = None,
        after: str | None = None,
        limit: int | None = None,
    ) -> Iterator[Entry]:
        """Documents in the order of their keys (by code point), those after ``after`` only. Writing to the store while iterating is allowed."""
        ...

    def get_columns(self, set: str, keys: Iterable[str]) -> dict[str, bytes]: ...

    def scan_columns(self, set: str, *, after: str | None = None, limit: int | None = None) -> Iterator[tuple[str, bytes]]:
        """In the order of keys (by code point). Writing to the store while iterating is allowed."""
        ...

    def count_columns(self, set: str) -> int: ...

    def commit(self, operations: Sequence[Operation]) -> None:
        """All or nothing, durable on return. Raises `VersionConflict` when an ``expect`` does not hold."""
        ...

    def close(self) -> None: ...


@runtime_checkable
class TransactionalStore(Protocol):
    """A store in a SQL database: others can write in its transaction."""

    def commit_with(self, work: Callable[[Any], tuple[T, Sequence[Operation]]]) -> T:
        """Calls ``work(connection)`` inside a transaction, then keeps the operations it returns in that same transaction."""
        ...
