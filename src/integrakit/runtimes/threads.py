"""Jobs that go on in threads while blocking code does something else. What they are about is nobody's business here.

Threads are daemons: one that waits out a server's ``Retry-After`` must not hold up the end of a program that no longer wants the answer.
"""

from __future__ import annotations

import contextvars
import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

__all__ = ["Threads", "job_failed"]

#: Seconds for which a thread without work waits for more, so that a page each does not mean a thread each.
LINGER = 0.5


def job_failed(problem: BaseException) -> None:
    """A job notes itself what became of it, so that it raises is a mistake of whoever wrote it: seen in the log, and of no other effect."""
    logging.getLogger("integrakit").error("a job in the background failed: %s", type(problem).__name__, exc_info=problem)


class Threads:
    """At most ``most`` threads of one owner; they end when they are dismissed, or have had nothing to do for a while."""

    def __init__(self, drive: Callable[[Coroutine[Any, Any, Any]], Any], most: int) -> None:
        self._drive = drive
        self._most = most
        self._process = os.getpid()
        # Of the kind that its holder may take again: whoever dismisses may be a garbage collection in the middle of anything.
        self._changed = threading.Condition(threading.RLock())
        self._jobs: deque[tuple[contextvars.Context, Callable[[], Coroutine[Any, Any, None]]]] = deque()
        self._threads = self._idle = 0
        self._dismissed = False

    def start(self, job: Callable[[], Coroutine[Any, Any, None]]) -> None:
        with self._changed:
            self._jobs.append((contextvars.copy_context(), job))
            if self._idle < len(self._jobs) and self._threads < self._most:
                self._threads += 1
                threading.Thread(target=self._work, name="integrakit-ahead", daemon=True).start()
            else:
                self._changed.notify()

    def here(self) -> bool:
        return os.getpid() == self._process

    def dismiss(self) -> None:
        # In a child there are no such threads, and one of the parent's may have held the lock when it was born.
        if self.here():
            with self._changed:
                self._dismissed = True
                self._jobs.clear()
                self._changed.notify_all()

    def _work(self) -> None:
        while (next_one := self._next()) is not None:
            context, job = next_one
            # What it was called in, and what it held, must not stay alive while this thread waits for more.
            del next_one
            try:
                context.run(self._run, job)
            except BaseException as problem:  # noqa: BLE001 - nobody waits for it
                job_failed(problem)
            del context, job

    def _run(self, job: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._drive(job())

    def _next(self) -> tuple[contextvars.Context, Callable[[], Coroutine[Any, Any, None]]] | None:
        with self._changed:
            self._idle += 1
            try:
                while not self._jobs:
                    if self._dismissed or not self._changed.wait(LINGER):
                        if self._jobs:
                            break  # both happened at once
                        self._threads -= 1
                        return None
                return self._jobs.popleft()
            finally:
                self._idle -= 1
