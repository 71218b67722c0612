"""Where the value of a secret comes from: a function, the environment, a file, the keyring. A source keeps no value and shows none."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from attrs import define, field, frozen

from integrakit.errors import ConfigurationError, IntegrakitError, PolicyError
from integrakit.runtimes import runtime

__all__ = ["EnvSource", "Fetched", "FileSource", "FunctionSource", "KeyringSource", "SecretSource", "unavailable"]

#: A file that is longer is not a secret but a mistake.
LONGEST_FILE = 1_000_000


@frozen(repr=False, eq=False)
class Fetched:
    """What a source gave: the value, and in how many seconds it is of no use any more, where the source knows."""

    value: str
    expires_in: float | None = None

    def __repr__(self) -> str:
        return "<Fetched ***>"

    def __reduce__(self) -> Any:
        raise ConfigurationError("what a source of secrets gave cannot be pickled: it holds the value")


class SecretSource(Protocol):
    """Where a secret comes from. Its ``str`` is shown in messages: what it is, never the value.

    ``fetch`` awaits only the runtime's verbs. A source may besides have ``changed() -> bool``: at once and without waiting, whether it is worth
    asking again although the value is still fresh. Raise `ConfigurationError` or `ReauthorisationNeeded` where a person must do something,
    and `unavailable(…)` where the source may be back by itself.
    """

    async def fetch(self) -> Fetched: ...


def unavailable(message: str, *, retry_after: float | None = None) -> IntegrakitError:
    """The error for a source that cannot be reached now. Nothing was sent for want of it, and retrying is the source's own affair."""
    return PolicyError(message, retry_after=retry_after)


@frozen
class FunctionSource:
    """Any function without arguments. Called in a worker thread under an event loop: it may block."""

    function: Callable[[], str]

    async def fetch(self) -> Fetched:
        return Fetched(await runtime().blocking(self.function))

    def __str__(self) -> str:
        return f"the function {getattr(self.function, '__qualname__', type(self.function).__name__)}"


@frozen
class EnvSource:
    """An environment variable. One that is set to nothing counts as not set."""

    name: str

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name or "=" in self.name or "\0" in self.name:
            raise ConfigurationError("Secret.env(name) takes the name of an environment variable, such as 'SHOP_TOKEN'")

    async def fetch(self) -> Fetched:
        if self.name not in os.environ:
            raise ConfigurationError(f"{self} is not set")
        return Fetched(os.environ[self.name])

    def __str__(self) -> str:
        return f"the environment variable {self.name}"


@define
class FileSource:
    """A file, as secrets are mounted into containers: its text (UTF-8) without one line end behind it.

    It is read again when it was replaced or written to, which one ``stat`` at each use tells.
    """

    path: Path
    _seen: tuple[int, ...] | None = field(default=None, init=False, eq=False, repr=False)

    async def fetch(self) -> Fetched:
        return await runtime().blocking(self._read)

    def changed(self) -> bool:
        # A file that is away has not changed: whoever replaces it in two steps is not finished.
        with contextlib.suppress(OSError):
            return _signature(os.stat(self.path)) != self._seen
        return False

    def _read(self) -> Fetched:
        try:
            with self.path.open("rb") as file:
                # Of the very file that is read: were it replaced right now, the new one would look like a change.
                seen = _signature(os.fstat(file.fileno()))
                read = Fetched(_text(file.read(LONGEST_FILE + 1)))
        except OSError as problem:
            raise ConfigurationError(f"{self} cannot be read: {problem.strerror or type(problem).__name__}") from problem
        if read.value == _NO_TEXT:
            raise ConfigurationError(f"{self} is not UTF-8 text of at most {LONGEST_FILE} bytes")
        self._seen = seen
        return read

    def __reduce__(self) -> Any:
        return FileSource, (self.path,)

    def __str__(self) -> str:
        return f"the file {self.path}"


#: No text that was decoded from UTF-8 can hold it.
_NO_TEXT = "\udc00"


def _text(content: bytes) -> str:
    """Raises nothing: the error of a codec holds the bytes, and so would this frame."""
    if len(content) > LONGEST_FILE:
        return _NO_TEXT
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return _NO_TEXT
    return text[:-2] if text.endswith("\r\n") else text.removesuffix("\n")


def _signature(status: os.stat_result) -> tuple[int, ...]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


@frozen
class KeyringSource:
    """The operating system's keyring: Keychain, Credential Locker, Secret Service. Needs the extra ``keyring``."""

    service: str
    username: str

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.service, str) or not isinstance(self.username, str) or not self.service:
            raise ConfigurationError("Secret.keyring(service, username) takes two texts, as they were given to keyring's set_password")

    async def fetch(self) -> Fetched:
        return await runtime().blocking(self._ask)

    def _ask(self) -> Fetched:
        try:
            # An extra.
            import keyring
            from keyring.errors import KeyringError, NoKeyringError
        except ImportError:
            raise ConfigurationError(f'{self} needs keyring: pip install "integrakit[keyring]"') from None
        try:
            read = Fetched(keyring.get_password(self.service, self.username) or "")
        except NoKeyringError as problem:
            raise ConfigurationError(f"{self}: there is no keyring on this machine that keyring can use") from problem
        except KeyringError as problem:
            raise unavailable(f"{self} could not be read ({type(problem).__name__}): is it locked?") from problem
        if not read.value:
            raise ConfigurationError(f"{self} is not there: keyring.set_password({self.service!r}, {self.username!r}, …) puts it there")
        return read

    def __str__(self) -> str:
        return f"{self.username!r} of {self.service!r} in the keyring"
