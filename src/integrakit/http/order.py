"""Which policy stands where: the one place where their order is fixed, for `Client` and `Transport` alike.

    audit (call) > observers > idempotency key > the user's policies > retry                        once per logical call
      > hedging > redirects > signing anew after a 401 > circuit breaker > concurrency
      > rate limit > the user's PerAttempt > auth > audit (attempt) > send                          per attempt

The last three are `Send`. One attempt can be several exchanges for the audit, where an auth asks for a token.

What stands once per call must not be repeated by retry; what stands per attempt must be. An open circuit holds no permit and spends no quota; who
waits for a permit has no slot of the rate limit yet that could lapse meanwhile. The deadline is looked at by whoever waits.
"""

from __future__ import annotations

from typing import Any

from integrakit.errors import ConfigurationError
from integrakit.http.arguments import instance
from integrakit.http.idempotency import IdempotencyKey
from integrakit.http.observing import Observers
from integrakit.http.stack import PerAttempt, checked, compose
from integrakit.protocols import CallNext, Policy

__all__ = ["arrange", "rate_limiter"]


def arrange(
    send: CallNext,
    *,
    redirects: Policy | None,
    signing_anew: Policy | None,
    audit: Any,
    observers: Any,
    idempotency: Any,
    policies: Any,
    retry: Policy | None,
    hedge: Any,
    circuit_breaker: Any,
    concurrency: Any,
    rate_limit: Any,
) -> CallNext:
    """``send`` with the policies of one client around it. Raises `ConfigurationError` for what is none of the right kind.

    ``redirects``: what follows them, None where that is somebody else's business; ``signing_anew``: None for an auth that has nothing to sign anew
    with. ``retry`` is the caller's to check.
    """
    watching = Observers(observers)
    outer, inner = _sorted(policies)
    _check_audit(audit)
    order: list[Policy | None] = [
        None if audit is None else audit.call,
        watching if watching else None,
        instance("idempotency", idempotency, IdempotencyKey, 'an IdempotencyKey, e.g. IdempotencyKey(header="Idempotency-Key")'),
        *outer,
        retry,
        None if hedge is None else _hedge(hedge),
        redirects,
        signing_anew,
        None if circuit_breaker is None else _circuit_breaker(circuit_breaker),
        None if concurrency is None else _concurrency_limit(concurrency),
        None if rate_limit is None else rate_limiter(rate_limit),
        *inner,
    ]
    return compose([policy for policy in order if policy is not None], send)


# Each of the following is imported by those who use it: together they take half as long as httpx.


def rate_limiter(given: Any) -> Policy:
    """A `RateLimit`, from one or from its text."""
    from integrakit.http.rate_limit import RateLimit  # for those who use it

    limit: Policy = instance(
        "rate_limit", RateLimit(given) if isinstance(given, str) else given, RateLimit, "a text such as '2/second; 100000/day', or a RateLimit"
    )
    return limit


def _concurrency_limit(given: Any) -> Policy:
    """A `ConcurrencyLimit`, from one or from its number."""
    from integrakit.http.concurrency import ConcurrencyLimit  # for those who use it

    limit = ConcurrencyLimit(given) if isinstance(given, int) and not isinstance(given, bool) else given
    checked_limit: Policy = instance("concurrency", limit, ConcurrencyLimit, "a whole number of requests in flight, or a ConcurrencyLimit")
    return checked_limit


def _circuit_breaker(given: Any) -> Policy:
    from integrakit.http.circuit_breaker import CircuitBreaker  # for those who use it

    breaker: Policy = instance("circuit_breaker", given, CircuitBreaker, "a CircuitBreaker, or None")
    return breaker


def _hedge(given: Any) -> Policy:
    from integrakit.http.hedging import Hedge  # for those who use it

    hedge: Policy = instance("hedge", given, Hedge, "a Hedge, or None")
    return hedge


def _check_audit(audit: Any) -> None:
    # Known by its two methods: most clients keep no audit, and what it hashes with is slow to import.
    if audit is not None and (isinstance(audit, type) or not (callable(getattr(audit, "call", None)) and callable(getattr(audit, "attempt", None)))):
        raise ConfigurationError(f"audit= takes an AuditLog, e.g. integrakit.audit.AuditLog('audit.db'), not {audit!r}")


def _sorted(policies: Any) -> tuple[list[Policy], list[Policy]]:
    """Those that stand once per call, and those per attempt."""
    if not isinstance(policies, list | tuple):
        raise ConfigurationError(f"policies= takes a list of policies, not {policies!r}")
    outer: list[Policy] = []
    inner: list[Policy] = []
    for policy in policies:
        if isinstance(policy, PerAttempt):
            inner.append(checked(policy.policy))
        elif callable(policy) and not isinstance(policy, type):
            given: Any = policy
            outer.append(checked(given))
        else:
            raise ConfigurationError(f"policies= takes functions, async def policy(request, call_next), or PerAttempt of one, not {policy!r}")
    return outer, inner
