"""The SDK's conformance function, on our store and on its own: each contract counts as a test.

The function asks for a store once to look at, and once for each contract, in their order. So the
number of stores says how far it came.
"""

import asyncio
import sys
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree as ET

from attrs import define, field
from claude_agent_sdk import InMemorySessionStore, SessionStore
from claude_agent_sdk.testing import run_session_store_conformance

from tests.frameworks.served import serving
from web.clients.claude_agent_sdk import AgentRuntimeSessionStore


@define
class Made:
    """Stores, of which each is empty, and the last is the only one in use."""

    count: int = 0
    _present: ExitStack = field(factory=ExitStack)

    def ours(self) -> SessionStore:
        """A store in a service of its own."""
        self.end()
        self.count += 1
        folder = self._present.enter_context(TemporaryDirectory())
        service = self._present.enter_context(serving(Path(folder)))
        return self._present.enter_context(AgentRuntimeSessionStore(service.url))

    def peers(self) -> SessionStore:
        """The SDK's own."""
        self.count += 1
        return InMemorySessionStore()

    def end(self) -> None:
        """Ends the service of the last one."""
        self._present.close()


def run(made: Made, make: Callable[[], SessionStore], report: Path) -> bool:
    """Runs the function, and writes what came of it as JUnit has it."""
    failure = ""
    try:
        asyncio.run(run_session_store_conformance(make))
    except Exception:
        failure = traceback.format_exc()
        sys.stderr.write(failure)
    finally:
        made.end()
    contracts = made.count - 1
    suite = ET.Element("testsuite", tests=str(contracts), failures=str(int(bool(failure))))
    for place in range(1, contracts + 1):
        case = ET.SubElement(suite, "testcase", name=f"contract {place}")
        if failure and place == contracts:
            ET.SubElement(case, "failure").text = failure
    ET.ElementTree(suite).write(report)
    return not failure


def main(folder: Path) -> int:
    """Returns 1 if our store fails."""
    peer, own = Made(), Made()
    run(peer, peer.peers, folder / "peer.xml")
    return 0 if run(own, own.ours, folder / "ours.xml") else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
