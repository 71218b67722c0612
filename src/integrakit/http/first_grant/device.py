"""Device authorization (RFC 8628): for machines without a browser. The person types a code into a page on any other device, and the program asks
until they did. Written once, for blocking and async code."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import field, frozen
from typing_extensions import Unpack

from integrakit.errors import DeadlineExceeded, DecodeError, PermissionDenied, RateLimited, ServerError, TransportError
from integrakit.http.first_grant.granting import Granting, TokenOptions, checked_timeout
from integrakit.http.oauth import OAuth2RefreshToken
from integrakit.http.oauth.answers import Granted, Refusal, read_answer, read_object, shown
from integrakit.http.oauth.auth import checked_words
from integrakit.http.oauth.endpoint import check_url
from integrakit.model import Response
from integrakit.model.exchange import mask_url
from integrakit.protocols import Exchange
from integrakit.runtimes import drive, runtime

__all__ = ["aauthorise_device", "authorise_device"]

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"
#: Seconds between two questions where the server tells none, and what is added when it is asked too often (§3.2, §3.5).
INTERVAL, SLOWER, LONGEST_INTERVAL = 5.0, 5.0, 300.0


@frozen
class _Code:
    """What the server wants to be shown, and how it wants to be asked."""

    device_code: str = field(repr=False)
    user_code: str
    page: str
    direct: str | None
    expires_in: float
    interval: float

    @classmethod
    def read(cls, response: Response, asked: str) -> _Code:
        body = read_object(response)
        if response.status_code != 200 or body is None:
            raise DecodeError(f"{asked} answered {response.status_code} without a JSON object: is device_url= the device authorization endpoint?")
        device, user = body.get("device_code"), body.get("user_code")
        # Google's name for it is older than the standard.
        page = body.get("verification_uri", body.get("verification_url"))
        if not isinstance(device, str) or not device or not isinstance(user, str) or not user or not isinstance(page, str):
            raise DecodeError(f"{asked} answered without device_code, user_code and verification_uri: is this the device authorization endpoint?")
        direct = body.get("verification_uri_complete")
        return cls(
            device,
            shown(user, (device,)),
            check_url("verification_uri, which the server gave,", page),
            check_url("verification_uri_complete, which the server gave,", direct) if direct else None,
            _positive(body.get("expires_in"), 600.0, 86_400.0),
            _positive(body.get("interval"), INTERVAL, LONGEST_INTERVAL),
        )

    def __str__(self) -> str:
        directly = f", or open {self.direct}" if self.direct else ""
        return f"Open {self.page} on any device and enter the code {self.user_code}{directly}"


def _positive(value: Any, default: float, most: float) -> float:
    return default if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0 else min(float(value), most)


async def aauthorise_device(
    device_url: str,
    token_url: str,
    *,
    client_id: str,
    scope: str | Sequence[str] | None = None,
    show: Callable[[str], Any] = print,
    timeout: float = 900.0,
    **tokens: Unpack[TokenOptions],
) -> OAuth2RefreshToken:
    """Lets a person authorise this program on another device, keeps the tokens, and gives the auth that goes on with them.

    ``show``: called with one line that says which page to open and which code to enter. ``timeout``: seconds that the person has, where the server
    does not give fewer. The rest are arguments of `OAuth2RefreshToken`; without ``store`` the grant ends with the process.

    Raises `PermissionDenied` when the person says no, `DeadlineExceeded` when the code expires, `AuthenticationError` and what requests raise.
    """
    words, patience = checked_words("scope=", scope), checked_timeout(timeout)
    granting = Granting.of(token_url, client_id, words, tokens)
    url = check_url("device_url", device_url, insecure=tokens.get("insecure", False))

    async def authorise(exchange: Exchange) -> OAuth2RefreshToken:
        asked = f"POST {mask_url(url)}"
        form = {"client_id": client_id} | ({} if words is None else {"scope": words})
        world = runtime()
        response = await granting.endpoint.post(exchange, form, world.now() + granting.endpoint.timeout, url)
        if response.status_code >= 400:
            secrets = granting.endpoint.secrets()
            refusal = read_answer(response, asked=asked, client_auth=granting.endpoint.client_auth, secrets=secrets, now=world.wall())
            if isinstance(refusal, Refusal):
                raise refusal.error
        code = _Code.read(response, asked)
        show(str(code))
        await _poll(granting, exchange, code, world.now() + min(patience, code.expires_in))
        return granting.auth

    return await granting.connected(authorise)


async def _poll(granting: Granting, exchange: Exchange, code: _Code, until: float) -> None:
    """Asks until the person answered, and keeps the tokens."""
    interval = code.interval
    while True:
        world = runtime()
        if world.now() + interval > until:
            raise DeadlineExceeded(f"nobody entered the code {code.user_code} at {code.page} in time: begin anew", attempts=0)
        await world.sleep(interval)
        answer = await world.shielded(lambda: _ask_once(granting, exchange, code))
        if answer == "granted":
            return
        if answer == "slow_down":
            interval = min(interval + SLOWER, LONGEST_INTERVAL)
        elif answer == "unreachable":
            interval = min(interval * 2, LONGEST_INTERVAL)


async def _ask_once(granting: Granting, exchange: Exchange, code: _Code) -> str:
    async def form() -> Mapping[str, str]:
        return {"grant_type": GRANT_TYPE, "device_code": code.device_code}

    at = runtime().wall()
    try:
        answer = await granting.endpoint.ask(exchange, form, secrets=lambda: (code.device_code,), repeat=False)
    except (TransportError, ServerError):
        return "unreachable"
    if isinstance(answer, Granted):
        await granting.auth.keep(answer, at)
        return "granted"
    if answer.code in ("authorization_pending", "slow_down"):
        return answer.code
    if isinstance(answer.error, RateLimited):
        return "slow_down"
    if answer.code == "expired_token":
        raise DeadlineExceeded(f"the code {code.user_code} has expired before anybody entered it at {code.page}: begin anew", attempts=0)
    if answer.code == "access_denied":
        raise PermissionDenied(f"{answer.error}: the person said no")
    raise answer.error


def authorise_device(
    device_url: str,
    token_url: str,
    *,
    client_id: str,
    scope: str | Sequence[str] | None = None,
    show: Callable[[str], Any] = print,
    timeout: float = 900.0,
    **tokens: Unpack[TokenOptions],
) -> OAuth2RefreshToken:
    """`aauthorise_device` for blocking code, notebooks included."""
    return drive(aauthorise_device(device_url, token_url, client_id=client_id, scope=scope, show=show, timeout=timeout, **tokens))
