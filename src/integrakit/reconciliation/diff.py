"""`Diff`: the answer of a reconciliation, and the one object users meet. Each report is written in a module of its own and only gets a name here."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, NoReturn, Self

from integrakit.errors import ConfigurationError, NotAccepted
from integrakit.model import Change
from integrakit.reconciliation.acceptance import Accept
from integrakit.reconciliation.changes import REPAIRABLE, Repair, RepairableKind
from integrakit.reconciliation.findings import Break, Breaks, ControlTotal, FieldMismatches, Findings, Lookalike, Sides, Verdict
from integrakit.reconciliation.repairs import repairs
from integrakit.reconciliation.reports.export import arrow, json_pieces
from integrakit.reconciliation.reports.junit import junit
from integrakit.reconciliation.reports.notebook import fragment
from integrakit.reconciliation.reports.page import page
from integrakit.reconciliation.reports.text import explanation, report
from integrakit.reconciliation.reports.verdict import verdict_of
from integrakit.reconciliation.reports.words import headline
from integrakit.reconciliation.rules.spec import Field, Key
from integrakit.writing import Guard, Plan

__all__ = ["Diff"]

_CAP = 1000


class Diff:
    """Whether two sides agree, and where not. ``print(diff)`` is the report. Nothing in it changes any more."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings

    @property
    def matches(self) -> bool:
        """True when there is no break at all: every record has its equal on the other side."""
        return not len(self._findings.breaks)

    @property
    def verdict(self) -> Verdict:
        """Whether what differs is accepted by the rule that was given, ``accept=``, and why. Without a rule no break at all is accepted."""
        return verdict_of(self._findings)

    @property
    def accepted(self) -> bool:
        """`verdict` in one word. Without a rule: whether the sides match."""
        return self.verdict.accepted

    def judged_by(self, rule: Accept) -> Verdict:
        """The verdict by another rule than the one that was given. Raises `ConfigurationError`."""
        if not isinstance(rule, Accept):
            raise ConfigurationError(f"judged_by() takes a rule, such as Accept(breaks=5), not {rule!r}")
        return rule.judge(self._findings)

    def check(self) -> Self:
        """The diff itself where it is accepted, for a job that is to fail otherwise. Raises `NotAccepted` with the verdict."""
        verdict = self.verdict
        if not verdict.accepted:
            why = headline(self._findings) if self._findings.accept is None else f"NOT accepted: {'; '.join(verdict.reasons)}"
            raise NotAccepted(why, verdict=verdict)
        return self

    @property
    def key(self) -> Key:
        """By which key records were joined."""
        return self._findings.key

    @property
    def fields(self) -> tuple[Field, ...]:
        """What was compared, named by the user or found on both sides."""
        return self._findings.fields

    @property
    def summary(self) -> Mapping[str, int]:
        """Counts of records: left, right, matched (= equal + changed), equal, changed, missing_left (on the right only), missing_right (on the left
        only), duplicates (keys that stand more than once), null_keys, invalid."""
        return self._findings.summary

    @property
    def by_field(self) -> Mapping[str, FieldMismatches]:
        """The fields in which pairs differ → how many pairs, and the likely causes."""
        return self._findings.by_field

    @property
    def totals(self) -> Mapping[str, ControlTotal]:
        """Numeric fields → their exact sums over all records of each side, and the difference, left minus right."""
        return self._findings.totals

    @property
    def only_left(self) -> tuple[str, ...]:
        """With ``fields=None``: fields that only the left side has. They were not compared."""
        return self._findings.only_left

    @property
    def only_right(self) -> tuple[str, ...]:
        """With ``fields=None``: fields that only the right side has. They were not compared."""
        return self._findings.only_right

    @property
    def lookalikes(self) -> tuple[Lookalike, ...]:
        """The first ten pairs of keys without a partner that look alike, such as '42' and 42."""
        return self._findings.lookalikes

    @property
    def evidence(self) -> Sides:
        """What both reads can prove about their completeness: ``.left`` and ``.right``."""
        return self._findings.evidence

    def breaks(self) -> Iterator[Break]:
        """Every break: in the order of keys, then the records without a key. Each call begins anew; memory stays flat."""
        return iter(self._findings.breaks)

    def in_flight(self) -> Breaks:
        """What differs in records that changed so lately that nothing can be said about them yet: no breaks. It has a length, and can be iterated."""
        return self._findings.in_flight

    @property
    def verified_through(self) -> datetime | None:
        """What changed before this moment has been compared. None where nothing was left out as too new, or the moment is not known."""
        return self._findings.verified_through

    def changes(
        self,
        to: Literal["right", "left"] = "right",
        *,
        truth: Literal["right", "left"] | None = None,
        kinds: Collection[RepairableKind] = REPAIRABLE,
    ) -> Iterator[Change]:
        """What would make one side say what is right: create, update (only the differing fields, in the names of that side), delete.

        The other side is right, but for fields that say otherwise: ``Field(truth=…)``; then ``truth`` says which side is right about all the rest,
        missing records among it, and a plan for each side repairs both. ``kinds``: which breaks; ("changed", "missing_right") deletes nothing on the
        right. A created record holds the key and the compared fields. Where the source has no such field and the target has a value, the update
        writes null. Breaks of kind duplicate, null_key and invalid have no repair. Raises `ConfigurationError`.
        """
        return iter(Repair(self._findings, to, truth, kinds))

    def repairs(
        self,
        *,
        to: Literal["right", "left"] = "right",
        sink: Any,
        truth: Literal["right", "left"] | None = None,
        kinds: Collection[RepairableKind] = REPAIRABLE,
        guard: Guard = Guard(max_deletes=None),  # noqa: B008 - frozen
    ) -> Plan:
        """A plan of the `changes` that side ``to`` needs; ``sink`` is written to when the plan is applied, not before.

        Look at the plan, deletes above all: ``guard`` limits it. What is not repaired is in its notes.
        Raises `GuardTripped`, `ConfigurationError`.
        """
        return repairs(self._findings, to, sink, guard, truth, kinds)

    def explain(self) -> str:
        """Which engine was used and why, what was read, what was compared."""
        return explanation(self._findings)

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str | None:
        """The whole diff as JSON text, or written to a file (UTF-8): ``"version": 1``, the verdict, all counts, all breaks. Decimals are exact."""
        if path is None:
            return "".join(json_pieces(self._findings))
        _write(path, json_pieces(self._findings))
        return None

    def to_html(self, path: str | os.PathLike[str], *, breaks: int = _CAP, title: str | None = None) -> None:
        """One page that needs nothing else, with the first ``breaks`` breaks. ``title``: what stands above it."""
        if isinstance(breaks, bool) or not isinstance(breaks, int) or breaks < 0:
            raise ConfigurationError(f"to_html(breaks=…) takes the number of breaks to show, 0 or more, not {breaks!r}")
        if title is not None and not isinstance(title, str):
            raise ConfigurationError(f"to_html(title=…) takes a text, not {title!r}")
        _write(path, page(self._findings, breaks, title))

    def to_junit(self, path: str | os.PathLike[str] | None = None, *, suite: str = "reconciliation") -> str | None:
        """JUnit XML as text, or written to a file (UTF-8): a test case for each read, kind of key, field, control total and check of the rule.

        Cases fail only where the diff is not `accepted`.
        """
        text = junit(self._findings, suite)
        if path is None:
            return text
        _write(path, [text])
        return None

    def to_arrow(self) -> Any:
        """A ``pyarrow.Table`` of text: kind, key, field, left, right, cause; one row for each field that differs. Needs the extra "arrow"."""
        return arrow(self._findings)

    def __bool__(self) -> NoReturn:
        # An object is true by itself: `assert reconcile(…)` would pass whatever differs.
        raise TypeError("ask diff.matches or diff.accepted, or call diff.check()")

    def __str__(self) -> str:
        return report(self._findings)

    def __repr__(self) -> str:
        return f"<Diff: {headline(self._findings)}>"

    def _repr_html_(self) -> str:
        return fragment(self._findings)


def _write(path: str | os.PathLike[str], pieces: Iterable[str]) -> None:
    try:
        with Path(path).open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(pieces)
    except OSError as problem:
        raise ConfigurationError(f"the report cannot be written to {os.fspath(path)!r}: {problem.strerror}") from problem
