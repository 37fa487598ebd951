"""The examples that need no framework run as they stand; and all of them are listed.

Those of frameworks run with their frameworks, in `make test-frameworks`.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.service import running

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
LIST = (EXAMPLES / "README.md").read_text(encoding="utf-8")


def run(name: str, **environment: str) -> list[str]:
    """What an example prints, line by line. It has to end well."""
    done = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / name)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_the_service_in_a_larger_app() -> None:
    assert run("mounted.py") == ["['Hello', 'Hi']", "2 messages; the last one is number 2"]


def test_an_agent_asks_and_a_person_answers(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        printed = run("approval_loop.py", AGENT_RUNTIME_URL=service.url)
    assert printed == [
        "Delete notes.txt? denied",
        "Delete old.log? approved",
        "user: Tidy up",
        "assistant: notes.txt is left alone.",
        "assistant: old.log is deleted.",
        "The session is idle.",
    ]


def test_a_chat_is_kept_while_it_is_streamed(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        printed = run("vercel_chat.py", AGENT_RUNTIME_URL=service.url)
    assert printed == ["user: Where is parcel 7?", "assistant: It is in Kiel."]


def test_every_example_is_listed_once() -> None:
    listed = re.findall(r"^\| \[`(\w+\.py)`\]\(\1\) \|", LIST, re.MULTILINE)
    assert sorted(listed) == sorted(file.name for file in EXAMPLES.glob("*.py"))


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.py")), ids=lambda file: file.name)
def test_every_example_says_first_what_it_shows(file: Path) -> None:
    assert file.read_text(encoding="utf-8").startswith('"""')
