"""Schema files: JSON, TOML or YAML, told by the suffix, read whole. What they mean is not known here, and nothing in them is fetched or run."""

from __future__ import annotations

import os
import tomllib
from decimal import Decimal
from typing import Any

from integrakit._json import loads
from integrakit.errors import ConfigurationError
from integrakit.transform.locating import BrokenText, line_column
from integrakit.transform.misfit import excerpt

__all__ = ["read_schema"]

_SUFFIXES = {".json": "JSON", ".toml": "TOML", ".yaml": "YAML", ".yml": "YAML"}
#: In bytes. The largest OpenAPI documents of vendors have ten million. YAML is read a quarter megabyte in a second.
_LARGEST, _LARGEST_YAML = 50_000_000, 2_000_000


def read_schema(path: str | os.PathLike[str]) -> Any:
    """What a schema file holds. Raises `ConfigurationError` naming the file."""
    name = os.fspath(path)
    if not isinstance(name, str):
        raise ConfigurationError(f"the path of a schema file is text, not {type(name).__name__}")
    format = _SUFFIXES.get(os.path.splitext(name)[1].lower())
    shown = excerpt(name) if len(name) > 1000 else repr(name)
    if "://" in name:
        raise ConfigurationError(f"the schema {shown} is an address, and nothing is fetched: save it as a file, or give it as a dict")
    if format is None:
        raise ConfigurationError(f"the schema file {shown} must end in {', '.join(_SUFFIXES)}")
    try:
        with open(name, "rb") as file:
            data = file.read(_LARGEST + 1)
    except (OSError, ValueError) as problem:
        why = getattr(problem, "strerror", None) or str(problem)
        raise ConfigurationError(f"the schema file {shown} cannot be read: {why}") from problem
    most = _LARGEST_YAML if format == "YAML" else _LARGEST
    if len(data) > most:
        raise ConfigurationError(f"the schema file {shown} has more than {most} bytes: give it as JSON, or only the part that is needed")
    try:
        return _parsed(data.decode("utf-8-sig"), format)
    except BrokenText as problem:
        line, column = line_column(data.decode("utf-8-sig"), problem.position)
        raise ConfigurationError(f"the schema file {shown} is not valid {format}: {problem.reason} (at line {line}, column {column})") from problem
    except (ValueError, RecursionError, ArithmeticError) as problem:  # TOML's and Unicode's own errors are ValueErrors
        why = "it is nested too deeply" if isinstance(problem, RecursionError) else str(problem)[:300]
        raise ConfigurationError(f"the schema file {shown} is not valid {format}: {why}") from problem


def _parsed(text: str, format: str) -> Any:
    if format == "JSON":
        return loads(text, decimals=True)
    if format == "TOML":
        return tomllib.loads(text, parse_float=Decimal)
    # an extra: only for those who write YAML
    from integrakit.transform.locating.yaml import read_yaml

    return read_yaml(text)[0]
