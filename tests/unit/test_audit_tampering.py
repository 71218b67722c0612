"""Forgeries by hand, with sqlite3 and with an editor: each is found, and the record it is about is named."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from integrakit.audit import AuditLog, Verification
from integrakit.errors import ConfigurationError, StoreError
from integrakit.http.stack import compose
from integrakit.model import Request, Response
from integrakit.runtimes import drive

Rows = list[tuple[int, str, str]]


async def send(request: Request) -> Response:
    return Response(httpx.Response(200, content=b"{}", request=httpx.Request("GET", request.url)), request)


def fill(path: Path, calls: int = 3) -> Any:
    with AuditLog(path) as log:
        for number in range(calls):
            drive(compose([log.call, log.attempt], send)(Request(method="POST", url=f"https://shop.example/orders/{number}")))
        return log.head()


class Forger:
    """Rewrites a log of either form as rows of (number, record, hash)."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def rows(self) -> Rows:
        if self.path.suffix == ".db":
            with closing(sqlite3.connect(self.path)) as connection:
                return connection.execute("SELECT seq, record, hash FROM integrakit_audit ORDER BY seq").fetchall()
        rows = []
        for number, line in enumerate(self.path.read_text("utf-8").split("\n")[:-1]):
            rows.append((number, line[: -len(',"hash":""}') - 64] + "}", line[-66:-2]))
        return rows

    def write(self, rows: Rows) -> None:
        if self.path.suffix == ".db":
            with closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
                connection.execute("DROP TRIGGER integrakit_audit_update")
                connection.execute("DROP TRIGGER integrakit_audit_delete")
                connection.execute("DELETE FROM integrakit_audit")
                connection.executemany("INSERT INTO integrakit_audit VALUES (?, ?, ?)", rows)
        else:
            self.path.write_text("".join(f'{record[:-1]},"hash":"{hash}"}}\n' for _, record, hash in rows), "utf-8")

    def edit(self, change: Callable[[Rows], Rows]) -> None:
        self.write(change(self.rows()))


def verified(path: Path, **options: Any) -> Verification:
    with AuditLog(path) as log:
        return log.verify(**options)


def said(path: Path, **options: Any) -> str:
    found = verified(path, **options)
    assert not found.ok
    return str(found)


@pytest.fixture(params=["audit.db", "audit.jsonl"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / str(request.param)


@pytest.fixture
def forger(path: Path) -> Forger:
    """A log of 10 records, numbers 0 to 9."""
    assert fill(path).seq == 9
    return Forger(path)


def changed(row: tuple[int, str, str], hash: bool = False) -> tuple[int, str, str]:
    record = row[1].replace("shop.example", "evil.example")
    assert record != row[1]
    return row[0], record, hashlib.sha256(record.encode()).hexdigest() if hash else row[2]


def rechained(rows: Rows) -> Rows:
    """The whole chain made anew: what somebody does who can write to the file and knows the format."""
    made: Rows = []
    previous = "0" * 64
    for number, (_, record, _) in enumerate(rows):
        text = json.dumps({**json.loads(record), "seq": number, "previous": previous}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        previous = hashlib.sha256(text.encode()).hexdigest()
        made.append((number, text, previous))
    return made


def test_rewriting_without_a_change_is_none(forger: Forger) -> None:
    forger.edit(lambda rows: rows)
    assert verified(forger.path).ok
    forger.edit(rechained) if forger.path.suffix != ".db" else None
    assert verified(forger.path).ok


def test_a_verification_is_as_true_as_the_log(forger: Forger) -> None:
    """Whoever writes ``if not log.verify(): alarm()`` must be heard."""
    assert bool(verified(forger.path)) is True
    forger.edit(lambda rows: [*rows[:4], changed(rows[4]), *rows[5:]])
    assert bool(verified(forger.path)) is False


def test_a_changed_field(forger: Forger) -> None:
    forger.edit(lambda rows: [*rows[:4], changed(rows[4]), *rows[5:]])
    found = verified(forger.path)
    assert [problem.seq for problem in found.problems] == [4]
    assert "was changed" in found.problems[0].what


def test_a_changed_field_and_its_hash(forger: Forger) -> None:
    forger.edit(lambda rows: [*rows[:4], changed(rows[4], hash=True), *rows[5:]])
    found = verified(forger.path)
    assert [problem.seq for problem in found.problems] == [5]
    assert "record 4 is not the one that it was written after" in found.problems[0].what


def test_a_changed_hash(forger: Forger) -> None:
    forger.edit(lambda rows: [*rows[:4], (rows[4][0], rows[4][1], "0" * 64), *rows[5:]])
    assert [problem.seq for problem in verified(forger.path).problems] == [4]


@pytest.mark.parametrize("removed", [[4], [4, 5, 6]])
def test_removed_records(forger: Forger, removed: list[int]) -> None:
    forger.edit(lambda rows: [row for row in rows if row[0] not in removed])
    found = verified(forger.path)
    assert [problem.seq for problem in found.problems] == [4]
    assert "missing" in found.problems[0].what
    assert ("records 4 to 6 are" in found.problems[0].what) is (len(removed) == 3)


def test_removed_and_renumbered(forger: Forger) -> None:
    def renumber(rows: Rows) -> Rows:
        kept = [row for row in rows if row[0] != 4]
        return [(number, row[1], row[2]) for number, row in enumerate(kept)]

    forger.edit(renumber)
    assert not verified(forger.path).ok


def test_a_removed_beginning(forger: Forger) -> None:
    forger.edit(lambda rows: rows[1:])
    assert "record 0: is missing before record 1" in said(forger.path)


def test_everything_removed(forger: Forger) -> None:
    head = fill(forger.path, 0)
    forger.write([])
    text = said(forger.path, head=head)
    assert "another log" in text


def test_two_records_swapped(forger: Forger) -> None:
    def swap(rows: Rows) -> Rows:
        rows[4], rows[5] = (4, *rows[5][1:]), (5, *rows[4][1:])
        return rows

    forger.edit(swap)
    text = said(forger.path)
    assert "record 4" in text
    assert "record 5" in text


def test_a_duplicate(forger: Forger) -> None:
    forger.edit(lambda rows: [*rows, (10, *rows[9][1:])])
    assert "copy" in said(forger.path)
    assert "9" in said(forger.path)


def test_a_duplicate_in_the_middle(forger: Forger) -> None:
    if forger.path.suffix == ".db":
        forger.edit(lambda rows: [*rows[:6], (6, *rows[5][1:]), *rows[7:]])
        assert "record 6: is gone: a copy of record 5 lies in its place" in said(forger.path)
    else:
        forger.edit(lambda rows: [*rows[:6], rows[5], *rows[6:]])
        found = verified(forger.path)
        assert [problem.seq for problem in found.problems] == [5]
        assert "a copy" in found.problems[0].what


def test_a_cut_tail_is_found_with_a_head_only(forger: Forger) -> None:
    with AuditLog(forger.path) as log:
        head = log.head()
    forger.edit(lambda rows: rows[:7])
    assert verified(forger.path).ok
    text = said(forger.path, head=head)
    assert "the end was cut off: the head that was kept is of record 9, and the log ends with 6" in text
    # Writing on does not hide it.
    fill(forger.path)
    assert "record 9: is not the one of the head that was kept" in said(forger.path, head=head)


@pytest.mark.parametrize("where", [1, 5, 9])
def test_a_chain_made_anew_is_found_with_a_head_only(forger: Forger, where: int) -> None:
    key = b"lies elsewhere, and is long enough"
    with AuditLog(forger.path) as log:
        signed = log.head().sign(key)
    forger.edit(lambda rows: rechained([*rows[:where], changed(rows[where]), *rows[where + 1 :]]))
    assert verified(forger.path).ok, "without a head nobody can tell"
    assert "record 9: is not the one of the head that was kept" in said(forger.path, head=signed.head)
    assert not verified(forger.path, head=signed, key=key).ok


def test_an_old_head_finds_what_is_before_it(forger: Forger) -> None:
    with AuditLog(forger.path) as log:
        old = log.head()
    fill(forger.path)
    assert verified(forger.path, head=old).ok
    forger.edit(lambda rows: rechained([*rows[:4], changed(rows[4]), *rows[5:]]))
    assert "record 9" in said(forger.path, head=old)


def test_records_of_another_log(forger: Forger, tmp_path: Path) -> None:
    other = tmp_path / "other" / forger.path.name
    other.parent.mkdir()
    head = fill(other)
    theirs = Forger(other).rows()
    with AuditLog(forger.path) as log:
        own = log.head()
    forger.edit(lambda rows: [*rows[:5], *theirs[5:]])
    found = verified(forger.path)
    assert [problem.seq for problem in found.problems] == [5]
    assert "comes from another log" in found.problems[0].what
    forger.write(theirs)
    assert verified(forger.path).ok
    assert "this is another log" in said(forger.path, head=own)
    assert verified(forger.path, head=head).ok


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", '{"seq":"4"}', '{"seq":true}', '{"seq":-1}', "{" * 100_000, "\u2028", '{"seq":99999999}'])
def test_no_record_at_all(forger: Forger, text: str) -> None:
    forger.edit(lambda rows: [*rows[:4], (4, text, rows[4][2]), *rows[5:]])
    assert "4" in said(forger.path) or "line 5" in said(forger.path)


@pytest.mark.parametrize("value", [None, 5, 1.5, b"\xff\x00", b"{}", ""])
@pytest.mark.parametrize("column", [1, 2])
@pytest.mark.parametrize("where", [0, 4, 9])
def test_values_of_other_types_in_the_table(tmp_path: Path, value: Any, column: int, where: int) -> None:
    path = tmp_path / "audit.db"
    fill(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        rows = connection.execute("SELECT seq, record, hash FROM integrakit_audit").fetchall()
        for kind in ("update", "delete"):
            connection.execute(f"DROP TRIGGER integrakit_audit_{kind}")
        connection.execute("DROP TABLE integrakit_audit")
        connection.execute("CREATE TABLE integrakit_audit (seq INTEGER PRIMARY KEY, record, hash)")
        rows[where] = tuple(value if index == column else cell for index, cell in enumerate(rows[where]))
        connection.executemany("INSERT INTO integrakit_audit VALUES (?, ?, ?)", rows)
    assert f"record {where}" in said(path)
    fill(path, 1)
    assert f"record {where}" in said(path)


def test_a_number_that_none_can_follow(tmp_path: Path) -> None:
    path = tmp_path / "audit.db"
    fill(path)
    Forger(path).edit(lambda rows: [*rows, (2**63 - 1, *rows[4][1:])])
    assert not verified(path).ok
    with pytest.raises(StoreError, match="none can follow"):
        fill(path, 1)


def test_reading_a_damaged_log_says_where_and_goes_on_behind_it(tmp_path: Path) -> None:
    path = tmp_path / "audit.db"
    fill(path)
    Forger(path).edit(lambda rows: [*rows[:4], (4, "{}", rows[4][2]), *rows[5:]])
    with AuditLog(path) as log:
        with pytest.raises(StoreError, match=r"row 4 .*verify"):
            list(log)
        assert [record.seq for record in log.records(after=4)] == [5, 6, 7, 8, 9]


def test_many_problems_are_not_all_listed(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    fill(path, 1)
    with path.open("ab") as file:
        file.write(b"x\n" * 3000)
    found = verified(path)
    assert len(found.problems) == 1001
    assert "and more" in str(found)


@pytest.mark.parametrize("head", ["x", 5, [5], {"seq": 1}])
def test_what_is_no_head(path: Path, head: Any) -> None:
    fill(path)
    with AuditLog(path) as log, pytest.raises(ConfigurationError, match="Head"):
        log.verify(head=head)


# ---------------------------------------------------------------------------------------------- torn lines


def torn_log(tmp_path: Path, keep: int) -> tuple[Path, Any]:
    """A log whose last line was cut off after ``keep`` bytes, and the head before that line."""
    path = tmp_path / "audit.jsonl"
    head = fill(path)
    whole = path.read_bytes()
    fill(path, 1)
    path.write_bytes(path.read_bytes()[: len(whole) + keep])
    return path, head


@pytest.mark.parametrize("keep", [1, 2, 100, 250])
def test_a_torn_line_is_not_taken_for_a_forgery_and_stays_visible(tmp_path: Path, keep: int) -> None:
    path, head = torn_log(tmp_path, keep)
    before = path.read_bytes()
    found = verified(path, head=head)
    assert (found.ok, found.torn, found.records) == (True, 1, 10)
    assert path.read_bytes() == before, "looking changes nothing"
    fill(path, 1)
    assert path.read_bytes().startswith(before), "only appended to"
    found = verified(path, head=head)
    assert (found.ok, found.torn, found.records) == (True, 1, 14)
    assert str(found) == "14 records, 1 torn by a crash, whole"
    with AuditLog(path) as log:
        assert [record.kind for record in log.records(after=9)] == ["note", "started", "attempt", "call"]
        assert len(list(log)) == 14


def test_the_torn_line_is_vouched_for_byte_by_byte(tmp_path: Path) -> None:
    path, _ = torn_log(tmp_path, 100)
    fill(path, 1)
    lines = path.read_bytes().split(b"\n")
    assert lines[10].startswith(b'{"at"')
    path.write_bytes(b"\n".join([*lines[:10], lines[10][:-1], *lines[11:]]))
    assert "line 11 is no record, and no note says that a crash tore it" in said(path)
    path.write_bytes(b"\n".join([*lines[:10], *lines[11:]]))
    assert verified(path).torn == 0


def test_torn_again_while_it_was_repaired(tmp_path: Path) -> None:
    path, _ = torn_log(tmp_path, 100)
    once = len(path.read_bytes())
    fill(path, 1)
    path.write_bytes(path.read_bytes()[: once + 50])
    assert verified(path).torn == 1
    fill(path, 1)
    found = verified(path)
    assert (found.ok, found.torn) == (True, 2)


def test_a_first_line_that_was_torn(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    fill(path, 0)
    for keep in (1, 5, 60):
        shutil.copy(path, tmp_path / "b.jsonl")
        (tmp_path / "b.jsonl").write_bytes(path.read_bytes()[:keep])
        fill(tmp_path / "b.jsonl", 1)
        found = verified(tmp_path / "b.jsonl")
        assert (found.ok, found.torn, found.records) == (True, 1, 4)


def test_a_whole_line_that_is_no_record_is_no_crash(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    fill(path)
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([*lines[:9], b"scratched out", b""]))
    assert "line 10 is no record" in said(path)
    fill(path, 1)
    assert "line 10 is no record" in said(path)


def test_long_lines_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    with AuditLog(path) as log:
        for _ in range(3):
            log._append([{"kind": "note", "at": "2026-01-01T00:00:00Z", "note": "x" * 200_000}], "2026-01-01T00:00:00Z")
    with path.open("ab") as file:
        file.write(b'{"at":' + b"y" * 150_000)
    fill(path, 1)
    found = verified(path)
    assert (found.ok, found.torn, found.records) == (True, 1, 8)
