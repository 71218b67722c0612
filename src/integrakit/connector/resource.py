"""`Resource`: one collection of a connector, readable and writable: both a source and a sink.

On the class it is a description; on an instance of a connector the same class again, bound to that client, and cached.
"""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Any

from integrakit.connector.endpoint import Endpoint, fill
from integrakit.connector.writer import Endpoints, write_changes
from integrakit.errors import ConfigurationError, DecodeError, NotFound
from integrakit.http import Client, Stream
from integrakit.http.client import check_paginator
from integrakit.http.records import Selector, check_selector, select
from integrakit.iterating import Pages, Read
from integrakit.model import Change, Checkpoint, Evidence, Outcome, Record, Stability, Window
from integrakit.protocols import Paginator, Reader, SinkLimits
from integrakit.reading import WatermarkReader, lower_bound
from integrakit.runtimes import drive

__all__ = ["Resource"]


class Resource:
    """One collection: ``orders = Resource("/orders", key="id", cursor="updated_at", since_param="updated_at_min")``.

    ``key``: the field that tells records apart. ``cursor`` and ``since_param``: the field that grows when a record changes, and the parameter that
    asks for those from a value on (inclusive); ``window`` takes that with care. ``create``, ``update``, ``upsert``, ``delete``, ``batch``:
    `Endpoint`. ``item``: the path of one record (default: the collection's path and the key). ``find``: field → path that looks records up by it.
    """

    # One implementation on the runtime's verbs: an async run awaits `awrite`, and so does a sync one.
    on_runtime = True

    def __init__(
        self,
        path: str,
        *,
        key: str | tuple[str, ...] | None = None,
        records: Selector = None,
        cursor: str | None = None,
        since_param: str | None = None,
        window: Window | None = None,
        params: Mapping[str, Any] | None = None,
        paginator: Paginator | None = None,
        stability: Stability | None = None,
        into: Any = None,
        on_invalid: Callable[[Any, DecodeError], None] | None = None,
        method: str = "GET",
        json: Any = None,
        item: str | None = None,
        create: Endpoint | None = None,
        update: Endpoint | None = None,
        upsert: Endpoint | None = None,
        delete: Endpoint | None = None,
        batch: Endpoint | None = None,
        find: Mapping[str, str] | None = None,
    ) -> None:
        if not isinstance(path, str) or not path.startswith("/"):
            raise ConfigurationError(f"Resource(path) takes a path that begins with '/', such as '/orders', not {path!r}")
        if key is not None and not (isinstance(key, str) and key) and not (isinstance(key, tuple) and all(isinstance(name, str) for name in key)):
            raise ConfigurationError(f"Resource({path!r}, key=…) takes the name of a field, or a tuple of names, not {key!r}")
        if (cursor is None) != (since_param is None):
            raise ConfigurationError(
                f"Resource({path!r}): cursor= and since_param= go together: the field that grows, and the parameter that asks by it"
            )
        if window is not None and (cursor is None or not isinstance(window, Window)):
            raise ConfigurationError(f"Resource({path!r}, window=…) takes a Window, and needs cursor= and since_param=")
        check_selector(records)
        self.path = path
        self.key = key
        self.cursor = cursor
        self.name = path
        self.limits = SinkLimits(batch=batch.size if isinstance(batch, Endpoint) else None)
        self._since_param = since_param
        self._window = window or Window()
        self._read = {
            "records": records,
            "paginator": check_paginator(paginator),
            "key": key,
            "into": into,
            "on_invalid": on_invalid,
            "stability": stability,
            "method": method,
            "json": json,
        }
        self._params = dict(params or {})
        self._item = item or f"{path.rstrip('/')}/{{key}}"
        self._endpoints = Endpoints(path, create=create, update=update, upsert=upsert, delete=delete, batch=batch)
        self._find = dict(find or {})
        self._since: Checkpoint | None = None
        self._client: Client | None = None
        self._latest: Reader | None = None

    # ------------------------------------------------------------------ binding

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        bound = copy.copy(self)
        bound._client = instance
        # Not a data descriptor: from now on the instance's own attribute is found first.
        instance.__dict__[self.name] = bound
        return bound

    @property
    def client(self) -> Client:
        """The connector it is bound to; `ConfigurationError` on the class."""
        if self._client is None:
            raise ConfigurationError(f"resource {self.name!r} is a description: use it on an instance, such as Shop(…).{self.name}")
        return self._client

    # ------------------------------------------------------------------ reading

    def where(self, **params: Any) -> Resource:
        """The same collection, narrowed by query parameters."""
        narrowed = copy.copy(self)
        narrowed._params = {**self._params, **params}
        return narrowed

    def since(self, checkpoint: Checkpoint | None) -> Resource:
        """The same collection, from a checkpoint on."""
        narrowed = copy.copy(self)
        narrowed._since = checkpoint
        return narrowed

    def open_read(self, since: Checkpoint | None = None, /) -> Reader:
        """A reader of one new read; what syncs and reconciliations call."""
        since = since or self._since
        stream = self._stream(lower_bound(since.watermark, self._window) if since is not None else None)
        reader = stream.open_read(since)
        if self.cursor is not None:
            reader = WatermarkReader(reader, self.cursor, self._window, since)
        self._latest = reader
        return reader

    def _stream(self, start: Any = None) -> Stream:
        params = {} if start is None or self._since_param is None else {self._since_param: start}
        return self.client.stream(self.path, params=self._params, start=params, **self._read)

    def pages(self, since: Checkpoint | None = None, /) -> Pages:
        """One read, page by page."""
        return Pages(self.open_read(since))

    def read(self) -> Read:
        """One read, with its own evidence."""
        return Read(self.open_read())

    def __iter__(self) -> Iterator[Record]:
        return iter(self.read())

    def __aiter__(self) -> AsyncIterator[Record]:
        return aiter(self.read())

    def to_list(self) -> list[Record]:
        return list(self)

    @property
    def evidence(self) -> Evidence:
        """Of the latest read."""
        return Evidence(reasons=("nothing was read yet",)) if self._latest is None else self._latest.evidence

    async def aget(self, key: Any) -> Record:
        """One record by its key. Raises `NotFound`."""
        response = await self.client.arequest("GET", fill(self._item, {"key": key}, f"{self.name}.get"))
        body = response.json()
        # Many wrap the record in an object with one field, named after it.
        if isinstance(body, dict) and len(body) == 1 and isinstance(inner := next(iter(body.values())), dict):
            return inner
        return body

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
        """Whether the server recognises a write that is sent again, by its idempotency key."""
        return self.client.takes_idempotency_keys

    @property
    def deletes(self) -> bool:
        return self._endpoints.delete is not None

    async def awrite(self, changes: Sequence[Change]) -> list[Outcome]:
        """Sends the changes; one outcome each, in their order. Raises what concerns all of them: refused credentials, a missing endpoint."""
        return await write_changes(self.client, self._endpoints, self.key, list(changes), keyed=self.client.takes_idempotency_keys)

    def write(self, changes: Sequence[Change]) -> list[Outcome]:
        return drive(self.awrite(changes))

    @property
    def findable(self) -> bool:
        """Whether the system can be asked by key what it holds."""
        return isinstance(self.key, str) and (self.key in self._find or self._item.count("{") == 1)

    async def afind(self, keys: Sequence[Any]) -> dict[Any, Record]:
        """The records of those keys that exist, asked one by one: by ``find={key: path}``, or else by the item's own path."""
        found: dict[Any, Record] = {}
        for key in keys:
            if isinstance(self.key, str) and self.key in self._find:
                response = await self.client.arequest("GET", fill(self._find[self.key], {self.key: key}, f"{self.name}.find"))
                matches = [record for record in select(response, None) if isinstance(record, dict) and record.get(self.key) == key]
                if matches:
                    found[key] = matches[0]
                continue
            try:
                found[key] = await self.aget(key)
            except NotFound:
                continue
        return found

    def find(self, keys: Sequence[Any]) -> dict[Any, Record]:
        return drive(self.afind(keys))

    # ------------------------------------------------------------------ words

    def __repr__(self) -> str:
        where = "unbound" if self._client is None else repr(self._client)
        return f"<Resource {self.name} {self.path} of {where}>"

    def describe(self) -> str:
        """One row of Markdown: name, path, key, how it is read and written."""
        writes = [kind for kind in ("create", "update", "upsert", "delete", "batch") if getattr(self._endpoints, kind) is not None]
        paginator = self._read["paginator"]
        paging = "the connector's" if paginator is None else type(paginator).__name__
        return f"| `{self.name}` | `{self.path}` | {self.key or '–'} | {self.cursor or '–'} | {paging} | {', '.join(writes) or 'read only'} |"
