"""`TokenAuth`: what the OAuth 2 auths have in common: a bearer token on each request, another one after a 401. How one asks is not here."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NoReturn

from integrakit.errors import ConfigurationError
from integrakit.http.oauth.endpoint import TokenEndpoint
from integrakit.http.oauth.grant import fingerprint
from integrakit.http.oauth.shelf import Shelf, StoreArgument
from integrakit.http.oauth.tokens import Asker, Tokens
from integrakit.model import Request, Response
from integrakit.protocols import Exchange, checked_text

__all__ = ["TokenAuth", "checked_words"]

_BEARER = "Bearer "


class TokenAuth:
    """An auth whose token comes from a token endpoint. One object serves threads, tasks and event loops; a store lets processes share the token."""

    def __init__(
        self,
        endpoint: TokenEndpoint,
        asker: Asker,
        *,
        kind: str,
        who: tuple[Any, ...],
        store: StoreArgument,
        name: str | None,
        leeway: float | None,
        refresh_on_401: bool,
    ) -> None:
        if leeway is not None and (isinstance(leeway, bool) or not isinstance(leeway, int | float) or not 0 <= leeway < 86_400):
            raise ConfigurationError(f"leeway= takes seconds, 0 or more, or None for 60 s or a tenth of the token's life, not {leeway!r}")
        if not isinstance(refresh_on_401, bool):
            raise ConfigurationError(f"refresh_on_401= takes True or False, not {refresh_on_401!r}")
        if name is not None and not checked_text("name=", name):
            raise ConfigurationError("name= must not be empty: it is what the tokens are called in the store")
        self._endpoint = endpoint
        self._kind = kind
        self._name = name or fingerprint(kind, endpoint.url, *who)
        about = f"the {kind} of {name or who[0]!r} at {endpoint.host}"
        shelf = Shelf(store, self._name, identity=fingerprint(kind, endpoint.url, who[0]), about=about)
        self._tokens = Tokens(asker, shelf, about=about, timeout=endpoint.timeout, leeway=leeway, refresh_on_401=refresh_on_401)

    @property
    def name(self) -> str:
        """What the tokens are called in the store: ``name=``, or a hash of who asks where for what."""
        return self._name

    @property
    def expires_at(self) -> datetime | None:
        """When the access token in use expires, as far as is known; aware, in UTC. None before the first request, too."""
        return None if (grant := self._tokens.current) is None else grant.expires_at

    @property
    def refresh_token_expires_at(self) -> datetime | None:
        """When the refresh token in use expires and a person has to authorise anew, where the server told."""
        return None if (grant := self._tokens.current) is None else grant.refresh_expires_at

    async def authorise(self, request: Request, /) -> NoReturn:
        raise ConfigurationError(f"{type(self).__name__} asks a server for its tokens, so that it needs a client: ik.Client(…, auth=…)")

    async def authorise_over(self, request: Request, exchange: Exchange, /) -> Request:
        """The request with a token that is good now. Raises `ReauthorisationNeeded`, `AuthenticationError`, and what a request can raise."""
        token = await self._tokens.token(request, exchange)
        request = request.copy()
        request.headers["authorization"] = _BEARER + token
        return request

    async def rejected(self, request: Request, response: Response, /) -> bool:
        """After a 401: whether the request is worth sending once more. Each token is asked for anew once at most."""
        sent = request.headers.get("authorization", "")
        return sent.startswith(_BEARER) and await self._tokens.rejected(sent.removeprefix(_BEARER))

    def accepted(self, request: Request, /) -> None:
        """After a success: the token in it is what the server wants."""
        self._tokens.accepted(request.headers.get("authorization", "").removeprefix(_BEARER))

    def secrets(self) -> Iterable[str]:
        return (*self._tokens.known(), *self._endpoint.secrets())

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._name} at {self._endpoint.host}>"


def checked_words(what: str, value: Any) -> str | None:
    """A scope or its kin: None, a text, or a list of words, which is joined by blanks."""
    if isinstance(value, set | frozenset) and all(isinstance(word, str) for word in value):
        value = sorted(value)  # the same in each process: tokens are kept by it
    if isinstance(value, list | tuple) and value and all(isinstance(word, str) and word for word in value):
        value = " ".join(value)
    if value is not None and (not isinstance(value, str) or not value.strip() or not value.isprintable()):
        raise ConfigurationError(f"{what} takes a text such as 'orders.read orders.write', or a list of such words")
    checked: str | None = value
    return checked
