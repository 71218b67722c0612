"""The value classes of `integrakit.protocols` that go into a commit: a wrong one is refused when it is built."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from integrakit.errors import ConfigurationError
from integrakit.protocols import Delete, DeleteColumns, Put, PutColumns


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: Put("", "a", 1), "space"),
        (lambda: Put(None, "a", 1), "Put.space"),  # type: ignore[arg-type]
        (lambda: Put("s", 7, 1), "Put.key must be text, not int"),  # type: ignore[arg-type]
        (lambda: Put("s", "a\ud800", 1), "lone surrogate"),
        (lambda: Put("\udfff", "a", 1), "lone surrogate"),
        (lambda: Put("s", "a", 1, expect=-1), "expect"),
        (lambda: Put("s", "a", 1, expect=True), "expect"),
        (lambda: Put("s", "a", 1, expect="1"), "expect"),  # type: ignore[arg-type]
        (lambda: Put("s", "a", 1, ttl=0), "ttl"),
        (lambda: Put("s", "a", 1, ttl=-1), "ttl"),
        (lambda: Put("s", "a", 1, ttl=float("nan")), "ttl"),
        (lambda: Put("s", "a", 1, ttl=float("inf")), "ttl"),
        (lambda: Put("s", "a", 1, ttl="7 days"), "ttl"),  # type: ignore[arg-type]
        (lambda: Put("s", "a", 1, attributes=[]), "attributes"),  # type: ignore[arg-type]
        (lambda: Put("s", "a", 1, attributes=None), "attributes"),  # type: ignore[arg-type]
        (lambda: Put("s", "a", 1, attributes={"x": None}), r"attributes\['x'\]"),  # type: ignore[dict-item]
        (lambda: Put("s", "a", 1, attributes={"x": 1.5}), r"attributes\['x'\]"),  # type: ignore[dict-item]
        (lambda: Put("s", "a", 1, attributes={"x": 2**63}), r"attributes\['x'\]"),
        (lambda: Put("s", "a", 1, attributes={"x": "\ud800"}), "surrogate"),
        (lambda: Put("s", "a", 1, attributes={7: "x"}), "name"),  # type: ignore[dict-item]
        (lambda: Delete("", "a"), "space"),
        (lambda: Delete("s", None), "Delete.key"),  # type: ignore[arg-type]
        (lambda: Delete("s", "a", expect=-2), "expect"),
        (lambda: PutColumns(7, {}), "set"),  # type: ignore[arg-type]
        (lambda: PutColumns("c", [("a", b"")]), "values"),  # type: ignore[arg-type]
        (lambda: PutColumns("c", {"a": "text"}), "bytes"),  # type: ignore[dict-item]
        (lambda: PutColumns("c", {"a": bytearray(b"x")}), "bytes"),  # type: ignore[dict-item]
        (lambda: PutColumns("c", {7: b"x"}), "key"),  # type: ignore[dict-item]
        (lambda: PutColumns("c", {"\ud800": b"x"}), "surrogate"),
        (lambda: DeleteColumns(None), "set"),  # type: ignore[arg-type]
        (lambda: DeleteColumns("c", "abc"), "keys"),
        (lambda: DeleteColumns("c", {"a"}), "keys"),  # type: ignore[arg-type]
        (lambda: DeleteColumns("c", ["a", 1]), "key"),  # type: ignore[list-item]
    ],
)
def test_refused_when_built(build: Callable[[], Any], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        build()


def test_accepted() -> None:
    put = Put("s", "\0", None, expect=0, ttl=0.5, attributes={"": "", "n": -(2**63), "b": True})
    assert put.expect == 0
    assert Put("s", "", None).attributes == {}
    assert DeleteColumns("c", ()).keys == ()
    assert DeleteColumns("c").keys is None
