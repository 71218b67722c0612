"""One key for one logical call: minted outside retry, so that every attempt carries the same, and really on the wire."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

from attrs import field, frozen

from integrakit.errors import ConfigurationError
from integrakit.model import Request, Response
from integrakit.model.exchange import is_header_name, without_params
from integrakit.protocols import CallNext

__all__ = ["IdempotencyKey"]


def _place(owner: Any, attribute: Any, value: Any) -> None:
    if value is None:
        return
    if not isinstance(value, str) or not (
        is_header_name(value) if attribute.name == "header" else value.isascii() and value.isprintable() and value.strip()
    ):
        raise ConfigurationError(f"IdempotencyKey({attribute.name}=…) takes the name of the {attribute.name} parameter, not {value!r}")


def _methods(value: Iterable[str]) -> frozenset[str]:
    wrong = f"IdempotencyKey(methods=…) takes a list of methods such as ['POST', 'PATCH'], not {value!r}"
    if not isinstance(value, list | tuple | set | frozenset):
        raise ConfigurationError(wrong)
    methods = frozenset(method.upper() for method in value if isinstance(method, str) and method.isalpha())
    if len(methods) != len(value) or not methods:
        raise ConfigurationError(wrong)
    return methods


@frozen(kw_only=True)
class IdempotencyKey:
    """Tells the server which requests are the same, where the server honours it. Name one place: ``header``, ``query`` or ``body`` (a JSON field).

    The key is the caller's ``idempotency_key=``, which should come from the business (and be the same after a restart), or else what the caller put
    into that place himself, or else a new UUID.
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
        if request.method.upper() not in self.methods:
            return await call_next(request)
        if self.body is not None and not isinstance(request.json, Mapping):
            raise ConfigurationError(f"IdempotencyKey(body={self.body!r}) needs a JSON object as the body of {request}")
        key = request.idempotency_key
        if key is None:
            key = self._given(request)
        if key is None:
            key = str(uuid4())
        if not isinstance(key, str) or not key.isascii() or not key.isprintable() or not key or key != key.strip():
            raise ConfigurationError(f"idempotency_key={key!r} cannot be sent: give printable ASCII, or a hash of what you have")
        request = request.copy(idempotency_key=key)
        request.extensions["idempotent"] = True
        if self.header is not None:
            request.headers[self.header.lower()] = key
        elif self.query is not None:
            request.url = without_params(request.url, lambda name, value: name == self.query)
            request.params[self.query] = key
        else:
            request.json = {**request.json, str(self.body): key}
        return await call_next(request)

    def _given(self, request: Request) -> Any:
        """The key that stands in its place already, or None."""
        if self.header is not None:
            return request.headers.get(self.header.lower())
        if self.query is not None:
            in_url = dict(parse_qsl(request.url.partition("#")[0].partition("?")[2], keep_blank_values=True))
            return request.params.get(self.query, in_url.get(self.query))
        return request.json.get(self.body)
