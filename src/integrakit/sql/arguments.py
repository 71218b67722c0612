"""The arguments that tables and queries share, checked when they are built: a wrong one is a `ConfigurationError` that says what it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from integrakit.errors import ConfigurationError
from integrakit.model import Window
from integrakit.sql.values import TYPES
from integrakit.sql.watermarks import kept

__all__ = ["checked_mark", "checked_names", "checked_number", "checked_types", "checked_window"]


def checked_names(who: str, argument: str, value: Any) -> tuple[str, ...]:
    """One column, or several different ones."""
    names = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list | tuple) else ()
    if not names or len(set(names)) < len(names) or not all(isinstance(name, str) and name and "\0" not in name for name in names):
        raise ConfigurationError(f"{who}({argument}=…) takes the name of a column, or several different ones, not {value!r}")
    return names


def checked_types(who: str, types: Any, key: Sequence[str]) -> dict[str, Any]:
    """Column → one of `TYPES`."""
    if not isinstance(types, Mapping):
        raise ConfigurationError(f"{who}(types=…) takes column → type, not {types!r}")
    for name, wanted in types.items():
        if not any(wanted is kind or (kind == "json" and wanted == kind) for kind in TYPES):
            shown = ", ".join(kind if isinstance(kind, str) else kind.__name__ for kind in TYPES)
            raise ConfigurationError(f"{who}(types={{{name!r}: …}}) takes one of {shown}, not {wanted!r}")
        if wanted == "json" and name in key:
            raise ConfigurationError(f"{who}(types={{{name!r}: 'json'}}): a key cannot be JSON, which has many ways to write the same")
    return dict(types)


def checked_number(who: str, argument: str, value: Any, kinds: Any) -> Any:
    """A number above 0."""
    if isinstance(value, bool) or not isinstance(value, kinds) or not 0 < value < float("inf"):
        raise ConfigurationError(f"{who}({argument}=…) takes a number above 0, not {value!r}")
    return value


def checked_window(who: str, window: Any, cursor: str | None) -> Window:
    """A `Window`, which needs a cursor."""
    if window is not None and (cursor is None or not isinstance(window, Window)):
        raise ConfigurationError(f"{who}(window=…) takes a Window, and needs cursor=")
    return window or Window()


def checked_mark(watermark: Any, *, times: bool) -> Any:
    """A watermark as checkpoints keep it; ``times``: what the drivers of servers give is taken, too."""
    if times and isinstance(watermark, date | Decimal):
        return kept(watermark)
    if watermark is not None and (isinstance(watermark, bool) or not isinstance(watermark, int | float | str | bytes)):
        raise ConfigurationError(f"a watermark is the cursor's value as the table stores it (text, number, bytes), not {type(watermark).__name__}")
    return watermark
