"""`Accept`: how much may differ before a person has to act, and the verdict that follows from it. Findings are judged here; nothing is compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from decimal import ROUND_DOWN, Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any

from attrs import field, frozen

from integrakit.errors import ConfigurationError
from integrakit.reconciliation.findings import Check, Findings, Verdict
from integrakit.reconciliation.reports.naming import PLAIN, named
from integrakit.reconciliation.reports.overview import break_counts, only_in
from integrakit.reconciliation.reports.showing import amount
from integrakit.reconciliation.reports.words import BREAKS
from integrakit.reconciliation.rules.totals import wide

__all__ = ["Accept", "Limit"]

_CALLED: Mapping[str, str] = MappingProxyType(
    {
        "changed": "records that differ",
        "missing_right": "records on the left only",
        "missing_left": "records on the right only",
        "duplicates": "repeated keys that do not agree",
        "null_keys": "records without a key",
        "invalid": "records that cannot be compared",
    }
)


@frozen
class Limit:
    """The most that is accepted: an amount, or a share (0.001 is 0.1 %) of the whole it is held against."""

    amount: Decimal | None = None
    share: Decimal | None = None

    def of(self, whole: int | Decimal) -> Decimal:
        """The limit as an amount."""
        return wide().multiply(self.share, Decimal(whole).copy_abs()) if self.share is not None else self.amount or Decimal(0)

    def __str__(self) -> str:
        return f"{wide().scaleb(self.share, 2).normalize():f} %" if self.share is not None else amount(self.amount or Decimal(0))


def _limit(value: Any, what: str, *, whole: bool) -> Limit:
    if isinstance(value, Limit):
        return value
    text = value.strip() if isinstance(value, str) else ""
    share = text.endswith("%")
    number = Decimal("NaN")
    if isinstance(value, str | int | Decimal) and not isinstance(value, bool):
        with suppress(InvalidOperation):
            number = Decimal(text.removesuffix("%").strip() if isinstance(value, str) else value)
    if not number.is_finite() or number < 0 or (share and number > 100) or (whole and not share and number != int(number)):
        kinds = 'a whole number of 0 or more, or a share such as "0.1%"' if whole else 'an amount of 0 or more ("0.01"), or a share such as "0.1%"'
        raise ConfigurationError(f"{what} takes {kinds}, not {value!r}")
    return Limit(share=wide().scaleb(number, -2)) if share else Limit(amount=number)


def _count(value: Any) -> Limit | None:
    return None if value is None else _limit(value, "a limit in Accept(…)", whole=True)


def _mapping(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(each, str) for each in value):
        raise ConfigurationError(f"Accept({name}=…) takes names of fields on the left and their limits, not {value!r}")
    return value


def _breaks(value: Any) -> Limit:
    return _limit(value, "Accept(breaks=…)", whole=True)


def _fields(value: Any) -> Mapping[str, Limit | None]:
    found = _mapping(value, "fields")
    return {name: None if limit is None else _limit(limit, f"Accept(fields={{{name!r}: …}})", whole=True) for name, limit in found.items()}


def _totals(value: Any) -> Mapping[str, Limit]:
    return {name: _limit(limit, f"Accept(totals={{{name!r}: …}})", whole=False) for name, limit in _mapping(value, "totals").items()}


def _seconds(value: Any) -> timedelta | None:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9:
        return timedelta(seconds=value)
    if value is None or (isinstance(value, timedelta) and value >= timedelta(0)):
        return value
    raise ConfigurationError(f"Accept(fresh=…) takes seconds, 0 or more, or a timedelta, not {value!r}")


@frozen(kw_only=True)
class Accept:
    """How much may differ: ``Accept(breaks="0.1%", missing_right=0, totals={"amount": "0.01"})``. Raises `ConfigurationError`.

    A limit is a count, or a share of the records by their keys (matched, and missing on either side), such as ``"0.1%"``; inclusive. ``breaks``: of
    all kinds together. ``changed``, ``missing_left`` (on the right only), ``missing_right``, ``duplicates``, ``invalid``, ``null_keys``: a kind with
    a limit of its own is held to that and does not count to ``breaks``. ``fields``: names on the left → how many records may differ in that field,
    None for any number; a record that differs in such fields alone counts nowhere else. ``totals``: names on the left → the largest difference of
    the control totals, an amount or a share of the larger one. ``records``: the least number of records that must be on both sides: comparing
    nothing with nothing proves nothing. ``verified``: both reads must prove that they are complete, and nothing may have moved meanwhile.
    ``in_flight``: the most records that may be too new to be judged; None for any number. ``fresh``: everything that changed until so long before the
    comparison (seconds or a timedelta) must have been judged.
    """

    breaks: Limit = field(default=Limit(Decimal(0)), converter=_breaks)
    changed: Limit | None = field(default=None, converter=_count)
    missing_left: Limit | None = field(default=None, converter=_count)
    missing_right: Limit | None = field(default=None, converter=_count)
    duplicates: Limit | None = field(default=None, converter=_count)
    invalid: Limit | None = field(default=None, converter=_count)
    null_keys: Limit | None = field(default=None, converter=_count)
    fields: Mapping[str, Limit | None] = field(factory=dict, converter=_fields)
    totals: Mapping[str, Limit] = field(factory=dict, converter=_totals)
    records: int = 0
    verified: bool = False
    in_flight: Limit | None = field(default=None, converter=_count)
    fresh: timedelta | None = field(default=None, converter=_seconds)

    def __attrs_post_init__(self) -> None:
        if isinstance(self.records, bool) or not isinstance(self.records, int) or self.records < 0:
            raise ConfigurationError(f"Accept(records=…) takes the least number of records on both sides, 0 or more, not {self.records!r}")
        if not isinstance(self.verified, bool):
            raise ConfigurationError(f"Accept(verified=…) takes True or False, not {self.verified!r}")

    def judge(self, findings: Findings) -> Verdict:
        """Whether these findings are within the rule. Each check and each reason is a sentence with its numbers."""
        checks = list(_checks(self, findings))
        failed = tuple(each.sentence for each in checks if not each.passed)
        borne = tuple(each.sentence for each in checks if each.passed and each.worth_saying)
        rule = "; ".join(_words(self, findings.names))
        return Verdict(not failed, failed or borne, tuple(Check(each.name, each.passed, each.sentence) for each in checks), rule)

    def __str__(self) -> str:
        return "; ".join(_words(self, PLAIN))


@frozen
class _Judged:
    name: str
    passed: bool
    sentence: str
    #: Whether a reader who hears that all is accepted should hear this too.
    worth_saying: bool = False


def _words(rule: Accept, names: tuple[str, str]) -> Iterator[str]:
    own = [(name, limit) for name in BREAKS if (limit := getattr(rule, name)) is not None]
    yield f"{'other breaks' if own or rule.fields else 'breaks'}: {_up_to(rule.breaks)}"
    yield from (f"{named(_CALLED[name], names)}: {_up_to(limit)}" for name, limit in own)
    yield from (f"records that differ in {name}: {'any number' if limit is None else _up_to(limit)}" for name, limit in rule.fields.items())
    yield from (f"control totals of {name}: at most {limit} apart" for name, limit in rule.totals.items())
    if rule.records:
        yield f"records on both sides: at least {rule.records:,}"
    if rule.verified:
        yield "both reads must prove that they are complete"
    if rule.in_flight is not None:
        yield f"records too new to be judged: {_up_to(rule.in_flight)}"
    if rule.fresh is not None:
        yield f"changes must be judged up to {rule.fresh} before the comparison"


def _up_to(limit: Limit) -> str:
    return "none" if limit.of(1) == 0 else f"at most {limit}" + (" of the records" if limit.share is not None else "")


def _counted(name: str, number: int, words: tuple[str, str], limit: Limit, base: int) -> _Judged:
    most = limit.of(base)
    if not most:
        bound = "; none is accepted"
    elif number > most:
        bound = f": more than the {int(most):,} accepted" + (f" ({limit} of {base:,} records)" if limit.share is not None else "")
    elif limit.share is None:
        bound = f"; up to {most:,} are accepted"
    else:
        bound = f"; up to {limit} of {base:,} records are accepted, which is {int(most):,}"
    sentence = f"{number:,} {words[0 if number == 1 else 1]}{bound}"
    return _Judged(name, number <= most, sentence, worth_saying=number > 0)


def _checks(rule: Accept, findings: Findings) -> Iterator[_Judged]:
    counts, summary = break_counts(findings), findings.summary
    base = summary["matched"] + summary["missing_left"] + summary["missing_right"]
    if rule.fields and counts["changed"]:
        counts["changed"] -= only_in(findings, rule.fields)
    own = {name: limit for name in BREAKS if (limit := getattr(rule, name)) is not None}
    rest = sum(number for name, number in counts.items() if name not in own)
    words = ("other break", "other breaks") if own or rule.fields else ("break", "breaks")
    yield _counted("breaks", rest, words, rule.breaks, base)
    for name, limit in own.items():
        one, several = (named(text, findings.names) for text in BREAKS[name])
        yield _counted(name.replace("_", " "), counts[name], (one, several), limit, base)
    for name, limit in rule.fields.items():
        yield _field(name, limit, findings, base)
    for name, limit in rule.totals.items():
        yield _total(name, limit, findings)
    if rule.records:
        number = min(summary["left"], summary["right"])
        on_left, on_right = (named(f"on the {side}", findings.names) for side in PLAIN)
        sentence = f"{summary['left']:,} records {on_left} and {summary['right']:,} {on_right}; at least {rule.records:,} on both are expected"
        yield _Judged("records", number >= rule.records, sentence)
    if rule.verified:
        yield from _verified(findings)
    if rule.in_flight is not None:
        words = ("record is too new to be judged", "records are too new to be judged")
        yield _counted("in flight", len(findings.in_flight), words, rule.in_flight, base)
    if rule.fresh is not None:
        yield _fresh(rule.fresh, findings)


def _field(name: str, limit: Limit | None, findings: Findings, base: int) -> _Judged:
    if findings.summary["matched"] and all(each.name != name for each in findings.fields):
        return _Judged(f"field {name}", False, f"the rule names the field {name}, and no such field was compared")
    number = found.mismatches if (found := findings.by_field.get(name)) else 0
    if limit is None:
        sentence = f"{number:,} {'record differs' if number == 1 else 'records differ'} in {name}; any number is accepted"
        return _Judged(f"field {name}", True, sentence, worth_saying=number > 0)
    return _counted(f"field {name}", number, (f"record differs in {name}", f"records differ in {name}"), limit, base)


def _total(name: str, limit: Limit, findings: Findings) -> _Judged:
    found = findings.totals.get(name)
    if found is None:
        nothing = not findings.summary["left"] and not findings.summary["right"]
        return _Judged(f"total {name}", nothing, f"there is no control total of {name}: no field of numbers with that name was compared")
    apart = Decimal(found.difference).copy_abs()
    most = limit.of(max(Decimal(found.left).copy_abs(), Decimal(found.right).copy_abs()))
    if not most:
        bound = "; no difference is accepted"
    elif apart > most:
        bound = f": more than the {amount(_shorter(most, apart))} accepted" + (f" ({limit})" if limit.share is not None else "")
    else:
        bound = f"; up to {limit}{f', which is {amount(_shorter(most, apart))},' if limit.share is not None else ''} is accepted"
    rounded = "" if found.exact else ", as far as they can be added up"
    sentence = f"the control totals of {name} are {amount(apart)} apart{rounded}{bound}"
    return _Judged(f"total {name}", apart <= most, sentence, worth_saying=apart > 0)


def _shorter(limit: Decimal, other: Decimal) -> Decimal:
    """A limit in no more decimal places than the amount beside it, or two, rounded towards zero."""
    found = limit.normalize(wide())
    places = min(-2, int(other.as_tuple().exponent))
    if int(found.as_tuple().exponent) >= places:
        return found
    cut = found.quantize(Decimal(1).scaleb(places, wide()), rounding=ROUND_DOWN, context=wide())
    return cut if cut else found


def _verified(findings: Findings) -> Iterator[_Judged]:
    for name in ("left", "right"):
        evidence = getattr(findings.evidence, name)
        who = named(f"the {name} side", findings.names)
        why = "; ".join(evidence.reasons) if evidence is not None and evidence.reasons else "it says nothing about it"
        if evidence is not None and evidence.complete is True:
            yield _Judged(f"verified {name}", True, f"{who} proved that it was read completely")
        else:
            yield _Judged(f"verified {name}", False, f"{who} cannot prove that it was read completely: {why}")
    for moved in findings.unstable:
        yield _Judged("unstable", False, f"something moved while it was read: {moved}")


def _fresh(limit: timedelta, findings: Findings) -> _Judged:
    through, started = findings.verified_through, findings.started
    if through is None or started is None:
        return _Judged("fresh", False, "nothing says until when changes have been judged: use settle=")
    behind = started - through
    return _Judged("fresh", behind <= limit, f"changes are judged until {behind} before the comparison; up to {limit} is accepted")
