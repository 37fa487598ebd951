"""What the SDK's list shows of a session: a fold of its log, made when somebody asks for it.

The SDK's own way is to fold at each append, which would read, fold and write the summary for each
batch of lines. Here who lists folds what has come since the last list, and keeps the result in the
session's metadata, with the number of the last entry that is in it. So it cannot fall behind the
log, and appends pay nothing for it.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from attrs import frozen
from claude_agent_sdk import fold_session_summary

from web.clients.calls.shapes import Entry, Listed
from web.clients.claude_agent_sdk.lines import FRAMEWORK
from web.clients.claude_agent_sdk.names import NAME, name_in
from web.clients.claude_agent_sdk.reading import lines_of
from web.clients.client import AgentRuntimeClient
from web.clients.errors import AgentRuntimeError, NotFound
from web.clients.shared.conversation import KINDS, Item

INCLUDED = ("metadata", "version")
"""Members of the header that a list has to have."""


@frozen
class Summaries:
    """Summaries of the sessions of lists."""

    _client: AgentRuntimeClient

    def of(self, project_key: str, listed: Listed) -> dict[str, Any] | None:
        """A session's summary, as the SDK has it. `None`: it has been deleted meanwhile."""
        kept = json.loads(listed["metadata"][NAME].get("summary", "null"))
        name = name_in(listed["metadata"], "session_id")
        summary = {"session_id": name, "mtime": mtime(listed), "data": {}}
        through = 0
        if kept is not None:
            summary["data"], through = kept["data"], kept["through"]
            # The one entry after it is the one that kept it.
            if listed["version"] <= through + 1:
                return summary
        try:
            entries = list(self._since(listed["session_id"], through))
            if any(entry["kind"] == "rewind" for entry in entries):
                # What was taken back may be in what was kept.
                summary["data"] = {}
                items = list(FRAMEWORK.items(self._client, listed["session_id"]))
            else:
                found = (self._whole(listed["session_id"], entry) for entry in entries)
                items = [item for item in found if item is not None]
        except NotFound:
            return None
        key = {"project_key": project_key, "session_id": name}
        lines = list(lines_of(listed["session_id"], items))
        folded: dict[str, Any] = fold_session_summary(summary, key, lines)
        read = entries[-1]["seq"] if entries else 0
        self._keep(listed["session_id"], folded["data"], max(listed["version"], read))
        return folded

    def _whole(self, session_id: str, entry: Entry) -> Item | None:
        return FRAMEWORK.whole(self._client, session_id, entry)

    def _since(self, session_id: str, through: int) -> Iterator[Entry]:
        return self._client.iter_log(
            session_id, after=through, kinds=(*KINDS, "rewind"), key_prefix=FRAMEWORK.prefix
        )

    def _keep(self, session_id: str, data: dict[str, Any], through: int) -> None:
        # As a text: a merge patch of an object would leave members that are no longer in it.
        summary = json.dumps({"through": through, "data": data})
        try:
            self._client.patch_session(session_id, {"metadata": {NAME: {"summary": summary}}})
        except AgentRuntimeError:
            return  # the next list folds it again: this one's answer does not depend on it


def mtime(listed: Listed) -> int:
    """When something was last said in a session, in milliseconds since 1970."""
    return round(datetime.fromisoformat(listed["last_activity"]).timestamp() * 1000)
