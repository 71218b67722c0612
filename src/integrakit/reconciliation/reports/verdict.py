"""Whether what differs is accepted: by the rule that was given, or, without one, only when nothing differs at all."""

from __future__ import annotations

from integrakit.reconciliation.findings import Check, Findings, Verdict

__all__ = ["KEYS_ALONE", "verdict_of"]

KEYS_ALONE = "only the keys were compared: the sides have no other field in common"


def verdict_of(findings: Findings) -> Verdict:
    """Computed from the findings at each call; the breaks are read once at most."""
    found = _judged(findings)
    if not findings.keys_alone:
        return found
    reasons = (KEYS_ALONE, *(() if found.accepted else found.reasons))
    return Verdict(False, reasons, (*found.checks, Check("fields", False, KEYS_ALONE)), found.rule)


def _judged(findings: Findings) -> Verdict:
    if findings.accept is not None:
        return findings.accept.judge(findings)
    number = len(findings.breaks)
    sentence = f"{number:,} {'break' if number == 1 else 'breaks'}; none is accepted"
    return Verdict(not number, (sentence,) if number else (), (Check("breaks", not number, sentence),))
