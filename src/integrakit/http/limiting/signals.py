"""Which dialects there are, which of them an answer is written in, and what it says. An answer without a word on quotas costs next to nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

from integrakit.errors import ConfigurationError
from integrakit.http.limiting.dialects import bodies, vendors
from integrakit.http.limiting.dialects.generic import retry_after, x_ratelimit
from integrakit.http.limiting.dialects.ratelimit import ratelimit
from integrakit.http.limiting.dialects.values import number
from integrakit.http.limiting.quota_signal import Dialect, QuotaSignal
from integrakit.model import Response

__all__ = ["DIALECTS", "Dialect", "QuotaSignal", "read_signals", "resolve_dialects", "x_ratelimit"]

#: Name → dialect. Names of `read_signals`, and of the signals' ``dialect``.
DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {
        "amazon": vendors.amazon,
        "anthropic": vendors.anthropic,
        "github": bodies.github,
        "hubspot": bodies.hubspot,
        "netsuite": bodies.netsuite,
        "openai": vendors.openai,
        "quickbooks": vendors.quickbooks,
        "ratelimit": ratelimit,
        "retry-after": retry_after,
        "salesforce": bodies.salesforce,
        "shopify": vendors.shopify,
        "shopify-graphql": bodies.shopify_graphql,
        "slack": vendors.slack,
        "stripe": vendors.stripe,
        "x-rate-limit": x_ratelimit(prefix="x-rate-limit"),
        "x-ratelimit": x_ratelimit(),
        "zendesk": vendors.zendesk,
    }
)

#: Dialect, and the headers it is recognised by: the beginnings of their names; with a line break at the end, whole names. Specific ones come first.
_MARKS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("github", ("x-github-request-id\n", "x-ratelimit-resource\n")),
    ("openai", ("x-ratelimit-limit-requests", "x-ratelimit-limit-tokens", "x-ratelimit-remaining-requests", "x-ratelimit-remaining-tokens")),
    ("zendesk", ("x-rate-limit\n", "zendesk-ratelimit-")),
    ("slack", ("x-slack-",)),
    ("quickbooks", ("intuit_tid\n",)),
    ("amazon", ("x-amzn-ratelimit-limit\n",)),
    ("anthropic", ("anthropic-ratelimit-",)),
    ("hubspot", ("x-hubspot-",)),
    ("salesforce", ("sforce-limit-info\n",)),
    ("shopify", ("x-shopify-shop-api-call-limit\n",)),
    ("stripe", ("stripe-rate-limited-reason\n",)),
    ("ratelimit", ("ratelimit",)),
    ("x-rate-limit", ("x-rate-limit-",)),
    ("x-ratelimit", ("x-ratelimit-",)),
    ("retry-after", ("retry-after", "x-ms-retry-after-ms\n")),
)
#: One group a dialect, so that a header is looked at once.
_MARK = re.compile("|".join("\n(" + "|".join(re.escape(mark).replace("\\\n", "(?=\n)") for mark in marks) + ")" for _, marks in _MARKS))
#: Specific dialect → those that would read the same headers as well, and stay silent.
_INSTEAD_OF: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "github": frozenset({"openai", "x-ratelimit", "retry-after"}),
        "openai": frozenset({"x-ratelimit"}),
        "zendesk": frozenset({"x-rate-limit", "ratelimit"}),
        "slack": frozenset({"retry-after"}),
        "quickbooks": frozenset({"retry-after"}),
    }
)
#: Statuses of refusals that say in the body what they are.
_TELLING_STATUSES = frozenset({400, 403, 429})


def read_signals(response: Response, now: datetime, dialects: Sequence[str | Dialect] | None = None) -> list[QuotaSignal]:
    """All that the answer tells of quotas. Nothing that stands in it makes this raise.

    ``now``: aware. ``dialects``: names from `DIALECTS` and functions of your own, all of which are asked; None: those whose headers are there, the
    specific instead of the general. Raises `ConfigurationError` for a name that is none.
    """
    if dialects is None:
        names = _header_names(response.raw.headers)
        status = response.raw.status_code
        if "limit" not in names and "retry-after" not in names and status not in _TELLING_STATUSES and "/graphql" not in response.request.url:
            return []
        chosen: Iterable[Dialect] = [DIALECTS[name] for name in _recognise(names, status, response.request.url)]
    else:
        chosen = resolve_dialects(dialects)
    # An answer out of a cache tells how things were when somebody else asked (RateLimit draft-11 §8, RFC 9111 §4.2.3).
    if number(response.headers.get("age")):
        return []
    return [signal for dialect in chosen for signal in dialect(response, now)]


def resolve_dialects(dialects: Sequence[str | Dialect]) -> tuple[Dialect, ...]:
    """The functions behind names. Raises `ConfigurationError` for what is neither a known name nor a function."""
    if isinstance(dialects, str) or not isinstance(dialects, Sequence):
        raise ConfigurationError(f"dialects takes a list of names and functions, such as ['github'], not {dialects!r}")
    for dialect in dialects:
        if not callable(dialect) and (not isinstance(dialect, str) or dialect not in DIALECTS):
            raise ConfigurationError(f"there is no dialect {dialect!r}: give a function, or one of {sorted(DIALECTS)}")
    return tuple(DIALECTS[dialect] if isinstance(dialect, str) else dialect for dialect in dialects)


def _header_names(headers: Any) -> str:
    """The names of the headers in small letters, one a line."""
    # As bytes where they are to be had: decoding each of them first takes twice as long, and this is done for every answer.
    raw = getattr(headers, "raw", None)
    if raw is None:
        return "\n".join(headers).lower()
    return b"\n".join([name for name, _ in raw]).decode("latin-1").lower()


def _recognise(names: str, status: int, url: str) -> list[str]:
    seen = {found.lastindex for found in _MARK.finditer(f"\n{names}\n")}
    found = [name for index, (name, _) in enumerate(_MARKS, 1) if index in seen]
    silent = {other for name in found for other in _INSTEAD_OF.get(name, ())}
    if status not in (403, 429):
        silent.discard("retry-after")  # of a 503, no vendor has anything of its own to say
    if "/graphql" in url and "github" not in found:
        found.append("shopify-graphql")
    if status in _TELLING_STATUSES:
        # Their refusals have no header of their own; each of the two knows its words, and finds nothing in the bodies of others.
        found += [name for name in ("salesforce", "netsuite") if name not in found]
    return [name for name in found if name not in silent]
