"""`Transport` where other people's types are asked for: clients of httpx and httpx2, and SDKs on top. Checked by mypy and pyright, never run."""
# pyright: strict, reportUnnecessaryTypeIgnoreComment=true

from typing import assert_type

import httpx
import httpx2
import openai

import integrakit as ik
from integrakit.http import httpx as for_httpx
from integrakit.http import httpx2 as for_httpx2
from integrakit.model.events import CallFinished, Event

finished: list[CallFinished] = []


def watch(event: Event) -> None:
    if isinstance(event, CallFinished):
        finished.append(event)


older = for_httpx.Transport(rate_limit="2/second; 100000/day", retry=ik.Retry(), concurrency=5, observers=[watch])
assert_type(older, for_httpx.Transport)
either: ik.http.Transport = older
httpx.Client(transport=older)
httpx.AsyncClient(transport=older)
httpx.Client(mounts={"https://api.example.com": older})
for_httpx.Transport(inner=httpx.HTTPTransport(http2=True))
httpx2.Client(transport=older)  # type: ignore[arg-type]

newer = for_httpx2.Transport(circuit_breaker=ik.CircuitBreaker(calls=5), auth=ik.BearerToken("secret"), allow_hosts=["api.example.com"], tls="1.3")
assert_type(newer, for_httpx2.Transport)
httpx2.Client(transport=newer)
httpx2.AsyncClient(transport=newer)
httpx.Client(transport=newer)  # type: ignore[arg-type]
openai.OpenAI(api_key="key", http_client=httpx2.Client(transport=newer))
openai.AsyncOpenAI(api_key="key", http_client=httpx2.AsyncClient(transport=newer))

with newer as entered, older as entered_too:
    assert_type(entered, for_httpx2.Transport)
    assert_type(entered_too, for_httpx.Transport)

for_httpx.Transport(retry=3)  # type: ignore[arg-type]
for_httpx.Transport(circuit_breaker=True)  # type: ignore[arg-type]
for_httpx2.Transport(timeout=3)  # type: ignore[call-arg]


async def reach(client: httpx2.AsyncClient) -> httpx2.Response:
    return await client.get("https://api.example.com")
