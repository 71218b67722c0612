"""The forms of a report: text, JSON, JUnit and HTML say the same, hold against hostile data, and are the same each time they are written."""

from __future__ import annotations

import html.parser
import json
import re
import sys
import time
import tracemalloc
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import pytest
from attrs import evolve

from integrakit.model import Evidence
from integrakit.reconciliation import Accept, Diff, Field, Key, reconcile
from integrakit.reconciliation.findings import Break, Sides
from integrakit.reconciliation.reports.looks import STYLE
from integrakit.reconciliation.reports.marking import marked
from integrakit.reconciliation.reports.overview import overview_of
from integrakit.reconciliation.reports.showing import clean, show_both

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ATTACK = "</script><script>alert(1)</script><!--]]>&\"'\x00\x1b[31m\u202e\ud800\uffff\r\n"


def rows(count: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    left: list[dict[str, Any]] = [
        {"id": index, "name": "Ann", "total": Decimal("1.50"), "at": NOON + timedelta(days=index)} for index in range(1, count + 1)
    ]
    right = [dict(row) for row in left]
    for row in right[40:50]:
        row["name"] = "ANN "
    right[3]["total"] = Decimal("150")
    del right[7], left[20]
    return left, right


def timeless(diff: Diff) -> Diff:
    """With times that are the same in each run."""
    reads = tuple(evolve(read, started=NOON) for read in diff._findings.reads)
    proof = Evidence(complete=None, reasons=("it does not say",))
    return Diff(evolve(diff._findings, started=NOON, ended=NOON + timedelta(seconds=2), reads=reads, evidence=Sides(proof, proof)))


@pytest.fixture(name="diff", scope="module")
def _diff() -> Diff:
    left, right = rows(100)
    fields = [Field("name", blanks="trim"), "total", "at"]
    return timeless(reconcile(left, right, key="id", fields=fields, accept=Accept(fields={"name": None}, breaks=2, totals={"total": "1%"})))


@pytest.fixture(name="live", scope="module")
def _live(diff: Diff) -> Diff:
    return Diff(
        evolve(
            diff._findings,
            in_flight=tuple(diff.breaks())[:2],
            verified_through=NOON - timedelta(minutes=10),
            unstable=("page 3 came twice",),
            resolved=4,
            rechecked=2,
        )
    )


def of_page(diff: Diff, path: Path, **options: Any) -> str:
    diff.to_html(path / "page.html", **options)
    return (path / "page.html").read_text(encoding="utf-8")


# ---------------------------------------------------------------- text


def test_the_text_of_a_judged_diff(diff: Diff) -> None:
    assert str(diff) == (
        """\
NOT accepted:
  3 other breaks: more than the 2 accepted
  the control totals of total are 148.50 apart: more than the 2.97 accepted (1 %)
The rule: other breaks: at most 2; records that differ in name: any number; control totals of total: at most 1 % apart.
The two sides do NOT match: 11 differ, 1 only on the left, 1 only on the right.

  left           99
  right          99
  matched        98
  equal          87
  changed        11
  missing left    1  (on the right only)
  missing right   1  (on the left only)
  duplicates      0
  null keys       0
  invalid         0

  control totals    left   right  difference
  total           148.50  297.00     -148.50

fields that differ
  name: 10 (case 10)
  total: 1 (×100 1)

likely causes
  ×100: One value is a hundred times the other: whole units against cents.
    total of 4: 1.50 / 150
  case: Only upper and lower case differ, blanks and Unicode forms aside.
    name of 41: 'Ann' / 'ANN ', compared as 'Ann' / 'ANN'

where the breaks lie, by id
  4 – 5    1  ########
  6 – 10   1  ########
  11 – 15  0
  16 – 20  0
  21 – 25  1  ########
  26 – 30  0
  31 – 35  0
  36 – 40  0
  41 – 45  5  ########################################
  46 – 50  5  ########################################

where the breaks lie, by at (UTC)
  2026-03-05 – 2026-03-07  1  ########
  2026-03-08 – 2026-03-12  1  ########
  2026-03-13 – 2026-03-17  0
  2026-03-18 – 2026-03-22  1  ########
  2026-03-23 – 2026-03-27  0
  2026-03-28 – 2026-04-01  0
  2026-04-02 – 2026-04-06  0
  2026-04-07 – 2026-04-11  1  ########
  2026-04-12 – 2026-04-16  5  ########################################
  2026-04-17 – 2026-04-20  4  ################################

note: neither side can prove that it was read completely

the first 10 of 13 breaks
  4: different values: total: 1.50 / 150 (×100)
  8: only on the left: {'id': 8, 'name': 'Ann', 'total': 1.50, 'at': 2026-03-09T12:00:00+00:00}
  21: only on the right: {'id': 21, 'name': 'Ann', 'total': 1.50, 'at': 2026-03-22T12:00:00+00:00}
"""
        + "\n".join(f"  {key}: different values: name: 'Ann' / 'ANN ' (case)" for key in range(41, 48))
    )
    assert repr(diff) == "<Diff: NOT accepted: 3 other breaks: more than the 2 accepted (and 1 more)>"


def test_an_accepted_diff_says_what_was_borne_with(diff: Diff) -> None:
    text = str(Diff(evolve(diff._findings, accept=Accept(breaks="20%"))))
    assert text.startswith(
        "Accepted: what differs is within the rule.\n  13 breaks; up to 20 % of 100 records are accepted, which is 20\n"
        "The rule: breaks: at most 20 % of the records.\nThe two sides do NOT match: 11 differ"
    )
    same = reconcile([{"id": 1}], [{"id": 1}], key="id", accept=Accept())
    assert str(same).startswith("Accepted: nothing differs.\nThe rule: breaks: none.\nThe two sides match")


def test_what_is_in_flight_is_told_in_words(live: Diff, tmp_path: Path) -> None:
    sentences = [
        "2 records were changed in the last 10 minutes and are not judged yet",
        "what changed before 2026-03-01 11:50:00 UTC has been compared",
        "4 differences were gone when looked at again (2 looks): no difference at all",
        "it moved while it was read: page 3 came twice",
    ]
    page = of_page(live, tmp_path)
    for sentence in sentences:
        assert f"note: {sentence}\n" in str(live)
        assert sentence[1:] in page
        assert sentence in (live.to_junit() or "")
        assert sentence in live._repr_html_()
    assert "<h2>Not judged yet</h2>" in page
    assert "<b>2</b><span>too new to be judged</span>" in page
    assert [found.key for found in live.in_flight()] == [4, 8]
    assert live.verified_through == NOON - timedelta(minutes=10)
    found = json.loads(live.to_json() or "")
    assert found["live"] == {
        "in_flight": 2,
        "verified_through": "2026-03-01T11:50:00+00:00",
        "unstable": ["page 3 came twice"],
        "resolved": 4,
        "rechecked": 2,
    }
    assert [each["key"] for each in found["in_flight"]] == [4, 8]


def test_the_explanation_says_what_was_read_and_when(diff: Diff) -> None:
    text = diff.explain()
    assert "when: from 2026-03-01 12:00:00 UTC to 2026-03-01 12:00:02 UTC" in text
    assert "left: list of 99: 99 records; not proved complete: 0 records in 0 pages (it does not say)" in text
    assert "compared: name [blanks=trim], total, at" in text


def test_options_stand_in_the_explanation_and_in_words_on_the_page(tmp_path: Path) -> None:
    fields = [
        Field("a", within={"EUR": "0.01", "*": "1%"}, currency="c"),
        Field("t", zone="Europe/Berlin", truncate="s"),
        Field("n", ignore_case=True, unicode="NFC", blanks="collapse", truth="left", owner="Ann"),
        Field("l", unordered=True),
    ]
    key = Key("id", ignore_case=True)
    record = {"id": "x", "a": 1, "c": "EUR", "t": datetime(2026, 1, 1), "n": "x", "l": [1]}
    diff = reconcile([record], [record], key=key, fields=fields)
    text, page = diff.explain(), of_page(diff, tmp_path)
    for code in ("a [within=EUR 0.01, * 1%, currency=c]", "t [zone=Europe/Berlin, truncate=s]", "key: id [ignore_case]", "l [unordered]"):
        assert code in text
    assert "n [ignore_case, unicode=NFC, blanks=collapse, truth=left, owner=Ann]" in text
    for words in ("may be up to EUR 0.01, * 1% apart", "the order of items does not count", "id (upper and lower case do not count)"):
        assert words in page


def test_of_long_texts_the_part_is_shown_in_which_they_differ(tmp_path: Path) -> None:
    long = "x" * 5_000_000
    diff = reconcile([{"id": 1, "v": long + "left"}], [{"id": 1, "v": long + "right"}], key="id")
    began = time.process_time()
    assert "…'xxxxxxxxxxxxxxxxxxxxleft' (from 4,999,981 of 5,000,004 characters)" in str(diff)
    page = of_page(diff, tmp_path)
    assert "<mark>lef</mark>t&#x27;" in page
    assert len(page) < 50_000
    assert time.process_time() - began < 2
    assert show_both("a" * 100, "b" * 100, 10)[0] == "'aaaaaaaaa'… (100 characters)"


# ---------------------------------------------------------------- JSON


def test_the_json_holds_everything(diff: Diff) -> None:
    found = json.loads(diff.to_json() or "", parse_float=Decimal)
    assert list(found) == [
        *("version", "names", "matches", "verdict", "summary", "by_field", "causes", "totals", "key", "fields", "ignored"),
        *(
            "only_left",
            "only_right",
            "lookalikes",
            "notes",
            "engine",
            "why",
            "started",
            "ended",
            "reads",
            "live",
            "breaks",
            "in_flight",
            "where",
            "samples",
        ),
    ]
    assert found["version"] == 1
    assert found["verdict"]["accepted"] is False
    assert [each["name"] for each in found["verdict"]["checks"]] == ["breaks", "field name", "total total"]
    assert found["verdict"]["reasons"][0] == "3 other breaks: more than the 2 accepted"
    assert found["causes"]["×100"].startswith("One value is a hundred times")
    assert found["fields"][0] == {"left": "name", "right": "name", "options": "blanks=trim"}
    assert found["started"] == "2026-03-01T12:00:00+00:00"
    assert found["reads"][0]["side"] == "left"
    assert found["reads"][0]["records"] == 99
    assert len(found["breaks"]) == 13
    assert found["where"]["by_key"]["stretches"][-1] == {"first": "46", "last": "50", "breaks": 5}
    assert found["where"]["by_time"]["by"] == "at (UTC)"
    assert found["samples"][-1] == {"field": "total", "cause": "×100", "key": "4", "left": "1.50", "right": "150", "compared": None}
    assert found["samples"][0]["compared"] == ["'Ann'", "'ANN'"]


def test_the_breaks_are_read_once_for_json() -> None:
    class Counting:
        read = 0

        def __len__(self) -> int:
            return 3

        def __iter__(self) -> Any:
            self.read += 1
            return iter([Break(index, "missing_left", None, {"id": index}, {}) for index in range(3)])

    breaks = Counting()
    diff = Diff(evolve(reconcile([], [{"id": 1}], key="id")._findings, breaks=breaks))
    assert breaks.read == 0
    diff.to_json()
    assert breaks.read == 1
    str(diff), diff.to_junit(), overview_of(diff._findings)
    diff.to_json()
    assert breaks.read == 4, "two more for what is shown of them, and one for the second JSON: none for what is known of all"


# ---------------------------------------------------------------- JUnit


def cases(diff: Diff) -> dict[str, Xml.Element]:
    root = Xml.fromstring(diff.to_junit() or "")
    (suite,) = root
    found = suite.findall("testcase")
    assert suite.get("tests") == str(len(found))
    assert suite.get("failures") == str(len(suite.findall("testcase/failure"))) == root.get("failures")
    assert suite.get("skipped") == str(len(suite.findall("testcase/skipped")))
    return {f"{each.get('classname')}/{each.get('name')}": each for each in found}


def test_junit_has_a_case_for_each_check(diff: Diff) -> None:
    found = cases(diff)
    assert [name.removeprefix("reconciliation.") for name in found] == [
        *("acceptance/breaks", "acceptance/field name", "acceptance/total total", "completeness/left", "completeness/right"),
        *("keys/missing right", "keys/missing left", "keys/duplicates", "keys/null keys", "keys/invalid"),
        *("fields/name", "fields/total", "fields/at", "control totals/total"),
    ]
    failed = {name for name, case in found.items() if case.find("failure") is not None}
    assert failed == {
        f"reconciliation.{name}"
        for name in ("acceptance/breaks", "acceptance/total total", "keys/missing right", "keys/missing left", "fields/total", "control totals/total")
    }
    failure = found["reconciliation.keys/missing left"].find("failure")
    assert failure is not None
    assert failure.get("message") == "1 record is on the right only"
    assert failure.text is not None
    assert failure.text.startswith("21: only on the right: {'id': 21")
    assert found["reconciliation.completeness/left"].find("skipped") is not None
    assert Xml.fromstring(diff.to_junit() or "")[0].get("timestamp") == "2026-03-01T12:00:00"
    assert Xml.fromstring(diff.to_junit() or "").get("time") == "2.000"


def test_nothing_fails_where_all_is_accepted(diff: Diff) -> None:
    found = cases(Diff(evolve(diff._findings, accept=Accept(breaks=20))))
    assert all(case.find("failure") is None for case in found.values())
    output = found["reconciliation.fields/total"].find("system-out")
    assert output is not None
    assert "×100: 1." in (output.text or "")


def test_a_proof_that_was_asked_for_fails(diff: Diff) -> None:
    found = cases(Diff(evolve(diff._findings, accept=Accept(breaks=20, verified=True))))
    assert found["reconciliation.completeness/left"].find("failure") is not None


def test_junit_goes_to_a_file_under_the_name_of_the_suite(diff: Diff, tmp_path: Path) -> None:
    assert diff.to_junit(tmp_path / "diff.xml", suite="orders <nightly>") is None
    text = (tmp_path / "diff.xml").read_text(encoding="utf-8")
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>')
    assert Xml.fromstring(text).get("name") == "orders <nightly>"


# ---------------------------------------------------------------- HTML


class Page(html.parser.HTMLParser):
    """What a browser would make of a page: its tags, what would be run or fetched, and whether all is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.dangerous: list[str] = []
        self.headings: list[int] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in ("meta", "input"):
            self.open.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        self.dangerous += [name for name, _ in attrs if name in ("src", "href", "srcset", "action") or name.startswith("on")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data if not self.open or self.open[-1] not in ("style", "script") else ""


def test_the_page_says_everything(diff: Diff, tmp_path: Path) -> None:
    text = of_page(diff, tmp_path)
    page = Page(text)
    assert page.dangerous == []
    assert not re.search(r"https?:|//|@import|url\(", text), "a page without any network"
    assert page.tags.count("script") == 1
    assert page.tags.count("h1") == 1
    assert all(after - before <= 1 for before, after in zip(page.headings, page.headings[1:], strict=False)), "no level of headings is left out"
    assert page.tags.count("caption") == page.tags.count("table")
    for words in (
        "Not accepted",
        "3 other breaks: more than the 2 accepted",
        "agree in every field, 87 %",
        "Control totals",
        "-148.50",
        "Where the breaks lie",
        "One value is a hundred times the other",
        "blanks at both ends do not count",
        "Neither side can prove",
        "All 13.",
        "2026-03-01 12:00:00 UTC to 2026-03-01 12:00:02 UTC",
    ):
        assert words in page.text
    assert "&#x27;<mark>" not in text
    assert "A<mark>NN </mark>" in text
    assert 'data-kind="changed" data-field="total" data-cause="×100"' in text
    assert page.text.count("different values") == 11 + 1, "the rows and the choice of the filter"


def test_the_script_is_allowed_and_no_other(diff: Diff, tmp_path: Path) -> None:
    import base64
    import hashlib

    text = of_page(diff, tmp_path)
    script = text.partition("<script>")[2].partition("</script>")[0]
    assert f"script-src &#x27;sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}&#x27;" in text


def test_hostile_data_stays_data(tmp_path: Path) -> None:
    left = [
        {"id": ATTACK + "1", ATTACK: ATTACK, "v": [ATTACK], "t": 1},
        {"id": "2", "v": {ATTACK: ATTACK}},
        {"id": None, "v": ATTACK},
        {"id": "4"},
        ATTACK,
    ]
    right = [{"id": ATTACK + "1", ATTACK: ATTACK.upper(), "v": ATTACK, "t": 2}, {"id": "3", "v": ATTACK}, {"id": "4"}, {"id": "4"}]
    diff = reconcile(left, right, key="id", accept=Accept(fields={ATTACK: 0}, totals={ATTACK: 0}))  # type: ignore[arg-type]
    diff = Diff(evolve(diff._findings, notes=(ATTACK,), sides=(ATTACK, ATTACK), why=(ATTACK,), unstable=(ATTACK,), in_flight=tuple(diff.breaks())))
    text = of_page(diff, tmp_path)
    page = Page(text)
    assert page.dangerous == []
    assert page.tags.count("script") == 1
    assert not re.search("[\x00\x1b\u202e\ud800\uffff\r]", text)
    fragment = Page(diff._repr_html_())
    assert fragment.tags.count("script") == 0
    Xml.fromstring(diff.to_junit(suite=ATTACK) or "")
    json.loads(diff.to_json() or "")
    assert str(diff).isascii() or not re.search("[\x00\x1b\u202e\ud800\uffff\r]", str(diff))
    assert not re.search("[\x00\x1b\u202e\ud800\uffff\r]", diff.explain() + repr(diff))


def contrast(one: str, other: str) -> float:
    def light(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    lighter, darker = sorted((light(one), light(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_all_words_can_be_read_in_light_and_dark() -> None:
    light, dark = STYLE.split("@media (prefers-color-scheme: dark)")
    for theme in (light, dark.partition("} }")[0]):
        colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", theme))
        pairs = [(ink, back) for ink in ("ink", "soft") for back in ("paper", "card", "head")]
        pairs += [("good", "good-back"), ("bad", "bad-back"), ("warn", "warn-back"), ("mark", "mark-back")]
        pairs += [("good", "card"), ("bad", "card"), ("warn", "card")]
        for ink, back in pairs:
            assert contrast(colours[ink], colours[back]) >= 4.5, f"{ink} on {back}"


def test_marks_show_what_differs() -> None:
    assert marked("'Ann'", "'Anna'") == ("&#x27;Ann&#x27;", "&#x27;Ann<mark>a</mark>&#x27;")
    assert marked("1.50", "-1.50") == ("1.50", "<mark>-</mark>1.50")
    assert marked("'a'", "'b'") == ("&#x27;a&#x27;", "&#x27;b&#x27;")
    assert marked("<x>a", "<x>b") == ("&lt;x&gt;<mark>a</mark>", "&lt;x&gt;<mark>b</mark>")
    assert marked("null", "0") == ("null", "0")


def test_words_from_outside_stay_in_their_line() -> None:
    assert clean("a\nb\x1b\u202ec") == "a\\nb\\x1b\\u202ec"
    assert clean("x" * 3000) == "x" * 1999 + "…"
    assert clean("Søren 李") == "Søren 李"


# ---------------------------------------------------------------- all forms


def test_the_same_findings_give_the_same_bytes(tmp_path: Path) -> None:
    def written() -> list[str]:
        left, right = rows(60)
        diff = timeless(reconcile(left, right, key="id"))
        return [str(diff), diff.explain(), diff.to_json() or "", diff.to_junit() or "", of_page(diff, tmp_path), diff._repr_html_()]

    assert written() == written()


def test_a_large_report_takes_little_memory(tmp_path: Path) -> None:
    class Many:
        def __len__(self) -> int:
            return 1500

        def __iter__(self) -> Any:
            return (Break(index, "missing_left", None, {"id": index, "v": "x" * 1000}, {}) for index in range(1500))

    few = Diff(evolve(reconcile([], [{"id": 1}], key="id")._findings, breaks=Many()))
    few.to_json(tmp_path / "warm.json")
    tracemalloc.start()
    try:
        diff = Diff(evolve(few._findings))
        diff.to_json(tmp_path / "diff.json")
        diff.to_html(tmp_path / "diff.html", breaks=1500)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (tmp_path / "diff.json").stat().st_size > 1_500_000
    assert peak < 800_000


def test_reports_need_no_extra(diff: Diff, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pyarrow", "numpy", "pandas"):
        monkeypatch.setitem(sys.modules, name, None)
    str(diff), diff.to_json(), diff.to_junit(), of_page(diff, tmp_path)
