"""The reading engines: one kind of reader for every source, and watermarks taken with care.

Nothing is loaded before it is asked for (PEP 562): most connectors need few of these.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from integrakit._lazy import handing_on as _handing_on

if TYPE_CHECKING:
    from integrakit.reading.anti_joining import AntiJoin, aanti_join, anti_join
    from integrakit.reading.backfill import Backfill, BackfillReport, BackfillStatus
    from integrakit.reading.bulk_job import BulkJob
    from integrakit.reading.deletions import Tombstones
    from integrakit.reading.job_polling import JobCall, JobProgress
    from integrakit.reading.lag import Lag, ameasure_lag, clock_difference, measure_lag
    from integrakit.reading.ledger import Partition
    from integrakit.reading.mapped_source import Mapped, mapped
    from integrakit.reading.open import is_source, open_reader
    from integrakit.reading.parents import Reassembled, reassembled
    from integrakit.reading.remote_file import Locator, RemoteFile
    from integrakit.reading.schema_watch import Watched, watched
    from integrakit.reading.sliced import Saturation, SlicedRead
    from integrakit.reading.watermark import WatermarkReader
    from integrakit.reading.watermark_values import later, lower_bound, settled

__all__ = [
    "AntiJoin",
    "Backfill",
    "BackfillReport",
    "BackfillStatus",
    "BulkJob",
    "JobCall",
    "JobProgress",
    "Lag",
    "Locator",
    "Mapped",
    "Partition",
    "Reassembled",
    "RemoteFile",
    "Saturation",
    "SlicedRead",
    "Tombstones",
    "Watched",
    "WatermarkReader",
    "aanti_join",
    "ameasure_lag",
    "anti_join",
    "clock_difference",
    "is_source",
    "later",
    "lower_bound",
    "mapped",
    "measure_lag",
    "open_reader",
    "reassembled",
    "settled",
    "watched",
]

_HOMES = MappingProxyType(
    {
        "AntiJoin": "integrakit.reading.anti_joining",
        "Backfill": "integrakit.reading.backfill",
        "BackfillReport": "integrakit.reading.backfill",
        "BackfillStatus": "integrakit.reading.backfill",
        "BulkJob": "integrakit.reading.bulk_job",
        "JobCall": "integrakit.reading.job_polling",
        "JobProgress": "integrakit.reading.job_polling",
        "Lag": "integrakit.reading.lag",
        "Locator": "integrakit.reading.remote_file",
        "Mapped": "integrakit.reading.mapped_source",
        "Partition": "integrakit.reading.ledger",
        "Reassembled": "integrakit.reading.parents",
        "RemoteFile": "integrakit.reading.remote_file",
        "Saturation": "integrakit.reading.sliced",
        "SlicedRead": "integrakit.reading.sliced",
        "Tombstones": "integrakit.reading.deletions",
        "Watched": "integrakit.reading.schema_watch",
        "WatermarkReader": "integrakit.reading.watermark",
        "aanti_join": "integrakit.reading.anti_joining",
        "ameasure_lag": "integrakit.reading.lag",
        "anti_join": "integrakit.reading.anti_joining",
        "clock_difference": "integrakit.reading.lag",
        "is_source": "integrakit.reading.open",
        "later": "integrakit.reading.watermark_values",
        "lower_bound": "integrakit.reading.watermark_values",
        "mapped": "integrakit.reading.mapped_source",
        "measure_lag": "integrakit.reading.lag",
        "open_reader": "integrakit.reading.open",
        "reassembled": "integrakit.reading.parents",
        "settled": "integrakit.reading.watermark_values",
        "watched": "integrakit.reading.schema_watch",
    }
)

if not TYPE_CHECKING:
    __getattr__, __dir__ = _handing_on(__name__, _HOMES, __all__)
