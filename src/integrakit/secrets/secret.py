"""`Secret`: a value to be used and never to be seen, and the asking for it again when it has been replaced. No source lives here."""

from __future__ import annotations

import hmac
import logging
import os
import secrets
from collections.abc import Callable
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any, NoReturn

from attrs import evolve, frozen

from integrakit._locks import StateLock
from integrakit.errors import ConfigurationError, IntegrakitError
from integrakit.runtimes import SingleFlight, drive, runtime
from integrakit.secrets.sources import EnvSource, Fetched, FileSource, FunctionSource, KeyringSource, SecretSource, unavailable

__all__ = ["Secret"]

#: Values that `Secret.known` remembers: requests and log lines with the one before may still be on their way.
KNOWN = 4
#: Seconds. A source that failed, or that had nothing new after a refusal, is left in peace for so long.
PAUSE, LONGEST_PAUSE = 1.0, 30.0
_FOREVER = float("inf")
#: Of this process: what hashes are made with, so that none can be looked up in a table.
_KEY = secrets.token_bytes(16)
_log = logging.getLogger("integrakit.secrets")


@frozen(repr=False, eq=False)
class _Kept:
    """What a secret has now. A new one for each change, so that readers need no lock."""

    #: Newest last.
    values: tuple[str, ...] = ()
    #: By the runtime's ``now()``: from when on the source is asked again, and from when on the value is not given out any more.
    fresh_until: float = -_FOREVER
    expires: float = -_FOREVER
    #: When the source was asked last, whatever came of it, and whether it failed.
    asked: float = -_FOREVER
    failing: bool = False
    #: How often a value was refused.
    refusals: int = 0

    def __repr__(self) -> str:
        return "<***>"


class Secret:
    """A value that is used and never shown: not by ``repr``, ``str``, f-strings, logs, pickles, JSON, stores or errors.

    ``value`` is the text itself, or where it comes from: a function, or an object with ``async def fetch(self) -> Fetched``. A source is asked when
    the value is first needed and again after ``ttl`` seconds (None: only after `expire`, or when the source says that the value has expired or
    changed). When asking again fails, the value before stays in use until it expires; `expire` ends it at once. Memory is not protected: code in
    this process that wants the value can have it.
    """

    __slots__ = ("__flight", "__guard", "__kept", "__source", "__ttl", "__weakref__")

    def __init__(self, value: str | bytes | Callable[[], str] | SecretSource, *, ttl: float | None = None) -> None:
        # First of all, since an error can happen from here on and show this object.
        self.__source: SecretSource | None = None
        self.__kept = _Kept()
        if ttl is not None and (isinstance(ttl, bool) or not isinstance(ttl, int | float) or not 0 <= ttl < _FOREVER):
            # Not in the frame of an error: tools that print local variables would show it.
            value = ""
            raise ConfigurationError(f"Secret(ttl=…) takes seconds, 0 or more, or None, not {ttl!r}")
        if isinstance(value, bytes):
            value = value.decode() if _is_text(value) else ""
        if isinstance(value, str):
            if not _is_text(value):
                # Not in the frame of an error: tools that print local variables would show it.
                value = ""
                raise ConfigurationError(
                    "Secret(value) takes a text that is not empty, or bytes that are UTF-8: encode what is neither, as base64 say"
                )
            self.__kept = _Kept((value,), _FOREVER, _FOREVER)
        elif isinstance(value, type) or iscoroutinefunction(value):
            raise ConfigurationError(
                "Secret(value) takes a text, a plain function, or an object with async def fetch(self); not a class, nor an async function"
            )
        elif callable(getattr(value, "fetch", None)):
            self.__source = value  # type: ignore[assignment]
        elif callable(value):
            self.__source = FunctionSource(value)
        else:
            kind = type(value).__name__
            value = ""
            raise ConfigurationError(f"Secret(value) takes a text, a function that gives one, or an object with async def fetch(self), not {kind}")
        self.__ttl = ttl
        self.__flight = SingleFlight()
        self.__guard = StateLock().here

    # ------------------------------------------------------------------ where it comes from

    @classmethod
    def env(cls, name: str, *, ttl: float | None = None) -> Secret:
        """The environment variable ``name``, read when first needed."""
        return cls(EnvSource(name), ttl=ttl)

    @classmethod
    def file(cls, path: str | os.PathLike[str], *, ttl: float | None = None) -> Secret:
        """The text of a file (UTF-8), without one line end behind it. Read again when the file was replaced or written to.

        That is found out by a ``stat`` at each use, or where ``ttl`` is given no oftener than every so many seconds: for slow network drives.
        """
        if not isinstance(path, str | os.PathLike) or not os.fspath(path):
            raise ConfigurationError(f"Secret.file(path) takes the path of a file, not {type(path).__name__}")
        return cls(FileSource(Path(path)), ttl=ttl)

    @classmethod
    def keyring(cls, service: str, username: str, *, ttl: float | None = None) -> Secret:
        """What ``keyring.set_password(service, username, …)`` put into the operating system's keyring. Needs the extra ``keyring``."""
        return cls(KeyringSource(service, username), ttl=ttl)

    # ------------------------------------------------------------------ the value

    async def get(self) -> str:
        """The value to use now. Asks its source where it must: once for all that wait for it at the same time.

        Raises `ConfigurationError` and `ReauthorisationNeeded` where a person must do something, `PolicyError` where the source cannot be reached;
        all of them only when no earlier value may be used.
        """
        if not self.__is_fresh():
            await runtime().single_flight(self.__flight, self.__ask)
        return self.__kept.values[-1]

    def reveal(self) -> str:
        """`get` for blocking code."""
        return drive(self.get())

    def known(self) -> tuple[str, ...]:
        """Every value it had so far, the last few of them, newest last: what must be hidden. Asks nobody."""
        return self.__kept.values

    @property
    def is_fixed(self) -> bool:
        """Whether it is a text that was given, and nothing that is asked for again."""
        return self.__source is None

    def expire(self) -> None:
        """The value is of no use any more (a 401, say): asks again at the next `get`. A fixed text stays what it is."""
        if self.__source is not None:
            with self.__guard():
                kept = self.__kept
                self.__kept = evolve(kept, fresh_until=-_FOREVER, expires=-_FOREVER, refusals=kept.refusals + 1)

    async def replaced(self) -> bool:
        """The value was refused: asks for it again, and says whether there is another one now. No oftener than once a second."""
        before = self.__kept
        if self.__source is None or not before.values:
            return False
        if runtime().now() < before.asked + PAUSE and not self.__has_changed():
            return False
        self.expire()
        await self.get()
        return not _same(before.values[-1], self.__kept.values[-1])

    def __is_fresh(self) -> bool:
        kept = self.__kept
        if self.__source is None:
            return True
        if runtime().now() >= kept.fresh_until:
            return False
        return kept.failing or self.__ttl is not None or not self.__has_changed()

    def __has_changed(self) -> bool:
        changed = getattr(self.__source, "changed", None)
        return changed is not None and bool(changed())

    async def __ask(self) -> None:
        refusals = self.__kept.refusals
        try:
            fetched = await self.__source.fetch()  # type: ignore[union-attr]
            unfit = _unfit(fetched)
            if unfit is not None:
                del fetched  # as above: it may be the bare value
                raise ConfigurationError(f"{self.__source} {unfit}")
        except Exception as problem:
            if not self.__go_on_without():
                if isinstance(problem, IntegrakitError):
                    raise
                raise unavailable(f"{self.__source} could not be asked: it raised {type(problem).__name__}") from problem
            # The words of foreign errors may hold anything.
            why = problem if isinstance(problem, IntegrakitError) else type(problem).__name__
            _log.warning("%s could not be asked again, so the value before stays in use: %s", self.__source, why)
            return
        now = runtime().now()
        expires = _FOREVER if fetched.expires_in is None else now + fetched.expires_in
        fresh_until = min(expires, _FOREVER if self.__ttl is None else now + self.__ttl)
        with self.__guard():
            kept = self.__kept
            if kept.values and _same(kept.values[-1], fetched.value) and kept.refusals != refusals:
                # It was refused while it was on its way to us once more.
                fresh_until = expires = -_FOREVER
            self.__kept = _Kept(_newest(kept.values, fetched), fresh_until, expires, now, refusals=kept.refusals)

    def __go_on_without(self) -> bool:
        """After a failure: whether the value before may stay in use for now."""
        now = runtime().now()
        with self.__guard():
            kept = self.__kept
            if now >= kept.expires:
                return False
            pause = PAUSE if self.__ttl is None else min(max(PAUSE, self.__ttl), LONGEST_PAUSE)
            self.__kept = evolve(kept, fresh_until=min(kept.expires, now + pause), asked=now, failing=True)
        return True

    # ------------------------------------------------------------------ what must not show it

    def __repr__(self) -> str:
        return "<Secret ***>" if self.__source is None else f"<Secret of {self.__source}>"

    __str__ = __repr__

    def __format__(self, specification: str) -> str:
        return repr(self)

    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        if self.__source is None and other.__source is None:
            return _same(self.__kept.values[0], other.__kept.values[0])
        return self is other or (self.__source is not None and self.__source == other.__source and self.__ttl == other.__ttl)

    def __hash__(self) -> int:
        if self.__source is None:
            return hash(hmac.digest(_KEY, self.__kept.values[0].encode(), "sha256"))
        try:
            return hash((type(self.__source), self.__source))
        except TypeError:  # sources that are equal to each other and cannot be hashed: those of one kind share a hash
            return hash(type(self.__source))

    def __iter__(self) -> NoReturn:
        raise TypeError("a Secret is not a text: await secret.get() or secret.reveal() gives the text")

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: Any) -> Secret:
        return self

    def __getstate__(self) -> NoReturn:
        raise ConfigurationError(f"{self!r} cannot be taken apart: it would show its value")

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.__reduce__()

    def __reduce__(self) -> Any:
        if not isinstance(self.__source, EnvSource | FileSource | KeyringSource):
            raise ConfigurationError(
                f"{self!r} cannot be pickled: build it where it is used, or take Secret.env, .file or .keyring, which travel without a value"
            )
        return _rebuilt, (self.__source, self.__ttl)


def _rebuilt(source: SecretSource, ttl: float | None) -> Secret:
    return Secret(source, ttl=ttl)


def _is_text(value: str | bytes) -> bool:
    """Whether it is UTF-8, or can be written so, and not empty."""
    try:
        return bool(value.decode() if isinstance(value, bytes) else value.encode())
    except UnicodeError:
        return False


def _unfit(fetched: Any) -> str | None:
    """What is wrong with what a source gave."""
    if not isinstance(fetched, Fetched):
        return f"gave a {type(fetched).__name__}: fetch() returns Fetched(value)"
    if not isinstance(fetched.value, str):
        return f"gave a {type(fetched.value).__name__} where a text was due"
    if not _is_text(fetched.value):
        return "is empty" if not fetched.value else "gave a text with a lone surrogate"
    told = fetched.expires_in
    if told is not None and (isinstance(told, bool) or not isinstance(told, int | float) or not told > 0):
        return "gave a value that has expired already"
    return None


def _newest(values: tuple[str, ...], fetched: Fetched) -> tuple[str, ...]:
    return (*[value for value in values if not _same(value, fetched.value)][1 - KNOWN :], fetched.value)


def _same(one: str, other: str) -> bool:
    """In a time that does not tell how far they are alike."""
    return hmac.compare_digest(one.encode(), other.encode())
