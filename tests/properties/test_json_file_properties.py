"""Properties of JSON files: what is read in pieces is what is decoded at once, and a file that was cut never passes for a whole one."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrakit._json import loads
from integrakit.errors import CheckpointMismatch, IntegrakitError
from integrakit.files import CsvFile, JsonFile, JsonLines, json_text, lines

# Lone surrogates too: they stand escaped in the file.
text = st.text(max_size=8) | st.sampled_from(["\ud83d", "\ude00", "]}", '"', "\\", ",", "😀"])
value = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=12,
)
record = st.dictionaries(text, value, max_size=4)
documents = st.fixed_dictionaries({"rows": st.lists(record, max_size=8)}, optional={"a": value, "z": value, "": value})
layouts = st.sampled_from([None, 1, "\t"])


def written(folder: str, document: Any, indent: Any = None, escaped: bool = True) -> tuple[Path, bytes]:
    names = sorted(document, key=lambda name: name == "a")  # something before the records, and something after
    body = json.dumps({name: document[name] for name in names[::-1]}, indent=indent, ensure_ascii=escaped).encode("utf-8", "surrogatepass")
    path = Path(folder) / "a.json"
    path.write_bytes(body)
    return path, body


@settings(max_examples=60, deadline=None)
@given(documents, layouts, st.booleans(), st.booleans(), st.integers(1, 80), st.integers(1, 4))
def test_what_is_read_in_pieces_is_what_is_decoded_at_once(
    document: Any, indent: Any, escaped: bool, decimals: bool, chunk: int, page_size: int
) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_text, "CHUNK", chunk)
        path, body = written(folder, document, indent, escaped)
        wanted = loads(body, decimals=decimals)["rows"]
        file = JsonFile(path, records="rows", decimals=decimals, page_size=page_size)
        seen: list[Any] = []
        for page in file.pages():
            seen += page.records
            assert seen + [each for more in file.pages(page.checkpoint) for each in more.records] == wanted
        # By their text too: 1.0 is 1, and True is 1.
        assert repr(seen) == repr(wanted)


@settings(max_examples=100, deadline=None)
@given(documents, layouts, st.integers(1, 80), st.data())
def test_a_cut_document_is_an_error_and_a_beginning(document: Any, indent: Any, chunk: int, data: Any) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_text, "CHUNK", chunk)
        path, body = written(folder, document, indent)
        path.write_bytes(body[: data.draw(st.integers(0, len(body) - 1))])
        seen: list[Any] = []
        pages = JsonFile(path, records="rows", page_size=1).pages()
        with pytest.raises(IntegrakitError):
            seen.extend(record for page in pages for record in page.records)
        assert seen == loads(body, decimals=True)["rows"][: len(seen)]


mutations = st.sampled_from([b"", b",", b"]", b"}", b'"', b"1", b"e", b"-", b"[", b"{", b":", b" ", b"\\", b"\x00", b"\xff", b"NaN", b"nul"])


@settings(max_examples=150, deadline=None)
@given(documents, st.integers(1, 80), st.data(), mutations, st.integers(0, 3))
def test_a_damaged_document_is_read_as_it_is_decoded_or_is_an_error(document: Any, chunk: int, data: Any, put: bytes, drop: int) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_text, "CHUNK", chunk)
        path, body = written(folder, document)
        at = data.draw(st.integers(0, len(body)))
        damaged = body[:at] + put + body[at + drop :]
        path.write_bytes(damaged)
        try:
            whole = loads(damaged, decimals=True)
        except ValueError:
            with pytest.raises(IntegrakitError):
                list(JsonFile(path, records="rows"))
            return
        try:
            got = list(JsonFile(path, records="rows"))
        except IntegrakitError:
            return
        assert repr(got) == repr(whole["rows"] or [])


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(text, text), min_size=2, max_size=12),
    st.integers(1, 60),
    st.sampled_from(["utf-8-sig", "utf-16-le", "gzip"]),
    st.integers(1, 3),
    st.data(),
)
def test_a_line_file_that_changed_before_the_checkpoint_is_refused(rows: Any, block: int, kind: str, page_size: int, data: Any) -> None:
    """Whatever byte before the checkpoint is another one: `CheckpointMismatch`, or an error of decoding; never a read that goes on."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "BLOCK", block)
        path = Path(folder) / "a"
        if kind == "utf-16-le":
            content = "".join(f"{n},x{n}\n" for n in range(len(rows) + 1)).encode("utf-16-le")
            file: Any = CsvFile(path, encoding=kind, header=("a", "b"), page_size=page_size)
        else:
            content = "".join(json.dumps({"a": a, "b": b}) + "\n" for a, b in rows).encode()
            file = JsonLines(path, page_size=page_size)
        path.write_bytes(content)
        pages = list(file.pages())
        page = data.draw(st.sampled_from(pages[:-1] or pages))
        everything = [record for page in pages for record in page.records]
        done = page.checkpoint.records
        assert [record for more in file.pages(page.checkpoint) for record in more.records] == everything[done:]
        limit = page.checkpoint.token.get("offset", done)
        at = data.draw(st.integers(0, max(0, limit - 2)))
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        with pytest.raises(IntegrakitError):
            list(file.pages(page.checkpoint))
        path.write_bytes(b"")
        with pytest.raises(CheckpointMismatch):
            list(file.pages(page.checkpoint))
