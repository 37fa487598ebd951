"""A program in Node, which is told what to do, and tells what it has, in lines of JSON."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from attrs import define


@define
class Program:
    """A running one."""

    _process: "subprocess.Popen[str]"

    def do(self, **said: Any) -> None:
        """Tells it something."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(said) + "\n")
        self._process.stdin.flush()

    def until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first thing that it tells and that is so. Fails if it ends before."""
        assert self._process.stdout is not None
        told: list[str] = []
        for line in self._process.stdout:
            told.append(line)
            found: dict[str, Any] = json.loads(line)
            if wanted(found):
                return found
        raise AssertionError(f"it has ended, and told: {told[-5:]}")


@contextmanager
def program(file: Path, *arguments: str) -> Iterator[Program]:
    """Runs a program of a framework's folder, beside that framework's packages, in the block."""
    node = shutil.which("node")
    assert node is not None, "Node is not there: these tests need Node 20 or newer"
    # Node looks for packages from where a program lies.
    place = Path(sys.prefix) / "node" / file.name
    shutil.copy(file, place)
    process = subprocess.Popen(
        [node, str(place), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield Program(process)
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            with suppress(BrokenPipeError):  # what it was told last, it has not read
                pipe.close()
