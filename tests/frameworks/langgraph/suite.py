"""LangGraph's conformance package, on our saver and on its own: `python -m … FOLDER`.

All of its tests, also of what a saver does not offer: those count as failed.
"""

import asyncio
import sys
import tempfile
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from xml.etree import ElementTree as ET

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.conformance import checkpointer_test, validate
from langgraph.checkpoint.conformance.report import ProgressCallbacks
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from tests.frameworks.served import serving
from web.clients.embedded import open_portal
from web.clients.langgraph import AgentRuntimeSaver

Test = tuple[str, str]
"""A capability, and the name of one of its tests."""
Results = dict[Test, str | None]
"""What each said when it failed; `None`: it passed."""
Savers = Callable[[], AsyncGenerator[BaseCheckpointSaver, None]]


async def over_http() -> AsyncGenerator[BaseCheckpointSaver, None]:
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder)) as service,
        AgentRuntimeSaver(service.url) as saver,
    ):
        yield saver


async def in_process() -> AsyncGenerator[BaseCheckpointSaver, None]:
    with (
        tempfile.TemporaryDirectory() as folder,
        open_portal(f"sqlite:///{folder}/embedded.db") as runtime,
    ):
        yield AgentRuntimeSaver(runtime=runtime)


async def sqlite() -> AsyncGenerator[BaseCheckpointSaver, None]:
    with tempfile.TemporaryDirectory() as folder:
        async with AsyncSqliteSaver.from_conn_string(f"{folder}/peer.db") as saver:
            yield saver


async def memory() -> AsyncGenerator[BaseCheckpointSaver, None]:
    yield InMemorySaver()


async def results(name: str, savers: Savers) -> Results:
    """What came of all tests of the capabilities that these savers offer."""
    found: Results = {}

    def note(capability: str, test: str, passed: bool, error: str | None) -> None:
        found[capability, test] = None if passed else error or "it failed"

    registered = checkpointer_test(name=name)(savers)
    await validate(registered, progress=ProgressCallbacks(on_test_result=note))
    return found


def report(tests: list[Test], found: Results, file: Path) -> int:
    """Writes JUnit's form. Returns how many failed."""
    suite = ET.Element("testsuite", name=file.stem, tests=str(len(tests)))
    failed = 0
    for capability, test in tests:
        case = ET.SubElement(suite, "testcase", classname=capability, name=test)
        error = found.get((capability, test), "This saver does not offer it")
        if error is not None:
            ET.SubElement(case, "failure", message=error.strip().splitlines()[-1]).text = error
            failed += 1
    suite.set("failures", str(failed))
    ET.ElementTree(suite).write(file)
    return failed


async def main(folder: Path) -> int:
    """Returns 1 if one of our savers failed in anything."""
    ours = await results("service", over_http)
    tests = list(ours)
    failed = report(tests, ours, folder / "ours.xml")
    for name, savers in (("embedded", in_process), ("memory", memory), ("peer", sqlite)):
        missed = report(tests, await results(name, savers), folder / f"{name}.xml")
        sys.stdout.write(f"{name}: {len(tests) - missed} of {len(tests)}\n")
        failed += missed if name == "embedded" else 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(Path(sys.argv[1]))))
