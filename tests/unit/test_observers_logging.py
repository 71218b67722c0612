"""`LoggingObserver`: which lines there are, at which level, and what is never in them."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from integrakit.errors import ConfigurationError, ReauthorisationNeeded, ServerError
from integrakit.http import BearerToken, Client, Request, Retry
from integrakit.model.events import (
    AttemptFinished,
    AttemptStarted,
    CallFinished,
    CallStarted,
    CircuitChanged,
    EndpointDeprecated,
    Event,
    GrantLost,
    HedgeSent,
    QuotaPaused,
    QuotaTold,
    RedirectFollowed,
    RetryRefused,
    RetryScheduled,
    SharedLimitBack,
    SharedLimitLost,
    TokenRefreshed,
    VersionMismatch,
    Waited,
)
from integrakit.observers import LoggingObserver

REQUEST = Request(method="GET", url="https://api.test/orders?token=hush-hush", headers={"authorization": "hush-hush"}, params={"a": "hush-hush"})
ERROR = ServerError("hush-hush", request=REQUEST)

#: Every event, the level of its line, and words of it.
LINES: list[tuple[Event, int, str]] = [
    (CallFinished(request=REQUEST, seconds=1.5, attempts=2, error=ERROR), logging.INFO, "failed: ServerError after 2 attempts in 1.500 s"),
    (AttemptFinished(request=REQUEST, seconds=1.5, error=ERROR), logging.DEBUG, "failed: ServerError in attempt 1"),
    (Waited(request=REQUEST, what="rate limit", seconds=1), logging.DEBUG, "waited 1.000 s for the rate limit"),
    (RetryScheduled(request=REQUEST, error=ERROR, seconds=2), logging.DEBUG, "is tried again in 2.000 s, after ServerError"),
    (
        RetryRefused(request=REQUEST, error=ERROR, why="beyond the deadline"),
        logging.WARNING,
        "is not tried again after ServerError: beyond the deadline",
    ),
    (HedgeSent(request=REQUEST, after=0.2), logging.DEBUG, "is asked a second time"),
    (RedirectFollowed(request=REQUEST, url="https://api.test/b"), logging.DEBUG, "is redirected to https://api.test/b"),
    (QuotaPaused(request=REQUEST, limit="2/second", seconds=30), logging.INFO, "everybody waits 30.0 s"),
    (
        SharedLimitLost(request=REQUEST, limit="2/second", share=0.25, error=OSError("hush-hush")),
        logging.WARNING,
        "(OSError): this process keeps to 25%",
    ),
    (SharedLimitBack(request=REQUEST, limit="2/second", seconds=30), logging.INFO, "found the shared state of 2/second again, after 30.0 s"),
    (CircuitChanged(request=REQUEST, key="api.test", before="closed", after="open", failures=12, calls=20), logging.WARNING, "12 of 20 calls failed"),
    (CircuitChanged(request=REQUEST, key="api.test", before="half-open", after="closed"), logging.INFO, "from half-open to closed"),
    (TokenRefreshed(request=REQUEST, grant="shop", expires_in=3600), logging.INFO, "got a new token for shop, for 3600 s"),
    (TokenRefreshed(request=REQUEST, grant="shop"), logging.INFO, "got a new token for shop"),
    (
        GrantLost(request=REQUEST, grant="shop", error=ReauthorisationNeeded("hush-hush")),
        logging.WARNING,
        "(ReauthorisationNeeded): a person must give it",
    ),
    (
        EndpointDeprecated(request=REQUEST, sunset=datetime(2027, 3, 1, tzinfo=UTC), link="https://api.test/news"),
        logging.WARNING,
        "is deprecated and ends on 2027-03-01: see https://api.test/news",
    ),
    (EndpointDeprecated(request=REQUEST, severity="error"), logging.ERROR, "is deprecated"),
    (
        VersionMismatch(request=REQUEST, header="X-Version", expected="2026-01", got="2026-07"),
        logging.WARNING,
        "was answered by version 2026-07 (X-Version), and 2026-01 was expected",
    ),
]
SILENT = (CallStarted(request=REQUEST), AttemptStarted(request=REQUEST), QuotaTold(request=REQUEST, signal=None))


def everything(kind: type) -> list[type]:
    return [below for child in kind.__subclasses__() for below in (child, *everything(child))]


def test_every_event_is_thought_of() -> None:
    known = {type(event) for event, _, _ in LINES} | {type(event) for event in SILENT}
    assert {kind for kind in everything(Event) if kind.__module__ == "integrakit.model.events"} <= known


@pytest.mark.parametrize(("event", "level", "words"), LINES)
def test_lines(event: Event, level: int, words: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    LoggingObserver()(event)
    (record,) = caplog.records
    assert record.name == "integrakit.calls"
    assert record.levelno == level
    assert record.getMessage().startswith("GET https://api.test/orders?token=*** ")
    assert words in record.getMessage()
    shown = json.dumps(vars(record), default=str) + str(vars(record))
    assert "hush" not in shown
    assert record.__dict__["url"] == "https://api.test/orders?token=***"
    assert record.__dict__["http_method"] == "GET"
    assert record.__dict__["event"].replace("_", "") == type(event).__name__.lower()


@pytest.mark.parametrize("event", SILENT)
def test_what_has_no_line(event: Event, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    LoggingObserver()(event)
    assert not caplog.records


def test_a_call_in_every_world(world: Any, serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="integrakit.calls")
    server = serve(lambda asked: (503, {"Retry-After": "0.001"}, {}) if len(server.asked) < 2 else (200, {"X-Request-Id": "r\x1b7"}, {}))

    async def main() -> None:
        async with Client(server.url, auth=BearerToken("hush-hush-hush"), observers=[LoggingObserver()]) as client:
            await client.aget("/orders", params={"n": 1}, purpose="nightly")

    world(main)
    records = [record for record in caplog.records if record.name == "integrakit.calls"]
    assert [(record.levelname, record.__dict__["event"]) for record in records] == [
        ("DEBUG", "attempt_finished"),
        ("DEBUG", "retry_scheduled"),
        ("DEBUG", "attempt_finished"),
        ("INFO", "call_finished"),
    ]
    last = records[-1].__dict__
    assert last["status_code"] == 200
    assert (last["attempts"], last["request_id"], last["purpose"]) == (2, "r 7", "nightly")
    assert records[0].__dict__["error_type"] == "ServerError"
    assert records[0].__dict__["status_code"] == 503
    assert "answered 200 after 2 attempts in" in records[-1].getMessage()
    assert "hush" not in caplog.text


def test_the_level_of_the_line_for_a_call(serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    server = serve(lambda asked: {})
    for level in (logging.DEBUG, logging.INFO, logging.WARNING):
        caplog.clear()
        caplog.set_level(logging.INFO, logger="mine")
        with Client(server.url, observers=[LoggingObserver("mine", level=level)]) as client:
            client.get("/a")
        assert [record.levelno for record in caplog.records if record.name == "mine"] == ([level] if level >= logging.INFO else [])


def test_nothing_is_made_up_for_a_line_that_nobody_writes() -> None:
    class Untouchable(Request):
        def __str__(self) -> str:
            raise AssertionError("the request was written out")

    logger = logging.getLogger("integrakit.test.disabled")
    logger.setLevel(logging.ERROR)
    observer = LoggingObserver(logger)
    for event, _, _ in LINES:
        given = {name: getattr(event, name) for name in type(event).__slots__ if not name.startswith("__") and name != "request"}
        observer(type(event)(**{**given, "request": Untouchable(method="GET", url="https://api.test")}))


def test_a_url_of_a_server_cannot_write_lines_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    request = Request(method="GET", url="https://api.test/a\x1b[31m\x85b")
    LoggingObserver()(RedirectFollowed(request=request, url="https://api.test/\nERROR forged\u2028x"))
    (record,) = caplog.records
    assert not any(sign in record.getMessage() for sign in "\n\x1b\x85\u2028")


def test_an_adapter_and_its_own_fields(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    adapter = logging.LoggerAdapter(logging.getLogger("mine"), {"job": "nightly"}, merge_extra=True) if _merges() else logging.getLogger("mine")
    LoggingObserver(adapter)(LINES[0][0])
    assert caplog.records[0].name == "mine"
    assert caplog.records[0].__dict__["attempts"] == 2


def _merges() -> bool:
    """Since Python 3.13."""
    import inspect

    return "merge_extra" in inspect.signature(logging.LoggerAdapter).parameters


@pytest.mark.parametrize("wrong", [{"logger": 5}, {"logger": object()}, {"level": "INFO"}, {"level": True}, {"level": None}])
def test_wrong_arguments(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="LoggingObserver"):
        LoggingObserver(**wrong)


def test_it_says_which_logger() -> None:
    assert repr(LoggingObserver("mine")) == "<LoggingObserver mine>"


def test_a_retry_that_is_refused_is_a_warning(serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    server = serve(lambda asked: (503, {"Retry-After": "3600"}, {"hush": "hush-hush"}))
    with Client(server.url, observers=[LoggingObserver()], retry=Retry(max_wait=1)) as client, pytest.raises(ServerError):
        client.get("/a")
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING and record.name == "integrakit.calls"]
    assert ["max_wait" in record.getMessage() for record in warnings] == [True]
    assert "hush" not in warnings[0].getMessage()
