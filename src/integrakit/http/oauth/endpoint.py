"""`TokenEndpoint`: one token endpoint, spoken to as one client (RFC 6749 §2.3.1, §3.2). It keeps no token."""

from __future__ import annotations

import random
from base64 import b64encode
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote_plus, urlsplit

from attrs import field, frozen

from integrakit.errors import ConfigurationError, DeadlineExceeded, IntegrakitError, ServerError, TransportError, TransportTimeout
from integrakit.http.oauth.answers import Granted, Refusal, read_answer
from integrakit.http.oauth.secrets import SecretText, checked_secret, known, replaced, value_of
from integrakit.model import Request, Response, Timeout
from integrakit.model.exchange import is_secret_name, mask_url
from integrakit.protocols import Exchange
from integrakit.runtimes import runtime

__all__ = ["TokenEndpoint", "check_url"]

#: How often a token is asked for where the answer was lost or the server failed, and the first wait in seconds.
ATTEMPTS, FIRST_WAIT = 3, 0.25
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def check_url(what: str, url: Any, *, insecure: bool = False) -> str:
    """The URL, if credentials may go there: https, or http on this machine. `ConfigurationError` otherwise."""
    wrong = f"{what} takes an absolute URL such as 'https://login.example.com/oauth/token'"
    if not isinstance(url, str) or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise ConfigurationError(wrong)
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ConfigurationError(wrong) from None
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc or parts.fragment:
        raise ConfigurationError(f"{wrong}, without user name and fragment")
    if parts.scheme == "http" and host not in _LOOPBACK and not insecure:
        raise ConfigurationError(f"{what} must be https: over http everybody on the way reads the secrets. insecure=True allows it, for tests")
    return url


def _checked_client_id(owner: Any, attribute: Any, value: Any) -> None:
    if value is not None and (not isinstance(value, str) or not value or not value.isprintable() or value != value.strip()):
        raise ConfigurationError("client_id= takes the id of the client as text, without blanks around it")


def _checked_secret(value: str | SecretText | None) -> str | SecretText | None:
    return checked_secret("client_secret=", value)


def _checked_client_auth(owner: Any, attribute: Any, value: Any) -> None:
    if value not in ("basic", "post"):
        raise ConfigurationError(f'client_auth= takes "basic" (the header) or "post" (the body), not {value!r}')


def _checked_extra(value: Mapping[str, str] | None) -> dict[str, str]:
    value = {} if value is None else value
    if not isinstance(value, Mapping) or not all(isinstance(name, str) and name and isinstance(text, str) for name, text in value.items()):
        raise ConfigurationError("extra= takes further parameters of the token request as a dict of texts, such as {'resource': 'https://…'}")
    taken = {"grant_type", "client_id", "client_secret", "refresh_token", "assertion", "client_assertion", "code", "scope"} & value.keys()
    if taken:
        raise ConfigurationError(f"extra= holds {sorted(taken)}, which have arguments of their own")
    return dict(value)


def _seconds(owner: Any, attribute: Any, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 600:
        raise ConfigurationError(f"timeout= takes seconds above 0, at most 600, not {value!r}")


@frozen(kw_only=True)
class TokenEndpoint:
    """Where tokens are asked for, by whom, and how that one proves who it is. ``timeout``: seconds for one token, repeats included."""

    url: str
    client_id: str | None = field(default=None, validator=_checked_client_id)
    client_secret: str | SecretText | None = field(default=None, converter=_checked_secret, repr=False)
    client_auth: str = field(default="basic", validator=_checked_client_auth)
    extra: dict[str, str] = field(factory=dict, converter=_checked_extra, repr=False)
    timeout: float = field(default=30.0, validator=_seconds)

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc

    def secrets(self) -> list[str]:
        values = known(self.client_secret)
        others = [value for name, value in self.extra.items() if is_secret_name(name)]
        return values + [_basic(self.client_id or "", value) for value in values] + others

    async def ask(
        self,
        exchange: Exchange,
        form: Callable[[], Awaitable[Mapping[str, str]]],
        *,
        until: float | None = None,
        secrets: Callable[[], Iterable[str]] = tuple,
        repeat: bool = True,
    ) -> Granted | Refusal:
        """One token, or the refusal. ``form`` gives the parameters of each attempt anew: an assertion is good for one use.

        ``until``: the moment by ``now()`` at which to give up. Raises `TransportError` (``sent`` is False: what the token was wanted for has not been
        sent), `ServerError`, `DecodeError`.
        """
        world = runtime()
        end = world.now() + self.timeout if until is None else until
        renewed = False
        for attempt in range(1, ATTEMPTS + 1):
            problem: IntegrakitError
            try:
                response = await self._send(exchange, await form(), end)
            except TransportError as error:
                problem, again = error, error.sent
            else:
                hidden = (*self.secrets(), *secrets())
                answer = read_answer(response, asked=str(self), client_auth=self.client_auth, secrets=hidden, now=world.wall())
                if isinstance(answer, Granted):
                    return answer
                if not isinstance(answer.error, ServerError):
                    if answer.code == "invalid_client" and not renewed and await replaced(self.client_secret):
                        renewed = True
                        continue
                    return answer
                # What says when to come back has been waited for by the exchange, as far as it was worth it.
                problem, again = answer.error, answer.error.retry_after is None
            wait = random.uniform(0.5, 1.0) * FIRST_WAIT * 2 ** (attempt - 1)
            # The answer may have been lost with the new refresh token in it. Then the old one is all there is: trying it soon, while the server
            # still has patience with it, is better than later, and never worse.
            if not again or not repeat or attempt == ATTEMPTS or world.now() + wait >= end:
                if isinstance(problem, TransportError):
                    problem.sent = False  # what the token was wanted for
                raise problem
            await world.sleep(wait)
        raise AssertionError("unreachable")  # pragma: no cover

    async def post(self, exchange: Exchange, form: Mapping[str, str], end: float, url: str | None = None) -> Response:
        """One request with this client's credentials, to the token endpoint or to another one of the same server."""
        headers = {"accept": "application/json", "user-agent": "integrakit"}
        data = {**self.extra, **form}
        if self.client_secret is None:
            if self.client_id is not None:
                data["client_id"] = self.client_id
        else:
            secret = await value_of("client_secret=", self.client_secret)
            if self.client_auth == "basic":
                headers["authorization"] = f"Basic {_basic(self.client_id or '', secret)}"
            else:
                data |= {"client_id": self.client_id or "", "client_secret": secret}
        left = max(0.001, end - runtime().now())
        request = Request(method="POST", url=url or self.url, headers=headers, data=data, timeout=Timeout(attempt=left), deadline=end)
        return await exchange(request)

    async def _send(self, exchange: Exchange, form: Mapping[str, str], end: float) -> Response:
        try:
            return await self.post(exchange, form, end)
        except DeadlineExceeded as problem:
            late: TransportError | DeadlineExceeded = problem
        except TransportError as problem:
            late = problem
        # Its request holds the form, with all that is secret in it.
        late.request = None
        if isinstance(late, DeadlineExceeded):
            raise self._failed(TransportTimeout, f"{self} did not answer within {self.timeout:g} s", sent=False) from None
        raise self._failed(type(late), f"{self} gave no answer ({type(late).__name__})", sent=late.sent) from late

    def _failed(self, kind: type[TransportError], message: str, *, sent: bool) -> TransportError:
        error = kind(f"{message}, so that no token could be had", sent=sent)
        # It has been repeated here: whoever asked for the token is not to repeat that as often again.
        error.lasting = True
        return error

    def __str__(self) -> str:
        return f"POST {mask_url(self.url)}"


def _basic(client_id: str, secret: str) -> str:
    # Encoded before it is joined: RFC 6749 §2.3.1, which a colon in the id makes necessary.
    return b64encode(f"{quote_plus(client_id)}:{quote_plus(secret)}".encode()).decode()
