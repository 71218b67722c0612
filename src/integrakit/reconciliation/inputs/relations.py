"""What stands in an engine that can join by itself: which two sides are in the same one, and why others are not.

Only recognised here; nothing is opened or asked. Frames of Spark, which is never imported for it, are known by where their class comes from.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from attrs import frozen

from integrakit.files import CsvFile, ParquetFile
from integrakit.reconciliation.inputs.feed import Feed
from integrakit.reconciliation.inputs.frames import is_frame
from integrakit.reconciliation.inputs.spark_frames import is_spark
from integrakit.sql import SqlQuery, SqlTable

__all__ = ["Shared", "shared_by"]


@frozen
class Shared:
    """Where both sides are. ``place``: "files" (files and frames that DuckDB takes), "relations" (of DuckDB), "server", "spark", or None."""

    place: str | None
    #: Why they can be joined there, or why there is no such place.
    reason: str


def _what(source: Any) -> str:
    if is_spark(source):
        return "spark"
    if type(source).__name__ == "DuckDBPyRelation":
        return "relation"
    if isinstance(source, SqlTable | SqlQuery):
        return "sql"
    return "columns" if type(source) in (CsvFile, ParquetFile) or is_frame(source) else "records"


def shared_by(feeds: tuple[Feed, Feed]) -> Shared:
    """Where two sides can be joined by one engine."""
    kinds = [_what(feed.source) for feed in feeds]
    for feed, kind in zip(feeds, kinds, strict=True):
        if kind == "records":
            return Shared(None, f"the {feed.name} side is in no engine that could join it")
    if kinds == ["spark", "spark"]:
        return Shared("spark", "both sides are frames of Spark")
    if kinds == ["sql", "sql"]:
        return _server(feeds[0].source, feeds[1].source)
    if "spark" in kinds or "sql" in kinds:
        return Shared(None, "the two sides are in two engines")
    if find_spec("duckdb") is None:
        return Shared(None, 'DuckDB is not installed: pip install "integrakit[duckdb]"')
    if kinds == ["relation", "relation"]:
        return Shared("relations", "both sides are relations of DuckDB")
    return _columns(feeds)


def _columns(feeds: tuple[Feed, Feed]) -> Shared:
    for feed in feeds:
        if feed.columns is None:
            return Shared(None, f"the {feed.name} side does not come as columns")
        if feed.columns.once:
            return Shared(None, f"the {feed.name} side can be read only once")
    return Shared("files", "DuckDB can read and join both sides")


def _server(left: SqlTable | SqlQuery, right: SqlTable | SqlQuery) -> Shared:
    if left.server is None or right.server is None:
        return Shared(None, "a file of SQLite is read, not joined")
    if not left.server.is_same_as(right.server):
        return Shared(None, "the two sides are in two databases, or are reached in two ways")
    return Shared("server", f"both sides are in {left.server.name}")
