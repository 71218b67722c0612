"""The engine itself: opens the place where both sides are, lets it join them, and hands what comes back to the rules."""

from __future__ import annotations

from integrakit.reconciliation.engines.pushdown.duckdb_session import open_files, open_relations
from integrakit.reconciliation.engines.pushdown.server_session import open_server
from integrakit.reconciliation.engines.pushdown.session import Session
from integrakit.reconciliation.engines.pushdown.spark_session import open_spark
from integrakit.reconciliation.engines.pushdown.work import Work
from integrakit.reconciliation.engines.run import Run, Unsuitable
from integrakit.reconciliation.inputs.relations import shared_by
from integrakit.runtimes import runtime

__all__ = ["push_down"]


async def push_down(run: Run) -> None:
    """Raises `Unsuitable`."""
    started = runtime().wall()
    session = await runtime().blocking(_opened, run)
    try:
        work = Work(run, session)
        batches = await runtime().blocking(work.begin)
        while (came := await runtime().blocking(next, batches, None)) is not None:
            await runtime().blocking(work.hand_over, came)
        records = await runtime().blocking(work.end)
        for side, feed in enumerate(run.feeds):
            feed.told(session.evidence(side, records[side], started))
    finally:
        await runtime().blocking(session.close)


def _opened(run: Run) -> Session:
    found = shared_by(run.feeds)
    if found.place is None:
        raise Unsuitable(found.reason)
    if run.order.engine == "pushdown":
        run.remarks.append(found.reason)
    sources = run.feeds[0].source, run.feeds[1].source
    if found.place == "server":
        return open_server(sources, (run.order.key.names, run.order.key.right))
    if found.place == "spark":
        return open_spark(sources)
    if found.place == "relations":
        return open_relations(sources, run.order.memory)
    return open_files(run.feeds, run.order.memory)
