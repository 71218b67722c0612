"""A table that stands in the mapping itself: text → value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from integrakit.errors import ConfigurationError
from integrakit.transform.wording import spelled
from integrakit.unset import UNSET

__all__ = ["PlainTable", "plain_tables"]


@frozen
class PlainTable:
    """``[lookups.name]`` of a mapping file."""

    plain: Mapping[str, Any]

    def find(self, key: Any, at: Any) -> Any:
        return self.plain.get(key, UNSET)


def plain_tables(tree: Any, name: str) -> dict[str, dict[str, Any]]:
    """The tables of ``[lookups]``, checked. Raises `ConfigurationError`."""
    if not isinstance(tree, dict):
        raise ConfigurationError(f"{name}: lookups: must be a table, not {spelled(tree)}")
    for lookup, table in tree.items():
        if not isinstance(table, dict):
            raise ConfigurationError(f"{name}: lookups.{lookup}: must be a table, not {spelled(table)}")
        for key, value in table.items():
            if isinstance(value, list | dict):
                raise ConfigurationError(f"{name}: lookups.{lookup}.{key}: stands for one value, not {spelled(value)}")
    return tree
