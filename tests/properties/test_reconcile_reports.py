"""Whatever the data, each form of a report can be read back, and they agree with one another."""

from __future__ import annotations

import json
import re
from datetime import date, datetime
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrakit.reconciliation import Accept, Diff, reconcile
from integrakit.reconciliation.reports.overview import overview_of
from integrakit.reconciliation.reports.stretches import Spread
from integrakit.unset import UNSET

TEXTS = st.one_of(st.text(max_size=8), st.sampled_from(["</script>", "<!--", "]]>", "&amp;", '"', "'", "\x00", "\u202e", "a" * 300, "=1+1", "\r\n"]))
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.decimals(),
    TEXTS,
    st.text(st.characters(codec=None), max_size=4),
    st.binary(max_size=4),
    st.datetimes(),
    st.dates(),
    st.timedeltas(),
    st.uuids(),
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=3)
KEYS = st.one_of(st.integers(0, 6), st.sampled_from(["a", "</td>", "\x00"]), SCALARS)
SIDES = st.lists(st.fixed_dictionaries({"id": KEYS, "v": VALUES, "<w>": VALUES}), max_size=7)


class Tags(HTMLParser):
    """The tags of a page; that all are closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.rows = self.scripts = 0
        self.attributes: set[str] = set()
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes.update(name for name, _ in attrs)
        self.scripts += tag == "script"
        self.rows += tag == "tr" and any(name == "data-kind" for name, _ in attrs)
        if tag not in ("meta", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


HARMLESS = {"lang", "charset", "name", "content", "http-equiv", "class", "id", "scope", "tabindex", "role", "aria-label", "aria-hidden", "aria-live"}
HARMLESS |= {"style", "open", "hidden", "type", "autocomplete", "value", "data-kind", "data-field", "data-cause"}


@pytest.fixture(name="folder", scope="session")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reports")


@given(left=SIDES, right=SIDES)
def test_every_form_can_be_read_back(folder: Path, left: list[dict[str, Any]], right: list[dict[str, Any]]) -> None:
    diff = reconcile(left, right, key="id", engine="dict")
    breaks = list(diff.breaks())
    found = json.loads(diff.to_json() or "", parse_float=Decimal)
    assert found["summary"] == dict(diff.summary)
    assert [each["kind"] for each in found["breaks"]] == [each.kind for each in breaks]

    diff.to_html(folder / "page.html")
    text = (folder / "page.html").read_bytes().decode()
    page = Tags(text)
    assert page.attributes <= HARMLESS
    assert page.scripts == bool(breaks)
    assert page.rows == sum(max(1, len(each.fields)) for each in breaks)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)
    assert Tags(diff._repr_html_()).scripts == 0

    (suite,) = Xml.fromstring(diff.to_junit() or "")
    assert (suite.get("failures") == "0") == (not breaks)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", str(diff))
    assert all(sample.left and sample.right for causes in overview_of(diff._findings).samples.values() for some in causes.values() for sample in some)


def _within(diff: Diff, rule: Accept) -> bool:
    return diff.judged_by(rule).accepted


@given(left=SIDES, right=SIDES)
def test_a_rule_accepts_exactly_up_to_its_limits(left: list[dict[str, Any]], right: list[dict[str, Any]]) -> None:
    diff = reconcile(left, right, key="id", engine="dict")
    breaks = list(diff.breaks())
    assert _within(diff, Accept(breaks=len(breaks)))
    assert not breaks or not _within(diff, Accept(breaks=len(breaks) - 1))
    changed = sum(each.kind == "changed" for each in breaks)
    assert _within(diff, Accept(changed=changed, breaks=len(breaks) - changed))
    alone = sum(each.kind == "changed" and set(each.fields) == {"v"} for each in breaks)
    if any(field.name == "v" for field in diff.fields):
        assert _within(diff, Accept(fields={"v": None}, breaks=len(breaks) - alone))
        assert len(breaks) == alone or not _within(diff, Accept(fields={"v": None}, breaks=len(breaks) - alone - 1))


PLACES = st.one_of(
    st.lists(st.integers(-(10**12), 10**12), min_size=2, max_size=60),
    st.lists(st.text(max_size=5), min_size=2, max_size=60),
    st.lists(st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2030, 1, 1)), min_size=2, max_size=60),
    st.lists(st.dates(min_value=date(2000, 1, 1)), min_size=2, max_size=60),
    st.lists(SCALARS, min_size=2, max_size=60),
)


@given(values=PLACES, again=st.randoms(use_true_random=False))
def test_stretches_count_everything_in_any_order(values: list[Any], again: Any) -> None:
    one, other = Spread("id"), Spread("id")
    shuffled = list(values)
    again.shuffle(shuffled)
    for spread, each in ((one, values), (other, shuffled)):
        for value in each:
            spread.add(None if value is UNSET else value)
    found = one.result()
    if found is None:
        assert one.single
        return
    assert sum(each.number for each in found.stretches) + found.elsewhere == one.number
    assert one.number + one.nothing == len(values)
    assert len(found.stretches) <= 13
    if found.elsewhere == 0:
        assert found == other.result()


@given(numbers=st.lists(st.integers(0, 3000), min_size=1, max_size=300), start=st.integers(0, 10**9))
def test_a_cluster_holds_what_it_says(numbers: list[int], start: int) -> None:
    spread = Spread("id")
    values = [start + number // 100 for number in numbers] + [start + 10**7, start - 10**7]
    for value in values:
        spread.add(value)
    found = spread.result()
    assert found is not None
    if said := re.fullmatch(r"(\d+) % of the breaks lie (?:at|between) ([\d,-]+)(?: and ([\d,-]+))?", found.cluster):
        first = int(said[2].replace(",", ""))
        last = int((said[3] or said[2]).replace(",", ""))
        inside = sum(first <= value <= last for value in values)
        assert inside * 100 // len(values) == int(said[1])
    else:
        assert len(values) < 10 or len(numbers) * 100 < 80 * len(values)
