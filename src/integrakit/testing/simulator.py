"""`Simulator`: a stateful stand-in for somebody else's service, as a test sees it.

The arguments are checked here, and the parts put together; what the server does is in the other modules of this package.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, TypeAlias, get_args

from integrakit.clock import Clock, SystemClock
from integrakit.errors import ConfigurationError
from integrakit.model.exchange import origin
from integrakit.runtimes import runtime
from integrakit.runtimes.simulated import SimulatedRuntime
from integrakit.testing import in_process
from integrakit.testing.application import Application
from integrakit.testing.checks import seconds
from integrakit.testing.exchange import Call, Headers, RecordedRequest, Reply, recorded
from integrakit.testing.faults import FaultDraw, Faults
from integrakit.testing.http_server import HttpServer
from integrakit.testing.paging import PAGINATIONS
from integrakit.testing.quota import Quota
from integrakit.testing.resources import Resources
from integrakit.testing.rows import Table, copy_of, key_text

__all__ = ["Simulator"]

PaginationName: TypeAlias = Literal["link", "cursor", "keyset", "snapshot", "offset", "page"]
LimitKind: TypeAlias = Literal["sliding-log", "token-bucket", "fixed-window"]


class Simulator:
    """A REST server with tables, paging, a rate limit, credentials, idempotency keys and faults.

    Used with ``with``: a real HTTP/1.1 server on a free port of 127.0.0.1; inside `simulate` a server of the same behaviour without a socket, in
    virtual time. Its rows outlive the block, so it can be entered again, at another address.

    ``tables``: name → rows (dicts). ``keys``: table → key field; by default ``id`` where every row has it, else the first field. ``pagination``,
    ``page_size`` (most rows in a page), ``order_by`` (a field or several; by default rows come as they were inserted) and ``envelope`` (False: bare
    lists) shape collections. ``limit``: ``"50/second"``, counted as ``limit_kind``
    says. ``auth``: a bearer token, or a callable that is given the headers. ``idempotency``: name of the header for POST and PATCH. ``latency``:
    seconds, or a pair to draw from with ``seed``. ``clock``: what the rate limit and `requests` go by. ``on_request``: called with each request that
    arrives, before anything is decided (so its ``status`` is None): what it changes, that request meets. Raises `ConfigurationError` for a wrong
    argument.
    """

    def __init__(
        self,
        tables: Mapping[str, Iterable[Mapping[str, Any]]],
        *,
        pagination: PaginationName = "link",
        page_size: int = 50,
        order_by: str | Sequence[str] | None = None,
        envelope: bool = True,
        limit: str | None = None,
        limit_kind: LimitKind = "sliding-log",
        faults: Faults | None = None,
        auth: str | Callable[[Headers], bool] | None = None,
        idempotency: str | None = None,
        keys: Mapping[str, str] | None = None,
        latency: float | tuple[float, float] = 0.0,
        clock: Clock | None = None,
        on_request: Callable[[RecordedRequest], None] | None = None,
        seed: int = 0,
    ) -> None:
        _one_of("pagination", pagination, get_args(PaginationName))
        _one_of("limit_kind", limit_kind, get_args(LimitKind))
        if isinstance(page_size, bool) or not isinstance(page_size, int) or page_size < 1:
            raise ConfigurationError(f"page_size takes a whole number from 1, not {page_size!r}")
        if idempotency is not None and (not isinstance(idempotency, str) or not idempotency):
            raise ConfigurationError(f'idempotency takes the name of a header such as "Idempotency-Key", not {idempotency!r}')
        if on_request is not None and not callable(on_request):
            raise ConfigurationError(f"on_request takes a function of a request, not {type(on_request).__name__}")
        self._on_request = on_request
        self._pagination = pagination
        self._limit = limit
        self._limit_kind: str = limit_kind
        self._page_size = page_size
        self._given_clock = clock
        self._clock: Clock = clock or SystemClock()
        paging = PAGINATIONS[pagination]
        stored = _tables(tables, dict(keys or {}), paging.members if envelope else ())
        self._application = Application(
            tables=stored,
            resources=Resources(stored, pagination=paging, page_size=page_size, envelope=envelope, order_by=_order(order_by)),
            draw=FaultDraw(_faults(faults)),
            quota=self._new_quota(),
            allowed=_allowed(auth),
            idempotency=idempotency,
            latency=_latency(latency),
            random=random.Random(seed),
        )
        self._server: HttpServer | None = None
        self._world: SimulatedRuntime | None = None
        self._url = ""

    # ------------------------------------------------------------------ running

    def __enter__(self) -> Simulator:
        if self._server is not None or self._world is not None:
            raise ConfigurationError("this simulator is running already")
        world = runtime()
        if isinstance(world, SimulatedRuntime):
            self._world = world
            self._clock = self._given_clock or world
            number = 1
            while origin(url := f"http://simulator-{number}.test") in world.hosts:
                number += 1
            world.hosts[origin(url)] = in_process.host(self._handle, self._application.finish)
        else:
            self._clock = self._given_clock or SystemClock()
            self._server = HttpServer(self._handle, self._application.finish)
            url = f"http://127.0.0.1:{self._server.port}"
        self._url = self._application.resources.url = url
        self._application.restart(self._new_quota())
        if self._server is not None:
            self._server.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        url, self._url = self._url, ""
        if self._world is not None:
            self._world.hosts[origin(url)] = in_process.refusing
            self._world = None
        if self._server is not None:
            server, self._server = self._server, None
            server.stop()
            if server.failure is not None and error is None:
                raise server.failure

    def start(self) -> Simulator:
        """Starts it without ``with``, in a notebook say; whoever does that calls `stop`. Returns itself."""
        return self.__enter__()

    def stop(self) -> None:
        """Ends what `start` began; does nothing when it is not running."""
        self.__exit__(None, None, None)

    @property
    def url(self) -> str:
        """Where it can be reached, without a slash at the end. Raises `ConfigurationError` while it is not running."""
        if not self._url:
            raise ConfigurationError("the simulator is not running: use it with `with Simulator(…) as api:`")
        return self._url

    def _handle(self, call: Call) -> Reply:
        if self._on_request is not None:
            self._on_request(recorded(call, None, at=self._clock.now()))
        return self._application.handle(call, self._clock.now())

    def _new_quota(self) -> Quota | None:
        return None if self._limit is None else Quota(self._limit, self._limit_kind)

    # ------------------------------------------------------------------ what a test looks at

    @property
    def requests(self) -> list[RecordedRequest]:
        """All requests since the beginning or `clear_log`, in the order of their arrival; a copy."""
        with self._application.lock:
            return list(self._application.log)

    @property
    def refused(self) -> int:
        """How many requests the rate limit refused (429) since the beginning or `clear_log`."""
        return self._application.refused

    @property
    def idempotency_keys(self) -> dict[str, int]:
        """Each idempotency key that was honoured, with the status that is replayed for it; a copy."""
        return self._application.idempotency_keys()

    def clear_log(self) -> None:
        """Forgets `requests` and `refused`; rows and idempotency keys stay."""
        with self._application.lock:
            self._application.log.clear()
            self._application.refused = 0

    # ------------------------------------------------------------------ what a test changes

    @property
    def faults(self) -> Faults:
        """The faults in force. Setting others starts their script and their random numbers from the beginning."""
        return self._application.draw.faults

    @faults.setter
    def faults(self, faults: Faults | None) -> None:
        with self._application.lock:
            self._application.draw = FaultDraw(_faults(faults))

    def table(self, name: str) -> list[dict[str, Any]]:
        """The rows of a table as they are now, in the order of their insertion; a deep copy, taken at one instant."""
        with self._application.lock:
            return self._table(name).all()

    def get(self, name: str, key: Any) -> dict[str, Any] | None:
        """A copy of one row, or None."""
        with self._application.lock:
            row = self._table(name).get(_key(key))
            return None if row is None else dict(copy_of(row.value))

    def put(self, name: str, row: Mapping[str, Any]) -> None:
        """Adds a row at the end, or replaces the one of the same key in its place: somebody else's write, not logged as a request."""
        if not isinstance(row, Mapping):
            raise ConfigurationError(f"put() takes the name of a table and a row as a dict, not {type(row).__name__}")
        with self._application.lock:
            self._table(name).put(row)

    def delete(self, name: str, key: Any) -> bool:
        """Removes a row: somebody else's delete. False when there was none."""
        with self._application.lock:
            return self._table(name).delete(_key(key))

    def _table(self, name: str) -> Table:
        table = self._application.tables.get(name)
        if table is None:
            raise ConfigurationError(f"this simulator has no table {name!r}, it has {', '.join(self._application.tables)}")
        return table

    def __repr__(self) -> str:
        tables = ", ".join(f"{name} ({len(table)} rows, key {table.key})" for name, table in self._application.tables.items())
        limit = f", {self._limit} ({self._limit_kind})" if self._limit else ""
        return f"<Simulator {self._url or 'not running'}: {tables}; {self._pagination} pages of {self._page_size}{limit}>"


def _one_of(name: str, value: Any, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ConfigurationError(f"{name} takes one of {', '.join(choices)}, not {value!r}")


def _order(order_by: Any) -> tuple[str, ...]:
    fields = () if order_by is None else (order_by,) if isinstance(order_by, str) else order_by
    if not isinstance(fields, Sequence) or not all(isinstance(name, str) and name for name in fields):
        raise ConfigurationError(f'order_by takes the name of a field such as "updated_at", or a list of them, not {order_by!r}')
    return tuple(fields)


def _key(key: Any) -> str:
    text = key_text(key)
    if text is None:
        raise ConfigurationError(f"{key!r} cannot be a key")
    return text


def _faults(faults: Any) -> Faults:
    if faults is not None and not isinstance(faults, Faults):
        raise ConfigurationError(f"faults takes Faults(…) or None, not {type(faults).__name__}")
    return faults or Faults()


def _allowed(auth: Any) -> Callable[[Headers], bool] | None:
    if auth is None:
        return None
    if callable(auth):
        return lambda headers: bool(auth(headers))
    if not isinstance(auth, str) or not auth:
        raise ConfigurationError(f"auth takes the text of a bearer token, or a callable that is given the headers, not {type(auth).__name__}")
    expected = f"Bearer {auth}"
    return lambda headers: headers.get("authorization") == expected


def _latency(latency: Any) -> tuple[float, float]:
    if isinstance(latency, tuple) and len(latency) == 2:
        low, high = seconds("latency", latency[0]), seconds("latency", latency[1])
        if low > high:
            raise ConfigurationError(f"latency=({low:g}, {high:g}): the smaller number comes first")
        return low, high
    low = high = seconds("latency", latency)
    return low, high


def _tables(tables: Any, keys: dict[str, str], taken: tuple[str, ...]) -> dict[str, Table]:
    if not isinstance(tables, Mapping) or not tables:
        raise ConfigurationError('tables takes a dict of lists such as {"orders": [{"id": 1}]}')
    for name, key in keys.items():
        if name not in tables or not isinstance(key, str):
            known = ", ".join(map(str, tables))
            raise ConfigurationError(f"keys={{{name!r}: {key!r}}} is not a table and the name of its key field; the tables are {known}")
    for name in tables:
        if not isinstance(name, str) or not name or "/" in name:
            raise ConfigurationError(f"{name!r} cannot be the name of a table: it is a part of a path")
        if name in taken:
            raise ConfigurationError(f"a table cannot be called {name!r} with this pagination: the envelope uses that name")
    return {name: Table(name, rows, keys.get(name)) for name, rows in tables.items()}
