"""What one day of a parallel run holds by one rule, what a reconciliation adds to it, and what the days in a row come to.

Pure; nothing is kept here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from attrs import fields, frozen

from integrakit.errors import ConfigurationError
from integrakit.reconciliation.acceptance import Accept
from integrakit.reconciliation.diff import Diff

__all__ = ["LONGEST", "Account", "ParallelDay", "ParallelStatus", "after", "breaks_in", "days_of", "reasons_against", "rule_text", "status_of"]

#: The document of one day under one rule.
Account = dict[str, Any]

#: How far back a series is followed, in days.
LONGEST = 3660
_REASONS = 10


@frozen(kw_only=True)
class ParallelDay:
    """One day by one rule: whether every reconciliation of it was within the rule, and how many ``runs`` there were; ``records``, of both sides
    together, of the last one; the most ``breaks`` that one of them found; the first ten ``reasons`` against it; ``proven``: whether every read proved
    that it was complete. ``rule``: the rule in words."""

    day: date
    accepted: bool
    runs: int
    records: int
    breaks: int
    reasons: tuple[str, ...]
    proven: bool
    rule: str

    def __str__(self) -> str:
        word = "within the rule" if self.accepted else f"NOT within the rule: {'; '.join(self.reasons)}"
        return f"{self.day}: {self.records:,} records, {self.breaks:,} breaks, {word}"


@frozen(kw_only=True)
class ParallelStatus:
    """Where a parallel run stands: ``days_in_a_row`` of ``needed``, ``since`` when, and whether cut-over is ``safe``; ``why``, in words.

    ``unproven``: on how many of these days a read could not prove that it was complete.
    """

    name: str
    day: date
    days_in_a_row: int
    needed: int
    safe: bool
    why: str
    since: date | None
    unproven: int = 0

    def __str__(self) -> str:
        word = "cut-over is safe" if self.safe else "cut-over is NOT safe yet"
        doubt = f"; on {self.unproven} of them not every read proved that it was complete" if self.safe and self.unproven else ""
        return f"{self.name}: {self.days_in_a_row} of {self.needed} days in a row within the rule; {word}: {self.why}{doubt}"


def rule_text(rule: Accept, least: int) -> str:
    """A rule as text, the same for rules that ask the same."""
    usual, said = Accept(), [f"records={least}"]
    for each in fields(Accept):
        value = getattr(rule, each.name)
        if value == getattr(usual, each.name):
            continue
        shown = ", ".join(f"{name}: {limit}" for name, limit in sorted(value.items())) if isinstance(value, Mapping) else str(value)
        said.append(f"{each.name}={shown}")
    return "; ".join(said)


def reasons_against(diff: Diff, rule: Accept, least: int) -> list[str]:
    """Why a reconciliation does not count, in sentences; none where it does."""
    verdict = diff.judged_by(rule)
    reasons = [] if verdict.accepted else list(verdict.reasons)
    if min(diff.summary["left"], diff.summary["right"]) - len(diff.in_flight()) < least:
        reasons.append(f"fewer than {least:,} records on a side could be compared")
    for side, evidence in (("left", diff.evidence.left), ("right", diff.evidence.right)):
        if evidence is not None and evidence.complete is False:
            reasons.append(f"the {side} side was not read completely: {'; '.join(evidence.reasons)}")
    return reasons


def breaks_in(diff: Diff) -> int:
    """How many breaks there are."""
    return 0 if diff.matches else sum(1 for _ in diff.breaks())


def after(before: Account, diff: Diff, reasons: list[str], breaks: int, rule: Accept, at: datetime) -> Account:
    """The account of a day after one more reconciliation."""
    known = before.get("reasons", [])
    proven = all(evidence is not None and evidence.complete is True for evidence in (diff.evidence.left, diff.evidence.right))
    return {
        "accepted": not reasons and before.get("accepted", True),
        "runs": before.get("runs", 0) + 1,
        "records": diff.summary["left"] + diff.summary["right"],
        "breaks": max(breaks, before.get("breaks", 0)),
        "reasons": [*known, *(reason for reason in reasons if reason not in known)][:_REASONS],
        "proven": proven and before.get("proven", True),
        "rule": str(rule),
        "at": at.isoformat(),
    }


def days_of(day: str, rules: Mapping[str, Account]) -> Iterator[ParallelDay]:
    """One for each rule that the day was judged by."""
    for account in rules.values():
        values = {name: account[name] for name in ("accepted", "runs", "records", "breaks", "proven", "rule")}
        yield ParallelDay(day=date.fromisoformat(day), reasons=tuple(account["reasons"]), **values)


def status_of(
    name: str,
    found: Mapping[date, Mapping[str, Account]],
    *,
    today: date,
    rule: str,
    needed: int,
    gap: int,
    counts: Callable[[date], bool] | None,
) -> ParallelStatus:
    """Where the series stands. ``found``: day → rule → account; raises `ConfigurationError` when ``counts`` fails."""
    last = max(found, default=today)
    if timedelta(0) < last - today <= timedelta(days=1):
        today = last  # the clock of another machine, or another zone
    in_a_row = unproven = silent = 0
    since, end, first = None, "", min(found, default=today)
    for back in range(LONGEST):
        day = today - timedelta(days=back)
        accounts = found.get(day)
        if accounts is None:
            silent += 1
            if day <= first:
                break
            if silent > gap:
                end = f"nothing was compared for more than {gap} days"
                break
            if back and _counts(counts, day):  # today is not over
                end = f"nothing was compared on {day}"
                break
            continue
        silent = 0
        if rule not in accounts:
            end = f"{day} was judged by another rule"
            break
        account = accounts[rule]
        if not account["accepted"]:
            end = next(str(each) for each in days_of(day.isoformat(), {rule: account}))
            break
        if _counts(counts, day):
            in_a_row, since, unproven = in_a_row + 1, day, unproven + (not account["proven"])
    safe = in_a_row >= needed
    why = f"every day since {since}" if safe else end or (f"the first day was {since}" if since else "nothing was compared yet")
    if last > today:
        safe, why = False, f"{last} is on record, and lies ahead of {today}: is the clock right?"
    return ParallelStatus(name=name, day=today, days_in_a_row=in_a_row, needed=needed, safe=safe, why=why, since=since, unproven=unproven)


def _counts(counts: Callable[[date], bool] | None, day: date) -> bool:
    if counts is None:
        return True
    try:
        return bool(counts(day))
    except Exception as problem:
        raise ConfigurationError(f"ParallelRun(counts=…): the function failed for {day}: {type(problem).__name__}: {problem}") from problem
