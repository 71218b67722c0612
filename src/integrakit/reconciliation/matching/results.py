"""What matching two ledgers found, as values and as text: matches with their reasons, what is ambiguous, and the remainder that nothing explains."""

from __future__ import annotations

import os
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, TypeAlias

from attrs import frozen

from integrakit._json import dumps
from integrakit.errors import ConfigurationError
from integrakit.reconciliation.reports.showing import amount as shown
from integrakit.reconciliation.reports.showing import plain, show
from integrakit.reconciliation.rules.totals import wide

__all__ = ["Ambiguity", "Match", "Matching", "Remainder", "Rule"]

#: exact: reference and amount, or amount and day, leave no doubt; scored: the best there is, above the threshold and clearly before the next.
Rule: TypeAlias = Literal["exact", "scored"]

_SHOWN = 10


@frozen(kw_only=True)
class Match:
    """Entries that belong together: ids of the left and of the right, at least one of each. ``score``: 0 to 1. Amounts as they count: the right
    ones with the other sign, where ``opposite=True`` said so; ``difference``: left minus right. ``currency``: "" where none is said."""

    left: tuple[Any, ...]
    right: tuple[Any, ...]
    rule: Rule
    score: float
    reasons: tuple[str, ...]
    amount_left: Decimal
    amount_right: Decimal
    currency: str = ""

    @property
    def difference(self) -> Decimal:
        """Left minus right."""
        return wide().subtract(self.amount_left, self.amount_right)

    def __str__(self) -> str:
        sides = " / ".join(", ".join(map(show, ids)) for ids in (self.left, self.right))
        return f"{sides}: {self.rule}, {self.score:.2f}: {'; '.join(self.reasons)}"


@frozen(kw_only=True)
class Ambiguity:
    """An entry that is not matched though others could belong to it, and why not: a person must decide. ``side``: where the entry stands;
    ``candidates``: ids of the other side, the first ten."""

    side: Literal["left", "right"]
    id: Any
    candidates: tuple[Any, ...]
    reason: str


@frozen(kw_only=True)
class Remainder:
    """The account of one currency. What is unexplained is ``left − right``; it is the sum of what is unmatched and of the differences allowed:
    ``unmatched_left − unmatched_right + differences``."""

    left: Decimal
    right: Decimal
    matched_left: Decimal
    matched_right: Decimal
    unmatched_left: Decimal
    unmatched_right: Decimal

    def to_dict(self) -> dict[str, Decimal]:
        """All of it, what follows from it too."""
        names = ("left", "right", "matched_left", "matched_right", "unmatched_left", "unmatched_right", "differences", "unexplained")
        return {name: getattr(self, name) for name in names}

    @property
    def differences(self) -> Decimal:
        """What matched entries differ by, left minus right."""
        return wide().subtract(self.matched_left, self.matched_right)

    @property
    def unexplained(self) -> Decimal:
        """What the two ledgers differ by, left minus right."""
        return wide().subtract(self.left, self.right)


@frozen(kw_only=True)
class Matching:
    """All that was found. ``print(matching)`` is the report."""

    matches: tuple[Match, ...]
    #: Ids, in their order.
    unmatched_left: tuple[Any, ...]
    unmatched_right: tuple[Any, ...]
    ambiguous: tuple[Ambiguity, ...]
    #: Records that are no entries, each with the reason: they are in no total.
    invalid_left: tuple[tuple[Any, str], ...]
    invalid_right: tuple[tuple[Any, str], ...]
    #: Currency ("" where none is said) → its account.
    remainder: Mapping[str, Remainder]
    #: What a reader should know: where nothing was looked for because there was too much of it, and the like.
    notes: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """True when every entry of both sides is matched, without a difference."""
        rest = self.unmatched_left or self.unmatched_right or self.invalid_left or self.invalid_right
        return not rest and not any(match.difference for match in self.matches)

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str | None:
        """All of it as JSON text, or written to a file (UTF-8): ``"version": 1``. Amounts are exact numbers. Raises `ConfigurationError`."""
        text = dumps(plain(self._values())).decode() + "\n"
        if path is None:
            return text
        try:
            Path(path).write_text(text, encoding="utf-8", newline="\n")
        except OSError as problem:
            raise ConfigurationError(f"the matching cannot be written to {os.fspath(path)!r}: {problem.strerror}") from problem
        return None

    def _values(self) -> dict[str, Any]:
        return {
            "version": 1,
            "complete": self.complete,
            "matches": [
                {
                    "left": each.left,
                    "right": each.right,
                    "rule": each.rule,
                    "score": each.score,
                    "reasons": each.reasons,
                    "amount_left": each.amount_left,
                    "amount_right": each.amount_right,
                    "difference": each.difference,
                    "currency": each.currency,
                }
                for each in self.matches
            ],
            "unmatched_left": self.unmatched_left,
            "unmatched_right": self.unmatched_right,
            "ambiguous": [{"side": each.side, "id": each.id, "candidates": each.candidates, "reason": each.reason} for each in self.ambiguous],
            "invalid_left": [{"record": record, "reason": reason} for record, reason in self.invalid_left],
            "invalid_right": [{"record": record, "reason": reason} for record, reason in self.invalid_right],
            "remainder": {currency: account.to_dict() for currency, account in self.remainder.items()},
            "notes": self.notes,
        }

    def __str__(self) -> str:
        exact = sum(match.rule == "exact" for match in self.matches)
        lines = [
            f"{len(self.matches):,} matches ({exact:,} exact, {len(self.matches) - exact:,} scored); "
            f"without a partner: {len(self.unmatched_left):,} on the left, {len(self.unmatched_right):,} on the right"
        ]
        for currency, account in self.remainder.items():
            lines.append("")
            lines.append(f"  {currency or 'amounts'}")
            rows = (
                ("total", account.left, account.right, account.unexplained),
                ("matched", account.matched_left, account.matched_right, account.differences),
                (
                    "without a partner",
                    account.unmatched_left,
                    account.unmatched_right,
                    wide().subtract(account.unmatched_left, account.unmatched_right),
                ),
            )
            cells = [("", "left", "right", "difference"), *((name, *map(shown, values)) for name, *values in rows)]
            widths = [max(len(row[place]) for row in cells) for place in range(4)]
            for name, *values in cells:
                lines.append("    " + "  ".join([name.ljust(widths[0]), *(v.rjust(w) for v, w in zip(values, widths[1:], strict=True))]).rstrip())
        lines += self._listed("scored matches", [str(match) for match in self.matches if match.rule == "scored"])
        lines += self._listed(
            "ambiguous", [f"{show(each.id)} ({each.side}): {each.reason}: {', '.join(map(show, each.candidates))}" for each in self.ambiguous]
        )
        for side, ids, invalid in (("left", self.unmatched_left, self.invalid_left), ("right", self.unmatched_right, self.invalid_right)):
            lines += self._listed(f"without a partner on the {side}", [show(each) for each in ids])
            lines += self._listed(f"no entries on the {side}", [f"{reason}: {show(record)}" for record, reason in invalid])
        lines += self._listed("worth knowing", list(self.notes))
        return "\n".join(lines)

    @staticmethod
    def _listed(title: str, lines: list[str]) -> list[str]:
        if not lines:
            return []
        more = [f"  … and {len(lines) - _SHOWN:,} more"] if len(lines) > _SHOWN else []
        return ["", title, *(f"  {line}" for line in lines[:_SHOWN]), *more]
