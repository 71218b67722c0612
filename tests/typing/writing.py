"""Changes, outcomes, and sinks and sources of one's own. Checked by mypy and pyright, never run."""
# pyright: strict, reportUnnecessaryTypeIgnoreComment=true

from collections.abc import Iterator, Sequence
from typing import Literal, assert_type

import integrakit as ik
from integrakit.protocols import Sink, Source

change = ik.Change.upsert("c-1", {"email": "a@b.example"})
assert_type(change, ik.Change)
assert_type(change.kind, Literal["create", "update", "upsert", "delete"])
change.kind = "delete"  # type: ignore[misc]
ik.Change.create("c-1")  # type: ignore[call-arg]


class Books:
    """Both ends of a sync, without any base class."""

    def pages(self, since: ik.Checkpoint | None, /) -> Iterator[ik.Page]:
        yield ik.Page([{"id": 1}])

    def write(self, changes: Sequence[ik.Change], /) -> list[ik.Outcome]:
        return [ik.Outcome.applied(change.key) for change in changes]


source: Source = Books()
sink: Sink = Books()
