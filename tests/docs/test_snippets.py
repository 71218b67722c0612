"""Every snippet of the README and of the documentation runs, as it stands there.

The ``python`` blocks of a page run in order, in one namespace, in an empty temporary folder, offline. A ``text`` block directly after one is exactly
what it prints. Two comments, each on a line of its own, say more:

- ``<!-- needs: pyarrow -->`` anywhere: the page is skipped, visibly, where that package is missing.
- ``<!-- file: order.toml -->`` directly before a block of another language: the block is also a file of that name in the temporary folder.
"""

from __future__ import annotations

import contextlib
import gc
import importlib.util
import io
import re
import socket
import sys
import traceback
import types
from pathlib import Path

import pytest
from attrs import frozen

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^(?P<indent>\s*)(?P<fence>`{3,})\s*(?P<language>[\w+-]*|\{[\w:-]+\})\s*(?P<rest>.*)$")
COMMENT = re.compile(r"^\s*<!--\s*(?P<word>needs|file):\s*(?P<value>.+?)\s*-->\s*$")
LOOPBACK = ("127.", "::1", "localhost")


@frozen
class Block:
    """One fenced block."""

    language: str
    text: str
    #: Where its text begins in the page.
    line: int
    #: The file it wants to be.
    file: str | None
    #: Whether nothing stands between it and the block before.
    follows: bool


def blocks(text: str) -> tuple[list[Block], list[str]]:
    """The fenced blocks of a page, and the packages it needs."""
    found: list[Block] = []
    needs: list[str] = []
    file, follows = None, False
    lines = iter(enumerate(text.splitlines(), 1))
    for _, line in lines:
        if comment := COMMENT.match(line):
            if comment["word"] == "needs":
                needs += [name.strip() for name in comment["value"].split(",")]
            else:
                file = comment["value"]
        elif opening := FENCE.match(line):
            body, start, indent = [], 0, len(opening["indent"])
            for number, inside in lines:
                start = start or number
                closing = FENCE.match(inside)
                if closing and len(closing["fence"]) >= len(opening["fence"]) and not closing["language"] and not closing["rest"]:
                    break
                body.append(inside[indent:] if not inside[:indent].strip() else inside)
            found.append(Block(opening["language"], "\n".join(body) + "\n", start, file, follows))
            file, follows = None, True
        elif line.strip():
            file, follows = None, False
    return found, needs


def trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.rstrip().splitlines())


def run_page(path: Path, shown: str, folder: Path) -> int:
    """Runs a page's blocks in a folder; how many there were. Fails with the file and line of what went wrong."""
    page, _ = blocks(path.read_text(encoding="utf-8"))
    module = types.ModuleType("docs_page")
    printed, ran = None, 0
    sys.modules[module.__name__] = module
    try:
        for block in page:
            if block.file:
                (folder / block.file).write_text(block.text, encoding="utf-8")
            if block.language == "text" and block.follows and printed is not None and trimmed(printed) != trimmed(block.text):
                pytest.fail(f"{shown}:{block.line}: the page says\n{trimmed(block.text)}\nbut it prints\n{trimmed(printed)}", pytrace=False)
            printed = None
            if block.language == "python":
                printed = _run(block, module, path, shown)
                ran += 1
    finally:
        del sys.modules[module.__name__]
        module.__dict__.clear()
        # Whatever a page leaves open is reported here, by the page that left it.
        gc.collect()
    return ran


def _run(block: Block, module: types.ModuleType, path: Path, shown: str) -> str:
    output = io.StringIO()
    try:
        # Moved down to where the page has it, so that tracebacks tell the page's own lines.
        code = compile("\n" * (block.line - 1) + block.text, str(path), "exec", dont_inherit=True)
        with contextlib.redirect_stdout(output):
            exec(code, module.__dict__)
    except Exception as problem:
        lines = [frame.lineno for frame in traceback.extract_tb(problem.__traceback__) if frame.filename == str(path)]
        line = problem.lineno if isinstance(problem, SyntaxError) and problem.filename == str(path) else (lines or [block.line])[-1]
        raise AssertionError(f"{shown}:{line}: {type(problem).__name__}: {problem}") from problem
    return output.getvalue()


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """No connection leaves this machine."""
    connect = socket.socket.connect

    def guarded(self, address):
        if self.family in {socket.AF_INET, socket.AF_INET6} and not str(address[0]).startswith(LOOPBACK):
            raise AssertionError(f"a snippet connects to {address}: the documentation runs offline, against a simulator")
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("path", PAGES, ids=[page.relative_to(ROOT).as_posix() for page in PAGES])
def test_page(path, tmp_path, monkeypatch):
    for package in blocks(path.read_text(encoding="utf-8"))[1]:
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{path.name} needs {package}, which is not installed")
    monkeypatch.chdir(tmp_path)
    # A page that runs pytest itself must not get the options of this run, such as coverage.
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    run_page(path, path.relative_to(ROOT).as_posix(), tmp_path)


def test_there_is_something_to_run():
    assert sum(block.language == "python" for page in PAGES for block in blocks(page.read_text(encoding="utf-8"))[0]) > 0


# ---------------------------------------------------------------------------------------------------- the runner itself


@pytest.fixture
def page(tmp_path, monkeypatch):
    """Runs a page given as text: ``page("…")``."""
    monkeypatch.chdir(tmp_path)

    def run(text: str) -> int:
        (tmp_path / "page.md").write_text(text, encoding="utf-8")
        return run_page(tmp_path / "page.md", "page.md", tmp_path)

    return run


def test_blocks_share_a_namespace_and_their_output_is_compared(page):
    assert page("# A page\n\n```python\nx = 1\n```\n\nthen\n\n```python\nprint(x)  \nprint('b ')\n```\n\n```text\n1\nb\n```\n") == 2


def test_wrong_output_fails_with_its_line(page):
    with pytest.raises(pytest.fail.Exception, match=r"page\.md:6: the page says\n2\nbut it prints\n1"):
        page("```python\nprint(1)\n```\n\n```text\n2\n```\n")


def test_text_that_does_not_follow_directly_is_just_text(page):
    assert page("```python\nprint(1)\n```\n\nand so on\n\n```text\n2\n```\n") == 1


@pytest.mark.parametrize(("code", "words"), [("x = 1\n1 / 0", "page.md:4: ZeroDivisionError"), ("x = 1\nx = = 2", "page.md:4: SyntaxError")])
def test_an_error_is_told_by_file_and_line(page, code, words):
    with pytest.raises(AssertionError, match=re.escape(words)):
        page(f"text\n```python\n{code}\n```\n")


def test_a_block_can_be_a_file(page):
    text = """
<!-- file: a.toml -->

```toml
x = 1
```

```python
from pathlib import Path
print(Path("a.toml").read_text())
```

```text
x = 1
```
"""
    assert page(text) == 1
    with pytest.raises(AssertionError, match="FileNotFoundError"):
        page(text.replace("-->", "-->\n\nwords between\n").replace("a.toml", "b.toml"))


def test_indented_and_longer_fences(page):
    assert (
        page("1. do\n\n   ```python\n   for i in [1]:\n       print(i)\n   ```\n\n   ```text\n   1\n   ```\n\n````python\ns = '''\n```\n'''\n````\n")
        == 2
    )


def test_classes_know_their_module(page):
    text = """
```python
from __future__ import annotations

import typing

class Node:
    next: Node | None

typing.get_type_hints(Node)
```
"""
    assert page(text) == 1


def test_needs_are_read():
    assert blocks("<!-- needs: pyarrow, polars -->\n")[1] == ["pyarrow", "polars"]


@pytest.mark.usefixtures("offline")
def test_the_network_is_out_of_reach():
    with socket.socket() as wire, pytest.raises(AssertionError, match="offline"):
        wire.connect(("192.0.2.1", 80))
