"""The options of a rule that shape its value: ``apply`` and ``to`` with what belongs to it.

Only reading and checking; what the conversions do is in `conversions`, what the built-in functions do in `cleaning`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, NoReturn, Protocol

from integrakit.errors import ConfigurationError
from integrakit.transform.calling import arity_problem, must_be_awaited
from integrakit.transform.cleaning import BUILT_IN, METHODS, built_in
from integrakit.transform.conversions import CONVERSIONS, Conversion, Mistake, build
from integrakit.transform.conversions.target_types import scalars
from integrakit.transform.misfit import article
from integrakit.transform.rules import Step
from integrakit.transform.synonyms import FUNCTIONS, TYPES, meant
from integrakit.transform.wording import did_you_mean, spelled

__all__ = ["BUILT_IN", "CONVERSION_OPTIONS", "NULL_VALUES", "check_functions", "read_apply", "read_conversion"]

#: The option ``null_values``: what stands for null in the source. It needs no ``to``.
NULL_VALUES = scalars("what stands for null")
#: The options that belong to ``to``, and ``null_values``.
CONVERSION_OPTIONS = (*dict.fromkeys(option for options in CONVERSIONS.values() for option in options), "null_values")

# These have a meaning without ``to``, or with any.
_EVERYWHERE = ("float", "null_values")
# A chain of methods is one expression, and the parser of Python nests only so deep.
_MOST_FUNCTIONS = 100


class Refuse(Protocol):
    """Raises a `ConfigurationError` that names the mapping and the field."""

    def __call__(self, why: str, cause: Exception | None = None, /, option: str = "") -> NoReturn:
        """``option``: the entry of the rule that it is about, whose line is told."""
        ...


def check_functions(functions: Mapping[str, Callable[..., Any]] | None, name: str) -> dict[str, Callable[..., Any]]:
    """A copy of the user's functions by name. Raises `ConfigurationError` for what a mapping could not call."""
    if functions is None:
        return {}
    if not isinstance(functions, Mapping):
        raise ConfigurationError(f"{name}: functions={{…}} takes a dict of name → function, not a {type(functions).__name__}")
    for key, function in functions.items():
        if not isinstance(key, str) or not key:
            raise ConfigurationError(f"{name}: functions={{…}}: a function's name is text, not {key!r}")
        if key in BUILT_IN:
            raise ConfigurationError(f"{name}: functions={{…}}: {key!r} is built in: choose another name")
        if not callable(function) or must_be_awaited(function):
            what = "an async one" if callable(function) else article(function)
            raise ConfigurationError(f"{name}: functions={{…}}: {key!r} must be a plain function, not {what}")
    return dict(functions)


def read_apply(tree: Mapping[str, Any], functions: Mapping[str, Callable[[Any], Any]], refuse: Refuse) -> tuple[Step, ...]:
    """The chain of ``apply``, and behind it what ``null_values`` asks for."""
    names = tree.get("apply", [])
    if not isinstance(names, list):
        refuse('apply takes a list of function names, such as ["strip", "lower"]', option="apply")
    if len(names) > _MOST_FUNCTIONS:
        refuse(f"apply takes at most {_MOST_FUNCTIONS} functions, not {len(names)}", option="apply")
    steps = []
    for name in names:
        if isinstance(name, str) and name in BUILT_IN:
            steps.append(Step(name, built_in(name), name if name in METHODS else None))
        elif isinstance(name, str) and name in functions:
            if problem := arity_problem(functions[name], 1):
                several = " (call = … gives it several)" if "call" not in tree else ""
                refuse(f"function {name!r} cannot stand in apply: {problem}{several}", option="apply")
            steps.append(Step(name, functions[name]))
        else:
            hint = meant(name, FUNCTIONS) or did_you_mean(name, (*BUILT_IN, *functions))
            refuse(f"unknown function {spelled(name)}{hint} (your own are given as functions={{{spelled(name)}: …}})", option="apply")
    if "null_values" in tree:
        steps.append(_nulls(tree, refuse))
    return tuple(steps)


def _nulls(tree: Mapping[str, Any], refuse: Refuse) -> Step:
    if "value" in tree:
        refuse("null_values has no meaning beside value", option="null_values")
    try:
        values = NULL_VALUES.read("null_values", tree["null_values"])
    except Mistake as problem:
        refuse(str(problem), problem, option="null_values")
    texts = frozenset(value for value in values if isinstance(value, str))
    numbers = frozenset(value for value in values if not isinstance(value, str))
    longest = max(map(len, texts), default=0)

    def to_null(value: Any) -> Any:
        if isinstance(value, str):
            return None if len(value) <= longest and value in texts else value
        if isinstance(value, float | int) and not isinstance(value, bool):
            return None if value in numbers else value
        # Finite, because a signalling NaN cannot be hashed; and not a number of a million digits, which an int would have to be made of.
        if isinstance(value, Decimal) and value.is_finite() and (not value or -20 < value.adjusted() < 20):
            return None if value in numbers else value
        return value

    return Step(f"null for {' / '.join(map(spelled, values[:8]))}{' / …' * (len(values) > 8)}", to_null)


def read_conversion(tree: Mapping[str, Any], shortest: bool, refuse: Refuse) -> Conversion | None:
    """The ``to`` of a rule with its options, or None."""
    to = tree.get("to")
    if "to" not in tree:
        for option in CONVERSION_OPTIONS:
            if option in tree and option not in _EVERYWHERE:
                refuse(f"{option} belongs to to = {spelled(_owner(option))}, which is missing", option=option)
        return None
    if not isinstance(to, str) or to not in CONVERSIONS:
        refuse(f"unknown type {spelled(to)} in to{meant(to, TYPES) or did_you_mean(to, tuple(CONVERSIONS))}", option="to")
    for option in CONVERSION_OPTIONS:
        if option in tree and option not in CONVERSIONS[to] and option not in _EVERYWHERE:
            hint = did_you_mean(option, CONVERSIONS[to]) if CONVERSIONS[to] else ""
            refuse(f"{option} has no meaning with to = {spelled(to)}{hint}", option=option)
    try:
        return build(to, {option: tree[option] for option in CONVERSIONS[to] if option in tree}, shortest=shortest)
    except Mistake as problem:
        first = str(problem).partition(" ")[0]
        refuse(str(problem), problem, option=problem.option or (first if first in tree else "to"))


def _owner(option: str) -> str:
    return next(to for to, options in CONVERSIONS.items() if option in options)
