"""`Diff`: the answer of a reconciliation, and the one object users meet. Each report is written in a module of its own and only gets a name here."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from integrakit.errors import ConfigurationError
from integrakit.model import Change
from integrakit.reconciliation.changes import changes
from integrakit.reconciliation.findings import Break, ControlTotal, FieldMismatches, Findings, Lookalike, Sides
from integrakit.reconciliation.repairs import repairs
from integrakit.reconciliation.reports.export import arrow, json_pieces
from integrakit.reconciliation.reports.page import fragment, page
from integrakit.reconciliation.reports.text import explanation, report, verdict
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

    def changes(self, to: Literal["right", "left"] = "right") -> Iterator[Change]:
        """What would make one side say what the other says: create, update (only the differing fields, in the names of that side), delete.

        A created record holds the key and the compared fields. Where the source has no such field and the target has a value, the update writes null.
        Breaks of kind duplicate, null_key and invalid have no repair. Raises `ConfigurationError`.
        """
        return changes(self._findings, to)

    def repairs(self, *, to: Literal["right", "left"] = "right", sink: Any, guard: Guard = Guard(max_deletes=None)) -> Plan:  # noqa: B008 - frozen
        """A plan that makes side ``to`` say what the other says; ``sink`` is written to when the plan is applied, not before.

        Look at the plan, deletes above all: ``guard`` limits it. What cannot be repaired is in its notes.
        Raises `GuardTripped`, `ConfigurationError`.
        """
        return repairs(self._findings, to, sink, guard)

    def explain(self) -> str:
        """Which engine was used and why, what was read, what was compared."""
        return explanation(self._findings)

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str | None:
        """The whole diff as JSON text, or written to a file (UTF-8). Decimals are exact numbers."""
        if path is None:
            return "".join(json_pieces(self._findings))
        _write(path, json_pieces(self._findings))
        return None

    def to_html(self, path: str | os.PathLike[str], *, breaks: int = _CAP) -> None:
        """One page that needs nothing else, with the first ``breaks`` breaks."""
        if isinstance(breaks, bool) or not isinstance(breaks, int) or breaks < 0:
            raise ConfigurationError(f"to_html(breaks=…) takes the number of breaks to show, 0 or more, not {breaks!r}")
        _write(path, page(self._findings, breaks))

    def to_arrow(self) -> Any:
        """A ``pyarrow.Table`` of text: kind, key, field, left, right, cause; one row for each field that differs. Needs the extra "arrow"."""
        return arrow(self._findings)

    def __str__(self) -> str:
        return report(self._findings)

    def __repr__(self) -> str:
        return f"<Diff: {verdict(self._findings)}>"

    def _repr_html_(self) -> str:
        return fragment(self._findings)


def _write(path: str | os.PathLike[str], pieces: Iterable[str]) -> None:
    try:
        with Path(path).open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(pieces)
    except OSError as problem:
        raise ConfigurationError(f"the report cannot be written to {os.fspath(path)!r}: {problem.strerror}") from problem
