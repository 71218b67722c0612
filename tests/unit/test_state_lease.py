from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from attrs import define, evolve

from integrakit.errors import ConfigurationError, LeaseHeld, StoreError, VersionConflict
from integrakit.protocols import Delete, Entry, Operation, Put, Store
from integrakit.state import Lease, MemoryStore, SqliteStore, acquire_lease, processes
from integrakit.state.processes import Process, this_process


@define
class Wall:
    seconds: float = 1_700_000_000.0

    def now(self) -> float:
        return self.seconds

    def wall(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)


@pytest.fixture
def clock() -> Wall:
    return Wall()


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    with MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "state.db") as store:
        yield store


def held_by(store: Store, process: Process, clock: Wall, *, seconds: float = 60) -> None:
    """Leaves the lease "orders" as another process would."""
    expires = datetime.fromtimestamp(clock.seconds + seconds, UTC).isoformat()
    value = {"holder": "somebody", "host": process.host, "pid": process.pid, "boot": process.boot, "started": process.started, "expires": expires}
    store.commit([Put("leases", "orders", value)])


def gone() -> Process:
    """A process that was here and is not any more."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return evolve(this_process(), pid=child.pid, started=None)


class TestAcquire:
    def test_free(self, store: Store, clock: Wall) -> None:
        lease = acquire_lease(store, "orders", clock=clock)
        assert (lease.name, lease.expires) == ("orders", datetime.fromtimestamp(clock.seconds + 60, UTC))
        entry = store.get("leases", "orders")
        assert entry is not None
        assert (entry.value["host"], entry.value["pid"]) == (socket.gethostname(), os.getpid())
        assert repr(lease) == "Lease('orders', token=1, expires='2023-11-14T22:14:20+00:00')"

    def test_held_says_by_whom_and_until_when(self, store: Store, clock: Wall) -> None:
        acquire_lease(store, "orders", clock=clock)
        with pytest.raises(LeaseHeld) as caught:
            acquire_lease(store, "orders", clock=clock)
        for part in ("'orders'", str(os.getpid()), socket.gethostname(), "2023-11-14 22:14:20+00:00"):
            assert part in str(caught.value)
        acquire_lease(store, "customers", clock=clock)

    def test_a_second_thread_is_refused(self, store: Store) -> None:
        taken: list[Lease] = []
        refused: list[LeaseHeld] = []
        start = threading.Barrier(6)

        def work() -> None:
            start.wait()
            try:
                taken.append(acquire_lease(store, "orders"))
            except LeaseHeld as error:
                refused.append(error)

        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (len(taken), len(refused)) == (1, 5)

    def test_expired(self, store: Store, clock: Wall) -> None:
        first = acquire_lease(store, "orders", ttl=10, clock=clock)
        clock.seconds += 9.9
        with pytest.raises(LeaseHeld):
            acquire_lease(store, "orders", clock=clock)
        clock.seconds += 0.1
        second = acquire_lease(store, "orders", clock=clock)
        assert second.token > first.token

    def test_the_token_grows_with_each_acquisition(self, store: Store) -> None:
        tokens = []
        for _ in range(4):
            with acquire_lease(store, "orders") as lease:
                tokens.append(lease.token)
                lease.renew()
                assert lease.token == tokens[-1]
        assert tokens == sorted(set(tokens))

    def test_the_holder_is_gone(self, store: Store, clock: Wall) -> None:
        held_by(store, gone(), clock)
        acquire_lease(store, "orders", clock=clock)

    @pytest.mark.parametrize(
        "change",
        [
            lambda process: evolve(process, host="elsewhere"),
            lambda process: evolve(process, boot="another boot, or container"),
            lambda process: this_process(),
            lambda process: evolve(this_process(), started=None),
        ],
    )
    def test_the_holder_may_be_alive(self, store: Store, clock: Wall, change: Callable[[Process], Process]) -> None:
        held_by(store, change(gone()), clock)
        with pytest.raises(LeaseHeld):
            acquire_lease(store, "orders", clock=clock)

    @pytest.mark.skipif(this_process().started is None, reason="this platform does not tell when a process began")
    def test_the_process_id_was_given_to_another(self, store: Store, clock: Wall) -> None:
        me = this_process()
        held_by(store, evolve(me, started=(me.started or 0) - 1), clock)
        acquire_lease(store, "orders", clock=clock)

    def test_killed(self, tmp_path: Path) -> None:
        code = """if True:
            import sys
            from integrakit.state import SqliteStore, acquire_lease
            lease = acquire_lease(SqliteStore(sys.argv[1]), "orders", ttl=3600)
            print(lease.token, flush=True)
            sys.stdin.read()
        """
        path = tmp_path / "state.db"
        holder = subprocess.Popen([sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        with holder, SqliteStore(path) as store:
            assert holder.stdout is not None
            token = int(holder.stdout.readline())
            with pytest.raises(LeaseHeld, match=f"process {holder.pid} "):
                acquire_lease(store, "orders")
            holder.send_signal(signal.SIGKILL)
            # Not yet waited for: until then it is there as a zombie, which holds nothing.
            os.waitid(os.P_PID, holder.pid, os.WEXITED | os.WNOWAIT)
            assert acquire_lease(store, "orders").token > token

    @pytest.mark.parametrize(
        "wrong", [None, "text", {}, {"holder": "x"}, {"holder": "x", "host": "h", "pid": "p", "boot": "", "started": 1, "expires": "soon"}]
    )
    def test_a_document_that_is_no_lease(self, store: Store, wrong: Any) -> None:
        store.commit([Put("leases", "orders", wrong)])
        with pytest.raises(StoreError, match="leases/orders is not a lease"):
            acquire_lease(store, "orders")

    @pytest.mark.parametrize(
        "arguments",
        [
            {"store": "state.db"},
            {"store": MemoryStore},
            {"name": ""},
            {"name": None},
            {"ttl": 0},
            {"ttl": float("nan")},
            {"ttl": True},
            {"ttl": "60"},
            {"clock": 60},
        ],
    )
    def test_wrong_arguments(self, arguments: dict[str, Any]) -> None:
        given: dict[str, Any] = {"store": MemoryStore(), "name": "orders", **arguments}
        with pytest.raises(ConfigurationError):
            acquire_lease(given.pop("store"), given.pop("name"), **given)

    def test_others_that_always_win(self) -> None:
        class Contested(MemoryStore):
            def commit(self, operations: Any) -> None:
                raise VersionConflict("somebody was faster")

        with pytest.raises(LeaseHeld, match="10 times in a row"):
            acquire_lease(Contested(), "orders")


class TestRenewal:
    def test_in_the_commits_of_a_run(self, store: Store, clock: Wall) -> None:
        lease = acquire_lease(store, "orders", ttl=10, clock=clock)
        for n in range(5):
            clock.seconds += 8
            store.commit([Put("checkpoints", "orders", n), lease.renewal()])
            lease.renewed()
            assert lease.expires == datetime.fromtimestamp(clock.seconds + 10, UTC)
        with pytest.raises(LeaseHeld):
            acquire_lease(store, "orders", clock=clock)

    def test_a_run_that_lost_its_lease_keeps_nothing(self, store: Store, clock: Wall) -> None:
        lease = acquire_lease(store, "orders", ttl=10, clock=clock)
        clock.seconds += 11
        other = acquire_lease(store, "orders", ttl=10, clock=clock)
        for _ in range(2):
            with pytest.raises(VersionConflict) as caught:
                store.commit([Put("checkpoints", "orders", "late"), lease.renewal()])
            assert (caught.value.space, caught.value.key) == ("leases", "orders")
        assert store.get("checkpoints", "orders") is None
        with pytest.raises(LeaseHeld, match="was lost: the lease 'orders' is held by process"):
            lease.renew()
        lease.release()
        with pytest.raises(LeaseHeld):
            acquire_lease(store, "orders", clock=clock)
        store.commit([other.renewal()])

    def test_a_run_that_lost_its_lease_to_one_that_is_over(self, store: Store, clock: Wall) -> None:
        lease = acquire_lease(store, "orders", ttl=10, clock=clock)
        clock.seconds += 11
        acquire_lease(store, "orders", clock=clock).release()
        with pytest.raises(VersionConflict):
            store.commit([lease.renewal()])
        with pytest.raises(LeaseHeld, match="taken over and released"):
            lease.renew()
        acquire_lease(store, "orders", clock=clock)
        with pytest.raises(VersionConflict):
            store.commit([lease.renewal()])

    def test_expired_and_taken_by_nobody(self, store: Store, clock: Wall) -> None:
        lease = acquire_lease(store, "orders", ttl=10, clock=clock)
        clock.seconds += 100
        lease.renew()
        with pytest.raises(LeaseHeld):
            acquire_lease(store, "orders", clock=clock)

    def test_a_commit_that_failed(self, store: Store, clock: Wall) -> None:
        lease = acquire_lease(store, "orders", clock=clock)
        expires = lease.expires
        clock.seconds += 5
        with pytest.raises(VersionConflict):
            store.commit([lease.renewal(), Put("s", "a", 1, expect=9)])
        assert lease.expires == expires
        store.commit([lease.renewal()])
        lease.renewed()

    def test_interrupted_between_the_commit_and_renewed(self, store: Store) -> None:
        lease = acquire_lease(store, "orders")
        store.commit([lease.renewal()])
        with pytest.raises(VersionConflict):
            store.commit([lease.renewal()])
        lease.renew()
        store.commit([lease.renewal()])

    def test_renew_that_loses_the_race(self) -> None:
        lease = acquire_lease(MemoryStore(), "orders")
        lease.release()
        with pytest.raises(LeaseHeld, match="was released: acquire it again"):
            lease.renew()
        with pytest.raises(LeaseHeld, match="was released"):
            lease.renewal()


class TestRelease:
    def test_frees_it(self, store: Store) -> None:
        lease = acquire_lease(store, "orders")
        store.commit([lease.renewal()])  # and renewed() was never called
        lease.release()
        lease.release()
        assert store.get("leases", "orders") is None
        with acquire_lease(store, "orders") as again:
            assert again.token > lease.token
        acquire_lease(store, "orders")
        again.release()
        assert store.get("leases", "orders") is not None

    def test_after_an_error(self, store: Store) -> None:
        with pytest.raises(KeyError), acquire_lease(store, "orders"):
            raise KeyError("the run broke")
        acquire_lease(store, "orders")

    def test_lost_at_the_last_moment(self) -> None:
        class Racing(MemoryStore):
            racing = False

            def commit(self, operations: Any) -> None:
                if self.racing and isinstance(operations[0], Delete):
                    entry = self.get("leases", "orders")
                    assert entry is not None
                    super().commit([Put("leases", "orders", {**entry.value, "holder": "somebody"})])
                super().commit(operations)

        store = Racing()
        lease = acquire_lease(store, "orders")
        store.racing = True
        lease.release()
        entry = store.get("leases", "orders")
        assert entry is not None
        assert entry.value["holder"] == "somebody"

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="forks as POSIX has them")
    @pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
    def test_a_forked_child_has_no_lease(self, tmp_path: Path) -> None:
        with SqliteStore(tmp_path / "state.db") as store, acquire_lease(store, "orders") as lease:
            pid = os.fork()
            if pid == 0:
                wrong = 1
                try:
                    lease.release()
                    with pytest.raises(LeaseHeld, match="of which this one is a fork"):
                        lease.renewal()
                    with pytest.raises(LeaseHeld):
                        acquire_lease(store, "orders")
                    wrong = 0
                finally:
                    os._exit(wrong)
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
            lease.renew()


class TestProcesses:
    def test_this_one(self) -> None:
        me = this_process()
        assert me == this_process()
        assert me.pid == os.getpid()
        assert not me.is_gone()

    def test_of_another_user(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(pid: int, signal: int) -> None:
            raise PermissionError

        monkeypatch.setattr(processes.os, "kill", refuse)
        assert not gone().is_gone()

    def test_a_number_that_is_no_process(self) -> None:
        assert not evolve(this_process(), pid=2**80).is_gone()

    def test_where_there_is_no_proc(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr(processes, "Path", lambda path: tmp_path / path.lstrip("/"))
        me = this_process()
        assert (me.boot, me.started) == ("", None)
        assert not me.is_gone()
        assert evolve(gone(), boot="").is_gone()

    def test_where_a_signal_would_do_harm(self, monkeypatch: pytest.MonkeyPatch) -> None:
        process = gone()
        monkeypatch.setattr(processes.os, "name", "nt")
        assert not process.is_gone()

    @pytest.mark.parametrize("name", ["a) R 1 2", "((", "tab\there"])
    @pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
    def test_names_that_look_like_fields(self, name: str, tmp_path: Path) -> None:
        program = tmp_path / name
        program.symlink_to("/bin/sleep")
        child = subprocess.Popen([program, "30"])
        try:
            status = processes._status(child.pid)
            assert status is not None
            assert status[1] >= (this_process().started or 0)
        finally:
            child.kill()
            child.wait()


def test_operations_of_a_lease_are_ordinary(store: Store) -> None:
    operation: Operation = acquire_lease(store, "orders").renewal()
    assert isinstance(operation, Put)
    entry = store.get("leases", "orders")
    assert isinstance(entry, Entry)
    assert operation.expect == entry.version
