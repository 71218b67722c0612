"""`Resource`: one collection of a connector, readable and writable: both a source and a sink.

On the class it is a description; on an instance of a connector the same class again, bound to that client, and cached.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from inspect import getattr_static
from typing import TYPE_CHECKING, Any, Self

from typing_extensions import Unpack

import integrakit.reading as engines  # hands on what few resources need: nothing of it is loaded before
from integrakit._convert import structure
from integrakit.connector.endpoint import Endpoint, fill, placeholders
from integrakit.connector.results import key_in
from integrakit.connector.writer import Endpoints, write_changes
from integrakit.errors import ConfigurationError, DecodeError, IntegrakitError, NotFound
from integrakit.http import Client, Stream
from integrakit.http.arguments import checked_key, checked_method, checked_params
from integrakit.http.paths import ABSENT, look_up, parse_path
from integrakit.http.read_options import ReadOptions, check_read_options
from integrakit.http.records import select
from integrakit.iterating import Rereadable
from integrakit.model import Change, Checkpoint, Evidence, Outcome, Record, Window
from integrakit.protocols import Reader, SinkLimits
from integrakit.reading.watermark import WatermarkReader
from integrakit.reading.watermark_values import lower_bound
from integrakit.runtimes import drive, runtime

if TYPE_CHECKING:
    from integrakit.reading import Lag, Tombstones

__all__ = ["Resource"]


class Resource(Rereadable):
    """One collection: ``orders = Resource("/orders", key="id", cursor="updated_at", since_param="updated_at_min")``.

    ``key``: the field that tells records apart. ``cursor`` and ``since_param``: the field that grows when a record changes, and the parameter that
    asks for those from a value on (inclusive); ``window`` takes that with care. ``create``, ``update``, ``upsert``, ``delete``, ``batch``:
    `Endpoint`. ``item``: the path of one record (default: the collection's path and the key). ``find``: field → path that looks records up by it.
    ``tombstones``: how deletes are told, see `Tombstones`; reads then bring a `Tombstone` for each. ``records``, ``paginator``, ``into``,
    ``stability`` and more say how it is read: see `ReadOptions`.
    """

    # One implementation on the runtime's verbs: an async run awaits `awrite`, and so does a sync one.
    on_runtime = True

    def __init__(
        self,
        path: str,
        *,
        key: str | tuple[str, ...] | None = None,
        cursor: str | None = None,
        since_param: str | None = None,
        window: Window | None = None,
        params: Mapping[str, Any] | None = None,
        item: str | None = None,
        create: Endpoint | None = None,
        update: Endpoint | None = None,
        upsert: Endpoint | None = None,
        delete: Endpoint | None = None,
        batch: Endpoint | None = None,
        find: Mapping[str, str] | None = None,
        tombstones: Tombstones | None = None,
        **read: Unpack[ReadOptions],
    ) -> None:
        if not isinstance(path, str) or not path.startswith("/") or any(character in path for character in "{}?#"):
            raise ConfigurationError(f"Resource(path) takes a path such as '/orders', without a query (see params=) or braces, not {path!r}")
        for name, value in (("cursor", cursor), ("since_param", since_param)):
            if value is not None and (not isinstance(value, str) or not all(value.split("."))):
                raise ConfigurationError(f"Resource({path!r}, {name}=…) takes a name, not {value!r}")
        if (cursor is None) != (since_param is None):
            raise ConfigurationError(
                f"Resource({path!r}): cursor= and since_param= go together: the field that grows, and the parameter that asks by it"
            )
        if window is not None and (cursor is None or not isinstance(window, Window)):
            raise ConfigurationError(f"Resource({path!r}, window=…) takes a Window, and needs cursor= and since_param=")
        if tombstones is not None and not isinstance(tombstones, engines.Tombstones):
            raise ConfigurationError(f"Resource({path!r}, tombstones=…) takes a Tombstones, not {tombstones!r}")
        if tombstones is not None and key is None and tombstones.key is None:
            raise ConfigurationError(f"Resource({path!r}, tombstones=…) needs key=: the field by which a deleted record is known")
        check_read_options(read, key)
        self.path = path
        #: How deletes are told; None: they are not.
        self.tombstones = tombstones
        self.key = checked_key(key)
        self.cursor = cursor
        self.name = path
        self.limits = SinkLimits(batch=batch.size if isinstance(batch, Endpoint) else None)
        self._since_param = since_param
        self._window = window or Window()
        checked_method(read.get("method", "GET"))
        self._read: ReadOptions = read
        self._params = checked_params("params", params)
        self._item = f"{path.rstrip('/')}/{{key}}" if item is None else _checked_item(path, item, self.key)
        self._endpoints = Endpoints(path, create=create, update=update, upsert=upsert, delete=delete, batch=batch)
        # Asking a path that is only a guess would take its 404 for "there is no such record".
        self._asks_by_item = item is not None or self._item in self._endpoints.paths()
        self._find = checked_params("find", find)
        for name, template in self._find.items():
            if not isinstance(template, str) or not template.startswith("/") or set(placeholders(template) or ()) != {name}:
                raise ConfigurationError(
                    f"Resource({path!r}, find=…) takes a path with {{{name}}} and no other placeholder in it for {name!r}, not {template!r}"
                )
        self._since: Checkpoint | None = None
        self._client: Client | None = None
        self._latest: Reader | None = None

    # ------------------------------------------------------------------ binding

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type | None = None) -> Self:
        if instance is None:
            return self
        bound = copy.copy(self)
        bound._client = instance
        # One description may have several names, and other ones in other classes.
        names = [name for name in dir(type(instance)) if getattr_static(type(instance), name, None) is self]
        if self.name not in names:
            bound.name = next(iter(names), self.name)
        for name in names:
            # Not a data descriptor: from now on the instance's own attribute is found first.
            instance.__dict__[name] = bound
        return bound

    @property
    def client(self) -> Client:
        """The connector it is bound to; `ConfigurationError` on the class."""
        if self._client is None:
            raise ConfigurationError(f"resource {self.name!r} is a description: use it on an instance, such as Shop(…).{self.name}")
        return self._client

    # ------------------------------------------------------------------ reading

    def where(self, /, **params: Any) -> Self:
        """The same collection, narrowed by query parameters."""
        narrowed = copy.copy(self)
        narrowed._params = {**self._params, **params}
        narrowed._latest = None
        return narrowed

    def reading(self, /, **options: Unpack[ReadOptions]) -> Self:
        """The same collection, read otherwise: ``shop.orders.reading(prefetch=4, purpose="backfill")``."""
        check_read_options(options, self.key)
        other = copy.copy(self)
        other._read = {**self._read, **options}
        other._latest = None
        return other

    def since(self, checkpoint: Checkpoint | None) -> Self:
        """The same collection, from a checkpoint on."""
        narrowed = copy.copy(self)
        narrowed._since = _checked_since(checkpoint)
        narrowed._latest = None
        return narrowed

    def open_read(self, since: Checkpoint | None = None, /) -> Reader:
        """A reader of one new read; what syncs and reconciliations call."""
        since = _checked_since(since) or self._since
        reader = self._open_records(since)
        if self.tombstones is not None:
            reader = self.tombstones.reader(
                reader,
                self.client,
                path=self.path,
                key=self.key,
                cursor=self.cursor,
                window=self._window,
                since=since,
                paginator=self._read.get("paginator"),
            )
        self._latest = reader
        return reader

    def _open_records(self, since: Checkpoint | None = None, /) -> Reader:
        stream = self._stream(lower_bound(since.watermark, self._window) if since is not None else None)
        reader = stream.open_read(since)
        if self.cursor is not None:
            reader = WatermarkReader(reader, self.cursor, self._window, since, key=self.key)
        return reader

    def _stream(self, start: Any = None) -> Stream:
        params = {} if start is None or self._since_param is None else {self._since_param: start}
        return self.client.stream(self.path, key=self.key, params=self._params, start=params, **self._read)

    async def ameasure_lag(self, *, seconds: float = 600.0, every: float = 15.0) -> Lag:
        """How late rows become visible, watched for so many seconds; `Lag.window` proposes a ``window=``. Needs ``cursor=`` and ``key=``.

        Polls the newest rows ``every`` so many seconds, and asks once for the server's time. Raises `ConfigurationError`, and what reading raises.
        """
        return await engines.ameasure_lag(_Polled(self), seconds=seconds, every=every, cursor=self.cursor, key=self.key, clock=self._clock_difference)

    def measure_lag(self, *, seconds: float = 600.0, every: float = 15.0) -> Lag:
        """`ameasure_lag` for blocking code."""
        return drive(self.ameasure_lag(seconds=seconds, every=every))

    async def _clock_difference(self) -> float | None:
        """The server's clock less ours, by the Date of an answer."""
        begun = runtime().wall()
        try:
            response = await self.client.arequest("HEAD", self.path, check=False)
        except IntegrakitError:
            return None
        return engines.clock_difference(response.headers.get("date"), begun, runtime().wall())

    @property
    def evidence(self) -> Evidence:
        """Of the latest read."""
        return Evidence(reasons=("nothing was read yet",)) if self._latest is None else self._latest.evidence

    async def aget(self, key: Any) -> Record:
        """One record by its key, as an instance of ``into`` where there is one. Raises `NotFound`."""
        record, into = await self._one(key), self._read.get("into")
        return record if into is None else structure(record, into, f"record {key!r} of {self.name}")

    async def _one(self, key: Any) -> dict[str, Any]:
        names = self.key if isinstance(self.key, tuple) else () if self.key is None else (self.key,)
        parts = key if isinstance(self.key, tuple) and isinstance(key, tuple | list) and len(key) == len(names) else (key,) * len(names)
        response = await self.client.arequest("GET", fill(self._item, {**dict(zip(names, parts, strict=True)), "key": key}, f"{self.name}.get"))
        record = _single(response.json(), self.key)
        if not isinstance(record, dict):
            raise DecodeError(f"{response}: the body is a {type(record).__name__} where one record was agreed", response=response)
        return record

    def get(self, key: Any) -> Record:
        return drive(self.aget(key))

    # ------------------------------------------------------------------ writing

    @property
    def writable(self) -> bool:
        return self._endpoints.any()

    @property
    def repeatable(self) -> bool:
        """Whether any write may be sent again at any time."""
        return self._endpoints.repeatable()

    @property
    def takes_keys(self) -> bool:
        """Whether the server recognises a write that is sent again, by its idempotency key. Of a batch only the whole would be recognised."""
        return self.client.takes_idempotency_keys and self._endpoints.batch is None

    @property
    def deletes(self) -> bool:
        return self._endpoints.delete is not None

    async def awrite(self, changes: Sequence[Change]) -> list[Outcome]:
        """Sends the changes; one outcome each, in their order. Raises what concerns all of them: refused credentials, a missing endpoint."""
        changes = list(changes)
        for change in changes:
            if not isinstance(change, Change):
                raise ConfigurationError(f"write() takes changes, Change.upsert(key, record) and its kin, not {type(change).__name__}")
        return await write_changes(self.client, self._endpoints, self.key, changes, keyed=self.client.sends_idempotency_keys)

    def write(self, changes: Sequence[Change]) -> list[Outcome]:
        return drive(self.awrite(changes))

    @property
    def findable(self) -> bool:
        """Whether the system can be asked by key what it holds."""
        return isinstance(self.key, str) and (self.key in self._find or self._asks_by_item)

    @property
    def finds_as_read(self) -> bool:
        """Whether `find` gives what a read would: no parameter narrows its reads, and no ``into=`` makes something else of the records."""
        return not self._params and self._since is None and self._read.get("into") is None

    async def afind(self, keys: Sequence[Any]) -> dict[Any, Record]:
        """The records of those keys that exist, asked one by one: by ``find={key: path}``, or else by the item's own path."""
        found: dict[Any, Record] = {}
        path = self._find.get(self.key) if isinstance(self.key, str) else None
        for key in keys:
            try:
                record = await self._one(key) if path is None else await self._looked_up(path, key)
            except NotFound:
                if path is not None and "?" in path:
                    raise  # a search that is not there says nothing about the record
                continue
            if record is not None:
                found[key] = record
        return found

    async def _looked_up(self, path: str, key: Any) -> Record | None:
        """What a search gives for a key, if it is that record: many searches give what is like it, too."""
        response = await self.client.arequest("GET", fill(path, {str(self.key): key}, f"{self.name}.find"))
        if response.status_code == 204:
            return None
        body, selector = response.json(), self._read.get("records")
        single = _single(body, self.key)
        if isinstance(single, dict) and key_in(single, self.key) is not None:
            records: list[Any] = [single]
        else:
            there = isinstance(selector, str) and look_up(body, parse_path(selector)) is not ABSENT
            records = select(response, selector if there or callable(selector) else None)
        # A server may write a number as text; it is the same key in a URL.
        return next((record for record in records if str(key_in(record, self.key)) == str(key)), None)

    def find(self, keys: Sequence[Any]) -> dict[Any, Record]:
        return drive(self.afind(keys))

    # ------------------------------------------------------------------ words

    def __repr__(self) -> str:
        where = "unbound" if self._client is None else repr(self._client)
        return f"<Resource {self.name} {self.path} of {where}>"

    def describe(self) -> str:
        """One row of Markdown: name, path, key, how it is read and written."""
        writes = [kind for kind in ("create", "update", "upsert", "delete", "batch") if getattr(self._endpoints, kind) is not None]
        paginator = self._read.get("paginator")
        paging = "the connector's" if paginator is None else type(paginator).__name__
        return f"| `{self.name}` | `{self.path}` | {_words(self.key)} | {self.cursor or '–'} | {paging} | {', '.join(writes) or 'read only'} |"


class _Polled:
    """The records of a resource without its tombstones, for measuring."""

    def __init__(self, resource: Resource) -> None:
        self.open_read = resource._open_records
        self._resource = resource

    def __repr__(self) -> str:
        return repr(self._resource)


def _checked_item(path: str, item: Any, key: Any) -> str:
    names = placeholders(item) if isinstance(item, str) and item.startswith("/") else None
    own = (key,) if isinstance(key, str) else key or ()
    if not names or not set(names) <= {"key", *own}:
        raise ConfigurationError(f"Resource({path!r}, item=…) takes the path of one record, such as '{path}/{{key}}', not {item!r}")
    return str(item)


def _checked_since(since: Any) -> Checkpoint | None:
    if since is not None and not isinstance(since, Checkpoint):
        raise ConfigurationError(f"a read begins at a Checkpoint, or None, not at {since!r:.100}; Checkpoint.from_dict(…) makes one of what was kept")
    checked: Checkpoint | None = since
    return checked


def _single(body: Any, key: Any) -> Any:
    """The record in the answer about one: many wrap it in an object with one field, named after it."""
    if isinstance(body, dict) and len(body) == 1 and isinstance(inner := next(iter(body.values())), dict) and key_in(body, key) is None:
        return inner
    return body


def _words(key: Any) -> str:
    return ", ".join(key) if isinstance(key, tuple) else key or "–"
