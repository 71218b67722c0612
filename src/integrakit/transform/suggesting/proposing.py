"""`suggest`: from two lists of samples to a suggestion. It checks the arguments and calls the parts in their order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from integrakit.errors import ConfigurationError
from integrakit.model import Record
from integrakit.transform.misfit import article, excerpt
from integrakit.transform.paths import render
from integrakit.transform.suggesting.assembling import Placed
from integrakit.transform.suggesting.columns import Column, Samples, take_samples
from integrakit.transform.suggesting.comparing import Match
from integrakit.transform.suggesting.joining import Joined, joined_texts
from integrakit.transform.suggesting.matching import Matching, match_all
from integrakit.transform.suggesting.rules import propose
from integrakit.transform.suggesting.suggestion import SuggestedField, Suggestion
from integrakit.transform.suggesting.trying import Tried, best_that_works, lists_may_be_missing

__all__ = ["DEFAULT_THRESHOLD", "suggest"]

#: Below this a pair is only for a person to look at.
DEFAULT_THRESHOLD = 0.8

M = TypeVar("M", bound=Callable[[Any], dict[str, Any]])

_MOST_RECORDS = 10_000
_DOUBTFUL = 0.3
_SURE = 0.99
# What a rule is worth that gives something else than the other side holds, and how much of it must be right.
_DIFFERS = 0.7
_NEARLY = 0.8


def suggest(
    left_samples: Iterable[Record],
    right_samples: Iterable[Record],
    *,
    build: Callable[[Mapping[str, Any]], M],
    threshold: float = DEFAULT_THRESHOLD,
    most_records: int = 1_000,
    excerpts: bool = False,
) -> Suggestion[M]:
    """Proposes how records like the left ones become records like the right ones.

    ``build`` makes a mapping of a tree. ``threshold``: from which confidence, 0 to 1, a pair is proposed. ``most_records``: how many samples of each
    side are looked at, the first ones. ``excerpts``: show a value of the samples in the evidence; it may be personal data.
    Raises `ConfigurationError`.
    """
    _check(threshold, most_records, excerpts)
    left = take_samples(left_samples, "left_samples", most_records)
    right = take_samples(right_samples, "right_samples", most_records)
    found = match_all(left, right)
    fields: list[SuggestedField] = []
    for match in found.matches:
        if match.confidence >= _DOUBTFUL and (field := _field(match, found, left, build, excerpts)) is not None:
            fields.append(field)
    fields = _with_joined(fields, _joined(found, left, right, build), threshold)
    order = {column.path: index for index, column in enumerate(right.columns.values())}
    fields.sort(key=lambda field: order[field.target])
    sure = tuple(field for field in fields if field.confidence >= threshold)
    taken, given = {field.target for field in sure}, {path for field in sure for path in field.sources}
    return Suggestion(
        fields=sure,
        doubtful=tuple(field for field in fields if field.confidence < threshold),
        unmatched_left=tuple(column.path for column in left.columns.values() if column.path not in given),
        unmatched_right=tuple(column.path for column in right.columns.values() if column.path not in taken),
        notes=(*left.notes, *right.notes),
        threshold=threshold,
        build=build,
    )


def _check(threshold: Any, most_records: Any, excerpts: Any) -> None:
    if isinstance(threshold, bool) or not isinstance(threshold, int | float) or not 0 < threshold <= 1:
        raise ConfigurationError(f"threshold is a number above 0, and 1 at most, not {excerpt(threshold)}")
    if isinstance(most_records, bool) or not isinstance(most_records, int) or not 1 <= most_records <= _MOST_RECORDS:
        raise ConfigurationError(f"most_records is a whole number from 1 to {_MOST_RECORDS}, not {excerpt(most_records)}")
    if not isinstance(excerpts, bool):
        raise ConfigurationError(f"excerpts is True or False, not {article(excerpts)}")


def _field(match: Match, found: Matching, left: Samples, build: Callable[[Mapping[str, Any]], M], excerpts: bool) -> SuggestedField | None:
    """The pair with the first rule that the samples accept; None where they accept none."""
    a, b = match.left, match.right
    optional = lists_may_be_missing(a.group, left.records)
    proposals = propose(match, found.rows.get(a.group))
    placed = [Placed(a.group, b.group, b.keys, rule, table, optional) for rule, table, _ in proposals]
    tried = best_that_works(placed, left.records, b, build, found.rows.get(a.group), a)
    if tried is None:
        left.note(f"{a.path} looks like {b.path}, but no rule fits all samples")
        return None
    works = tried.placed
    confidence, evidence = _held_against(match, tried)
    evidence += [note for (rule, _, note), one in zip(proposals, placed, strict=True) if note and _same(one, works)]
    if excerpts and (value := next(iter(a.values.values()), None)) is not None:
        evidence.append(f"for example {excerpt(value)}")
    return SuggestedField(
        target=b.path,
        source=a.path,
        sources=(a.path,),
        confidence=_rounded(confidence),
        evidence=tuple(evidence),
        rule=works.rule,
        lookup=works.lookup,
        placed=works,
    )


def _held_against(match: Match, tried: Tried) -> tuple[float, list[str]]:
    """Confidence and reasons, with what the rule really gives: values that agree but for their form are no success yet."""
    if tried.share is None:
        return match.confidence, list(match.reasons)
    met = match.agreement
    known = tried.by_rows and met is not None and met.table is None
    alike = met.share if met is not None and known and met.share >= 0.5 else 1.0
    evidence = list(match.reasons)
    if tried.share < alike - 0.02 and not (known and met is not None and met.share < 0.5):
        if tried.share < 0.5:
            evidence = [reason for reason in evidence if "rows agree" not in reason]
        where = f"{tried.compared} {'rows' if tried.by_rows else 'values in common'}"
        evidence.append(f"the rule gives what the other side holds in {tried.share:.0%} of {where}: the others differ, perhaps only in form")
    return (min(match.confidence, _DIFFERS) if tried.share < max(0.5, _NEARLY * alike) else match.confidence), evidence


def _same(one: Placed, other: Placed) -> bool:
    ours, theirs = (rule if isinstance(rule, dict) else {"from": rule} for rule in (one.rule, other.rule))
    return {**ours, "optional": True} == {**theirs, "optional": True}


def _rounded(confidence: float) -> float:
    return min(_SURE, int(confidence * 100) / 100)


def _joined(found: Matching, left: Samples, right: Samples, build: Callable[[Mapping[str, Any]], M]) -> list[SuggestedField]:
    """Fields made of two texts of the left side, where the rows prove it."""
    fields = []
    sure = {id(match.right) for match in found.matches if match.confidence >= _SURE}
    for group, rows in found.rows.items():
        other = found.lists.get(group, ())
        theirs = [column for column in right.of(other) if id(column) not in sure]
        for joined in joined_texts(left.of(group), theirs, rows):
            fields += _joined_field(joined, left, build)
    return fields


def _joined_field(joined: Joined, left: Samples, build: Callable[[Mapping[str, Any]], M]) -> list[SuggestedField]:
    first, last, target = joined.first, joined.last, joined.target
    rule = {"concat": [_operand(first), {"value": joined.between}, _operand(last)]}
    optional = lists_may_be_missing(first.group, left.records)
    tried = best_that_works([Placed(first.group, target.group, target.keys, rule, None, optional)], left.records, target, build, None, first)
    if tried is None:
        return []
    works = tried.placed
    return [
        SuggestedField(
            target=target.path,
            source=f"{first.path} + {last.path}",
            sources=(first.path, last.path),
            confidence=_rounded(min(0.99, 0.7 + 0.05 * joined.rows) * joined.share),
            evidence=(f"one after the other they are equal to it in {joined.share:.0%} of {joined.rows} rows",),
            rule=works.rule,
            placed=works,
        )
    ]


def _operand(column: Column) -> str:
    return render(column.keys)


def _with_joined(fields: list[SuggestedField], joined: list[SuggestedField], threshold: float) -> list[SuggestedField]:
    """A text put together takes the place of a pair that is less sure."""
    better = {field.target: field for field in joined}
    result = [field for field in fields if field.target not in better or field.confidence >= max(threshold, better[field.target].confidence)]
    there = {field.target for field in result}
    return [*result, *(field for field in joined if field.target not in there)]
