"""Claude Code's sessions: JSON lines whose `message` is one as Anthropic's API has it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from web.formats.told import (
    Format,
    Line,
    Told,
    is_message,
    objects,
    record,
    settings,
    text,
    without,
)

_SAYING = ("user", "assistant")
_EVENTS = frozenset(
    (
        *("system", "summary", "attachment", "progress", "queue-operation", "last-prompt"),
        *("file-history-snapshot", "permission-mode", "mode", "agent-name", "custom-title"),
        *("ai-title", "frame-link", "pr-link", "started", "result", "relocated"),
        *("worktree-state", "bridge-session", "tag", "agent-color", "agent-setting"),
    )
)
"""Lines that are known to be no messages."""

_TITLES = {"summary": "summary", "ai-title": "aiTitle", "custom-title": "customTitle"}
"""Types of lines that say what the session is called, the later ones better, and the member."""


class ClaudeCode(Format):
    """Sessions, and those of subagents."""

    name = "claude-code"

    def __init__(self) -> None:
        self._cwd: str | None = None
        self._titled = -1
        self._counted: set[str] = set()
        """Ids of messages whose usage was told: each part of a message is a line, and has it."""

    @classmethod
    def fits(cls, first: Sequence[Any]) -> bool:
        return any(map(_is_ours, objects(first)))

    def session_id(self, first: Sequence[Any]) -> str | None:
        for value in objects(first):
            found = text(value.get("sessionId"))
            if found is None:
                continue
            agent = text(value.get("agentId"))
            return f"{found}/{agent}" if agent and value.get("isSidechain") is True else found
        return None

    def tell(self, line: Line) -> Iterator[Told]:
        value = line.value
        if not isinstance(value, Mapping):
            yield record(line, is_unknown=True)
            return
        at, type_ = value.get("timestamp"), value.get("type")
        yield from self._about(value, at)
        sent = value.get("message")
        if type_ in _SAYING and is_message(sent):
            assert isinstance(sent, Mapping)
            metadata = {**self._usage(sent), self.name: without(value, "message")}
            kept = without(sent, "metadata")
            if "metadata" in sent:
                metadata["metadata"] = sent["metadata"]
            key = text(value.get("uuid"))
            yield Told(kind="message", body={**kept, "metadata": metadata}, at=at, key=key)
            return
        yield record(line, at, is_unknown=type_ not in _EVENTS)

    def _about(self, value: Mapping[str, Any], at: object) -> Iterator[Told]:
        cwd = text(value.get("cwd"))
        if cwd is not None and self._cwd is None:
            self._cwd = cwd
            parent = {}
            if text(value.get("agentId")) and value.get("isSidechain") is True:
                parent = {"parent": value.get("sessionId")}
            yield settings(at, metadata={"cwd": cwd, **parent})
        member = _TITLES.get(str(value.get("type")))
        title = None if member is None else text(value.get(member))
        rank = list(_TITLES).index(str(value.get("type"))) if title else -1
        if title is not None and rank >= self._titled:
            self._titled = rank
            yield settings(at, title=title)

    def _usage(self, sent: Mapping[str, Any]) -> dict[str, Any]:
        usage, sent_id = sent.get("usage"), text(sent.get("id"))
        if not isinstance(usage, Mapping) or sent_id in self._counted:
            return {}
        if sent_id is not None:
            self._counted.add(sent_id)
        model = text(sent.get("model"))
        return {"usage": usage} if model is None else {"usage": usage, "model": model}


def _is_ours(value: Mapping[str, Any]) -> bool:
    if "sessionId" not in value or value.get("type") not in (*_SAYING, *_EVENTS):
        return False
    sent = value.get("message", {})
    return isinstance(sent, Mapping) and "parts" not in sent
