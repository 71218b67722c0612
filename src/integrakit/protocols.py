"""Every seam of integrakit, on one page.

Each is one to three methods; anything of the right shape fits, nothing has to be subclassed. What a method may raise, and what it must not do, stands
beside it. No implementation may live here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar, runtime_checkable

from attrs import field, frozen

from integrakit.errors import ConfigurationError
from integrakit.model import Change, Checkpoint, Evidence, Outcome, Page, Record, Request, Response

__all__ = [
    "AsyncSink",
    "AsyncSource",
    "Auth",
    "CallNext",
    "Delete",
    "DeleteColumns",
    "Entry",
    "Exchange",
    "Operation",
    "Paginator",
    "Policy",
    "Put",
    "PutColumns",
    "Readable",
    "Reader",
    "Sink",
    "SinkLimits",
    "Source",
    "Store",
    "TransactionalSink",
    "TransactionalStore",
    "checked_attributes",
    "checked_text",
]

T = TypeVar("T")

# ------------------------------------------------------------------------------------------------ requests

#: Passes a request on to the next policy, and in the end to the server.
CallNext = Callable[[Request], Awaitable[Response]]


#: Sends a request of an auth's own, without credentials, and gives its response.
Exchange = Callable[[Request], Awaitable[Response]]


class Policy(Protocol):
    """What surrounds a request. Awaits only ``call_next`` and the runtime's verbs, so that it works in every world."""

    async def __call__(self, request: Request, call_next: CallNext, /) -> Response: ...


class Auth(Protocol):
    """Signs a request. Called for each attempt, and only for origins the credentials belong to.

    Two methods are optional. ``async authorise_over(request, exchange)`` is called instead of ``authorise`` where it is there: ``exchange`` sends a
    request of the auth's own (to a token endpoint, say) over the same connections, without credentials, and gives its response; a status of 400 or
    more is not raised but stands in ``response.error``. ``async rejected(request, response) -> bool`` is called after a 401 with the request as it
    was signed; True means that the credentials are others now, and the request is signed and sent once more. ``accepted(request)`` is called after a
    status below 400, likewise.
    """

    async def authorise(self, request: Request, /) -> Request: ...

    def secrets(self) -> Iterable[str]:
        """The values that must never show up in a message."""
        ...


class Paginator(Protocol):
    """Knows how the next page is asked for. Pure: no I/O, no state of its own.

    More is looked for and used where it is there. ``stability``, and ``mode`` (how a checkpoint of it goes on, in a word).
    ``first_request(request) -> Request``: the first one, where it needs more than was said. ``declared_total(response) -> int | None``.
    ``select(response) -> list``: the records, where nobody named ``records=``. ``overlap`` (rows asked for again with each page) and
    ``earlier(request, rows) -> Request | None`` (the same page begun so many rows before).
    ``requests_ahead(following, response, records, came, most) -> Sequence[Request]``: those after ``following`` that are known already.
    ``async fill_in(records, request, call) -> Sequence[str]``: completes what a page left out of its records; what it returns are reasons why that
    could not be done.
    """

    def next_request(self, request: Request, response: Response, records: Sequence[Record], /) -> Request | None: ...


# ------------------------------------------------------------------------------------------------ reading


class Reader(Protocol):
    """One read in progress. Not shared between threads or tasks; ``None`` is the end."""

    async def next_page(self) -> Page | None: ...

    @property
    def evidence(self) -> Evidence: ...

    @property
    def checkpoint(self) -> Checkpoint | None:
        """After the end: where the next read begins. None: from the start."""
        ...


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

    Optional attributes: ``key`` (name of the key field), ``repeatable`` (True: a change, or a newer one for its key, may be sent again at any
    time), ``takes_keys`` (True: the very same change with the same idempotency key may be sent again), ``find(keys) -> {key: record}`` (asks which
    keys exist), ``limits`` (`SinkLimits`).
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


def checked_text(what: str, value: Any) -> str:
    """Text that every backend can hold: any unicode text, NUL and "" too, but no lone surrogate. `ConfigurationError` otherwise."""
    if not isinstance(value, str):
        raise ConfigurationError(f"{what} must be text, not {type(value).__name__}")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise ConfigurationError(f"{what} {value!r} has a lone surrogate, which no store can hold: decode the text rightly first") from None
    return value


def checked_attributes(what: str, attributes: Any) -> Mapping[str, str | int]:
    """Attributes that every backend can index: names to text or to whole numbers of 64 bits. `ConfigurationError` otherwise."""
    if not isinstance(attributes, Mapping):
        raise ConfigurationError(f"{what} must be a mapping of names to text or whole numbers, not {type(attributes).__name__}")
    for name, value in attributes.items():
        checked_text(f"a name in {what}", name)
        if isinstance(value, str):
            checked_text(f"{what}[{name!r}]", value)
        elif not isinstance(value, int) or not -(2**63) <= value < 2**63:
            raise ConfigurationError(f"{what}[{name!r}] must be text or a whole number of at most 64 bits, not {type(value).__name__}")
    return attributes


def _check_place(kind: str, space: Any, key: Any, expect: Any) -> None:
    if isinstance(space, str) and isinstance(key, str) and space and space.isascii() and key.isascii() and expect is None:
        return  # nearly all of them, and there are many
    checked_text(f"{kind}.key", key)
    if not checked_text(f"{kind}.space", space):
        raise ConfigurationError(f'{kind}.space must not be empty: give it a name such as "checkpoints"')
    if expect is not None and (not isinstance(expect, int) or isinstance(expect, bool) or expect < 0):
        raise ConfigurationError(f"{kind}.expect must be the version of an Entry, 0 for 'must not exist', or None for any; not {expect!r}")


@frozen
class Entry:
    """One document as it stands: its value, the version to ``expect`` when it is written again, and its key.

    The version grows by one with each write of the document, and a key never sees the same version twice, even when it was deleted in between.
    """

    value: Any
    version: int
    key: str = ""
    attributes: Mapping[str, str | int] = field(factory=dict)


@frozen
class Put:
    """Write one document. ``expect``: the version it must have now (0: it must not exist; None: any). ``ttl``: seconds until it is gone.

    Raises `ConfigurationError` for a place, a version, a ``ttl`` or attributes that no store can take; for the value, `Store.commit` does.
    """

    space: str
    key: str
    value: Any
    expect: int | None = field(default=None, kw_only=True)
    ttl: float | None = field(default=None, kw_only=True)
    #: What `Store.scan` can select by.
    attributes: Mapping[str, str | int] = field(factory=dict, kw_only=True)

    def __attrs_post_init__(self) -> None:
        _check_place("Put", self.space, self.key, self.expect)
        if self.ttl is not None and (not isinstance(self.ttl, int | float) or not 0 < self.ttl < 1e10):
            raise ConfigurationError(f"Put.ttl must be seconds above 0, or None to keep the document for good; not {self.ttl!r}")
        if self.attributes or not isinstance(self.attributes, dict):
            checked_attributes("Put.attributes", self.attributes)


@frozen
class Delete:
    """Remove one document; that it is not there is no error unless ``expect`` says a version."""

    space: str
    key: str
    expect: int | None = field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        _check_place("Delete", self.space, self.key, self.expect)


@frozen
class PutColumns:
    """Write a batch of ``key → bytes`` into a hot set, whatever was there."""

    set: str
    values: Mapping[str, bytes]

    def __attrs_post_init__(self) -> None:
        checked_text("PutColumns.set", self.set)
        if not isinstance(self.values, Mapping) or not all(isinstance(value, bytes) for value in self.values.values()):
            raise ConfigurationError("PutColumns.values must be a mapping of keys to bytes")
        for key in self.values:
            checked_text("a key in PutColumns.values", key)


@frozen
class DeleteColumns:
    """Remove a batch of keys from a hot set; with ``keys=None`` all of them."""

    set: str
    keys: Sequence[str] | None = None

    def __attrs_post_init__(self) -> None:
        checked_text("DeleteColumns.set", self.set)
        if self.keys is None:
            return
        if isinstance(self.keys, str | bytes) or not isinstance(self.keys, Sequence):
            raise ConfigurationError(f"DeleteColumns.keys must be a list of keys, or None for all of them; not a {type(self.keys).__name__}")
        for key in self.keys:
            checked_text("a key in DeleteColumns.keys", key)


Operation = Put | Delete | PutColumns | DeleteColumns


@runtime_checkable
class Store(Protocol):
    """Where state lives. Synchronous and thread-safe; the runtime takes it off the event loop.

    Raises `ConfigurationError` for an argument that can never be right, and `StoreError` for everything else. What has expired is not there.
    """

    def get(self, space: str, key: str) -> Entry | None: ...

    def get_many(self, space: str, keys: Iterable[str]) -> dict[str, Entry]:
        """Those that exist, in the order of ``keys``."""
        ...

    def scan(
        self,
        space: str,
        *,
        prefix: str = "",
        where: Mapping[str, str | int] | None = None,
        after: str | None = None,
        limit: int | None = None,
    ) -> Iterator[Entry]:
        """Documents in the order of their keys (by code point), those after ``after`` only. Writing to the store while iterating is allowed:
        what stays as it is comes exactly once; what is written meanwhile may come as it was or as it is."""
        ...

    def get_columns(self, set: str, keys: Iterable[str]) -> dict[str, bytes]: ...

    def scan_columns(self, set: str, *, after: str | None = None, limit: int | None = None) -> Iterator[tuple[str, bytes]]:
        """In the order of keys (by code point). Writing to the store while iterating is allowed, as with `scan`."""
        ...

    def count_columns(self, set: str) -> int: ...

    def commit(self, operations: Sequence[Operation]) -> None:
        """All or nothing, in their order, durable on return. Raises `VersionConflict` when an ``expect`` does not hold: nothing was kept then."""
        ...

    def close(self) -> None: ...


@runtime_checkable
class TransactionalStore(Protocol):
    """A store in a SQL database: others can write in its transaction."""

    def commit_with(self, work: Callable[[Any], tuple[T, Sequence[Operation]]]) -> T:
        """Calls ``work(connection)`` inside a transaction, then keeps the operations it returns in that same transaction.

        What ``work`` raises goes through unchanged, and nothing is kept. It must not commit, roll back, or write to the store by another way.
        """
        ...

    def same_database(self, path: Any) -> bool:
        """Whether ``path`` names the database this store lives in, so that a sink may write through `commit_with`."""
        ...
