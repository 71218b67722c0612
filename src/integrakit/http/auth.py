"""Credentials that fit in one request: bearer token, API key, basic. Each signs a copy and never shows its value."""

from __future__ import annotations

from base64 import b64encode
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from inspect import iscoroutinefunction
from typing import Any
from unicodedata import category

from attrs import field, frozen

from integrakit.errors import ConfigurationError, IntegrakitError
from integrakit.model import Request, Response
from integrakit.model.exchange import is_header_name, without_params
from integrakit.secrets import Secret

__all__ = ["ApiKey", "BasicAuth", "BearerToken"]

#: A text, what keeps one secret and asks for it again, or a function that gives the one to use now.
Credential = str | Secret | Callable[[], str]
#: How many of the values that functions gave are still hidden in messages: requests with the one before may be on their way.
RECENT = 12


class _Recent:
    """What functions gave last: messages hide it, and must not ask for another."""

    __slots__ = ("_values",)

    def __init__(self) -> None:
        self._values: deque[str] = deque(maxlen=RECENT)

    def note(self, value: Any) -> Any:
        if isinstance(value, str) and value not in self._values:
            self._values.append(value)
        return value

    def known(self) -> tuple[str, ...]:
        # One step, since another thread may be noting one.
        return tuple(self._values.copy())

    def __reduce__(self) -> Any:
        return _Recent, ()


def _for_header(value: Any) -> str | None:
    """What is wrong with a token or key."""
    if not isinstance(value, str) or not value:
        return f"takes the credential as a text that is not empty, not {type(value).__name__}"
    if not value.isprintable() or value != value.strip() or not value.isascii():
        return "holds blanks around it, line ends or non-ASCII characters: was it copied or read from a file with its line end?"
    return None


def _for_bearer(value: Any) -> str | None:
    if isinstance(value, str) and value.lower().startswith("bearer "):
        return "takes the token alone: the word Bearer is put before it"
    return _for_header(value)


def _for_basic(value: Any) -> str | None:
    if not isinstance(value, str):
        return f"takes a text, not {type(value).__name__}"
    if any(category(letter) in ("Cc", "Cs") for letter in value):
        return "holds line ends or other control characters: was it read from a file with its line end?"
    return None


def _for_username(value: Any) -> str | None:
    return "holds a colon, which no username may" if isinstance(value, str) and ":" in value else _for_basic(value)


Check = Callable[[Any], str | None]


def _credential(check: Check) -> Callable[[Any, Any, Any], None]:
    """Texts are looked at when they are given, all others when they are used."""

    def validate(owner: Any, attribute: Any, value: Any) -> None:
        where = f"{type(owner).__name__}({attribute.name}=…)"
        if isinstance(value, Secret) or (callable(value) and not isinstance(value, type) and not iscoroutinefunction(value)):
            return
        if iscoroutinefunction(value) or isinstance(value, type):
            raise ConfigurationError(f"{where} takes a plain function, not an async one or a class: an auth of one's own may wait")
        if (problem := check(value)) is not None:
            raise ConfigurationError(f"{where} {problem}")

    return validate


async def _now(where: str, credential: Credential, recent: _Recent, check: Check) -> str:
    """The value to use now."""
    if isinstance(credential, str):
        return credential
    value = await credential.get() if isinstance(credential, Secret) else recent.note(credential())
    problem = check(value)
    if problem is not None:
        # The value is not in the frame of the error: tools that print local variables would show it.
        del value
        source = f"with {credential!r}" if isinstance(credential, Secret) else "(function): the function gave no usable token, it"
        raise ConfigurationError(f"{where} {source} {problem}")
    found: str = value
    return found


def _known(credential: Credential) -> tuple[str, ...]:
    return (credential,) if isinstance(credential, str) else credential.known() if isinstance(credential, Secret) else ()


async def _rejected(response: Response, sent: Any, current: Callable[[], Coroutine[Any, Any, str]], *credentials: Credential) -> bool:
    """After a refusal: whether another value is there now. Where that cannot be found out, the refusal itself is what the caller gets."""
    secrets = [credential for credential in credentials if isinstance(credential, Secret)]
    if not secrets:
        return False
    try:
        if sent is not None and sent != await current():
            return True  # another request was refused before this one, and has asked already
        return any([await secret.replaced() for secret in secrets])
    except IntegrakitError as problem:
        if response.error is not None:
            response.error.add_note(f"another credential could not be asked for: {problem}")
        return False


def _name(owner: Any, attribute: Any, value: Any) -> None:
    if value is None:
        return
    if not isinstance(value, str) or not (
        is_header_name(value) if attribute.name == "header" else value.isascii() and value.isprintable() and value.strip()
    ):
        raise ConfigurationError(f"{type(owner).__name__}({attribute.name}=…) takes the name of the {attribute.name} parameter, not {value!r}")


@frozen
class BearerToken:
    """``Authorization: Bearer …``. The token is a text, a `Secret`, or a function that gives the one to use now."""

    token: Credential = field(validator=_credential(_for_bearer), repr=False)
    _recent: _Recent = field(factory=_Recent, init=False, repr=False, eq=False)

    async def authorise(self, request: Request, /) -> Request:
        request = request.copy()
        request.headers["authorization"] = await self._header()
        return request

    async def rejected(self, request: Request, response: Response, /) -> bool:
        """After a 401 to this request, as it was signed: whether it is worth signing and sending it once more. Asks a `Secret` for its new value."""
        return await _rejected(response, request.headers.get("authorization"), self._header, self.token)

    def secrets(self) -> Iterable[str]:
        return (*_known(self.token), *self._recent.known())

    async def _header(self) -> str:
        return f"Bearer {await _now('BearerToken', self.token, self._recent, _for_bearer)}"


@frozen
class ApiKey:
    """A key in a header or a query parameter: name one of the two. The key is a text, a `Secret`, or a function that gives the one to use now."""

    value: Credential = field(validator=_credential(_for_header), repr=False)
    header: str | None = field(default=None, validator=_name, kw_only=True)
    query: str | None = field(default=None, validator=_name, kw_only=True)
    _recent: _Recent = field(factory=_Recent, init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        if (self.header is None) == (self.query is None):
            raise ConfigurationError('ApiKey takes exactly one of header= and query=, e.g. ApiKey(key, header="X-Api-Key")')

    async def authorise(self, request: Request, /) -> Request:
        request = request.copy()
        if self.header is not None:
            request.headers[self.header.lower()] = await self._key()
        else:
            # Servers write links that hold the key already.
            request.url = without_params(request.url, lambda name, value: name == self.query)
            request.params[str(self.query)] = await self._key()
        return request

    async def rejected(self, request: Request, response: Response, /) -> bool:
        """After a 401 to this request, as it was signed: whether it is worth signing and sending it once more. Asks a `Secret` for its new value."""
        sent = request.params.get(str(self.query)) if self.header is None else request.headers.get(self.header.lower())
        return await _rejected(response, sent, self._key, self.value)

    def secrets(self) -> Iterable[str]:
        return (*_known(self.value), *self._recent.known())

    async def _key(self) -> str:
        return await _now("ApiKey", self.value, self._recent, _for_header)


@frozen
class BasicAuth:
    """``Authorization: Basic …`` (RFC 7617, UTF-8). Both parts are texts, `Secret` objects, or functions that give the one to use now."""

    username: Credential = field(validator=_credential(_for_username))
    password: Credential = field(validator=_credential(_for_basic), repr=False)
    _recent: _Recent = field(factory=_Recent, init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        if self.username == self.password == "":
            raise ConfigurationError("BasicAuth(username, password) takes two texts, not both empty")

    async def authorise(self, request: Request, /) -> Request:
        request = request.copy()
        request.headers["authorization"] = await self._header()
        return request

    async def rejected(self, request: Request, response: Response, /) -> bool:
        """After a 401 to this request, as it was signed: whether it is worth signing and sending it once more. Asks a `Secret` for its new value."""
        return await _rejected(response, request.headers.get("authorization"), self._header, self.username, self.password)

    def secrets(self) -> Iterable[str]:
        # The username is one where it is kept like one. The two encoded together are noted when they go out.
        named = () if isinstance(self.username, str) else _known(self.username)
        fixed = (_encoded(self.username, self.password),) if isinstance(self.username, str) and isinstance(self.password, str) else ()
        return (*named, *_known(self.password), *fixed, *self._recent.known())

    async def _header(self) -> str:
        encoded = _encoded(
            await _now("BasicAuth", self.username, self._recent, _for_username),
            await _now("BasicAuth", self.password, self._recent, _for_basic),
        )
        if not isinstance(self.username, str) or not isinstance(self.password, str):
            self._recent.note(encoded)
        return f"Basic {encoded}"


def _encoded(username: str, password: str) -> str:
    return b64encode(f"{username}:{password}".encode()).decode()
