"""`OAuth2ClientCredentials`: a program that speaks for itself (RFC 6749 §4.4). Its tokens can be asked for again at any time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from attrs import frozen

from integrakit.errors import ConfigurationError
from integrakit.http.oauth.answers import Granted
from integrakit.http.oauth.auth import TokenAuth, checked_words
from integrakit.http.oauth.endpoint import TokenEndpoint, check_url
from integrakit.http.oauth.grant import Grant, fingerprint
from integrakit.http.oauth.secrets import SecretText
from integrakit.http.oauth.shelf import Shelf, StoreArgument
from integrakit.protocols import Exchange
from integrakit.runtimes import runtime

__all__ = ["OAuth2ClientCredentials"]


@frozen
class _Asking:
    endpoint: TokenEndpoint
    form: dict[str, str]
    asked: str

    async def usable(self, stored: Grant | None) -> Grant | None:
        return stored if stored is not None and stored.asked == self.asked else None

    async def ask(self, exchange: Exchange, stored: Grant | None, *, forced: bool, until: float, shelf: Shelf) -> tuple[Grant, bool]:
        async def form() -> Mapping[str, str]:
            return self.form

        at = runtime().wall()
        answer = await self.endpoint.ask(exchange, form, until=until)
        if not isinstance(answer, Granted):
            raise answer.error
        # A refresh token is not to come with it (§4.4.3), and there is no need of one.
        return Grant.of(answer, at=at, asked=self.asked, before=stored, forced=forced), True


class OAuth2ClientCredentials(TokenAuth):
    """Tokens for a client id and secret.

    ``scope``: text or list of words. ``audience``, ``extra``: further parameters, as the server wants them. ``client_auth``: the secret goes in the
    header (``"basic"``) or in the body (``"post"``). ``store``: where the token is kept, for other processes and the next run; ``name``: what it is
    called there. ``leeway``: seconds before its end at which it is replaced. ``timeout``: seconds for asking.

    Raises `ConfigurationError` for wrong arguments; requests raise `AuthenticationError` when the server refuses the client.
    """

    def __init__(
        self,
        token_url: str,
        *,
        client_id: str,
        client_secret: str | SecretText,
        scope: str | Sequence[str] | None = None,
        audience: str | None = None,
        extra: Mapping[str, str] | None = None,
        client_auth: Literal["basic", "post"] = "basic",
        store: StoreArgument = None,
        name: str | None = None,
        leeway: float | None = None,
        refresh_on_401: bool = True,
        timeout: float = 30.0,
        insecure: bool = False,
    ) -> None:
        if client_id is None or client_secret is None:
            raise ConfigurationError("OAuth2ClientCredentials takes client_id= and client_secret=")
        endpoint = TokenEndpoint(
            url=check_url("token_url", token_url, insecure=insecure),
            client_id=client_id,
            client_secret=client_secret,
            client_auth=client_auth,
            extra=extra,
            timeout=timeout,
        )
        words = {"scope": checked_words("scope=", scope), "audience": checked_words("audience=", audience)}
        form = {"grant_type": "client_credentials"} | {name: text for name, text in words.items() if text is not None}
        asked = fingerprint(form, endpoint.extra)
        super().__init__(
            endpoint,
            _Asking(endpoint, form, asked),
            kind="client credentials",
            who=(client_id, form, endpoint.extra),
            store=store,
            name=name,
            leeway=leeway,
            refresh_on_401=refresh_on_401,
        )
