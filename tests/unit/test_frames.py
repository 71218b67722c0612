"""Records as tables of other libraries: every field of every record, or an error that says why not."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs
import pytest

from integrakit.errors import ConfigurationError, DecodeError
from integrakit.http import frames
from integrakit.http.frames import to_arrow, to_pandas, to_polars

ROWS: list[Any] = [{"a": 1}, {"b": "x", "a": None}, {"c": Decimal("1.10")}]


@attrs.frozen
class Line:
    sku: str


@attrs.frozen
class Order:
    id: int
    line: Line


def test_arrow() -> None:
    pytest.importorskip("pyarrow")
    assert to_arrow(ROWS).to_pylist() == [
        {"a": 1, "b": None, "c": None},
        {"a": None, "b": "x", "c": None},
        {"a": None, "b": None, "c": Decimal("1.10")},
    ]
    assert to_arrow([]).num_rows == 0
    assert to_arrow([Order(1, Line("x"))]).to_pylist() == [{"id": 1, "line": {"sku": "x"}}]


def test_pandas() -> None:
    pytest.importorskip("pandas")
    frame = to_pandas(ROWS)
    assert list(frame.columns) == ["a", "b", "c"]
    assert frame["b"][1] == "x"
    assert len(to_pandas([])) == 0
    assert to_pandas([Order(1, Line("x"))])["id"].tolist() == [1]


def test_polars() -> None:
    pytest.importorskip("polars")
    assert to_polars(ROWS).columns == ["a", "b", "c"]
    assert to_polars(ROWS)["b"].to_list() == [None, "x", None]
    assert to_polars([{"a": None}] * 500 + [{"a": "late"}])["a"].to_list()[-1] == "late"
    assert len(to_polars([])) == 0
    assert to_polars([Order(1, Line("x"))])["line"].to_list() == [{"sku": "x"}]


@pytest.mark.parametrize("make", [to_arrow, to_pandas, to_polars])
@pytest.mark.parametrize("record", [1, None, "text", [1]])
def test_what_has_no_fields_makes_no_table(make: Any, record: Any) -> None:
    with pytest.raises(DecodeError, match="record 1 is a") as caught:
        make([{"a": 1}, record])
    assert caught.value.record is record


def test_what_a_library_cannot_hold_is_a_decode_error() -> None:
    pytest.importorskip("pyarrow")
    for rows in ([{"a": 1}, {"a": "x"}], [{"a": object()}]):
        with pytest.raises(DecodeError, match="do not fit into an Arrow table") as caught:
            to_arrow(rows)
        assert caught.value.__cause__ is not None


@pytest.mark.parametrize(("make", "extra"), [(to_arrow, "arrow"), (to_pandas, "pandas"), (to_polars, "polars")])
def test_an_extra_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, make: Any, extra: str) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(frames, "import_module", missing)
    with pytest.raises(ConfigurationError, match=rf'pip install "integrakit\[{extra}\]"'):
        make([])
