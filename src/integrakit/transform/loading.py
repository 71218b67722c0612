"""Mapping files: TOML, JSON or YAML, told by the suffix, read whole and checked as texts. The one place of this package that opens files.

What a file says is only a tree here, with a function that finds the line of each entry: rules are the business of `parsing`. Whatever a file holds,
the result is a tree or a `ConfigurationError` that names file, line and entry; nothing in a file is ever run.
"""

from __future__ import annotations

import itertools
import os
import stat
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from attrs import frozen

from integrakit.errors import ConfigurationError
from integrakit.transform.locating import BrokenText, Locator, Place, line_column
from integrakit.transform.locating.json import read_json
from integrakit.transform.locating.toml import read_toml
from integrakit.transform.misfit import excerpt
from integrakit.transform.tree import Where, place_name
from integrakit.transform.wording import did_you_mean

__all__ = ["FORMATS", "Loaded", "Resource", "read_mapping", "read_text"]

#: The formats by the suffixes of their files.
FORMATS = {".toml": "toml", ".json": "json", ".yaml": "yaml", ".yml": "yaml"}
_SPELLED = {"toml": "TOML", "json": "JSON", "yaml": "YAML"}
_SUFFIXES = ".toml, .json, .yaml or .yml"
#: In bytes. A lookup of a hundred thousand entries fits; a larger one belongs into a table of its own. PyYAML reads a quarter megabyte in a second.
_LARGEST = 10_000_000
_LARGEST_YAML = 1_000_000
# Names of a folder that are looked at for "did you mean".
_MOST_NAMES = 2_000


class Resource(Protocol):
    """A file inside a package, as ``importlib.resources.files(…) / "order.toml"`` gives it (a Traversable), be it in a folder or a zip."""

    @property
    def name(self) -> str: ...

    def open(self, mode: str = "r") -> Any: ...


@frozen
class Loaded:
    """What a mapping file holds. ``name`` stands in messages; ``where`` finds line and column of an entry, or of the nearest one around it."""

    tree: dict[str, Any]
    name: str
    where: Where


def read_mapping(source: str | os.PathLike[str] | Resource) -> Loaded:
    """Reads a mapping file: a path, or a resource of a package. Raises `ConfigurationError`."""
    if isinstance(source, str | os.PathLike):
        path = os.fspath(source)
        if not isinstance(path, str):
            raise ConfigurationError(f"a mapping file's path is text, not {type(path).__name__}")
        data, name, file = _read_path(path), path, path
    elif callable(getattr(source, "open", None)) and isinstance(getattr(source, "name", None), str):
        file = name = source.name
        data = _read_resource(source)
    else:
        kind = type(source).__name__
        raise ConfigurationError(
            f"Mapping.load takes the path of a file, or a resource of a package, not a {kind}: a tree is given as Mapping({{…}})"
        )
    suffix = os.path.splitext(file)[1].lower()
    if suffix not in FORMATS:
        raise ConfigurationError(f"{name}: a mapping file ends in {_SUFFIXES}, not {'in nothing' if not suffix else excerpt(suffix)}")
    _bounded(len(data), FORMATS[suffix], name)
    return _read(_decoded(data, name), FORMATS[suffix], name)


def read_text(text: str, format: str, name: str) -> Loaded:
    """Reads the text of a mapping in the ``format`` "toml", "json" or "yaml". Raises `ConfigurationError`."""
    if not isinstance(text, str):
        raise ConfigurationError(f"{name}: the text of a mapping is a str, not {type(text).__name__}")
    if format not in _SPELLED:
        raise ConfigurationError(f"{name}: unknown format {excerpt(format)}{did_you_mean(format, _SPELLED)}")
    _bounded(len(text), format, name)
    return _read(text.removeprefix("\ufeff"), format, name)


def _bounded(size: int, format: str, name: str) -> None:
    most = _LARGEST_YAML if format == "yaml" else _LARGEST
    if size > most:
        raise ConfigurationError(f"{name}: more than {most} bytes are too many for a mapping file in {_SPELLED[format]}: give large lookups as CSV")


# ---------------------------------------------------------------- files


def _read_path(path: str) -> bytes:
    try:
        kind = os.stat(path).st_mode
        if stat.S_ISDIR(kind):
            raise _unreadable(path, f"it is a folder: name the file in it{_hint(path, '')}")
        if not stat.S_ISREG(kind):
            raise _unreadable(path, "it is not a plain file")
        with open(path, "rb") as file:
            return _some(file)
    except FileNotFoundError as problem:
        raise _unreadable(path, _missing(path)) from problem
    except (OSError, ValueError) as problem:
        raise _unreadable(path, getattr(problem, "strerror", None) or str(problem)) from problem


def _read_resource(resource: Resource) -> bytes:
    try:
        with resource.open("rb") as file:
            return _some(file)
    except (OSError, ValueError, KeyError) as problem:  # zip files say KeyError for what they do not hold
        raise _unreadable(resource.name, getattr(problem, "strerror", None) or "there is no such resource in the package") from problem


def _some(file: BinaryIO) -> bytes:
    return file.read(_LARGEST + 1)


def _unreadable(path: str, why: str) -> ConfigurationError:
    return ConfigurationError(f"the mapping file {excerpt(path) if len(path) > 1000 else repr(path)} cannot be read: {why}")


def _missing(path: str) -> str:
    folder, file = os.path.split(path)
    if folder and not os.path.isdir(folder):
        return f"there is no folder {folder!r}"
    looked = "" if os.path.isabs(path) else f" (looked for in {os.path.abspath(folder or '.')})"
    return f"there is no such file{_hint(folder, file)}{looked}"


def _hint(folder: str, file: str) -> str:
    """Mapping files of that folder that were perhaps meant."""
    try:
        with os.scandir(folder or ".") as entries:
            names = sorted(entry.name for entry in itertools.islice(entries, _MOST_NAMES) if Path(entry.name).suffix.lower() in FORMATS)
    except OSError:  # a hint, and no more
        return ""
    close = get_close_matches(file, names, n=1) if file else []
    stems = [name for name in names if Path(name).stem == Path(file).stem]
    if stems or close:
        return f": did you mean {(stems or close)[0]!r}?"
    return f": there are {', '.join(names[:10])}{', …' * (len(names) > 10)}" if names and not file else ""


# ---------------------------------------------------------------- texts


def _decoded(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise ConfigurationError(f"{name}: a mapping file is UTF-8 text, and this is UTF-16: save it as UTF-8") from problem
        line = data.count(b"\n", 0, problem.start) + 1
        shown = f"byte 0x{data[problem.start]:02x} is not: save it as UTF-8"
        raise ConfigurationError(f"{name}:{line}: a mapping file is UTF-8 text, and {shown}") from problem


def _read(text: str, format: str, name: str) -> Loaded:
    if not text.strip():
        raise ConfigurationError(f"{name}: fields: is missing: the file is empty")
    try:
        tree, places = _reader(format)(text)
    except BrokenText as problem:
        raise _refusal(problem, text, format, name) from problem
    where = Locator(text, places)
    if tree is None and format == "yaml":
        raise ConfigurationError(f"{name}: fields: is missing: the file holds no entry")
    if not isinstance(tree, dict):
        what = "a list" if isinstance(tree, list) else excerpt(tree)
        raise ConfigurationError(f"{name}:1: a mapping is a table with an entry 'fields' at the top, not {what}")
    if "\\" in text:  # only an escape can bring half a character into UTF-8 text
        _whole_characters(tree, name, where)
    return Loaded(tree, name, where)


def _reader(format: str) -> Callable[[str], tuple[Any, Callable[[], Place]]]:
    if format == "yaml":
        # an extra: only for those who write YAML
        from integrakit.transform.locating.yaml import read_yaml

        return read_yaml
    return read_toml if format == "toml" else read_json


def _refusal(problem: BrokenText, text: str, format: str, name: str) -> ConfigurationError:
    line, column = line_column(text, min(problem.position, len(text)))
    if problem.path:
        return ConfigurationError(f"{name}:{line}: {place_name(problem.path)}: {problem.reason}")
    begin = text.rfind("\n", 0, problem.position) + 1
    shown = text[begin : begin + 200].partition("\n")[0].strip()
    quoted = f": {excerpt(shown)}" if shown else ""
    return ConfigurationError(f"{name}:{line}:{column}: not valid {_SPELLED[format]}: {problem.reason} (at line {line}, column {column}){quoted}")


def _whole_characters(tree: dict[str, Any], name: str, where: Where) -> None:
    """Refuses texts that no UTF-8 file, database or HTTP body could take."""
    waiting: list[tuple[tuple[str | int, ...], Any]] = [((), tree)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            for key, item in value.items():
                waiting += [((*path, key), item), ((*path, key), key)]
        elif isinstance(value, list):
            waiting += [((*path, index), item) for index, item in enumerate(value)]
        elif isinstance(value, str):
            try:
                value.encode()
            except UnicodeEncodeError as problem:
                place = where(path)
                at = f":{place[0]}" if place else ""
                half = f"U+{ord(value[problem.start]):04X}"
                raise ConfigurationError(f"{name}{at}: {place_name(path)}: {half} is half of a character and no text") from problem
