"""The worlds every I/O behaviour is tested in: one fixture, four colours. And the HTTP library under it: ``pytest --http httpx2`` runs what reaches a
server once more, over the other one.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
import trio
import trustme

import integrakit._http.wire as wire
from integrakit.runtimes import SimulatedRuntime, drive

World = Callable[[Callable[[], Coroutine[Any, Any, Any]]], Any]


def _sync(make: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    return drive(make())


def _asyncio(make: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    return asyncio.run(make())


def _trio(make: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    return trio.run(make)


def _simulated(make: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    return SimulatedRuntime(seed=1).run(make())


WORLDS = {"sync": _sync, "asyncio": _asyncio, "trio": _trio, "simulated": _simulated}


@pytest.fixture(params=list(WORLDS))
def world(request: pytest.FixtureRequest) -> World:
    """Runs an ``async def`` without arguments in one of the four worlds: ``world(body)``."""
    return WORLDS[request.param]


UNIT = Path(__file__).parent / "unit"
#: What a test file that sends requests by our own means cannot do without.
SENDS = re.compile(r"(?<![.\w])(?:ik\.|integrakit\.)?Client\(|\bConnector\b|\bWire\(")
#: What stands above HTTP, and sees of it what `integrakit.http` shows: shown once, over either library.
ABOVE = frozenset(
    {
        "test_ahead",
        "test_backfill",
        "test_bulk_attacks",
        "test_bulk_job",
        "test_burials",
        "test_deletions",
        "test_graphql",
        "test_lag",
        "test_open_reader",
        "test_reader_answers",
        "test_reader_attacks",
        "test_relay_paginator",
        "test_run",
        "test_simulator_changes",
        "test_sinks",
        "test_sliced",
        "test_sweep",
        "test_sync",
        "test_watermark",
    }
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--http",
        choices=["httpx", "httpx2"],
        default="httpx",
        help="the HTTP library of clients that name none; httpx2: the unit tests of what sends requests, in sync code and asyncio, and no others "
        "(those that name their library, as all of Transport do, run over both without this option)",
    )


@pytest.fixture(scope="session", autouse=True)
def http_library(request: pytest.FixtureRequest) -> Iterator[str]:
    """Name of the library that a client takes in this run unless it is told another."""
    name: str = request.config.getoption("--http")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wire, "DEFAULT", name)
        yield name


@pytest.fixture(scope="session", autouse=True)
def one_certificate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One certificate to trust instead of all those of the web: reading them takes longer than most tests, and nothing here is of the web."""
    path = tmp_path_factory.mktemp("trust") / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(path))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(path))
        yield


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--http") == "httpx":
        return
    texts: dict[Path, str] = {}

    def differs(item: pytest.Item) -> bool:
        """Whether the library of this run may make a difference: a unit test of what sends requests, blocking or in asyncio.

        Left out: trio and simulations (what is told apart there is the runtime, not the library); properties, scenarios and services (policies and
        servers, over what is shown here); what stands `ABOVE`; and what has a ``library`` of its own: tests of `Transport`, TLS and the users' own
        clients, which every run does over both.
        """
        text = texts.setdefault(item.path, item.path.read_text(encoding="utf-8"))
        names = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
        if UNIT not in item.path.parents or item.path.stem in ABOVE or SENDS.search(text) is None:
            return False
        return "library" not in names and names.get("world", "sync") in ("sync", "asyncio")

    config.hook.pytest_deselected(items=[item for item in items if not differs(item)])
    items[:] = [item for item in items if differs(item)]
