"""What is wrong at one place, before it is put into words: values with which the same is wrong are told together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from attrs import evolve, frozen

from integrakit.transform.checking.findings import Finding, Severity
from integrakit.transform.checking.given import Way
from integrakit.transform.misfit import excerpt
from integrakit.transform.wording import did_you_mean
from integrakit.unset import UNSET

__all__ = ["Problem", "kind_words", "settled"]

_KINDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "decimal": "a decimal number",
    "bool": "true or false",
    "date": "a date",
    "datetime": "a date with a time",
    "time": "a time of day",
    "uuid": "a UUID",
    "money": "money (an object with amount and currency)",
    "object": "an object",
    "array": "a list",
    "duration": "a duration",
}
_SHOWN = 5


@frozen
class Problem:
    """Either ``words`` say all, or the target ``wants`` something else than it is given: ``gives`` in words, or a ``value``."""

    place: str
    severity: Severity
    words: str = ""
    gives: str = ""
    value: Any = UNSET
    wants: str = ""
    hint: str = ""
    #: The words from which "did you mean" is chosen, for a value.
    known: tuple[str, ...] = ()

    @classmethod
    def of(cls, way: Way, place: str, wants: str, severity: Severity = "error", *, hint: str = "", known: Iterable[str] = ()) -> Problem:
        """The target wants something else than this way of looking. ``wants`` ends the sentence "and the schema …", or "and the class …"."""
        value = UNSET if way.json in ("object", "array") else way.value
        return cls(place, severity, gives=kind_words(way), value=value, wants=wants, hint=hint, known=tuple(known))

    def with_words(self, words: str) -> Problem:
        return evolve(self, words=words) if self.words else evolve(self, hint=self.hint + words)


def kind_words(way: Way) -> str:
    """What it is, for a sentence."""
    return f"text ({way.format})" if way.format and way.kind == "str" else _KINDS[way.kind]


def settled(problems: Iterable[Problem], target: str = "the schema") -> tuple[Finding, ...]:
    """The findings: errors first, in the order of the fields; what is wrong alike with several values at a place is one."""
    alike: dict[tuple[str, ...], list[Problem]] = {}
    for problem in problems:
        valued = "values" if problem.value is not UNSET else problem.gives
        alike.setdefault((problem.place, problem.severity, problem.words, valued, problem.wants, problem.hint), []).append(problem)
    findings = [Finding(several[0].place, several[0].severity, _words(several, target)) for several in alike.values()]
    return tuple(sorted(findings, key=lambda finding: finding.severity != "error"))


def _meant(value: Any, known: tuple[str, ...]) -> str:
    """What was probably meant, whatever its capitals; nothing where nothing is close."""
    capitals = {each.casefold(): each for each in known}
    close = did_you_mean(value.casefold(), capitals) if isinstance(value, str) else ""
    found = next((each for folded, each in capitals.items() if close == f": did you mean {folded!r}?"), None)
    return "" if found is None else f": did you mean {found!r}?"


def _words(several: list[Problem], target: str) -> str:
    first = several[0]
    if first.words:
        return first.words
    gives, meant = first.gives, ""
    if first.value is not UNSET:
        shown = list(dict.fromkeys(excerpt(problem.value) for problem in several))
        more = len(shown) - _SHOWN
        gives = f"{', '.join(shown[:_SHOWN])}{f' and {more} more' * (more > 0)}"
        if len(shown) == 1 and first.known:
            meant = _meant(first.value, first.known)
    return f"gives {gives}, and {target} {first.wants}{first.hint}{meant}"
