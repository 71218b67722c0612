"""Using a quota to the full and never being refused: by reservation, not by polling.

`RateLimit.reserve` books a slot and says how long to wait for it, first come first served. The arithmetic is in `limiting`; here is the policy: what
is reserved for a request, how long that may be waited for, and what is made of the answer. State is plain numbers under a lock held for microseconds,
so that one object serves threads, event loops and simulations at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from integrakit._locks import StateLock
from integrakit.errors import ConfigurationError, RateLimited, RateLimitExceeded
from integrakit.http.limiting.away import say_back, say_lost
from integrakit.http.limiting.backends import backend_of
from integrakit.http.limiting.by_key import ByKey
from integrakit.http.limiting.forecast import Forecast, forecast_of
from integrakit.http.limiting.ledger import Ledger, Operation
from integrakit.http.limiting.meters import NEVER, Ticket
from integrakit.http.limiting.quotas import Quota, quotas_of
from integrakit.http.limiting.refusals import as_rate_limited
from integrakit.http.limiting.shared import RETRY_AFTER, Place, SharedLimit, Turn
from integrakit.http.limiting.signals import Dialect, QuotaSignal, read_signals, resolve_dialects
from integrakit.http.limiting.terms import check_reserve, terms_of
from integrakit.http.limiting.this_process import shown
from integrakit.http.limiting.told import advise, longest_pause
from integrakit.http.observing import observed
from integrakit.model import Request, Response
from integrakit.model.events import QuotaPaused, QuotaTold, Waited
from integrakit.protocols import CallNext, Store
from integrakit.runtimes import Runtime, runtime

__all__ = ["Forecast", "Quota", "RateLimit", "Reservation"]

#: The shared state is told no more often than this what servers say of themselves, unless they refuse.
TELL_EVERY = 0.25
#: Sent instead of infinity, which JSON has no word for.
_UNBOUNDED = 1e15


class Reservation:
    """A booked slot: ``delay`` seconds from now. `cancel` gives it back, once. One that was too far away was not booked at all."""

    __slots__ = ("_key", "_limit", "_period", "_place", "_purpose", "_tickets", "delay", "start")

    def __init__(
        self, limit: RateLimit, start: float, delay: float, tickets: list[Ticket], place: Ledger | Place, key: str, purpose: str, period: int
    ) -> None:
        self._limit = limit
        self.start = start
        self.delay = delay
        self._tickets = tickets
        self._place = place
        self._key = key
        self._purpose = purpose
        self._period = period

    def cancel(self) -> None:
        """Gives the slot back. Asks the shared state where there is one, and blocks for that long."""
        self._limit._give_back(self)

    def _take_tickets(self) -> list[Ticket]:
        tickets, self._tickets = self._tickets, []
        return tickets


class RateLimit:
    """Several quotas at once: ``RateLimit("2/second; 100000/day")``, ``N/unit`` or ``N per M unit`` joined by ``;`` or ``,``; or `Quota` values.

    ``margin`` stays that share below the server's number, since clocks and networks differ. ``burst`` units may go at once after a pause.
    ``max_wait``: a slot further away (seconds) is not waited for: `RateLimitExceeded` says when to come back. A limit belongs to the object: pass the
    same one to share it between clients.

    ``key``: a function of the request that gives a text; each text has a limit of its own. ``cost_of``: a function of the request that gives the
    units to book, where ``cost=`` of the call is not it. ``reserve``: units or shares of each budget that are kept for a purpose, such as
    ``{"interactive": "20%"}``. ``dialects``: in which dialects the server tells of its quotas; None finds out, ``[]`` does not listen.

    ``shared``: a URI or a store in which several processes keep one state under ``name``. While it is away, each keeps to ``share`` of the limit,
    which is one over the number of those that took part unless told. Raises `ConfigurationError` for wrong arguments.
    """

    def __init__(
        self,
        rate: str | Quota,
        /,
        *quotas: Quota,
        margin: float = 0.02,
        burst: int = 1,
        max_wait: float = 60.0,
        key: Callable[[Request], str] | None = None,
        cost_of: Callable[[Request], int] | None = None,
        reserve: Mapping[str, int | float | str] | None = None,
        dialects: Sequence[str | Dialect] | None = None,
        shared: str | Store | None = None,
        name: str | None = None,
        share: float | None = None,
    ) -> None:
        if isinstance(margin, bool) or not isinstance(margin, int | float) or not 0 <= margin < 1:
            raise ConfigurationError(f"RateLimit(margin=…) takes a share from 0 to below 1, such as 0.02, not {margin!r}")
        if isinstance(burst, bool) or not isinstance(burst, int) or burst < 1:
            raise ConfigurationError(f"RateLimit(burst=…) takes a whole number of 1 or more, not {burst!r}")
        if isinstance(max_wait, bool) or not isinstance(max_wait, int | float) or not max_wait >= 0:
            raise ConfigurationError(f"RateLimit(max_wait=…) takes seconds, 0 or more, not {max_wait!r}")
        for argument, function in (("key", key), ("cost_of", cost_of)):
            if function is not None and (not callable(function) or isinstance(function, type)):
                raise ConfigurationError(f"RateLimit({argument}=…) takes a function of the request, not {function!r}")
        self._quotas = quotas_of(rate, quotas, burst)
        self._text = rate if isinstance(rate, str) else "; ".join(map(str, self._quotas))
        self._max_wait = max_wait
        self._key = key
        self._cost_of = cost_of
        self._dialects = None if dialects is None else resolve_dialects(dialects)
        self._reserve = check_reserve(reserve, self._quotas)
        self._terms = terms_of(self._quotas, margin, self._reserve)
        self._smallest = min(each.capacity for each in self._terms)
        self._pause_cap = longest_pause(self._terms)
        self._shown = ""
        #: What events and the log call it: the name where it is shared, which tells two of the same numbers apart.
        self._called = name if isinstance(name, str) else self._text
        self._shared = None if shared is None and name is None and share is None else self._share(shared, name, share, margin)
        self._ledgers: ByKey[Ledger] = ByKey(lambda: Ledger(self._terms))
        #: The one ledger of a limit without keys, which is most of them.
        self._only = Ledger(self._terms) if key is None and self._shared is None else None
        self._guard = StateLock().here

    def _share(self, shared: Any, name: Any, share: Any, margin: float) -> SharedLimit:
        if shared is None:
            raise ConfigurationError("RateLimit(name=…) and share= say how a limit is shared: give shared= too, a URI or a store")
        if not isinstance(name, str) or not name or not name.isprintable():
            raise ConfigurationError(
                'RateLimit(shared=…) needs name=, such as name="crm": those who give the same name share one limit, and no others'
            )
        if share is not None and (isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share <= 1):
            raise ConfigurationError(f"RateLimit(share=…) takes a share above 0, up to 1, such as 0.25, not {share!r}")
        self._shown = f", name={name!r}, shared={shown(shared)!r}" if isinstance(shared, str) else f", name={name!r}, shared={shown(shared)}"
        reserve = self._reserve
        return SharedLimit(backend_of(shared, name, self._terms), self._terms, share, lambda part: terms_of(self._quotas, margin, reserve, part))

    # ------------------------------------------------------------------ booking

    def reserve(self, cost: int = 1, *, now: float, within: float = float("inf"), key: str = "", purpose: str = "") -> Reservation:
        """Books ``cost`` units of all quotas together, at the runtime's ``now``. The caller waits ``delay``, or cancels.

        A slot more than ``within`` seconds away is told and not booked. Asks the shared state where there is one, and blocks for that long. Raises
        `ConfigurationError` when ``cost`` is more than a quota ever holds.
        """
        if purpose or self._reserve or type(cost) is not int or not 1 <= cost <= self._smallest:
            purpose = self._check(cost, purpose)
        if self._shared is not None:
            return self._reserve_shared(cost, now, within, key, purpose, runtime().wall().timestamp())[0]
        with self._guard():
            ledger = self._only or self._ledgers.get(key, now)
            start, tickets = ledger.reserve(cost, purpose, now, within)
        return Reservation(self, start, start - now, tickets, ledger, key, purpose, 0)

    def _check(self, cost: int, purpose: str) -> str:
        """The purpose, or "" for one that nothing is kept for."""
        most = self._smallest
        if self._reserve:
            if purpose not in self._reserve:
                purpose = ""
            for each in self._terms:
                most = min(most, each.capacity - sum(units for name, units in each.reserves.items() if name != purpose))
        if isinstance(cost, bool) or not isinstance(cost, int) or not 1 <= cost <= most:
            raise ConfigurationError(f"cost={cost!r} can never be granted by the rate limit {self._text!r}: give a whole number from 1 to {most}")
        return purpose

    def _reserve_shared(self, cost: int, now: float, within: float, key: str, purpose: str, wall: float) -> tuple[Reservation, Turn]:
        shared = self._sharing()
        place = shared.place(key, now)
        turn = shared.apply(key, [["reserve", cost, purpose, min(within, _UNBOUNDED)]], now, wall)
        delay, tickets = turn.answers[0]
        return Reservation(self, now + delay, delay, tickets, place, key, purpose, turn.period), turn

    def _sharing(self) -> SharedLimit:
        if self._shared is None:  # pragma: no cover - asked where it is shared only
            raise ConfigurationError(f"{self!r} is not shared")
        return self._shared

    def pause(self, until: float, *, key: str = "") -> None:
        """Nobody goes before ``until`` (the runtime's ``now``), those who wait for a slot already included: the server said that all is gone."""
        if self._shared is not None:
            world = runtime()
            now = world.now()
            self._pause_here(key, until, now)
            self._shared.apply(key, [["pause", max(0.0, until - now)]], now, world.wall().timestamp())
            return
        with self._guard():
            (self._only or self._ledgers.get(key, NEVER)).pause(until)

    def _pause_here(self, key: str, until: float, now: float) -> None:
        place = self._sharing().place(key, now)
        with self._guard():
            place.paused = max(place.paused, until)

    def _give_back(self, reservation: Reservation) -> None:
        with self._guard():
            tickets = reservation._take_tickets()
            if tickets and isinstance(reservation._place, Ledger):
                reservation._place.give_back(tickets, reservation._purpose)
                return
        if tickets:
            world = runtime()
            operation: Operation = ["give back", tickets, reservation._purpose]
            self._sharing().apply(reservation._key, [operation], world.now(), world.wall().timestamp(), reservation._period)

    # ------------------------------------------------------------------ the policy

    async def __call__(self, request: Request, call_next: CallNext, /) -> Response:
        world = runtime()
        began = now = world.now()
        key = "" if self._key is None else self._key_of(request)
        cost = request.cost if self._cost_of is None else self._cost_of(request)
        while True:
            left = float("inf") if request.deadline is None else request.deadline - now
            patience = max(0.0, self._max_wait - (now - began))
            within = min(patience, left)
            if self._shared is None:
                booking = self.reserve(cost, now=now, within=within, key=key, purpose=request.purpose)
            else:
                booking = await self._ask(world, request, cost, now, within, key)
            if booking.delay <= 0:
                break
            if booking.delay > patience or booking.delay >= left:
                await self._cancel(world, booking)
                limit = f"max_wait of {self._max_wait:g} s" if patience < left else "deadline"
                raise self._refusal(request, booking.delay, limit, told=booking._place.paused > now)
            try:
                await world.sleep(booking.delay)
            except BaseException:
                await self._cancel(world, booking)
                raise
            if booking.start >= booking._place.paused:
                break
            now = world.now()  # everybody was told to wait while this one waited for its turn: it lapsed
        if (now > began or booking.delay > 0) and (tell := observed(request)):
            tell(Waited(request=request, what="rate limit", seconds=world.now() - began))
        response = await call_next(request)
        signals = read_signals(response, world.wall(), self._dialects)
        if signals or isinstance(response.error, RateLimited):
            await self._learn(world, request, response, signals, booking, cost)
        return response

    def _key_of(self, request: Request) -> str:
        key = None if self._key is None else self._key(request)
        if not isinstance(key, str):
            raise ConfigurationError(f"RateLimit(key=…) must give a text for {request}, and gave {key!r}")
        return key

    async def _ask(self, world: Runtime, request: Request, cost: int, now: float, within: float, key: str) -> Reservation:
        """`reserve` in the shared state. What was booked for a caller that is cancelled meanwhile is given back."""
        purpose, wall = self._check(cost, request.purpose), world.wall().timestamp()
        kept: list[tuple[Reservation, Turn]] = []

        async def job() -> None:
            kept.append(await world.blocking(self._reserve_shared, cost, now, within, key, purpose, wall))

        try:
            await world.shielded(job)
        except BaseException:
            for booking, _ in kept:
                await self._cancel(world, booking)
            raise
        booking, turn = kept[0]
        if isinstance(booking._place, Place):
            answered = world.now()
            booking.start = self._sharing().start(booking._place, turn, booking.delay, now, answered)
            booking.delay = booking.start - answered
        self._tell_of(request, turn)
        return booking

    async def _cancel(self, world: Runtime, booking: Reservation) -> None:
        if self._shared is None:
            booking.cancel()
        else:
            await world.shielded(lambda: world.blocking(booking.cancel))

    async def _learn(
        self, world: Runtime, request: Request, response: Response, signals: Sequence[QuotaSignal], booking: Reservation, cost: int
    ) -> None:
        """What the server said of its quotas, taken to heart."""
        error, tell, now = response.error, observed(request), world.now()
        if tell is not None:
            for signal in signals:
                tell(QuotaTold(request=request, signal=signal))
        limited = isinstance(error, RateLimited)
        advice = advise(
            signals,
            self._terms,
            limited=limited,
            retry_after=getattr(error, "retry_after", None),
            cost=cost,
            tickets=booking._tickets,
            purpose=booking._purpose,
            cap=self._pause_cap,
        )
        if isinstance(error, RateLimited):
            error.retry_after = advice.retry_after
        elif advice.refused:
            as_rate_limited(request, response, advice.retry_after)
        operations = advice.operations + ([["pause", advice.pause]] if advice.pause > 0 else [])
        if isinstance(booking._place, Ledger):
            with self._guard():
                for operation in operations:
                    booking._place.apply(operation, now)
        elif operations:
            await self._pass_on(world, request, booking, operations, limited or advice.refused, now)
        if advice.pause > 0 and tell is not None:
            tell(QuotaPaused(request=request, limit=self._called, seconds=advice.pause))

    async def _pass_on(self, world: Runtime, request: Request, booking: Reservation, operations: list[Operation], urgent: bool, now: float) -> None:
        place, shared = booking._place, self._sharing()
        if not isinstance(place, Place):  # pragma: no cover - only called where it is one
            return
        for operation in operations:
            if operation[0] == "pause":
                self._pause_here(booking._key, now + operation[1], now)
        if not urgent:
            if now - place.told_at < TELL_EVERY:
                # Each answer tells, and asking the shared state takes as long as for a reservation.
                operations = [operation for operation in operations if operation[0] in ("settle", "pause")]
            else:
                place.told_at = now
        settled = [operation for operation in operations if operation[0] == "settle"]
        others = [operation for operation in operations if operation[0] != "settle"]
        wall = world.wall().timestamp()
        for part, period in ((settled, booking._period), (others, None)):
            if part:
                self._tell_of(request, await world.blocking(shared.apply, booking._key, part, now, wall, period))

    def _tell_of(self, request: Request, turn: Turn) -> None:
        if turn.lost is not None:
            say_lost(request, self._called, turn.share, turn.lost)
        if turn.back is not None:
            say_back(request, self._called, turn.back)

    def _refusal(self, request: Request, delay: float, limit: str, *, told: bool) -> RateLimitExceeded:
        if self._shared is not None and self._shared.away:
            message = (
                f"{request} was not sent: the shared state of {self._text!r} is away, and this process's share of it has no slot within the {limit}"
            )
            delay = min(delay, RETRY_AFTER)
        else:
            others = ", ".join(repr(name) for name in self._reserve if name != request.purpose)
            kept = f" (a part is kept for {others}; this call is for {request.purpose!r})" if others else ""
            paused = ", since the server told everybody to wait" if told else ""
            message = f"{request} was not sent: the next free slot of {self._text!r}{kept} is {delay:.1f} s away{paused}, beyond the {limit}"
        return RateLimitExceeded(message, request=request, attempts=request.attempt - 1, retry_after=delay)

    # ------------------------------------------------------------------ how it stands

    def forecast(self, *, key: str = "") -> list[Forecast]:
        """How each quota stands and when it will be used up. Asks the shared state where there is one, and blocks for that long."""
        world = runtime()
        now, wall = world.now(), world.wall()
        if self._shared is not None:
            ledger, moment = self._shared.look(key, now, wall.timestamp())
            return forecast_of(ledger, moment, wall)
        with self._guard():
            return forecast_of(self._only or self._ledgers.get(key, now), now, wall)

    def state(self, *, key: str = "") -> str:
        """The same in words, a line for each quota."""
        lines = [str(forecast) for forecast in self.forecast(key=key)]
        if self._shared is not None and self._shared.away:
            lines.append("the shared state is away: this is the share of this process alone")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"RateLimit({self._text!r}{self._shown})"
