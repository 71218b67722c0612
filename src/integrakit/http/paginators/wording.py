"""What paginators write into texts: a clause behind a query (``… WHERE Id > '{last}'``), or the template of a parameter (``gt.{}``). Pure.

The values come from the server, and the text means something to it: a value that could end its place and say more is escaped, or refused. It is
never put in as it came.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal, TypeAlias

from integrakit.errors import ConfigurationError, DecodeError
from integrakit.http.paginators.places import Place, parameter_of, put_parameter
from integrakit.model import Request

__all__ = ["Quoting", "Wording", "a_quoting", "a_wording", "reworded", "text_of", "worded"]

#: How a quote inside a quoted text is written: ``\\'`` (SOQL, QuickBooks, PostgREST) or ``''`` (SQL, SuiteQL, OData). None: such values are refused.
Quoting: TypeAlias = Literal["backslash", "double"] | None

_PLACEHOLDER = re.compile(r"\{([a-z0-9]*)\}")
#: What says nothing but itself without quotes: numbers, moments, UUIDs.
_BARE = re.compile(
    r"-?[0-9]+(?:\.[0-9]+)?"
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?"
    r"|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
)
#: ``gt.{}``: what follows the operator is the value, to the end of the parameter, whatever stands in it.
_REST = re.compile(r"[A-Za-z_]+(\.[A-Za-z_]+)*\.")
#: What may stand beside a value without quotes: nothing that would make another word, or a comment, of the two.
_BESIDE_BARE = (" (=<>,.:\t\n", " ),&;\t\n")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def a_quoting(owner: Any, attribute: Any, value: Any) -> None:
    if value not in ("backslash", "double", None) or not isinstance(value, str | None):
        raise ConfigurationError(f"{type(owner).__name__}(quote=…) takes 'backslash', 'double' or None, not {value!r}")


def a_wording(owner: Any, attribute: Any, value: Any) -> None:
    if value is not None and (not isinstance(value, str) or not value):
        raise ConfigurationError(f"{type(owner).__name__}({attribute.name}=…) takes a text with places for values, not {value!r}")


class Wording:
    """A text with places for values. ``names``: the places it may have; ``what``: whose it is, for messages."""

    def __init__(self, what: str, text: str, names: Sequence[str], quote: Quoting, rest: bool) -> None:
        self._what = what
        self._quote = quote
        self._literals: list[str] = []
        #: Each place: whose value, and the quote around it ("" for none, "…" for the rest of the parameter).
        self._places: list[tuple[str, str]] = []
        end = 0
        for found in _PLACEHOLDER.finditer(text):
            name = found[1] or names[0]
            if name not in names:
                raise ConfigurationError(f"{what} has no value for {{{found[1]}}}: it has {', '.join(f'{{{each}}}' for each in names)}")
            self._literals.append(text[end : found.start()])
            before, after = text[: found.start()][-1:], text[found.end() :][:1]
            if before in ("'", '"') and before == after:
                around = before
            elif rest and not after and _REST.fullmatch(text[: found.start()]):
                around = "…"
            elif before in _BESIDE_BARE[0] and after in _BESIDE_BARE[1]:
                around = ""
            else:
                raise ConfigurationError(
                    f"{what}: {found[0]} must stand in quotes of its own, '{found[0]}', or by itself: a value cannot be held apart from "
                    f"{before + found[0] + after!r}"
                )
            self._places.append((name, around))
            end = found.end()
        self._literals.append(text[end:])
        self.names = frozenset(name for name, _ in self._places)
        # What was put in before, so that it can be found again and replaced. Values in quotes end at the first quote that is not escaped.
        pattern = re.escape(self._literals[0])
        for (_, around), literal in zip(self._places, self._literals[1:], strict=True):
            pattern += {"": f"({_BARE.pattern})", "…": "(.*)"}.get(around) or rf"((?:[^{around}\\]|\\.|{around}{around})*)"
            pattern += re.escape(literal)
        self._before = re.compile(f"(?:{pattern})\\Z", re.DOTALL)

    def render(self, values: Mapping[str, Any], path: str = "") -> str:
        """The text with its values. Raises `DecodeError` for one that cannot stand there."""
        written = self._literals[0]
        for (name, around), literal in zip(self._places, self._literals[1:], strict=True):
            written += self._safe(values[name], around, path) + literal
        return written

    def _safe(self, value: Any, around: str, path: str) -> str:
        # Never with an exponent: 1E+3 is no number to everyone.
        text = f"{value:f}" if isinstance(value, Decimal) else str(value)
        if _CONTROLS.search(text):
            raise DecodeError(f"{value!r} has control characters and cannot go into {self._what}", path=path)
        if around == "…":
            return text
        if around == "":
            if not _BARE.fullmatch(text):
                raise DecodeError(
                    f"{value!r} is no number, moment or UUID and cannot go into {self._what} without quotes: write '{{…}}' there, in the quotes of "
                    "the query language",
                    path=path,
                )
            return text
        if around not in text and "\\" not in text:
            return text
        if self._quote is None:
            raise DecodeError(
                f"{value!r} has a quote or a backslash: {self._what} needs quote='backslash' or quote='double', as the query language escapes them",
                path=path,
            )
        if self._quote == "double":
            if "\\" in text:
                raise DecodeError(f"{value!r} has a backslash, which servers that double their quotes read in two ways: {self._what}", path=path)
            return text.replace(around, around * 2)
        return text.replace("\\", "\\\\").replace(around, "\\" + around)

    def without(self, text: str) -> str:
        """The text that this was appended to."""
        found = self._before.search(text)
        return text if found is None else text[: found.start()]

    def number_in(self, text: str, name: str) -> int | None:
        """The whole number that was appended under ``name``; None where this was not appended, or something else than a number."""
        found = self._before.search(text)
        if found is None:
            return None
        number = next(value for value, (each, _) in zip(found.groups(), self._places, strict=True) if each == name)
        return int(number) if number.isdecimal() and len(number) < 19 else None


@lru_cache(maxsize=256)
def worded(what: str, text: str, names: tuple[str, ...], quote: Quoting = None, rest: bool = False) -> Wording:
    """The `Wording` of a paginator, made once. ``rest``: the text is all of its parameter, so that ``gt.{}`` takes any text.

    Raises `ConfigurationError` for one that a value could break out of.
    """
    return Wording(what, text, names, quote, rest)


def text_of(request: Request, param: str, place: Place, what: str) -> str:
    """The query that stands in the parameter."""
    text = parameter_of(request, param, place)
    if not isinstance(text, str):
        where = f"json={{'{param}': 'select …'}}" if place == "json" else f"params={{'{param}': 'select …'}}"
        raise ConfigurationError(f"{what} is written behind the text in {param!r}, and {request} has none there: give it {where}")
    return text


def reworded(request: Request, param: str, place: Place, base: str, appended: str) -> Request:
    """The request with ``appended`` behind the query ``base``."""
    return put_parameter(request, param, base.rstrip() + appended, place)
