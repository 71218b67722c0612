"""Which process this is, and whether another one is certainly gone.

Nothing is guessed: where it cannot be known that a process is gone, it counts as alive. Reads ``/proc`` where there is one, and sends no signal.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path

from attrs import frozen

__all__ = ["Process", "this_process"]


@frozen(kw_only=True)
class Process:
    """A process, named so that it is not mistaken for another one: across machines, reboots, containers and reused process ids."""

    host: str
    pid: int
    #: Kernel's id of this boot, and of the container's process table; "" where the platform has none.
    boot: str = ""
    #: When the process began, in the kernel's own ticks; None where the platform does not tell.
    started: int | None = None

    def is_gone(self) -> bool:
        """True only when it is certain: it ran on this machine, in this process table, and is there no more."""
        if os.name != "posix" or self.host != socket.gethostname() or self.boot != _boot():
            return False
        try:
            os.kill(self.pid, 0)  # signal 0 asks, and does nothing
        except ProcessLookupError:
            return True
        except (OSError, OverflowError):
            return False  # it is there, and belongs to someone else
        status = _status(self.pid)
        if status is None:
            return False
        state, started = status
        return state in "ZX" or (self.started is not None and started != self.started)


def this_process() -> Process:
    pid = os.getpid()
    status = _status(pid)
    return Process(host=socket.gethostname(), pid=pid, boot=_boot(), started=None if status is None else status[1])


def _boot() -> str:
    # Two containers can share the name and the kernel, so that the same number is another process: their process tables tell them apart.
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip() + " " + os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def _status(pid: int) -> tuple[str, int] | None:
    """State letter and start time from ``/proc/<pid>/stat``: fields 3 and 22; the name before them may hold anything, spaces and brackets too."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return fields[0].decode(), int(fields[19])
    except (OSError, IndexError, ValueError):
        return None
