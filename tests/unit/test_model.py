"""The value types: what they refuse, what they show, and that they travel."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import attrs
import httpx
import pytest

from integrakit.clock import SystemClock
from integrakit.errors import CheckpointMismatch, ConfigurationError, DecodeError
from integrakit.model import UNSET, Change, Checkpoint, Evidence, FieldError, Outcome, Page, Request, Response, Timeout, Window
from integrakit.model.exchange import is_header_name, is_secret_name, mask_url, origin, without_params
from integrakit.model.reading import utc

NOW = datetime(2026, 1, 1, tzinfo=UTC)
WRONG_NUMBERS: list[Any] = ["5", True, float("nan"), float("inf"), -1, [], object()]

# ---------------------------------------------------------------------------------------------- checkpoints


def test_a_checkpoint_comes_back_as_it_was() -> None:
    full = Checkpoint(resource="r", parameters="p", token={"a": [1]}, watermark="w", pages=2, records=30, born=NOW, expires=NOW)
    for checkpoint in (
        full,
        Checkpoint(resource="r"),
        Checkpoint(resource="", token=0, watermark=0),
        Checkpoint(resource="r", token=False, watermark=""),
    ):
        assert Checkpoint.from_dict(checkpoint.to_dict()) == checkpoint
        assert pickle.loads(pickle.dumps(checkpoint)) == checkpoint
    assert full.to_dict()["v"] == 1
    assert Checkpoint(resource="r").to_dict() == {"v": 1, "resource": "r"}


def test_a_checkpoint_of_something_else_is_refused() -> None:
    checkpoint = Checkpoint(resource="orders", parameters="abc")
    checkpoint.check("orders", "abc")
    for resource, parameters in (("customers", "abc"), ("orders", "abd"), ("orders", ""), ("Orders", "abc")):
        with pytest.raises(CheckpointMismatch, match="'orders'"):
            checkpoint.check(resource, parameters)


def test_an_expired_token_is_worthless_and_the_watermark_counts() -> None:
    checkpoint = Checkpoint(resource="r", token="t", watermark="w", pages=2, records=3, expires=NOW)
    assert checkpoint.live(NOW - timedelta(microseconds=1)) is checkpoint
    assert checkpoint.live(NOW) == Checkpoint(resource="r", watermark="w", expires=NOW)
    assert Checkpoint(resource="r", token="t").live(NOW).token == "t"
    assert Checkpoint(resource="r", expires=NOW, watermark="w").live(NOW).watermark == "w"


def test_times_without_a_zone_are_utc() -> None:
    checkpoint = Checkpoint(resource="r", token="t", born=datetime(2026, 1, 1), expires=datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))))
    assert checkpoint.born == checkpoint.expires == NOW
    assert checkpoint.live(NOW).token is None
    assert utc(datetime(2026, 1, 1)) == NOW


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"v": 2, "resource": "r"},
        {"v": "1", "resource": "r"},
        {"v": None, "resource": "r"},
        {"resource": "r"},
        {"v": 1},
        {"v": 1, "resource": "r", "unknown": 1},
        {"v": 1, "resource": 5},
        {"v": 1, "resource": "r", "parameters": None},
        {"v": 1, "resource": "r", "pages": -1},
        {"v": 1, "resource": "r", "records": "5"},
        {"v": 1, "resource": "r", "pages": True},
        {"v": 1, "resource": "r", "born": "yesterday"},
        {"v": 1, "resource": "r", "expires": 5},
        {"v": 1, "resource": "r", "born": None},
        None,
        5,
        "abc",
        [],
        [1],
    ],
)
def test_what_is_no_checkpoint_is_refused(values: Any) -> None:
    with pytest.raises(CheckpointMismatch):
        Checkpoint.from_dict(values)


@pytest.mark.parametrize(
    "values", [{"resource": None}, {"parameters": 5}, {"pages": -1}, {"records": 1.5}, {"born": "2026-01-01"}, {"expires": 5}], ids=str
)
def test_wrong_checkpoints_are_not_built(values: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="Checkpoint"):
        Checkpoint(**{"resource": "r", **values})


def test_evidence_in_words() -> None:
    assert str(Evidence()) == "not proved complete: 0 records in 0 pages"
    assert str(Evidence(complete=True, pages=2, records=3)) == "complete: 3 records in 2 pages"
    assert str(Evidence(complete=False, pages=1, records=0, reasons=("a", "b"))) == "INCOMPLETE: 0 records in 1 page (a; b)"


def test_a_page_is_as_long_as_its_records() -> None:
    assert len(Page([1, 2])) == 2
    assert len(Page([])) == 0


@pytest.mark.parametrize("value", [*WRONG_NUMBERS, None])
def test_wrong_windows_are_said(value: Any) -> None:
    for name in ("overlap", "settle"):
        with pytest.raises(ConfigurationError, match=name):
            Window(**{name: value})
    assert Window(overlap=0, settle=1.5).settle == 1.5


# ---------------------------------------------------------------------------------------------- changes and outcomes


def test_changes() -> None:
    assert Change.create(1, {"a": 1}, idempotency_key="k") == Change("create", 1, {"a": 1}, idempotency_key="k")
    assert Change.update(1, {"a": None}, whole={"a": None, "b": 1}, remote_key=5).whole == {"a": None, "b": 1}
    assert Change.upsert(None, {}).key is None
    assert Change.delete(1, remote_key="r").record is None


@pytest.mark.parametrize("record", [None, [("a", 1)], "text", 5, UNSET])
def test_a_change_needs_a_record(record: Any) -> None:
    for build in (Change.create, Change.update, Change.upsert):
        with pytest.raises(ConfigurationError, match=r"Change\.(create|update|upsert)\(record=…\) takes a record as a mapping"):
            build(1, record)


@pytest.mark.parametrize("kind", ["", "CREATE", "patch", None, 5, []])
def test_kinds_and_statuses_are_those_there_are(kind: Any) -> None:
    with pytest.raises(ConfigurationError, match="a Change is one of create, delete, update, upsert"):
        Change(kind, 1, {})
    with pytest.raises(ConfigurationError, match="an Outcome is one of applied, failed, rejected, unchanged, unknown"):
        Outcome(kind, 1)


def test_other_wrong_changes() -> None:
    with pytest.raises(ConfigurationError, match="whole"):
        Change.update(1, {}, whole=5)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="record"):
        Change("delete", 1, 5)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="idempotency_key"):
        Change.delete(1, idempotency_key=5)  # type: ignore[arg-type]


def test_outcomes() -> None:
    assert Outcome.applied(1, remote_key=2, request_id="r").status == "applied"
    assert Outcome.unchanged(1).error is None
    for build in (Outcome.rejected, Outcome.failed, Outcome.unknown):
        assert build(1, "why", request_id="r").error == "why"
        assert build(1, ValueError("an exception")).error == "an exception"  # type: ignore[arg-type]
        assert build(1, ValueError()).error == "ValueError"  # type: ignore[arg-type]
        with pytest.raises(ConfigurationError, match="error in words"):
            build(1, 5)  # type: ignore[arg-type]


def test_a_field_error_in_words() -> None:
    assert str(FieldError("a.b", "is missing")) == "a.b: is missing (from 'a.b', missing)"
    assert str(FieldError("a.b", "is no number", "str", "total")) == "total: is no number (from 'a.b', str)"


# ---------------------------------------------------------------------------------------------- requests


def request(**options: Any) -> Request:
    return Request(**{"method": "GET", "url": "https://x.example/a", **options})


def test_a_copy_has_everything() -> None:
    """It is written by hand, and a field that is added must not be forgotten there."""
    values = {attribute.name: object() for attribute in attrs.fields(Request)}
    for name in ("params", "headers", "extensions"):
        values[name] = {name: name}
    copy = Request(**values).copy()
    assert {name: getattr(copy, name) for name in values} == values


def test_a_copy_is_independent() -> None:
    first = request(params={"a": 1}, headers={"b": "2"}, extensions={"c": 3}, json={"d": 4}, cost=2)
    second = first.copy(method="PUT")
    for name in ("params", "headers", "extensions"):
        getattr(second, name)["new"] = "x"
        assert "new" not in getattr(first, name)
    assert (second.method, second.json, second.cost, first.method) == ("PUT", {"d": 4}, 2, "GET")
    given = {"e": 5}
    first.copy(params=given).params["f"] = 6
    assert given == {"e": 5}
    with pytest.raises(ConfigurationError, match="nonsense"):
        first.copy(nonsense=1)


def test_a_request_shows_no_secret() -> None:
    asked = request(
        url="https://user:s3cret@x.example/a?api_key=s3cret&page=2",
        params={"token": "s3cret", "page": 3},
        headers={"authorization": "s3cret"},
        json={"password": "s3cret"},
        content=None,
        idempotency_key="s3cret",
    )
    assert repr(asked) == "<Request GET https://x.example/a?api_key=***&page=2 params=['page', 'token']>"
    assert str(asked) == "GET https://x.example/a?api_key=***&page=2"


def test_a_request_travels_without_files_and_notes() -> None:
    with open(__file__, "rb") as file:
        again = pickle.loads(pickle.dumps(request(files={"f": file}, extensions={"f": lambda: 1}, params={"a": 1})))
    assert (again.files, again.extensions, again.params, again.url) == (None, {}, {"a": 1}, "https://x.example/a")
    assert copy.deepcopy(request(params={"a": 1})).params == {"a": 1}


@pytest.mark.parametrize("value", [0, *WRONG_NUMBERS])
def test_wrong_timeouts_are_said(value: Any) -> None:
    for name in ("connect", "read", "write", "pool", "attempt"):
        with pytest.raises(ConfigurationError, match=name):
            Timeout(**{name: value})
        assert getattr(Timeout(**{name: None}), name) is None


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:pass@h/a?page=1#frag", "https://h/a?page=1"),
        ("https://user:p@ss@h/", "https://h/"),
        ("https://user:pa/ss@h/", "<a URL that cannot be read>"),
        ("https://user:pa?ss@h/", "<a URL that cannot be read>"),
        ("https://user:pa#ss@h/", "<a URL that cannot be read>"),
        ("https://[::1", "<a URL that cannot be read>"),
        ("//user:pass@h/x", "//h/x"),
        ("user:pass@h/path", "user:h/path"),
        ("http:user:pass@h/path", "http:///h/path"),
        ("/users/me@example.com", "/users/me@example.com"),
        ("https://h/?Access_Token=x&b=%FF", "https://h/?Access_Token=***&b=%FF"),
        ("https://h/?%74oken=x", "https://h/?%74oken=***"),
        ("https://h/?token", "https://h/?token=***"),
        ("https://h/?token=a;b", "https://h/?token=***"),
        ("https://h/?b=1;token=x", "https://h/?b=***"),
        ("https://h/?then=https%3A%2F%2Fx%2F%3Ftoken%3Dabc&b=1", "https://h/?then=***&b=1"),
        ("https://h/?then=https%253A%252F%252Fx%252F%253Fcode%253Dabc", "https://h/?then=***"),
        ("https://h/?then=https%3A%2F%2Fx%2F%3Fpage%3D2", "https://h/?then=https%3A%2F%2Fx%2F%3Fpage%3D2"),
        ("https://h/?a[token]=1", "https://h/?a[token]=***"),
        ("https://h/?X-Amz-Signature=a&X-Amz-Date=b", "https://h/?X-Amz-Signature=***&X-Amz-Date=***"),
        ("https://h/\n?token=x", "https://h/?token=***"),
        ("https://h/?a=b&&=c", "https://h/?a=b&&=c"),
        ("https://h:8080/ü?q=ü", "https://h:8080/ü?q=ü"),
        ("", ""),
    ],
)
def test_urls_as_they_may_be_shown(url: str, shown: str) -> None:
    assert mask_url(url) == shown


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("HTTPS://X.example:443/a", ("https", "x.example", 443)),
        ("https://x.example", ("https", "x.example", 443)),
        ("http://x.example", ("http", "x.example", 80)),
        ("https://x.example:8443", ("https", "x.example", 8443)),
        ("https://x.example:0", ("https", "x.example", 0)),
        ("https://user@x.example", ("https", "x.example", 443)),
        ("http://[::1]:80/", ("http", "::1", 80)),
        ("https://x.example\\@evil.example/", ("", "", None)),
        ("https://x.example:port/", ("", "", None)),
        ("https://x.example:99999/", ("", "", None)),
        ("https://[::1", ("", "", None)),
        ("/a", ("", "", None)),
    ],
)
def test_what_credentials_belong_to(url: str, found: Any) -> None:
    assert origin(url) == found


def test_dropping_parameters() -> None:
    drop = lambda name, value: name == "k" or value == "v"  # noqa: E731
    assert without_params("https://h/a", drop) == "https://h/a"
    assert without_params("https://h/a?k=1#f", drop) == "https://h/a#f"
    assert without_params("https://h/a?%6b=1&x=v&y=%FF&&z", drop) == "https://h/a?y=%FF&&z"


def test_names() -> None:
    for name in ("token", "X-Api-Key", "client_secret", "Authorization", "sessionid", "sig", "code", "Password"):
        assert is_secret_name(name)
    for name in ("page", "id", "zipcode", "keyboard", "monkey"):
        assert not is_secret_name(name)
    assert is_header_name("X-Api_Key.1")
    for name in ("", "a b", "a:b", "a\n", "ü", "a(b"):
        assert not is_header_name(name)


# ---------------------------------------------------------------------------------------------- responses


def response(body: bytes = b"{}", status: int = 200, headers: dict[str, str] | None = None, **options: Any) -> Response:
    asked = request(url="https://user:s3cret@x.example/a?token=s3cret")
    raw = httpx.Response(status, content=body, headers=headers, request=httpx.Request("GET", "https://x.example/a?page=1"))
    return Response(raw, asked, **options)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_json_in_every_encoding_of_unicode(encoding: str) -> None:
    assert response('{"a": "ü😀"}'.encode(encoding)).json() == {"a": "ü😀"}


def test_json_is_decoded_once_and_exactly_where_asked() -> None:
    plain, exact = response(b'{"a": 1.10}'), response(b'{"a": 1.10}', decimals=True)
    assert plain.json() is plain.json()
    assert str(exact.json()["a"]) == "1.10"
    assert isinstance(exact.json()["a"], Decimal)
    assert exact.fresh().json() == exact.json()
    assert exact.fresh().json() is not exact.json()
    assert response(b"null").json() is None
    assert response(b'{"a": 1, "a": 2}').json() == {"a": 2}
    assert response(b"1" * 400).json() == int("1" * 400)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"<html>",
        b"{",
        b"[NaN]",
        b"[Infinity]",
        b"[-Infinity]",
        b"1 2",
        b'"\n"',
        b'"\xff"',
        b"[" * 100_000,
        b"1" * 5000,
        b"\xfe\xff\x00",
        b"'a'",
    ],
    ids=lambda body: repr(body[:10]),
)
@pytest.mark.parametrize("decimals", [False, True])
def test_what_is_no_json_is_a_decode_error(body: bytes, decimals: bool) -> None:
    with pytest.raises(DecodeError, match="not JSON") as caught:
        response(body, headers={"content-type": "text/html"}, decimals=decimals).json()
    assert caught.value.response is not None
    assert f"{len(body)} bytes" in str(caught.value)
    assert "text/html" in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_an_exponent_out_of_bounds_is_no_number() -> None:
    for body in (b"1e9999999999999999999", b"[1e-9999999999999999999]"):
        with pytest.raises(DecodeError, match="out of all bounds"):
            response(body, decimals=True).json()
    assert response(b"1e400", decimals=True).json() == Decimal("1e400")


def test_what_a_response_tells() -> None:
    told = response(b"t\xe9", 418, {"content-type": "text/plain; charset=latin-1", "link": '</2>; rel="Next"', "X-Correlation-ID": "c-1"}, attempts=3)
    assert (told.text, told.content, told.status_code, told.attempts) == ("té", b"t\xe9", 418, 3)
    assert told.links == {"next": "/2"}
    assert told.request_id == "c-1"
    assert told.url == "https://x.example/a?page=1"
    assert told.is_error
    assert not response(status=399).is_error
    assert told.headers["LINK"] == told.headers["link"]
    assert str(told) == "GET https://x.example/a?token=***, answered 418"
    assert repr(told) == "<Response 418 GET https://x.example/a?token=***>"
    assert response().request_id is None
    assert response(headers={"x-request-id": "", "request-id": "b"}).request_id == "b"


def test_an_excerpt_is_one_short_line_without_secrets() -> None:
    shown = response(b"a\nb\x1b[0m" + b"s3cret" * 5000, hide=lambda text: text.replace("s3cret", "***")).excerpt()
    assert shown.startswith("a b [0m***")
    assert len(shown) == 301
    assert "s3c" not in shown
    assert response(b"").excerpt() == ""


def test_a_response_travels() -> None:
    first = response(b'{"a": 1.10}', 404, decimals=True, attempts=2, hide=str)
    first.error = DecodeError("x", response=first)
    again = pickle.loads(pickle.dumps(first))
    assert (again.status_code, again.json(), again.attempts, again.error) == (404, {"a": Decimal("1.10")}, 2, None)
    assert isinstance(again.json()["a"], Decimal)


# ---------------------------------------------------------------------------------------------- the smallest


def test_unset() -> None:
    assert repr(UNSET) == "UNSET"
    assert not UNSET
    assert UNSET is not None
    for again in (pickle.loads(pickle.dumps(UNSET)), copy.copy(UNSET), copy.deepcopy([UNSET])[0]):
        assert again is UNSET


def test_values_are_frozen() -> None:
    for value, name in (
        (Evidence(), "complete"),
        (Window(), "overlap"),
        (Timeout(), "read"),
        (Change.delete(1), "key"),
        (Outcome.unchanged(1), "key"),
    ):
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(value, name, 1)


def test_the_clock_of_the_machine() -> None:
    clock = SystemClock()
    assert clock.now() <= clock.now()
    assert clock.wall().tzinfo is UTC
    assert repr(clock) == "SystemClock()"
