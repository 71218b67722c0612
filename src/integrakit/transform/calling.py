"""Whether a function can be called as a mapping would call it: by the number of its values, and not to be awaited.

Only looking, never calling. What a function's signature does not tell shows on the first record.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

__all__ = ["arity_problem", "must_be_awaited"]


def must_be_awaited(function: Callable[..., Any]) -> bool:
    """True for async functions, for objects whose call is one, and for what either is wrapped in by `functools.partial`."""
    wrapped: Any = function
    while hasattr(wrapped, "func") and hasattr(wrapped, "args"):
        wrapped = wrapped.func
    called = type(wrapped).__call__
    return any(inspect.iscoroutinefunction(one) or inspect.isasyncgenfunction(one) for one in (function, wrapped, called))


def arity_problem(function: Callable[..., Any], count: int) -> str:
    """Why the function cannot be called with ``count`` values by position; empty where it can, or where nothing is known."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some functions written in C have none
        return ""
    try:
        signature.bind(*[None] * count)
    except TypeError as problem:
        return f"it takes {signature}, and is called with {count} value{'s' * (count != 1)}: {problem}"
    return ""
