"""OAuth 1: published vectors, and an independent reading of RFC 5849 that checks what arrives at a server."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

import pytest

from integrakit.errors import AuthenticationError, BadRequest, ConfigurationError, PolicyError
from integrakit.http import Client, Request
from integrakit.http.signing import OAuth1
from integrakit.runtimes import SimulatedRuntime, drive, runtime
from integrakit.secrets import Secret

pytest.importorskip("oauthlib")

NETSUITE = {
    "consumer_key": "ef40afdd8abaac111b13825dd5e5e2ddddb44f86d5a0dd6dcf38c20aae6b67e4",
    "consumer_secret": "d26ad321a4b2f23b0741c8d38392ce01c3e23e109df6c96eac6d099e9ab9e8b5",
    "token": "2b0ce516420110bcbd36b69e99196d1b7f6de3c6234c5afb799b73d87569f5cc",
    "token_secret": "c29a677df7d5439a458c063654187e3d678d73aca8e3c9d8bea1478a3eb0d295",
}
KEYS = {"consumer_key": "consumer", "consumer_secret": "consumer-secret", "token": "token", "token_secret": "token-secret"}


def escape(text: str) -> str:
    return quote(text, safe="~")


def base_string(method: str, url: str, pairs: list[tuple[str, str]]) -> str:
    """RFC 5849 §3.4.1, written from its text: ``pairs`` are all parameters, decoded."""
    normal = "&".join(f"{name}={value}" for name, value in sorted((escape(name), escape(value)) for name, value in pairs))
    return "&".join((method, escape(url), escape(normal)))


def signature(text: str, consumer_secret: str, token_secret: str, kind: Any = hashlib.sha256) -> str:
    key = f"{escape(consumer_secret)}&{escape(token_secret)}"
    return base64.b64encode(hmac.new(key.encode(), text.encode(), kind).digest()).decode()


def parts(header: str) -> dict[str, str]:
    assert header.startswith("OAuth ")
    return {name: unquote(value.strip('"')) for name, _, value in (part.partition("=") for part in header[6:].split(", "))}


def signed(auth: OAuth1, request: Request) -> tuple[Request, dict[str, str]]:
    result = drive(auth.authorise(request))
    return result, parts(result.headers["authorization"])


def arrived_well(asked: Any, host: str, keys: dict[str, str] = KEYS) -> bool:
    """Whether the signature of a request fits what arrived, as a server would reckon it from the raw request line and body."""
    told = parts(asked.headers["authorization"])
    pairs = [(name, value) for name, value in told.items() if name not in ("oauth_signature", "realm")]
    path, _, query = asked.target.partition("?")
    pairs += parse_qsl(query, keep_blank_values=True)
    if asked.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        pairs += parse_qsl(asked.body.decode(), keep_blank_values=True)
    text = base_string(asked.method, f"http://{host}{path}", pairs)
    return told["oauth_signature"] == signature(text, keys["consumer_secret"], keys["token_secret"])


# ---------------------------------------------------------------------- published vectors


def test_our_own_reading_of_the_rfc_gives_its_example() -> None:
    """RFC 5849 §3.4.1.1 and §1.2, so that what is checked by `base_string` below is checked by the RFC."""
    pairs = [("b5", "=%3D"), ("a3", "a"), ("c@", ""), ("a2", "r b"), ("c2", ""), ("a3", "2 q")]
    pairs += [("oauth_consumer_key", "9djdj82h48djs9d2"), ("oauth_token", "kkk9d7dh3k39sjv7"), ("oauth_signature_method", "HMAC-SHA1")]
    pairs += [("oauth_timestamp", "137131201"), ("oauth_nonce", "7d8f3e4a")]
    assert base_string("POST", "http://example.com/request", pairs) == (
        "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D%26c2%3D%26oauth_consumer_key"
        "%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3D"
        "kkk9d7dh3k39sjv7"
    )
    pairs = [("file", "vacation.jpg"), ("size", "original"), ("oauth_consumer_key", "dpf43f3p2l4k3l03"), ("oauth_token", "nnch734d00sl2jdk")]
    pairs += [("oauth_signature_method", "HMAC-SHA1"), ("oauth_timestamp", "137131202"), ("oauth_nonce", "chapoH")]
    text = base_string("GET", "http://photos.example.net/photos", pairs)
    assert signature(text, "kd94hf93k423kf44", "pfkkdhi9sl3r4s00", hashlib.sha1) == "MdpQcU8iPSUjWoN/UDMsK2sui9I="


def test_netsuites_restlet_example() -> None:
    """Oracle, NetSuite help, "The Signature for Web Services and RESTlets" (section_1534941088; read 2026-11)."""
    auth = OAuth1(**NETSUITE, realm="123456", nonce=lambda: "fjaLirsIcCGVZWzBX0pg", timestamp=lambda: 1508242306)
    url = "https://123456.restlets.api.netsuite.com/app/site/hosting/restlet.nl?script=6&deploy=1&customParam=someValue&testParam=someOtherValue"
    _, told = signed(auth, Request(method="POST", url=url, json={"not": "signed"}))
    assert told == {
        "realm": "123456",
        "oauth_consumer_key": NETSUITE["consumer_key"],
        "oauth_token": NETSUITE["token"],
        "oauth_signature_method": "HMAC-SHA256",
        "oauth_timestamp": "1508242306",
        "oauth_nonce": "fjaLirsIcCGVZWzBX0pg",
        "oauth_version": "1.0",
        "oauth_signature": "+KK4SKNgz4ZiILGLwOMtfYlgcXSy1eis8ldE9X90azQ=",
    }


def test_the_photo_example_of_oauth_core() -> None:
    """OAuth Core 1.0a, appendix A.5."""
    auth = OAuth1(
        "dpf43f3p2l4k3l03",
        "kd94hf93k423kf44",
        token="nnch734d00sl2jdk",
        token_secret="pfkkdhi9sl3r4s00",
        method="HMAC-SHA1",
        nonce=lambda: "kllo9940pd9333jh",
        timestamp=lambda: 1191242096,
    )
    request = Request(method="GET", url="http://photos.example.net/photos", params={"size": "original", "file": "vacation.jpg"})
    result, told = signed(auth, request)
    assert told["oauth_signature"] == "tR3+Ty81lMeYAr/Fid0kMTYa/WM="
    assert result.url == "http://photos.example.net/photos?size=original&file=vacation.jpg"


def test_a_form_whose_fields_are_signed() -> None:
    """Twitter's developer documentation, "Creating a signature" (API 1.1)."""
    auth = OAuth1(
        "xvz1evFS4wEEPTGEFPHBog",
        "kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw",
        token="370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb",
        token_secret="LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE",
        method="HMAC-SHA1",
        nonce=lambda: "kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg",
        timestamp=lambda: 1318622958,
    )
    request = Request(
        method="POST",
        url="https://api.twitter.com/1.1/statuses/update.json",
        params={"include_entities": True},
        data={"status": "Hello Ladies + Gentlemen, a signed OAuth request!"},
    )
    assert signed(auth, request)[1]["oauth_signature"] == "hCtSmYh+iHYCEqBWrE7C7hYmtUk="


# ---------------------------------------------------------------------- what is signed is what arrives

TRAPS = "~ ' ( ) * + %2F & = ü % / ? # [ ] ; : @ , $ ! \" < > { } | \\ ^ `"


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
@pytest.mark.parametrize(
    "options",
    [
        {"params": {"q": TRAPS, "list": ["b", "a", "a"], "": "x"} | {"a b": "", "c@": None}},
        {"params": {"q": TRAPS}, "data": {"status": TRAPS, "list": ["2", "10", "1"], "empty": ""}},
        {"json": {"not": "signed"}, "params": {"tag": ["z", "a"]}},
        {"data": {}},
        {"content": "c2&a3=2+q", "headers": {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}},
        {"content": b"\xff\xfe", "headers": {"Content-Type": "application/octet-stream"}},
        {"content": b"", "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
    ],
)
def test_what_is_signed_is_what_arrives(serve: Any, library: str, options: dict[str, Any]) -> None:
    pytest.importorskip(library)
    server = serve(lambda asked: {})
    options = {**options, "params": {name: value for name, value in options.get("params", {}).items() if name}}
    with Client(server.url, auth=OAuth1(**KEYS, realm="ACCT_1"), http=library) as client:
        client.post("/a~'()*+ b%2Fü;v=1/x?b5=%3D%253D&a3=a&c%40=&a2=r%20b&flag&x={}|[]", **options)
        client.put("/items:1/../items(2)", **options)
    assert len(server.asked) == 2
    for asked in server.asked:
        assert arrived_well(asked, f"127.0.0.1:{server.port}")


def test_the_check_above_can_fail(serve: Any) -> None:
    server = serve(lambda asked: {})
    with Client(server.url, auth=OAuth1(**KEYS)) as client:
        client.get("/a?x=1")
    asked = server.asked[0]
    assert arrived_well(asked, f"127.0.0.1:{server.port}")
    asked.target = "/a?x=2"
    assert not arrived_well(asked, f"127.0.0.1:{server.port}")


def test_a_page_read_by_links_is_signed_page_by_page(serve: Any) -> None:
    def script(asked: Any) -> Any:
        page = int(asked.params.get("page", 1))
        link = f'<{asked.path}?page={page + 1}&q=a+b>; rel="next"' if page < 3 else ""
        return 200, {"Content-Type": "application/json", **({"Link": link} if link else {})}, b'[{"id": %d}]' % page

    server = serve(script)
    with Client(server.url, auth=OAuth1(**KEYS)) as client:
        assert [record["id"] for record in client.stream("/items", params={"q": "a b"})] == [1, 2, 3]
    assert all(arrived_well(asked, f"127.0.0.1:{server.port}") for asked in server.asked)


# ---------------------------------------------------------------------- each attempt, its time, its keys


def test_each_attempt_has_a_nonce_of_its_own_and_the_time_of_its_world() -> None:
    world = SimulatedRuntime(seed=1, start=datetime(2026, 3, 1, 12, tzinfo=UTC))
    asked: list[dict[str, str]] = []

    async def host(request: Request, _: Any) -> Any:
        asked.append(parts(request.headers["authorization"]))
        return (503 if len(asked) < 3 else 200), [("Retry-After", "10")], b"{}"

    world.hosts[("http", "api.test", 80)] = host

    async def main() -> None:
        async with Client("http://api.test", auth=OAuth1(**KEYS)) as client:
            await client.aget("/a")

    world.run(main())
    assert [int(told["oauth_timestamp"]) for told in asked] == [1772366400, 1772366410, 1772366420]
    assert len({told["oauth_nonce"] for told in asked}) == 3
    assert all(told["oauth_nonce"].isalnum() and len(told["oauth_nonce"]) == 32 for told in asked)


def test_keys_that_were_replaced_are_used_after_a_401(world: Any, serve: Any) -> None:
    keys = ["old-secret-value"]
    secret = Secret(lambda: keys[-1], ttl=None)
    current = dict(KEYS)

    def script(asked: Any) -> Any:
        fits = arrived_well(asked, f"127.0.0.1:{server.port}", {**current, "token_secret": "new-secret-value"})
        return (200, {}, {}) if fits else (401, {}, {"error": "signature"})

    server = serve(script)
    auth = OAuth1(**{**KEYS, "token_secret": secret})

    async def main() -> Any:
        async with Client(server.url, auth=auth) as client:
            await secret.get()
            keys.append("new-secret-value")
            secret.expire()
            return (await client.aget("/a")).status_code

    assert world(main) == 200
    assert {"old-secret-value", "new-secret-value"} <= set(auth.secrets())


def test_fixed_keys_are_refused_once(serve: Any) -> None:
    server = serve(lambda asked: (401, {}, {"error": "token-secret is wrong"}))
    with Client(server.url, auth=OAuth1(**KEYS)) as client, pytest.raises(AuthenticationError) as caught:
        client.get("/a")
    assert len(server.asked) == 1
    assert "token-secret" not in str(caught.value)


# ---------------------------------------------------------------------- what is refused, what is shown


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"consumer_key": ""}, "consumer_key"),
        ({"consumer_secret": None}, "consumer_secret"),
        ({"token": "a\n"}, "token"),
        ({"token_secret": " hush"}, "token_secret"),
        ({"token_secret": b"hush"}, "token_secret"),
        ({"realm": 'a"b'}, "realm"),
        ({"realm": "a\\"}, "realm"),
        ({"realm": 5}, "realm"),
        ({"method": "PLAINTEXT"}, "method"),
        ({"nonce": "fixed"}, "nonce"),
        ({"timestamp": 5}, "timestamp"),
    ],
)
def test_wrong_arguments_are_named_and_not_shown(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"OAuth1\({words}=") as caught:
        OAuth1(**{**KEYS, **wrong})
    assert "hush" not in str(caught.value)


def test_files_cannot_be_signed(serve: Any) -> None:
    server = serve(lambda asked: {})
    with Client(server.url, auth=OAuth1(**KEYS)) as client, pytest.raises(ConfigurationError, match="cannot be signed"):
        client.post("/a", files={"file": b"x"})
    assert not server.asked


@pytest.mark.parametrize(
    ("url", "options", "words"),
    [
        ("http://user:hush-hush@api.test/a", {}, "user name"),
        ("http://api.test/a?x=%FF", {}, "UTF-8"),
        ("http://api.test/a", {"content": b"a=\xff", "headers": {"content-type": "application/x-www-form-urlencoded"}}, "UTF-8"),
        ("http://api.test/a", {"content": "a=<x>", "headers": {"content-type": "application/x-www-form-urlencoded"}}, "cannot be signed"),
        ("http://api.test/a", {"method": "GET", "data": {"a": "b"}}, "cannot be signed"),
    ],
)
def test_what_cannot_be_signed_is_said(url: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        drive(OAuth1(**KEYS).authorise(Request(**{"method": "POST", "url": url, **options})))
    assert "hush" not in str(caught.value)


def test_the_secrets_are_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    auth = OAuth1(**KEYS)
    request, _ = signed(auth, Request(method="GET", url="http://api.test/a"))
    for text in (repr(auth), str(auth), repr(request), str(request), caplog.text):
        assert "consumer-secret" not in text
        assert "token-secret" not in text
    assert list(auth.secrets()) == ["consumer-secret", "token-secret"]


def test_the_request_that_was_given_stays_as_it_is() -> None:
    request = Request(method="POST", url="http://api.test/a", params={"a": 1}, json={"b": 2}, headers={"x": "y"})
    result, _ = signed(OAuth1(**KEYS), request)
    assert (request.url, request.params, request.json, request.headers) == ("http://api.test/a", {"a": 1}, {"b": 2}, {"x": "y"})
    assert (result.url, result.json, result.content) == ("http://api.test/a?a=1", None, b'{"b":2}')


def test_a_missing_extra_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "oauthlib.oauth1", None)
    with pytest.raises(ConfigurationError, match=r'pip install "integrakit\[oauth1\]"'):
        OAuth1(**KEYS)


def test_keys_that_cannot_be_asked_for_after_a_401_are_noted(serve: Any) -> None:
    values: list[Any] = ["first-secret"]

    def source() -> str:
        return values.pop()

    server = serve(lambda asked: (401, {}, {}))
    clock = SimulatedRuntime(seed=1)

    async def main() -> None:
        async with Client(server.url, auth=OAuth1(**{**KEYS, "token_secret": Secret(source)})) as client:
            await client.aget("/a")

    async def later() -> None:
        auth = OAuth1(**{**KEYS, "token_secret": Secret(source)})
        async with Client(server.url, auth=auth) as client:
            await auth.authorise(Request(method="GET", url=server.url))
            await runtime().sleep(60)
            await client.aget("/a")

    with pytest.raises(AuthenticationError) as caught:
        clock.run(later())
    assert any("other keys could not be asked for" in note for note in caught.value.__notes__)
    assert len(server.asked) == 1
    with pytest.raises(PolicyError):
        drive(main())


def test_a_secret_that_is_no_key_is_said_when_it_is_used() -> None:
    auth = OAuth1(**{**KEYS, "token_secret": Secret(lambda: "hush-hush\n")})
    with pytest.raises(ConfigurationError, match=r"OAuth1\(token_secret=…\)") as caught:
        drive(auth.authorise(Request(method="GET", url="http://api.test/")))
    assert "hush" not in str(caught.value)


def test_a_parameter_that_a_server_echoes_stays_hidden_once_it_was_signed(serve: Any) -> None:
    server = serve(lambda asked: (400, {}, {"you sent": asked.target}))
    with Client(server.url, auth=OAuth1(**KEYS), retry=None) as client, pytest.raises(BadRequest) as caught:
        client.get("/orders", params={"access_token": "aVeryLongOneIndeed"})
    assert "aVeryLongOneIndeed" not in str(caught.value)
    assert "you sent" in str(caught.value)
