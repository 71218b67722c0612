"""AWS Signature Version 4: AWS's published vectors, and an independent reading of its rules that checks what arrives at a server."""

from __future__ import annotations

import hashlib
import hmac
import logging
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, unquote_to_bytes

import pytest

from integrakit.errors import ConfigurationError, PermissionDenied, PolicyError
from integrakit.http import Client, Request
from integrakit.http.signing import AWSCredentials, AWSSigV4
from integrakit.runtimes import SimulatedRuntime
from integrakit.secrets import Secret

pytest.importorskip("botocore")

SUITE = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
SUITE_SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
S3_DOCS = datetime(2013, 5, 24, tzinfo=UTC)
S3_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
TOKEN = (
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC"
    "1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOL"
    "n9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="
)
FORM = "application/x-www-form-urlencoded"
UNRESERVED = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def signed_at(at: datetime, auth: AWSSigV4, request: Request) -> Request:
    return SimulatedRuntime(start=at).run(auth.authorise(request))


# ---------------------------------------------------------------------- published vectors


@pytest.mark.parametrize(
    ("name", "request_", "token", "names", "signature"),
    [
        ("get-vanilla", {}, None, "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("post-vanilla", {"method": "POST"}, None, "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        ("get-unreserved", {"path": f"/{UNRESERVED}"}, None, "", "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"),
        (
            "get-vanilla-query-order-key-case",
            {"params": {"Param2": "value2", "Param1": "value1"}},
            None,
            "",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        (
            "get-vanilla-query-unreserved",
            {"params": {UNRESERVED: UNRESERVED}},
            None,
            "",
            "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
        ),
        ("get-vanilla-utf8-query", {"params": {"ሴ": "bar"}}, None, "", "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"),
        (
            "post-vanilla-query-nonunreserved",
            {"method": "POST", "params": {"@#$%^": "", "+": '/,?><`";:\\|][{}'}},
            None,
            "",
            "66c82657c86e26fb25238d0e69f011edc4c6df5ae71119d7cb98ed9b87393c1e",
        ),
        (
            "get-header-value-trim",
            {"headers": {"My-Header1": "value1", "My-Header2": '"a   b   c"'}},
            None,
            "my-header1;my-header2;",
            "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
        ),
        (
            "post-sts-header-before",
            {"method": "POST"},
            TOKEN,
            "",
            "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
        ),
        (
            "post-x-www-form-urlencoded",
            {"method": "POST", "data": {"Param1": "value1"}},
            None,
            "content-type;",
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        ),
        (
            "post-x-www-form-urlencoded-parameters",
            {"method": "POST", "content": "Param1=value1", "headers": {"content-type": f"{FORM}; charset=utf8"}},
            None,
            "content-type;",
            "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe",
        ),
    ],
)
def test_the_suite_of_aws(name: str, request_: dict[str, Any], token: str | None, names: str, signature: str) -> None:
    """AWS's "Signature Version 4 test suite" (aws-sig-v4-test-suite, 2015), as AWS's own SDKs carry it.

    Without get-utf8, whose path stands unescaped in the request line: HTTP cannot carry that, and AWS escapes an escaped path twice (but for S3).
    """
    given = {"method": "GET", "url": "https://example.amazonaws.com" + request_.get("path", "/"), **request_}
    given.pop("path", None)
    auth = AWSSigV4("service", "us-east-1", access_key="AKIDEXAMPLE", secret_key=SUITE_SECRET, session_token=token)
    result = signed_at(SUITE, auth, Request(**given))
    before, _, after = f"{names}host;x-amz-date".partition("my-header")
    ordered = ";".join(sorted((before + (f"my-header{after}" if after else "") + (";x-amz-security-token" if token else "")).split(";")))
    assert result.headers["authorization"] == (
        f"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders={ordered}, Signature={signature}"
    )
    assert result.headers["x-amz-date"] == "20150830T123600Z"
    assert "x-amz-content-sha256" not in result.headers


@pytest.mark.parametrize(
    ("request_", "signature"),
    [
        (
            {"method": "GET", "path": "/test.txt", "headers": {"Range": "bytes=0-9"}},
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            {
                "method": "PUT",
                "path": "/test$file.text",
                "headers": {"Date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"},
                "content": "Welcome to Amazon S3.",
            },
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        ({"method": "GET", "path": "/?lifecycle"}, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        (
            {"method": "GET", "path": "/", "params": {"max-keys": 2, "prefix": "J"}},
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ],
)
def test_the_examples_of_s3(request_: dict[str, Any], signature: str) -> None:
    """Amazon S3 API reference, "Signature calculations for the Authorization header" (sig-v4-header-based-auth; read 2026-11)."""
    url = "https://examplebucket.s3.amazonaws.com" + request_.pop("path")
    auth = AWSSigV4("s3", "us-east-1", access_key="AKIAIOSFODNN7EXAMPLE", secret_key=S3_SECRET)
    result = signed_at(S3_DOCS, auth, Request(url=url, **request_))
    assert result.headers["authorization"].endswith(f"Signature={signature}")
    body = request_.get("content", "").encode()
    assert result.headers["x-amz-content-sha256"] == hashlib.sha256(body).hexdigest()


# ---------------------------------------------------------------------- what is signed is what arrives

KEYS = {"access_key": "AKIDEXAMPLE", "secret_key": "wJalrXUtnFEMIhush"}


def hashed(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def arrived_well(asked: Any, service: str, *, secret: str = KEYS["secret_key"]) -> bool:
    """The rules of "Create a signed AWS API request", from the raw request line, headers and body: decode everything, and encode it anew."""
    said = dict(part.split("=", 1) for part in asked.headers["authorization"].removeprefix("AWS4-HMAC-SHA256 ").split(", "))
    _, day, region, named, _ = said["Credential"].split("/")
    path, _, query = asked.target.partition("?")
    path = "/".join(quote(unquote_to_bytes(segment), safe="~") for segment in path.split("/"))
    if service != "s3":
        path = quote(path, safe="/~")
    pairs = [tuple(quote(unquote_to_bytes(piece), safe="~") for piece in part.partition("=")[::2]) for part in query.split("&") if part]
    headers = "".join(f"{name}:{' '.join(asked.headers[name].split())}\n" for name in said["SignedHeaders"].split(";"))
    body = hashlib.sha256(asked.body).hexdigest()
    assert asked.headers.get("x-amz-content-sha256", body) == body
    request = [asked.method, path, "&".join(f"{name}={value}" for name, value in sorted(pairs)), headers, said["SignedHeaders"], body]
    scope = f"{day}/{region}/{named}/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{asked.headers['x-amz-date']}\n{scope}\n{hashlib.sha256(chr(10).join(request).encode()).hexdigest()}"
    key = hashed(hashed(hashed(hashed(f"AWS4{secret}".encode(), day), region), named), "aws4_request")
    return named == service and said["Signature"] == hashed(key, text).hex()


TRAPS = "~ ' ( ) * + %2F & = ü % / ? # [ ] ; : @ , $ ! \" < > { } | \\ ^ `"


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
@pytest.mark.parametrize("service", ["s3", "execute-api", "aoss"])
def test_what_is_signed_is_what_arrives(serve: Any, library: str, service: str) -> None:
    pytest.importorskip(library)
    server = serve(lambda asked: {})
    auth = AWSSigV4(service, "eu-central-1", **KEYS, session_token="session-token-value")
    with Client(server.url, auth=auth, http=library, headers={"X-Own": "a   b", "Accept": "application/json"}, params={"key": "client's"}) as client:
        for path in ("/a~'()*+ b%2Fü;v=1/x!$,:@", "/plain", "/%7Etilde/%41", "/a?uploads&x=a+b&flag&&y=%7E'()*{}|[]", "/a/./b/../c"):
            client.get(path, params={"q": TRAPS, "n": [2, 10, 1]})
            client.put(path, content=TRAPS)
        client.post("/form", data={"Action": "SendMessage", "Body": TRAPS})
        client.post("/json", json={"a": TRAPS})
    assert len(server.asked) == 12
    for asked in server.asked:
        assert arrived_well(asked, service), asked.target
        assert asked.headers["x-amz-security-token"] == "session-token-value"
        assert ("x-amz-content-sha256" in asked.headers) is (service != "execute-api")


def test_a_key_of_s3_arrives_as_it_was_meant(serve: Any) -> None:
    server = serve(lambda asked: {})
    with Client(server.url, auth=AWSSigV4("s3", "eu-central-1", **KEYS)) as client:
        client.get("/bucket/my file (1)+ü.txt", params={"prefix": "a b+c"})
        client.get("/bucket//double//slash")
    assert server.asked[0].target == "/bucket/my%20file%20%281%29%2B%C3%BC.txt?prefix=a%20b%2Bc"
    assert server.asked[1].target == "/bucket//double//slash"


def test_escaped_dots_do_not_become_steps_up_the_path(serve: Any) -> None:
    server = serve(lambda asked: {})
    with Client(server.url, auth=AWSSigV4("s3", "eu-central-1", **KEYS)) as client:
        client.get("/bucket/%2e%2E/%2E/other")
    assert server.asked[0].target == "/bucket/%2e%2E/%2E/other"


def test_the_check_above_can_fail(serve: Any) -> None:
    server = serve(lambda asked: {})
    with Client(server.url, auth=AWSSigV4("s3", "eu-central-1", **KEYS)) as client:
        client.put("/a", content="x")
    asked = server.asked[0]
    assert arrived_well(asked, "s3")
    assert not arrived_well(asked, "s3", secret="another")
    asked.target = "/b"
    assert not arrived_well(asked, "s3")


def test_a_hash_of_ones_own_is_kept(serve: Any) -> None:
    server = serve(lambda asked: {})
    with Client(server.url, auth=AWSSigV4("s3", "eu-central-1", **KEYS)) as client:
        client.put("/a", content="x", headers={"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"})
    assert server.asked[0].headers["x-amz-content-sha256"] == "UNSIGNED-PAYLOAD"


def test_what_changes_on_the_way_is_not_signed(serve: Any) -> None:
    server = serve(lambda asked: {})
    with Client(server.url, auth=AWSSigV4("sqs", "eu-central-1", **KEYS)) as client:
        client.get("/a", headers={"Traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "User-Agent": "mine"})
    said = server.asked[0].headers["authorization"]
    assert "SignedHeaders=host;x-amz-date," in said
    assert server.asked[0].headers["traceparent"]


# ---------------------------------------------------------------------- whose keys, at which time


def test_credentials_are_asked_for_at_each_attempt(world: Any, serve: Any) -> None:
    given = [AWSCredentials("AKIDOLD", "secret-that-was", "token-that-was"), AWSCredentials("AKIDNEW", "secret-that-is", "token-that-is")]
    asked_for: list[int] = []

    def source() -> AWSCredentials:
        asked_for.append(1)
        return given[min(len(asked_for), 2) - 1]

    server = serve(lambda asked: (503, {"Retry-After": "0.01"}, {}) if "AKIDOLD" in asked.headers["authorization"] else {})
    auth = AWSSigV4("sqs", "eu-central-1", credentials=source)

    async def main() -> Any:
        async with Client(server.url, auth=auth) as client:
            return await client.aget("/a")

    assert world(main).attempts == 2
    assert [asked.headers["x-amz-security-token"] for asked in server.asked] == ["token-that-was", "token-that-is"]
    assert arrived_well(server.asked[1], "sqs", secret="secret-that-is")
    # Those before are hidden as well: answers to them may still come.
    assert set(auth.secrets()) == {"secret-that-was", "token-that-was", "secret-that-is", "token-that-is"}


def test_a_session_of_boto_and_its_credentials() -> None:
    import botocore.credentials
    import botocore.session

    now = datetime.now(UTC)
    refreshed: list[int] = []

    def refresh() -> dict[str, str]:
        refreshed.append(1)
        return {"access_key": "AKIDFRESH", "secret_key": "fresh", "token": "t", "expiry_time": (now + timedelta(hours=6)).isoformat()}

    stale = botocore.credentials.RefreshableCredentials("AKIDSTALE", "stale", "t", now - timedelta(hours=1), refresh, "test")
    request = Request(method="GET", url="http://api.test/")
    assert "AKIDFRESH/" in signed_at(SUITE, AWSSigV4("sqs", "eu-central-1", credentials=stale), request).headers["authorization"]
    assert refreshed == [1]
    session = botocore.session.Session()
    session.set_credentials("AKIDSESSION", "session-secret")
    result = signed_at(SUITE, AWSSigV4("sqs", "eu-central-1", credentials=session), request)
    assert "AKIDSESSION/" in result.headers["authorization"]
    assert "x-amz-security-token" not in result.headers
    empty = SimpleNamespace(get_credentials=lambda: None)
    with pytest.raises(ConfigurationError, match="found no credentials"):
        signed_at(SUITE, AWSSigV4("sqs", "eu-central-1", credentials=empty), request)


def test_an_answer_of_sts_and_things_that_are_none() -> None:
    request = Request(method="GET", url="http://api.test/")
    answer = {"AccessKeyId": "AKIDSTS", "SecretAccessKey": "sts-secret", "SessionToken": "sts-token", "Expiration": SUITE}
    result = signed_at(SUITE, AWSSigV4("sqs", "eu-central-1", credentials=lambda: answer), request)
    assert "AKIDSTS/" in result.headers["authorization"]
    assert result.headers["x-amz-security-token"] == "sts-token"
    for wrong in (None, ("AKID", "hush-hush"), {"AccessKeyId": "AKID"}, {**answer, "SecretAccessKey": Secret("hush-hush")}):
        with pytest.raises(ConfigurationError) as caught:
            signed_at(SUITE, AWSSigV4("sqs", "eu-central-1", credentials=lambda wrong=wrong: wrong), request)
        assert "hush" not in str(caught.value)


def test_a_function_that_fails_is_said_without_its_words() -> None:
    def source() -> AWSCredentials:
        raise OSError("hush-hush")

    with pytest.raises(PolicyError, match="could not be asked: it raised OSError") as caught:
        signed_at(SUITE, AWSSigV4("sqs", "eu-central-1", credentials=source), Request(method="GET", url="http://api.test/"))
    assert "hush" not in str(caught.value)
    assert isinstance(caught.value.__cause__, OSError)


def test_keys_may_be_secrets() -> None:
    values = ["first-secret"]
    secret = Secret(lambda: values[-1], ttl=0)
    auth = AWSSigV4("sqs", "eu-central-1", access_key=Secret("AKIDEXAMPLE"), secret_key=secret)
    request = Request(method="GET", url="http://api.test/")
    first = signed_at(SUITE, auth, request).headers["authorization"]
    values.append("second-secret")
    assert signed_at(SUITE, auth, request).headers["authorization"] != first
    assert {"first-secret", "second-secret"} <= set(auth.secrets())


def test_the_time_is_that_of_the_runtime() -> None:
    world = SimulatedRuntime(start=datetime(2026, 12, 31, 23, 59, 50, tzinfo=UTC))
    dates: list[str] = []

    async def host(request: Request, _: Any) -> Any:
        dates.append(request.headers["x-amz-date"])
        assert f"/{dates[-1][:8]}/" in request.headers["authorization"]
        return (503 if len(dates) < 2 else 200), [("Retry-After", "20")], b"{}"

    world.hosts[("http", "api.test", 80)] = host

    async def main() -> None:
        async with Client("http://api.test", auth=AWSSigV4("sqs", "eu-central-1", **KEYS)) as client:
            await client.aget("/a")

    world.run(main())
    assert dates == ["20261231T235950Z", "20270101T000010Z"]


def test_a_clock_that_is_off_is_told_by_aws_and_shows_no_secret(serve: Any) -> None:
    words = f"RequestTimeTooSkewed: {KEYS['secret_key']}"
    server = serve(lambda asked: (403, {}, {"Code": words}))
    with Client(server.url, auth=AWSSigV4("s3", "eu-central-1", **KEYS)) as client, pytest.raises(PermissionDenied) as caught:
        client.get("/a")
    assert "RequestTimeTooSkewed" in str(caught.value)
    assert KEYS["secret_key"] not in str(caught.value)
    assert "Signature" not in str(caught.value.response.raw.request.headers)


# ---------------------------------------------------------------------- what is refused, what is shown


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"service": "s3/"}, "service="),
        ({"service": ""}, "service="),
        ({"region": "eu central"}, "region="),
        ({"region": None}, "region="),
        ({"access_key": ""}, "access_key="),
        ({"secret_key": "hush "}, "secret_key="),
        ({"secret_key": None}, "together"),
        ({"access_key": None}, "together"),
        ({"access_key": None, "secret_key": None}, "either"),
        ({"credentials": lambda: None}, "either"),
        ({"access_key": None, "secret_key": None, "session_token": "hush", "credentials": lambda: None}, "together"),
        ({"access_key": None, "secret_key": None, "credentials": ("AKID", "hush")}, "not tuple"),
        ({"access_key": None, "secret_key": None, "credentials": AWSCredentials}, "not AWSCredentials"),
    ],
)
def test_wrong_arguments_are_named_and_not_shown(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        AWSSigV4(**{"service": "s3", "region": "eu-central-1", **KEYS, **wrong})
    assert "hush" not in str(caught.value)


def test_an_async_function_is_refused() -> None:
    async def source() -> AWSCredentials:
        raise AssertionError

    with pytest.raises(ConfigurationError, match="plain function"):
        AWSSigV4("s3", "eu-central-1", credentials=source)


def test_the_secrets_are_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    auth = AWSSigV4("s3", "eu-central-1", **KEYS, session_token="hush-token")
    result = signed_at(SUITE, auth, Request(method="GET", url="http://api.test/a"))
    for text in (repr(auth), str(auth), repr(AWSCredentials("AKID", "hush", "hush")), repr(result), caplog.text):
        assert "hush" not in text
    assert list(auth.secrets()) == [KEYS["secret_key"], "hush-token"]


def test_a_missing_extra_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "botocore.auth", None)
    with pytest.raises(ConfigurationError, match=r'pip install "integrakit\[aws\]"'):
        AWSSigV4("s3", "eu-central-1", **KEYS)
