"""`encoded`: a request as it will be sent, with nothing left for the HTTP libraries to normalise."""

from __future__ import annotations

import importlib
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrakit._http.encoding import encoded
from integrakit.errors import ConfigurationError
from integrakit.http import Client, Request
from integrakit.unset import UNSET

TRAPS = "~ ' ( ) * + %2F & = ü % / ? # [ ] ; : @ , $ ! \" < > { } | \\ ^ `"


class Encoded:
    """An auth that signs nothing: only the encoding is left of it."""

    async def authorise(self, request: Request, /) -> Request:
        return encoded(request)

    def secrets(self) -> tuple[str, ...]:
        return ()


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"params": {"q": TRAPS, "n": [2, 10], "none": None, "unset": UNSET, "yes": True, "d": date(2026, 1, 2), "m": Decimal("1.50")}},
        {"json": {"a": TRAPS, "m": Decimal("1.50")}},
        {"json": {"a": 1}, "headers": {"Content-Type": "application/vnd.api+json"}},
        {"json": []},
        {"data": {"a": TRAPS, "list": ["2", "1"], "yes": True, "none": None, "n": 1.5}},
        {"data": {}},
        {"content": TRAPS},
        {"content": b"\x00\xff", "headers": {"content-type": "application/octet-stream"}},
        {"content": ""},
    ],
)
def test_what_arrives_means_what_it_meant_before(serve: Any, library: str, options: dict[str, Any]) -> None:
    pytest.importorskip(library)
    server = serve(lambda asked: {})
    for path in ("/a/b", "/a~'()*+ b%2Fü;v=1/x!$,:@?x=a+b&y=%7E&flag&=&&z", "/a/../b//c/./d?"):
        for auth in (None, Encoded()):
            with Client(server.url, http=library, auth=auth, params={"v": "1"}) as client:
                client.post(path, **options)
        plain, whole = server.asked[-2:]
        assert whole.path == plain.path
        assert whole.query == [pair for pair in plain.query if pair != ("", "")] or whole.query == plain.query
        assert whole.body == plain.body
        assert whole.headers.get("content-type") == plain.headers.get("content-type")
        assert whole.headers["host"] == plain.headers["host"]
        assert whole.headers.get("content-length") == plain.headers.get("content-length")


text = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=20)


@given(path=text, query=text, params=st.dictionaries(text.filter(bool), st.text(st.characters(codec="utf-8"), max_size=20), max_size=3))
@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_the_libraries_leave_it_as_it_is(library: str, path: str, query: str, params: dict[str, str]) -> None:
    module = importlib.import_module(library)
    result = encoded(Request(method="GET", url=f"https://api.test/{path}?{query}", params=params))
    assert str(module.URL(result.url)) == result.url
    assert encoded(result.copy(params={})).url == result.url
    sent = result.url.partition("?")[2]
    assert set(sent) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%&=")
    if "?" not in path and "#" not in path + query:
        assert parse_qsl(sent, keep_blank_values=True)[-len(params) :] == list(params.items()) or not params


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("HTTP://API.test:80", "http://api.test/"),
        ("https://api.test:443/a#fragment", "https://api.test/a"),
        ("https://api.test:8443?", "https://api.test:8443/"),
        ("http://[::1]:8080/a", "http://[::1]:8080/a"),
        ("http://bücher.test/ü", "http://xn--bcher-kva.test/%C3%BC"),
        ("http://api.test/a?x=%ff&y=%zz&z=%7e", "http://api.test/a?x=%FF&y=%25zz&z=~"),
    ],
)
def test_urls(url: str, expected: str) -> None:
    assert encoded(Request(method="GET", url=url)).url == expected


def test_only_the_names_of_parameters_stay() -> None:
    """They tell what must not be shown in the URL of the response."""
    request = Request(method="POST", url="http://api.test/a", params={"api_key": "hush", "n": 1}, data={"a": "b c"})
    result = encoded(request)
    assert result.url == "http://api.test/a?api_key=hush&n=1"
    assert result.params == {"api_key": None, "n": None}
    assert (result.data, result.json, result.content) == (None, None, b"a=b+c")
    assert result.headers == {"content-type": "application/x-www-form-urlencoded"}
    assert (request.params, request.headers, request.content) == ({"api_key": "hush", "n": 1}, {}, None)


def test_the_clients_own_parameters_are_not_shown(serve: Any) -> None:
    server = serve(lambda asked: {})
    with Client(server.url, auth=Encoded(), params={"api_key": "hush-hush-hush"}) as client:
        response = client.get("/a", params={"q": "x y"})
    assert server.asked[0].params == {"api_key": "hush-hush-hush", "q": "x y"}
    assert "hush" not in response.url
    assert unquote_to_bytes(response.url.partition("q=")[2].replace("+", " ")) == b"x y"


@pytest.mark.parametrize(
    "wrong",
    [
        {"files": {"a": b"x"}},
        {"url": "http://user@api.test/"},
        {"url": "http://:hush@api.test/"},
        {"url": "http://api.test:port/"},
        {"url": "http://api.test/\x00"},
        {"params": {"a": {"b": 1}}},
        {"json": {"a": object()}},
    ],
)
def test_what_cannot_be_encoded_is_said(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        encoded(Request(**{"method": "POST", "url": "http://api.test/", **wrong}))
    assert "hush" not in str(caught.value)
