"""What a read of a collection can be told, in one place for ``client.stream(…)`` and for resources: the options, and the `ReadSpec` made of them.

How it is read is the reader's.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, Literal, TypeAlias, TypedDict

from attrs import Factory, frozen

from integrakit._http import encode_params
from integrakit._json import canonical, dumps, loads
from integrakit.errors import ConfigurationError, DecodeError
from integrakit.http.arguments import check_into, checked_key, checked_paginator, checked_params, checked_stability
from integrakit.http.call_options import Asking, CallOptions
from integrakit.http.overlapping import check_overlap
from integrakit.http.records import Selector, check_selector
from integrakit.http.stalling import StallGuard
from integrakit.model import Request, Stability, Timeout
from integrakit.protocols import Paginator

__all__ = ["FinalCheck", "Incomplete", "ReadOptions", "ReadSpec", "check_read_options", "read_spec"]

#: How an offset read is checked once it is over: by the declared total, or by reading the keys once more.
FinalCheck: TypeAlias = Literal["count", "ids"]
#: What becomes of a read that is known to be incomplete.
Incomplete: TypeAlias = Literal["raise", "warn", "strict"]


class ReadOptions(TypedDict, total=False):
    """What a read can be told besides its URL, its parameters and the key of its records."""

    #: Where records are in a body: a dotted path, a function of the decoded body, or None: the body itself or the only list of objects in it.
    records: Selector
    paginator: Paginator | None
    #: An attrs class, or what else records are structured as.
    into: Any
    #: Called with a record that does not fit ``into``, and its error, instead of raising it.
    on_invalid: Callable[[Any, DecodeError], None] | None
    #: How far the collection holds still, where the paginator's own notion is wrong.
    stability: Stability | None
    #: What proves an offset read: "count" (the declared total), or "ids": the keys are read once more.
    final_check: FinalCheck
    #: "warn": a read that is known to be incomplete ends with a warning instead of `IncompleteRead`. "strict": one that is not proved to be
    #: complete raises it, too.
    incomplete: Incomplete
    #: When a read that does not get on is given up.
    stall_guard: StallGuard
    #: Pages asked for ahead of the one that is walked.
    prefetch: int
    #: Seconds for which the server knows the page tokens it gave; after that a checkpoint resumes at its watermark.
    token_lifetime: float | None
    #: For APIs that read by POST.
    method: str
    json: Any
    headers: Mapping[str, str] | None
    #: Of each page's request, as for any call.
    timeout: float | Timeout | None
    cost: int
    purpose: str | None


@frozen(kw_only=True)
class ReadSpec:
    """What is read and how: everything of a read but its state."""

    request: Request
    #: The name checkpoints carry.
    resource: str
    #: Parameters of the first request that do not select another read: where a watermark begins.
    start: Mapping[str, Any] = Factory(dict)
    records: Selector = None
    paginator: Paginator | None = None
    key: str | tuple[str, ...] | None = None
    into: Any = None
    on_invalid: Callable[[Any, DecodeError], None] | None = None
    stability: Stability | None = None
    final_check: FinalCheck = "count"
    incomplete: Incomplete = "raise"
    stall_guard: StallGuard = Factory(StallGuard)
    prefetch: int = 0
    token_lifetime: float | None = None

    def first_request(self) -> Request:
        """For the first page, as the named paginator asks for it."""
        request = self.request
        if self.start:
            request = request.copy(params={**request.params, **self.start})
        first_request = getattr(self.paginator, "first_request", None)
        first: Request = request if first_request is None else first_request(request)
        return first

    def parameters(self) -> str:
        """A hash of what selects the records: other parameters are another read."""
        parts = [self.request.method, sorted(encode_params(self.request.params)), loads(dumps(self.request.json))]
        return hashlib.blake2b(canonical(parts), digest_size=8).hexdigest()


def check_read_options(options: Mapping[str, Any], key: Any) -> None:
    """Raises `ConfigurationError` for an option that is none, or that cannot be what it should be. ``key``: what tells records apart."""
    for name in options:
        if name not in ReadOptions.__annotations__:
            near = get_close_matches(name, ReadOptions.__annotations__, n=1)
            hint = f"did you mean {near[0]}=? It" if near else "it"
            raise ConfigurationError(f"a read takes no {name}=; {hint} takes {', '.join(ReadOptions.__annotations__)}")
    check_selector(options.get("records"))
    check_into(options.get("into"), options.get("on_invalid"))
    checked_paginator(options.get("paginator"))
    checked_stability(options.get("stability"))
    for name, known in (("final_check", ("count", "ids")), ("incomplete", ("raise", "warn", "strict"))):
        if name in options and options[name] not in known:
            raise ConfigurationError(f"{name}= takes {' or '.join(map(repr, known))}, not {options[name]!r}")
    if options.get("final_check") == "ids" and checked_key(key) is None:
        raise ConfigurationError("final_check='ids' reads the keys once more: it needs key=, the field that tells records apart")
    prefetch = options.get("prefetch", 0)
    if isinstance(prefetch, bool) or not isinstance(prefetch, int) or not 0 <= prefetch <= 1000:
        raise ConfigurationError(f"prefetch= takes a number of pages, 0 to 1000, not {prefetch!r}")
    lifetime = options.get("token_lifetime")
    if lifetime is not None and (isinstance(lifetime, bool) or not isinstance(lifetime, int | float) or not 0 < lifetime < math.inf):
        raise ConfigurationError(f"token_lifetime= takes seconds above 0, or None where tokens do not expire, not {lifetime!r}")
    guard = options.get("stall_guard")
    if "stall_guard" in options and not isinstance(guard, StallGuard):
        raise ConfigurationError(f"stall_guard= takes a StallGuard, not {guard!r}")


def read_spec(
    asking: Asking,
    url: str,
    options: ReadOptions,
    *,
    key: str | tuple[str, ...] | None,
    params: Mapping[str, Any] | None,
    start: Mapping[str, Any] | None,
    paginator: Paginator | None,
) -> ReadSpec:
    """What ``client.stream(url, …)`` reads. ``paginator``: the client's own, where the options name none."""
    check_read_options(options, key)
    check_overlap(options.get("paginator") or paginator, key)
    call: CallOptions = {"params": params or {}, "json": options.get("json"), "headers": options.get("headers") or {}}
    call["cost"] = options.get("cost", 1)
    if (timeout := options.get("timeout")) is not None:
        call["timeout"] = timeout
    if (purpose := options.get("purpose")) is not None:
        call["purpose"] = purpose
    return ReadSpec(
        request=asking.request(options.get("method", "GET"), url, call),
        resource=url,
        start=checked_params("start", start),
        records=options.get("records"),
        paginator=options.get("paginator") or paginator,
        key=checked_key(key),
        into=options.get("into"),
        on_invalid=options.get("on_invalid"),
        stability=options.get("stability"),
        final_check=options.get("final_check", "count"),
        incomplete=options.get("incomplete", "raise"),
        stall_guard=options.get("stall_guard", StallGuard()),
        prefetch=options.get("prefetch", 0),
        token_lifetime=options.get("token_lifetime"),
    )
