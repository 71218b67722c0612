"""Two frames of one Spark session are joined by Spark, and the answer is the one that reading both gives. Needs pyspark, and Java to run it."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from tests.corpus.answers import same_answers

from integrakit.errors import ConfigurationError, ReadError
from integrakit.reconciliation import Field, Key, reconcile

pyspark = pytest.importorskip("pyspark", reason='needs pyspark: pip install "integrakit[spark]" (the step "spark" of .ci/run has it)')
if shutil.which("java") is None:
    pytest.skip("Spark needs Java, which is not here", allow_module_level=True)

pytestmark = [pytest.mark.service, pytest.mark.filterwarnings("ignore::Warning:pyspark"), pytest.mark.filterwarnings("ignore::ResourceWarning")]


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    from pyspark.sql import SparkSession  # pyright: ignore[reportMissingImports]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what pyspark thinks of this pandas
        made = (
            SparkSession.builder.master("local[1]")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.shuffle.partitions", "2")
            .config("spark.sql.session.timeZone", "America/New_York")
            .config("spark.ui.showConsoleProgress", "false")
            .getOrCreate()
        )
        yield made
        made.stop()


NAN, INF = float("nan"), float("inf")
MOMENTS = [datetime(2024, 11, 3, hour, 30, tzinfo=UTC) for hour in range(9)]
# Two hours of New York's autumn night have the same name: 05:30 and 06:30 UTC.
LEFT = """VALUES
  (1, 'a', 1.10BD, 0.1D, 0.1F, timestamp '2024-11-03 05:30:00Z', array(1, 2), true, X'00', date '2024-01-01', timestamp_ntz '2024-03-10 02:30:00'),
  (2, 'A', 2.00BD, double('nan'), float('nan'), timestamp '2024-11-03 06:30:00Z', array(1, null), false, X'', null, null),
  (3, 'é', null, -0.0D, 16777216F, null, null, null, null, date '0001-01-01', timestamp_ntz '1582-10-10 00:00:00'),
  (3, 'é', null, -0.0D, 1F, null, array(), null, null, null, null),
  (4, '', 4.00BD, 1e300D, double('inf'), null, array(1), true, X'01', null, null),
  (5, 'b ', 5.00BD, 0.3D, 0.3F, null, null, null, null, null, null),
  (6, 'only', 6.00BD, 6.5D, 6F, null, null, null, null, null, null),
  (null, 'lost', 7.00BD, 7D, 7F, null, null, null, null, null, null)
  AS t (id, name, total, weight, single, at, tags, active, raw, day, naive)"""
RIGHT = """VALUES
  (7L, 'only', 6.0BD, 6.5D, 6F, null, null, null, null, null, null),
  (5L, 'b', 5.0BD, 0.1D + 0.2D, 0.3F, null, null, null, null, null, null),
  (4L, null, 4.0BD, 1e300D, double('inf'), null, array(2), true, X'01', null, null),
  (3L, 'e\\u0301', null, 0.0D, 16777216F, null, null, null, null, date '0001-01-01', timestamp_ntz '1582-10-10 00:00:00'),
  (2L, 'a', 2.0BD, double('nan'), float('nan'), timestamp '2024-11-03 06:30:00Z', array(1, null), false, X'', null, null),
  (1L, 'a', 1.1BD, 0.1D, 0.1F, timestamp '2024-11-03 05:30:00Z', array(1, 2), true, X'00', date '2024-01-01', timestamp_ntz '2024-03-10 02:30:00')
  AS t (id, name, total, weight, single, at, tags, active, raw, day, naive)"""


def frames(spark: Any) -> tuple[Any, Any]:
    more = "float(single) AS single, cast(total AS {}) AS total"
    columns = "id, name, weight, at, tags, active, raw, day, naive, "
    return (
        spark.sql(f"SELECT {columns}{more.format('decimal(12,2)')} FROM {LEFT}"),
        spark.sql(f"SELECT {columns}{more.format('decimal(20,1)')} FROM {RIGHT}"),
    )


def test_frames_are_joined_by_spark(spark: Any) -> None:
    left, right = frames(spark)
    found = same_answers(left, right, key="id")
    assert (found.summary["equal"], found.summary["changed"], found.summary["duplicates"], found.summary["null_keys"]) == (1, 3, 1, 1)
    assert "engine: pushdown" in found.explain()
    first = next(found.breaks())
    assert (first.key, first.left["at"], first.left["single"] != first.left["single"]) == (2, datetime(2024, 11, 3, 6, 30, tzinfo=UTC), True)
    by_id = {each.key: each for each in reconcile(left, right.where("id > 1"), key="id").breaks()}
    record = by_id[1].left
    assert (record["at"], record["single"], record["total"]) == (datetime(2024, 11, 3, 5, 30, tzinfo=UTC), 0.1, Decimal("1.10"))
    assert (record["raw"], record["day"], record["naive"]) == (b"\0", date(2024, 1, 1), datetime(2024, 3, 10, 2, 30))


def test_options_and_composite_keys(spark: Any) -> None:
    left, right = (frame.where("id <> 3") for frame in frames(spark))
    fields = [Field("weight", within="0.001"), Field("name", ignore_case=True), Field("at", truncate="s"), Field("total", within="1%")]
    assert same_answers(left, right, key="id", fields=fields).summary["equal"] == 2
    assert same_answers(left, right, key=["id", "name"]).summary["equal"] == 1


def test_text_keys_are_in_the_order_of_code_points(spark: Any) -> None:
    left = spark.sql("SELECT * FROM VALUES ('z', 1), ('A', 2), ('a', 3), ('\\uFFFF', 4), ('\\U0001F600', 5), ('', 6) AS t (id, x)")
    right = spark.sql("SELECT * FROM VALUES ('Z', 1), ('a', 2), ('\\uFFFF', 3), ('\\U0001F600', 5), (null, 6) AS t (id, x)")
    assert [each.key for each in same_answers(left, right, key="id").breaks()] == ["", "A", "Z", "a", "z", "\uffff", None]


def test_totals_that_spark_would_round_are_added_up_here(spark: Any) -> None:
    frame = spark.range(1, 60).selectExpr("id", "sqrt(id) AS root", "cast(id AS float) / 10 AS tenth", "9223372036854775807L - id AS big")
    found = same_answers(frame, frame.where("id <> 7"), key="id")
    assert found.totals["big"].left == 59 * (2**63 - 1) - 59 * 60 // 2


def test_what_has_no_form_in_spark_is_refused_in_words(spark: Any) -> None:
    left, right = frames(spark)
    for words, key in (("changed before", Key("id", blanks="trim")), ("no column", Key("nope")), ("NaN", Key("weight"))):
        with pytest.raises(ConfigurationError, match=words):
            reconcile(left, right, engine="pushdown", key=key)
    odd = left.selectExpr("id", "interval 1 month AS x")
    with pytest.raises(ConfigurationError, match="'x' is interval month"):
        reconcile(odd, odd, key="id", engine="pushdown")
    bad = spark.range(3).selectExpr("id", "assert_true(id < 2) AS x", "id / 2 AS y")
    with pytest.raises(ReadError, match="in Spark"):
        reconcile(bad.selectExpr("id", "coalesce(x, y) AS y"), bad.selectExpr("id", "y"), key="id", engine="pushdown")
