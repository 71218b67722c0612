"""The options of a rule that shape its value: ``apply`` and ``to`` with what belongs to it.

Only reading and checking; what the conversions do is in `conversions`.
"""

from __future__ import annotations

import inspect
import zoneinfo
from collections.abc import Callable, Mapping
from datetime import tzinfo
from typing import Any, NoReturn, Protocol

from integrakit.errors import ConfigurationError
from integrakit.transform.conversions import CONVERSIONS, Conversion, make_conversion
from integrakit.transform.exact import ROUNDINGS
from integrakit.transform.misfit import Misfit, article, excerpt
from integrakit.transform.rules import Step
from integrakit.transform.times import FOLDS
from integrakit.transform.wording import did_you_mean, spelled

__all__ = ["BUILT_IN", "CONVERSION_OPTIONS", "check_functions", "read_apply", "read_conversion"]

#: The functions that ``apply`` knows without being told: methods of ``str``.
BUILT_IN = ("strip", "lower", "upper", "casefold", "title")
#: The options that belong to ``to``.
CONVERSION_OPTIONS = ("scale", "rounding", "float", "timezone", "fold")

_MOST_DIGITS = 100


class Refuse(Protocol):
    """Raises a `ConfigurationError` that names the mapping and the field."""

    def __call__(self, why: str, cause: Exception | None = None, /) -> NoReturn: ...


def check_functions(functions: Mapping[str, Callable[[Any], Any]] | None, name: str) -> dict[str, Callable[[Any], Any]]:
    """A copy of the user's functions by name. Raises `ConfigurationError` for what ``apply`` could not call."""
    if functions is None:
        return {}
    if not isinstance(functions, Mapping):
        raise ConfigurationError(f"{name}: functions={{…}} takes a dict of name → function, not a {type(functions).__name__}")
    for key, function in functions.items():
        if not isinstance(key, str) or not key:
            raise ConfigurationError(f"{name}: functions={{…}}: a function's name is text, not {key!r}")
        if key in BUILT_IN:
            raise ConfigurationError(f"{name}: functions={{…}}: {key!r} is built in: choose another name")
        if not callable(function) or inspect.iscoroutinefunction(function):
            raise ConfigurationError(f"{name}: functions={{…}}: {key!r} must be a plain function of one value, not {article(function)}")
    return dict(functions)


def _method(name: str) -> Callable[[Any], Any]:
    method = getattr(str, name)

    def apply(value: Any) -> Any:
        if not isinstance(value, str):
            raise Misfit(f"{excerpt(value)} is {article(value)}, and {name} works on text")
        return method(value)

    return apply


def read_apply(tree: Mapping[str, Any], functions: Mapping[str, Callable[[Any], Any]], refuse: Refuse) -> tuple[Step, ...]:
    """The chain of ``apply``."""
    names = tree.get("apply", [])
    if not isinstance(names, list):
        refuse('apply takes a list of function names, such as ["strip", "lower"]')
    steps = []
    for name in names:
        if name in BUILT_IN:
            steps.append(Step(name, _method(name), name))
        elif isinstance(name, str) and name in functions:
            steps.append(Step(name, functions[name]))
        else:
            hint = did_you_mean(name, (*BUILT_IN, *functions))
            refuse(f"unknown function {spelled(name)}{hint} (your own are given as functions={{{spelled(name)}: …}})")
    return tuple(steps)


def read_conversion(tree: Mapping[str, Any], shortest: bool, refuse: Refuse) -> Conversion | None:
    """The ``to`` of a rule with its options, or None."""
    to = tree.get("to")
    if "to" not in tree:
        for option in CONVERSION_OPTIONS:
            if option in tree and option != "float":
                refuse(f"{option} belongs to to = {spelled(_owner(option))}, which is missing")
        return None
    if not isinstance(to, str) or to not in CONVERSIONS:
        refuse(f"unknown type {spelled(to)} in to{did_you_mean(to, tuple(CONVERSIONS))}")
    for option in CONVERSION_OPTIONS:
        if option in tree and option not in CONVERSIONS[to] and option != "float":
            refuse(f"{option} has no meaning with to = {spelled(to)}")
    scale, rounding, fold = tree.get("scale"), tree.get("rounding"), tree.get("fold")
    if "scale" in tree and (isinstance(scale, bool) or not isinstance(scale, int) or not 0 <= scale <= _MOST_DIGITS):
        refuse(f"scale is a number of digits after the point, 0 to {_MOST_DIGITS}, not {spelled(scale)}")
    if "rounding" in tree and rounding not in ROUNDINGS:
        refuse(f"unknown rounding {spelled(rounding)}{did_you_mean(rounding, ROUNDINGS)}")
    if "rounding" in tree and scale is None:
        refuse("rounding needs a scale: the digits after the point to round to")
    if "fold" in tree and fold not in FOLDS:
        refuse(f'fold is "earlier" or "later", not {spelled(fold)}')
    if "fold" in tree and "timezone" not in tree:
        refuse("fold needs a timezone: only a place's clock shows a time twice")
    return make_conversion(
        to,
        scale=scale,
        rounding=rounding,
        shortest=shortest and "float" in CONVERSIONS[to],
        zone=_zone(tree["timezone"], refuse) if "timezone" in tree else None,
        fold=fold,
    )


def _owner(option: str) -> str:
    return next(to for to, options in CONVERSIONS.items() if option in options)


def _zone(name: Any, refuse: Refuse) -> tzinfo:
    try:
        if not isinstance(name, str):
            raise ValueError("not a text")
        return zoneinfo.ZoneInfo(name)
    except (KeyError, ValueError, OSError) as problem:
        zones = sorted(zoneinfo.available_timezones())
        hint = did_you_mean(name, zones) if zones else ": this machine has no time zone data, which pip install tzdata brings"
        hint = hint if "known are" not in hint else ": a name such as Europe/Berlin is wanted"
        refuse(f"unknown timezone {spelled(name)}{hint}", problem)
