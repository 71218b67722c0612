"""Files of records as sources and as sinks that append: CSV and JSON Lines."""

from integrakit.files.csv_file import CsvFile
from integrakit.files.json_lines import JsonLines

__all__ = ["CsvFile", "JsonLines"]
