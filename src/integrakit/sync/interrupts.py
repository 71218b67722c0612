"""SIGINT and SIGTERM while a run is under way: the batch is finished and kept first, then the signal takes its course."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

__all__ = ["Interrupts"]

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """``with Interrupts() as stop: …`` - ``stop()`` is True once a signal came; on leaving, the signal is raised again for whoever handled it before.

    In threads other than the main one signals never arrive, and nothing is changed. A second signal takes its course at once.
    """

    def __init__(self) -> None:
        self.caught: int | None = None
        self._before: dict[int, Any] = {}

    def __call__(self) -> bool:
        return self.caught is not None

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                before = signal.getsignal(number)
                # None: not installed from Python; it could not be put back. SIG_IGN: whoever started this wants it ignored.
                if before is not None and before is not signal.SIG_IGN:
                    self._before[number] = before
                    signal.signal(number, self._note)
        return self

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.caught is not None:
            self._restore()
            signal.raise_signal(number)
        self.caught = number

    def _restore(self) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)
        self._before = {}

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._restore()

    def take_course(self) -> None:
        """Raises the signal that came, if one did. To be called when everything is kept and given back."""
        if self.caught is not None:
            signal.raise_signal(self.caught)
