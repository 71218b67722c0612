"""Servers of other people, started for a test on a free port of loopback, and stopped with all their children."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.services.require import away

__all__ = ["free_port", "npm_package", "started"]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def npm_package(name: str) -> Path:
    """The folder of a package of tests/services/rest. The tests contact no registry: whoever runs them says where it is installed."""
    folder = Path(os.environ.get("INTEGRAKIT_REST_SERVERS", ""), "node_modules", name)
    if not os.environ.get("INTEGRAKIT_REST_SERVERS") or not folder.is_dir():
        away(f"{name} is not installed: copy tests/services/rest to a folder, npm ci there, and name it in INTEGRAKIT_REST_SERVERS")
    return folder


@contextmanager
def started(command: Sequence[str], port: int, *, log: Path, env: Mapping[str, str] | None = None, patience: float = 60.0) -> Iterator[None]:
    """Runs a server until the block is left. Fails, with the end of its log, when it does not listen within ``patience`` seconds."""
    if shutil.which(command[0]) is None and not Path(command[0]).exists():
        away(f"{command[0]} is not installed")
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env={**os.environ, **(env or {})}, start_new_session=True)
    try:
        until = time.monotonic() + patience
        while True:
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 0.5).close()
                break
            if process.poll() is not None or time.monotonic() > until:
                raise AssertionError(f"{command[0]} did not start: {log.read_text(errors='replace')[-800:]}")
            time.sleep(0.05)
        yield
    finally:
        # Its process group: whatever it has started goes too.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
