"""ParquetFile: values as they are stored, whole or an error, resumed by row."""

from __future__ import annotations

import builtins
import gc
import random
import sys
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from attrs import evolve

from integrakit.errors import CheckpointMismatch, ConfigurationError, DecodeError, IntegrakitError, ReadError
from integrakit.files import ParquetFile
from integrakit.model import Checkpoint
from integrakit.protocols import Readable, Source
from integrakit.runtimes import drive

pa: Any = pytest.importorskip("pyarrow")
pq: Any = pytest.importorskip("pyarrow.parquet")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.parquet"


def write(path: Path, columns: Any, **options: Any) -> Path:
    pq.write_table(columns if isinstance(columns, pa.Table) else pa.table(columns), path, **options)
    return path


def numbers(path: Path, count: int = 25, group: int = 7) -> Path:
    return write(path, {"id": list(range(count)), "name": [f"n{n}" for n in range(count)]}, row_group_size=group)


def test_it_fits_the_protocols(path: Path) -> None:
    file = ParquetFile(path, key="id")
    assert isinstance(file, Readable)
    assert isinstance(file, Source)
    assert (file.key, file.name, repr(file)) == ("id", "a.parquet", "<ParquetFile a.parquet, key 'id'>")
    assert (ParquetFile(path).key, ParquetFile(str(path), key=["a", "b"]).key, repr(ParquetFile(path))) == (
        None,
        ("a", "b"),
        "<ParquetFile a.parquet>",
    )


def test_a_read_in_every_world(path: Path, world: Any) -> None:
    file = ParquetFile(numbers(path), page_size=10)

    async def body() -> Any:
        reader = file.open_read()
        sizes = []
        while (page := await reader.next_page()) is not None:
            sizes.append(len(page))
            assert reader.checkpoint == page.checkpoint
            assert reader.evidence.complete is None
        assert (await reader.next_page(), reader.checkpoint) == (None, None)
        return sizes, reader.evidence, [row async for row in file]

    sizes, evidence, rows = world(body)
    assert (sizes, rows) == ([10, 10, 5], [{"id": n, "name": f"n{n}"} for n in range(25)])
    assert (evidence.complete, evidence.records, evidence.declared_total, evidence.stability, evidence.ended_by) == (
        True,
        25,
        25,
        "snapshot",
        "total",
    )


def test_no_rows_are_a_complete_read(path: Path) -> None:
    for group in (1, 10):
        reader = ParquetFile(write(path, {"id": pa.array([], pa.int64())}, row_group_size=group)).open_read()
        assert drive(reader.next_page()) is None
        assert (reader.evidence.complete, reader.evidence.declared_total) == (True, 0)


def test_values_are_as_they_are_stored(path: Path) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    columns = {
        "price": pa.array([Decimal("1.10"), None], pa.decimal128(12, 2)),
        "big": pa.array([Decimal(10**60), None], pa.decimal256(70, 0)),
        "n": pa.array([2**63, None], pa.uint64()),
        "f": pa.array([0.5, None], pa.float32()),
        "ok": pa.array([True, None]),
        "s": pa.array(["Zoë", None]).dictionary_encode(),
        "raw": pa.array([b"\0\xff", None]),
        "day": pa.array([date(2024, 2, 29), None]),
        "tod": pa.array([time(9, 30, 0, 5), None], pa.time64("ns")),
        "naive": pa.array([datetime(2024, 1, 31, 12), None], pa.timestamp("ms")),
        "aware": pa.array([datetime(2024, 1, 31, 12, tzinfo=UTC), None], pa.timestamp("ns", "Europe/Berlin")),
        "took": pa.array([timedelta(seconds=1), None], pa.duration("ns")),
        "tags": pa.array([[("a", 1), ("b", None)], None], pa.map_(pa.string(), pa.int64())),
        "lines": pa.array(
            [[{"sku": "x", "at": 1_000, "m": [("k", [[("z", 2_000)]])]}, None], None],
            pa.list_(
                pa.struct(
                    [
                        ("sku", pa.string()),
                        ("at", pa.timestamp("ns")),
                        ("m", pa.map_(pa.string(), pa.list_(pa.map_(pa.string(), pa.timestamp("ns"))))),
                    ]
                )
            ),
        ),
        "long": pa.array([[{"m": [("a", 1)]}], []], pa.large_list(pa.struct([("m", pa.map_(pa.string(), pa.int8()))]))),
    }
    first, second = ParquetFile(write(path, columns))
    moment = datetime(1970, 1, 1)
    assert first == {
        "price": Decimal("1.10"),
        "big": Decimal(10**60),
        "n": 2**63,
        "f": 0.5,
        "ok": True,
        "s": "Zoë",
        "raw": b"\0\xff",
        "day": date(2024, 2, 29),
        "tod": time(9, 30, 0, 5),
        "naive": datetime(2024, 1, 31, 12),
        "aware": datetime(2024, 1, 31, 13, tzinfo=berlin),
        "took": timedelta(seconds=1),
        "tags": {"a": 1, "b": None},
        "lines": [{"sku": "x", "at": moment + timedelta(microseconds=1), "m": {"k": [{"z": moment + timedelta(microseconds=2)}]}}, None],
        "long": [{"m": {"a": 1}}],
    }
    assert (str(first["price"]), type(first["aware"]), type(first["took"]), first["naive"].tzinfo) == ("1.10", datetime, timedelta, None)
    assert second == {**dict.fromkeys(columns), "long": []}


@pytest.mark.parametrize(
    "column",
    [
        pytest.param(lambda: pa.array([1], pa.timestamp("ns")), id="a nanosecond"),
        pytest.param(lambda: pa.array([[1]], pa.list_(pa.time64("ns"))), id="a nanosecond inside"),
        pytest.param(lambda: pa.array([2**62], pa.timestamp("us")), id="a year beyond 9999"),
        pytest.param(lambda: pa.array([0], pa.timestamp("us", "Moon/Sea")), id="a zone that is none"),
    ],
)
def test_what_python_cannot_tell_is_an_error_and_not_another_value(path: Path, column: Any) -> None:
    with pytest.raises(DecodeError, match=r"a.parquet, after row 0: damaged, or holds what cannot be told in Python: "):
        list(ParquetFile(write(path, {"a": column()})))


@pytest.mark.parametrize(("group", "page_size"), [(7, 3), (3, 7), (1, 1), (100, 4), (5, 5)])
def test_a_resumed_read_is_exact_from_every_checkpoint(path: Path, group: int, page_size: int) -> None:
    file = ParquetFile(numbers(path, 23, group), page_size=page_size)
    everything, seen = list(file), 0
    assert [record["id"] for record in everything] == list(range(23))
    for page in file.pages():
        seen += len(page)
        assert page.checkpoint is not None
        reader = file.open_read(Checkpoint.from_dict(page.checkpoint.to_dict()))
        rest = []
        while (more := drive(reader.next_page())) is not None:
            rest += more.records
        assert rest == everything[seen:]
        assert (reader.evidence.complete, reader.evidence.records) == (True, 23)


def test_checkpoints_of_something_else_are_refused(path: Path) -> None:
    file = ParquetFile(numbers(path), page_size=10)
    checkpoint = next(file.pages()).checkpoint
    assert checkpoint is not None
    assert checkpoint.mode == "rows"
    with pytest.raises(CheckpointMismatch, match="parameters"):
        ParquetFile(path, columns=["id"]).open_read(checkpoint)
    for token in (7, {}, {"row": None, "footer": 1}):
        with pytest.raises(CheckpointMismatch, match="not one of this version"):
            drive(file.open_read(evolve(checkpoint, token=token)).next_page())
    with pytest.raises(CheckpointMismatch, match="not the file that the checkpoint was made of"):
        drive(file.open_read(evolve(checkpoint, token={**checkpoint.token, "row": 26})).next_page())
    numbers(path, 26)
    with pytest.raises(CheckpointMismatch, match="not the file that the checkpoint was made of"):
        drive(file.open_read(checkpoint).next_page())


def test_columns(path: Path) -> None:
    write(path, {"id": [1], "total": [2], "lines": [[{"a": 1, "b": 2}]]})
    assert list(ParquetFile(path, columns=["lines", "id"])) == [{"id": 1, "lines": [{"a": 1, "b": 2}]}]
    with pytest.raises(ConfigurationError, match=r"ParquetFile\(columns=…\): a.parquet has no column 'totl' \(did you mean 'total'\?\)"):
        list(ParquetFile(path, columns=["totl"]))
    with pytest.raises(ConfigurationError, match=r"ParquetFile\(key=…\): a.parquet has no column 'number'; it has 'id', 'total', 'lines'"):
        list(ParquetFile(path, key="number"))
    with pytest.raises(ConfigurationError, match="leaves out 'id', which is the key"):
        ParquetFile(path, key="id", columns=["total"])
    write(path, pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"]))
    with pytest.raises(DecodeError, match="two columns are called 'a'"):
        list(ParquetFile(path))


def test_a_file_that_was_cut_or_is_something_else(path: Path) -> None:
    content = numbers(path).read_bytes()
    for cut in range(0, len(content), 17):
        path.write_bytes(content[:cut])
        with pytest.raises(DecodeError, match="a.parquet has no footer: it was cut" if cut >= 4 else "a.parquet is not a Parquet file"):
            list(ParquetFile(path))
    for other in (b"id,name\n1,2\n", b"PAR1" + b"\xff" * 20 + b"PAR1", b"PAR1\0\0\0\0PAR1"):
        path.write_bytes(other)
        with pytest.raises(DecodeError, match=r"a.parquet"):
            list(ParquetFile(path))


def test_damage_is_an_error_of_ours_or_other_values(path: Path) -> None:
    content = numbers(path, 2000, 500).read_bytes()
    dice = random.Random(7)
    failed = 0
    for _ in range(60):
        damaged = bytearray(content)
        for _ in range(3):
            damaged[dice.randrange(4, len(content) // 2)] ^= dice.randrange(1, 256)
        path.write_bytes(damaged)
        with suppress(IntegrakitError):
            assert len(list(ParquetFile(path))) == 2000
            failed -= 1
        failed += 1
    assert failed > 10


def test_a_footer_that_says_other_rows_than_there_are(path: Path) -> None:
    reader = ParquetFile(numbers(path), page_size=20).open_read()
    drive(reader.next_page())
    assert reader._file is not None
    reader._file.declared_total = 26
    with pytest.raises(DecodeError, match="the footer says 26 rows, and 25 came"):
        drive(reader.next_page())


def test_a_file_that_is_written_to_while_it_is_read_proves_nothing(path: Path) -> None:
    reader = ParquetFile(numbers(path), page_size=10).open_read()
    drive(reader.next_page())
    with path.open("ab") as other:
        other.write(b" ")
    while drive(reader.next_page()) is not None:
        pass
    assert (reader.evidence.complete, reader.evidence.reasons) == (None, ("the file was written to while it was read",))


def test_an_early_end_closes_the_file(path: Path) -> None:
    numbers(path)
    for _ in ParquetFile(path, page_size=1):
        break
    reader = ParquetFile(path, page_size=1).open_read()
    drive(reader.next_page())
    reader.close()
    reader.close()
    with pytest.raises(ReadError, match=r"(closed|failed) before its end"):
        [drive(reader.next_page()) for _ in range(30)]
    gc.collect()  # a warning about an open file would fail this test


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"key": 5}, r"ParquetFile\(key=…\)"),
        ({"columns": "id"}, r"ParquetFile\(columns=…\)"),
        ({"columns": []}, r"ParquetFile\(columns=…\)"),
        ({"columns": ["a", "a"]}, r"ParquetFile\(columns=…\)"),
        ({"page_size": True}, r"ParquetFile\(page_size=…\)"),
    ],
)
def test_wrong_arguments(arguments: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        ParquetFile("a.parquet", **arguments)


def test_a_struct_as_the_key_of_a_map_is_told(path: Path) -> None:
    keyed = pa.map_(pa.struct([("a", pa.int64())]), pa.int64())
    pq.write_table(pa.table({"m": pa.array([[({"a": 1}, 2)]], keyed)}), path)
    with pytest.raises(DecodeError, match="after row 0"):
        list(ParquetFile(path))


def test_lists_of_a_fixed_size_hold_what_others_hold(path: Path) -> None:
    times = pa.array([[1_000, 2_000], None], pa.list_(pa.timestamp("ns"), 2))
    maps = pa.array([[[("a", 1)]], None], pa.list_(pa.map_(pa.string(), pa.int64()), 1))
    pq.write_table(pa.table({"times": times, "maps": maps}), path)
    first, second = list(ParquetFile(path))
    assert first == {"times": [datetime(1970, 1, 1, microsecond=1), datetime(1970, 1, 1, microsecond=2)], "maps": [{"a": 1}]}
    assert {type(value) for value in first["times"]} == {datetime}
    assert second == {"times": None, "maps": None}


def test_files_that_are_not_there(path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"there is no file .*a.parquet"):
        list(ParquetFile(path))
    with pytest.raises(ConfigurationError, match="is a directory"):
        list(ParquetFile(path.parent))


def test_without_pyarrow(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    monkeypatch.delitem(sys.modules, "pyarrow", raising=False)
    with pytest.raises(ConfigurationError, match=r'ParquetFile needs pyarrow: pip install "integrakit\[arrow\]"'):
        drive(ParquetFile(path).open_read().next_page())


def test_a_float_of_32_bits_is_its_shortest_text(tmp_path):
    path = tmp_path / "f.parquet"
    pq.write_table(
        pa.table({"f": pa.array([0.1, 16777216.0, None, float("inf")], pa.float32()), "n": pa.array([[0.1]] * 4, pa.list_(pa.float32()))}), path
    )
    assert [record["f"] for record in ParquetFile(path)] == [0.1, 16777216.0, None, float("inf")]
    assert next(iter(ParquetFile(path)))["n"] == [0.1]
