"""The reading engines: one kind of reader for every source, and watermarks taken with care."""

from integrakit.reading.mapped import Mapped, mapped
from integrakit.reading.open import is_source, open_reader
from integrakit.reading.watermark import WatermarkReader, later, lower_bound, settled

__all__ = ["Mapped", "WatermarkReader", "is_source", "later", "lower_bound", "mapped", "open_reader", "settled"]
