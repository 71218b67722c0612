"""Reading secrets of HashiCorp Vault's KV engine, version 2. Nothing is written to Vault; tokens are `Session`'s affair."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self

from attrs import field, frozen

from integrakit.errors import ConfigurationError
from integrakit.http import Client, Response, Retry
from integrakit.secrets import Fetched, Secret
from integrakit.vault.answers import checked_path, quoted, refusal, section, sent
from integrakit.vault.session import AppRole, Session

__all__ = ["Vault"]


class Vault:
    """One Vault server or cluster. ``auth`` is an `AppRole`, or a token as a text or a `Secret`; the other arguments are those of `Client`.

    Use it as long as its secrets are in use, with ``with`` or ``async with``, or close it.
    """

    def __init__(
        self,
        url: str,
        *,
        auth: AppRole | str | Secret,
        namespace: str | None = None,
        timeout: float = 10.0,
        deadline: float | None = 30.0,
        retry: Retry | None = Retry(),  # noqa: B008 - frozen
        allow_hosts: Iterable[str] = (),
        http: Any = None,
    ) -> None:
        if not isinstance(auth, AppRole | Secret) and (not isinstance(auth, str) or not auth):
            raise ConfigurationError(f"Vault(auth=…) takes AppRole(role_id, secret_id), or a token as a text or a Secret, not {type(auth).__name__}")
        if namespace is not None:
            checked_path("Vault(namespace=…)", namespace)
        headers = {} if namespace is None else {"X-Vault-Namespace": namespace}
        options: dict[str, Any] = {"headers": headers, "timeout": timeout, "deadline": deadline, "retry": retry, "http": http}
        hosts = tuple(allow_hosts)
        self._session = Session(auth, lambda entrance: Client(url, auth=entrance, allow_hosts=hosts, **options))
        self._client = Client(url, auth=self._session, allow_hosts=hosts, **options)

    def secret(self, path: str, *, field: str | None = None, mount: str = "secret", version: int | None = None, ttl: float | None = 300.0) -> Secret:
        """One field of the secret at ``path`` in a KV version 2 engine; ``field`` may be left out where there is one only.

        ``version``: None for the newest. Asked again after ``ttl`` seconds, and so rotation is picked up.
        """
        checked_path("secret(path)", path)
        checked_path("secret(mount=…)", mount)
        if field is not None and (not isinstance(field, str) or not field):
            raise ConfigurationError(f"secret(field=…) takes the name of a field, or None where there is one only, not {field!r}")
        if version is not None and (isinstance(version, bool) or not isinstance(version, int) or version < 1):
            raise ConfigurationError(f"secret(version=…) takes a whole number of 1 or more, or None for the newest, not {version!r}")
        return Secret(_Source(self, mount, path, field, version), ttl=ttl)

    async def read(self, source: _Source) -> Fetched:
        """What the secrets of this object ask."""
        used = self._session.token
        answer = await self._ask(source)
        if answer.status_code == 403 and await self._session.again(used):
            answer = await self._ask(source)
        if answer.status_code >= 400:
            raise refusal(str(source), answer)
        found = _picked(answer, source.field)
        if isinstance(found, str):
            raise ConfigurationError(f"{source} {found}")
        return found

    async def _ask(self, source: _Source) -> Response:
        params = {} if source.version is None else {"version": source.version}
        return await sent(str(source), self._client, "GET", f"/v1/{quoted(source.mount)}/data/{quoted(source.path)}", params)

    def known(self) -> tuple[str, ...]:
        """The tokens that it had last: what must be hidden."""
        return tuple(self._session.secrets())

    def close(self) -> None:
        self._client.close()
        self._session.client.close()

    async def aclose(self) -> None:
        await self._client.aclose()
        await self._session.client.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"<Vault of {self._client!r}>"


@frozen
class _Source:
    vault: Vault = field(repr=False)
    mount: str
    path: str
    field: str | None
    version: int | None

    async def fetch(self) -> Fetched:
        return await self.vault.read(self)

    def __str__(self) -> str:
        return f"{self.mount}/{self.path} in Vault" + (f", field {self.field!r}" if self.field else "")


def _picked(answer: Response, field: str | None) -> Fetched | str:
    """The value, or what is wrong. Raises nothing, since the value is in its frame."""
    fields = section(answer, "data").get("data")
    if not isinstance(fields, dict):
        return "came as something that is not what KV version 2 answers: is the address that of Vault, and the mount KV version 2?"
    if field is None and len(fields) != 1:
        return f"has {len(fields)} fields, so secret(…, field=…) must name one: there are {sorted(fields)}"
    value = fields.get(next(iter(fields)) if field is None else field)
    if value is None:
        return f"has no such field: there are {sorted(fields)}"
    return Fetched(value) if isinstance(value, str) else f"holds a {type(value).__name__} where a text was due"
