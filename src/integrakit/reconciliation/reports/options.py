"""How each field was compared: its options as they are written in Python, for `explain()`, and in words for people who do not write it."""

from __future__ import annotations

from collections.abc import Iterator

from integrakit.reconciliation.reports.naming import PLAIN, named
from integrakit.reconciliation.reports.showing import amount, clean
from integrakit.reconciliation.rules.spec import Field, Key, Tolerance

__all__ = ["field_options", "field_words", "key_options", "key_words"]

_BLANKS = {"trim": "blanks at both ends do not count", "collapse": "several blanks count as one", "remove": "blanks do not count"}
_UNITS = {"us": "microsecond", "ms": "millisecond", "s": "second", "min": "minute", "h": "hour", "day": "day"}


def _limit(tolerance: Tolerance) -> str:
    if tolerance.by_currency is not None:
        return ", ".join(f"{currency} {_limit(each)}" for currency, each in tolerance.by_currency)
    if tolerance.relative is not None:
        return f"{(tolerance.relative * 100).normalize():f}%"
    return str(tolerance.time) if tolerance.absolute is None else amount(tolerance.absolute)


def _texts(options: Field | Key) -> Iterator[tuple[str, str]]:
    prepared = options.preparation(0) if isinstance(options, Field) else options.preparation
    if prepared.ignore_case:
        yield "ignore_case", "upper and lower case do not count"
    if prepared.unicode is not None:
        yield f"unicode={prepared.unicode}", f"texts are brought to one Unicode form ({prepared.unicode})"
    if prepared.blanks is not None:
        yield f"blanks={prepared.blanks}", _BLANKS[prepared.blanks]


def _field(field: Field, names: tuple[str, str] = PLAIN) -> Iterator[tuple[str, str]]:
    if field.normalise is not None:
        name = getattr(field.normalise, "__qualname__", "a function")
        yield f"normalise={name}", f"both values are put through {name} first"
    if field.within is not None:
        yield f"within={_limit(field.within)}", f"may be up to {_limit(field.within)} apart"
    if field.currency is not None:
        yield f"currency={'/'.join(dict.fromkeys(field.currency))}", f"the currency stands in {' / '.join(dict.fromkeys(field.currency))}"
    yield from _texts(field)
    if field.zone is not None:
        zones = "/".join(dict.fromkeys(zone or "as given" for zone in field.zone))
        yield f"zone={zones}", f"times without a zone are taken by the clock of {zones}"
    if field.truncate is not None:
        yield f"truncate={field.truncate}", f"times count to the {_UNITS[field.truncate]}"
    if field.unordered:
        yield "unordered", "the order of items does not count"
    if field.null_is_empty:
        yield "null_is_empty", "nothing and the empty text count as the same"
    if field.truth is not None:
        yield f"truth={field.truth}", f"{named(f'the {field.truth}', names)} is right when repairs are made"
    if field.owner is not None:
        yield f"owner={field.owner}", f"{field.owner} looks after differences"


def _key(key: Key) -> Iterator[tuple[str, str]]:
    if key.function is not None:
        name = getattr(key.function, "__qualname__", "a function")
        yield "normalise", f"keys are put through {name} first"
    yield from _texts(key)


def field_options(field: Field) -> str:
    """``within=0.01, unordered``; empty where values are compared as they are."""
    return clean(", ".join(code for code, _ in _field(field)))


def field_words(field: Field, names: tuple[str, str] = PLAIN) -> str:
    """``may be up to 0.01 apart; the order of items does not count``."""
    return clean("; ".join(words for _, words in _field(field, names)))


def key_options(key: Key) -> str:
    return clean(", ".join(code for code, _ in _key(key)))


def key_words(key: Key) -> str:
    return clean("; ".join(words for _, words in _key(key)))
