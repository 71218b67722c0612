"""What reconciliations find over time: new, persisting, resolved, reopened; ages, owners; and the days of a parallel run."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

import integrakit as ik
from integrakit.errors import ConfigurationError, LeaseHeld, StoreError
from integrakit.model import Evidence
from integrakit.protocols import Delete
from integrakit.reconciliation import Accept, Diff, DriftLedger, Field, Key, ParallelRun, Settle, areconcile, reconcile
from integrakit.reconciliation.drift.items import AGES, age_bucket
from integrakit.state import MemoryStore, SqliteStore
from integrakit.testing import simulate


def diff(left, right, **options):
    return reconcile(left, right, key="id", **options)


def rows(**values):
    return [{"id": name, "v": value, "w": 0} for name, value in values.items()]


def counts(drift):
    return drift.new, drift.persisting, drift.reopened, drift.resolved, drift.open


def test_a_break_is_new_then_persists_then_is_resolved_and_may_come_back():
    ledger = DriftLedger(MemoryStore(), "shop")
    assert counts(ledger.record(diff(rows(a=1), rows(a=2)))) == (1, 0, 0, 0, 1)
    assert counts(ledger.record(diff(rows(a=1), rows(a=3)))) == (0, 1, 0, 0, 1)
    assert counts(ledger.record(diff(rows(a=1), rows(a=1)))) == (0, 0, 0, 1, 0)
    assert counts(ledger.record(diff(rows(a=1), rows(a=1)))) == (0, 0, 0, 0, 0)
    assert counts(ledger.record(diff(rows(a=1), rows(a=9)))) == (0, 0, 1, 0, 1)
    (item,) = ledger.items()
    assert (item.key, item.field, item.kind, item.state, item.times, item.reopenings) == ("a", "v", "changed", "reopened", 3, 1)
    assert (item.left, item.right) == ("1", "9")


def test_each_field_of_a_record_is_an_item_of_its_own_and_so_is_a_missing_record():
    ledger = DriftLedger(MemoryStore(), "shop")
    ledger.record(diff([{"id": 1, "v": 1, "w": 1}, {"id": 2, "v": 0, "w": 0}], [{"id": 1, "v": 2, "w": 2}]))
    assert {(item.key, item.kind, item.field) for item in ledger.items()} == {(1, "changed", "v"), (1, "changed", "w"), (2, "missing_right", None)}
    assert ledger.record(diff([{"id": 1, "v": 1, "w": 1}], [{"id": 1, "v": 1, "w": 2}])).resolved == 2
    assert [item.field for item in ledger.items()] == ["w"]
    assert {item.key for item in ledger.items(resolved=True)} == {1, 2}


def test_a_field_that_was_not_compared_is_not_resolved():
    ledger = DriftLedger(MemoryStore(), "shop")
    ledger.record(diff(rows(a=1), rows(a=2)))
    assert counts(ledger.record(diff(rows(a=1), rows(a=2), ignore=["v"]))) == (0, 0, 0, 0, 1)
    assert counts(ledger.record(diff(rows(a=1), rows(a=2)))) == (0, 1, 0, 0, 1)


def test_records_without_a_key_are_known_by_what_they_hold():
    ledger = DriftLedger(MemoryStore(), "shop")
    left = [{"id": None, "v": 1}, {"id": None, "v": 2}]
    assert counts(ledger.record(diff(left, []))) == (2, 0, 0, 0, 2)
    assert counts(ledger.record(diff(left[:1], []))) == (0, 1, 0, 1, 1)


def test_ages_are_counted_from_when_it_opened_and_begin_anew_when_it_comes_back():
    ledger = DriftLedger(MemoryStore(), "shop")
    start = datetime(2026, 3, 1, tzinfo=UTC)

    async def all_days():
        drifts = []
        for value, days in ((2, 0), (2, 4), (1, 1), (2, 40)):
            await ik.runtime().sleep(days * 86400)
            drifts.append(await ledger.arecord(diff(rows(a=1), rows(a=value))))
        return drifts

    first, second, _, last = simulate(all_days, start=start)
    assert first.ages["under 1 day"] == 1
    assert second.ages["3 to 6 days"] == 1
    assert last.ages == {**dict.fromkeys(AGES, 0), "under 1 day": 1}
    (item,) = ledger.items()
    assert (item.first_seen, item.opened) == (start, start + timedelta(45))


@pytest.mark.parametrize(
    ("hours", "bucket"),
    [(0, "under 1 day"), (23, "under 1 day"), (24, "1 to 2 days"), (72, "3 to 6 days"), (168, "7 to 29 days"), (720, "30 days and more")],
)
def test_age_buckets(hours, bucket):
    assert age_bucket(timedelta(hours=hours)) == bucket


def test_owners_come_from_the_field_the_ledger_and_a_person_who_has_the_last_word():
    store = MemoryStore()
    left, right = [{"id": 1, "v": 1, "w": 1}], [{"id": 1, "v": 2, "w": 2}]
    fields = [Field("v", owner="books"), "w"]
    ledger = DriftLedger(store, "shop", owner={"w": "shop team"})
    assert ledger.record(diff(left, right, fields=fields)).owners == {"books": 1, "shop team": 1}
    (item,) = ledger.items(owner="books")
    assert ledger.assign(item, "ann", note="ticket 17").owner == "ann"
    assert ledger.record(diff(left, right, fields=fields)).owners == {"ann": 1, "shop team": 1}
    (item,) = ledger.items(owner="ann")
    assert (item.note, item.state) == ("ticket 17", "persisting")
    assert "ann 1" in str(ledger.record(diff(left, right, fields=fields)))
    with pytest.raises(KeyError):
        ledger.assign("nobody", "ann")


def test_owner_as_a_function_sees_the_break():
    ledger = DriftLedger(MemoryStore(), "shop", owner=lambda found, field: f"{found.kind}:{field}")
    assert ledger.record(diff(rows(a=1, b=1), rows(a=2))).owners == {"changed:v": 1, "missing_right:None": 1}


def test_values_can_be_left_out():
    ledger = DriftLedger(MemoryStore(), "shop", values=False)
    ledger.record(diff(rows(a="secret"), rows(a="other")))
    (item,) = ledger.items()
    assert (item.left, item.right) == ("", "")


def test_a_run_that_was_interrupted_is_repeated_and_counts_nothing_twice():
    class Failing(MemoryStore):
        left = 3

        def commit(self, operations):
            Failing.left -= 1
            if Failing.left == 0:
                raise StoreError("the disk is gone")
            super().commit(operations)

    store = Failing()
    Failing.left = 10**9
    ledger = DriftLedger(store, "shop")
    ledger.record(diff(rows(a=1, b=1), rows(a=2, b=1)))
    # The lease, the sightings, then what closes: it fails there, and once more after that.
    for commits in (3, 4):
        Failing.left = commits
        with pytest.raises(StoreError):
            ledger.record(diff(rows(a=1, b=1), rows(a=1, b=2)))
        Failing.left = 10**9
    assert counts(ledger.record(diff(rows(a=1, b=1), rows(a=1, b=2)))) == (1, 0, 0, 1, 1)


def test_a_ledger_lives_in_a_file(tmp_path):
    for expected in ((1, 0, 0, 0, 1), (0, 1, 0, 0, 1)):
        ledger = DriftLedger(tmp_path / "state.db", "shop")
        assert counts(ledger.record(diff(rows(a=1), rows(a=2)))) == expected
        ledger.close()
    with SqliteStore(tmp_path / "state.db") as store:
        assert counts(DriftLedger(store, "other").record(diff(rows(a=1), rows(a=2)))) == (1, 0, 0, 0, 1)


def test_forgetting_what_was_resolved():
    ledger = DriftLedger(MemoryStore(), "shop")
    ledger.record(diff(rows(a=1), rows(a=2)))
    ledger.record(diff(rows(a=1), rows(a=1)))
    assert ledger.forget_resolved(datetime(2000, 1, 1, tzinfo=UTC)) == 0
    assert ledger.forget_resolved(datetime(3000, 1, 1, tzinfo=UTC)) == 1
    assert counts(ledger.record(diff(rows(a=1), rows(a=2)))) == (1, 0, 0, 0, 1)


def test_wrong_arguments_of_a_ledger():
    with pytest.raises(ConfigurationError, match="as text"):
        DriftLedger(MemoryStore(), "")
    with pytest.raises(ConfigurationError, match="owner"):
        DriftLedger(MemoryStore(), "a", owner=3)
    ledger = DriftLedger(MemoryStore(), "a")
    with pytest.raises(ConfigurationError, match="takes the Diff"):
        ledger.record([])
    ledger.record(diff(rows(a=1), rows(a=1)))
    with pytest.raises(ConfigurationError, match=r"is of records by \['id'\]"):
        ledger.record(reconcile([], [], key="other"))


# ---------------------------------------------------------------------------------------------------- identity


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (1, Decimal("1.0")),
        (1.5, Decimal("1.500")),
        (0, Decimal("-0.00")),
        (10**25, Decimal("1E+25")),
        (datetime(2026, 3, 1, 12, tzinfo=UTC), datetime(2026, 3, 1, 13, tzinfo=timezone(timedelta(hours=1)))),
        ({"a": 1, "b": 2}, {"b": 2.0, "a": 1}),
    ],
)
def test_the_same_key_written_otherwise_is_the_same_item(before, after):
    ledger = DriftLedger(MemoryStore(), "shop")
    ledger.record(diff([{"id": before, "v": 1}], [{"id": before, "v": 2}]))
    assert counts(ledger.record(diff([{"id": after, "v": 1}], [{"id": after, "v": 2}]))) == (0, 1, 0, 0, 1)


NASTY = [
    *(42, "42", Decimal("4.2"), True, "true", b"42", "0x3432", date(2026, 3, 1), datetime(2026, 3, 1), datetime(2026, 3, 1, tzinfo=UTC)),
    *(UUID(int=42), str(UUID(int=42)), (1, "1"), ("1", 1), [1, 2], "[1,2]", frozenset({1, 2}), timedelta(1), time(1), 10**400, -42),
    *("\udc80", "\\udc80", "a\x1fv", "a", 'a"', "\x00", "\u00e9", "e\u0301", "x" * 1_000_000, "x" * 1_000_001, "", ik.Money("1", "EUR"), 10**5000),
]


def test_keys_of_all_types_are_told_apart_and_known_again(tmp_path):
    left = [{"id": key, "v": 1} for key in NASTY]
    right = [{"id": key, "v": 2} for key in NASTY]
    for expected in ((len(NASTY), 0), (0, len(NASTY))):
        with DriftLedger(tmp_path / "state.db", "shop") as ledger:
            found = ledger.record(diff(left, right))
            assert (found.new, found.persisting) == expected
            assert found.open == len(list(ledger.items())) == len(NASTY)
            assert str(found)
            json.dumps([item.to_dict() for item in ledger.items()])
            assert "x" in ledger.table(100)


def test_keys_are_known_as_the_comparison_takes_them():
    ledger = DriftLedger(MemoryStore(), "shop")
    key = Key("a", "b", right=("x", "y"), ignore_case=True, blanks="trim")

    def one(a, b):
        return reconcile([{"a": a, "b": b, "v": 1}], [{"x": a.upper(), "y": b, "v": 2}], key=key)

    ledger.record(one("Q", 1))
    assert counts(ledger.record(one(" q ", Decimal("1.0")))) == (0, 1, 0, 0, 1)
    (item,) = ledger.items()
    assert item.key == ("Q", 1)


def test_names_of_fields_may_hold_anything():
    names = ["v", "kind", "field", "\x1f", "v\x1ffield", "\udc80", "\\udc80", "", "missing_right"]
    ledger = DriftLedger(MemoryStore(), "shop")
    left, right = {"id": 1, **dict.fromkeys(names, 1)}, {"id": 1, **dict.fromkeys(names, 2)}
    for expected in ((len(names), 0), (0, len(names))):
        found = ledger.record(diff([left], [right]))
        assert (found.new, found.persisting) == expected
    assert {item.field for item in ledger.items()} == set(names)


def test_records_without_a_key_that_hold_the_same_are_one_item_however_many_there_are():
    ledger = DriftLedger(MemoryStore(), "shop")
    left = [{"id": None, "v": 1}] * 1200
    assert counts(ledger.record(diff(left, []))) == (1, 0, 0, 0, 1)
    assert counts(ledger.record(diff(left, []))) == (0, 1, 0, 0, 1)


def test_composite_keys_with_a_null_part_are_known_by_what_their_records_hold():
    ledger = DriftLedger(MemoryStore(), "shop")
    left = [{"a": None, "b": 1, "v": n} for n in range(3)]
    assert ledger.record(reconcile(left, [], key=["a", "b"])).new == 3


def test_without_values_nothing_of_them_is_kept(tmp_path):
    path = tmp_path / "state.db"
    with DriftLedger(path, "shop", values=False) as ledger:
        left = [
            {"id": 1, "v": "zebra-secret", "w": float("nan")},
            {"id": None, "v": "zebra-secret"},
            {"id": None, "v": "zebra-secret"},
            {"id": 2, "v": "zebra-secret"},
            {"id": 3, "v": "zebra-secret"},
            {"id": 3, "v": "zebra-secret"},
            "zebra-secret",
        ]
        fields = [Field("v", normalise=lambda value: value if value == "x" else int(value))]
        assert ledger.record(diff(left, [{"id": 1, "v": "x"}], fields=fields)).new == 6
        assert ledger.record(diff(left[1:], [{"id": 1, "v": "x"}], fields=fields)).persisting >= 4
        for item in [*ledger.items(), *ledger.items(resolved=True)]:
            assert "zebra" not in str(item.to_dict())
            assert item.left == item.right == ""
    for file in tmp_path.iterdir():
        assert b"zebra" not in file.read_bytes()


def test_of_what_has_no_field_the_reason_is_kept():
    ledger = DriftLedger(MemoryStore(), "shop")
    ledger.record(diff([{"id": None, "v": 1}, "no record"], []))
    assert all(item.cause for item in ledger.items())


# ---------------------------------------------------------------------------------------------------- interruptions


def test_a_run_that_broke_off_leaves_no_trace_also_when_the_next_one_finds_something_else():
    store = MemoryStore()
    ledger = DriftLedger(store, "shop")
    ledger.record(diff(rows(a=1, b=1, c=1, d=1), rows(a=2, b=2, c=1, d=1)))
    ledger.record(diff(rows(a=1, b=1, c=1, d=1), rows(a=2, b=1, c=1, d=1)))
    before = [*ledger.items()], [*ledger.items(resolved=True)]

    def fail(found, field):
        if found.key == "d":
            raise RuntimeError("the directory of people is away")

    failing = DriftLedger(store, "shop", owner=fail)
    for size in (1, 1300):
        # a is resolved, b comes back, c is new, and then it breaks off: in the first batch, or after some.
        extra = {f"c{n}": 1 for n in range(size)}
        with pytest.raises(ConfigurationError, match=r"function failed for the break of 'd' \(v\): RuntimeError: the directory of people is away"):
            failing.record(diff(rows(a=1, b=1, c=1, **extra, d=1), rows(a=1, b=2, c=2, **dict.fromkeys(extra, 2), d=2)))
        assert ([*ledger.items()], [*ledger.items(resolved=True)]) == before
    # What the broken attempts saw is not there any more: neither new nor resolved, and a has never been away.
    assert counts(ledger.record(diff(rows(a=1, b=1), rows(a=2, b=1)))) == (0, 1, 0, 0, 1)
    (item,) = ledger.items()
    assert (item.key, item.times, item.reopenings) == ("a", 3, 0)
    assert [item.key for item in ledger.items(resolved=True)] == ["b"]
    assert [counts(drift) for drift in ledger.history()] == [(2, 0, 0, 0, 2), (0, 1, 0, 1, 1), (0, 1, 0, 0, 1)]


KILLED = """
import os, sys
from integrakit.reconciliation import DriftLedger, reconcile
from integrakit.state import SqliteStore

class Killed(SqliteStore):
    commits = 0
    def commit(self, operations):
        Killed.commits += 1
        if Killed.commits == int(sys.argv[2]):
            os.kill(os.getpid(), 9)
        super().commit(operations)

rows = [[{"id": n, "v": v} for n in range(1200)] for v in (1, 2)]
DriftLedger(Killed(sys.argv[1]), "shop").record(reconcile(*rows, key="id"))
"""


@pytest.mark.parametrize("commit", [3, 6])
def test_a_process_that_is_killed_in_the_middle_holds_nobody_up_and_counts_for_nothing(tmp_path, commit):
    path = tmp_path / "state.db"
    with DriftLedger(path, "shop") as ledger:
        ledger.record(diff([{"id": 0, "v": 1}], [{"id": 0, "v": 2}]))
        killed = subprocess.run([sys.executable, "-c", KILLED, str(path), str(commit)], capture_output=True, check=False)
        assert killed.returncode == -9, killed.stderr
        assert [item.key for item in ledger.items()] == [0]
        found = ledger.record(diff([{"id": n, "v": 1} for n in range(700)], [{"id": n, "v": 2} for n in range(700)]))
        assert counts(found) == (699, 1, 0, 0, 700)
        assert found.run == 2


def test_one_process_at_a_time():
    store = MemoryStore()

    def inner(found, field):
        with pytest.raises(LeaseHeld):
            DriftLedger(store, "shop").record(diff(rows(a=1), rows(a=2)))
        with pytest.raises(LeaseHeld):
            DriftLedger(store, "shop").forget_resolved(datetime(3000, 1, 1, tzinfo=UTC))
        return "ann"

    ledger = DriftLedger(store, "shop", owner=inner)
    assert counts(ledger.record(diff(rows(a=1), rows(a=2)))) == (1, 0, 0, 0, 1)
    assert counts(DriftLedger(store, "shop").record(diff(rows(a=1), rows(a=2)))) == (0, 1, 0, 0, 1)


def test_who_is_so_slow_that_another_one_took_over_is_told_and_nothing_is_counted_twice():
    store = MemoryStore()

    async def slow():
        world = ik.runtime()

        def owner(found, field):
            store.commit([Delete("leases", "drift:shop")])  # as if it had run out
            DriftLedger(store, "shop").record(diff(rows(a=1), rows(a=2)))
            return "ann"

        with pytest.raises(LeaseHeld, match="taken over by another process"):
            await DriftLedger(store, "shop", owner=owner).arecord(diff(rows(a=1, b=1), rows(a=2)))
        return world.wall()

    ik.run(slow())
    ledger = DriftLedger(store, "shop")
    assert [(item.key, item.owner) for item in ledger.items()] == [("a", None)]
    assert counts(ledger.record(diff(rows(a=1), rows(a=2)))) == (0, 1, 0, 0, 1)


def test_what_is_read_and_assigned_while_a_run_is_recorded_holds():
    store = MemoryStore()
    ledger = DriftLedger(store, "shop")
    many = {f"r{n:04}": 1 for n in range(700)}
    ledger.record(diff(rows(a=1, **many), rows(a=2, **many)))
    seen = []

    def owner(found, field):
        if found.key in ("a", "r0600"):
            seen.append([(item.key, item.times, item.owner) for item in ledger.items()])
            (item,) = ledger.items()
            ledger.assign(item, "ann", note=f"while {found.key}")
        return "somebody"

    drift = DriftLedger(store, "shop", owner=owner).record(diff(rows(a=1, **many), rows(a=2, **dict.fromkeys(many, 2))))
    assert seen == [[("a", 1, None)], [("a", 1, "ann")]]
    assert drift.owners == {"somebody": 700, "ann": 1}
    assert [(item.note, item.times) for item in ledger.items(owner="ann")] == [("while r0600", 2)]
    (item,) = ledger.items(owner="ann")
    assert ledger.assign(item, "").owner == "somebody"
    with pytest.raises(ConfigurationError, match="takes text"):
        ledger.assign(item, 3)


# ---------------------------------------------------------------------------------------------------- in flight, time


def in_flight(left, right, late):
    now = datetime.now(UTC)
    stamped = [[{**row, "at": now if row["id"] in late else datetime(2026, 1, 1, tzinfo=UTC)} for row in side] for side in (left, right)]
    return reconcile(*stamped, key="id", fields=["v", "w"], settle=Settle(3600, "at"))


def test_a_record_in_flight_is_left_as_it_was_in_all_its_fields():
    ledger = DriftLedger(MemoryStore(), "shop")
    left = [{"id": "a", "v": 1, "w": 1}, {"id": "b", "v": 1, "w": 1}]
    ledger.record(in_flight(left, [{"id": "a", "v": 2, "w": 2}], ()))
    # a differs in w only, b is there and differs: both changed just now, so nothing can be said.
    found = in_flight(left, [{"id": "a", "v": 1, "w": 3}, {"id": "b", "v": 1, "w": 7}], ("a", "b"))
    assert len(found.in_flight()) == 2
    assert counts(ledger.record(found)) == (0, 0, 0, 0, 3)
    assert {(item.key, item.times, item.state) for item in ledger.items()} == {("a", 1, "new"), ("b", 1, "new")}
    assert counts(ledger.record(in_flight(left, left, ()))) == (0, 0, 0, 3, 0)


def test_a_clock_that_was_set_back_makes_no_negative_ages():
    ledger = DriftLedger(MemoryStore(), "shop")

    def on(day, value):
        async def once():
            return await ledger.arecord(diff(rows(a=1), rows(a=value)))

        return simulate(once, start=datetime(2026, 3, day, tzinfo=UTC))

    on(9, 2)
    assert on(2, 2).ages["under 1 day"] == 1
    on(1, 1)
    (item,) = ledger.items(resolved=True)
    assert item.age(datetime(2026, 3, 9, tzinfo=UTC)) == timedelta(0)


def test_all_worlds(world, tmp_path):
    async def body():
        with DriftLedger(tmp_path / "state.db", "shop") as ledger, ParallelRun(tmp_path / "state.db", "erp", days=1) as run:
            for expected in ((1, 0, 0, 0, 1), (0, 1, 0, 0, 1)):
                found = await areconcile(rows(a=1), rows(a=2), key="id")
                assert counts(await ledger.arecord(found)) == expected
                assert not (await run.arecord(found)).safe
            assert await ledger.aforget_resolved(datetime(2000, 1, 1, tzinfo=UTC)) == 0

    world(body)


# ---------------------------------------------------------------------------------------------------- owners, asking


def test_what_is_said_of_a_field_comes_before_what_is_said_of_all():
    left, right = [{"id": 1, "v": 1, "w": 1}, {"id": 2}], [{"id": 1, "v": 2, "w": 2}]
    fields = [Field("v", owner="books"), "w"]
    owners = {
        "team": {("v", "books"), ("w", "team"), (None, "team")},
        None: {("v", "books"), ("w", None), (None, None)},
    }
    for owner, expected in owners.items():
        ledger = DriftLedger(MemoryStore(), "shop", owner=owner)
        ledger.record(diff(left, right, fields=fields))
        assert {(item.field, item.owner) for item in ledger.items()} == expected
    ledger = DriftLedger(MemoryStore(), "shop", owner={"changed": "all", "v": "v's", "missing_right": "gaps"})
    ledger.record(diff(left, right, fields=fields))
    assert {(item.field, item.owner) for item in ledger.items()} == {("v", "v's"), ("w", "all"), (None, "gaps")}


def test_an_owner_function_that_gives_no_name_is_refused():
    with pytest.raises(ConfigurationError, match=r"the function gave 3 for the break of 'a' \(v\)"):
        DriftLedger(MemoryStore(), "shop", owner=lambda found, field: 3).record(diff(rows(a=1), rows(a=2)))
    with pytest.raises(ConfigurationError, match="owner"):
        DriftLedger(MemoryStore(), "shop", owner={"v": 3})


def test_items_are_chosen_by_owner_field_kind_state_and_age():
    ledger = DriftLedger(MemoryStore(), "shop", owner={"v": "ann"})

    async def some_days():
        for right in ([{"id": 1, "v": 2, "w": 2}], [{"id": 1, "v": 1, "w": 2}], [{"id": 1, "v": 3, "w": 2}]):
            await ledger.arecord(diff([{"id": 1, "v": 1, "w": 1}, {"id": 2}], right))
            await ik.runtime().sleep(86400)

        def keys(**options):
            return [(item.key, item.field) for item in ledger.items(**options)]

        assert keys() == [(1, "v"), (1, "w"), (2, None)]
        assert keys(owner="ann") == keys(state="reopened") == [(1, "v")]
        assert keys(owner="") == keys(state="persisting") == keys(age=timedelta(days=2)) == [(1, "w"), (2, None)]
        assert keys(field="w") == [(1, "w")]
        assert keys(kind="missing_right") == [(2, None)]
        assert keys(resolved=True) == keys(state="resolved") == []
        assert [(item.key, item.field) for item in ledger.oldest(2)] == [(1, "w"), (2, None)]
        return ledger.table()

    table = simulate(some_days, start=datetime(2026, 3, 1, tzinfo=UTC)).splitlines()
    assert table[0].split() == ["age", "key", "what", "left", "right", "times", "owner", "note"]
    assert table[1].split() == ["3", "d", "1", "w", "1", "2", "3"]
    assert table[-1].split() == ["1", "d", "1", "v", "1", "3", "2", "ann"]
    for wrong in ({"age": 3},):
        with pytest.raises(ConfigurationError):
            list(ledger.items(**wrong))
    with pytest.raises(ConfigurationError):
        ledger.oldest(-1)
    with pytest.raises(ConfigurationError, match="aware"):
        ledger.forget_resolved(datetime(2026, 1, 1))


def test_a_store_that_was_given_stays_open():
    store = MemoryStore()
    with DriftLedger(store, "shop") as ledger, ParallelRun(store, "erp"):
        ledger.record(diff(rows(a=1), rows(a=2)))
    assert store.get("drift", "shop") is not None


states = st.lists(st.dictionaries(st.sampled_from("abc"), st.integers(0, 2), max_size=3), min_size=1, max_size=6)


@settings(max_examples=30)
@given(states)
def test_the_ledger_agrees_with_a_memory_of_sets(rights):
    ledger = DriftLedger(MemoryStore(), "shop")
    left, before, ever = dict.fromkeys("abc", 1), set(), set()
    for right in rights:
        drift = ledger.record(diff(rows(**left), rows(**right)))
        now = {name for name in "abc" if right.get(name) != 1}
        now = {(name, "v" if name in right else "missing_right") for name in now}
        assert counts(drift) == (len(now - ever), len(now & before), len((now & ever) - before), len(before - now), len(now))
        before, ever = now, ever | now


# ---------------------------------------------------------------------------------------------------- parallel runs


def series(days, *, needed=3, start=date(2026, 3, 2), **options):
    """Runs of some days, each a list of the breaks of its reconciliations; None: no run. Gives the last status."""
    run = ParallelRun(MemoryStore(), "erp", days=needed, **options)

    async def all_days():
        for breaks in days:
            for count in breaks or ():
                right = [{"id": i, "v": 0 if i < count else 1} for i in range(10)]
                await run.arecord(diff([{"id": i, "v": 1} for i in range(10)], right))
            await ik.runtime().sleep(86400)
        return run.status()

    status = simulate(all_days, start=datetime.combine(start, datetime.min.time(), UTC) + timedelta(hours=12))
    return status, list(run.history())


def test_days_in_a_row_and_the_word_when_it_is_safe():
    status, history = series([[1], [0], [0], [0]])
    assert (status.days_in_a_row, status.safe) == (3, True)
    # Lists cannot prove that they are complete.
    assert str(status) == (
        "erp: 3 of 3 days in a row within the rule; cut-over is safe: every day since 2026-03-03; "
        "on 3 of them not every read proved that it was complete"
    )
    assert [day.accepted for day in history] == [False, True, True, True]


def test_one_bad_run_spoils_its_day_and_the_series():
    status, history = series([[0], [0], [0, 2, 0]])
    assert (status.days_in_a_row, status.safe) == (0, False)
    assert "1 of 3" not in str(status)
    assert history[-1].runs == 3


def test_a_day_without_a_run_ends_the_series_unless_it_does_not_count():
    # The 7th and the 8th of March 2026 are a weekend.
    days = [[0], [0], None, None, [0]]
    status, _ = series(days, start=date(2026, 3, 5))
    assert (status.days_in_a_row, status.safe) == (1, False)
    assert "nothing was compared on 2026-03-08" in str(status)
    status, _ = series(days, start=date(2026, 3, 5), counts=lambda day: day.weekday() < 5)
    assert (status.days_in_a_row, status.safe) == (3, True)


def test_the_rule_decides_what_is_a_good_day():
    status, _ = series([[1], [1], [1]], accept=Accept(breaks=1))
    assert status.safe
    status, _ = series([[1], [1], [2]], accept=Accept(breaks=1))
    assert not status.safe


def test_comparing_nothing_proves_nothing():
    run = ParallelRun(MemoryStore(), "erp", days=1)
    status = run.record(diff([], []))
    assert not status.safe
    assert "fewer than 1 records on a side could be compared" in str(status)


def test_another_rule_begins_anew():
    store = MemoryStore()
    assert ParallelRun(store, "erp", days=1, accept=Accept(breaks=5)).record(diff(rows(a=1), rows(a=2))).safe
    assert not ParallelRun(store, "erp", days=1, accept=Accept(breaks=4)).status().safe


def test_nothing_yet():
    status = ParallelRun(MemoryStore(), "erp").status()
    assert (status.days_in_a_row, status.safe, status.why) == (0, False, "nothing was compared yet")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"name": ""}, "as text"),
        ({"days": 0}, "days"),
        ({"days": 5000}, "at most 3,660"),
        ({"gap": 0}, "gap"),
        ({"records": -1}, "records"),
        ({"accept": 3}, "accept"),
        ({"zone": "Mars"}, "IANA"),
        ({"counts": 3}, "counts"),
    ],
)
def test_wrong_arguments_of_a_parallel_run(options, words):
    with pytest.raises(ConfigurationError, match=words):
        ParallelRun(MemoryStore(), **{"name": "erp", **options})
    with pytest.raises(ConfigurationError, match="takes the Diff"):
        ParallelRun(MemoryStore(), "erp").record(None)


def test_what_was_safe_is_not_safe_months_later():
    run = ParallelRun(MemoryStore(), "erp", days=1, counts=lambda day: False if day.year > 2026 else day.weekday() < 5)

    async def later():
        # A Friday; the calendar of working days that the team wrote ends with the year.
        assert (await run.arecord(diff(rows(a=1), rows(a=1)))).safe
        await ik.runtime().sleep(3 * 86400)
        assert run.status().safe
        await ik.runtime().sleep(90 * 86400)
        return run.status()

    status = simulate(later, start=datetime(2026, 12, 18, 12, tzinfo=UTC))
    assert not status.safe
    assert status.why == "nothing was compared for more than 7 days"


def test_a_day_that_does_not_count_adds_nothing_but_may_still_spoil_the_series():
    weekdays = {"counts": lambda day: day.weekday() < 5}
    status, _ = series([[0]] * 5, start=date(2026, 3, 5), **weekdays)
    assert (status.days_in_a_row, status.safe) == (3, True)
    status, _ = series([[0], [0], [1], [0], [0]], start=date(2026, 3, 5), **weekdays)
    assert status.days_in_a_row == 1
    with pytest.raises(ConfigurationError, match="function failed for"):
        series([[0]], counts=lambda day: 1 / 0)


def test_a_bad_run_is_not_forgotten_by_trying_another_rule_in_between():
    store = MemoryStore()
    strict, loose = (lambda: ParallelRun(store, "erp", days=1)), ParallelRun(store, "erp", days=1, accept=Accept(breaks=5))
    assert not strict().record(diff(rows(a=1), rows(a=2))).safe
    assert loose.record(diff(rows(a=1), rows(a=2))).safe
    assert not strict().record(diff(rows(a=1), rows(a=1))).safe
    assert [(day.accepted, day.runs, day.breaks) for day in loose.history()] == [(False, 2, 1), (True, 1, 1)]
    # The same rule, said in another order, goes on; a demand for more records is another rule.
    fields = {"v": None, "w": 0}
    assert ParallelRun(store, "b", days=1, accept=Accept(fields=fields)).record(diff(rows(a=1), rows(a=1))).safe
    assert ParallelRun(store, "b", days=1, accept=Accept(fields=dict(reversed(fields.items())))).status().safe
    assert not ParallelRun(store, "b", days=1, accept=Accept(fields=fields), records=9).status().safe


def test_the_day_is_that_of_the_zone_also_when_clocks_change():
    store = MemoryStore()

    async def hours():
        run = ParallelRun(store, "erp", days=3, zone="Europe/Berlin")
        for _ in range(72):
            await run.arecord(diff(rows(a=1), rows(a=1)))
            await ik.runtime().sleep(3600)
        return [(day.day.isoformat(), day.runs) for day in run.history()]

    # Midnight in Berlin before the day with 23 hours.
    found = simulate(hours, start=datetime(2026, 3, 28, 23, tzinfo=UTC))
    assert found == [("2026-03-29", 23), ("2026-03-30", 24), ("2026-03-31", 24), ("2026-04-01", 1)]


def test_days_that_lie_ahead_make_nothing_safe():
    store = MemoryStore()

    def on(start):
        async def once():
            return await ParallelRun(store, "erp", days=1).arecord(diff(rows(a=1), rows(a=1)))

        return simulate(once, start=start)

    on(datetime(2026, 3, 9, 0, 1, tzinfo=UTC))
    assert on(datetime(2026, 3, 8, 23, 59, tzinfo=UTC)).safe  # another machine, whose clock is slow
    on(datetime(2099, 1, 1, tzinfo=UTC))
    status = on(datetime(2026, 3, 10, tzinfo=UTC))
    assert not status.safe
    assert "is the clock right" in status.why


def test_what_is_too_new_to_be_judged_and_what_was_not_read_completely_proves_nothing():
    run = ParallelRun(MemoryStore(), "erp", days=1)
    side = [{"id": 1, "v": 1, "w": 1}]
    status = run.record(in_flight(side, [{"id": 1, "v": 2, "w": 1}], (1,)))
    assert not status.safe
    assert "fewer than 1 records on a side could be compared" in status.why

    found = diff(rows(a=1), rows(a=1))
    partly = evolve(found._findings, evidence=evolve(found.evidence, left=Evidence(complete=False, reasons=("a page is missing",))))
    status = ParallelRun(MemoryStore(), "erp", days=1).record(Diff(partly))
    assert not status.safe
    assert "the left side was not read completely: a page is missing" in status.why


def test_several_processes_record_at_once(tmp_path):
    with ParallelRun(tmp_path / "state.db", "erp", days=1) as one, ParallelRun(tmp_path / "state.db", "erp", days=1) as other:
        same = diff(rows(a=1), rows(a=1))
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda number: (one, other)[number % 2].record(same), range(12)))
        assert [day.runs for day in one.history()] == [12]
