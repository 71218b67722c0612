"""Systems that go on working while they are compared: settling, looking again, pages that move."""

from __future__ import annotations

import asyncio
import math
import sqlite3
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio

from integrakit.connector import Connector, Resource
from integrakit.errors import ConfigurationError, IncompleteRead, ReadError
from integrakit.files import CsvFile
from integrakit.model import Evidence, Page
from integrakit.reconciliation import Accept, Diff, Field, Key, Recheck, Settle, areconcile, reconcile
from integrakit.reconciliation.live.moments import Moments
from integrakit.runtimes import drive, runtime
from integrakit.runtimes.simulated import EPOCH
from integrakit.sql import SqlQuery, SqlTable
from integrakit.testing import Simulator, simulate

Rows = list[dict[str, Any]]

OLD = EPOCH - timedelta(days=1)
#: Seconds from one look to the next: no read of a test takes as long.
WAIT = 100.0
FRESH = EPOCH - timedelta(seconds=5)


def world(compare: Callable[[], Any]) -> Any:
    """At midnight of the first of January 2026, in virtual time."""
    return simulate(compare)


def row(key: Any, value: Any = 1, at: Any = OLD, **more: Any) -> dict[str, Any]:
    return {"id": key, "v": value, "updated_at": at, **more}


def kinds(found: Iterable[Any]) -> list[tuple[Any, str]]:
    return [(each.key, each.kind) for each in found]


def compared(left: Any, right: Any, **options: Any) -> Diff:
    options = {"key": "id", "fields": ["v"], **options}
    if "recheck" in options:
        options["recheck"] = Recheck(options["recheck"], wait=WAIT)
    found: Diff = world(lambda: reconcile(left, right, **options))
    return found


class Source:
    """Rows that a function of time gives, read page by page, and asked by key where it says so."""

    def __init__(
        self, rows: Callable[[float], Rows], *, size: int = 100, stability: Any = "offset", key: str | None = "id", pause: float = 1.0
    ) -> None:
        self.rows, self.size, self.stability, self.pause = rows, size, stability, pause
        self.key = key
        self.findable = key is not None
        self.on_runtime = True
        self.reads, self.asked = 0, []  # type: ignore[var-annotated]

    def open_read(self, since: Any = None) -> Reading:
        self.reads += 1
        return Reading(self)

    async def afind(self, keys: Sequence[Any]) -> Mapping[Any, Any]:
        self.asked.append(list(keys))
        await runtime().sleep(self.pause)
        return {each["id"]: each for each in self.rows(runtime().now()) if each["id"] in keys}


class Reading:
    def __init__(self, source: Source) -> None:
        self.source, self.pages = source, 0

    @property
    def evidence(self) -> Evidence:
        return Evidence(stability=self.source.stability, pages=self.pages)

    async def next_page(self) -> Page | None:
        await runtime().sleep(self.source.pause)
        start = self.pages * self.source.size
        found = self.source.rows(runtime().now())[start : start + self.source.size]
        if not found:
            return None
        self.pages += 1
        return Page(found)


# ---------------------------------------------------------------- settling


def test_what_changed_too_lately_is_in_flight_and_no_break() -> None:
    left = [row(1, 1), row(2, 2, FRESH), row(3), row(4), row(5, at=FRESH), row(6, at=FRESH), row(6, 2)]
    right = [row(1, 9), row(2), row(3, 3, FRESH), row(4), row(7, at=FRESH), row(8), row(6, 3)]
    diff = compared(left, right, settle=600)
    assert kinds(diff.breaks()) == [(1, "changed"), (8, "missing_left")]
    assert kinds(diff.in_flight()) == [(2, "changed"), (3, "changed"), (5, "missing_right"), (6, "duplicate"), (7, "missing_left")]
    assert len(diff.in_flight()) == 5
    assert dict(diff.summary) == {
        "left": 7,
        "right": 7,
        "matched": 2,
        "equal": 1,
        "changed": 1,
        "missing_left": 1,
        "missing_right": 0,
        "duplicates": 0,
        "null_keys": 0,
        "invalid": 0,
    }
    assert diff.by_field["v"].mismatches == 1
    assert diff.verified_through == EPOCH - timedelta(seconds=600)
    assert not diff.matches


def test_sides_that_differ_in_flight_only_match() -> None:
    diff = compared([row(1, 1, FRESH)], [row(1, 2)], settle=timedelta(minutes=10))
    assert diff.matches
    assert not diff.by_field
    assert [change.kind for change in diff.changes()] == []


def test_nothing_is_in_flight_without_a_time_to_settle() -> None:
    diff = compared([row(1, 1, FRESH)], [row(1, 2)])
    assert kinds(diff.breaks()) == [(1, "changed")]
    assert (len(list(diff.in_flight())), diff.verified_through) == (0, None)


def test_what_is_wrong_by_itself_is_never_in_flight() -> None:
    left = [row(None, at=FRESH), row(1, "x", FRESH)]
    diff = compared(left, [row(1, 5, FRESH)], fields=[Field("v", normalise=str.casefold)], settle=600)
    assert [kind for _, kind in kinds(diff.breaks())] == ["invalid", "null_key"]


SECONDS = (FRESH - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()


@pytest.mark.parametrize(
    "value",
    [
        FRESH,
        FRESH.replace(tzinfo=None),
        FRESH.isoformat(),
        FRESH.replace(tzinfo=None).isoformat(sep=" "),
        "2026-01-01T00:59:55+01:00",
        "2025-12-31T23:59:55Z",
        int(SECONDS),
        SECONDS,
        Decimal(int(SECONDS)),
        int(SECONDS * 1000),
        str(int(SECONDS)),
        date(2025, 12, 31),
        "2025-12-31",
        EPOCH + timedelta(days=300),
    ],
)
def test_a_change_is_read_however_it_is_written(value: Any) -> None:
    assert kinds(compared([row(1, 1, value)], [row(1, 2)], settle=60).in_flight()) == [(1, "changed")]


@pytest.mark.parametrize("value", [None, "", "yesterday", True, math.nan, 17, [FRESH], object(), date(2025, 12, 30), "2025-12-31T23:58:59Z"])
def test_what_is_old_or_no_time_stays_a_break(value: Any) -> None:
    left = [row(1, 1, value), row(2)]
    assert kinds(compared(left, [row(1, 2), row(2)], settle=60).breaks()) == [(1, "changed")]


def test_times_that_cannot_be_read_are_counted_in_a_note() -> None:
    left, right = [row(1, 1, "soon"), row(2, 2, None), row(3, 3)], [row(1, 9), row(2, 9), row(3, 9)]
    assert "note: 2 of the records in breaks on the left do not say readably when they changed, and count as settled" in str(
        compared(left, right, settle=60)
    )


def test_naive_times_are_taken_as_utc_and_a_note_says_so() -> None:
    text = str(compared([row(1, 1, FRESH.replace(tzinfo=None))], [row(1, 2, FRESH)], settle=60))
    assert "note: updated_at of the left side has no offset: it was taken as UTC" in text
    assert "of the right side has no offset" not in text


def test_numpy_and_pandas_times_are_read() -> None:
    np = pytest.importorskip("numpy", reason="needs numpy")
    left = [row(1, 1, np.datetime64("2025-12-31T23:59:55.000000001")), row(2, 2, np.datetime64("NaT")), row(3, 3, np.datetime64("2025-12-30"))]
    assert kinds(compared(left, [row(1, 9), row(2, 9), row(3, 9)], settle=60).in_flight()) == [(1, "changed")]
    pd = pytest.importorskip("pandas", reason="needs pandas")
    left = [row(1, 1, pd.Timestamp(FRESH)), row(2, 2, pd.NaT)]
    assert kinds(compared(left, [row(1, 9), row(2, 9)], settle=60).in_flight()) == [(1, "changed")]


def test_the_field_is_named_or_declared_or_known_by_its_name(tmp_path: Path) -> None:
    def one(name: str, value: Any = 1, at: Any = FRESH) -> Rows:
        return [{"id": 1, "v": value, name: at}]

    for name in ("updated_at", "modified", "lastModified", "SystemModstamp", "write_date"):
        assert compared(one(name), one(name, 2), settle=60).matches
    assert compared(one("edit"), one("edit", 2, OLD), settle=Settle(60, "edit")).matches
    assert compared(one("edit", at=OLD), one("last.edit", 2), settle=Settle(60, "edit", right="last.edit")).matches
    assert compared([{"id": 1, "v": 1, "meta": {"at": FRESH}}], one("x", 2), settle=Settle(60, "meta.at")).matches
    declared = tmp_path / "a.db"
    with sqlite3.connect(declared) as connection:
        connection.execute("create table t (id integer primary key, v integer, stamp text)")
        connection.execute("insert into t values (1, 1, ?)", [FRESH.isoformat()])
    connection.close()
    table = SqlTable(declared, "t", key="id", cursor="stamp")
    assert compared(table, [row(1, 2)], settle=60).matches
    query = SqlQuery(declared, "select * from t", key="id", cursor="stamp")
    assert compared(query, [row(1, 2)], settle=60).matches
    for source in (table, query):
        source.close()


def test_a_cursor_that_is_no_time_is_passed_over() -> None:
    class Counted(list):  # type: ignore[type-arg]
        cursor = "version"

    assert compared(Counted([row(1, 1, FRESH, version=7)]), [row(1, 2)], settle=60).matches


def test_settle_asks_for_the_name_of_a_field_that_is_not_there() -> None:
    bare: Rows = [{"id": 1, "v": 1}]
    with pytest.raises(ConfigurationError, match=r"of both sides have none of the usual fields \(updated_at, .*=Settle\(600, 'changed'"):
        compared(bare, [{"id": 1, "v": 2}], settle=60)
    for fields in (None, ["v"]):
        with pytest.raises(ConfigurationError, match="none of the usual fields"):
            compared(bare, bare, fields=fields, settle=60)
    with pytest.raises(ConfigurationError, match="the left side has the time of the last change in 'edited', and no record there"):
        compared([row(1)], [row(1, 2)], settle=Settle(60, "edited"))
    with pytest.raises(ConfigurationError, match="the right side has the time of the last change in 'edited'"):
        compared([row(1)], [row(1, 2)], settle=Settle(60, "updated_at", right="edited"))
    assert compared([], [], settle=60).matches


def test_one_side_that_says_when_it_changed_is_enough_and_a_note_says_what_follows() -> None:
    diff = compared([row(1, 1, FRESH)], [{"id": 1, "v": 2}, {"id": 2, "v": 2}], settle=60)
    assert kinds(diff.breaks()) == [(2, "missing_left")]
    assert "records of the right side do not say when they changed: one that stands there alone is never in flight" in str(diff)


@pytest.mark.parametrize("wrong", [-1, True, "600", math.inf, math.nan, timedelta(-1)])
def test_settle_takes_seconds(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="seconds, 0 or more"):
        reconcile([], [], key="id", settle=wrong)


@pytest.mark.parametrize("make", [lambda: Settle(1, 5), lambda: Settle(1, ""), lambda: Settle(1, "a", right="a..b")])  # type: ignore[arg-type]
def test_settle_takes_names(make: Callable[[], Any]) -> None:
    with pytest.raises(ConfigurationError, match="the name of a field"):
        make()


@pytest.mark.parametrize("wrong", [-1, True, 1.5, "2", None])
def test_recheck_takes_a_number_of_times(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="the number of times"):
        reconcile([], [], key="id", recheck=wrong)


def test_accept_takes_a_rule() -> None:
    with pytest.raises(ConfigurationError, match=r"accept= takes a rule, such as Accept\(breaks=5\), not 5"):
        reconcile([], [], key="id", accept=5)  # type: ignore[arg-type]
    assert reconcile([row(1)], [], key="id", accept=Accept(breaks=1)).accepted


def test_a_window_longer_than_time_itself_leaves_nothing_settled() -> None:
    assert compared([row(1, 1)], [row(1, 2)], settle=1e12).matches


# ---------------------------------------------------------------- looking again


def later(before: Rows, after: Rows) -> Callable[[float], Rows]:
    """What is there when both sides are read, and what is there at the first look after that."""
    return lambda now: before if now < WAIT / 2 else after


def test_what_agrees_at_another_look_was_in_flight() -> None:
    left = Source(lambda now: [row(1, 1), row(2, 2), row(3)])
    right = Source(later([row(1, 9), row(2, 9), row(4)], [row(1, 1), row(2, 9), row(3)]))
    diff = compared(left, right, recheck=1)
    assert kinds(diff.breaks()) == [(2, "changed")]
    assert dict(diff.summary) == {**diff.summary, "matched": 1, "equal": 0, "changed": 1, "missing_left": 0, "missing_right": 0}
    assert (diff._findings.resolved, diff._findings.rechecked) == (3, 1)
    assert (left.reads, right.reads) == (1, 1)
    assert left.asked == right.asked == [[1, 2, 3, 4]]


def test_what_differs_otherwise_at_each_look_is_in_flight_and_what_does_not_is_broken() -> None:
    left = Source(lambda now: [row(1, int(now)), row(2, 7)])
    right = Source(lambda now: [row(1, -1), row(2, int(now > WAIT / 2))])
    diff = compared(left, right, recheck=3)
    assert kinds(diff.in_flight()) == [(1, "changed")]
    assert [(found.key, found.right["v"]) for found in diff.breaks()] == [(2, 1)], "the freshest record is in the break"
    assert diff._findings.rechecked == 3


def test_what_changed_by_the_time_of_a_look_is_in_flight_by_its_time() -> None:
    left = Source(later([row(1, 1)], [row(1, 2, EPOCH + timedelta(seconds=30))]))
    right = Source(lambda now: [row(1, 5)])
    assert kinds(compared(left, right, settle=60, recheck=1).in_flight()) == [(1, "changed")]


def test_a_break_may_become_one_of_another_kind() -> None:
    left = Source(later([row(1, 1), row(2)], [row(2)]))
    right = Source(lambda now: [row(1, 2), row(2)])
    diff = compared(left, right, recheck=2)
    assert kinds(diff.breaks()) == [(1, "missing_left")]
    assert (diff.summary["changed"], diff.summary["missing_left"], diff.summary["matched"]) == (0, 1, 1)
    assert not diff.by_field


def test_nobody_waits_where_everything_agrees_or_everything_agreed_at_the_first_look() -> None:
    def seconds(right: Any) -> float:
        async def compare() -> float:
            await areconcile(Source(lambda now: [row(1)]), right, key="id", fields=["v"], recheck=Recheck(5, wait=WAIT))
            return runtime().now()

        found: float = world(compare)
        return found

    assert seconds(Source(lambda now: [row(1)])) < 100
    assert 100 < seconds(Source(later([row(1, 2)], [row(1)]))) < 200


def test_what_cannot_be_asked_is_read_once_more() -> None:
    left, right = Source(lambda now: [row(1), row(2)], key=None), Source(later([row(1)], [row(1), row(2)]), key="ref")
    assert compared(left, right, recheck=2).matches
    assert (left.reads, right.reads, left.asked, right.asked) == (2, 2, [], [])


def test_a_key_that_is_changed_before_it_is_compared_is_no_key_to_ask_by() -> None:
    left, right = Source(lambda now: [row("A")]), Source(later([], [row("a")]))
    assert compared(left, right, key=Key("id", normalise=str.casefold), recheck=1).matches
    assert not left.asked
    assert not right.asked


def test_a_whole_number_is_asked_for_as_one() -> None:
    left, right = Source(lambda now: [row(7.0), row(Decimal("8.00")), row(Decimal("8.5"))]), Source(lambda now: [])
    assert len(list(compared(left, right, recheck=1).breaks())) == 3
    assert right.asked == [[7, 8, Decimal("8.5")]]


def test_a_source_that_answers_otherwise_than_it_reads_is_not_believed() -> None:
    class Elsewhere(Source):
        async def afind(self, keys: Sequence[Any]) -> Mapping[Any, Any]:
            await super().afind(keys)
            return {}

    left, right = Elsewhere(lambda now: [row(1)]), Elsewhere(lambda now: [row(2)])
    diff = compared(left, right, recheck=1)
    assert kinds(diff.breaks()) == [(1, "missing_right"), (2, "missing_left")]
    assert (left.reads, right.reads) == (2, 2)


def test_an_answer_that_is_another_record_settles_nothing() -> None:
    class Confused(Source):
        async def afind(self, keys: Sequence[Any]) -> Mapping[Any, Any]:
            return {key: row("other") for key in keys}

    diff = compared(Confused(lambda now: [row(1)]), Source(lambda now: [row(1, 2)]), recheck=2)
    assert kinds(diff.breaks()) == [(1, "changed")]


def test_a_source_that_fails_to_answer_ends_the_reconciliation() -> None:
    class Failing(Source):
        async def afind(self, keys: Sequence[Any]) -> Mapping[Any, Any]:
            raise self.problem

        problem: Any = OSError("gone")

    class Silent(Source):
        async def afind(self, keys: Sequence[Any]) -> Any:
            return None

    ones = lambda now: [row(1)]  # noqa: E731
    twos = Source(lambda now: [row(2)])
    with pytest.raises(ReadError, match=r"the left side \(Failing\) could not be asked for 2 records again: OSError: gone"):
        compared(Failing(ones), twos, recheck=1)
    with pytest.raises(ReadError, match=r"left side .* gives a dict of keys and records, not NoneType"):
        compared(Silent(ones), twos, recheck=1)
    Failing.problem = IncompleteRead("as it is")
    with pytest.raises(IncompleteRead, match="as it is"):
        compared(Failing(ones), twos, recheck=1)


def test_a_side_that_can_be_read_only_once_stands_as_it_was_read() -> None:
    right = Source(later([row(1, 9)], [row(1, 1), row(2, 3)]))
    diff = compared((each for each in [row(1), row(2)]), right, recheck=1)
    assert (kinds(diff.breaks()), kinds(diff.in_flight()), diff._findings.resolved) == ([], [(2, "changed")], 1)
    assert "the left side can be read only once: when breaks were looked at again, its records stood as they had been read" in str(diff)


def test_two_sides_that_can_be_read_only_once_are_not_looked_at_again() -> None:
    diff = compared(iter([row(1)]), iter([row(1, 2)]), recheck=3)
    assert kinds(diff.breaks()) == [(1, "changed")]
    assert "neither side can be read again" in str(diff)
    assert diff._findings.rechecked == 0


def test_keys_that_stand_twice_are_looked_at_again_by_another_read() -> None:
    left = Source(later([row(1, 1), row(1, 2)], [row(1, 1)]), stability="keyset")
    right = Source(lambda now: [row(1, 1)], stability="keyset")
    diff = compared(left, right, recheck=1)
    assert diff.matches
    assert diff.summary["duplicates"] == 0
    assert (left.reads, right.reads, left.asked) == (2, 2, [])
    stays = Source(lambda now: [row(1, 1), row(1, 2)], stability="keyset")
    assert kinds(compared(stays, right, recheck=2).breaks()) == [(1, "duplicate")]


def test_duplicates_of_a_side_that_can_be_read_only_once_stay() -> None:
    diff = compared(iter([row(1, 1), row(1, 2)]), Source(lambda now: [row(1, 1)]), recheck=1)
    assert kinds(diff.breaks()) == [(1, "duplicate")]


def test_only_so_many_breaks_are_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from integrakit.reconciliation.live import looking

    monkeypatch.setattr(looking, "BATCH", 3)
    monkeypatch.setitem(looking.Looks.__init__.__kwdefaults__, "limit", 5)
    left, right = Source(lambda now: [row(key) for key in range(9)]), Source(later([], [row(key) for key in range(9)]))
    diff = compared(left, right, recheck=1)
    assert [key for key, _ in kinds(diff.breaks())] == [5, 6, 7, 8]
    assert "note: 4 breaks were not looked at again: the first 5 were" in str(diff)
    assert [len(keys) for keys in right.asked] == [3, 2]


def test_cells_of_a_file_are_looked_at_again_as_cells(tmp_path: Path) -> None:
    path = tmp_path / "bank.csv"
    path.write_text("id,v\n1,1\n2,9\n")

    def rows(now: float) -> Rows:
        path.write_text("id,v\n1,1\n2,2\n3,3\n")
        return [row(1), row(2, 2), row(3, 3)]

    assert compared(CsvFile(path, key="id"), Source(rows, pause=1), recheck=1).matches


def test_a_table_is_asked_by_key_and_a_column_it_is_sorted_by_may_move_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as connection:
        connection.execute("create table t (a text, b integer, v integer, updated_at text, primary key (a, b))")
        connection.executemany("insert into t values (?, ?, ?, ?)", [("x", number, number, OLD.isoformat()) for number in range(4)])
    connection.close()

    class Changing(Source):
        async def afind(self, keys: Sequence[Any]) -> Mapping[Any, Any]:
            assert keys == [("x", 3)]
            with sqlite3.connect(path) as connection:
                connection.execute("update t set v = 7 where b = 3")
            connection.close()
            return {("x", 3): {"b": 3, "a": "x", "v": 7}}

    other = Changing(lambda now: [{"b": number, "a": "x", "v": 7 if number == 3 else number} for number in range(4)])
    other.key = ("a", "b")  # type: ignore[assignment]
    with SqlTable(path, "t", key=["b", "a"], page_size=2) as table:
        diff = compared(other, table, key=["a", "b"], recheck=1)
        assert diff.matches
        assert diff._findings.unstable == ()
        assert "the right side was read in 2 pages, one after the other: its records are of different moments" in diff._findings.notes


class Shop(Connector):
    orders = Resource("/orders", key="id", item="/orders/{key}", records="orders")


@pytest.mark.parametrize("narrowed", [False, True])
def test_a_resource_is_asked_by_key_unless_its_reads_are_narrowed(narrowed: bool) -> None:
    paths: list[str] = []
    rows = [{"id": number, "v": 1, "state": "open"} for number in (1, 2)]

    async def main() -> Diff:
        with Simulator({"orders": rows}, on_request=lambda request: paths.append(request.path)) as api:
            orders = Shop(base_url=api.url).orders
            side = orders.where(state="open") if narrowed else orders
            return await areconcile(side, [{"id": 1, "v": 1}], key="id", fields=["v"], recheck=1)

    diff = simulate(main)
    assert kinds(diff.breaks()) == [(2, "missing_right")]
    assert ("/orders/2" in paths) is not narrowed


def test_records_made_into_classes_are_read_again_and_not_asked_for() -> None:
    @attrs.frozen
    class Order:
        id: int
        v: Decimal

    orders = Resource("/orders", key="id", item="/orders/{key}", into=Order)
    assert not orders.finds_as_read
    assert Shop.orders.finds_as_read


# ---------------------------------------------------------------- pages that move


def test_of_a_record_that_came_twice_the_newest_copy_counts() -> None:
    moved = Source(lambda now: [row(1, 1), row(2, 2)] if now < 1.5 else [row(2, 2), row(1, 5, FRESH)], size=1, stability="offset")
    diff = compared(moved, [row(1, 5), row(2, 2)])
    assert kinds(diff.breaks()) == [(2, "missing_left")], "the other one was passed over, and nobody looked again"
    assert diff.summary["duplicates"] == 0
    assert diff._findings.unstable == (
        "1 record came more than once from the left side, whose rows moved meanwhile: the newest copy counts, by updated_at",
    )


def test_the_same_copy_twice_is_one_record() -> None:
    twice = Source(lambda now: [row(1), row(1)], size=1)
    diff = compared(twice, [row(1)])
    assert diff.matches
    assert diff.summary["matched"] == 1


@pytest.mark.parametrize("engine", ["dict", "merge", "spill"])
def test_every_engine_takes_the_newest_copy(engine: Any) -> None:
    left = Source(lambda now: [row(1, 1), row(1, 2, FRESH), row(2)], size=1)
    right = Source(lambda now: [row(1, 2), row(2)])
    assert compared(left, right, engine=engine).matches


@pytest.mark.parametrize(
    "rows",
    [
        [row(1, 1), row(1, 2)],  # both of the same moment
        [row(1, 1, None), row(1, 2)],
        [{"id": 1, "v": 1}, {"id": 1, "v": 2}],
    ],
)
def test_copies_of_which_none_is_the_newest_stay_a_break(rows: Rows) -> None:
    assert kinds(compared(Source(lambda now: rows, size=1), [row(1, 2)]).breaks()) == [(1, "duplicate")]


@pytest.mark.parametrize("stability", ["snapshot", "keyset"])
def test_where_nothing_moves_a_record_that_stands_twice_is_a_break(stability: Any) -> None:
    twice = Source(lambda now: [row(1, 1), row(1, 2, FRESH)], size=1, stability=stability)
    assert kinds(compared(twice, [row(1, 2)]).breaks()) == [(1, "duplicate")]
    assert kinds(compared([row(1, 1), row(1, 2, FRESH)], [row(1, 2)], recheck=1).breaks()) == [(1, "duplicate")]


def test_a_record_that_stands_twice_in_a_table_is_a_break() -> None:
    pa = pytest.importorskip("pyarrow", reason="needs pyarrow")
    rows = [row(1, 1), *(row(number) for number in range(2, 2000)), row(1, 2)]
    rows[-1]["updated_at"] = OLD + timedelta(seconds=1)
    left = pa.Table.from_pylist(rows)
    for engine in ("auto", "dict"):
        diff = compared(left, rows[1:], settle=60, engine=engine)
        assert kinds(diff.breaks()) == [(1, "duplicate")]


def test_a_source_that_says_nothing_of_its_pages_may_move_where_the_user_says_that_it_lives() -> None:
    twice = Source(lambda now: [row(1, 1), row(1, 2, FRESH)], size=1, stability="unknown")
    assert kinds(compared(twice, [row(1, 2)]).breaks()) == [(1, "duplicate")]
    assert compared(twice, [row(1, 2)], settle=60).matches


def test_a_table_sorted_by_what_changes_may_give_a_row_twice(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as connection:
        connection.execute("create table t (id integer primary key, v integer, updated_at text)")
        connection.executemany("insert into t values (?, ?, ?)", [(number, number, OLD.isoformat()) for number in range(4)])
    connection.close()

    def change(now: float) -> Rows:
        with sqlite3.connect(path) as connection:
            connection.execute("update t set v = 9, updated_at = ? where id = 0", [FRESH.isoformat()])
        connection.close()
        return [row(number, number or 9) for number in range(4)]

    with SqlTable(path, "t", key="id", order_by="updated_at", page_size=2) as table:
        halves = Halves(table, change)
        diff = compared(halves, [row(number, number or 9) for number in range(4)])
        assert diff.matches
        assert "1 record came more than once from the left side" in diff._findings.unstable[0]


class Halves:
    """A table during whose read something happens, after its first page."""

    def __init__(self, table: SqlTable, happen: Callable[[float], Any]) -> None:
        self.table, self.happen = table, happen
        self.ordered_by, self.key = table.ordered_by, table.key

    def open_read(self, since: Any = None) -> Any:
        reader = self.table.open_read(since)
        ask, happen = reader.next_page, self.happen

        async def next_page() -> Page | None:
            page = await ask()
            if page is not None and reader.evidence.pages == 1:
                happen(0.0)
            return page

        reader.next_page = next_page  # type: ignore[method-assign]
        return reader


def test_records_that_a_read_passed_over_are_found_by_their_keys_and_told() -> None:
    moving = [row(1), row(2), row(3)]
    right = Source(lambda now: moving if now < 2.5 else moving[1:] + moving[:1], size=1)
    diff = compared(Source(lambda now: moving, pause=0.001), right, recheck=1)
    assert diff.matches
    assert "1 record was missed by the read of the right side, whose pages are not stable" in diff._findings.unstable


def test_a_record_that_came_after_the_start_was_not_passed_over() -> None:
    right = Source(later([], [row(1, at=EPOCH + timedelta(seconds=30))]), size=1)
    diff = compared(Source(lambda now: [row(1)], pause=0.001), right, recheck=1)
    assert diff.matches
    assert diff._findings.unstable == ()


# ---------------------------------------------------------------- in every world


def _in_asyncio(compare: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    return asyncio.run(compare())


@pytest.mark.parametrize("run", [lambda compare: drive(compare()), _in_asyncio, trio.run, simulate], ids=["sync", "asyncio", "trio", "simulated"])
def test_looking_again_works_in_every_world(run: Callable[..., Any]) -> None:
    class Plain:
        """A source of blocking code, asked by key."""

        key = "id"

        def __init__(self) -> None:
            self.asked = 0

        def pages(self, since: Any) -> Iterable[Page]:
            return iter([Page([{"id": 1, "v": 1}, {"id": 2, "v": 2}])])

        def find(self, keys: Sequence[Any]) -> Mapping[Any, Any]:
            self.asked += 1
            return {key: {"id": key, "v": key if self.asked == 2 else -self.asked} for key in keys}

    async def compare() -> Any:
        now = runtime().wall()
        right = [{"id": 1, "v": 1, "updated_at": now}, {"id": 2, "v": 3, "updated_at": now}, {"id": 3, "v": 3, "updated_at": OLD}]
        settled = await areconcile([{"id": 1, "v": 1}], right, key="id", fields=["v"], settle=600)
        left = Plain()
        again = await areconcile(left, [{"id": 1, "v": 1}, {"id": 2, "v": 3}], key="id", fields=["v"], recheck=Recheck(3, wait=0.001))
        return kinds(settled.breaks()), kinds(settled.in_flight()), left.asked, kinds(again.in_flight())

    assert run(compare) == ([(3, "missing_left")], [(2, "missing_left")], 3, [(2, "changed")])


def test_an_async_only_source_is_asked_in_async_code_only() -> None:
    class Awaiting:
        key = "id"

        def __init__(self) -> None:
            self.asked = 0

        def pages(self, since: Any) -> Iterable[Page]:
            return iter([Page([{"id": 1, "v": 1}])])

        async def afind(self, keys: Sequence[Any]) -> Mapping[Any, Any]:
            self.asked += 1
            return {key: {"id": key, "v": 2} for key in keys}

    source = Awaiting()
    again = Recheck(1, wait=0)
    assert kinds(reconcile(source, [{"id": 1, "v": 2}], key="id", fields=["v"], recheck=again).breaks()) == [(1, "changed")]
    assert source.asked == 0
    assert asyncio.run(areconcile(source, [{"id": 1, "v": 2}], key="id", fields=["v"], recheck=again)).matches
    assert source.asked == 1


def test_moments_of_what_is_no_record_are_unknown() -> None:
    assert Moments((None, None), None).of(0, "text") is None  # type: ignore[arg-type]


def test_fields_with_rules_of_their_own_are_looked_at_by_them() -> None:
    left, right = Source(lambda now: [row(1, "A")]), Source(later([row(1, "b")], [row(1, "a")]))
    assert compared(left, right, fields=[Field("v", ignore_case=True)], recheck=1).matches
