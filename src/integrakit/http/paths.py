"""Dotted paths into decoded bodies: ``data.items``, ``params.1``. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from integrakit.errors import ConfigurationError

__all__ = ["ABSENT", "look_up", "parse_path", "put_at"]


class _Absent:
    def __repr__(self) -> str:
        return "ABSENT"


#: What `look_up` gives when nothing stands at the path; null is a value and comes back as None.
ABSENT: Final = _Absent()


@lru_cache(maxsize=1024)
def parse_path(path: str) -> tuple[str, ...]:
    """``"a.b.0"`` as its steps. A step that is digits is an index in a list and a name in an object."""
    steps = tuple(path.split(".")) if isinstance(path, str) else ()
    if not steps or not all(steps):
        raise ConfigurationError(f"{path!r} is not a dotted path such as 'data.items'")
    return steps


def look_up(body: Any, steps: tuple[str, ...]) -> Any:
    """What stands there, or ABSENT. A name with dots in it (``@odata.nextLink``) is found as the last step."""
    for index, step in enumerate(steps):
        if isinstance(body, Mapping):
            if step not in body:
                return body.get(".".join(steps[index:]), ABSENT)
            body = body[step]
        elif isinstance(body, list) and step.isdecimal() and int(step) < len(body):
            body = body[int(step)]
        else:
            return ABSENT
    return body


def put_at(body: Any, steps: tuple[str, ...], value: Any) -> Any:
    """A copy of ``body`` with ``value`` there; objects on the way are made where they are missing."""
    step, rest = steps[0], steps[1:]
    if isinstance(body, list):
        if not step.isdecimal() or int(step) >= len(body):
            raise ConfigurationError(f"there is no place {step!r} in a list of {len(body)}: the body must hold it already")
        index = int(step)
        return [*body[:index], put_at(body[index], rest, value) if rest else value, *body[index + 1 :]]
    if not isinstance(body, Mapping):
        raise ConfigurationError(f"there is no place {step!r} in {type(body).__name__}")
    return {**body, step: put_at(body.get(step, {}), rest, value) if rest else value}
