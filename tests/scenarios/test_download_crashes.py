"""Processes that download one file and are killed at any moment: the file is never there in part, and what had come is not fetched again."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import textwrap
import time
from pathlib import Path

from tests.fakes.bulk_server import BulkFile
from tests.unit.conftest import LoopbackServer

from integrakit.http import Client, downloads

BODY = random.Random(3).randbytes(3_000_000)
RUN = textwrap.dedent("""
    import sys
    import integrakit as ik

    with ik.Client(sys.argv[1]) as client:
        print("begun", flush=True)
        client.download("/export", sys.argv[2])
""")


def test_killed_at_any_moment(tmp_path: Path) -> None:
    moments = random.Random(7)
    target, part = tmp_path / "export.bin", tmp_path / "export.bin.part"
    server = LoopbackServer(BulkFile(BODY, plan=[("slow", 100_000, 0.02)] * 100))
    try:
        had = 0
        for _ in range(4):
            child = subprocess.Popen([sys.executable, "-c", RUN, server.url, str(target)], stdout=subprocess.PIPE)
            assert child.stdout is not None
            assert child.stdout.readline() == b"begun\n"
            # Until something new has come, and then a moment more.
            until = time.monotonic() + 20
            while child.poll() is None and time.monotonic() < until and (not part.exists() or part.stat().st_size <= had):
                time.sleep(0.005)
            time.sleep(moments.random() * 0.05)
            child.kill()
            child.wait()
            child.stdout.close()
            assert not target.exists()
            assert part.stat().st_size > had
            had = part.stat().st_size
            assert part.read_bytes() == BODY[:had]
        with Client(server.url) as client:
            done = client.download("/export", target)
        assert target.read_bytes() == BODY
        assert done.resumed == had
        starts = [int(asked.headers["range"][6:-1]) for asked in server.asked[1:]]
        assert starts == sorted(starts)
        assert starts[-1] == had - downloads.OVERLAP
        assert os.listdir(tmp_path) == ["export.bin"]
    finally:
        server.close()
