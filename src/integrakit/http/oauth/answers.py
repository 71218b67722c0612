"""What a token endpoint answers, read with distrust: the tokens (RFC 6749 §5.1), or the error that it is (§5.2). Pure; no token in any message."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from attrs import field, frozen

from integrakit._json import loads
from integrakit.errors import AuthenticationError, DecodeError, IntegrakitError, PermissionDenied, RateLimited, ResponseError, ServerError
from integrakit.http.judge import redact
from integrakit.http.retry_after import read_retry_after
from integrakit.model import Response

__all__ = ["Granted", "Refusal", "is_token", "read_answer", "read_object", "shown"]

#: Bytes. Tokens of real servers stay below 10 kB, also with a JWT of many groups.
LONGEST_ANSWER = 1_000_000
#: Characters. Headers of 64 kB are refused by every server.
LONGEST_TOKEN = 60_000
#: Seconds; ten years. What says more says nothing.
LONGEST_LIFE = 315_360_000.0
#: Codes by which servers say that a refresh token is of no use any more. The first is the standard's, the next three are OpenID Connect's; the others
#: are GitHub's ("bad_refresh_token"), Slack's ("invalid_refresh_token", "token_revoked") and HubSpot's (in "status", airbyte#79592), 2026-11.
GONE = frozenset(
    {
        "invalid_grant",
        "interaction_required",
        "login_required",
        "consent_required",
        "bad_refresh_token",
        "invalid_refresh_token",
        "token_revoked",
        "BAD_REFRESH_TOKEN",
    }
)
#: The refresh token's own life in seconds: Intuit's name, GitHub's and Microsoft's, Keycloak's (2026-11).
_REFRESH_LIFE = ("x_refresh_token_expires_in", "refresh_token_expires_in", "refresh_expires_in")
_NUMBER = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_CODE = re.compile(r"[A-Za-z0-9_.:/-]{1,80}")
_HINTS: Mapping[str, str] = {
    "invalid_client": "check client_id= and client_secret=, and whether the server wants them in the header or in the body: client_auth=",
    "unauthorized_client": "this client may not use this kind of grant: it has to be allowed where the client is registered",
    "unsupported_grant_type": "this server does not know this kind of grant: is token_url= the right endpoint?",
    "invalid_scope": "scope= names something that this client may not have",
    "invalid_request": "something that this server wants is missing: extra= adds parameters",
    "invalid_target": "audience=, or resource in extra=, names something that this client may not have",
    "access_denied": "somebody, or a rule of the server, refused it",
}


@frozen(kw_only=True)
class Granted:
    """The tokens that a server gave, as it said them. ``expires_in`` is None where it told nothing that can be believed."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    expires_in: float | None = None
    refresh_expires_in: float | None = None
    scope: str | None = None


class Refusal(NamedTuple):
    """A refusal in the words of the standard: its code, and the error to raise."""

    code: str
    error: IntegrakitError


def read_answer(response: Response, *, asked: str, client_auth: str, secrets: Iterable[str], now: datetime) -> Granted | Refusal:
    """What a token endpoint's answer says. ``asked`` names the request in messages; ``secrets`` are hidden in what the server says.

    Raises `DecodeError` for what is no answer of a token endpoint.
    """
    status, secrets = response.status_code, tuple(secrets)
    answered = f"{asked} answered {status}" + (f", request id {shown(response.request_id, secrets)}" if response.request_id else "")
    if 300 <= status < 400:
        raise DecodeError(f"{answered}, a redirect: credentials are not sent after one. Give the address of the token endpoint itself")
    if len(response.content) > LONGEST_ANSWER:
        raise DecodeError(f"{answered} with {len(response.content)} bytes, which is no answer of a token endpoint")
    body = read_object(response)
    if status >= 400 or (body is not None and body.get("error") and "access_token" not in body):
        return _refusal(body or {}, response, answered, client_auth, secrets, now)
    if body is None:
        kind = shown(response.headers.get("content-type", "no content type"), secrets)
        raise DecodeError(f"{answered} with a body that is no JSON object ({kind}): is this the token endpoint, or a page for people?")
    return _granted(body, answered, secrets)


def read_object(response: Response) -> dict[str, Any] | None:
    """The JSON object in the body, or None."""
    try:
        body = loads(response.content)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def shown(said: Any, secrets: Iterable[str]) -> str:
    """What a server wrote, in one short line without secrets."""
    if not isinstance(said, str):
        return ""
    # Hidden before it is cut: half a secret would not be recognised.
    text = _CONTROLS.sub(" ", redact(said[:4000], [secret for secret in secrets if len(secret) >= 4])).strip()
    return text if len(text) <= 200 else text[:200] + "…"


def is_token(value: Any) -> bool:
    """Whether it can go into an ``Authorization`` header: visible ASCII without blanks."""
    return isinstance(value, str) and 0 < len(value) <= LONGEST_TOKEN and value.isascii() and value.isprintable() and " " not in value


def _granted(body: dict[str, Any], answered: str, secrets: tuple[str, ...]) -> Granted:
    token, kind, refresh = body.get("access_token"), body.get("token_type"), body.get("refresh_token")
    if token is None:
        names = shown(", ".join(sorted(str(name) for name in body)[:10]), secrets) or "nothing"
        raise DecodeError(f"{answered} without an access_token; there is: {names}", path="access_token")
    if not is_token(token):
        raise DecodeError(f"{answered} with an access_token that cannot be sent: it is to be text without blanks or line ends", path="access_token")
    # RFC 6749 wants it; some leave it out, and then mean this one.
    if kind is not None and (not isinstance(kind, str) or kind.lower() != "bearer"):
        said = shown(kind, (*secrets, token)) if isinstance(kind, str) else type(kind).__name__
        raise DecodeError(f"{answered} with the token_type {said!r}: only bearer tokens can be used", path="token_type")
    if refresh is not None and refresh != "" and not _is_text(refresh):
        raise DecodeError(f"{answered} with a refresh_token that is no usable text", path="refresh_token")
    scope = body.get("scope")
    return Granted(
        access_token=token,
        refresh_token=refresh or None,
        expires_in=_seconds(body.get("expires_in")),
        refresh_expires_in=next((told for name in _REFRESH_LIFE if (told := _seconds(body.get(name))) is not None), None),
        scope=scope if _is_text(scope) else None,
    )


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_TOKEN and not _CONTROLS.search(value)


def _seconds(value: Any) -> float | None:
    """Seconds above 0. What is nothing of the kind counts as not told: the token is used until it is refused."""
    if isinstance(value, str):
        value = float(value) if _NUMBER.fullmatch(value) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= LONGEST_LIFE:
        return None
    return float(value)


def _refusal(body: dict[str, Any], response: Response, answered: str, client_auth: str, secrets: tuple[str, ...], now: datetime) -> Refusal:
    said, status = body.get("error"), response.status_code
    if said is None and isinstance(body.get("status"), str) and body["status"] in GONE:
        said = body["status"]
    code = said if isinstance(said, str) and _CODE.fullmatch(said) else ""
    description = shown(body.get("error_description"), secrets) or (shown(said, secrets) if not code else "")
    message = answered + (f" {shown(code, secrets)}" if code else "") + (f" ({description})" if description else "")
    retry_after = read_retry_after(response.headers, now)
    if status in (408, 429) or status >= 500 or code in ("slow_down", "temporarily_unavailable", "server_error"):
        kind: type[ResponseError] = RateLimited if status == 429 or code == "slow_down" else ServerError
        later = "later" if retry_after is None else f"in {retry_after:g} s"
        return Refusal(code, kind(f"{message}: try again {later}", retry_after=retry_after))
    if not code and status == 401:
        code = "invalid_client"
    hint = _HINTS.get(code, "" if code else "is token_url= the token endpoint of this server?")
    if code == "invalid_client":
        hint += "post" if client_auth == "basic" else "basic"
    denied = PermissionDenied if status == 403 and not code else AuthenticationError
    return Refusal(code, denied(message + (f": {hint}" if hint else ""), retry_after=retry_after))
