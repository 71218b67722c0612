"""OAuth 1.0 (RFC 5849): each request signed with two shared keys, as NetSuite's token-based authentication asks. Only this file knows oauthlib."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from attrs import field, frozen

from integrakit._http.encoding import encoded
from integrakit.errors import ConfigurationError, IntegrakitError
from integrakit.http.signing.keys import Key, checked_function, checked_key, current, known
from integrakit.model import Request, Response
from integrakit.runtimes import runtime
from integrakit.secrets import Secret

__all__ = ["OAuth1"]

_METHODS = ("HMAC-SHA256", "HMAC-SHA512", "HMAC-SHA1")
_FORM = "application/x-www-form-urlencoded"
#: What stands between quotes in a header as it is.
_REALM = re.compile(r"[ !#-\[\]-~]+")


def _realm(owner: Any, attribute: Any, value: Any) -> None:
    if value is not None and (not isinstance(value, str) or not _REALM.fullmatch(value) or value != value.strip()):
        raise ConfigurationError(f"OAuth1(realm=…) takes a text without quotes and backslashes, such as NetSuite's '1234567_SB1', not {value!r}")


def _method(owner: Any, attribute: Any, value: Any) -> None:
    if value not in _METHODS:
        raise ConfigurationError(f"OAuth1(method=…) takes one of {', '.join(_METHODS)}, not {value!r}")


@frozen
class OAuth1:
    """``Authorization: OAuth …`` with an HMAC of the method, the URL, its parameters and the fields of a form. Needs the extra ``oauth1``.

    The four keys are texts or `Secret` objects. ``realm``: the account, for NetSuite in capitals and with an underscore ("1234567_SB1").
    ``method``: NetSuite takes HMAC-SHA256 only (since 2023.1). Bodies other than forms are not part of an OAuth 1 signature: TLS protects them.
    Every attempt has its own nonce, and its time is the runtime's; ``nonce`` and ``timestamp`` (seconds since 1970) stand in for them in tests.
    """

    consumer_key: Key = field(validator=checked_key)
    consumer_secret: Key = field(validator=checked_key, repr=False)
    token: Key = field(validator=checked_key, kw_only=True)
    token_secret: Key = field(validator=checked_key, repr=False, kw_only=True)
    realm: str | None = field(default=None, validator=_realm, kw_only=True)
    method: str = field(default="HMAC-SHA256", validator=_method, kw_only=True)
    nonce: Callable[[], str] | None = field(default=None, validator=checked_function("a text"), repr=False, kw_only=True)
    timestamp: Callable[[], int] | None = field(default=None, validator=checked_function("seconds since 1970"), repr=False, kw_only=True)

    def __attrs_post_init__(self) -> None:
        _oauthlib()  # what is missing is said now, not at the first request

    async def authorise(self, request: Request, /) -> Request:
        signed = encoded(request)
        signer = _oauthlib().Client(
            await current("OAuth1(consumer_key=…)", self.consumer_key),
            client_secret=await current("OAuth1(consumer_secret=…)", self.consumer_secret),
            resource_owner_key=await current("OAuth1(token=…)", self.token),
            resource_owner_secret=await current("OAuth1(token_secret=…)", self.token_secret),
            signature_method=self.method,
            realm=self.realm,
            nonce=secrets.token_hex(16) if self.nonce is None else self.nonce(),
            timestamp=str(int(runtime().wall().timestamp()) if self.timestamp is None else self.timestamp()),
        )
        headers = {name.lower(): value for name, value in signed.headers.items()}
        told = {"Host": headers["host"]} if "host" in headers else {}
        # A body is given for forms only, whose fields are signed: for others oauthlib adds a hash (a draft of 2008) that few servers know.
        body = None
        if signed.content and headers.get("content-type", "").partition(";")[0].strip().lower() == _FORM:
            body, told["Content-Type"] = _text(request, signed.content), _FORM
        _text(request, unquote_to_bytes(urlsplit(signed.url).query))
        try:
            _, answer, _ = signer.sign(signed.url, http_method=signed.method, body=body, headers=told)
        except ValueError as problem:
            raise ConfigurationError(f"{request} cannot be signed: {problem}") from problem
        signed.headers = {name: value for name, value in signed.headers.items() if name.lower() != "authorization"}
        signed.headers["authorization"] = answer["Authorization"]
        return signed

    async def rejected(self, request: Request, response: Response, /) -> bool:
        """After a 401: whether one of the keys is another one now, so that it is worth signing and sending once more."""
        keys = [key for key in (self.consumer_key, self.consumer_secret, self.token, self.token_secret) if isinstance(key, Secret)]
        try:
            return any([await key.replaced() for key in keys])
        except IntegrakitError as problem:
            if response.error is not None:
                response.error.add_note(f"other keys could not be asked for: {problem}")
            return False

    def secrets(self) -> Iterable[str]:
        return known(self.consumer_secret, self.token_secret)


def _text(request: Request, part: bytes | str) -> str:
    """RFC 5849 signs characters, not bytes: what is no UTF-8 would be signed as something else than is sent."""
    try:
        return part.decode() if isinstance(part, bytes) else part
    except UnicodeDecodeError:
        raise ConfigurationError(f"{request} cannot be signed: OAuth 1 signs text, and its parameters or form are not UTF-8") from None


def _oauthlib() -> Any:
    try:
        # An extra.
        import oauthlib.oauth1
    except ImportError:
        raise ConfigurationError('OAuth1 needs oauthlib: pip install "integrakit[oauth1]"') from None
    return oauthlib.oauth1
