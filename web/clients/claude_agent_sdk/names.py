"""The session of a transcript, and what its metadata says of it.

Rules:

- A transcript's session is `project:session`, a subagent's is `project:session:subpath`: the SDK
  allows the same session's id in two projects.
- The true names are in the metadata. A subagent's session names its parent there, so lists of
  conversations leave it out.
- What a list asks for has a member of its own, as the service compares members and not what is in
  them; it is the project's name as a session's id would have it, so any name can be asked for.
"""

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from web.clients.names import session_id_of
from web.clients.shared.carrying import brought, carried

NAME = "claude_agent_sdk"

PROJECT = f"{NAME}.project"
PARENT = "parent"


@frozen
class Transcript:
    """A session's transcript, or that of one of its subagents."""

    project_key: str
    session_id: str
    subpath: str | None = None

    @classmethod
    def of(cls, key: Mapping[str, Any]) -> "Transcript":
        """What the SDK's key names."""
        return cls(key["project_key"], key["session_id"], key.get("subpath") or None)

    @property
    def main(self) -> "Transcript":
        """The session's own."""
        return Transcript(self.project_key, self.session_id)

    @property
    def key(self) -> dict[str, str]:
        """As the SDK has it."""
        key = {"project_key": self.project_key, "session_id": self.session_id}
        return key if self.subpath is None else {**key, "subpath": self.subpath}

    @property
    def id(self) -> str:
        """The id of its session here."""
        return session_id_of(*self.key.values())

    @property
    def metadata(self) -> dict[str, Any]:
        """What its session's metadata says of it."""
        said: dict[str, Any] = {
            NAME: {name: carried(value) for name, value in self.key.items()},
            PROJECT: session_id_of(self.project_key),
        }
        return said if self.subpath is None else {**said, PARENT: self.main.id}


def mains_of(project_key: str) -> dict[str, str]:
    """What the metadata of a project's sessions says, and not that of their subagents'."""
    return {PROJECT: session_id_of(project_key), PARENT: ""}


def subagents_of(transcript: Transcript) -> dict[str, str]:
    """What the metadata of a session's subagents says."""
    return {PROJECT: session_id_of(transcript.project_key), PARENT: transcript.main.id}


def name_in(metadata: Mapping[str, Any], member: str) -> str:
    """A true name: `session_id`, `subpath`."""
    found: str = brought(metadata[NAME][member])
    return found
