"""Other people's SDKs, as they come from PyPI, on a `Transport`: one attempt at an open circuit, their own errors, streams as they come."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import inspect
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from attrs import frozen
from tests.services.require import away
from tests.unit.conftest import LoopbackServer

from integrakit.http import BearerToken, RateLimit
from integrakit.http.circuit_breaker import CircuitBreaker
from integrakit.http.transport import Transport

httpx2 = pytest.importorskip("httpx2", reason='needs httpx2: pip install "integrakit[httpx2]"')

pytestmark = pytest.mark.service

CHAT = {
    "id": "c1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hello"}}],
}
MESSAGE = {
    "id": "m1",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [{"type": "text", "text": "hello"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 1},
}


@frozen
class SDK:
    """What differs between them."""

    name: str
    clients: tuple[str, str]
    answer: dict[str, Any]
    call: Callable[[Any], Any]
    stream: Callable[[Any], Any]
    text: Callable[[Any], str]

    @property
    def module(self) -> Any:
        return importlib.import_module(self.name)

    def ask(self, transport: Any, url: str, do: Callable[[Any], Any], concurrent: bool, **options: Any) -> Any:
        """One call of a client of either colour, and its result. It repeats as it likes, but does not wait."""
        kind = getattr(self.module, self.clients[concurrent])
        made = kind(
            base_url=url, api_key="their-key", http_client=(httpx2.AsyncClient if concurrent else httpx2.Client)(transport=transport), **options
        )
        made._calculate_retry_timeout = lambda *arguments, **named: 0.0
        if not concurrent:
            with made:
                return do(made)

        async def main() -> Any:
            async with made:
                result = do(made)
                return await result if inspect.isawaitable(result) else result

        return asyncio.run(main())


ASKED = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
SDKS = {
    "openai": SDK(
        name="openai",
        clients=("OpenAI", "AsyncOpenAI"),
        answer=CHAT,
        call=lambda client: client.chat.completions.create(**ASKED),
        stream=lambda client: client.chat.completions.create(**ASKED, stream=True),
        text=lambda answer: answer.choices[0].message.content,
    ),
    "anthropic": SDK(
        name="anthropic",
        clients=("Anthropic", "AsyncAnthropic"),
        answer=MESSAGE,
        call=lambda client: client.messages.create(**ASKED, max_tokens=9),
        stream=lambda client: client.messages.create(**ASKED, max_tokens=9, stream=True),
        text=lambda answer: answer.content[0].text,
    ),
}


@pytest.fixture(params=list(SDKS))
def sdk(request: pytest.FixtureRequest) -> SDK:
    if importlib.util.find_spec(request.param) is None:
        away(f"the SDK {request.param} is not installed")
    return SDKS[request.param]


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def concurrent(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[Any], Any]], LoopbackServer]]:
    servers: list[LoopbackServer] = []

    def start(script: Callable[[Any], Any]) -> LoopbackServer:
        servers.append(LoopbackServer(script))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def test_a_call_goes_through(sdk: SDK, concurrent: bool, serve: Any) -> None:
    server = serve(lambda asked: sdk.answer)
    answer = sdk.ask(Transport(rate_limit="1000/second", circuit_breaker=CircuitBreaker()), server.url, sdk.call, concurrent)
    assert sdk.text(answer) == "hello"
    (asked,) = server.asked
    assert asked.json()["messages"] == ASKED["messages"]
    assert "their-key" in asked.headers["authorization"]


def test_an_open_circuit_costs_one_attempt_and_raises_the_sdks_own_error(sdk: SDK, concurrent: bool, serve: Any) -> None:
    server = serve(lambda asked: (500, {}, {"error": {"message": "broken", "type": "server_error"}}))
    attempts = 0

    async def counting(request: Any, call_next: Any) -> Any:
        nonlocal attempts
        attempts += 1
        return await call_next(request)

    breaker = CircuitBreaker(calls=2, open_for=600.0)

    def failing() -> Any:
        with pytest.raises(sdk.module.InternalServerError) as caught:
            sdk.ask(Transport(circuit_breaker=breaker, policies=[counting]), server.url, sdk.call, concurrent, max_retries=5)
        return caught.value

    failing()
    # Two failures opened it; the third attempt was refused, and the SDK, which would have gone on for three more, gave up.
    assert (attempts, len(server.asked)) == (3, 2)
    attempts = 0
    error = failing()
    assert (attempts, len(server.asked)) == (1, 2)
    assert error.status_code == 503
    assert error.response.headers["x-integrakit-refused"] == "circuit-open"
    assert "integrakit" in str(error)
    assert float(error.response.headers["retry-after"]) > 500


def test_a_quota_that_is_gone_is_the_sdks_rate_limit_error(sdk: SDK, concurrent: bool, serve: Any) -> None:
    server = serve(lambda asked: sdk.answer)
    limit = RateLimit("1/hour", max_wait=0.0)
    sdk.ask(Transport(rate_limit=limit), server.url, sdk.call, concurrent)
    with pytest.raises(sdk.module.RateLimitError, match="next free slot"):
        sdk.ask(Transport(rate_limit=limit), server.url, sdk.call, concurrent, max_retries=5)
    assert len(server.asked) == 1


def test_a_server_that_is_not_there_is_the_sdks_connection_error(sdk: SDK, concurrent: bool) -> None:
    with pytest.raises(sdk.module.APIConnectionError) as caught:
        sdk.ask(Transport(rate_limit="1000/second"), "http://127.0.0.1:9", sdk.call, concurrent, max_retries=1)
    assert type(caught.value.__cause__) is httpx2.ConnectError


def test_credentials_of_ours(sdk: SDK, concurrent: bool, serve: Any) -> None:
    server = serve(lambda asked: sdk.answer)
    sdk.ask(Transport(auth=BearerToken("rotated-token"), allow_hosts=[server.url]), server.url, sdk.call, concurrent)
    assert server.asked[0].headers["authorization"] == "Bearer rotated-token"


def test_streams_come_event_by_event(sdk: SDK, concurrent: bool, serve: Any) -> None:
    go_on = threading.Event()

    def event(text: str) -> bytes:
        chunk = {**CHAT, "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": text}}]}
        delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
        return f"event: content_block_delta\ndata: {json.dumps(chunk if sdk.name == 'openai' else delta)}\n\n".encode()

    def slowly(connection: Any) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n" + event("one"))
        assert go_on.wait(5)
        connection.sendall(event("two") + (b"data: [DONE]\n\n" if sdk.name == "openai" else b""))

    def text(chunk: Any) -> Any:
        return chunk.choices[0].delta.content if sdk.name == "openai" else chunk.delta.text

    def read(client: Any) -> Any:
        if not concurrent:
            chunks = iter(sdk.stream(client))
            first = text(next(chunks))
            go_on.set()  # only now does the server send the rest
            return [first, *map(text, chunks)]

        async def aread() -> Any:
            chunks = aiter(await sdk.stream(client))
            first = text(await anext(chunks))
            go_on.set()
            return [first, *[text(chunk) async for chunk in chunks]]

        return aread()

    transport = Transport(rate_limit="1000/second", circuit_breaker=CircuitBreaker(), classify=lambda response: None)
    assert sdk.ask(transport, serve(lambda asked: slowly).url, read, concurrent) == ["one", "two"]
