"""Which runtime is in force here, and the driver that lets blocking code run what is written as ``async def``.

The runtime in force is the one that a driver set for this very thread and task; a task started from inside inherits the context variable but not the
right to it. Where none was set, a running event loop means the concurrent runtime and none means the blocking one. So sync calls work inside
notebooks, ``asyncio.run`` works inside a sync call, and pool threads get their own.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Coroutine
from contextvars import ContextVar, Token
from datetime import datetime
from functools import cache
from typing import Any, TypeVar, cast

from integrakit.errors import ConfigurationError
from integrakit.runtimes.blocking import BlockingRuntime
from integrakit.runtimes.protocol import Runtime

__all__ = ["WorldClock", "drive", "enter", "leave", "runtime"]

T = TypeVar("T")
InForce = tuple[Runtime, int, Any]

_in_force: ContextVar[InForce | None] = ContextVar("integrakit_runtime", default=None)


_NEEDS_A_LOOP = (
    "this coroutine awaits something that needs an event loop (asyncio.sleep, an async library): in code that runs without a loop await "
    "ik.runtime().sleep(…) and integrakit's own methods only, or run the whole of it with asyncio.run(…)"
)


def _task() -> Any:
    """The current asyncio or trio task, or None outside both. Imports neither: what is not imported, or only half, is not running."""
    running = getattr(sys.modules.get("asyncio"), "_get_running_loop", None)
    if running is not None and (loop := running()) is not None:
        return sys.modules["asyncio"].current_task() or loop
    trio = getattr(sys.modules.get("trio"), "lowlevel", None)
    return trio.current_task() if trio is not None and trio.in_trio_task() else None


@cache
def _concurrent() -> Runtime:
    # anyio costs as much to import as half of httpx; only code that has a loop already pays for it.
    from integrakit.runtimes.concurrent import ConcurrentRuntime

    return ConcurrentRuntime()


def runtime() -> Runtime:
    """The runtime in force: what a policy or an action of a connector awaits ``sleep`` and the other verbs on."""
    return _world_of(_task())


class WorldClock:
    """The time of whichever world asks: leases in a simulation go by virtual time."""

    def now(self) -> float:
        return runtime().now()

    def wall(self) -> datetime:
        return runtime().wall()


def _world_of(task: Any) -> Runtime:
    entry = _in_force.get()
    if entry is not None and entry[2] is task and entry[1] == threading.get_ident():
        return entry[0]
    return _BLOCKING if task is None else _concurrent()


def enter(world: Runtime) -> Token[InForce | None]:
    """Puts a runtime in force for this thread and task; give what it returns to `leave`."""
    return _in_force.set((world, threading.get_ident(), _task()))


def leave(token: Token[InForce | None]) -> None:
    _in_force.reset(token)


def drive(coroutine: Coroutine[Any, Any, T]) -> T:
    """Runs an ``async def`` written on the runtime to its end, in this thread, without an event loop.

    Every awaitable of the blocking runtime finishes without suspending, so one ``send`` runs the whole chain. A blocking call made inside a
    simulation stays in it. Raises `ConfigurationError` when the coroutine awaits something that only an event loop can finish.
    """
    if not hasattr(coroutine, "send"):
        raise ConfigurationError(f"run() takes a coroutine, not {type(coroutine).__name__}: call the async function, run(job()) and not run(job)")
    task = _task()
    world = _world_of(task)
    if world.name == "simulated":
        return cast("T", world.run(coroutine))  # type: ignore[attr-defined]
    token = _in_force.set((_BLOCKING, threading.get_ident(), task))
    try:
        coroutine.send(None)
    except StopIteration as end:
        return cast("T", end.value)
    except RuntimeError as problem:
        if "no running event loop" not in str(problem):
            raise
        raise ConfigurationError(_NEEDS_A_LOOP) from problem
    finally:
        leave(token)
        coroutine.close()
    raise ConfigurationError(_NEEDS_A_LOOP)


_BLOCKING = BlockingRuntime(drive)
