"""What people read: names of the sides, the bridge from breaks to totals, and sentences that say a thing once."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from integrakit.errors import ConfigurationError, NotAccepted
from integrakit.files import CsvFile
from integrakit.model import Evidence
from integrakit.reconciliation import Accept, Diff, Field, reconcile
from integrakit.reconciliation.inputs.feed import attach
from integrakit.reconciliation.reports.overview import overview_of
from integrakit.sql import SqlTable


def html(diff: Diff, folder: Path, **options: Any) -> str:
    diff.to_html(folder / "page.html", **options)
    return (folder / "page.html").read_text(encoding="utf-8")


def test_a_diff_has_no_truth_of_its_own() -> None:
    for other in (1, 2):
        with pytest.raises(TypeError, match=r"ask diff\.matches or diff\.accepted, or call diff\.check\(\)"):
            bool(reconcile([{"id": 1, "v": 1}], [{"id": 1, "v": other}], key="id"))


@pytest.mark.parametrize("engine", ["dict", "merge", "auto"])
def test_keys_alone_are_no_agreement_unless_asked_for(engine: Any) -> None:
    left, right = [{"id": 1, "amount": 1}], [{"id": 1, "total": 2}]
    diff = reconcile(left, right, key="id", engine=engine)
    assert diff.matches
    assert not diff.accepted
    assert "only the keys were compared: the sides have no other field in common" in str(diff).splitlines()[0]
    with pytest.raises(NotAccepted, match="no other field in common"):
        diff.check()
    assert 'failures="1"' in str(diff.to_junit())
    ruled = reconcile(left, right, key="id", accept=Accept(breaks=5))
    assert not ruled.accepted
    assert str(ruled).startswith("NOT accepted: only the keys were compared")
    assert reconcile(left, right, key="id", fields=[]).accepted
    assert reconcile([{"id": 1}], [{"id": 1}], key="id").accepted


def test_the_sides_go_by_their_names(tmp_path: Path) -> None:
    left = [{"id": 1, "v": 1}, {"id": 2, "v": 1, "on the right": 1}, {"id": None, "v": 1}]
    diff = reconcile(left, [{"id": 1, "v": 2}, {"id": 3, "v": 1}], key="id", names=("Shop", "<Books>"), accept=Accept(missing_right=0))
    text = str(diff)
    assert "1 only in Shop, 1 only in <Books>" in text
    assert "1 record is in Shop only; none is accepted" in text
    assert "not compared, in Shop only: on the right" in text
    for each in (text, diff.explain(), str(diff.to_junit())):
        assert "left" not in each.replace("missing left", "")
    page = html(diff, tmp_path, title="Q1 & more")
    assert "<title>Q1 &amp; more</title>" in page
    assert "only in &lt;Books&gt;" in page
    assert "<Books>" not in page
    assert "on the left" not in page
    assert "only in Shop" in diff._repr_html_()
    assert json.loads(str(diff.to_json()))["names"] == {"left": "Shop", "right": "<Books>"}
    for wrong in ("ab", ("a",), ("a", "a"), ("a", ""), ("a", 1)):
        with pytest.raises(ConfigurationError, match="names="):
            reconcile([], [], key="id", names=wrong)  # type: ignore[arg-type]


def test_sources_are_called_by_their_names(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("id\n1\n", encoding="utf-8")
    assert attach(CsvFile(tmp_path / "orders.csv"), "left").label == str(tmp_path / "orders.csv")
    label = attach(SqlTable("postgresql://me:secret@db.example/shop", "orders", key="id"), "left").label
    assert label.startswith("orders in ")
    assert "secret" not in label


def test_breaks_and_totals_are_bridged(tmp_path: Path) -> None:
    left = [{"id": 1, "v": Decimal("10.10")}, {"id": 2, "v": 0.2}, {"id": 4, "v": 4}, {"id": 5, "v": 1}, {"id": 5, "v": 1}]
    right = [{"id": 1, "v": Decimal("9.10")}, {"id": 3, "v": 7}, {"id": 4, "v": 4}, {"id": 5, "v": 1}]
    diff = reconcile(left, right, key="id")
    found = overview_of(diff._findings).bridges["v"]
    assert (found.changed, found.left_only, found.right_only) == (1, Decimal("0.2"), 7)
    total = diff.totals["v"].difference
    assert found.other(total) == 1
    assert total == Decimal("-4.8")
    page = html(diff, tmp_path)
    bridge = page.partition("From the breaks to the totals")[2].partition("</table>")[0]
    assert [cell.partition("<")[0] for cell in bridge.split('<td class="n">')[1:]] == ["1.00", "0.2", "-7", "1.00", "-4.80"]
    breaks = page.partition('id="breaks"')[2]
    assert '<td class="value n"><mark>10</mark>.10</td>' in breaks
    assert '<td class="n">1.00</td>' in breaks


def test_cells_are_bridged_as_the_numbers_they_are(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id,v\n1,1.50\n2,2.25\n", encoding="utf-8")
    diff = reconcile(tmp_path / "t.csv", [{"id": 1, "v": Decimal(1)}, {"id": 3, "v": 1}], key="id")
    assert diff.totals["v"].difference == Decimal("1.75")
    assert overview_of(diff._findings).bridges["v"].other(Decimal("1.75")) in (0, Decimal("0.00"))


def test_pages_show_text_without_quotes_and_without_doubt(tmp_path: Path) -> None:
    left = [{"id": "a", "t": "x  y", "n": "42", "e": "", "z": "null"}]
    right = [{"id": "a", "t": "x y ", "n": 42, "e": "q", "z": None}]
    diff = reconcile(left, right, key="id", fields=["t", "n", Field("e", owner="Ann <a>"), "z"])
    breaks = html(diff, tmp_path).partition('id="breaks"')[2]
    assert '<td class="value">a</td>' in breaks
    assert "␣" in breaks
    assert "&#x27;42&#x27;" in breaks
    assert "“empty”" in breaks
    assert '<td class="value">null</td><td class="value soft">null</td>' in breaks
    assert 'data-owner="Ann &lt;a&gt;"' in breaks
    page = html(diff, tmp_path)
    assert '<select name="owner">' in page
    assert '<select name="owner">' not in html(reconcile(left, right, key="id"), tmp_path)


def test_a_failing_check_says_how_much_is_accepted() -> None:
    left, right = [{"id": 1, "amount": Decimal("18267000.00")}], [{"id": 1, "amount": Decimal("18265151.84")}]
    rule = Accept(breaks=1, totals={"amount": "0.001%"})
    diff = reconcile(left, right, key="id", accept=rule)
    sentence = "the control totals of amount are 1,848.16 apart: more than the 182.67 accepted (0.001 %)"
    assert diff.verdict.reasons == (sentence,)
    assert str(diff.verdict) == f"not accepted: {sentence}"
    with pytest.raises(NotAccepted) as caught:
        diff.check()
    assert str(caught.value) == f"NOT accepted: {sentence}"
    assert str(reconcile(left, left, key="id").verdict) == "accepted: nothing differs"


def test_one_is_one() -> None:
    assert str(Evidence(complete=True, pages=1, records=1)) == "complete: 1 record in 1 page"


def test_causes_as_frequent_as_each_other_stand_in_the_order_of_their_names() -> None:
    left = [{"id": 1, "v": "b"}, {"id": 2, "v": "A"}]
    diff = reconcile(left, [{"id": 1, "v": "zzz"}, {"id": 2, "v": "a"}], key="id")
    assert list(diff.by_field["v"].causes) == ["case", "value"]


def test_totals_over_several_currencies_say_so() -> None:
    rows = [{"id": 1, "v": 1, "c": "EUR"}]
    diff = reconcile(rows, rows, key="id", fields=[Field("v", within={"*": "0.01"}, currency="c")])
    assert "the control total of v adds up all currencies" in str(diff)


def test_times_lie_where_they_were_compared(tmp_path: Path) -> None:
    lines = [f"{index},2026-01-{index + 1:02d}T10:00:00" for index in range(20)]
    (tmp_path / "t.csv").write_text("id,at\n" + "\n".join(lines) + "\n", encoding="utf-8")
    right = [{"id": index, "at": datetime(2026, 2, 1)} for index in range(20)]
    found = overview_of(reconcile(tmp_path / "t.csv", right, key="id")._findings).by_time
    assert found is not None
    assert found.elsewhere == 0
    zoned = reconcile(tmp_path / "t.csv", right, key="id", fields=[Field("at", zone="Europe/Berlin")])
    there = overview_of(zoned._findings).by_time
    assert there is not None
    assert there.by == "at (UTC)"
    assert there.stretches[0].first.startswith("2026-01-01 09:00") or there.stretches[0].first == "2026-01-01"


def test_the_explanation_says_a_thing_once_and_that_looking_again_changed_nothing() -> None:
    diff = reconcile([{"id": 1, "v": 1}], [{"id": 1, "v": 2}], key="id")
    again = Diff(evolve(diff._findings, considered=("x: no DuckDB", "x: no DuckDB"), rechecked=2))
    assert again.explain().count("no DuckDB") == 1
    assert "looked at again (2 looks): none of the differences was gone" in again.explain()
