"""`OAuth2JWTBearer`: a signed statement instead of a secret (RFC 7523): as the grant itself (§2.1), or to prove who the client is (§2.2)."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

from attrs import field, frozen

from integrakit.errors import ConfigurationError
from integrakit.http.oauth.answers import Granted
from integrakit.http.oauth.auth import TokenAuth, checked_words
from integrakit.http.oauth.endpoint import TokenEndpoint, check_url
from integrakit.http.oauth.grant import Grant, fingerprint
from integrakit.http.oauth.secrets import SecretText, checked_secret, known, value_of
from integrakit.http.oauth.shelf import Shelf, StoreArgument
from integrakit.protocols import Exchange
from integrakit.runtimes import runtime
from integrakit.secrets import Secret

__all__ = ["OAuth2JWTBearer"]

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
#: Key pairs only: with a shared secret the server could write the statement itself, and "none" is no signature.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")


def _jwt() -> Any:
    try:
        # An extra.
        import cryptography  # noqa: F401
        import jwt
    except ImportError:
        raise ConfigurationError('OAuth2JWTBearer needs PyJWT and cryptography: pip install "integrakit[jwt]"') from None
    return jwt


@frozen
class _Statement:
    """What is signed, and with what."""

    issuer: str
    subject: str | None
    audience: str
    claims: dict[str, Any]
    key: str | SecretText = field(repr=False)
    key_id: str | None
    algorithm: str
    lifetime: float

    async def signed(self) -> str:
        now = runtime().wall()
        subject = {} if self.subject is None else {"sub": self.subject}
        claims = {
            "iss": self.issuer,
            **subject,
            "aud": self.audience,
            "iat": int(now.timestamp()),
            "exp": int((now + timedelta(seconds=self.lifetime)).timestamp()),
            "jti": uuid4().hex,
            **self.claims,
        }
        headers = None if self.key_id is None else {"kid": self.key_id}
        jwt, key = _jwt(), await value_of("key=", self.key, lines=True)
        try:
            return str(jwt.encode(claims, key, algorithm=self.algorithm, headers=headers))
        except (ValueError, TypeError, jwt.PyJWTError) as problem:
            # Nothing of the cause is told: it may show a piece of the key.
            kind = type(problem).__name__
        raise ConfigurationError(
            f"key= cannot sign with {self.algorithm} ({kind}): it takes a private key in PEM form, -----BEGIN PRIVATE KEY----- and its line ends "
            "included, without a password, of the algorithm's kind; claims= must be JSON"
        )


@frozen
class _Asking:
    endpoint: TokenEndpoint
    statement: _Statement
    form: dict[str, str]
    #: The parameter that the statement goes into.
    place: str
    asked: str

    async def usable(self, stored: Grant | None) -> Grant | None:
        return stored if stored is not None and stored.asked == self.asked else None

    async def ask(self, exchange: Exchange, stored: Grant | None, *, forced: bool, until: float, shelf: Shelf) -> tuple[Grant, bool]:
        signed: list[str] = []

        async def form() -> Mapping[str, str]:
            signed.append(await self.statement.signed())
            return {**self.form, self.place: signed[-1]}

        at = runtime().wall()
        answer = await self.endpoint.ask(exchange, form, until=until, secrets=lambda: signed)
        if isinstance(answer, Granted):
            return Grant.of(answer, at=at, asked=self.asked, before=stored, forced=forced), True
        if answer.code == "invalid_grant":
            answer.error.args = (
                f"{answer.error}: the statement was not accepted. Check that the subject has allowed this client, issuer= and audience=, the key "
                "that the server knows, and this machine's clock",
            )
        raise answer.error


class OAuth2JWTBearer(TokenAuth):
    """Tokens for a statement signed with a private key. Needs the extra ``jwt``.

    ``issuer``: who signs, mostly the client's id. ``subject``: for whom, a user's name say. ``audience``: by default the token URL; Salesforce wants
    ``https://login.salesforce.com``. ``key``: PEM, as text, bytes, `Secret`, or the ``Path`` of its file; ``key_id``: its ``kid``. ``lifetime``:
    seconds; Salesforce takes no more than 180 to 300, by where one reads (2026-11). ``claims``: further ones. ``client_id``, ``client_secret``: where
    the server wants them besides.
    ``as_client_assertion=True``: client credentials proved by the statement (NetSuite's machine-to-machine flow); the subject is the issuer then.

    Raises `ConfigurationError` for wrong arguments, at the first use for a key that cannot sign; requests raise `AuthenticationError`.
    """

    def __init__(
        self,
        token_url: str,
        *,
        issuer: str,
        key: str | bytes | os.PathLike[str] | SecretText,
        subject: str | None = None,
        audience: str | None = None,
        key_id: str | None = None,
        algorithm: str = "RS256",
        lifetime: float = 120.0,
        claims: Mapping[str, Any] | None = None,
        as_client_assertion: bool = False,
        scope: str | Sequence[str] | None = None,
        client_id: str | None = None,
        client_secret: str | SecretText | None = None,
        extra: Mapping[str, str] | None = None,
        store: StoreArgument = None,
        name: str | None = None,
        leeway: float | None = None,
        refresh_on_401: bool = True,
        timeout: float = 30.0,
        insecure: bool = False,
    ) -> None:
        _jwt()
        for what, text in {"issuer=": issuer, "subject=": subject, "audience=": audience, "key_id=": key_id}.items():
            if (text is None and what == "issuer=") or (text is not None and (not isinstance(text, str) or not text.strip())):
                raise ConfigurationError(f"{what} takes a text that is not empty, not {text!r}")
        if algorithm not in ALGORITHMS:
            raise ConfigurationError(f"algorithm= takes one of {', '.join(ALGORITHMS)}, not {algorithm!r}")
        if isinstance(lifetime, bool) or not isinstance(lifetime, int | float) or not 1 <= lifetime <= 3600:
            raise ConfigurationError(f"lifetime= takes seconds from 1 to 3600, not {lifetime!r}")
        if claims is not None and (not isinstance(claims, Mapping) or not all(isinstance(claim, str) for claim in claims)):
            raise ConfigurationError("claims= takes a dict of further claims, such as {'scope': 'orders'}")
        if client_secret is not None and client_id is None:
            raise ConfigurationError("client_secret= needs client_id=")
        self._key = _checked_key(key)
        endpoint = TokenEndpoint(
            url=check_url("token_url", token_url, insecure=insecure),
            client_id=client_id,
            client_secret=client_secret,
            client_auth="post",
            extra=extra,
            timeout=timeout,
        )
        subject = issuer if subject is None and as_client_assertion else subject
        statement = _Statement(issuer, subject, audience or token_url, dict(claims or {}), self._key, key_id, algorithm, float(lifetime))
        words = checked_words("scope=", scope)
        form = {} if words is None else {"scope": words}
        if as_client_assertion:
            form |= {"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE}
        else:
            form |= {"grant_type": GRANT_TYPE}
        asked = fingerprint(subject, statement.audience, sorted(statement.claims.items()), form, endpoint.extra)
        super().__init__(
            endpoint,
            _Asking(endpoint, statement, form, "client_assertion" if as_client_assertion else "assertion", asked),
            kind="JWT bearer",
            who=(issuer, subject, form, endpoint.extra),
            store=store,
            name=name,
            leeway=leeway,
            refresh_on_401=refresh_on_401,
        )

    def secrets(self) -> tuple[str, ...]:
        return (*super().secrets(), *known(self._key))


def _checked_key(key: Any) -> str | SecretText:
    if isinstance(key, os.PathLike):
        return Secret.file(key)
    wrong = (
        "key= takes the private key in PEM form, -----BEGIN PRIVATE KEY----- and its line ends included: as text, bytes, Secret, or Path of its file"
    )
    if isinstance(key, bytes):
        try:
            key = key.decode("ascii")
        except UnicodeDecodeError:
            key = None
    checked = checked_secret("key=", key, lines=True) if key is None or isinstance(key, str | SecretText) else None
    if checked is None or (isinstance(checked, str) and "-----BEGIN" not in checked):
        # Not in the frame of an error: tools that print local variables would show it.
        del key, checked
        raise ConfigurationError(wrong)
    return checked
