"""The line that says how far a run is."""

from __future__ import annotations

import io
from typing import Any

import pytest
from attrs import evolve

from integrakit.errors import ConfigurationError
from integrakit.sync import Shown, Sync
from integrakit.sync.progress import Bar, line, make_bar

SHOWN = Shown(name="orders", read=415, written=410, unchanged=5, rejected=0, total=830, seconds=4.2)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_lines() -> None:
    assert line(SHOWN) == "orders [============            ] 415/830 read, 410 written, 5 unchanged, 4.2 s"
    assert "[========================]" in line(evolve(SHOWN, read=900))
    assert line(evolve(SHOWN, total=None, rejected=2)) == "orders [        =               ] 415 read, 410 written, 5 unchanged, 2 rejected, 4.2 s"
    assert "[========================] 415 read" in line(evolve(SHOWN, total=None, done=True))
    assert "0 read" in line(evolve(SHOWN, read=0, total=0))


def test_on_a_terminal_it_is_drawn_over_itself_and_not_too_often() -> None:
    out, now = Terminal(), [0.0]
    bar = Bar(out, lambda: now[0])
    bar(SHOWN)
    bar(evolve(SHOWN, read=416))
    now[0] = 0.2
    bar(evolve(SHOWN, read=417))
    bar(evolve(SHOWN, read=830, done=True))
    assert [part.split(" read")[0].rpartition(" ")[2] for part in out.getvalue().split("\r\x1b[K")[1:]] == ["415/830", "417/830", "830/830"]
    assert out.getvalue().endswith("\n")


def test_elsewhere_only_the_end_is_written() -> None:
    out = io.StringIO()
    bar = Bar(out)
    bar(SHOWN)
    bar(evolve(SHOWN, done=True))
    assert out.getvalue() == line(SHOWN) + "\n"


def test_which_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", io.StringIO())
    assert make_bar("auto") is None
    assert isinstance(make_bar(True), Bar)
    assert make_bar(False) is None
    assert make_bar(print) is print
    monkeypatch.setattr("sys.stderr", Terminal())
    assert isinstance(make_bar("auto"), Bar)
    monkeypatch.setattr("sys.stderr", None)
    assert make_bar("auto") is None
    assert make_bar(True) is None
    for wrong in (None, "yes", 7):
        with pytest.raises(ConfigurationError, match="progress= takes"):
            make_bar(wrong)


def test_a_function_is_told_after_each_page_and_at_the_end(world: Any) -> None:
    told: list[Shown] = []
    got: list[Any] = []
    sync = Sync("s", source=[{"id": number} for number in range(1100)], sink=got.extend, key="id", progress=told.append)
    world(sync.arun)
    assert [(shown.read, shown.written, shown.done) for shown in told] == [
        (500, 500, False),
        (1000, 1000, False),
        (1100, 1100, False),
        (1100, 1100, True),
    ]
    assert {shown.name for shown in told} == {"s"}
