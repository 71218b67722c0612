"""Packages that hand on their names when they are asked for (PEP 562). Type checkers see the imports that stand beside, under ``TYPE_CHECKING``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

__all__ = ["handing_on"]


def handing_on(package: str, homes: Mapping[str, str], names: Sequence[str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """``__getattr__`` and ``__dir__`` of ``package``. ``homes``: each name's module; ``names``: its ``__all__``."""

    def get(name: str) -> Any:
        if name not in homes:
            # With `name` and `obj` the traceback goes on with "Did you mean: …?".
            raise AttributeError(f"{package} has no {name!r}: dir({package}) lists what it has", name=name, obj=sys.modules[package])
        value = getattr(import_module(homes[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    return get, lambda: list(names)
