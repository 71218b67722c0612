"""Query languages and templates: where the next page begins is written into a text, and no value can say more there than itself."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrakit._json import dumps
from integrakit.errors import ConfigurationError, DecodeError
from integrakit.http import Client, KeysetPaginator, OffsetPaginator
from integrakit.model import Request, Response

QBO: dict[str, Any] = {"offset_param": "query", "clause": " STARTPOSITION {offset} MAXRESULTS {limit}", "start": 1}
SOQL: dict[str, Any] = {"clause": " WHERE Id > '{last}' ORDER BY Id LIMIT 2", "first": " ORDER BY Id LIMIT 2"}

HOSTILE = [
    "x' OR Id > '",
    "x\\",
    "x\\' OR 1=1 --",
    "'",
    "''",
    "\\",
    "' WHERE Id > '5' ORDER BY Id LIMIT 2",
    "{last}",
    "{}",
    "\u2019",
    "%27",
    "é'ü",
]


def request(text: Any = "SELECT Id FROM Account", **options: Any) -> Request:
    return Request(**{"method": "GET", "url": "https://x.example/q", "params": {"q": text, "query": text}, **options})


def following(paginator: Any, asked: Request, records: list[Any], body: Any = None) -> Request | None:
    raw = httpx.Response(200, content=dumps(body), request=httpx.Request("GET", asked.url))
    found: Request | None = paginator.next_request(asked, Response(raw, asked), records)
    return found


# ---------------------------------------------------------------------------------------------- offsets in a query


def test_an_offset_stands_in_the_query() -> None:
    paginator = OffsetPaginator(limit=2, **QBO)
    asked: Request | None = paginator.first_request(request("select * from Customer  "))
    assert asked is not None
    assert asked.params["query"] == "select * from Customer STARTPOSITION 1 MAXRESULTS 2"
    assert paginator.first_request(asked).params == asked.params
    asked = following(paginator, asked, [{}, {}])
    assert asked is not None
    assert asked.params["query"] == "select * from Customer STARTPOSITION 3 MAXRESULTS 2"
    # One that is taken up in the middle goes on there, with the limit of now.
    assert OffsetPaginator(limit=9, **QBO).first_request(asked).params["query"] == "select * from Customer STARTPOSITION 3 MAXRESULTS 9"
    assert paginator.earlier(asked, 1).params["query"].endswith("STARTPOSITION 2 MAXRESULTS 2")  # type: ignore[union-attr]
    assert paginator.earlier(asked, 7).params["query"].endswith("STARTPOSITION 1 MAXRESULTS 2")  # type: ignore[union-attr]
    assert following(paginator, asked, []) is None


def test_an_offset_stands_in_a_query_in_the_body_or_the_url() -> None:
    paginator = OffsetPaginator(offset_param="q.text", clause=" OFFSET {offset}", in_="json", total="total")
    asked = paginator.first_request(request(method="POST", json={"q": {"text": "SELECT 1", "x": 2}}))
    assert asked.json == {"q": {"text": "SELECT 1 OFFSET 0", "x": 2}}
    assert following(paginator, asked, [1, 2, 3], {"total": 4}).json == {"q": {"text": "SELECT 1 OFFSET 3", "x": 2}}  # type: ignore[union-attr]
    assert following(paginator, asked, [1, 2, 3], {"total": 3}) is None
    in_url = request(url="https://x.example/q?query=SELECT+1&x=2", params={})
    paginator = OffsetPaginator(offset_param="query", clause=" OFFSET {offset}")
    first = paginator.first_request(in_url)
    assert (first.url, first.params) == ("https://x.example/q?x=2", {"query": "SELECT 1 OFFSET 0"})


def test_offsets_in_a_query_are_known_in_advance_too() -> None:
    paginator = OffsetPaginator(limit=2, total="total", **QBO)
    asked = paginator.first_request(request())
    raw = httpx.Response(200, content=dumps({"total": 7}), request=httpx.Request("GET", asked.url))
    second = paginator.next_request(asked, Response(raw, asked), [1, 2])
    assert second is not None
    more = paginator.requests_ahead(second, Response(raw, asked), [1, 2], 2, 9)
    assert [re.findall(r"\d+", each.params["query"])[0] for each in more] == ["5", "7"]


@pytest.mark.parametrize("text", [None, 5, ["SELECT 1"], {"a": 1}])
def test_a_query_that_is_not_there_is_said(text: Any) -> None:
    asked = request(text)
    for paginator in (OffsetPaginator(limit=2, **QBO), KeysetPaginator("Id", "q", **SOQL)):
        with pytest.raises(ConfigurationError, match="has none there"):
            paginator.first_request(asked)
    with pytest.raises(ConfigurationError, match="json="):
        KeysetPaginator("Id", "q", in_="json", **SOQL).first_request(asked)


# ---------------------------------------------------------------------------------------------- keysets in a query


def test_the_first_page_of_a_keyset_is_ordered_and_the_next_ones_begin_after_the_last_record() -> None:
    paginator = KeysetPaginator("Id", "q", **SOQL)
    asked = paginator.first_request(request())
    assert asked.params["q"] == "SELECT Id FROM Account ORDER BY Id LIMIT 2"
    assert paginator.first_request(asked).params == asked.params
    for last in ("001A", "001B"):
        asked = following(paginator, asked, [{"Id": last}])  # type: ignore[assignment]
        assert asked.params["q"] == f"SELECT Id FROM Account WHERE Id > '{last}' ORDER BY Id LIMIT 2"
        assert paginator.first_request(asked) is asked  # taken up in the middle
    assert following(paginator, asked, []) is None


@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_with_quotes_is_refused_until_it_is_said_how_they_are_escaped(value: str) -> None:
    paginator = KeysetPaginator("Id", "q", **SOQL)
    asked = paginator.first_request(request())
    if "'" in value or "\\" in value:
        with pytest.raises(DecodeError, match="quote="):
            following(paginator, asked, [{"Id": value}])
    else:
        found = following(paginator, asked, [{"Id": value}])
        assert found is not None
        assert f"'{value}'" in found.params["q"]


def literal(text: str) -> tuple[str, str]:
    """A text in quotes read as SOQL reads it: what it says, and what stands behind it. Written without a look at ours."""
    assert text[0] == "'"
    said, index = "", 1
    while text[index] != "'":
        index += text[index] == "\\"
        said += text[index]
        index += 1
    return said, text[index + 1 :]


@given(st.sampled_from(HOSTILE) | st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Zl", "Zp")), max_size=12))
def test_no_value_leaves_its_quotes_with_backslashes(value: str) -> None:
    paginator = KeysetPaginator("Id", "q", quote="backslash", **SOQL)
    asked = paginator.first_request(request())
    for _ in range(2):  # the second time it replaces what was written before
        asked = following(paginator, asked, [{"Id": value}])  # type: ignore[assignment]
        head, mark, rest = asked.params["q"].partition(" WHERE Id > ")
        assert (head, mark != "") == ("SELECT Id FROM Account", True)
        assert literal(rest) == (value, " ORDER BY Id LIMIT 2")
    assert following(paginator, asked, [{"Id": "z"}]).params["q"] == "SELECT Id FROM Account WHERE Id > 'z' ORDER BY Id LIMIT 2"  # type: ignore[union-attr]


@given(st.sampled_from(HOSTILE) | st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Zl", "Zp")), max_size=12))
def test_no_value_leaves_its_quotes_with_doubled_quotes(value: str) -> None:
    paginator = KeysetPaginator("id", "q", clause=" WHERE id = '{last}' LIMIT 2", first="", quote="double")
    asked = paginator.first_request(request("SELECT id FROM t"))
    try:
        asked = following(paginator, asked, [{"id": value}])  # type: ignore[assignment]
    except DecodeError:
        assert "\\" in value
        return
    database = sqlite3.connect(":memory:")
    try:
        database.execute("CREATE TABLE t (id TEXT)")
        database.executemany("INSERT INTO t VALUES (?)", [(value,), (value + "x",), ("y" + value,)])
        assert database.execute(asked.params["q"]).fetchall() == [(value,)]
    finally:
        database.close()
    assert following(paginator, asked, [{"id": "z"}]).params["q"] == "SELECT id FROM t WHERE id = 'z' LIMIT 2"  # type: ignore[union-attr]


BARE: list[tuple[Any, bool]] = [
    (5, True),
    (-5, True),
    (Decimal("1.50"), True),
    ("17", True),
    ("2026-11-21", True),
    ("2026-11-21T09:00:00Z", True),
    ("2026-11-21T09:00:00.123+00:00", True),
    ("0c7f2f5e-0f39-4f6e-8c1a-3c3f0d3f9b55", True),
    (1e30, False),
    (float("nan"), False),
    ("null", False),
    ("5 OR 1 = 1", False),
    ("5--", False),
    ("5)", False),
    ("", False),
    ("5\n", False),
    ("٥", False),
    ("name", False),
]


@pytest.mark.parametrize(("value", "fits"), BARE)
def test_without_quotes_only_what_says_nothing_else_is_written(value: Any, fits: bool) -> None:
    for template in ("id gt {}", "{}", "or=(id.gt.{},x)"):
        paginator = KeysetPaginator("id", "filter", template=template)
        if fits:
            assert str(value)[:2] in following(paginator, request(), [{"id": value}]).params["filter"]  # type: ignore[union-attr]
        else:
            with pytest.raises(DecodeError):
                following(paginator, request(), [{"id": value}])


def test_a_decimal_is_written_without_an_exponent() -> None:
    paginator = KeysetPaginator("id", "filter", template="id gt {}")
    assert following(paginator, request(), [{"id": Decimal("1E+3")}]).params["filter"] == "id gt 1000"  # type: ignore[union-attr]


@pytest.mark.parametrize("value", [*HOSTILE, 5, "a b", "a&b=c", ""])
def test_what_follows_an_operator_to_the_end_may_be_anything(value: Any) -> None:
    found = following(KeysetPaginator("id", "id", template="gt.{}"), request(), [{"id": value}])
    assert found is not None
    assert found.params["id"] == f"gt.{value}"


@pytest.mark.parametrize("value", ["a\nb", "a\x00", "\x7f", "a\u2028b"])
@pytest.mark.parametrize("template", ["gt.{}", "id gt '{}'", "id gt {}"])
def test_control_characters_go_nowhere(value: str, template: str) -> None:
    with pytest.raises(DecodeError):
        following(KeysetPaginator("id", "id", template=template, quote="double"), request(), [{"id": value}])


def test_several_fields() -> None:
    postgrest = KeysetPaginator(("at", "id"), "or", template='(at.gt."{0}",and(at.eq."{0}",id.gt.{1}))', quote="backslash")
    found = following(postgrest, request(), [{"at": '2026"),(', "id": 7}])
    assert found is not None
    assert found.params["or"] == '(at.gt."2026\\"),(",and(at.eq."2026\\"),(",id.gt.7))'
    soql = KeysetPaginator(
        ("At", "Owner.Id"),
        "q",
        clause=" WHERE At > {0} OR (At = {0} AND Owner.Id > '{1}') ORDER BY At, Owner.Id LIMIT 2",
        first=" ORDER BY At, Owner.Id LIMIT 2",
    )
    asked = soql.first_request(request())
    for number in (1, 2):
        asked = following(soql, asked, [{"At": f"2026-01-0{number}T00:00:00Z", "Owner": {"Id": "x"}}])  # type: ignore[assignment]
        assert asked.params["q"].count("WHERE") == 1
        assert f"(At = 2026-01-0{number}T00:00:00Z AND Owner.Id > 'x')" in asked.params["q"]
    for record in ({"At": "2026-01-01"}, {"At": "2026-01-01", "Owner": {"Id": None}}, {"At": [1], "Owner": {"Id": "x"}}):
        with pytest.raises(DecodeError):
            following(soql, asked, [record])


@pytest.mark.parametrize(
    "build",
    [
        lambda: KeysetPaginator(("a", "b"), "p"),
        lambda: KeysetPaginator(("a", "b"), "p", template="gt.{0}"),
        lambda: KeysetPaginator(("a", "b"), "p", template="{last} {0} {1}"),
        lambda: KeysetPaginator("a", "p", quote="double"),
        lambda: KeysetPaginator("a", "p", template="{}", clause=" {}", first=""),
        lambda: KeysetPaginator("a", "p", clause=" > {}"),
        lambda: KeysetPaginator("a", "p", first=" LIMIT 2"),
        lambda: KeysetPaginator("a", "p", clause=" > {}", first="", in_="header"),
        lambda: KeysetPaginator("a", "p", clause=" > '{}", first=""),
        lambda: KeysetPaginator("a", "p", clause=" > -{}", first=""),
        lambda: KeysetPaginator("a", "p", clause=" > {}x", first=""),
        lambda: KeysetPaginator("a", "p", clause="gt.{}x", first=""),
        lambda: KeysetPaginator("a", "p", template="'{}\""),
        lambda: OffsetPaginator(clause=" {offset}", in_="header"),
        lambda: OffsetPaginator(clause=" {limit}", limit=5),
    ],
)
def test_a_wording_that_a_value_could_break_out_of_is_refused_at_build(build: Callable[[], Any]) -> None:
    with pytest.raises(ConfigurationError, match="Paginator"):
        build()


def test_a_keyset_over_http_in_sqlites_own_sql() -> None:
    """A server that runs the query as it comes: every row once, whatever its key looks like."""
    database = sqlite3.connect(":memory:", check_same_thread=False)
    names = sorted(["a", "a'b", "a''", "b'; DROP TABLE t; --", "c", "d%", "é", "z' OR '1'='1"])
    database.execute("CREATE TABLE t (name TEXT)")
    database.executemany("INSERT INTO t VALUES (?)", [(name,) for name in names])

    def answer(asked: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=[{"name": name} for (name,) in database.execute(asked.url.params["q"])])

    paginator = KeysetPaginator("name", "q", clause=" WHERE name > '{last}' ORDER BY name LIMIT 3", first=" ORDER BY name LIMIT 3", quote="double")
    with Client("https://x.example", http=httpx.Client(transport=httpx.MockTransport(answer))) as client:
        read = client.stream("/sql", params={"q": "SELECT name FROM t"}, paginator=paginator, key="name").read()
        assert [record["name"] for record in read] == names
        assert read.evidence.complete is True
    database.close()
