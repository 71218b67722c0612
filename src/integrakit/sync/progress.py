"""A line that says how far a run is: on a terminal it is drawn over itself, elsewhere it says nothing unless asked to."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, Literal, TextIO, TypeAlias

from attrs import frozen

from integrakit.errors import ConfigurationError

__all__ = ["Bar", "Progress", "Shown", "make_bar"]

#: ``"auto"``: a line on standard error where that is a terminal. True: always. False: never. A function: called with `Shown` after each page.
Progress: TypeAlias = "Literal['auto'] | bool | Callable[[Shown], Any]"

WIDTH = 24
#: Seconds between two drawings: a terminal is slow.
EVERY = 0.1


@frozen(kw_only=True)
class Shown:
    """How far a run is."""

    name: str
    read: int
    written: int
    unchanged: int
    rejected: int
    #: The number of records the source declared, where it did.
    total: int | None
    seconds: float
    done: bool = False


def line(shown: Shown) -> str:
    """One line, such as ``orders [=====     ] 415/830 read, 410 written, 5 unchanged, 4.2 s``."""
    if shown.total:
        filled = min(WIDTH, shown.read * WIDTH // shown.total)
        bar, count = "=" * filled + " " * (WIDTH - filled), f"{shown.read}/{shown.total}"
    else:
        # How far it is cannot be known: the bar runs, and is full when it is over.
        place = shown.read // 50 % WIDTH
        bar = "=" * WIDTH if shown.done else " " * place + "=" + " " * (WIDTH - place - 1)
        count = str(shown.read)
    rejected = f", {shown.rejected} rejected" if shown.rejected else ""
    return f"{shown.name} [{bar}] {count} read, {shown.written} written, {shown.unchanged} unchanged{rejected}, {shown.seconds:.1f} s"


class Bar:
    """Draws the line of one run on a stream."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._over_itself = stream.isatty()
        self._drawn = float("-inf")

    def __call__(self, shown: Shown) -> None:
        now = self._clock()
        if shown.done:
            self._stream.write(("\r\x1b[K" if self._over_itself else "") + line(shown) + "\n")
            self._stream.flush()
        elif self._over_itself and now - self._drawn >= EVERY:
            self._drawn = now
            self._stream.write("\r\x1b[K" + line(shown))
            self._stream.flush()


def make_bar(progress: Any) -> Callable[[Shown], Any] | None:
    """What to call after each page, or None for nothing."""
    if progress == "auto":
        progress = sys.stderr is not None and sys.stderr.isatty()
    if progress is True:
        return None if sys.stderr is None else Bar(sys.stderr)
    if progress is False:
        return None
    if not callable(progress):
        raise ConfigurationError(f"progress= takes 'auto', True, False or a function of how far the run is, not {progress!r}")
    call: Callable[[Shown], Any] = progress
    return call
