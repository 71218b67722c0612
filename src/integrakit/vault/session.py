"""The token of a Vault: logging in by AppRole, renewing in time, and logging in anew. One of them at a time, over tasks and threads.

A token is renewed when two thirds of its time have passed, by whoever asks next: nothing runs in the background.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from attrs import evolve, field, frozen

from integrakit.errors import ConfigurationError, IntegrakitError, ReauthorisationNeeded
from integrakit.http import Client, Request
from integrakit.protocols import Auth
from integrakit.runtimes import SingleFlight, runtime
from integrakit.secrets import Secret, unavailable
from integrakit.vault.answers import checked_path, quoted, refusal, section, sent

__all__ = ["AppRole", "Session"]

#: The share of a token's time after which it is renewed.
RENEW_AFTER = 2 / 3
#: A renewal that grants less than this share of the first time: the token comes to its greatest age, and a new one is asked for.
TOO_SHORT = 0.5
#: Seconds until a renewal that failed is tried again, while the token still holds.
PAUSE = 5.0
#: Tokens that are still hidden in messages.
KNOWN = 4
_FOREVER = float("inf")


@frozen
class AppRole:
    """A machine's login: the role's id, and a secret id where the role asks for one. ``mount``: where the auth method is mounted."""

    role_id: str | Secret = field(repr=False)
    secret_id: str | Secret | None = field(default=None, repr=False)
    mount: str = field(default="approle", kw_only=True)

    def __attrs_post_init__(self) -> None:
        for name in ("role_id", "secret_id"):
            value = getattr(self, name)
            if (value is None and name == "role_id") or not isinstance(value, str | Secret | None) or value == "":
                raise ConfigurationError(f"AppRole({name}=…) takes a text or a Secret, not {type(value).__name__}")
        checked_path("AppRole(mount=…)", self.mount)


@frozen(repr=False, eq=False)
class _Token:
    value: str
    renewable: bool = False
    #: Seconds it was granted for at first, and moments by the runtime's ``now()``.
    granted: float = _FOREVER
    renew_at: float = _FOREVER
    expires: float = _FOREVER

    def __repr__(self) -> str:
        return "<***>"


class Session:
    """Signs requests with the token, and sees to it that there is one: logs in, renews, logs in anew. Once for all who need it at the same time."""

    def __init__(self, auth: AppRole | str | Secret, connect: Callable[[Auth], Client]) -> None:
        self._auth = auth
        self._flight = SingleFlight()
        self.token: _Token | None = None
        self._seen: tuple[str, ...] = ()
        self.client = connect(_Entrance(self))

    async def authorise(self, request: Request, /) -> Request:
        token = self.token
        if token is None or runtime().now() >= token.renew_at:
            await runtime().single_flight(self._flight, self._refresh)
        return self.signed(request)

    def signed(self, request: Request) -> Request:
        request = request.copy()
        if self.token is not None:
            request.headers["x-vault-token"] = self.token.value
        return request

    def secrets(self) -> Iterable[str]:
        given = (self._auth.role_id, self._auth.secret_id) if isinstance(self._auth, AppRole) else (self._auth,)
        return (*(value for each in given if each is not None for value in ((each,) if isinstance(each, str) else each.known())), *self._seen)

    async def again(self, used: _Token | None) -> bool:
        """The token was refused: whether there is another one now."""
        if self.token is used:
            if not isinstance(self._auth, AppRole) and not (isinstance(self._auth, Secret) and await self._auth.replaced()):
                return False
            self.token = None
        return True

    # ------------------------------------------------------------------ having one

    async def credentials(self) -> dict[str, str]:
        """The body of a login."""
        role = self._auth
        assert isinstance(role, AppRole)
        return {
            name: value if isinstance(value, str) else await value.get()
            for name, value in (("role_id", role.role_id), ("secret_id", role.secret_id))
            if value is not None
        }

    async def _refresh(self) -> None:
        token, now = self.token, runtime().now()
        if token is not None and now < token.renew_at:
            return  # somebody was faster
        try:
            if token is None or not token.renewable or now >= token.expires or not await self._renew(token):
                await self._log_in(token)
        except IntegrakitError:
            # A renewal may have granted less, and still be what there is.
            kept, now = self.token, runtime().now()
            if kept is None or now >= kept.expires:
                raise
            self.token = evolve(kept, renew_at=min(kept.expires, now + PAUSE))

    async def _renew(self, token: _Token) -> bool:
        # PUT and POST are synonyms in Vault; a PUT may be repeated.
        answer = await sent("the Vault token", self.client, "PUT", "/v1/auth/token/renew-self")
        if answer.status_code >= 400:
            return False
        self._keep(token.value, section(answer, "auth"), "lease_duration", token.granted)
        lasts = self.token is not None and self.token.expires - runtime().now() >= TOO_SHORT * token.granted
        return lasts or not isinstance(self._auth, AppRole)

    async def _log_in(self, token: _Token | None) -> None:
        if isinstance(self._auth, AppRole):
            what = f"the AppRole login at auth/{self._auth.mount} of Vault"
            login = f"/v1/auth/{quoted(self._auth.mount)}/login"
            answer = await sent(what, self.client, "POST", login)
            if answer.status_code in (400, 403) and isinstance(self._auth.secret_id, Secret) and await self._auth.secret_id.replaced():
                answer = await sent(what, self.client, "POST", login)
            if answer.status_code >= 400:
                raise refusal(what, answer)
            given = section(answer, "auth")
            if not isinstance(given.get("client_token"), str):
                raise unavailable(f"{what} was answered without a token: is this Vault?")
            self._keep(given["client_token"], given, "lease_duration", None)
            return
        if token is not None and not (isinstance(self._auth, Secret) and await self._auth.replaced()):
            raise ReauthorisationNeeded("the Vault token has expired: whoever runs this must put a new one in its place, or use AppRole(…)")
        self._keep(self._auth if isinstance(self._auth, str) else await self._auth.get(), {}, "ttl", None)
        try:
            answer = await sent("the Vault token", self.client, "GET", "/v1/auth/token/lookup-self")
            if answer.status_code >= 400 and answer.status_code != 403:
                raise refusal("the Vault token", answer)
        except BaseException:
            self.token = token  # nothing is known about the new one
            raise
        # A policy may forbid to look it up: then the token is used until it is refused.
        if answer.status_code < 400 and self.token is not None:
            self._keep(self.token.value, section(answer, "data"), "ttl", None)

    def _keep(self, value: str, told: dict[str, Any], name: str, granted: float | None) -> None:
        seconds = told.get(name)
        now = runtime().now()
        if isinstance(seconds, int) and seconds > 0:  # 0: a root token, for ever
            renewable = told.get("renewable") is True
            login_again = renewable or isinstance(self._auth, AppRole)
            renew_at = now + seconds * (RENEW_AFTER if login_again else 1)
            self.token = _Token(value, renewable, granted or seconds, renew_at, now + seconds)
        else:
            self.token = _Token(value)
        if value not in self._seen:
            self._seen = (*self._seen[1 - KNOWN :], value)


@frozen
class _Entrance:
    """The auth of logging in and renewing: it puts the credentials into requests at the last moment, so that no error carries them."""

    session: Session

    async def authorise(self, request: Request, /) -> Request:
        if request.method == "POST":
            return request.copy(json=await self.session.credentials())
        return self.session.signed(request)

    def secrets(self) -> Iterable[str]:
        return self.session.secrets()
