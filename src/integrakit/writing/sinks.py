"""Making one kind of sink out of everything that can be written to, in every world.

A callable, an object with ``write``, one with ``awrite``: the engines see a `SinkHandle` and no difference. What a sink cannot do is said when the
handle is made, not in the middle of a run.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from integrakit.errors import ConfigurationError, IntegrakitError, WriteError
from integrakit.model import Change, Outcome
from integrakit.protocols import Operation, Store, TransactionalStore
from integrakit.runtimes import runtime

__all__ = ["SinkHandle", "open_sink"]


class SinkHandle:
    """One sink, with what it can do. ``key``: the fields that the caller tells records apart by; None: those of the sink."""

    def __init__(self, sink: Any, store: Store | None, key: Any) -> None:
        self.sink = sink
        self.name = str(getattr(sink, "name", None) or getattr(sink, "__name__", None) or type(sink).__name__)
        self.key: Any = getattr(sink, "key", None)
        self._plain = not hasattr(sink, "write") and not hasattr(sink, "awrite")
        #: A change, or a newer one for its key, may be sent again at any time.
        self.repeatable = bool(getattr(sink, "repeatable", False))
        #: The very same change with the same idempotency key may be sent again. A callable is given no keys.
        self.takes_keys = not self._plain and bool(getattr(sink, "takes_keys", False))
        # A sink with a key of its own can be asked by that one only.
        asked_by_its_key = key is None or self.key is None or _names(key) == _names(self.key)
        self.findable = asked_by_its_key and bool(getattr(sink, "findable", hasattr(sink, "find") or hasattr(sink, "afind")))
        self.batch: int | None = getattr(getattr(sink, "limits", None), "batch", None)
        self.deletes = not self._plain and bool(getattr(sink, "deletes", True))
        shares = getattr(sink, "shares_database_with", None)
        #: Its writes can be part of the store's own commit.
        self.transactional = bool(store is not None and isinstance(store, TransactionalStore) and shares is not None and shares(store))

    @property
    def settles(self) -> bool:
        """Whether it can be found out what became of a write that was not answered."""
        return self.repeatable or self.takes_keys or self.transactional or self.findable

    def check_world(self) -> None:
        """Raises `ConfigurationError` where the sink cannot be written to in the world of this run; to be called before anything is stored."""
        awaited = _is_async(self.sink) if self._plain else not hasattr(self.sink, "write")
        if awaited and not self._may_await():
            raise ConfigurationError(f"{self.name} can be written to in async code only: await sync.arun() instead of sync.run()")

    def _may_await(self) -> bool:
        """A sink that awaits nothing but the runtime's verbs works everywhere; in a simulation one finds out that it awaits something else."""
        return getattr(self.sink, "on_runtime", False) or runtime().name != "blocking"

    def _prefers_to_await(self, one: str, other: str) -> bool:
        """Whether to await the method ``one`` rather than to call its blocking twin ``other``."""
        if not hasattr(self.sink, one) or not hasattr(self.sink, other):
            return hasattr(self.sink, one)
        return getattr(self.sink, "on_runtime", False) or runtime().name == "concurrent"

    async def write(self, changes: Sequence[Change]) -> list[Outcome]:
        """One outcome for each change, in order. Raises `WriteError` when the sink breaks its agreement, and integrakit's errors as they are."""
        try:
            outcomes = await self._send(list(changes))
        except IntegrakitError:
            raise
        except Exception as problem:
            if isinstance(problem, RuntimeError) and "no running event loop" in str(problem):
                raise ConfigurationError(f"{self.name} needs an event loop: await sync.arun() instead of sync.run()") from problem
            raise WriteError(
                f"{self.name} failed with {type(problem).__name__}: {problem}; what became of these {len(changes)} changes is not known, and the "
                "next run settles them"
            ) from problem
        return self._checked(outcomes, changes)

    async def _send(self, changes: list[Change]) -> Any:
        world, sink = runtime(), self.sink
        if self._plain:
            records = [change.whole if change.whole is not None else change.record for change in changes]
            result = sink(records) if _is_async(sink) else await world.blocking(sink, records)
            return await result if inspect.isawaitable(result) else result
        if self._prefers_to_await("awrite", "write"):
            return await sink.awrite(changes)
        return await world.blocking(sink.write, changes)

    def _checked(self, outcomes: Any, changes: Sequence[Change]) -> list[Outcome]:
        if outcomes is None and self._plain:
            return [Outcome.applied(change.key) for change in changes]
        outcomes = list(outcomes) if isinstance(outcomes, Sequence) else outcomes
        if not isinstance(outcomes, list) or not all(isinstance(outcome, Outcome) for outcome in outcomes):
            raise WriteError(f"{self.name} must give one integrakit.Outcome for each change, or None for a callable, not {outcomes!r:.200}")
        if len(outcomes) != len(changes):
            raise WriteError(f"{self.name} was given {len(changes)} changes and told {len(outcomes)} outcomes: which belongs to which is not known")
        return outcomes

    def commit_in(self, store: Store, changes: Sequence[Change], then: Callable[[list[Outcome]], Sequence[Operation]]) -> list[Outcome]:
        """Writes in the store's own transaction, together with the operations that ``then`` makes of the outcomes. Blocks."""

        def work(connection: Any) -> tuple[list[Outcome], Sequence[Operation]]:
            try:
                outcomes = self._checked(self.sink.write_in(connection, list(changes)), changes)
            except IntegrakitError:
                raise
            except Exception as problem:
                raise WriteError(
                    f"{self.name} failed with {type(problem).__name__}: {problem}; nothing of these {len(changes)} changes was kept"
                ) from problem
            return outcomes, then(outcomes)

        return cast(TransactionalStore, store).commit_with(work)

    async def find(self, keys: Sequence[Any]) -> Mapping[Any, Mapping[str, Any]]:
        """Which of these keys the system holds, with their records. Raises `WriteError` when it cannot be asked, and integrakit's errors."""
        try:
            if self._prefers_to_await("afind", "find"):
                found = await self.sink.afind(keys)
            else:
                found = await runtime().blocking(self.sink.find, keys)
        except IntegrakitError:
            raise
        except Exception as problem:
            raise WriteError(
                f"{self.name} could not be asked what it holds: {type(problem).__name__}: {problem}. Nothing was written; run again"
            ) from problem
        if not isinstance(found, Mapping) or not all(isinstance(record, Mapping) for record in found.values()):
            raise WriteError(f"{self.name}.find(keys) must give a dict of keys and the records that are there, not {found!r:.200}")
        return found


def _names(key: Any) -> tuple[Any, ...]:
    return (key,) if isinstance(key, str) else tuple(key)


def _is_async(function: Any) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004


def open_sink(sink: Any, store: Store | None = None, *, key: Any = None) -> SinkHandle:
    """A handle on ``sink``: a resource, a table, an object with ``write`` or ``awrite``, or a callable that takes a list of records.

    Raises `ConfigurationError` for what is none of these, or cannot be written to.
    """
    if isinstance(sink, type) or not (hasattr(sink, "write") or hasattr(sink, "awrite") or callable(sink)):
        raise ConfigurationError(
            f"a sink is a resource, a table, an object with write(changes), or a callable that takes a list of records; {sink!r:.100} is none of them"
        )
    if getattr(sink, "writable", True) is False:
        raise ConfigurationError(f"{sink!r} is read only: give the resource create=, update=, upsert=, delete= or batch= endpoints")
    handle = SinkHandle(sink, store, key)
    if handle.batch is not None and (isinstance(handle.batch, bool) or not isinstance(handle.batch, int) or handle.batch < 1):
        raise ConfigurationError(f"{handle.name}.limits.batch is the most changes of one call, 1 or more, not {handle.batch!r}")
    return handle
