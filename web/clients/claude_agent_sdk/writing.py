"""Appends in the order of their calls, each line once.

A session has to be there with its metadata before its first line, else no list would have it; so
lines are appended on the terms that it exists, and it is made when it does not.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from threading import Lock
from typing import Any
from weakref import WeakValueDictionary

from attrs import define, field

from web.clients.calls.shapes import NewEntry
from web.clients.calls.terms import Terms
from web.clients.claude_agent_sdk.lines import FRAMEWORK, Line, entry_of
from web.clients.claude_agent_sdk.names import NAME, Transcript
from web.clients.client import AgentRuntimeClient
from web.clients.core.call import content_of
from web.clients.errors import Conflict, NotFound, PreconditionFailed
from web.clients.shared.conversation import KINDS
from web.clients.shared.pieces import ROOM

PRESENT = Terms(if_match="*")

AT_ONCE = 5_000
"""Entries of one call: half of what the service takes."""


@define(eq=False)
class Queue:
    """Appends to one session that wait for their turn."""

    lock: Lock = field(factory=Lock)
    waiting: deque[tuple[Sequence[Line], Future[None]]] = field(factory=deque)


@define(eq=False)
class Writing:
    """The appends of one process."""

    _client: AgentRuntimeClient
    _made: set[str] = field(factory=set)
    """Sessions whose metadata says what they are."""
    _queues: WeakValueDictionary[str, Queue] = field(factory=WeakValueDictionary)

    def queue(self, transcript: Transcript, lines: Sequence[Line]) -> tuple[Queue, Future[None]]:
        """Takes a place in the order. `run` has to be called once for each."""
        queue = self._queues.setdefault(transcript.id, Queue())
        done: Future[None] = Future()
        queue.waiting.append((lines, done))
        return queue, done

    def run(self, transcript: Transcript, queue: Queue, done: Future[None]) -> None:
        """Does what waits, the oldest first, until this is done. Raises what became of it.

        So threads may start in any order, and what nobody waits for any more is not left out.
        """
        with queue.lock:
            while not done.done():
                lines, outcome = queue.waiting.popleft()
                try:
                    self._append(transcript, lines)
                except BaseException as error:  # who waits for it raises it
                    outcome.set_exception(error)
                else:
                    outcome.set_result(None)
        done.result()

    def forget(self, session_id: str) -> None:
        """Of a session that was deleted."""
        self._made.discard(session_id)

    def _append(self, transcript: Transcript, lines: Sequence[Line]) -> None:
        if transcript.id not in self._made:
            self._make(transcript)
        for call in _calls(lines):
            try:
                self._send(transcript.id, call)
            except (PreconditionFailed, NotFound):  # it was deleted meanwhile
                self._make(transcript)
                self._send(transcript.id, call)

    def _send(self, session_id: str, entries: Sequence[NewEntry]) -> None:
        # `once` is for records. A message that is known is passed over anyway, if it is the same.
        try:
            FRAMEWORK.append(self._client, session_id, entries, once=True, terms=PRESENT)
        except Conflict:
            known = self._known(session_id)
            fresh = [entry for entry in entries if entry["key"] not in known]
            if fresh:
                FRAMEWORK.append(self._client, session_id, fresh, once=True, terms=PRESENT)

    def _known(self, session_id: str) -> set[str]:
        read = self._client.iter_log(
            session_id, kinds=KINDS, key_prefix=FRAMEWORK.prefix, counting=True
        )
        return {entry["key"] for entry in read if "key" in entry}

    def _make(self, transcript: Transcript) -> None:
        wanted = transcript.metadata
        try:
            said = self._client.get_session(transcript.id)["metadata"]
        except NotFound:
            said = self._created(transcript)
        if not _says(said, wanted):
            self._client.patch_session(transcript.id, {"metadata": wanted})
        self._made.add(transcript.id)

    def _created(self, transcript: Transcript) -> dict[str, Any]:
        try:
            header = self._client.create_session(transcript.id, metadata=transcript.metadata)
        except Conflict:  # another process has made it just now
            header = self._client.get_session(transcript.id)
        return header["metadata"]


def _says(said: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    # Ours has more members than these, such as the summary.
    ours = said.get(NAME)
    return (
        isinstance(ours, dict)
        and all(ours.get(name) == value for name, value in wanted[NAME].items())
        and all(said.get(name) == value for name, value in wanted.items() if name != NAME)
    )


def _calls(lines: Iterable[Line]) -> Iterator[Sequence[NewEntry]]:
    """The entries of lines, in as few calls as can be; of several with one key, the first."""
    call: list[NewEntry] = []
    room = ROOM
    keys: set[str] = set()
    for entry in map(entry_of, lines):
        if entry["key"] in keys:
            continue
        keys.add(entry["key"])
        size = len(content_of(entry))
        if call and (size > room or len(call) == AT_ONCE):
            yield call
            call, room = [], ROOM
        call.append(entry)
        room -= size
    if call:
        yield call
