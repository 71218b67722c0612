"""`OAuth2RefreshToken`: a person's grant, carried on by refresh tokens (RFC 6749 §6) that many servers replace with each use (RFC 9700 §4.14)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from attrs import field, frozen

from integrakit.errors import ConfigurationError, ReauthorisationNeeded
from integrakit.http.oauth.answers import GONE, Granted, Refusal, is_token
from integrakit.http.oauth.auth import TokenAuth, checked_words
from integrakit.http.oauth.endpoint import TokenEndpoint, check_url
from integrakit.http.oauth.grant import Grant, fingerprint
from integrakit.http.oauth.secrets import SecretText, checked_secret, known, value_of
from integrakit.http.oauth.shelf import Shelf, StoreArgument
from integrakit.protocols import Exchange
from integrakit.runtimes import runtime

__all__ = ["OAuth2RefreshToken"]


@frozen
class _Asking:
    endpoint: TokenEndpoint
    scope: str | None
    #: What the program was configured with; the store knows better once it was used.
    seed: str | SecretText | None = field(repr=False)
    access_token: str | SecretText | None = field(repr=False)
    expires_at: datetime | None
    #: Marks of configured refresh tokens that the server refused: once there is something better in the store, they are not tried again.
    refused: set[str] = field(factory=set, init=False, repr=False)

    async def usable(self, stored: Grant | None) -> Grant | None:
        seed, _ = await self._new_seed(stored)
        if stored is not None and seed is None:
            return stored
        if self.access_token is None:
            return None
        token = await value_of("access_token=", self.access_token)
        if not is_token(token):
            raise ConfigurationError("access_token= holds blanks, line ends or non-ASCII characters: was it copied wholly?")
        # Granted in the past, at a time nobody knows: the leeway is an hour's.
        at = runtime().wall() if self.expires_at is None else self.expires_at - timedelta(hours=1)
        return Grant(access_token=token, refresh_token=seed, granted_at=at, expires_at=self.expires_at, asked="")

    async def ask(self, exchange: Exchange, stored: Grant | None, *, forced: bool, until: float, shelf: Shelf) -> tuple[Grant, bool]:
        seed, mark = await self._new_seed(stored)
        tokens = [] if seed is None else [seed]
        if stored is not None:
            tokens += [token for token in (stored.refresh_token, stored.previous) if token is not None and token not in tokens]
        if not tokens:
            missing = "is not there yet" if stored is None and self.access_token is None else "has no refresh token, and its access token is over"
            raise _needed(self.endpoint, shelf, missing)
        refusal: Refusal | None = None
        for token in tokens:
            at = runtime().wall()
            answer = await self._spend(token, exchange, until)
            if isinstance(answer, Granted):
                return Grant.of(answer, at=at, asked="", spent=token, before=stored, forced=forced, seed=mark), True
            if answer.code not in GONE:
                raise answer.error
            if token == seed:
                self.refused.add(mark)
            if refusal is None:
                refusal = answer
                # Whoever was first has the new one: it may have been kept while this request was on its way.
                other, _ = await shelf.read()
                if other is not None and (stored is None or other.generation != stored.generation or other.access_token != stored.access_token):
                    return other, False
        raise _needed(self.endpoint, shelf, "was refused") from (None if refusal is None else refusal.error)

    async def _spend(self, token: str, exchange: Exchange, until: float) -> Granted | Refusal:
        async def form() -> Mapping[str, str]:
            scope = {} if self.scope is None else {"scope": self.scope}
            return {"grant_type": "refresh_token", "refresh_token": token, **scope}

        return await self.endpoint.ask(exchange, form, until=until, secrets=lambda: (token, *known(self.seed, self.access_token)))

    async def _new_seed(self, stored: Grant | None) -> tuple[str | None, str]:
        """The configured refresh token, or None where it was taken long ago; and the mark by which that is remembered."""
        if self.seed is None:
            return None, ""
        seed = await value_of("refresh_token=", self.seed)
        mark = _mark(seed)
        taken = stored is not None and (mark in stored.seeds or mark in self.refused or seed in stored.tokens())
        return (None if taken else seed), mark


def _mark(refresh_token: str) -> str:
    return fingerprint("seed", refresh_token)


def _beginning(first: str | SecretText | None) -> Sequence[str]:
    """The text that was given; nothing for what would have to be asked."""
    return known(first)[:1] if isinstance(first, str) or getattr(first, "is_fixed", False) else ()


def _needed(endpoint: TokenEndpoint, shelf: Shelf, what: str) -> ReauthorisationNeeded:
    return ReauthorisationNeeded(
        f"the grant of client {endpoint.client_id!r} at {endpoint.host} {what} ({shelf.place}): somebody with an account there has to authorise "
        "this client again, with integrakit.http.first_grant or in that system's own way; keep the new tokens there, or give them as refresh_token="
    )


class OAuth2RefreshToken(TokenAuth):
    """Tokens by refresh token; a new refresh token is kept before the access token that came with it is used.

    ``refresh_token``: the first one. It is used when the store holds none, or has never seen this one; afterwards the store knows better.
    ``access_token``, ``expires_at`` (aware): what came with it, where known. ``store``: where the tokens are kept. Without one they end with the
    process, and so does the grant at servers that replace refresh tokens. ``name``: what they are called there, the account say; by default a hash
    of URL, client, scope and first token. ``refresh_on_401``: False where a 401 says nothing about the token (HubSpot). The others are those of
    `OAuth2ClientCredentials`.

    Raises `ConfigurationError` for wrong arguments; requests raise `ReauthorisationNeeded` when a person has to authorise the program again.
    """

    def __init__(
        self,
        token_url: str,
        *,
        client_id: str,
        client_secret: str | SecretText | None = None,
        refresh_token: str | SecretText | None = None,
        access_token: str | SecretText | None = None,
        expires_at: datetime | None = None,
        scope: str | Sequence[str] | None = None,
        extra: Mapping[str, str] | None = None,
        client_auth: Literal["basic", "post"] = "basic",
        store: StoreArgument = None,
        name: str | None = None,
        leeway: float | None = None,
        refresh_on_401: bool = True,
        timeout: float = 30.0,
        insecure: bool = False,
    ) -> None:
        if client_id is None:
            raise ConfigurationError("OAuth2RefreshToken takes client_id=")
        seed = checked_secret("refresh_token=", refresh_token)
        if seed is None and store is None and access_token is None:
            raise ConfigurationError("OAuth2RefreshToken takes refresh_token=, or the store= in which a first grant was kept")
        access_token = checked_secret("access_token=", access_token)
        self._configured = seed, access_token
        if name is None and store is not None and isinstance(seed, SecretText) and not getattr(seed, "is_fixed", False):
            raise ConfigurationError(
                "OAuth2RefreshToken takes name= where refresh_token= is a Secret with a source and store= is given: the account's, say"
            )
        endpoint = TokenEndpoint(
            url=check_url("token_url", token_url, insecure=insecure),
            client_id=client_id,
            client_secret=client_secret,
            client_auth=client_auth,
            extra=extra,
            timeout=timeout,
        )
        words = checked_words("scope=", scope)
        super().__init__(
            endpoint,
            _Asking(endpoint, words, seed, access_token, _checked_moment(expires_at)),
            kind="refresh token",
            # Two accounts have the same client and scope, and must not get each other's tokens: what tells them apart is what they began with.
            who=(client_id, words, *map(_mark, _beginning(seed or access_token))),
            store=store,
            name=name,
            leeway=leeway,
            refresh_on_401=refresh_on_401,
        )

    async def keep(self, granted: Granted, at: datetime) -> None:
        """Begins with tokens that were just granted, asked for ``at``: what a first grant ends with. Raises `StoreError` when they cannot be kept."""
        seed = "" if granted.refresh_token is None else _mark(granted.refresh_token)
        await self._tokens.keep(Grant.of(granted, at=at, asked="", seed=seed))

    def secrets(self) -> tuple[str, ...]:
        return (*super().secrets(), *known(*self._configured))


def _checked_moment(value: Any) -> datetime | None:
    if value is not None and (not isinstance(value, datetime) or value.tzinfo is None):
        raise ConfigurationError("expires_at= takes an aware datetime, such as datetime(2026, 1, 1, tzinfo=UTC)")
    checked: datetime | None = value
    return checked
