"""Virtual time for a whole test: `simulate` runs what a factory makes in a fresh simulated runtime."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, TypeVar, overload

from integrakit.errors import ConfigurationError
from integrakit.runtimes.simulated import EPOCH, SimulatedRuntime

__all__ = ["simulate"]

T = TypeVar("T")


@overload
def simulate(make: Callable[[], Awaitable[T]], *, seed: int = 0, start: datetime = EPOCH) -> T: ...
@overload
def simulate(make: Callable[[], T], *, seed: int = 0, start: datetime = EPOCH) -> T: ...
def simulate(make: Callable[[], Any], *, seed: int = 0, start: datetime = EPOCH) -> Any:
    """Calls ``make()`` inside virtual time, awaits what it returns if that can be awaited, and gives the result.

    ``make`` is an ``async def`` without arguments, or a plain function whose blocking integrakit calls then take virtual time as well. Waiting costs
    nothing; the same ``seed`` gives the same run. ``start`` is the time of day at the beginning, aware. Whatever the run raises is raised here.
    """
    if inspect.iscoroutine(make):
        make.close()
        raise ConfigurationError("simulate() takes the function, not what it returned: write simulate(job) and not simulate(job())")
    if not callable(make):
        raise ConfigurationError(f"simulate() takes a function without arguments, not {type(make).__name__}")

    async def main() -> Any:
        result = make()
        return await result if inspect.isawaitable(result) else result

    return SimulatedRuntime(seed=seed, start=start).run(main())
