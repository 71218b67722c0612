"""What a diff hands out: breaks, text, JSON, HTML, Arrow, changes."""

from __future__ import annotations

import gc
import html.parser
import json
import re
import sys
import threading
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import attrs
import pytest

from integrakit.errors import ConfigurationError
from integrakit.reconciliation import Break, Diff, Field, Key, reconcile
from integrakit.reconciliation.breaks import Log
from integrakit.reconciliation.reports.showing import amount, plain, show
from integrakit.reconciliation.rules.totals import Total, measure
from integrakit.unset import UNSET

np = pytest.importorskip("numpy", reason="needs numpy")

LEFT: list[Any] = [
    {"id": 1, "name": "Ann", "total": Decimal("1000.10"), "at": datetime(2026, 1, 1, tzinfo=UTC)},
    {"id": 2, "name": "Bob", "total": Decimal("20.00"), "at": datetime(2026, 1, 1, tzinfo=UTC)},
    {"id": 3, "name": "Cy", "total": Decimal("3.00"), "at": datetime(2026, 1, 1, tzinfo=UTC)},
    {"id": None, "name": "?", "total": Decimal("1.00"), "at": None},
    "no record",
]
RIGHT: list[Any] = [
    {"id": 1, "name": "ANN", "total": 1000.1, "at": datetime(2026, 1, 1, 1, tzinfo=UTC)},
    {"id": 2, "name": "Bob", "total": 20, "at": datetime(2026, 1, 1, tzinfo=UTC)},
    {"id": 4, "name": "<script>alert(1)</script>", "total": 7, "at": None},
    {"id": 5, "name": "x", "total": 1, "at": None},
    {"id": 5, "name": "y", "total": 1, "at": None},
]


@pytest.fixture(name="diff")
def _diff() -> Diff:
    return reconcile(LEFT, RIGHT, key="id")


def test_the_text_says_the_verdict_first(diff: Diff) -> None:
    assert (
        str(diff)
        == """\
The two sides do NOT match: 1 differ, 1 only on the left, 1 only on the right, 1 with repeated keys that do not agree, 1 without a key, 1 cannot be \
compared.

  left           5
  right          5
  matched        2
  equal          1
  changed        1
  missing left   1  (on the right only)
  missing right  1  (on the left only)
  duplicates     1  (keys that stand more than once)
  null keys      1
  invalid        1

  control totals      left    right  difference
  total           1,024.10  1,029.1       -5.00

fields that differ
  name: 1 (case 1)
  at: 1 (timezone shift 1)

likely causes
  case: Only upper and lower case differ, blanks and Unicode forms aside.
  timezone shift: The times are apart by whole hours, halves or quarters, as clocks of two time zones or of summer and winter are.

note: neither side can prove that it was read completely

breaks
  1: different values: name: 'Ann' / 'ANN' (case); at: 2026-01-01T00:00:00+00:00 / 2026-01-01T01:00:00+00:00 (timezone shift)
  3: only on the left: {'id': 3, 'name': 'Cy', 'total': 3.00, 'at': 2026-01-01T00:00:00+00:00}
  4: only on the right: {'id': 4, 'name': '<script>alert(1)</script>', 'total': 7, 'at': null}
  5: key more than once: 0 on the left, 2 on the right, 0 agree; without a partner: () / ({'id': 5, 'name': 'x', 'total': 1, 'at': null}, \
{'id': 5, 'name': 'y', 'total': 1, 'at': null})
  null: no key: id is null: {'id': null, 'name': '?', 'total': 1.00, 'at': null}
  null: cannot be compared: a record is a dict or an attrs instance, not a str: 'no record'"""
    )
    assert repr(diff).startswith("<Diff: The two sides do NOT match: 1 differ")


def test_a_match_and_nothing_at_all() -> None:
    assert str(reconcile([{"id": 1, "v": 1}], [{"id": 1, "v": 1}], key="id")).startswith("The two sides match: 1 record on both, 1 field compared.")
    assert str(reconcile([], [], key="id")).startswith("Both sides are empty")
    assert reconcile([], [], key="id").matches


def test_only_ten_breaks_are_printed() -> None:
    diff = reconcile([{"id": index} for index in range(30)], [], key="id")
    assert "the first 10 of 30 breaks" in str(diff)
    assert str(diff).count("only on the left:") == 10


def test_the_explanation_names_the_options() -> None:
    fields = [
        Field("a", right="b", within="0.01"),
        Field("c", within="0.1%", normalise=abs),
        Field("d", unordered=True, null_is_empty=True),
        Field("e", truncate="ms"),
    ]
    rows = [{"id": 1, "a": 1, "b": 1, "c": 1, "d": [1], "e": 1}]
    text = reconcile(rows, [{**rows[0], "k": 1}], key=Key("id", right="k", normalise=str), fields=fields, ignore=["z"]).explain()
    assert "compared: a / b [within=0.01], c [normalise=abs, within=0.1%], d [unordered, null_is_empty], e [truncate=ms]" in text
    assert "key: id / k [normalise]" in text
    assert "ignored: z" in text


def test_breaks_are_copies(diff: Diff) -> None:
    first = next(diff.breaks())
    assert isinstance(first, Break)
    first.left["name"] = "changed by the user"
    LEFT[0]["name"], before = "changed in the source", LEFT[0]["name"]
    try:
        assert next(diff.breaks()).left["name"] == "Ann"
    finally:
        LEFT[0]["name"] = before
    with pytest.raises(TypeError):
        first.fields["name"] = None  # type: ignore[index]
    with pytest.raises(TypeError):
        diff.summary["left"] = 0  # type: ignore[index]
    with pytest.raises(TypeError):
        diff.by_field["name"].causes["case"] = 0  # type: ignore[index]


def test_many_breaks_go_to_disk_and_can_be_read_side_by_side() -> None:
    left = [{"id": index, "text": f"{index:0100}"} for index in range(30_000)]
    right = [{"id": index, "text": f"{index:>100}"} for index in range(30_000)]
    diff = reconcile(left, right, key="id")
    kept: Any = diff._findings.breaks
    assert kept._logs[0].on_disk, "the breaks should be on disk by now"
    _read_by_many(diff)
    one, other = diff.breaks(), diff.breaks()
    assert [next(one).key, next(other).key, next(one).key] == [0, 0, 1]
    del diff, kept, one, other
    gc.collect()  # an open file would be a ResourceWarning, which is an error here


def _read_by_many(diff: Diff) -> None:
    seen: list[list[int]] = []
    threads = [threading.Thread(target=lambda: seen.append([found.key for found in diff.breaks()])) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [list(range(30_000))] * 3


class Stubborn:
    """Comes out of a pickle as an error, or does not go in at all."""

    def __init__(self, when: str) -> None:
        self.when = when

    def __reduce__(self) -> Any:
        if self.when == "in":
            raise RuntimeError("not me")
        return int, ("not a number",)

    def __repr__(self) -> str:
        raise RuntimeError("nor like this")


def test_values_that_cannot_be_stored_are_described() -> None:
    for when in ("in", "out"):
        diff = reconcile([{"id": 1, "v": Stubborn(when), "w": lambda: 1, "x": Decimal(1)}, Stubborn(when)], [], key="id")
        missing, invalid = diff.breaks()
        assert missing.left == {"id": 1, "v": "<Stubborn>", "w": "<function>", "x": Decimal(1)}
        assert invalid.left == "<Stubborn>"


@attrs.frozen
class Money:
    value: Decimal
    currency: str


def test_values_of_other_classes_come_back_as_they_were() -> None:
    diff = reconcile([{"id": 1, "v": Money(Decimal(1), "EUR"), "w": np.float32(0.1), "x": date(2026, 1, 1)}], [], key="id")
    assert next(diff.breaks()).left == {"id": 1, "v": Money(Decimal(1), "EUR"), "w": np.float32(0.1), "x": date(2026, 1, 1)}
    assert next(diff.changes()).record == {"id": 1, "v": Money(Decimal(1), "EUR"), "w": np.float32(0.1), "x": date(2026, 1, 1)}


def test_a_log_gives_back_what_went_in() -> None:
    log = Log()
    entries: list[Any] = [(index, "invalid", None, {"v": index}, (), "") for index in range(1000)]
    for entry in entries:
        log.append(entry)
    log.flush()
    log.flush()
    assert list(log) == entries
    assert len(log) == 1000


# ---------------------------------------------------------------- machines


def test_json(diff: Diff, tmp_path: Path) -> None:
    text = diff.to_json()
    assert text is not None
    found = json.loads(text, parse_float=Decimal)
    assert found["summary"] == dict(diff.summary)
    assert found["matches"] is False
    assert found["totals"]["total"] == {"left": Decimal("1024.10"), "right": Decimal("1029.1"), "difference": Decimal("-5.00"), "exact": True}
    assert found["by_field"]["name"] == {"mismatches": 1, "causes": {"case": 1}}
    assert [each["kind"] for each in found["breaks"]] == [each.kind for each in diff.breaks()]
    assert found["breaks"][0]["fields"]["name"] == {"left": "Ann", "right": "ANN", "cause": "case"}
    assert found["breaks"][-1]["reason"]
    assert diff.to_json(tmp_path / "diff.json") is None
    assert (tmp_path / "diff.json").read_text(encoding="utf-8") == text
    absent = json.loads(reconcile([{"id": 1, "v": 1}], [{"id": 1}], key="id", fields=["v"]).to_json() or "")
    assert absent["breaks"][0]["fields"]["v"] == {"left": 1, "cause": "absent"}


def test_json_of_odd_values() -> None:
    odd: dict[str, Any] = {"a": float("nan"), "b": "\ud800", "c": Decimal("Infinity"), "d": 10**5000, "e": {1: (1, {2})}, "f": b"x"}
    text = reconcile([{"id": 1, **odd, "g": Decimal("1E+1000000"), "h": float("inf")}], [], key="id").to_json() or ""
    record = json.loads(text.replace("1E+1000000", '"big"'), parse_int=str)["breaks"][0]["left"]
    assert [record[name] for name in "abcefgh"] == ["NaN", "\\ud800", "Infinity", {"1": ["1", "{2}"]}, "b'x'", "big", "Infinity"]
    assert plain(7) == 7
    assert plain(1.5) == 1.5
    assert plain(UNSET) == "absent"
    endless: list[Any] = []
    endless.append(endless)
    assert str(plain(endless)).count("[") < 30


def test_arrow(diff: Diff, monkeypatch: pytest.MonkeyPatch) -> None:
    table = diff.to_arrow()
    assert table.column_names == ["kind", "key", "field", "left", "right", "cause"]
    assert table.to_pylist()[0] == {"kind": "changed", "key": "1", "field": "name", "left": "'Ann'", "right": "'ANN'", "cause": "case"}
    assert table.num_rows == 7
    assert reconcile([], [], key="id").to_arrow().num_rows == 0
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ConfigurationError, match=re.escape('pip install "integrakit[arrow]"')):
        diff.to_arrow()


class Page(html.parser.HTMLParser):
    """What of a page would be fetched or run, and whether its tags are closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in ("meta", "input"):
            self.open.append(tag)
        self.links += [str(value) for name, value in attrs if name in ("src", "href") or name.startswith("on")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_html(diff: Diff, tmp_path: Path) -> None:
    diff.to_html(tmp_path / "diff.html")
    text = (tmp_path / "diff.html").read_text(encoding="utf-8")
    page = Page(text)
    assert page.links == []
    assert page.open == []
    assert page.tags.count("script") == 1
    assert not re.search("https?:|//", text)
    assert "prefers-color-scheme: dark" in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "All 6." in text
    diff.to_html(tmp_path / "short.html", breaks=2)
    short = (tmp_path / "short.html").read_text(encoding="utf-8")
    assert "The first 2 of 6." in short
    assert short.partition('id="breaks"')[2].count(">only on the") == 1
    match = reconcile([{"id": 1, "v": 1}], [{"id": 1, "v": 1}], key="id")
    match.to_html(tmp_path / "match.html")
    assert "<script" not in (tmp_path / "match.html").read_text(encoding="utf-8")
    for wrong in (-1, True, "all"):
        with pytest.raises(ConfigurationError):
            diff.to_html(tmp_path / "diff.html", breaks=wrong)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="cannot be written"):
        diff.to_html(tmp_path / "no such folder" / "diff.html")


def test_notebooks(diff: Diff) -> None:
    page = Page(diff._repr_html_())
    assert page.open == []
    assert "script" not in page.tags
    assert '<td style="text-align:left">case: 1</td>' in diff._repr_html_()


# ---------------------------------------------------------------- changes


def test_changes_in_both_directions() -> None:
    left = [{"id": 1, "v": 1, "w": 2, "x": 0}, {"id": 2, "v": 1, "w": 1, "x": 0}]
    right = [{"ID": 1, "V": 1, "W": 9, "y": 0}, {"ID": 3, "V": 1, "W": 1, "y": 0}]
    diff = reconcile(left, right, key=Key("id", right="ID"), fields=[("v", "V"), Field("w", right="W")])
    to_right = [(each.kind, each.key, each.record and dict(each.record)) for each in diff.changes(to="right")]
    assert to_right == [("update", 1, {"W": 2}), ("create", 2, {"ID": 2, "V": 1, "W": 1}), ("delete", 3, None)]
    to_left = [(each.kind, each.key, each.record and dict(each.record)) for each in diff.changes(to="left")]
    assert to_left == [("update", 1, {"w": 9}), ("delete", 2, None), ("create", 3, {"id": 3, "v": 1, "w": 1})]
    with pytest.raises(ConfigurationError, match="to= takes"):
        diff.changes(to="both")  # type: ignore[arg-type]


def test_changes_of_absent_fields() -> None:
    left = [{"id": 1}, {"id": 2}, {"id": 3, "v": None}, {"id": 4, "v": 0}]
    right = [{"id": 1, "v": 5}, {"id": 2, "v": None}, {"id": 3}, {"id": 4, "v": 0}]
    diff = reconcile(left, right, key="id")
    assert diff.by_field["v"].causes == {"absent": 3}
    assert [(each.key, dict(each.record or {})) for each in diff.changes()] == [(1, {"v": None}), (3, {"v": None})]


def test_changes_of_composite_keys() -> None:
    diff = reconcile([{"a": 1, "b": 2, "v": 1}], [], key=("a", "b"))
    (change,) = diff.changes()
    assert (change.key, change.record) == ((1, 2), {"a": 1, "b": 2, "v": 1})


# ---------------------------------------------------------------- values in reports, and totals


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (UNSET, "absent"),
        (True, "true"),
        (False, "false"),
        ("a", "'a'"),
        ("\u202eevil\x1b[31m\ud800", "'\\u202eevil\\x1b[31m\\ud800'"),
        ("x" * 61, "'" + "x" * 59 + "'… (61 characters)"),
        (Decimal("1.10"), "1.10"),
        pytest.param(10**5000, "1" + "0" * 58 + "…", id="huge"),
        (1e22, "1e+22"),
        (np.float32(0.1), "0.1"),
        (date(2026, 1, 1), "2026-01-01"),
        (timedelta(days=1, seconds=5), "1 day, 0:00:05"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (np.datetime64("NaT"), "NaT"),
        ([], "[]"),
        ((1,), "(1)"),
        ({1}, "{1}"),
        ({"a": [1]}, "{'a': [1]}"),
        ([[[[1]]]], "[[[[…]]]]"),
        (list(range(9)), "[0, 1, 2, 3, 4, 5, … 9 in all]"),
        (1 + 2j, "(1+2j)"),
        (Stubborn("in"), "<Stubborn: its repr failed with RuntimeError>"),
    ],
)
def test_values_as_they_are_shown(value: Any, text: str) -> None:
    assert show(value) == text


def test_pandas_not_a_time_is_shown() -> None:
    import pandas as pd

    assert show(pd.NaT) == "not a time"


def test_amounts_as_they_are_shown() -> None:
    assert amount(1234567) == "1,234,567"
    assert amount(Decimal("-1234.50")) == "-1,234.50"
    assert amount(Decimal("1E+1000")) == "1E+1000"
    assert amount(Decimal("Infinity")) == "Infinity"
    assert amount(Decimal("1." + "1" * 30)) == "1." + "1" * 30


def test_totals_know_what_they_could_not_add() -> None:
    def total(*values: Any, untyped: bool = False) -> Total:
        return measure(values, set(map(type, values)), untyped)

    mixed = total(1, "x", None)
    assert (mixed.value, mixed.count, mixed.others, mixed.numeric) == (1, 1, 1, False)
    assert total("1.5", "", "x", untyped=True).others == 1
    assert total("1.5", "", 2, untyped=True).value == Decimal("3.5")
    assert not total(True, False).numeric
    assert total(1, Decimal("1E+1000000")).inexact
    assert total(float("inf"), 1.0).inexact
    assert total(float("inf"), 1.0).value == 1
    assert total(Decimal("sNaN"), Decimal(1)).others == 1
    assert total(Decimal("9E+999999999999999999"), Decimal("9E+999999999999999999")).inexact
    assert total(Decimal("9E+999999999999999999"), Decimal("9E+999999999999999999"), 1).inexact
    large = total(Decimal("9E+999999999999999999"))
    large.merge(total(Decimal("9E+999999999999999999")))
    assert large.inexact
    endless: Any = type("Rows", (list,), {})()
    endless.append(endless)
    assert total(endless, 1).others == 1


def test_totals_that_are_not_exact_say_so() -> None:
    diff = reconcile([{"id": 1, "v": Decimal("1E+1000000")}, {"id": 2, "v": 1}], [{"id": 1, "v": 1}], key="id")
    assert not diff.totals["v"].exact
    assert "control totals of v are not exact" in str(diff)
    assert not reconcile([{"id": 1, "v": "a"}], [{"id": 1, "v": 1}], key="id").totals
    assert not reconcile([{"id": 1, "v": "a"}], [{"id": 1, "v": "b"}], key="id").totals


def test_text_on_one_side_has_no_control_total(tmp_path):
    file = tmp_path / "t.csv"
    file.write_text("id,t\n1,5.00\n2,6.00\n", encoding="utf-8")
    diff = reconcile([{"id": 1, "t": "5.00"}, {"id": 2, "t": "6.00"}], file, key="id")
    assert diff.matches
    assert "t" not in diff.totals
    assert reconcile([{"id": 1, "t": 5}, {"id": 2, "t": 6}], file, key="id").totals["t"].difference == 0
