"""Which sessions are threads of LangGraph's: their metadata says so, and what their names are."""

from collections.abc import Iterator
from typing import Any

from web.clients.client import AgentRuntimeClient
from web.clients.errors import Conflict, NotFound
from web.clients.langgraph import keys
from web.clients.langgraph.stored import Place

MARK = {"langgraph": "thread"}
NAME = "langgraph_thread"
"""Has the thread's id, where the session's is another."""


def metadata_of(place: Place) -> dict[str, Any]:
    """What a thread's session has in its metadata."""
    is_other = place.session_id != place.thread_id
    return {**MARK, NAME: place.thread_id if is_other else None}


def begin(client: AgentRuntimeClient, place: Place) -> None:
    """Marks a session, and makes it if it is not there. One call, or two."""
    said = {name: value for name, value in metadata_of(place).items() if value is not None}
    try:
        client.create_session(place.session_id, metadata=said)
    except Conflict:  # others have begun the conversation, or an earlier run has
        client.patch_session(place.session_id, {"metadata": said})


def each(client: AgentRuntimeClient) -> Iterator[Place]:
    """All threads. One call for each 1,000."""
    for listed in client.iter_sessions(metadata=MARK, include=["metadata"]):
        name = listed.get("metadata", {}).get(NAME)
        yield Place(name or listed["session_id"], "", None)


def copy(client: AgentRuntimeClient, source: Place, target: Place) -> None:
    """All of a thread under another name: by the store, where there is nothing under it yet."""
    try:
        client.fork_session(source.session_id, target.session_id, metadata=metadata_of(target))
    except NotFound:  # of nothing there is nothing to copy
        return
    except Conflict:
        _add(client, source, target)


def _add(client: AgentRuntimeClient, source: Place, target: Place) -> None:
    group: list[Any] = []
    size = 0
    # A checkpoint's key sorts before its values': so they come in the other direction.
    for record in client.iter_records(source.session_id, prefixes=[keys.PREFIX], reverse=True):
        group.append({"key": record["key"], "value": record["value"]})
        size += len(str(record["value"]))
        if size > 4 << 20 or len(group) == 1000:
            client.put_records(target.session_id, group)
            group, size = [], 0
    if group:
        client.put_records(target.session_id, group)
    begin(client, target)
