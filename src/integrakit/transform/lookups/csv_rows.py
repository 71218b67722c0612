"""CSV files beside a mapping, as rows. A mapping may have come from anywhere: it reads no file but tables in its own folder and below.

The whole of a file is read and hashed, since a changed table is a changed mapping. What the columns mean is in `declared`.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from attrs import frozen

from integrakit.transform.misfit import Misfit, excerpt

__all__ = ["SUFFIXES", "CsvRows", "CsvText", "read_table_file"]

#: What a table may be called: nothing else beside a mapping is meant to be read.
SUFFIXES = (".csv", ".tsv", ".txt")
_LARGEST = 1_000_000_000
_MOST_COLUMNS = 10_000
_OTHER_DELIMITERS = (";", "\t", "|", ",")


@frozen
class CsvText:
    """How the bytes are read."""

    encoding: str = "utf-8-sig"
    delimiter: str = ","
    quote: str = '"'


def read_table_file(folder: Any, name: str) -> bytes:
    """The bytes of a file in a folder: a path, or what ``importlib.resources`` calls a Traversable. Raises `Misfit`."""
    posix, windows = PurePosixPath(name), PureWindowsPath(name)
    if not name or posix.is_absolute() or windows.is_absolute() or windows.drive or windows.root or ".." in posix.parts or ".." in windows.parts:
        raise Misfit(f"{excerpt(name)} is not a file in the folder of the mapping: absolute paths, and .., are not allowed")
    if posix.suffix.lower() not in SUFFIXES:
        raise Misfit(f"{excerpt(name)} is not a table: its name must end in {', '.join(SUFFIXES)}")
    try:
        data = _of_path(os.fspath(folder), name) if isinstance(folder, str | os.PathLike) else _of_resource(folder, posix)
    except Misfit:
        raise
    except (OSError, ValueError, KeyError, RuntimeError) as problem:  # KeyError from zip files, RuntimeError from links that go in a circle
        raise Misfit(f"{excerpt(name)} cannot be read: {getattr(problem, 'strerror', None) or 'there is no such file'}") from problem
    if len(data) > _LARGEST:
        raise Misfit(f"{excerpt(name)} has more than {_LARGEST} bytes, too many for a table in memory: look it up with a function")
    return data


def _of_path(folder: str, name: str) -> bytes:
    root = Path(folder or ".").resolve()
    path = (root / name).resolve()
    if not path.is_relative_to(root):
        raise Misfit(f"{excerpt(name)} is a link out of the folder of the mapping")
    if not path.exists():
        others = sorted(entry.name for entry in path.parent.glob("*") if entry.suffix.lower() in SUFFIXES)[:10] if path.parent.is_dir() else []
        raise Misfit(f"{excerpt(name)} is not beside the mapping" + (f": there are {', '.join(others)}" if others else ""))
    if not stat.S_ISREG(path.stat().st_mode):
        raise Misfit(f"{excerpt(name)} is not a plain file")
    with path.open("rb") as file:
        return file.read(_LARGEST + 1)


def _of_resource(folder: Any, name: PurePosixPath) -> bytes:
    with folder.joinpath(*name.parts).open("rb") as file:
        data: bytes = file.read(_LARGEST + 1)
        return data


class CsvRows:
    """The rows of a CSV text, each with the number of its line. `columns` are the names in the first one. Raises `Misfit`, also while iterating."""

    def __init__(self, data: bytes, how: CsvText) -> None:
        self._data = data
        self._how = how
        #: What tells this content from every other.
        self.digest = hashlib.sha256(data).hexdigest()
        _check_text(data, how.encoding)
        self.columns = self._header()

    def __iter__(self) -> Iterator[tuple[int, dict[str, Any]]]:
        reader = self._reader()
        names = self.columns
        width, unnamed = len(names), "" in names
        try:
            next(reader, None)
            for cells in reader:
                if len(cells) != width:
                    if not cells:
                        continue
                    raise Misfit(f"line {reader.line_num} has {len(cells)} cells, and the first line has {width}")
                row: dict[str, Any] = dict(zip(names, cells, strict=True))
                if unnamed:
                    del row[""]
                yield reader.line_num, row
        except csv.Error as problem:
            raise Misfit(f"line {reader.line_num} is not valid CSV: {problem}") from problem

    def _reader(self) -> Any:
        # Line ends stay as they are: those inside quotes are part of the cell.
        text = io.TextIOWrapper(io.BytesIO(self._data), encoding=self._how.encoding, newline="")
        return csv.reader(text, delimiter=self._how.delimiter, quotechar=self._how.quote, strict=True)

    def _header(self) -> tuple[str, ...]:
        try:
            names = tuple(next(self._reader(), ()))
        except csv.Error as problem:
            raise Misfit(f"line 1 is not valid CSV: {problem}") from problem
        if not any(names):
            raise Misfit("line 1 has no names of columns")
        if len(names) > _MOST_COLUMNS:
            raise Misfit(f"line 1 has more than {_MOST_COLUMNS} columns")
        twice = next((name for index, name in enumerate(names) if name and name in names[:index]), None)
        if twice is not None:
            raise Misfit(f"line 1 names the column {excerpt(twice)} twice")
        return names

    def other_delimiter(self) -> str:
        """What the file seems to be divided by, where its one column shows that it is not what was said."""
        if len(self.columns) != 1:
            return ""
        (column,) = self.columns
        return next((f": say delimiter = {mark!r}" for mark in _OTHER_DELIMITERS if mark in column and mark != self._how.delimiter), "")


def _check_text(data: bytes, encoding: str) -> None:
    try:
        text = data.decode(encoding)
    except UnicodeError as problem:
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise Misfit('is UTF-16: say encoding = "utf-16"') from problem
        line = data.count(b"\n", 0, getattr(problem, "start", 0)) + 1
        raise Misfit(f'line {line} is not {encoding.removesuffix("-sig")} text: say encoding = "…", such as "cp1252"') from problem
    if "\0" in text:
        raise Misfit(f"line {text.count(chr(10), 0, text.index(chr(0))) + 1} has a NUL in it, and is no text")
