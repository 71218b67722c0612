"""The two commands of the README are two, stand alone, and name what is there. ``.ci/run`` takes them from the README and runs them."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CI = (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def commands() -> list[str]:
    return re.findall(r"```sh\n(.*?)\n```", README, re.DOTALL)


def test_there_are_two_and_each_does_everything():
    assert len(commands()) == 2
    for command in commands():
        assert "\n" not in command
        assert command.startswith("python3 -m venv .venv && .venv/bin/pip install ")


def test_one_runs_a_job_that_is_there():
    (example,) = re.findall(r"\.venv/bin/python (examples/\S+\.py)$", commands()[0])
    assert (ROOT / example).is_file()


def test_one_runs_the_tests():
    assert commands()[1].endswith(' -e ".[test]" && .venv/bin/python -m pytest')


def test_ci_has_no_commands_of_its_own_for_them():
    assert "job=$(readme examples)" in CI
    assert "tests=$(readme pytest)" in CI
    assert not re.search(r"-m pytest|bin/pytest", CI)
