"""Files of records as sources: CSV, JSON Lines, JSON documents and Parquet; the first two are sinks that append, too."""

from integrakit.files.csv_file import CsvFile
from integrakit.files.json_file import JsonFile
from integrakit.files.json_lines import JsonLines
from integrakit.files.parquet_file import ParquetFile

__all__ = ["CsvFile", "JsonFile", "JsonLines", "ParquetFile"]
