"""Telling observers what happens: a request carries the way to them, so that policies shared by several clients tell the right ones.

Without observers nothing is built and nothing called. Policies do ``if tell := observed(request): tell(Event(…))``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from inspect import iscoroutinefunction
from typing import Any

from integrakit.errors import ConfigurationError
from integrakit.model import Request, Response
from integrakit.model.events import CallFinished, CallStarted, Event, Observer
from integrakit.protocols import CallNext
from integrakit.runtimes import runtime

__all__ = ["Observers", "observed"]

#: Where in ``request.extensions`` the way to the observers is.
_PLACE = "observers"


def observed(request: Request) -> Callable[[Event], None] | None:
    """What to call with an event of this request, or None when nobody listens."""
    return request.extensions.get(_PLACE)


class Observers:
    """The observers of one client. As a policy it stands outermost and tells of whole calls.

    An observer that raises is logged (logger ``integrakit.observers``, with its traceback) and does not disturb the request.
    """

    def __init__(self, observers: Any) -> None:
        if not isinstance(observers, list | tuple) or not all(callable(observer) and not isinstance(observer, type) for observer in observers):
            raise ConfigurationError(f"observers= takes a list of callables of one event, such as [print], not {observers!r}")
        for observer in observers:
            # Nobody could await it: it is called in blocking code, too, and in the middle of things that must not wait.
            if iscoroutinefunction(observer) or iscoroutinefunction(getattr(observer, "__call__", None)):  # noqa: B004 - looked at, not tested
                raise ConfigurationError(f"observers= takes callables that are not async: {observer!r} would never be awaited")
        self._observers: Sequence[Observer] = tuple(observers)

    def __bool__(self) -> bool:
        return bool(self._observers)

    def tell(self, event: Event) -> None:
        for observer in self._observers:
            try:
                observer(event)
            except Exception:
                logging.getLogger("integrakit.observers").exception("the observer %r failed at %s", observer, type(event).__name__)

    async def __call__(self, request: Request, call_next: CallNext, /) -> Response:
        request = request.copy()
        request.extensions[_PLACE] = self.tell
        world = runtime()
        began = world.now()
        self.tell(CallStarted(request=request))
        try:
            response = await call_next(request)
        except BaseException as problem:
            attempts = getattr(problem, "attempts", request.attempt)
            self.tell(CallFinished(request=request, error=problem, seconds=world.now() - began, attempts=attempts))
            raise
        self.tell(CallFinished(request=request, response=response, error=response.error, seconds=world.now() - began, attempts=response.attempts))
        return response
