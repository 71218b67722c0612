"""Appending from many threads and across forks: whoever waits while another thread writes is written together with it, for one flush of the disk."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any, Protocol

from integrakit._locks import StateLock
from integrakit.audit.chain import Head
from integrakit.errors import StoreError

__all__ = ["Appender", "File"]


class File(Protocol):
    """The end of a log that is written to, used by one thread at a time."""

    def append(self, drafts: Sequence[Mapping[str, Any]], at: str) -> tuple[int, Head]: ...

    def discard(self) -> None: ...

    def abandon(self) -> None:
        """Like `discard`, for what a forked child inherited."""
        ...


class _Ticket:
    __slots__ = ("at", "done", "drafts", "error", "result")

    def __init__(self, drafts: Sequence[Mapping[str, Any]], at: str) -> None:
        self.drafts, self.at = drafts, at
        self.done = False
        self.error: BaseException | None = None
        self.result: tuple[int, Head] | None = None


class _Here:
    """What one process has of a log."""

    def __init__(self, file: File) -> None:
        self.file = file
        self.writing = threading.Lock()
        self.queue: list[_Ticket] = []
        self.queueing = threading.Lock()


class Appender:
    """Appends for this process, whichever process this is: a forked child opens the file anew."""

    def __init__(self, open_file: Callable[[], File], what: str, timeout: float) -> None:
        self._open = open_file
        self._what = what
        self._timeout = timeout
        self._start([_Here(open_file())])
        self._guard = StateLock(self._forked).here

    def _start(self, opened: list[_Here]) -> None:
        #: Of this process: none before a child's first use.
        self._opened = opened
        # Logs that were never closed are closed when they are collected, or at exit.
        self._at_end = weakref.finalize(self, _release, opened, os.getpid())

    def _forked(self) -> None:
        if self._at_end.alive:
            self._at_end()
            self._start([])

    def append(self, drafts: Sequence[Mapping[str, Any]], at: str) -> tuple[int, Head]:
        """Returns when they are kept: the number of the first record of the write they were part of, and the head after it. Raises `StoreError`."""
        here = self._here()
        ticket = _Ticket(drafts, at)
        with here.queueing:
            here.queue.append(ticket)
        if not here.writing.acquire(True, self._timeout):
            with here.queueing:
                waiting = ticket in here.queue
                if waiting:
                    here.queue.remove(ticket)
            if waiting:
                raise StoreError(f"another thread of this process has been writing to {self._what} for {self._timeout:g} s")
            here.writing.acquire()  # it is being written at this moment, and cannot be taken back
        try:
            if not ticket.done:
                self._write(here)
        finally:
            here.writing.release()
        if ticket.error is not None:
            raise StoreError(str(ticket.error)) from ticket.error
        if ticket.result is None:  # pragma: no cover - done without an error has a result
            raise AssertionError
        return ticket.result

    @staticmethod
    def _write(here: _Here) -> None:
        with here.queueing:
            batch, here.queue = here.queue, []
        try:
            result = here.file.append([draft for ticket in batch for draft in ticket.drafts], batch[-1].at)
        except BaseException as problem:
            for ticket in batch:
                ticket.error, ticket.done = problem, True
            if not isinstance(problem, StoreError):
                raise
        else:
            for ticket in batch:
                ticket.result, ticket.done = result, True

    def _here(self) -> _Here:
        with self._guard():
            if not self._at_end.alive:
                raise StoreError(f"{self._what} is closed: open it again")
            if not self._opened:
                self._opened.append(_Here(self._open()))
            return self._opened[0]

    @property
    def closed(self) -> bool:
        return not self._at_end.alive

    def close(self) -> None:
        """Waits for the thread that writes. Closing twice is allowed."""
        with self._guard():
            writing = [here.writing for here in self._opened]
        with writing[0] if writing else nullcontext(), self._guard():
            self._at_end()


def _release(opened: list[_Here], process: int) -> None:
    while opened:
        here = opened.pop()
        if process == os.getpid():
            here.file.discard()
        else:
            here.file.abandon()
