"""The findings as JUnit XML, the form that GitHub, GitLab and Jenkins show beside the tests: one case for each thing that was checked.

A case fails only where the diff as a whole is not accepted, and where the rule has no limit of its own for it that was kept: what differs within the
rule is told in the output of its case. A read that cannot prove
that it was complete is a skipped case, unless the rule asks for the proof.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from xml.etree import ElementTree as Xml

from attrs import frozen

from integrakit.reconciliation.findings import Findings, Verdict
from integrakit.reconciliation.reports.naming import named
from integrakit.reconciliation.reports.overview import break_counts, overview_of
from integrakit.reconciliation.reports.showing import amount, clean, show
from integrakit.reconciliation.reports.verdict import KEYS_ALONE, verdict_of
from integrakit.reconciliation.reports.words import BREAKS, KINDS, counted, field_label, headline, remarks, what_differs
from integrakit.reconciliation.rules.causes import CAUSES

__all__ = ["junit"]

_BREAKS = 20


@frozen
class _Case:
    group: str
    name: str
    #: What is wrong in one sentence; empty: nothing.
    message: str = ""
    details: tuple[str, ...] = ()
    skipped: bool = False
    #: The check of the rule that decides about this case, if the rule has one.
    check: str = ""


def _acceptance(found: Verdict) -> Iterator[_Case]:
    for each in found.checks:
        if each.sentence == KEYS_ALONE:  # told among the fields
            continue
        yield _Case("acceptance", each.name, "" if each.passed else each.sentence, (each.sentence,))


def _reads(findings: Findings, found: Verdict) -> Iterator[_Case]:
    wanted = {each.name: each for each in found.checks}
    for read in findings.reads:
        check = wanted.get(f"verified {read.side}")
        wrong = check is not None and not check.passed
        yield _Case(
            "completeness", named(read.side, findings.names), read.evidence if read.complete is not True else "", (read.evidence,), skipped=not wrong
        )


def _keys(findings: Findings) -> Iterator[_Case]:
    counts = break_counts(findings)
    kinds = {
        "missing_right": "missing_right",
        "missing_left": "missing_left",
        "duplicates": "duplicate",
        "null_keys": "null_key",
        "invalid": "invalid",
    }
    broken = {name: number for name, number in counts.items() if number and name != "changed"}
    first: dict[str, list[str]] = {kinds[name]: [] for name in broken}
    if broken:
        wanted = sum(min(number, _BREAKS) for number in broken.values())
        for found in findings.breaks:
            if (some := first.get(found.kind)) is not None and len(some) < _BREAKS:
                some.append(f"{show(found.key)}: {named(KINDS[found.kind], findings.names)}: {what_differs(found, findings.names)}")
                wanted -= 1
            if not wanted:
                break
    for name, kind in kinds.items():
        number = counts[name]
        yield _Case(
            "keys",
            name.replace("_", " "),
            named(counted(number, *BREAKS[name]), findings.names) if number else "",
            tuple(first.get(kind, ())),
            check=name.replace("_", " "),
        )


def _fields(findings: Findings) -> Iterator[_Case]:
    if findings.keys_alone:
        yield _Case("fields", "fields", KEYS_ALONE, (KEYS_ALONE,))
    samples = overview_of(findings).samples if findings.by_field else {}
    for field in findings.fields:
        each = findings.by_field.get(field.name)
        label = field_label(findings, field.name)
        if each is None:
            yield _Case("fields", label)
            continue
        details = []
        for cause, number in each.causes.items():
            details.append(f"{cause}: {number:,}. {CAUSES.get(cause, '')}")
            details += [f"  {sample.key}: {sample.left} / {sample.right}" for sample in samples.get(field.name, {}).get(cause, ())]
        causes = ", ".join(f"{cause} {number:,}" for cause, number in each.causes.items())
        yield _Case(
            "fields", label, f"{counted(each.mismatches, 'record differs', 'records differ')} ({causes})", tuple(details), check=f"field {field.name}"
        )


def _totals(findings: Findings) -> Iterator[_Case]:
    for name, each in findings.totals.items():
        details = (f"{findings.names[0]} {amount(each.left)}", f"{findings.names[1]} {amount(each.right)}", f"difference {amount(each.difference)}")
        apart = f"the control totals are {amount(each.difference)} apart: {amount(each.left)} / {amount(each.right)}" if each.difference else ""
        yield _Case("control totals", field_label(findings, name), apart, details, check=f"total {name}")


def _clean(lines: tuple[str, ...]) -> str:
    return "\n".join(map(clean, lines))


def junit(findings: Findings, suite: str) -> str:
    """The whole document."""
    found = verdict_of(findings)
    started, ended = findings.started or findings.ended, findings.ended
    seconds = "0" if findings.started is None or ended is None else f"{max(0.0, (ended - findings.started).total_seconds()):.3f}"
    suite = clean(suite)
    element = Xml.Element("testsuite", name=suite, tests="0", failures="0", errors="0", skipped="0", time=seconds)
    if started is not None:
        element.set("timestamp", started.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"))
    properties = Xml.SubElement(element, "properties")
    for name, value in (
        (findings.names[0], findings.sides[0]),
        (findings.names[1], findings.sides[1]),
        ("engine", findings.engine),
        ("rule", found.rule or "no break"),
    ):
        Xml.SubElement(properties, "property", name=clean(name), value=clean(value))
    cases = [*_acceptance(found), *_reads(findings, found), *_keys(findings), *_fields(findings), *_totals(findings)]
    kept = {each.name for each in found.checks if each.passed}
    failures = skipped = 0
    for case in cases:
        written = Xml.SubElement(element, "testcase", classname=f"{suite}.{case.group}", name=clean(case.name), time="0")
        if case.message and case.skipped:
            skipped += 1
            Xml.SubElement(written, "skipped", message=clean(case.message))
        elif case.message and not found.accepted and (case.group == "acceptance" or case.check not in kept):
            failures += 1
            Xml.SubElement(written, "failure", message=clean(case.message), type=case.group).text = _clean(case.details)
        elif case.details:
            Xml.SubElement(written, "system-out").text = _clean(case.details)
    element.set("tests", str(len(cases)))
    element.set("failures", str(failures))
    element.set("skipped", str(skipped))
    Xml.SubElement(element, "system-out").text = _clean((headline(findings), *remarks(findings)))
    root = Xml.Element("testsuites", name=suite, tests=str(len(cases)), failures=str(failures), errors="0", skipped=str(skipped), time=seconds)
    root.append(element)
    Xml.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{Xml.tostring(root, encoding="unicode")}\n'
