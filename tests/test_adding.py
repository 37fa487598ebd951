"""The example of docs/adding.md adds a kind to a copy of the packages, in three files."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "adding.md").read_text(encoding="utf-8")

FILES = dict(re.findall(r"```python file=(\S+)\n(.*?)```", PAGE, re.DOTALL))
"""The new files, by their paths."""
ROWS = dict(re.findall(r"```python row=(\S+)\n(.*?)```", PAGE, re.DOTALL))
"""What is added to a file that is there: an import, and a row of its table."""

LIFE_OF_A_NOTE = """
import trio
from persistence.memory import MemoryStore
from runtime import Message, RuntimeConfig, open_runtime
from web import create_app

LOCAL = {"Host": "localhost"}

async def main():
    store = MemoryStore()
    async with open_runtime(store, RuntimeConfig(durability="commit")) as runtime:
        client = create_app(runtime).test_client()
        path = "/api/v1/sessions/s"

        async def leave(text, **more):
            answer = await client.post(f"{path}/notes", json={"text": text, **more}, headers=LOCAL)
            return answer.status_code

        async def notes():
            return (await (await client.get(f"{path}/notes", headers=LOCAL)).get_json())["notes"]

        assert await leave("first", id="n1") == 201
        assert await leave("first", id="n1") == 200, "sent again, it has one effect"
        assert await leave("other", id="n1") == 409
        assert await leave("") == 400
        assert await leave("second") == 201
        assert await notes() == ["first", "second"]
        await client.post(f"{path}/rewind", json={"to": 1}, headers=LOCAL)
        assert await notes() == ["first"]
        await client.post(f"{path}/rewind", json={"to": 2}, headers=LOCAL)
        log = await (await client.get(f"{path}/log?kind=note", headers=LOCAL)).get_json()
        assert [entry["body"]["text"] for entry in log["entries"]] == ["first", "second"]
        document = await (await client.get("/openapi.json", headers=LOCAL)).get_json()
        assert "NoteEntry" in document["components"]["schemas"]
    for resident_bytes in (1_000_000, 0):
        async with open_runtime(store, RuntimeConfig(resident_bytes=resident_bytes)) as runtime:
            session = runtime.session("s")
            assert await session.fold("note") == ["first", "second"], "after a restart"
            await session.rewind(1)
            assert await session.fold("note") == ["first"], "wherever the entries are"
            await session.rewind(2)
    print("a note was left")

trio.run(main)
"""


def added_to(text: str, row: str) -> str:
    """The table with the example's import above it and the example's row at its end."""
    imported, _, item = row.strip("\n").partition("\n\n")
    first = text.index("from runtime.session.kinds.record")
    end = text.index("\n)", text.index("_TABLE"))
    return text[:first] + imported + "\n" + text[first:end] + "\n" + item + text[end:]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for package in ("runtime", "persistence", "web"):
        shutil.copytree(
            ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    return tmp_path


def test_the_example_adds_a_kind_in_three_files(copy: Path) -> None:
    assert len(FILES) + len(ROWS) == 3
    for place, content in FILES.items():
        assert not (copy / place).exists()
        (copy / place).write_text(content, encoding="utf-8")
    for place, row in ROWS.items():
        text = (copy / place).read_text(encoding="utf-8")
        (copy / place).write_text(added_to(text, row), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", LIFE_OF_A_NOTE],
        cwd=copy,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "a note was left\n", done.stderr
