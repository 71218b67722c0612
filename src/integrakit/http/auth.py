"""Credentials that fit in one request: bearer token, API key, basic. Each signs a copy and never shows its value."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable
from inspect import iscoroutinefunction
from typing import Any
from unicodedata import category

from attrs import define, field, frozen

from integrakit.errors import ConfigurationError
from integrakit.model import Request
from integrakit.model.exchange import is_header_name, without_params

__all__ = ["ApiKey", "BasicAuth", "BearerToken"]


def _secret(owner: Any, attribute: Any, value: Any) -> None:
    where = f"{type(owner).__name__}({attribute.name}=…)"
    if not isinstance(value, str) or not value:
        raise ConfigurationError(f"{where} takes the credential as a text that is not empty, not {type(value).__name__}")
    if not value.isprintable() or value != value.strip() or not value.isascii():
        raise ConfigurationError(
            f"{where} holds blanks around it, line ends or non-ASCII characters: was it copied or read from a file with its line end?"
        )


def _name(owner: Any, attribute: Any, value: Any) -> None:
    if value is None:
        return
    if not isinstance(value, str) or not (
        is_header_name(value) if attribute.name == "header" else value.isascii() and value.isprintable() and value.strip()
    ):
        raise ConfigurationError(f"{type(owner).__name__}({attribute.name}=…) takes the name of the {attribute.name} parameter, not {value!r}")


def _token(owner: Any, attribute: Any, value: Any) -> None:
    if iscoroutinefunction(value):
        raise ConfigurationError("BearerToken(function) takes a plain function, not an async one: an auth of one's own may wait")
    if callable(value):
        return
    _secret(owner, attribute, value)
    if value.lower().startswith("bearer "):
        raise ConfigurationError("BearerToken(token) takes the token alone: the word Bearer is put before it")


@define
class BearerToken:
    """``Authorization: Bearer …``. The token is a text, or a function that gives the one to use now."""

    token: str | Callable[[], str] = field(validator=_token, repr=False)
    #: The one that went out last: messages about it hide it, and must not ask for another.
    _latest: str = field(default="", init=False, repr=False, eq=False)

    async def authorise(self, request: Request, /) -> Request:
        request = request.copy()
        request.headers["authorization"] = f"Bearer {self._now()}"
        return request

    def secrets(self) -> Iterable[str]:
        return (self.token,) if isinstance(self.token, str) else (self._latest,)

    def _now(self) -> str:
        if isinstance(self.token, str):
            return self.token
        token = self.token()
        if not isinstance(token, str) or not token.isprintable() or not token.isascii() or not token or token != token.strip():
            raise ConfigurationError("BearerToken(function): the function gave no usable token")
        self._latest = token
        return token


@frozen
class ApiKey:
    """A key in a header or a query parameter: name one of the two."""

    value: str = field(validator=_secret, repr=False)
    header: str | None = field(default=None, validator=_name, kw_only=True)
    query: str | None = field(default=None, validator=_name, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if (self.header is None) == (self.query is None):
            raise ConfigurationError('ApiKey takes exactly one of header= and query=, e.g. ApiKey(key, header="X-Api-Key")')

    async def authorise(self, request: Request, /) -> Request:
        request = request.copy()
        if self.header is not None:
            request.headers[self.header.lower()] = self.value
        else:
            # Servers write links that hold the key already.
            request.url = without_params(request.url, lambda name, value: name == self.query)
            request.params[str(self.query)] = self.value
        return request

    def secrets(self) -> Iterable[str]:
        return (self.value,)


@frozen
class BasicAuth:
    """``Authorization: Basic …`` (RFC 7617, UTF-8)."""

    username: str
    password: str = field(repr=False)

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.username, str) or not isinstance(self.password, str) or ":" in self.username or not self.username + self.password:
            raise ConfigurationError("BasicAuth(username, password) takes two texts, not both empty; the username holds no colon")
        if any(category(letter) in ("Cc", "Cs") for letter in self.username + self.password):
            raise ConfigurationError(
                "BasicAuth(username, password) holds line ends or other control characters: was it read from a file with its line end?"
            )

    async def authorise(self, request: Request, /) -> Request:
        request = request.copy()
        request.headers["authorization"] = f"Basic {self._encoded()}"
        return request

    def secrets(self) -> Iterable[str]:
        return (self.password, self._encoded())

    def _encoded(self) -> str:
        return b64encode(f"{self.username}:{self.password}".encode()).decode()
