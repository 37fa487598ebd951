"""The runtime inside somebody else's program, which has modules of its own."""

import os
import subprocess
import sys
from pathlib import Path

import runtime

CHECKOUT = Path(runtime.__file__).parent.parent

HOST = """
import sys
import trio

import web
from persistence import open_store
from runtime import Message, open_runtime

async def main():
    async with open_runtime(open_store("sqlite:///chats.db")) as runtime:
        session = runtime.session("chat-1")
        await session.append(Message(role="user", content=sys.argv[1]))
        for entry in (await session.history()).entries:
            print(entry.body.decode())

trio.run(main)
print(web.MINE, sorted(name for name in sys.modules if name.startswith(("web", "quart"))))
"""


HELLO = '{"role":"user","content":"hello"}'


def run_host(folder: Path, content: str) -> str:
    done = subprocess.run(
        [sys.executable, str(folder / "host.py"), content],
        env={**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{CHECKOUT}"},
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    return done.stdout


def test_a_host_with_a_module_named_web_embeds_the_runtime(tmp_path: Path) -> None:
    (tmp_path / "web.py").write_text("MINE = 'the web of the host'\n")
    (tmp_path / "host.py").write_text(HOST)
    assert run_host(tmp_path, "hello") == f"{HELLO}\nthe web of the host ['web']\n"
    assert run_host(tmp_path, "again").splitlines()[:2] == [HELLO, HELLO.replace("hello", "again")]
