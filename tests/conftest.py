"""The worlds every I/O behaviour is tested in: one fixture, four colours."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import trio

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
