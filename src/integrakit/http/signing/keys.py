"""The keys that requests are signed with: texts or secrets, how they are checked, and which of their values must be hidden. No I/O of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from integrakit.errors import ConfigurationError
from integrakit.secrets import Secret

__all__ = ["Key", "checked_function", "checked_key", "current", "known", "optional_key", "plain_key"]

#: A text, or what keeps one secret and asks for it again when it was replaced.
Key = str | Secret


def _problem(value: Any) -> str | None:
    if not isinstance(value, str) or not value:
        return f"takes a text that is not empty, or a Secret, not {type(value).__name__}"
    if not value.isascii() or not value.isprintable() or value != value.strip():
        return "holds blanks around it, line ends or non-ASCII characters: was it copied or read from a file with its line end?"
    return None


def checked_key(owner: Any, attribute: Any, value: Any) -> None:
    """An attrs validator: `ConfigurationError` names the argument and never shows the value."""
    if not isinstance(value, Secret) and (problem := _problem(value)) is not None:
        # Not in the frame of the error: tools that print local variables would show it.
        del value
        raise ConfigurationError(f"{type(owner).__name__}({attribute.name}=…) {problem}")


def plain_key(owner: Any, attribute: Any, value: Any) -> None:
    """`checked_key`, for a text only."""
    if value is None or isinstance(value, Secret):
        raise ConfigurationError(f"{type(owner).__name__}({attribute.name}=…) takes a text, not {type(value).__name__}")
    checked_key(owner, attribute, value)


def optional_key(owner: Any, attribute: Any, value: Any) -> None:
    """`checked_key`, where None stands for no key."""
    if value is not None:
        checked_key(owner, attribute, value)


async def current(where: str, key: Key) -> str:
    """The value to sign with now; ``where`` names the argument in the `ConfigurationError` for one that cannot be used."""
    if isinstance(key, str):
        return key
    value = await key.get()
    if (problem := _problem(value)) is not None:
        del value
        raise ConfigurationError(f"{where} with {key!r} {problem}")
    return value


def known(*keys: Key | None) -> Iterable[str]:
    """All values of the keys that are known by now, those before the last included. Asks nobody."""
    values: list[str] = []
    for key in keys:
        values += key.known() if isinstance(key, Secret) else (key,) if key else ()
    return values


def checked_function(gives: str) -> Callable[[Any, Any, Any], None]:
    """An attrs validator for an argument that takes None or a function without arguments."""

    def validate(owner: Any, attribute: Any, value: Any) -> None:
        if value is not None and (not callable(value) or isinstance(value, type)):
            raise ConfigurationError(f"{type(owner).__name__}({attribute.name}=…) takes a function that gives {gives}, not {value!r}")

    return validate
