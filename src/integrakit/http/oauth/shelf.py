"""`Shelf`: where one grant is kept, over threads, processes and restarts: a document in the space ``tokens``, and a lease for who may renew it."""

from __future__ import annotations

import logging
import os
import weakref
from functools import partial
from typing import Any

from integrakit.errors import ConfigurationError, StoreError, VersionConflict
from integrakit.http.oauth.grant import Grant
from integrakit.protocols import Put, Store
from integrakit.runtimes import runtime
from integrakit.state import Lease, MemoryStore, acquire_lease, open_store

__all__ = ["SPACE", "Shelf", "StoreArgument"]

#: A store, or the path or URL to open one by.
StoreArgument = Store | str | os.PathLike[str] | None
SPACE = "tokens"
#: Seconds between two tries to keep what could not be kept.
AGAIN = 1.0
_log = logging.getLogger("integrakit.oauth")


class Shelf:
    """One grant in one store. ``identity`` tells grants of different clients apart that were given the same name."""

    def __init__(self, store: StoreArgument, key: str, *, identity: str, about: str) -> None:
        self._store = _opened(store)
        if self._store is not store:
            # Opened here, it is closed when this object is collected, or at exit.
            weakref.finalize(self, self._store.close)
        self.lasts = not isinstance(self._store, MemoryStore)
        self._key = key
        self._identity = identity
        self._about = about
        #: What is in use although it could not be kept, and the version it was to follow on.
        self._unsaved: tuple[Grant, int] | None = None
        self._next_try = 0.0
        self._looked_at_file = False

    @property
    def place(self) -> str:
        """For messages: where a person finds it."""
        return f"{SPACE}/{self._key} in {self._store!r}" if self.lasts else "this process's memory"

    async def read(self) -> tuple[Grant | None, int]:
        """The grant that is kept, and the version to `save` the next one after. Raises `StoreError`; `ConfigurationError` for another client's."""
        entry = await runtime().blocking(self._store.get, SPACE, self._key)
        if entry is None:
            return None, 0
        grant = Grant.read(entry.value, f"{SPACE}/{self._key}")
        if entry.value.get("identity") != self._identity:
            raise ConfigurationError(
                f"{self.place} holds the tokens of another client, user or server than {self._about}: give this one a name= of its own"
            )
        return grant, entry.version

    async def save(self, grant: Grant, version: int) -> Grant:
        """Keeps it, and gives the one to use: this one, or the one that somebody else has put there meanwhile.

        The version is the fence here, and not the lease: whoever lost the lease while it waited for an answer still holds the newest tokens,
        unless somebody else has written newer ones. A store that fails does not take the tokens away: they are used, and kept once it works again.
        """
        try:
            await self._put(grant, version)
        except VersionConflict:
            other, now_at = await self.read()
            if other is not None:
                return other
            await self._put(grant, now_at)  # somebody deleted it
        except StoreError as problem:
            self._unsaved = grant, version
            self._next_try = runtime().now() + AGAIN
            _log.error(
                "%s: new tokens were granted and could not be kept in %s (%s). They are used from memory and kept as soon as the store works; "
                "if this process ends before that, the refresh token is lost",
                self._about,
                self.place,
                problem,
            )
            return grant
        return grant

    async def _put(self, grant: Grant, version: int) -> None:
        await runtime().blocking(self._store.commit, [Put(SPACE, self._key, grant.document(self._identity), expect=version)])
        if not self._looked_at_file:
            self._looked_at_file = True
            await runtime().blocking(self._look_at_file)

    @property
    def owes(self) -> bool:
        """Whether it is time to try again to keep something."""
        return self._unsaved is not None and runtime().now() >= self._next_try

    async def catch_up(self) -> Grant | None:
        """Keeps what could not be kept before. Gives what to use then; None where there was nothing to do. Raises `StoreError` while it fails."""
        if self._unsaved is None:
            return None
        grant, version = self._unsaved
        self._next_try = runtime().now() + AGAIN
        try:
            await self._put(grant, version)
        except VersionConflict:
            other, _ = await self.read()
            grant = other or grant
        self._unsaved = None
        return grant

    async def lease(self, ttl: float) -> Lease:
        """Raises `LeaseHeld` while another one renews it; at once free when that one's process is gone."""
        world = runtime()
        return await world.blocking(partial(acquire_lease, self._store, f"token:{self._key}", ttl=ttl, clock=world))

    async def release(self, lease: Lease) -> None:
        try:
            await runtime().blocking(lease.release)
        except StoreError as problem:
            # Others wait until it expires. That is no reason to lose the token which was just granted.
            _log.warning("%s: the lease on its tokens could not be given back: %s", self._about, problem)

    def _look_at_file(self) -> None:
        path: Any = getattr(self._store, "path", None)
        if os.name != "posix" or not isinstance(path, os.PathLike):
            return
        try:
            mode = os.stat(path).st_mode
        except OSError:
            return
        if mode & 0o077:
            _log.warning("%s holds tokens and can be read by others on this machine (mode %o): chmod 600 it", path, mode & 0o777)


def _opened(store: StoreArgument) -> Store:
    try:
        return MemoryStore() if store is None else open_store(store)
    except ConfigurationError as problem:
        raise ConfigurationError(f"store= takes {problem}".replace("takes a store is", "takes")) from None
