"""`Tokens`: the one access token to use now, renewed exactly once over tasks, threads and processes. In what order, is here; how one asks, is not.

In this process a `SingleFlight` keeps to one renewal; over processes a lease does. Read, take the lease, read again, ask, keep, and only then use:
whoever is killed on the way leaves a state from which the next one goes on.
"""

from __future__ import annotations

import copy
import logging
import random
from functools import partial
from typing import Protocol

from integrakit.errors import (
    DeadlineExceeded,
    DecodeError,
    IntegrakitError,
    LeaseHeld,
    PolicyError,
    RateLimited,
    ReauthorisationNeeded,
    ServerError,
    StoreError,
    TransportError,
)
from integrakit.http.oauth.grant import Grant
from integrakit.http.oauth.secrets import without_frames
from integrakit.http.oauth.shelf import Shelf
from integrakit.http.observing import observed
from integrakit.model import Request
from integrakit.model.events import GrantLost, TokenRefreshed
from integrakit.protocols import Exchange
from integrakit.runtimes import Runtime, SingleFlight, runtime
from integrakit.state import Lease

__all__ = ["Asker", "Tokens"]

#: After these a token that is still good is used on; they may pass.
PASSING = (TransportError, ServerError, RateLimited, DecodeError, StoreError, PolicyError)
#: Seconds: between tries to renew early; after a token that was renewed because of a 401; after the server said that the grant is gone.
EARLY_PAUSE, FORCED_PAUSE, LOST_PAUSE = 5.0, 10.0, 10.0
#: Seconds that a renewal goes on after the deadline of the request that began it: a token that is on its way must not be thrown away.
GRACE = 10.0
#: Seconds between looks at a token that another process is renewing.
FIRST_LOOK, LONGEST_LOOK = 0.02, 0.25
#: Values that are hidden in messages, the latest last.
REMEMBERED = 12
_log = logging.getLogger("integrakit.oauth")


class Asker(Protocol):
    """How one kind of grant is asked for."""

    async def usable(self, stored: Grant | None) -> Grant | None:
        """What of the stored one is good for this client; its time is not looked at."""
        ...

    async def ask(self, exchange: Exchange, stored: Grant | None, *, forced: bool, until: float, shelf: Shelf) -> tuple[Grant, bool]:
        """The next grant, and whether it is new: False for one that somebody else has kept meanwhile. Raises `ReauthorisationNeeded` and others."""
        ...


class Tokens:
    """The state of one auth: what it has in memory of the grant on its shelf. Each change is one assignment, so that nobody needs a lock to read."""

    def __init__(self, asker: Asker, shelf: Shelf, *, about: str, timeout: float, leeway: float | None, refresh_on_401: bool) -> None:
        self._asker = asker
        self._shelf = shelf
        self._about = about
        self._timeout = timeout
        self._leeway = leeway
        self._refresh_on_401 = refresh_on_401
        self._flight = SingleFlight()
        self._current: Grant | None = None
        #: The access token that a server refused, until another one has been asked for.
        self._refused: str | None = None
        #: The one that a server took.
        self._accepted: str | None = None
        self._early_again = 0.0
        self._lost: tuple[float, int, ReauthorisationNeeded] | None = None
        self._known: tuple[str, ...] = ()
        self._warned = False

    @property
    def current(self) -> Grant | None:
        return self._current

    def known(self) -> tuple[str, ...]:
        """The tokens that were in use lately."""
        return self._known

    async def token(self, request: Request, exchange: Exchange) -> str:
        """The access token to send now. Raises `DeadlineExceeded` when the request's time runs out first, and what asking for a token raises."""
        world = runtime()
        if self._shelf.owes:
            await self._pay()
        while True:
            grant, refused = self._current, self._refused
            if grant is not None and self._is_good(grant, refused, world):
                return grant.access_token
            left = None if request.deadline is None else request.deadline - world.now()
            if left is not None and left <= 0:
                raise self._too_late(request)
            job = partial(self._renew, request, exchange, refused)
            try:
                renewed: Grant | None = await world.single_flight(self._flight, job, within=left)
            except TimeoutError:
                raise self._too_late(request) from None
            if renewed is not None and renewed.access_token != self._refused:
                return renewed.access_token
            # It was the leader's time that ran out, not necessarily this one's; or the leader did not know yet of the 401.

    async def rejected(self, sent: str) -> bool:
        """After a 401 for this access token: whether the next `token` will be another one."""
        grant = self._current
        if grant is None or grant.access_token != sent:
            return grant is not None
        try:
            stored = await self._asker.usable((await self._shelf.read())[0])
        except StoreError:
            stored = None  # the renewal will say so, if it comes to that
        if stored is not None and stored.access_token != sent and stored.is_alive(runtime().wall()):
            self._adopt(stored)
            return True
        if not self._refresh_on_401:
            return False
        if grant.forced and sent != self._accepted and (runtime().wall() - grant.granted_at).total_seconds() < FORCED_PAUSE:
            return False  # it was asked for because of a 401: the token is not what the server objects to
        self._refused = sent
        return True

    def accepted(self, sent: str) -> None:
        """A server took this token. When it is refused later on, another one is worth asking for, however soon that is."""
        if (grant := self._current) is not None and grant.access_token == sent:
            self._accepted = sent

    async def keep(self, grant: Grant) -> None:
        """Puts a grant that was obtained in another way on the shelf, whatever is there. Raises `StoreError` when it cannot be kept."""
        stored, version = await self._shelf.read()
        self._adopt(await self._shelf.save(grant.after(stored), version))
        await self._shelf.catch_up()

    # ------------------------------------------------------------------ renewing, once

    async def _renew(self, request: Request, exchange: Exchange, refused: str | None) -> Grant | None:
        """The new grant, or None when the request's time ran out while another process was at it. Shielded, as a single flight is."""
        world = runtime()
        grant, settled = self._current, True
        try:
            if (saved := await self._shelf.catch_up()) is not None:
                self._adopt(saved)
            while True:
                stored, version = await self._shelf.read()
                self._raise_if_lost(version, world)
                grant = await self._asker.usable(stored) or grant
                if grant is not None and self._is_good(grant, refused, world):
                    return self._adopt(grant)
                lease = await self._lease(request, refused, world)
                if isinstance(lease, Lease):
                    break
                if lease is None:
                    settled = False
                    return None
            try:
                return await self._renew_alone(request, exchange, refused, world)
            finally:
                await self._shelf.release(lease)
        except PASSING as problem:
            return self._go_on(grant, refused, problem, world)
        finally:
            # Whatever came of it: a server may give the same token again.
            if settled and self._refused == refused:
                self._refused = None

    async def _renew_alone(self, request: Request, exchange: Exchange, refused: str | None, world: Runtime) -> Grant:
        stored, version = await self._shelf.read()
        grant = await self._asker.usable(stored)
        if grant is not None and self._is_good(grant, refused, world):
            return self._adopt(grant)
        now = world.now()
        until = now + self._timeout if request.deadline is None else min(now + self._timeout, max(now, request.deadline) + GRACE)
        try:
            grant, new = await self._asker.ask(exchange, stored, forced=refused is not None, until=until, shelf=self._shelf)
        except ReauthorisationNeeded as problem:
            self._lost = world.now() + LOST_PAUSE, version, problem
            if tell := observed(request):
                tell(GrantLost(request=request, grant=self._about, error=problem))
            without_frames(problem)
            raise
        except IntegrakitError as problem:
            without_frames(problem)
            raise
        if not new:
            return self._adopt(grant)
        # Nothing stands between the answer and this commit: it is the one moment at which a crash can cost the grant.
        kept = await self._shelf.save(grant, version)
        self._adopt(grant)
        self._adopt(kept)
        self._lost = None
        self._warn_if_fleeting(grant)
        if tell := observed(request):
            life = None if grant.expires_at is None else (grant.expires_at - grant.granted_at).total_seconds()
            tell(TokenRefreshed(request=request, grant=self._about, expires_in=life, rotated=grant.previous is not None))
        return kept

    async def _lease(self, request: Request, refused: str | None, world: Runtime) -> Lease | bool | None:
        """The lease; True when there is something new to read; None when the request has no more time."""
        patience = world.now() + 2 * self._timeout
        look = FIRST_LOOK
        while True:
            try:
                return await self._shelf.lease(2 * self._timeout)
            except LeaseHeld as held:
                if request.deadline is not None and world.now() >= request.deadline:
                    return None
                if world.now() >= patience:
                    message = f"{self._about}: another process has been renewing the token for {2 * self._timeout:g} s: {held}"
                    raise DeadlineExceeded(message, attempts=request.attempt - 1) from None
            await world.sleep(random.uniform(0.5, 1.0) * look)
            look = min(LONGEST_LOOK, look * 1.5)
            stored, _ = await self._shelf.read()
            grant = await self._asker.usable(stored)
            if grant is not None and self._is_good(grant, refused, world):
                return True

    # ------------------------------------------------------------------ judging

    def _is_good(self, grant: Grant, refused: str | None, world: Runtime) -> bool:
        if grant.access_token == refused:
            return False
        wall = world.wall()
        return grant.is_fresh(wall, self._leeway) or (world.now() < self._early_again and grant.is_alive(wall))

    def _go_on(self, grant: Grant | None, refused: str | None, problem: IntegrakitError, world: Runtime) -> Grant:
        """With the old token while it lives, after a failure that may pass."""
        if grant is None or grant.access_token == refused or not grant.is_alive(world.wall()):
            if refused is not None:
                problem.add_note("the token before was refused with a 401")
            raise problem
        self._early_again = world.now() + max(EARLY_PAUSE, getattr(problem, "retry_after", None) or 0.0)
        _log.warning("%s: the token could not be renewed early, and is used until it expires: %s", self._about, problem)
        return self._adopt(grant)

    def _raise_if_lost(self, version: int, world: Runtime) -> None:
        """What the server has just said of this very grant, it need not be asked again by each request."""
        if self._lost is not None and world.now() < self._lost[0] and version == self._lost[1]:
            raise copy.copy(self._lost[2]) from self._lost[2]

    def _adopt(self, grant: Grant) -> Grant:
        if self._current is not grant:
            self._current = grant
            new = grant.tokens()
            self._known = (*(token for token in self._known if token not in new), *new)[-REMEMBERED:]
        return grant

    async def _pay(self) -> None:
        """Once more tries to keep what could not be kept; what it is needed for goes on meanwhile."""
        world = runtime()
        try:
            saved = await world.shielded(self._shelf.catch_up)
        except StoreError as problem:
            _log.error("%s: the new tokens still cannot be kept in %s: %s", self._about, self._shelf.place, problem)
        else:
            if saved is not None:
                self._adopt(saved)

    def _warn_if_fleeting(self, grant: Grant) -> None:
        if grant.previous is not None and not self._shelf.lasts and not self._warned:
            self._warned = True
            _log.warning(
                "%s: the server replaced the refresh token, and the new one is kept in this process only: give store=SqliteStore(…), "
                "or the next process has to be authorised anew",
                self._about,
            )

    def _too_late(self, request: Request) -> DeadlineExceeded:
        message = f"{request} ran out of its deadline while it waited for a token: {self._about}"
        return DeadlineExceeded(message, request=request, attempts=request.attempt - 1)
