"""What answers say about the API itself: deprecation, its end, and which version answered; told once, by observers or the log."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from integrakit.errors import ConfigurationError, NotFound
from integrakit.http import ApiVersion, Client, Transport
from integrakit.http.notices import deprecation_date
from integrakit.model.events import EndpointDeprecated, VersionMismatch

NEAR = format_datetime(datetime.now(UTC) + timedelta(days=3), usegmt=True)
#: For any world: the simulated one begins in 2026.
FAR, PAST = "Fri, 01 Jan 2100 00:00:00 GMT", "Wed, 01 Jan 2025 00:00:00 GMT"


def told(serve: Any, world: Any, headers: Any, *paths: str, status: int = 200, **client: Any) -> list[Any]:
    """The notices among the events of some calls, one for each path."""
    server, events = serve(lambda asked: (status, headers, b"{}")), []

    async def main() -> None:
        async with Client(server.url, observers=[events.append], **client) as it:
            for path in paths or ("/orders",):
                await it.aget(path, check=False)

    world(main)
    return [event for event in events if isinstance(event, EndpointDeprecated | VersionMismatch)]


@pytest.mark.parametrize(
    ("headers", "since", "sunset", "severity"),
    [
        ({"Deprecation": "@1767225600"}, datetime(2026, 1, 1, tzinfo=UTC), None, "warning"),
        ({"Deprecation": "true"}, None, None, "warning"),
        ({"deprecation": "Thu, 01 Jan 2026 00:00:00 GMT"}, datetime(2026, 1, 1, tzinfo=UTC), None, "warning"),
        ({"Sunset": FAR}, None, FAR, "warning"),
        ({"Deprecation": "true", "Sunset": PAST}, None, PAST, "error"),
        ({"Deprecation": "@99999999999999999"}, None, None, "warning"),
        ({"Deprecation": "soon", "Sunset": "in May"}, None, None, "warning"),
        ({"Deprecation": "true", "Sunset": "Fri, 31 Dec 9999 23:59:59 -0500"}, None, None, "warning"),
    ],
)
def test_what_will_go_is_told(serve: Any, world: Any, headers: Any, since: Any, sunset: Any, severity: str) -> None:
    (event,) = told(serve, world, headers)
    assert event.since == since
    assert (None if event.sunset is None else format_datetime(event.sunset, usegmt=True)) == sunset
    assert event.severity == severity
    assert event.request.url.endswith("/orders")


@pytest.mark.parametrize(
    "headers", [{}, {"Deprecation": "false"}, {"Deprecation": ""}, {"Deprecation": "?0"}, {"Sunset": "never"}, {"X-Sunset": NEAR}]
)
def test_what_says_nothing_is_not_told(serve: Any, world: Any, headers: Any) -> None:
    assert told(serve, world, headers) == []


def test_it_is_told_once_for_each_kind_of_path(serve: Any, world: Any) -> None:
    events = told(serve, world, {"Deprecation": "true"}, "/v2/orders/1", "/v2/orders/2", "/v2/orders/3f2a9c", "/v2/orders", "/v3/orders")
    assert [event.request.url.partition("/v")[2] for event in events] == ["2/orders/1", "2/orders", "3/orders"]


def test_an_end_within_a_month_is_urgent(serve: Any) -> None:
    from tests.conftest import WORLDS

    (event,) = told(serve, WORLDS["sync"], {"Sunset": NEAR})
    assert event.severity == "error"


def test_where_it_says_more(serve: Any, world: Any) -> None:
    headers = {"Deprecation": "true", "Link": '<https://api.test/next?token=hush>; rel="deprecation"'}
    (event,) = told(serve, world, headers)
    assert event.link == "https://api.test/next?token=***"
    assert str(event) == "is deprecated: see https://api.test/next?token=***"


def test_an_error_answer_says_it_too(serve: Any, world: Any) -> None:
    (event,) = told(serve, world, {"Sunset": PAST}, status=410)
    assert event.severity == "error"


@pytest.mark.parametrize(("answered", "count"), [("2026-01", 0), ("2026-04", 1), (None, 0)])
def test_another_version_is_told(serve: Any, world: Any, answered: str | None, count: int) -> None:
    headers = {} if answered is None else {"X-Shopify-API-Version": answered}
    events = told(serve, world, headers, "/a", "/a", api_version=ApiVersion("X-Shopify-API-Version", "2026-01"))
    assert len(events) == count
    if events:
        assert (events[0].header, events[0].expected, events[0].got) == ("X-Shopify-API-Version", "2026-01", "2026-04")


def test_without_observers_it_is_logged_once(serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, logger="integrakit.api")
    server = serve(lambda asked: (200, {"Sunset": NEAR, "V": "2"}, b"{}"))
    with Client(server.url, api_version=ApiVersion("V", "1")) as client:
        client.get("/orders?token=hush-hush")
        client.get("/orders")
    lines = [record.getMessage() for record in caplog.records if record.name == "integrakit.api"]
    assert len(lines) == 2
    assert "is deprecated and ends on" in lines[0]
    assert "was answered by version 2 (V), and 1 was expected" in lines[1]
    assert "hush" not in "".join(lines)
    assert [record.levelno for record in caplog.records if record.name == "integrakit.api"] == [logging.WARNING] * 2


def test_what_was_told_is_forgotten_in_the_end_so_that_memory_stays_small(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("integrakit.http.notices.REMEMBERED", 2)
    server, events = serve(lambda asked: (200, {"Deprecation": "true"}, b"{}")), []
    with Client(server.url, observers=[events.append]) as client:
        for path in ("/a", "/b", "/c", "/a"):
            client.get(path)
    assert sum(isinstance(event, EndpointDeprecated) for event in events) == 4


def test_a_transport_tells_too(serve: Any) -> None:
    import httpx

    server, events = serve(lambda asked: (200, {"Deprecation": "true"}, b"{}")), []
    with httpx.Client(transport=Transport(observers=[events.append])) as client:
        client.get(server.url + "/orders")
    assert sum(isinstance(event, EndpointDeprecated) for event in events) == 1


def test_a_class_attribute_of_a_connector() -> None:
    from integrakit.connector import Connector

    class Shop(Connector):
        base_url = "https://shop.test"
        api_version = ApiVersion("X-V", "3")

    assert Shop()._send._notices._version == ApiVersion("X-V", "3")


@pytest.mark.parametrize("wrong", ["2026-01", ("X-V", "1"), 3])
def test_wrong_arguments(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="api_version= takes an ApiVersion"):
        Client("https://api.test", api_version=wrong)
    for arguments in (("", "1"), ("X V", "1"), ("X-V", ""), ("X-V", 3), (None, "1")):
        with pytest.raises(ConfigurationError, match="ApiVersion"):
            ApiVersion(*arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(("text", "moment"), [(None, None), ("@0", datetime(1970, 1, 1, tzinfo=UTC)), ("@1.5", None), ("1767225600", None)])
def test_dates(text: str | None, moment: datetime | None) -> None:
    assert deprecation_date(text) == moment


def test_an_error_is_still_raised(serve: Any) -> None:
    server = serve(lambda asked: (404, {"Deprecation": "true"}, b"{}"))
    with Client(server.url) as client, pytest.raises(NotFound):
        client.get("/a")
