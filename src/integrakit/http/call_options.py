"""What one call takes besides its method and URL, checked, and made a `Request`. Nothing is sent here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypedDict

from attrs import frozen

from integrakit._http import check_data, check_files
from integrakit.errors import ConfigurationError
from integrakit.http.arguments import (
    checked_actor,
    checked_cost,
    checked_deadline,
    checked_headers,
    checked_method,
    checked_params,
    checked_purpose,
    checked_timeout,
)
from integrakit.model import Request, Timeout

__all__ = ["Asking", "CallOptions"]


class CallOptions(TypedDict, total=False):
    """What every call takes besides its method and URL."""

    params: Mapping[str, Any]
    json: Any
    data: Mapping[str, Any]
    files: Any
    content: bytes | str
    headers: Mapping[str, str]
    #: Seconds for one attempt, body included, or a whole `Timeout`.
    timeout: float | Timeout
    #: Seconds for the whole call, waits included.
    deadline: float
    idempotency_key: str
    #: Units of the rate limit.
    cost: int
    #: What it is for, where the rate limit keeps reserves: "interactive", "backfill" …
    purpose: str
    #: Who or what it is made for, in the audit log.
    actor: str
    #: False: an error response is returned, not raised.
    check: bool


@frozen(kw_only=True)
class Asking:
    """How a client's requests begin: what they have in common, and what each call may say otherwise."""

    base_url: str
    timeout: Timeout
    deadline: float | None
    purpose: str
    #: Whether the client was told where an idempotency key goes.
    keyed: bool
    #: The clock deadlines go by, in seconds.
    now: Callable[[], float]

    def request(self, method: str, url: str, options: CallOptions) -> Request:
        """Raises `ConfigurationError` for what no request can be made of."""
        if not options:  # the plainest call is the commonest
            deadline = None if self.deadline is None else self.now() + self.deadline
            return Request(method=checked_method(method), url=self.absolute(url), timeout=self.timeout, deadline=deadline, purpose=self.purpose)
        unknown = options.keys() - CallOptions.__annotations__.keys()
        if unknown:
            raise ConfigurationError(f"{method} {url}: there is no option {sorted(unknown)}; there are {sorted(CallOptions.__annotations__)}")
        body = [name for name in ("json", "content") if options.get(name) is not None]
        if len(body) + (options.get("data") is not None or options.get("files") is not None) > 1:
            raise ConfigurationError(f"{method} {url}: give one body: json=, content=, or data= (with or without files=)")
        if options.get("idempotency_key") is not None and not self.keyed:
            raise ConfigurationError(
                f"idempotency_key= for {method} {url}: the client was not told where it goes; give it idempotency=IdempotencyKey(…)"
            )
        if (content := options.get("content")) is not None and not isinstance(content, bytes | str):
            raise ConfigurationError(f"{method} {url}: content= takes bytes or text, not {type(content).__name__}: it may have to be sent again")
        if (files := options.get("files")) is not None:
            check_files(files)
        if (data := options.get("data")) is not None:
            check_data(data)
        deadline = checked_deadline(options.get("deadline", self.deadline))
        return Request(
            method=checked_method(method),
            url=self.absolute(url),
            params=checked_params("params", options.get("params")),
            headers=checked_headers(options.get("headers")),
            json=options.get("json"),
            data=data,
            files=files,
            content=content,
            timeout=checked_timeout(options["timeout"]) if "timeout" in options else self.timeout,
            deadline=None if deadline is None else self.now() + deadline,
            cost=checked_cost(options.get("cost", 1)),
            purpose=checked_purpose(options.get("purpose", self.purpose)),
            idempotency_key=options.get("idempotency_key"),
            extensions={"actor": checked_actor(options["actor"])} if "actor" in options else {},
        )

    def again(self, request: Request) -> Request:
        """The request with a deadline of its own: one page of a read may come long after the one before."""
        return request if self.deadline is None else request.copy(deadline=self.now() + self.deadline)

    def absolute(self, url: str) -> str:
        """The URL, joined to the base where it is a path."""
        if not isinstance(url, str):
            raise ConfigurationError(f"the URL is a path such as '/orders', or absolute, not {url!r}")
        if url[:8].lower().startswith(("http://", "https://")):
            return url
        return self.base_url + ("" if not url or url[0] in "/?" else "/") + url
