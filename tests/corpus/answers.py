"""A whole answer as one value, to hold an engine to another one; and asking an engine by name that may say that it cannot."""

from __future__ import annotations

from typing import Any

from integrakit.errors import ConfigurationError
from integrakit.reconciliation import Diff, reconcile

__all__ = ["if_able", "same_answers", "told"]


def told(diff: Diff) -> tuple[Any, ...]:
    """Counts, causes, totals and breaks."""
    breaks = [(repr(each.key), each.kind, repr(each.left), repr(each.right), repr(dict(each.fields)), each.reason) for each in diff.breaks()]
    # Records without a key have no order; a database gives them in any.
    breaks.sort(key=lambda each: (each[1] == "null_key", str(each) if each[1] == "null_key" else ""))
    causes = {name: (found.mismatches, dict(found.causes)) for name, found in diff.by_field.items()}
    totals = {name: (total.left, total.right, total.difference, total.exact) for name, total in diff.totals.items()}
    return dict(diff.summary), causes, totals, breaks


def same_answers(left: Any, right: Any, **options: Any) -> Diff:
    """What "pushdown" says, which must be what "dict" says."""
    found, expected = (reconcile(left, right, engine=engine, **options) for engine in ("pushdown", "dict"))
    assert told(found) == told(expected)
    return found


def if_able(left: Any, right: Any, engine: Any, **arguments: Any) -> Diff | None:
    """What the engine says; None where it says that it cannot do this."""
    try:
        return reconcile(left, right, engine=engine, **arguments)
    except ConfigurationError as problem:
        if f'engine="{engine}" cannot do this' not in str(problem):
            raise
        return None
