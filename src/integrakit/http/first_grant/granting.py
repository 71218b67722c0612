"""What both flows share: what they are asked for, the connection to the server, and the tokens on their shelf. Nothing here talks to a person."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal, TypedDict, TypeVar

from attrs import frozen

from integrakit._http import Wire
from integrakit.errors import AuthenticationError, ConfigurationError, IntegrakitError
from integrakit.http.oauth import OAuth2RefreshToken
from integrakit.http.oauth.answers import Granted, Refusal
from integrakit.http.oauth.endpoint import TokenEndpoint, check_url
from integrakit.http.oauth.secrets import SecretText, without_frames
from integrakit.http.oauth.shelf import StoreArgument
from integrakit.http.origins import Origins
from integrakit.http.retry import Retry
from integrakit.http.sending import Send
from integrakit.http.stack import compose
from integrakit.protocols import Exchange
from integrakit.runtimes import runtime
from integrakit.state import MemoryStore

__all__ = ["Granting", "TokenOptions", "checked_timeout"]

T = TypeVar("T")


class TokenOptions(TypedDict, total=False):
    """How the tokens are asked for and kept: arguments of `OAuth2RefreshToken`."""

    client_secret: str | SecretText | None
    client_auth: Literal["basic", "post"]
    extra: Mapping[str, str] | None
    store: StoreArgument
    name: str | None
    leeway: float | None
    refresh_on_401: bool
    insecure: bool


def checked_timeout(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 86_400:
        raise ConfigurationError(f"timeout= takes the seconds that a person has, above 0 and up to a day, not {value!r}")
    return float(value)


@frozen
class Granting:
    """One grant in the making. Built before anybody is bothered, so that wrong arguments are said first."""

    endpoint: TokenEndpoint
    auth: OAuth2RefreshToken

    @classmethod
    def of(cls, token_url: str, client_id: str, scope: str | None, options: TokenOptions) -> Granting:
        unknown = options.keys() - TokenOptions.__annotations__.keys()
        if unknown:
            raise ConfigurationError(f"there is no argument {sorted(unknown)}; of the tokens there are {sorted(TokenOptions.__annotations__)}")
        store = options.get("store")
        options = {**options, "store": MemoryStore() if store is None else store}
        auth = OAuth2RefreshToken(token_url, client_id=client_id, scope=scope, **options)
        endpoint = TokenEndpoint(
            url=check_url("token_url", token_url, insecure=options.get("insecure", False)),
            client_id=client_id,
            client_secret=options.get("client_secret"),
            client_auth=options.get("client_auth", "basic"),
            extra=options.get("extra"),
        )
        return cls(endpoint, auth)

    async def connected(self, work: Callable[[Exchange], Awaitable[T]]) -> T:
        """Calls ``work(exchange)`` with a connection of its own, closed at the end. Redirects are not followed: a secret would go along."""
        wire = Wire()
        origins = Origins(self.endpoint.url, ())
        send = Send(wire, origins=origins, auth=None, headers={}, params={}, classify=None, decimals=False)
        try:
            return await work(compose([Retry()], send))
        except IntegrakitError as problem:
            without_frames(problem)
            raise
        finally:
            if runtime().name == "concurrent":
                await wire.aclose()
            else:
                wire.close()

    async def settle(self, exchange: Exchange, form: Mapping[str, str]) -> OAuth2RefreshToken:
        """Trades what the person gave for tokens and keeps them. Raises `AuthenticationError` and its kin, and `StoreError`."""

        async def same() -> Mapping[str, str]:
            return form

        async def trade() -> OAuth2RefreshToken:
            at = runtime().wall()
            # Not repeated: a code is good for one use, and used twice it takes the tokens with it (RFC 6749 §4.1.2).
            answer = await self.endpoint.ask(exchange, same, secrets=form.values, repeat=False)
            if isinstance(answer, Refusal):
                if answer.code == "invalid_grant":
                    raise AuthenticationError(f"{answer.error}: the code was used before, has expired, or belongs to another client or redirect URI")
                raise answer.error
            await self.keep(answer, at)
            return self.auth

        return await runtime().shielded(trade)

    async def keep(self, granted: Granted, at: Any) -> None:
        await self.auth.keep(granted, at)
