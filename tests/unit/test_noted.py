"""Texts and numbers on disk: what a plan looks up."""

from __future__ import annotations

import sqlite3

import pytest

from integrakit.errors import StoreError
from integrakit.writing import Noted
from integrakit.writing.noted import MANY


def test_the_latest_number_of_a_text_counts() -> None:
    noted = Noted()
    noted.put({"a": 1, "b": -1})
    noted.put({"a": 7})
    noted.put({})
    assert noted.get(["a", "b", "c"]) == {"a": 7, "b": -1}
    assert noted.get([]) == {}
    noted.close()
    noted.close()


def test_more_than_one_query_takes() -> None:
    noted = Noted()
    wanted = {f"key {number}": number for number in range(3 * MANY + 1)}
    noted.put(wanted)
    assert noted.get(wanted) == wanted


def test_a_full_disk_is_a_store_error() -> None:
    noted = Noted()
    noted._connection.execute("PRAGMA max_page_count = 3")
    with pytest.raises(StoreError, match="temporary file for a plan") as caught:
        noted.put({"x" * 1000 + str(number): number for number in range(1000)})
    assert isinstance(caught.value.__cause__, sqlite3.Error)
