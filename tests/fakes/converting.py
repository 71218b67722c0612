"""One value through one rule of a mapping: what comes out, why it is refused, or what is wrong with the rule."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from integrakit.errors import ConfigurationError, MappingError
from integrakit.transform import Mapping


def convert(value: Any, **options: Any) -> Any:
    mapping = Mapping({"fields": {"it": {"from": "a", **options}}})
    result = mapping({"a": value})["it"]
    # Both passes agree, whichever of them answered.
    careful = mapping._carefully({"a": value})["it"]
    if not isinstance(value, int):  # an int of thousands of digits has no text
        assert (type(careful), str(careful)) == (type(result), str(result))
    return result


def refuse(value: Any, **options: Any) -> str:
    mapping = Mapping({"fields": {"it": {"from": "a", **options}}})
    with pytest.raises(MappingError) as caught:
        mapping({"a": value})
    (error,) = caught.value.errors
    assert (error.path, error.target) == ("a", "it")
    assert len(error.reason) < 500
    return error.reason


def mistake(**options: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        Mapping({"fields": {"it": {"from": "a", **options}}}, name="orders.toml")
    message = str(caught.value)
    assert message.startswith("orders.toml: fields.it")
    return message


def refuse_all(values: Iterable[Any], **options: Any) -> None:
    """Each of the values is a MappingError with a short reason, whatever it is."""
    mapping = Mapping({"fields": {"it": {"from": "a", **options}}})
    for value in values:
        with pytest.raises(MappingError) as caught:
            mapping({"a": value})
        assert [error.path for error in caught.value.errors] == ["a"]
        assert len(caught.value.errors[0].reason) < 500


def hostile() -> list[Any]:
    """What no conversion may choke on, or take."""
    texts = ["x" * 50_000_000, "9" * 100_000, "\u0301" * 100_000, " " * 100_000, "\ud800", "\x00", "٣", "１", "nan", "Infinity"]
    others = [float("nan"), float("inf"), [], {}, {"a": 1}, b"1", bytearray(b"1"), object(), object, 10**10_000, -(10**10_000)]
    return [*texts, *others]
