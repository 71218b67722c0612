"""What a check found: each finding with its place in the target, and all of them as one value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NoReturn, TypeAlias

from attrs import frozen

from integrakit.errors import ConfigurationError

__all__ = ["Finding", "Findings", "Severity"]

Severity: TypeAlias = Literal["error", "warning"]

_MOST_PLACES = 12


@frozen
class Finding:
    """``place``: the target field, ``total`` or ``lines[].sku``, and empty for the whole record. "error": the target will refuse what this field
    gives, or lacks; "warning": it will where the record is so. ``words``: what is wrong, and what to say instead."""

    place: str
    severity: Severity
    words: str

    def __str__(self) -> str:
        return f"{self.severity}: {self.place or 'the record'}: {self.words}"


@frozen
class Findings:
    """Everything that was found, errors first. False where there is nothing."""

    #: Of the mapping, and of what it was held against, for messages.
    mapping: str
    target: str
    findings: tuple[Finding, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.findings)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    @property
    def errors(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.severity == "error")

    @property
    def warnings(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.severity == "warning")

    def __str__(self) -> str:
        if not self.findings:
            return f"{self.mapping} fits {self.target}"
        errors, warnings = len(self.errors), len(self.warnings)
        counts = [f"{count} {word}{'s' * (count > 1)}" for count, word in ((errors, "error"), (warnings, "warning")) if count]
        lines = [f"{self.mapping} against {self.target}: {', '.join(counts)}"]
        # What is said of many fields alike is said once.
        alike: dict[tuple[str, str], list[str]] = {}
        for finding in self.findings:
            alike.setdefault((finding.severity, finding.words), []).append(finding.place or "the record")
        for (severity, words), places in alike.items():
            more = len(places) - _MOST_PLACES
            lines.append(f"  {severity}: {', '.join(places[:_MOST_PLACES])}{f' and {more} more' * (more > 0)}: {words}")
        return "\n".join(lines)

    def raise_(self, *, warnings: bool = False) -> None:
        """Raises `ConfigurationError` with all of them where there is an error; with ``warnings`` also where there are only warnings."""
        if self.errors or (warnings and self.findings):
            self._refuse()

    def _refuse(self) -> NoReturn:
        raise ConfigurationError(str(self))
