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
    """One sink, with what it can do."""

    def __init__(self, sink: Any, store: Store | None) -> None:
        self.sink = sink
        self.name = getattr(sink, "name", None) or getattr(sink, "__name__", None) or type(sink).__name__
        self.key: Any = getattr(sink, "key", None)
        #: A change, or a newer one for its key, may be sent again at any time.
        self.repeatable = bool(getattr(sink, "repeatable", False))
        #: The very same change with the same idempotency key may be sent again.
        self.takes_keys = bool(getattr(sink, "takes_keys", False))
        self.findable = bool(getattr(sink, "findable", hasattr(sink, "find")))
        self.batch: int | None = getattr(getattr(sink, "limits", None), "batch", None)
        self._plain = not hasattr(sink, "write") and not hasattr(sink, "awrite")
        self.deletes = not self._plain and bool(getattr(sink, "deletes", True))
        shares = getattr(sink, "shares_database_with", None)
        #: Its writes can be part of the store's own commit.
        self.transactional = bool(store is not None and isinstance(store, TransactionalStore) and shares is not None and shares(store))

    async def write(self, changes: Sequence[Change]) -> list[Outcome]:
        """One outcome for each change, in order. Raises `WriteError` when the sink breaks its agreement, and integrakit's errors as they are."""
        try:
            outcomes = await self._send(list(changes))
        except IntegrakitError:
            raise
        except Exception as problem:
            raise WriteError(
                f"{self.name} failed with {type(problem).__name__}: {problem}; what became of these {len(changes)} changes is not known, and the next "
                "run settles them"
            ) from problem
        return self._checked(outcomes, changes)

    async def _send(self, changes: list[Change]) -> Any:
        world, sink = runtime(), self.sink
        if self._plain:
            records = [change.whole if change.whole is not None else change.record for change in changes]
            result = sink(records) if _is_async(sink) else await world.blocking(sink, records)
            return await result if inspect.isawaitable(result) else result
        if hasattr(sink, "awrite") and (getattr(sink, "on_runtime", False) or world.name == "concurrent"):
            return await sink.awrite(changes)
        if not hasattr(sink, "write"):
            raise ConfigurationError(f"{self.name} can be written to in async code only: await sync.arun() instead of sync.run()")
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
            outcomes = self._checked(self.sink.write_in(connection, list(changes)), changes)
            return outcomes, then(outcomes)

        return cast(TransactionalStore, store).commit_with(work)

    async def find(self, keys: Sequence[Any]) -> Mapping[Any, Any]:
        """Which of these keys the system holds, with their records."""
        if hasattr(self.sink, "afind"):
            return cast("Mapping[Any, Any]", await self.sink.afind(keys))
        return cast("Mapping[Any, Any]", await runtime().blocking(self.sink.find, keys))


def _is_async(function: Any) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004


def open_sink(sink: Any, store: Store | None = None) -> SinkHandle:
    """A handle on ``sink``: a resource, a table, an object with ``write`` or ``awrite``, or a callable that takes a list of records.

    Raises `ConfigurationError` for what is none of these, or cannot be written to.
    """
    if isinstance(sink, type) or not (hasattr(sink, "write") or hasattr(sink, "awrite") or callable(sink)):
        raise ConfigurationError(
            f"a sink is a resource, a table, an object with write(changes), or a callable that takes a list of records; {sink!r:.100} is none of them"
        )
    if getattr(sink, "writable", True) is False:
        raise ConfigurationError(f"{sink!r} is read only: give the resource create=, update=, upsert=, delete= or batch= endpoints")
    return SinkHandle(sink, store)
