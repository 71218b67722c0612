"""Secrets as arguments: a text, or an object such as ``ik.Secret`` that gives one. None is kept in another form, and none is shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from integrakit.errors import ConfigurationError

__all__ = ["SecretText", "checked_secret", "known", "replaced", "value_of", "without_frames"]


@runtime_checkable
class SecretText(Protocol):
    """What has the shape of ``ik.Secret``."""

    async def get(self) -> str:
        """The value to use now."""
        ...

    def known(self) -> Sequence[str]:
        """The values that were given out, without asking for any."""
        ...


def checked_secret(what: str, value: Any, *, lines: bool = False) -> str | SecretText | None:
    """The argument, if it is None, a text that is not empty, or a secret. ``lines``: it may have several, as a PEM file does.

    Raises `ConfigurationError` that names the argument and not its value.
    """
    if value is None or (isinstance(value, SecretText) and not isinstance(value, type)):
        return value
    if not isinstance(value, str) or not value:
        raise ConfigurationError(f"{what} takes a text that is not empty, or a Secret, not {type(value).__name__}")
    _check(what, value, lines)
    return value


def _check(what: str, value: str, lines: bool) -> None:
    if not lines and (not value.isprintable() or value != value.strip()):
        raise ConfigurationError(f"{what} holds blanks around it or line ends: was it copied or read from a file with its line end?")


async def value_of(what: str, secret: str | SecretText, *, lines: bool = False) -> str:
    """The value to use now."""
    if isinstance(secret, str):
        return secret
    value = await secret.get()
    if not isinstance(value, str) or not value:
        raise ConfigurationError(f"{what}: the secret gave no text")
    _check(what, value, lines)
    return value


async def replaced(secret: str | SecretText | None) -> bool:
    """After it was refused: whether there is another value now."""
    renew = getattr(secret, "replaced", None)
    return False if renew is None else bool(await renew())


def known(*secrets: str | SecretText | None) -> list[str]:
    """All their values that have been seen. Asks nobody."""
    values: list[str] = []
    for secret in secrets:
        if isinstance(secret, str):
            values.append(secret)
        elif secret is not None:
            values += secret.known()
    return values


def without_frames(problem: BaseException) -> None:
    """Forgets where an error, and all that it is chained to, came from: those frames hold secrets, and tools that print local variables show them."""
    seen: list[BaseException] = []
    waiting: list[BaseException | None] = [problem]
    while waiting:
        link = waiting.pop()
        if link is not None and link not in seen:
            seen.append(link)
            link.__traceback__ = None
            waiting += [link.__cause__, link.__context__]
