"""Whole histories: a simulated service whose collection changes between any two requests, read through clients, connectors and slices.

Where the order is by a key that rows keep, and where the collection is frozen for the read, each record that is there all the time comes exactly
once. Where rows are counted off, no loss is ever taken for complete. A history is plain data: one that fails is made smaller, and printed so that
``check(History(…))`` makes it happen again. 1,000 of them as a rule, always the same; ``--hypothesis-profile=sweep`` runs 10,000, others every time.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import httpx
import pytest
from attrs import Factory, define, evolve, field
from hypothesis import settings

import integrakit as ik
from integrakit.errors import DecodeError, IncompleteRead, IntegrakitError, PaginationStalled
from integrakit.model import Checkpoint, Evidence, Request
from integrakit.model.exchange import origin
from integrakit.reading import SlicedRead
from integrakit.runtimes import runtime
from integrakit.testing import Faults, Simulator, simulate

SWEEP = settings().max_examples >= 1000
HISTORIES = 10_000 if SWEEP else 1_000
SEED = random.SystemRandom().randrange(10**6) if SWEEP else 0

#: Of each kind: how the server pages, and the fields that its rows are ordered by. ``place`` is what a reorder changes; rows keep the others.
STABLE = {
    "link": ("link", "id"),
    "cursor": ("cursor", ("group", "id")),
    "keyset": ("keyset", None),
    "composite": ("keyset", ("group", "id")),
    "relay": ("cursor", "id"),
    "sliced": ("keyset", None),
}
FROZEN = {"snapshot": ("snapshot", "place"), "single": ("snapshot", "place")}
MOVING = {"updated": ("keyset", ("updated_at", "id"))}
COUNTED = {"offset": ("offset", "place"), "page": ("page", "place")}
KINDS = {**STABLE, **FROZEN, **MOVING, **COUNTED}
#: How often each is met: counting is where things go wrong.
SHARES = {"offset": 10, "page": 5, "sliced": 2}

FAULTS: list[str | int] = ["error", "drop", "drop_response", "malformed", "duplicate", "empty", 503]
#: What makes the server tell a reader something else than how things are. All others only take time.
LIES = frozenset({"duplicate", "empty"})
QUERY = "query($after: String) { rows(after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }"
MOST_ID = 10**9


@define(kw_only=True)
class History:
    """One read of one collection, and what happens to it meanwhile."""

    seed: int
    kind: str
    count: int
    cap: int
    #: What happens before each request but the first: (what, where from 0 to 1, where to).
    changes: list[list[tuple[str, float, float]]] = Factory(list)
    faults: Sequence[str | int | None] = Factory(list)
    #: After so many pages it is broken off, and taken up from the checkpoint by another client; 0: never.
    stop: int = 0
    #: "stream" or "resource".
    through: str = "stream"
    prefetch: int = 0
    limit: int | None = None
    total: bool = False
    overlap: int = 0
    final_check: str = "count"
    has_more: bool = False
    slice_cap: int = 5
    workers: int = 1

    @property
    def is_quiet(self) -> bool:
        return not any(self.changes) and not any(self.faults)


def drawn(kind: str, seed: int) -> History:
    """The history of this number."""
    draw = random.Random(f"{kind} {seed}")
    liveliness = draw.choice([0, 1, 2, 4])
    what = ["insert", "delete", "update"] if draw.random() < 0.4 else ["insert", "delete", "update", "move", "move", "shuffle"]

    def where() -> float:
        return draw.choice([0.0, 1.0, draw.random()])

    batches = draw.choice([draw.randint(0, 12), 40]) if liveliness else 0
    changes = [[(draw.choice(what), where(), where()) for _ in range(draw.randint(0, liveliness))] for _ in range(batches)]
    faulty = draw.choice([0.0, 0.0, 0.1, 0.3])
    # A cache that is behind now and then, and nothing else: then only the reader's own patience gets on.
    stale = draw.random() < 0.15
    if stale:
        faults = ["duplicate" if number % 4 == 1 and draw.random() < 0.5 else None for number in range(40)]
    else:
        faults = [draw.choice(FAULTS) if draw.random() < faulty else None for _ in range(40)] if faulty else []
    overlap = draw.choice([0, 0, 1, 2, 3])
    return History(
        seed=seed,
        kind=kind,
        count=draw.choice([0, 1, draw.randint(0, 12), draw.randint(0, 40)]),
        cap=draw.randint(1, 7),
        changes=changes,
        faults=faults,
        stop=0 if stale else draw.choice([0, 0, draw.randint(1, 5)]),
        through=draw.choice(["stream", "resource"]),
        prefetch=0 if stale else draw.choice([0, 0, 1, 2, 4]),
        limit=draw.choice([None, draw.randint(overlap + 1, 8)]),
        total=draw.random() < 0.6,
        overlap=overlap,
        final_check=draw.choice(["count", "ids", "ids"]),
        has_more=draw.random() < 0.5,
        slice_cap=draw.randint(2, 9),
        workers=draw.randint(1, 3),
    )


# ---------------------------------------------------------------------- the collection


class Rows:
    """The rows of a simulator, and what happens to them. Ids never come back."""

    def __init__(self, history: History, now: Callable[[], Any] | None = None) -> None:
        self._draw = random.Random(history.seed)
        self._changes = iter(history.changes)
        self._now = now or self._tick
        self._ticks = 0
        self._used: set[int] = set()
        self.now: dict[int, dict[str, Any]] = {}
        self.api: Simulator | None = None
        for _ in range(history.count):
            self._happen("insert", self._draw.random(), self._draw.random())
        self.asked = 0
        #: Those that are there from the first request to the last.
        self.throughout = set(self.now)
        #: What the collection was at each request, in the order of ``place``; the last version of each row that was ever there.
        self.states: list[list[dict[str, Any]]] = []
        self.versions: dict[int, list[dict[str, Any]]] = {}
        self.most = 0

    def _tick(self) -> int:
        self._ticks += 1
        return self._ticks // 3

    def on_request(self, request: Any) -> None:
        if self.asked:
            for change in next(self._changes, []):
                self._happen(*change)
        self.asked += 1
        self.most = max(self.most, len(self.now))
        self.states.append(sorted(self.now.values(), key=lambda row: (row["place"], row["id"])))
        for row in self.now.values():
            if (versions := self.versions.setdefault(row["id"], []))[-1:] != [row]:
                versions.append(row)

    def _happen(self, what: str, where: float, to: float) -> None:
        ids = sorted(self.now)
        if what == "insert":
            number = self._between(ids, where)
            while number in self._used:
                number += 1
            self._used.add(number)
            places = sorted(row["place"] for row in self.now.values())
            row = {"id": number, "group": self._draw.randrange(3), "place": self._between(places, where), "updated_at": self._now(), "content": 0}
            self._put(row)
        elif not ids:
            return
        elif what == "shuffle":
            for number in self._draw.sample(ids, min(len(ids), 4)):
                self._put({**self.now[number], "place": self._draw.randrange(MOST_ID), "updated_at": self._now()})
        else:
            row = self.now[ids[int(where * (len(ids) - 1))]]
            if what == "delete":
                del self.now[row["id"]]
                self.throughout.discard(row["id"])
                if self.api is not None:
                    self.api.delete("rows", row["id"])
            elif what == "update":
                self._put({**row, "content": row["content"] + 1, "updated_at": self._now()})
            else:
                places = sorted(each["place"] for each in self.now.values())
                self._put({**row, "place": self._between(places, to), "updated_at": self._now()})

    def now_quiet(self) -> None:
        """Nothing happens any more."""
        self._changes = iter(())

    def _put(self, row: dict[str, Any]) -> None:
        self.now[row["id"]] = row
        if self.api is not None:
            self.api.put("rows", row)

    def _between(self, values: list[int], where: float) -> int:
        """A number before, between or after those there are."""
        ends = [0, *values, MOST_ID]
        index = min(int(where * (len(values) + 1)), len(values))
        return self._draw.randint(ends[index], max(ends[index], ends[index + 1]))


# ---------------------------------------------------------------------- the reader


def paginator(history: History) -> Any:
    total = "total" if history.total else None
    match history.kind:
        case "link":
            return ik.HeaderLinkPaginator()
        case "cursor":
            return ik.CursorPaginator("next", "after")
        case "keyset" | "sliced":
            return ik.KeysetPaginator("id", "starting_after", has_more="has_more" if history.has_more else None)
        case "composite":
            return ik.KeysetPaginator(("group", "id"), "starting_after", template="{0},{1}")
        case "updated":
            return ik.KeysetPaginator(("updated_at", "id"), "starting_after", template="{0},{1}")
        case "relay":
            return ik.RelayPaginator("data.rows")
        case "snapshot":
            return ik.CursorPaginator("next", "snapshot")
        case "single":
            return ik.SinglePagePaginator()
        case "offset":
            return ik.OffsetPaginator(limit=history.limit, total=total, overlap=history.overlap)
        case _:
            return ik.PageNumberPaginator(size_param=history.limit and "size", size=history.limit, total=total)


def source(history: History, url: str) -> Any:
    """A new client, and what is read through it."""
    options: dict[str, Any] = {"paginator": paginator(history), "prefetch": history.prefetch, "final_check": history.final_check}
    if history.kind in FROZEN:
        options["stability"] = "snapshot"
    path = "/rows"
    if history.kind == "relay":
        path, options = "/graphql", {**options, "method": "POST", "json": {"query": QUERY, "variables": {}}}
    else:
        options["records"] = "rows"
    # No connection is made: one without TLS is made sooner.
    reaching: dict[str, Any] = {
        "retry": ik.Retry(attempts=2),
        "http": httpx.Client(transport=httpx.MockTransport(lambda request: httpx.Response(500))),
    }
    if history.through == "stream" and history.kind != "sliced":
        return ik.Client(url, **reaching).stream(path, key="id", **options)

    class Api(ik.Connector):
        base_url = url
        rows = ik.Resource(path, key="id", **options)

    resource = Api(**reaching).rows
    if history.kind != "sliced":
        return resource
    return SlicedRead(resource, by="id", cap=history.slice_cap, params=("id_gte", "id_lt"), workers=history.workers, low=0, high=MOST_ID * 2)


async def graphql(request: Request, world: Any) -> Any:
    """The same simulator behind a Relay connection."""
    asked = request.json["variables"].get("after")
    url = request.url.replace("graphql.", "").replace("/graphql", "/rows")
    status, headers, body = await world.hosts[origin(url)](Request(method="GET", url=url, params={"after": asked} if asked else {}), world)
    try:
        page = json.loads(body)
        token = page["next"]
    except (ValueError, KeyError):
        return status, headers, body
    connection = {"nodes": page["rows"], "pageInfo": {"hasNextPage": token is not None, "endCursor": token}}
    return status, [("Content-Type", "application/json")], json.dumps({"data": {"rows": connection}}).encode()


@define
class Told:
    """What a read gave out, and how it ended."""

    records: list[dict[str, Any]] = field(factory=list)
    evidence: Evidence = field(factory=Evidence)
    error: IntegrakitError | None = None
    checkpoint: Checkpoint | None = None
    ended: bool = False


async def read(source: Any, since: Checkpoint | None, stop: int = 0) -> Told:
    """Asks for pages until the end, or after ``stop`` of them; once more after each error that may pass."""
    reader = source.open_read(since)
    told = Told()
    pages = failures = 0
    # After the last page of all there is no place to go on from: what is left is to hear that it is over.
    while not stop or pages < stop or told.checkpoint is None or told.checkpoint.token is None:
        try:
            page = await reader.next_page()
        except (IncompleteRead, PaginationStalled) as problem:
            told.error = problem
            break
        except (IntegrakitError, DecodeError) as problem:
            failures += 1
            if failures > 60:
                raise AssertionError("the same page fails for ever") from problem
            continue
        if page is None:
            told.ended, told.checkpoint = True, reader.checkpoint
            break
        pages += 1
        told.records += page.records
        told.checkpoint = page.checkpoint
    told.evidence = reader.evidence
    if told.checkpoint is not None:
        told.checkpoint = Checkpoint.from_dict(json.loads(json.dumps(told.checkpoint.to_dict())))
    return told


class Loop(BaseException):
    """More requests than any read can need."""


def run(history: History) -> tuple[Rows, Told]:
    """What the consumer of the whole read has in the end."""
    rows = Rows(history)
    paging, order = KINDS[history.kind]
    cap = 10_000 if history.kind == "single" else history.cap
    # Slices are cut down to single rows where many stand close together.
    step = 1 if history.kind == "sliced" else min(cap, history.limit or cap) if history.kind in COUNTED else cap
    if history.overlap and history.kind == "offset":
        step = max(step - history.overlap, (step + 1) // 2)

    def hook(request: Any) -> None:
        rows.on_request(request)
        if rows.asked > 10 * (rows.most // step + 1) + 3 * sum(map(bool, history.faults)) + 60:
            raise Loop(f"{rows.asked} requests for {rows.most} rows, {step} at a time")

    async def main() -> Told:
        api = Simulator(
            {"rows": list(rows.now.values())},
            keys={"rows": "id"},
            pagination=paging,  # type: ignore[arg-type]
            order_by=order,
            page_size=cap,
            latency=(0.0, 1.0),
            seed=history.seed,
            faults=Faults.script(history.faults),
            on_request=hook,
        )
        with api:
            rows.api = api
            url = api.url
            if history.kind == "relay":
                url = url.replace("://", "://graphql.")
                runtime().hosts[origin(url)] = graphql  # type: ignore[attr-defined]
            first = await read(source(history, url), None, history.stop)
            if first.ended or first.error is not None or first.checkpoint is None:
                return first
            if history.prefetch:
                # What was fetched ahead lies further on: to serve that in place of an earlier page is no cache that is behind, and nobody could tell.
                api.faults = Faults.script([None if fault == "duplicate" else fault for fault in history.faults[rows.asked :]])
            rest = await read(source(history, url), first.checkpoint)
            rest.records = first.records + rest.records
            return rest

    return rows, simulate(main, seed=history.seed)


# ---------------------------------------------------------------------- what must hold


def check(history: History) -> str:
    """Runs it, and raises AssertionError where a promise is broken. In a word, how it ended."""
    rows, told = run(history)
    came = [record["id"] for record in told.records]
    lost = rows.throughout - set(came)
    twice = len(came) - len(set(came))
    complete = told.evidence.complete
    # Which keys came before a restart is not known after it: who moves meanwhile comes again, and so does a slice that was cut up.
    again = told.evidence.began_anew or (bool(history.stop) and (history.kind in MOVING or history.kind == "sliced"))
    lied = not LIES.isdisjoint(history.faults)
    for record in told.records:
        if history.kind != "relay":
            assert record in rows.versions[record["id"]], f"{record} was never there"
    assert told.ended or told.error is not None
    assert told.ended is (complete is not False) or isinstance(told.error, PaginationStalled), "a read that is known to be incomplete must raise"
    if complete is True and told.ended:
        assert not lost, f"complete, and {lost} are missing"
        assert not twice or again, f"complete, and {twice} came twice"
    if history.is_quiet:
        assert told.ended, f"nothing happened, and it failed: {told.error}"
        assert not lost
        # Taken up in the middle with pages too small to know the place again, it may begin once more.
        assert not twice or again or (history.overlap and history.stop)
        if history.kind not in COUNTED or (history.final_check == "ids" and not history.stop and history.total):
            assert complete is True, told.evidence
    if history.kind in STABLE or history.kind in FROZEN:
        assert not twice or again, f"{twice} came twice: {came}"
        if told.ended:
            # Slices that brought less than they had shown cannot tell a delete from a loss.
            assert complete is True or (history.kind == "sliced" and "they were " in str(told.evidence)), told.evidence
            assert not lost
        else:
            assert lied, f"failed where no page was a lie: {told.error}"
            assert not passing(history), f"failed at a stale page that would have passed: {told.error}"
    if history.kind in FROZEN and told.ended and not told.evidence.began_anew:
        assert told.records in rows.states, "no moment at which the collection was what came"
    if history.kind in MOVING and told.ended:
        assert not lost
    if history.kind in COUNTED and history.final_check == "ids":
        assert not twice or history.stop, f"{twice} came twice"
        if history.total and not history.stop and told.ended:
            assert not lost, f"the keys were read once more, and {lost} are missing: {told.evidence}"
    totals = {len(state) for state in rows.states}
    counts = history.kind in COUNTED and history.final_check == "count" and history.total and not (history.kind == "offset" and history.overlap)
    if counts and len(totals) > 1 and not history.prefetch and not any(history.faults):
        # As many inserts as a page has rows look like a page that comes again: that may end the read as well.
        assert complete is False or told.error is not None, f"the totals {totals} were declared, and nobody minds"
    wide = min(history.cap, history.limit or history.cap) >= 2
    if (
        history.kind == "offset"
        and history.overlap
        and wide
        and not lied
        and told.ended
        and not any(what in ("move", "shuffle") for what in happened(history))
    ):
        assert not lost, f"the pages overlapped, rows only came and went, and {lost} are missing"
    if told.error is not None:
        return "failed"
    return "lost, and not proved" if lost else f"complete: {complete}"


def passing(history: History) -> bool:
    """Whether pages are only served twice now and then, as by a cache that is behind, and read one after the other."""
    lies = [index for index, fault in enumerate(history.faults) if fault]
    alone = all(after - before > 2 for before, after in pairwise(lies))
    return alone and {history.faults[index] for index in lies} == {"duplicate"} and not history.stop and not history.prefetch


def happened(history: History) -> list[str]:
    return [what for batch in history.changes for what, _, _ in batch]


def simpler(history: History) -> Iterator[History]:
    """The same with less, in many ways."""
    for name, least in (("prefetch", 0), ("stop", 0), ("overlap", 0), ("count", 0), ("limit", None), ("through", "stream"), ("workers", 1)):
        if getattr(history, name) != least:
            yield evolve(history, **{name: least})
    if history.count > 1:
        yield evolve(history, count=history.count - 1)
        yield evolve(history, count=history.count // 2)
    if any(history.faults):
        yield evolve(history, faults=[])
        for index, fault in enumerate(history.faults):
            if fault:
                yield evolve(history, faults=[*history.faults[:index], None, *history.faults[index + 1 :]])
    if history.faults and history.faults[-1] is None:
        yield evolve(history, faults=history.faults[:-1])
    for cut in (len(history.changes) // 2, len(history.changes) - 1):
        if 0 <= cut < len(history.changes):
            yield evolve(history, changes=history.changes[:cut])
    for index, batch in enumerate(history.changes):
        for number in range(len(batch)):
            yield evolve(history, changes=[*history.changes[:index], batch[:number] + batch[number + 1 :], *history.changes[index + 1 :]])


def held(history: History, check: Callable[[History], str]) -> str:
    """What `check` says; where it fails, the smallest history that was found to fail, in words that make it happen again."""
    try:
        return check(history)
    except (AssertionError, Loop) as problem:
        smallest, why = history, problem
    for _ in range(400):
        for candidate in simpler(smallest):
            try:
                check(candidate)
            except (AssertionError, Loop) as problem:
                smallest, why = candidate, problem
                break
            except Exception:  # noqa: BLE001 - another failure is no smaller one
                continue
        else:
            break
    raise AssertionError(f"{why}\nmake it happen again with\ncheck({smallest!r})") from None


def numbers(kind: str) -> Iterator[int]:
    weight = SHARES.get(kind, 1) / sum(SHARES.get(each, 1) for each in KINDS)
    return iter(range(SEED, SEED + round(0.9 * HISTORIES * weight) + 1))


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_lost_is_never_taken_for_complete(kind: str) -> None:
    ends: dict[str, int] = {}
    for number in numbers(kind):
        end = held(drawn(kind, number), check)
        ends[end] = ends.get(end, 0) + 1
    if kind in COUNTED:
        assert ends.get("complete: True")
        assert ends.get("failed"), "no history in which anything was lost and seen: this proves nothing"


# ---------------------------------------------------------------------- reads from a watermark on, one after the other

#: What pages how, and in what order.
CHAINS: dict[str, tuple[str, Any]] = {
    "updated": ("keyset", ("updated_at", "id")),
    "link": ("link", "id"),
    "offset": ("offset", ("updated_at", "id")),
    "page": ("page", ("updated_at", "id")),
}
#: Seconds of the newest time that are not believed: a tick of ``updated_at``. A row that is changed behind the reader's back, while it reads, may be
#: older than one that still comes.
SETTLE = 1.0


def run_chain(history: History, settle: float = SETTLE) -> str:
    """Several reads, each from where the one before it ended; then it is quiet, and everything must have come in its last state."""
    paging, order = CHAINS[history.kind]
    draw = random.Random(history.seed)

    async def main() -> str:
        world = runtime()
        rows = Rows(history, lambda: world.wall().isoformat(timespec="seconds"))
        api = Simulator(
            {"rows": list(rows.now.values())},
            keys={"rows": "id"},
            pagination=paging,  # type: ignore[arg-type]
            order_by=order,
            page_size=history.cap,
            latency=(0.0, 1.0),
            seed=history.seed,
            faults=Faults.script(history.faults),
            on_request=rows.on_request,
        )
        have: dict[int, dict[str, Any]] = {}
        kept: Checkpoint | None = None
        reads = draw.randint(1, 5)
        with api:
            rows.api = api
            for number in range(reads + 2):
                quiet = number >= reads
                if quiet:
                    rows.now_quiet()
                    api.faults = Faults()
                resource = chained(history, api.url, settle)
                stop = draw.choice([0, 0, 1, 2]) if not quiet and history.kind not in COUNTED else 0
                told = await read(resource, kept, stop)
                have.update((record["id"], record) for record in told.records)
                if told.error is None:
                    kept = told.checkpoint
                elif kept is not None:
                    # As a sync does: it begins once more where that read began.
                    kept = evolve(kept, token=None, pages=0, records=0)
                await world.sleep(draw.choice([0.0, draw.random() * 4]))
            assert told.ended, f"nothing happened, and it failed: {told.error}"
        missed = [row for row in rows.now.values() if have.get(row["id"]) != row]
        assert not missed, f"after {reads} reads and two quiet ones these are not known as they are: {missed}"
        return f"{reads} reads"

    return simulate(main, seed=history.seed)


def chained(history: History, url: str, settle: float) -> Any:
    class Api(ik.Connector):
        base_url = url
        rows = ik.Resource(
            "/rows",
            key="id",
            cursor="updated_at",
            since_param="updated_at_min",
            window=ik.Window(settle=settle),
            records="rows",
            paginator=paginator(evolve(history, total=True)),
            prefetch=history.prefetch,
            final_check="ids",
        )

    return Api(retry=ik.Retry(attempts=2), http=httpx.Client(transport=httpx.MockTransport(lambda request: httpx.Response(500)))).rows


@pytest.mark.parametrize("kind", CHAINS)
def test_a_chain_of_reads_ends_with_everything_in_its_last_state(kind: str) -> None:
    for number in range(SEED, SEED + HISTORIES // 40):
        held(drawn(kind, number), run_chain)


# ---------------------------------------------------------------------- what was found, and mended

BEHIND = {
    "link": History(
        seed=0,
        kind="link",
        count=7,
        cap=2,
        has_more=True,
        changes=[[], [("insert", 0.14120757342305212, 0.781559131359861)], [("move", 1.0, 0.10953700171389313)]],
    ),
    "offset": History(
        seed=0,
        kind="offset",
        count=3,
        cap=3,
        final_check="ids",
        changes=[[], [], [], [], [], [], [("update", 0.3636213403767088, 1.0), ("insert", 0.0, 1.0)], [], [("insert", 0.7492817000049953, 0.0)]],
    ),
}


@pytest.mark.parametrize("kind", BEHIND)
def test_a_row_that_changes_behind_the_reader_is_met_by_the_next_read(kind: str) -> None:
    run_chain(BEHIND[kind], settle=0)


def test_a_resumed_read_that_begins_once_more_says_so() -> None:
    _, told = run(History(seed=16, kind="offset", count=5, cap=1, stop=5, overlap=2))
    came = [record["id"] for record in told.records]
    assert len(came) == len(set(came)) or told.evidence.began_anew
