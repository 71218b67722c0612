"""Two files of JSON lines compared side by side: a line that stands in both is decoded once, and nothing else changes by that."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import integrakit as ik
from integrakit.errors import DecodeError
from integrakit.files.json_lines import Recent
from integrakit.runtimes import drive


def written(path, records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


async def both(left, right):
    """The records of two files read page by page in turns, side by side."""
    recent = Recent()
    readers, found = [left.open_read(recent=recent), right.open_read(recent=recent)], ([], [])
    going = {0, 1}
    while going:
        for side in sorted(going):
            page = await readers[side].next_page()
            if page is None:
                going.discard(side)
            else:
                found[side].extend(page.records)
    return found


lines = st.lists(
    st.sampled_from(['{"a": 1}', '{"a": 1.10}', '{"a": true}', ' {"a": 1}', '{"a": 1} ', "", "  ", '{"b": [1.5, null, {"c": "é"}]}']), max_size=12
)


@settings(max_examples=60)
@given(lines, lines, st.integers(1, 4))
def test_the_same_records_as_one_by_one(tmp_path_factory, left, right, size):
    folder = tmp_path_factory.mktemp("lines")
    files = []
    for name, each in (("left", left), ("right", right)):
        (folder / name).write_text("\n".join(each), encoding="utf-8")
        files.append(ik.JsonLines(folder / name, page_size=size))
    assert [repr(side) for side in drive(both(*files))] == [repr(list(file)) for file in files]


def test_a_line_that_stands_in_both_is_one_record(tmp_path):
    files = [ik.JsonLines(written(tmp_path / name, [{"id": 1, "v": 1.5}, {"id": 2, "v": side}])) for side, name in enumerate("ab")]
    left, right = drive(both(*files))
    assert left[0] is right[0]
    assert left[0] == {"id": 1, "v": Decimal("1.5")}
    assert (left[1], right[1]) == ({"id": 2, "v": 0}, {"id": 2, "v": 1})


def test_files_with_nothing_in_common_stop_trying(tmp_path, monkeypatch):
    monkeypatch.setattr("integrakit.files.json_lines._RECENT", 10)
    recent = Recent()
    file = ik.JsonLines(written(tmp_path / "a", [{"id": number} for number in range(200)]))

    async def read():
        reader = file.open_read(recent=recent)
        while await reader.next_page() is not None:
            pass

    drive(read())
    assert not recent.useful
    assert len(recent) == 0


@pytest.mark.parametrize("engine", ["merge", "auto"])
def test_a_bad_line_is_named_whichever_side_it_is_on(tmp_path, engine):
    good = written(tmp_path / "good.jsonl", [{"id": number} for number in range(5)])
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"id": 0}\n{"id": 1}\n{"id": \n', encoding="utf-8")
    for sides in ((good, bad), (bad, good)):
        with pytest.raises(DecodeError, match=r"bad\.jsonl, line 3"):
            ik.reconcile(*sides, key="id", engine=engine)


def test_repeated_lines_are_duplicates_all_the_same(tmp_path):
    left = written(tmp_path / "a.jsonl", [{"id": 1, "v": 1}, {"id": 1, "v": 1}, {"id": 2, "v": 1}])
    right = written(tmp_path / "b.jsonl", [{"id": 1, "v": 1}, {"id": 2, "v": 1}])
    for engine in ("merge", "dict"):
        diff = ik.reconcile(left, right, key="id", engine=engine)
        assert [(found.key, found.kind) for found in diff.breaks()] == [(1, "duplicate")]


def test_files_read_with_other_options_are_decoded_each_by_its_own(tmp_path):
    files = [written(tmp_path / name, [{"id": 1, "v": 0.1}]) for name in ("a.jsonl", "b.jsonl")]
    diff = ik.reconcile(ik.JsonLines(files[0], decimals=False), ik.JsonLines(files[1]), key="id", engine="merge")
    assert diff.matches
