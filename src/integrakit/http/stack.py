"""Putting policies together: one around the other, around what sends. Which stands where is in `order`."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Sequence

from attrs import frozen

from integrakit.errors import ConfigurationError
from integrakit.model import Request, Response
from integrakit.protocols import CallNext, Policy

__all__ = ["PerAttempt", "checked", "compose"]


@frozen
class PerAttempt:
    """Marks a policy of one's own to stand inside retry: it sees every attempt."""

    policy: Policy

    def __attrs_post_init__(self) -> None:
        if not callable(self.policy):
            raise ConfigurationError(f"PerAttempt takes a policy, async def policy(request, call_next), not {self.policy!r}")


def checked(policy: Policy) -> Policy:
    """A policy of the user's own, which may forget to return the response: `ConfigurationError` says so."""

    async def checking(request: Request, call_next: CallNext, /) -> Response:
        answer = policy(request, call_next)
        if not inspect.isawaitable(answer):
            raise ConfigurationError(f"the policy {policy!r} is not async: write async def policy(request, call_next)")
        response = await answer
        if not isinstance(response, Response):
            raise ConfigurationError(f"the policy {policy!r} returned {response!r}: it must return the response of call_next(request)")
        return response

    return checking


class _Bound:
    """A policy with what comes after it."""

    __slots__ = ("_next", "_policy")

    def __init__(self, policy: Policy, call_next: CallNext) -> None:
        self._policy = policy
        self._next = call_next

    def __call__(self, request: Request) -> Awaitable[Response]:
        return self._policy(request, self._next)


def compose(policies: Sequence[Policy], send: CallNext) -> CallNext:
    """The policies around ``send``, the first one outermost."""
    for policy in reversed(policies):
        send = _Bound(policy, send)
    return send
