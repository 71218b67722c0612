"""What was last written: keys that stay apart, fingerprints that do not see field order, differences that wipe nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrakit.state import MemoryStore
from integrakit.writing import Remembered, Written, differences, fingerprint, key_text

KEYS = [
    42,
    "42",
    42.5,
    "",
    "a\x00b",
    "\\xed\\xa0\\x80",
    "é",
    "e\u0301",
    "\ud800",
    ("a", "b"),
    ("a,b",),
    ('a","b',),
    True,
    None,
    Decimal("42"),
    date(2026, 1, 1),
    b"42",
    2**80,
]


def test_different_keys_have_different_texts() -> None:
    texts = [key_text(key) for key in KEYS]
    assert len(set(texts)) == len(KEYS)
    for text in texts:
        text.encode()  # no store takes a lone surrogate


def test_fingerprints_do_not_see_the_order_of_fields() -> None:
    assert fingerprint({"a": 1, "b": {"c": 2, "d": 3}}) == fingerprint({"b": {"d": 3, "c": 2}, "a": 1})
    assert fingerprint({"a": [1, 2]}) != fingerprint({"a": [2, 1]})
    for one, other in [(1, "1"), (1, 1.0), (None, ""), (True, 1), (Decimal("1.0"), 1.0), (0.1, Decimal("0.1"))]:
        assert fingerprint({"a": one}) != fingerprint({"a": other}), (one, other)


def test_differences() -> None:
    before = {"a": 1, "b": None, "c": [1], "gone": 5}
    assert differences(before, {"a": 1, "b": None, "c": [1]}) == {}
    assert differences(before, {"a": 1.0, "b": "", "c": [1, 2], "new": None}) == {"a": 1.0, "b": "", "c": [1, 2], "new": None}


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.decimals(allow_nan=False) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(before=st.dictionaries(st.text(), values, max_size=4), now=st.dictionaries(st.text(), values, max_size=4))
def test_a_patch_makes_now_of_before(before: dict[str, Any], now: dict[str, Any]) -> None:
    patched = {**before, **differences(before, now)}
    assert fingerprint({name: patched[name] for name in now}) == fingerprint(now)


WRITTEN = Written(key=("a", 1), fingerprint="f", count=3, remote_key="r", at="2026", order=(4, 5), record={"when": datetime(2026, 1, 1, tzinfo=UTC)})


@pytest.mark.parametrize("remember", ["record", "fingerprint"])
def test_what_is_remembered_comes_back(remember: Any) -> None:
    store = MemoryStore()
    remembered = Remembered(store, "s", remember)
    store.commit(remembered.put({"k": WRITTEN}))
    assert remembered.count() == 1
    (found,) = remembered.read(["k", "other"]).values()
    assert found.record == (WRITTEN.record if remember == "record" else None)
    assert (found.key, found.fingerprint, found.count, found.remote_key, found.at, found.order) == (("a", 1), "f", 3, "r", "2026", (4, 5))
    assert [key for key, _ in remembered.all()] == ["k"]
    store.commit(remembered.forget(["k"]))
    assert remembered.count() == 0
    assert remembered.put({}) == [] == remembered.forget([])
    assert Remembered(store, "other", "record").count() == 0


@given(written=st.sets(st.integers(0, 30)), seen=st.sets(st.integers(0, 30)))
def test_the_unseen_are_those_that_were_written_and_not_seen(written: set[int], seen: set[int]) -> None:
    store = MemoryStore()
    remembered = Remembered(store, "s", "record")
    store.commit(remembered.put({key_text(key): Written(key=key, fingerprint="") for key in written}))
    store.commit(remembered.mark_seen([key_text(key) for key in seen]))
    assert {was.key for _, was in remembered.unseen()} == written - seen
    store.commit(remembered.clear_seen())
    assert {was.key for _, was in remembered.unseen()} == written
    assert remembered.mark_seen([]) == []
