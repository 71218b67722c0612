"""An error reporter as the curious ones are: it writes out the local variables of every frame, of causes and contexts too."""

from __future__ import annotations

import traceback
from pathlib import Path

TESTS = str(Path(__file__).parents[1])


def reported(error: BaseException) -> str:
    """All that it shows, but for the frames of the tests themselves: they hold the values on purpose."""
    found: list[str] = []
    seen: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        link = waiting.pop()
        if link is None or link in seen:
            continue
        seen.append(link)
        waiting += [link.__cause__, link.__context__]
        captured = traceback.TracebackException(type(link), link, link.__traceback__, capture_locals=True)
        found += [str(link), repr(link), *getattr(link, "__notes__", [])]
        found += [f"{frame.filename}:{frame.lineno} {frame.name} {frame.locals}" for frame in captured.stack if not frame.filename.startswith(TESTS)]
    return "\n".join(found)
