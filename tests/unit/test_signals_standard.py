"""What the standards, and half the world, send: Retry-After, RateLimit in three generations, X-RateLimit. Sources stand beside the headers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from integrakit.http.limiting import QuotaSignal, read_signals, x_ratelimit
from integrakit.http.retry_after import read_retry_after
from integrakit.model import Request, Response

NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
EPOCH = int(NOW.timestamp())


def answer(headers: Mapping[str, str] | list[tuple[str, str]], status: int = 200) -> Response:
    return Response(httpx.Response(status, headers=headers), Request(method="GET", url="https://x.example/v1/orders"))


def read(headers: Mapping[str, str] | list[tuple[str, str]], status: int = 200) -> list[QuotaSignal]:
    return read_signals(answer(headers, status), NOW)


def told(signal: QuotaSignal) -> dict[str, Any]:
    """What a signal says, and nothing of what it does not."""
    names = ("name", "kind", "unit", "limit", "remaining", "window", "reset", "rate", "retry_after", "everybody", "refused")
    usual = QuotaSignal(dialect=signal.dialect)
    return {name: getattr(signal, name) for name in names if getattr(signal, name) != getattr(usual, name)}


# ---------------------------------------------------------------------------------------------------- Retry-After


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "120"}, 120),  # RFC 9110 §10.2.3
        ({"Retry-After": "Sat, 21 Nov 2026 04:02:00 GMT"}, 120),
        ({"Retry-After": "Saturday, 21-Nov-26 04:02:00 GMT"}, 120),
        ({"Retry-After": "2.0"}, 2),  # Shopify
        ({"Retry-After": "1.5"}, 1.5),
        ({"Retry-After": "0"}, 0),
        ({"Retry-After-Ms": "1500"}, 1.5),  # OpenAI (openai-python, _base_client.py, 2026-11)
        ({"Retry-After-Ms": "250.5", "Retry-After": "1"}, 0.2505),
        ({"X-Ms-Retry-After-Ms": "40"}, 0.04),  # Azure
        ({"Retry-After-Ms": "junk", "Retry-After": "3"}, 3),
    ],
)
def test_advice(headers: dict[str, str], seconds: float) -> None:
    assert read_retry_after(answer(headers).headers, NOW) == seconds
    (signal,) = read(headers, 429)
    assert (signal.dialect, signal.retry_after, signal.refused) == ("retry-after", seconds, True)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "-1",
        "-1.5",
        "120junk",
        "+5",
        "1e3",
        "1e999",
        "nan",
        "inf",
        "٣",
        "1_0",
        "9" * 10_000,
        "Sat, 21 Nov 2026 03:59:59 GMT",
        "999999999",
        "60, 120",
    ],
)
def test_what_is_no_advice(value: str) -> None:
    headers = [(b"Retry-After", value.encode())]
    raw = httpx.Response(429, headers=headers)
    assert read_signals(Response(raw, Request(method="GET", url="https://x.example/")), NOW) == []


def test_five_seconds_and_more_are_for_everybody() -> None:
    assert [read({"Retry-After": text}, 429)[0].everybody for text in ("4.9", "5", "60")] == [False, True, True]


@pytest.mark.parametrize(("status", "refused"), [(403, True), (413, False), (429, True), (503, False)])
def test_where_advice_is_of_quotas(status: int, refused: bool) -> None:
    (signal,) = read({"Retry-After": "7"}, status)
    assert signal.refused is refused


@pytest.mark.parametrize("status", [200, 202, 301, 303, 404, 409, 500])
def test_where_advice_is_of_something_else(status: int) -> None:
    assert read({"Retry-After": "7"}, status) == []


def test_dates_are_counted_by_the_servers_own_clock() -> None:
    later = {"Date": "Sat, 21 Nov 2026 04:10:00 GMT", "Retry-After": "Sat, 21 Nov 2026 04:10:30 GMT"}
    assert read(later, 429)[0].retry_after == 30
    years_off = {"Date": "Fri, 21 Nov 1997 04:00:00 GMT", "Retry-After": "Sat, 21 Nov 2026 04:00:30 GMT"}
    assert read(years_off, 429)[0].retry_after == 30


# ---------------------------------------------------------------------------------------------------- RateLimit


def test_ratelimit_draft_11() -> None:
    """draft-ietf-httpapi-ratelimit-headers-11 §3 and §4 (23 May 2026)."""
    burst, daily = read({"RateLimit-Policy": '"burst";q=100;w=60,"daily";q=1000;w=86400', "RateLimit": '"burst";r=50;t=30'})
    assert told(burst) == {"name": "burst", "limit": 100, "window": 60, "remaining": 50, "reset": 30}
    assert told(daily) == {"name": "daily", "kind": "budget", "limit": 1000, "window": 86400}
    assert {burst.dialect, daily.dialect} == {"ratelimit"}


def test_ratelimit_draft_11_with_tokens_keys_units_and_comments() -> None:
    headers = {
        "RateLimit-Policy": 'peruser;q=65535;qu="content-bytes";w=10;pk=:sdfjLJUOUH==:, permin;q=5;qu="concurrent-requests";acme="x;y, z=\\"1\\""',
        "RateLimit": "peruser;r=40000;pk=:sdfjLJUOUH==:, permin;r=0, other;r=3;t=4",
    }
    user, parallel, other = read(headers)
    assert told(user) == {"name": "peruser", "unit": "bytes", "limit": 65535, "window": 10, "remaining": 40000}
    assert told(parallel) == {"name": "permin", "kind": "concurrency", "limit": 5, "remaining": 0}
    assert told(other) == {"name": "other", "remaining": 3, "reset": 4}


def test_ratelimit_in_two_lines_is_one_list() -> None:
    lines = [("RateLimit", '"a";r=1;t=2'), ("RateLimit", '"b";r=0;t=4')]
    assert [told(signal) for signal in read(lines)] == [
        {"name": "a", "remaining": 1, "reset": 2},
        {"name": "b", "remaining": 0, "reset": 4, "retry_after": 4, "everybody": True},
    ]


def test_nothing_left_is_for_everybody_until_the_reset() -> None:
    assert told(read({"RateLimit": '"burst";r=0;t=30'})[0]) == {"name": "burst", "remaining": 0, "reset": 30, "retry_after": 30, "everybody": True}
    assert read({"RateLimit": '"burst";r=0;t=30'}, 429)[0].refused
    assert not read({"RateLimit": '"burst";r=1;t=30'}, 429)[0].refused


def test_retry_after_takes_precedence_over_the_reset() -> None:
    """draft-11 §6."""
    ratelimit, advice = read({"RateLimit": '"burst";r=0;t=30', "Retry-After": "12"}, 429)
    assert (ratelimit.retry_after, ratelimit.reset, advice.retry_after) == (12, 30, 12)


@pytest.mark.parametrize(
    "field",
    [
        '"burst";r=50;t=30,',
        '"burst";r=50;;t=30',
        '"burst";R=50',
        '"burst"; r = 50',
        '"burst;r=50',
        '"burst";r="50"',
        '"burst";r=-1',
        '"burst";r=1e999',
        '"burst";r=9999999999999999',
        '"burst"',
        "5;r=1",
        "?1;r=1",
        '("burst");r=50',
        '"bürst";r=50',
        '"burst";r=٣',
        "",
        '"a"' * 5_000,
    ],
)
def test_a_malformed_ratelimit_is_ignored(field: str) -> None:
    raw = httpx.Response(200, headers=[(b"RateLimit", field.encode())])
    assert read_signals(Response(raw, Request(method="GET", url="https://x.example/")), NOW) == []


def test_ratelimit_in_one_line_of_draft_07() -> None:
    """As express-rate-limit 7 sends it with ``standardHeaders: "draft-7"``."""
    (signal,) = read({"RateLimit": "limit=100, remaining=50, reset=30", "RateLimit-Policy": "100;w=60"})
    assert told(signal) == {"limit": 100, "remaining": 50, "reset": 30, "window": 60}
    (signal,) = read({"RateLimit": "limit=100, remaining=0, reset=30"}, 429)
    assert told(signal) == {"limit": 100, "remaining": 0, "reset": 30, "retry_after": 30, "everybody": True, "refused": True}
    assert read({"RateLimit": "limit=x, remaining=-1, reset=?1"}) == []


def test_the_three_headers_of_the_older_drafts() -> None:
    (signal,) = read({"RateLimit-Limit": "100", "RateLimit-Remaining": "50", "RateLimit-Reset": "50"})
    assert told(signal) == {"limit": 100, "remaining": 50, "reset": 50}
    # draft-03 §3.1: the limit that is about to be reached first, and all policies after it.
    hour, day = read({"RateLimit-Limit": "10, 10;w=3600, 5000;w=86400", "RateLimit-Remaining": "9", "RateLimit-Reset": "50"})
    assert told(hour) == {"limit": 10, "remaining": 9, "reset": 50, "window": 3600}
    assert told(day) == {"kind": "budget", "limit": 5000, "window": 86400}
    # draft-06: the policies in a header of their own.
    minute, hour = read(
        {"RateLimit-Limit": "100", "RateLimit-Policy": "100;w=60, 5000;w=3600", "RateLimit-Remaining": "0", "RateLimit-Reset": "9"}, 429
    )
    assert told(minute) == {"limit": 100, "remaining": 0, "reset": 9, "window": 60, "retry_after": 9, "everybody": True, "refused": True}
    assert told(hour) == {"limit": 5000, "window": 3600}


def test_docker_hub() -> None:
    """docs.docker.com, "Pull usage and limits": a window with each number, no reset."""
    (signal,) = read({"RateLimit-Limit": "100;w=21600", "RateLimit-Remaining": "76;w=21600"})
    assert told(signal) == {"limit": 100, "remaining": 76, "window": 21600}


def test_gitlab() -> None:
    """RateLimit-Reset is a moment there (gitlab-com/gl-infra production-engineering#25372)."""
    headers = {
        "RateLimit-Limit": "60",
        "RateLimit-Name": "throttle_authenticated_web",
        "RateLimit-Observed": "67",
        "RateLimit-Remaining": "0",
        "RateLimit-Reset": str(EPOCH + 40),
        "RateLimit-ResetTime": "Sat, 21 Nov 2026 04:00:40 GMT",
        "Retry-After": "40",
    }
    quota, advice = read(headers, 429)
    assert (quota.name, quota.reset, quota.retry_after, quota.refused) == ("throttle_authenticated_web", 40, 40, True)
    assert advice.retry_after == 40


# ---------------------------------------------------------------------------------------------------- X-RateLimit


@pytest.mark.parametrize(
    "reset",
    [
        "30",
        "30.0",  # Reddit sends decimals
        str(EPOCH + 30),
        str((EPOCH + 30) * 1000),
        f"{EPOCH + 30}.0",
        "30s",
        "0m30s",
        "30000ms",
        "2026-11-21T04:00:30Z",
        "2026-11-21T05:00:30+01:00",
        "2026-11-21T04:00:30.000Z",
        "2026-11-21 04:00:30",
        "Sat, 21 Nov 2026 04:00:30 GMT",
        "Sat Nov 21 2026 05:00:30 GMT+0100 (Central European Standard Time)",  # developer.lemlist.com, "Rate limits"
    ],
)
def test_a_reset_in_all_its_forms(reset: str) -> None:
    (signal,) = read({"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "7", "X-RateLimit-Reset": reset})
    assert told(signal) == {"limit": 100, "remaining": 7, "reset": 30}


@pytest.mark.parametrize(
    ("form", "value"),
    [("epoch", str(EPOCH + 30)), ("epoch-ms", str((EPOCH + 30) * 1000)), ("delta", "30"), ("delta-ms", "30000")],
)
def test_the_form_of_a_reset_can_be_told(form: Any, value: str) -> None:
    (signal,) = x_ratelimit(reset=form)(answer({"X-RateLimit-Reset": value}), NOW)
    assert signal.reset == 30


def test_a_form_that_is_told_is_not_guessed() -> None:
    """A number that would be a moment by its size, or a length."""
    assert x_ratelimit(reset="delta")(answer({"X-RateLimit-Reset": str(EPOCH)}), NOW) == []
    assert x_ratelimit(reset="epoch")(answer({"X-RateLimit-Reset": "30"}), NOW)[0].reset == 0


def test_a_reset_that_has_passed_is_now() -> None:
    assert read({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(EPOCH - 500)})[0].reset == 0
    assert read({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "2020-01-01T00:00:00Z"})[0].reset == 0


def test_a_moment_is_counted_by_the_servers_own_clock() -> None:
    headers = {"Date": "Sat, 21 Nov 2026 03:50:00 GMT", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(EPOCH - 600 + 30)}
    assert read(headers)[0].retry_after == 30
    headers["Date"] = "Sat, 21 Nov 2020 03:50:00 GMT"  # this is no clock
    assert read(headers)[0].retry_after == 0


def test_another_prefix() -> None:
    headers = {"X-Toast-RateLimit-Remaining": "0", "X-Toast-RateLimit-Reset": str(EPOCH + 9)}
    (signal,) = read_signals(answer(headers), NOW, [x_ratelimit(prefix="X-Toast-RateLimit", reset="epoch")])
    assert (signal.dialect, signal.retry_after) == ("x-toast-ratelimit", 9)


def test_used_stands_for_remaining() -> None:
    assert read({"X-RateLimit-Limit": "100", "X-RateLimit-Used": "30"})[0].remaining == 70
    assert read({"X-RateLimit-Limit": "100", "X-RateLimit-Used": "130"})[0].remaining == 0
    assert read({"X-RateLimit-Limit": "100", "X-RateLimit-Used": "30", "X-RateLimit-Remaining": "69"})[0].remaining == 69


def test_two_servers_that_both_count_the_stricter_one_counts() -> None:
    lines = [("X-RateLimit-Remaining", "50"), ("X-RateLimit-Remaining", "3"), ("X-RateLimit-Reset", "10"), ("X-RateLimit-Reset", "60")]
    assert told(read(lines)[0]) == {"remaining": 3, "reset": 60}
    assert read([(name.removeprefix("X-"), value) for name, value in lines])[0].remaining == 3


def test_envoy() -> None:
    """envoyproxy.io, ``enable_x_ratelimit_headers: DRAFT_VERSION_03``."""
    headers = {"X-RateLimit-Limit": '10, 10;w=1;name="per-ip", 1000;w=3600', "X-RateLimit-Remaining": "9", "X-RateLimit-Reset": "1"}
    second, hour = read(headers)
    assert told(second) == {"limit": 10, "remaining": 9, "reset": 1, "window": 1}
    assert told(hour) == {"limit": 1000, "window": 3600}


def test_kong() -> None:
    """Kong's "Rate Limiting" and "Response Rate Limiting" plugins: the window is in the name."""
    headers = {
        "X-RateLimit-Limit-Second": "5",
        "X-RateLimit-Remaining-Second": "4",
        "X-RateLimit-Limit-Videos-Day": "10",
        "X-RateLimit-Remaining-Videos-Day": "0",
        "X-RateLimit-Remaining-Minute": "9",
        "X-RateLimit-Reset-Minute": "12",
    }
    second, videos, minute = read(headers)
    assert told(second) == {"name": "second", "limit": 5, "remaining": 4, "window": 1}
    assert told(videos) == {"name": "videos-day", "kind": "budget", "limit": 10, "remaining": 0, "window": 86400, "everybody": True}
    assert told(minute) == {"name": "minute", "remaining": 9, "window": 60, "reset": 12}


def test_discord() -> None:
    """docs.discord.com, "Rate Limits": a bucket has a name, and Reset-After is more exact than Reset."""
    headers = {
        "X-RateLimit-Limit": "5",
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": f"{EPOCH + 2}.4",
        "X-RateLimit-Reset-After": "1.25",
        "X-RateLimit-Bucket": "abcd1234",
    }
    assert told(read(headers)[0]) == {"name": "abcd1234", "limit": 5, "remaining": 0, "reset": 1.25, "retry_after": 1.25, "everybody": True}


def test_a_name_is_cut_and_a_list_ends() -> None:
    assert len(read({"X-RateLimit-Remaining": "1", "X-RateLimit-Bucket": "x" * 9_000})[0].name) == 100
    assert len(read({"RateLimit": ", ".join(f"p{number};r=1" for number in range(500))})) <= 32
    assert len(read({f"X-RateLimit-Remaining-{number}-Day": "1" for number in range(500)})) <= 32


@pytest.mark.parametrize(
    "value", ["-1", "1e999", "nan", "inf", "٣", "", " ", "x", "9" * 400, "1.", ".5", "0x10", "5;", "5,", ",5", "(5)", "5" + " " * 9_000]
)
def test_numbers_that_are_none(value: str) -> None:
    raw = httpx.Response(200, headers=[(f"X-RateLimit-{name}".encode(), value.encode()) for name in ("Limit", "Remaining", "Used", "Reset")])
    signals = read_signals(Response(raw, Request(method="GET", url="https://x.example/")), NOW)
    assert signals == [] or value.startswith("5 ")


@pytest.mark.parametrize(
    "value",
    [
        "9999-12-31T23:59:59-23:59",
        "0001-01-01T00:00:00+23:59",
        "2026-13-45T99:99:99Z",
        "2026-11-21",
        "999999999999999",
        "h",
        "ms",
        "12 s",
        "1h1h",
        "-5s",
    ],
)
def test_resets_that_are_none(value: str) -> None:
    assert all(signal.reset is None or signal.reset == 0 for signal in read({"X-RateLimit-Remaining": "3", "X-RateLimit-Reset": value}))
