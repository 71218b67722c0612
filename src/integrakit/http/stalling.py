"""`StallGuard`: when a read that does not get on is given up. The limits, and the memory of where a read has been."""

from __future__ import annotations

from typing import Any

from attrs import field, frozen

from integrakit.errors import ConfigurationError

__all__ = ["StallGuard"]


def _number(owner: Any, attribute: Any, value: Any) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
        raise ConfigurationError(f"StallGuard({attribute.name}=…) takes a whole number of 0 or more, not {value!r}")


@frozen(kw_only=True)
class StallGuard:
    """When a read is given up with `PaginationStalled`: the same token twice always, and what is named here.

    ``ask_again``: how often a page is asked for once more that repeats the one before it (a cache that is behind passes, a server that loops does
    not). ``empty_pages``: how many pages without a record may come in a row while the server says that there is more. ``pages``: how many pages a
    read may have at all, None for any number.
    """

    ask_again: int = field(default=2, validator=_number)
    empty_pages: int = field(default=100, validator=_number)
    pages: int | None = field(default=None, validator=_number)
