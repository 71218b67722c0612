"""Whatever is done to a stored log is found, given a head that was kept elsewhere; and a log that nobody touched is whole."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from integrakit.audit import AuditLog, Head
from integrakit.errors import StoreError, StoreTooNew
from integrakit.http.stack import compose
from integrakit.model import Request, Response
from integrakit.runtimes import drive

CALLS = 4
RECORDS = 1 + 3 * CALLS


async def send(request: Request) -> Response:
    return Response(httpx.Response(200, content=b"{}", request=httpx.Request("GET", "https://shop.example/")), request)


@pytest.fixture(scope="module")
def made() -> Iterator[dict[str, Any]]:
    """A log of each form, made once: what lies in it, its head, and a folder to work in."""
    with tempfile.TemporaryDirectory() as folder:
        content: dict[str, Any] = {"folder": Path(folder)}
        for name in ("audit.db", "audit.jsonl"):
            with AuditLog(Path(folder, name), durability="normal", actor="größe") as log:
                for number in range(CALLS):
                    drive(compose([log.call, log.attempt], send)(Request(method="POST", url=f"https://shop.example/{number}", json={"n": number})))
                content[name + " head"] = log.head()
        content["audit.jsonl"] = Path(folder, "audit.jsonl").read_bytes()
        with closing(sqlite3.connect(Path(folder, "audit.db"))) as connection:
            content["audit.db"] = connection.execute("SELECT seq, record, hash FROM integrakit_audit ORDER BY seq").fetchall()
        yield content


def is_found(path: Path, head: Head) -> bool:
    with AuditLog(path, durability="normal") as log:
        found = log.verify(head=head)
    # Bytes behind the head that end in no line end are what a crash leaves: told, and not called a forgery.
    return not found.ok or found.torn > 0


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_edit_of_the_lines_is_found(made: dict[str, Any], data: st.DataObject) -> None:
    whole: bytes = made["audit.jsonl"]
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(len(whole), start + data.draw(st.sampled_from([0, 1, 5, 2000])))))
    piece = data.draw(
        st.binary(max_size=8)
        | st.sampled_from([b"\n", b" ", b"\r\n", b"{}\n", b'"'])
        | st.tuples(st.integers(0, len(whole)), st.integers(0, 900)).map(lambda cut: whole[cut[0] : cut[0] + cut[1]])
    )
    edited = whole[:start] + piece + whole[end:]
    assume(edited != whole)
    path = made["folder"] / "edited.jsonl"
    path.write_bytes(edited)
    try:
        assert is_found(path, made["audit.jsonl head"])
    except StoreError as problem:
        # Nothing is left that looks like a log at all, or it says that it is of a newer format: refused at once.
        assert "no audit log" in str(problem) or "newer" in str(problem)  # noqa: PT017 - the message is the claim


CELLS = st.none() | st.integers(-3, 99) | st.floats(allow_nan=False) | st.text(max_size=5) | st.binary(max_size=5)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_any_edit_of_the_rows_is_found(made: dict[str, Any], data: st.DataObject) -> None:
    rows: list[tuple[Any, ...]] = list(made["audit.db"])
    one, other = data.draw(st.integers(0, RECORDS - 1)), data.draw(st.integers(0, RECORDS - 1))
    kind = data.draw(st.sampled_from(["cell", "letter", "remove", "swap", "copy", "renumber", "cut"]))
    if kind == "cell":
        column = data.draw(st.sampled_from([1, 2]))
        rows[one] = tuple(data.draw(CELLS) if index == column else cell for index, cell in enumerate(rows[one]))
    elif kind == "letter":
        text, place = rows[one][1], data.draw(st.integers(0, len(rows[one][1]) - 1))
        rows[one] = (
            rows[one][0],
            text[:place] + data.draw(st.characters(codec="utf-8")) + text[place + data.draw(st.integers(0, 1)) :],
            rows[one][2],
        )
    elif kind == "remove":
        del rows[one]
    elif kind == "swap":
        rows[one], rows[other] = (rows[one][0], *rows[other][1:]), (rows[other][0], *rows[one][1:])
    elif kind == "copy":
        rows.append((RECORDS + data.draw(st.integers(0, 3)), *rows[one][1:]))
    elif kind == "renumber":
        number = data.draw(st.integers(-5, 40))
        assume(number not in [row[0] for row in rows])
        rows[one] = (number, *rows[one][1:])
    else:
        del rows[one:]
    assume(rows != made["audit.db"])
    path = made["folder"] / "edited.db"
    with AuditLog(path, durability="normal"), closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for trigger in ("update", "delete"):
            connection.execute(f"DROP TRIGGER IF EXISTS integrakit_audit_{trigger}")
        connection.execute("BEGIN")
        connection.execute("DROP TABLE integrakit_audit")
        connection.execute("CREATE TABLE integrakit_audit (seq INTEGER PRIMARY KEY, record, hash)")
        connection.executemany("INSERT INTO integrakit_audit VALUES (?, ?, ?)", rows)
        connection.execute("COMMIT")
    try:
        assert is_found(path, made["audit.db head"])
    except StoreTooNew:
        assert "format" in rows[0][1]


TEXT = st.text(max_size=30) | st.text(alphabet=st.characters(categories=["Cs", "Cc", "Po"]), max_size=10)


@settings(max_examples=60, deadline=None)
@given(
    names=st.dictionaries(TEXT, TEXT | st.lists(TEXT, max_size=2) | st.none() | st.integers(), max_size=3),
    headers=st.dictionaries(TEXT, TEXT, max_size=3),
    url=TEXT,
    method=TEXT,
    body=TEXT | st.binary(max_size=20),
    form=st.sampled_from(["audit.db", "audit.jsonl"]),
)
def test_whatever_a_request_holds_the_log_is_whole(
    made: dict[str, Any], form: str, names: Any, headers: Any, url: str, method: str, body: Any
) -> None:
    request = Request(method=method, url="https://shop.example/" + url, params=names, headers=headers, content=body)
    with AuditLog(made["folder"] / ("any-" + form), durability="normal") as log:
        before = log.head().seq
        drive(compose([log.call, log.attempt], send)(request))
        found = log.verify(head=log.head())
        assert found.ok, found
        assert found.torn == 0
        assert [record.kind for record in log.records(after=before)] == ["started", "attempt", "call"]
