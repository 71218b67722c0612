"""One key for one logical call: minted outside retry, so that every attempt carries the same, and really on the wire."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from attrs import field, frozen

from integrakit.errors import ConfigurationError
from integrakit.model import Request, Response
from integrakit.protocols import CallNext

__all__ = ["IdempotencyKey"]


def _place(owner: Any, attribute: Any, value: Any) -> None:
    if value is not None and (not isinstance(value, str) or not value or not value.isprintable()):
        raise ConfigurationError(f"IdempotencyKey({attribute.name}=…) takes the name of the {attribute.name} parameter, not {value!r}")


def _methods(value: Iterable[str]) -> frozenset[str]:
    if isinstance(value, str):
        raise ConfigurationError(f"IdempotencyKey(methods=…) takes a list of methods, not {value!r}")
    return frozenset(method.upper() for method in value)


@frozen(kw_only=True)
class IdempotencyKey:
    """Tells the server which requests are the same, where the server honours it. Name one place: ``header``, ``query`` or ``body`` (a JSON field).

    The key is the caller's ``idempotency_key=``, which should come from the business (and be the same after a restart), or else a new UUID.
    """

    header: str | None = field(default=None, validator=_place)
    query: str | None = field(default=None, validator=_place)
    body: str | None = field(default=None, validator=_place)
    #: Only these carry a key: the others are safe to repeat as they are.
    methods: frozenset[str] = field(default=frozenset({"POST", "PATCH"}), converter=_methods)

    def __attrs_post_init__(self) -> None:
        if sum(place is not None for place in (self.header, self.query, self.body)) != 1:
            raise ConfigurationError('IdempotencyKey takes exactly one of header=, query= and body=, e.g. IdempotencyKey(header="Idempotency-Key")')

    async def __call__(self, request: Request, call_next: CallNext, /) -> Response:
        if request.method not in self.methods:
            return await call_next(request)
        key = request.idempotency_key or str(uuid4())
        if not key.isascii() or not key.isprintable():
            raise ConfigurationError(f"idempotency_key={key!r} cannot be sent: give printable ASCII, or a hash of what you have")
        request = request.copy(idempotency_key=key)
        request.extensions["idempotent"] = True
        if self.header is not None:
            request.headers[self.header] = key
        elif self.query is not None:
            request.params[self.query] = key
        elif isinstance(request.json, dict):
            request.json = {**request.json, str(self.body): key}
        else:
            raise ConfigurationError(f"IdempotencyKey(body={self.body!r}) needs a JSON object as the body of {request}")
        return await call_next(request)
