"""``to = "uuid"`` and ``to = "email"``."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from tests.fakes.converting import convert, hostile, mistake, refuse, refuse_all

TEXT = "123e4567-e89b-12d3-a456-426614174000"


@pytest.mark.parametrize("value", [TEXT, TEXT.upper(), f" {TEXT} ", f"{{{TEXT}}}", f"urn:uuid:{TEXT}", TEXT.replace("-", ""), UUID(TEXT)])
def test_uuid(value: Any) -> None:
    assert convert(value, to="uuid") == UUID(TEXT)
    assert convert(value, to="uuid", write="text") == TEXT
    assert convert(value, to="uuid", write="hex") == TEXT.replace("-", "")


@pytest.mark.parametrize("value", ["", TEXT[:-1], TEXT + "0", f"{{{TEXT}", TEXT.replace("-", "", 1), "1-2-3", "g" * 32, "٣" * 32, 5])
def test_not_a_uuid(value: Any) -> None:
    assert "is not a UUID" in refuse(value, to="uuid")


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("ann@shop.example", "ann@shop.example"),
        (" Ann.B+x@Shop.EXAMPLE ", "Ann.B+x@shop.example"),
        ("o'brien_1@a-b.co.uk", "o'brien_1@a-b.co.uk"),
        ("jörg@müller.example", "jörg@müller.example"),
    ],
)
def test_email(value: str, address: str) -> None:
    assert convert(value, to="email") == address


@pytest.mark.parametrize(
    "value",
    [
        "",
        "ann",
        "@shop.example",
        "ann@",
        "ann@shop",
        "ann@@shop.example",
        "a@b@shop.example",
        "ann b@shop.example",
        "Ann <ann@shop.example>",
        "mailto:ann@shop.example",
        "a@shop.example,b@shop.example",
        ".ann@shop.example",
        "ann.@shop.example",
        "a..b@shop.example",
        "ann@shop..example",
        "ann@-shop.example",
        "ann@shop-.example",
        "ann@sh_op.example",
        "ann@127.0.0.1",
        "a\u200bnn@shop.example",
        "ann@shop.example\nx",
        "a" * 65 + "@shop.example",
        "a@" + "b." * 200 + "example",
        5,
    ],
)
def test_not_an_email(value: Any) -> None:
    assert "is not an e-mail address" in refuse(value, to="email")


def test_hostile() -> None:
    refuse_all(hostile(), to="uuid")
    refuse_all(hostile(), to="email")


def test_mistakes() -> None:
    assert 'write is "text" or "hex"' in mistake(to="uuid", write="braces")
    assert "write has no meaning with to = 'email'" in mistake(to="email", write="text")
