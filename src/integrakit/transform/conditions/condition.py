"""Conditions: the text of a ``when`` or ``where`` as a `Condition`, and the functions that may be used in one.

How the text is read is in `condition_syntax`, what it means in `predicates` and `comparing`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, NoReturn

from attrs import frozen

from integrakit.transform.conditions.comparing import length
from integrakit.transform.conditions.predicates import Fetched, Predicate
from integrakit.transform.conditions.syntax import Mistaken, read_condition
from integrakit.transform.exact import shortest_number
from integrakit.transform.misfit import Misfit
from integrakit.transform.options import read_apply, read_conversion
from integrakit.transform.paths import Path
from integrakit.transform.rules import Condition
from integrakit.transform.wording import did_you_mean, spelled
from integrakit.unset import UNSET

if TYPE_CHECKING:
    from integrakit.transform.careful import CarefulPass, Frame
    from integrakit.transform.generating import Generator, Scope
    from integrakit.transform.parsing import Parser, Spot

__all__ = ["FUNCTIONS", "parse_condition"]

#: The functions of conditions.
FUNCTIONS = ("number", "text", "date", "datetime", "length", "strip", "lower", "upper", "casefold")


@frozen
class _Told:
    """The condition of a text: a `Condition`."""

    text: str
    predicate: Predicate

    def paths(self) -> tuple[Path, ...]:
        return tuple(dict.fromkeys(self.predicate.paths()))

    def careful(self, careful: CarefulPass, frame: Frame) -> Any:
        return self.predicate.careful(careful, frame)

    def generate(self, make: Generator, scope: Scope, names: dict[Path, str] | None = None) -> str:
        return self.predicate.code(Fetched(make, scope, {} if names is None else names))


def parse_condition(parser: Parser, text: Any, spot: Spot) -> Condition:
    """The condition that a text spells. Raises `ConfigurationError` naming the spot and the character."""
    if not isinstance(text, str):
        parser.refuse(spot, f"a condition is text, such as \"status == 'paid'\", not {spelled(text)}")
    try:
        predicate = read_condition(text, _function)
        parser.count(spot, sum(1 for _ in predicate.paths()))
        return _Told(text, predicate)
    except Mistaken as problem:
        parser.refuse(spot, f"{spelled(text)} is not a condition: {problem}", problem)


def _function(name: str, option: Any) -> tuple[Callable[[Any], Any], Any]:
    if name not in FUNCTIONS:
        raise ValueError(f"there is no function {name}(…){did_you_mean(name, FUNCTIONS)}")
    if option is not None and name not in ("date", "datetime"):
        raise ValueError(f"{name}(…) takes one path")
    if name == "number":
        return _unasked(shortest_number), 0
    if name == "length":
        return _unasked(length), 0
    if name in ("date", "datetime"):
        options = {"to": name} if option is None else {"to": name, "timezone": option}
        return _unasked(_placed(name, _conversion(options))), date(2000, 1, 1) if name == "date" else datetime(2000, 1, 1, tzinfo=UTC)
    if name == "text":
        return _unasked(_conversion({"to": "str"})), ""
    return _unasked(read_apply({"apply": [name]}, {}, _refuse)[0].function), ""


def _conversion(options: dict[str, str]) -> Callable[[Any], Any]:
    conversion = read_conversion(options, False, _refuse)
    assert conversion is not None
    return conversion.convert


def _placed(name: str, convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def moment(value: Any) -> Any:
        try:
            return convert(value)
        except Misfit as problem:  # a rule has an option for the place, a condition has a second input
            raise Misfit(str(problem).replace('timezone = "…"', f"{name}(…, 'Europe/Berlin')")) from None

    return moment


def _refuse(why: str, cause: Exception | None = None, /, option: str = "") -> NoReturn:
    raise ValueError(why) from cause


def _unasked(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def unless_nothing(value: Any) -> Any:
        return value if value is None or value is UNSET else function(value)

    return unless_nothing
