"""Jobs that go on in an event loop while the code of one task does something else: tasks of asyncio, system tasks of trio.

No task group: one that stayed open while the user iterates would be closed in another task, or never. What a group is for is done by hand here: no
error of a job gets out, and all of them can be cancelled, by a garbage collection in any thread too.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from integrakit.runtimes.threads import job_failed

__all__ = ["AsyncioTasks", "TrioTasks"]


class AsyncioTasks:
    """Tasks of the running loop, held on to until they are done."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, job: Callable[[], Coroutine[Any, Any, None]]) -> None:
        task = self._loop.create_task(_quiet(job))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def here(self) -> bool:
        return asyncio._get_running_loop() is self._loop

    def dismiss(self) -> None:
        tasks = tuple(self._tasks)
        if not tasks:
            return
        try:
            self._loop.call_soon_threadsafe(_cancel, tasks)
        except RuntimeError:
            # The loop was closed over them: nobody can end them in an orderly way any more, and nobody needs to hear of it.
            for task in tasks:
                task._log_destroy_pending = False  # type: ignore[attr-defined]
                with contextlib.suppress(RuntimeError):  # one that wants to await something on its way out
                    task.get_coro().close()


def _cancel(tasks: tuple[asyncio.Task[None], ...]) -> None:
    for task in tasks:
        task.cancel()


async def _quiet(job: Callable[[], Coroutine[Any, Any, None]]) -> None:
    try:
        await job()
    except Exception as problem:  # noqa: BLE001 - nobody waits for it
        job_failed(problem)


class TrioTasks:
    """System tasks of the running trio: it ends them when its main task is over."""

    def __init__(self) -> None:
        self._trio = sys.modules["trio"]
        self._token = self._trio.lowlevel.current_trio_token()
        self._scopes: set[Any] = set()

    def start(self, job: Callable[[], Coroutine[Any, Any, None]]) -> None:
        scope = self._trio.CancelScope()
        self._scopes.add(scope)
        # What a system task raises is the end of all of trio, so even what is left of a cancelled group stays in there.
        self._trio.lowlevel.spawn_system_task(_scoped, scope, self._scopes, job, context=contextvars.copy_context())

    def here(self) -> bool:
        in_trio = asyncio._get_running_loop() is None and self._trio.lowlevel.in_trio_task()
        return bool(in_trio and self._trio.lowlevel.current_trio_token() is self._token)

    def dismiss(self) -> None:
        scopes = tuple(self._scopes)
        if scopes:
            with contextlib.suppress(self._trio.RunFinishedError):
                self._token.run_sync_soon(_cancel_scopes, scopes)


def _cancel_scopes(scopes: tuple[Any, ...]) -> None:
    for scope in scopes:
        scope.cancel()


async def _scoped(scope: Any, scopes: set[Any], job: Callable[[], Coroutine[Any, Any, None]]) -> None:
    try:
        with scope:
            await job()
    except Exception as problem:  # noqa: BLE001 - out of a system task it would be the end of everything
        job_failed(problem)
    finally:
        scopes.discard(scope)
