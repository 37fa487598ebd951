"""The kind `settings`: a merge patch (RFC 7396) of a session's title, archived flag and metadata.

The first one, at a session's creation, also says the agent that it begins with; of a session that
was taken over, how many switches are known by their number only; of a fork, where it comes from. A
session that begins with a message has none. A change of settings is no activity, and no rewind
takes it back: what a session is called does not depend on what was said in it.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
from attrs import define, evolve, field
from msgspec import UNSET, Meta, Struct, UnsetType

from runtime.clock import milliseconds
from runtime.errors import InvalidInput
from runtime.session.bodies.encoding import encode, encode_exactly, replace_surrogates
from runtime.session.bodies.pointing import ANY_MEMBER
from runtime.session.kind import Fold, Kind, New, Searched, arrived_as
from runtime.session.kinds.message import number
from runtime.session.life import Life
from runtime.session.replies import Activity, Summary
from runtime.session.rules import check_agent, check_metadata, check_title
from runtime.session.state import ANY, Condition, SessionState
from runtime.store.entries import Entry
from runtime.store.stored import DEFAULT_AGENT, NEVER, Origin, Settings

SETTINGS = "settings"

_PLAIN = frozenset((str, int, float, bool, list))

_MEMBERS = {"title", "archived", "metadata"}


_Patched = tuple[str | None, bool, bytes]
"""Title, archived and metadata."""


@define
class SettingsFold(Fold):
    """The settings as they are now."""

    title: str | None = None
    archived: bool = False
    metadata: bytes = b"{}"
    agent: str = DEFAULT_AGENT
    forgotten_switches: int = 0
    last_switch_at: str | None = None
    forked_from: Origin | None = None
    _coming: tuple[bytes, _Patched] | None = field(default=None, eq=False)
    """The body of a patch that may come next, and what the settings will be then. To work that out
    takes milliseconds if it has thousands of members, and it is done before it is accepted."""

    def expect(self, body: bytes, patched: _Patched) -> None:
        """What the settings will be if the next entry is a patch with this body."""
        self._coming = body, patched

    def add(self, entry: Entry) -> None:
        coming, self._coming = self._coming, None
        if coming is not None and coming[0] is entry.body:
            self.title, self.archived, self.metadata = coming[1]
            return
        body = msgspec.json.decode(entry.body)
        if "title" in body:
            self.title = body["title"]
        if "archived" in body:
            self.archived = bool(body["archived"])
        if "metadata" in body:
            # What a session begins with is no patch: a member that is null stays.
            whole = entry.seq == 1 and isinstance(body["metadata"], Mapping)
            self.metadata = (
                encode(body["metadata"], "metadata")
                if whole
                else merged(self.metadata, body["metadata"])
            )
        if "agent" in body:
            self.agent = body["agent"]
        if "forgotten_switches" in body:
            self.forgotten_switches = body["forgotten_switches"]
            self.last_switch_at = body.get("last_switch_at")
        if "forked_from" in body:
            self.forked_from = Origin(**body["forked_from"])

    def resume(self, settings: Settings, first: Sequence[Entry]) -> bool:
        for entry in first:
            self.add(entry)
        self.title = settings.title
        self.archived = settings.archived
        self.metadata = settings.metadata
        self.forked_from = settings.forked_from
        return True

    def copy(self) -> "SettingsFold":
        return evolve(self)

    def describe(self, header: dict[str, Any]) -> None:
        header["current_agent"] = self.agent
        header["switch_count"] = self.forgotten_switches
        header["last_switch_at"] = self.last_switch_at

    def describe_settings(self, settings: dict[str, Any]) -> None:
        settings["title"] = self.title
        settings["archived"] = self.archived
        settings["metadata"] = self.metadata
        settings["forked_from"] = self.forked_from

    def view(self) -> Any:
        return {
            "title": self.title,
            "archived": self.archived,
            "metadata": msgspec.json.decode(self.metadata),
        }


class SettingsKind(Kind):
    """Titles, flags and metadata."""

    name = SETTINGS
    redactable = (("title",), ("metadata", ANY_MEMBER))
    is_rewound = False
    is_activity = False
    is_rare = True
    fold = SettingsFold

    def propose(self, life: Life, key: str | None, body: Any) -> New:
        """A merge patch of the three members."""
        if not isinstance(body, Mapping) or body.keys() - _MEMBERS:
            raise InvalidInput(f"settings: the body may have {', '.join(sorted(_MEMBERS))}")
        if key is not None:
            raise InvalidInput("settings: an entry of this kind has no key")
        return patch_entry(life, body)[0]

    def searched(self, body: bytes) -> Searched | None:
        patch = msgspec.json.decode(body)
        return Searched(None, str(patch["title"] or "")) if "title" in patch else None

    def arrived(self, key: str | None, text: bytes) -> New:
        if key is not None:
            raise InvalidInput("settings: an entry of this kind has no key")
        return arrived_as(SETTINGS, None, text, _Kept)

    def check_place(self, life: Life, new: New) -> None:
        origin = origin_in(new)
        if origin is not None and origin.at != life.version:
            raise InvalidInput(
                f"settings: forked_from.at: must be the number of the entry before, {life.version}"
            )


class _Origin(Struct, forbid_unknown_fields=True):
    session_id: str
    at: Annotated[int, Meta(ge=1)]


class _Kept(Struct, forbid_unknown_fields=True):
    """What an entry may say, those of what was created, taken over or forked included."""

    title: str | UnsetType | None = UNSET
    archived: bool | UnsetType = UNSET
    metadata: dict[str, Any] | UnsetType | None = UNSET
    agent: str | UnsetType = UNSET
    forgotten_switches: Annotated[int, Meta(ge=0, le=2**53)] | UnsetType = UNSET
    last_switch_at: str | UnsetType | None = UNSET
    forked_from: _Origin | UnsetType = UNSET


def origin_in(new: New) -> Origin | None:
    """Where a fork comes from that begins with this entry."""
    if b'"forked_from"' not in new.body:
        return None
    body = msgspec.json.decode(new.body)  # metadata may have such a member, too
    return Origin(**body["forked_from"]) if "forked_from" in body else None


def merged(metadata: bytes, patch: Any) -> bytes:
    """The metadata with a merge patch applied; `null` empties it. Raises `InvalidInput`."""
    if patch is None:
        return b"{}"
    if not isinstance(patch, Mapping):
        raise InvalidInput("metadata: must be a JSON object, or null")
    return encode(_merge(msgspec.json.decode(metadata), patch), "metadata")


def patch_entry(life: Life, patch: Mapping[str, Any]) -> tuple[New, bool]:
    """The entry of a patch, and whether it changes something.

    Raises `InvalidInput` if the result breaks a rule.
    """
    fold = life.folds[SETTINGS]
    assert isinstance(fold, SettingsFold)
    body: dict[str, Any] = {}
    title, archived, metadata = fold.title, fold.archived, fold.metadata
    if "title" in patch:
        body["title"] = title = check_title(patch["title"])
    if "archived" in patch:
        if not isinstance(patch["archived"], bool | None):
            raise InvalidInput("archived: must be true or false")
        body["archived"] = archived = bool(patch["archived"])
    if "metadata" in patch:
        metadata = merged(fold.metadata, patch["metadata"])
        # The first entry of a session is kept whole, with what a patch would take out.
        check_metadata(encode(patch["metadata"], "metadata") if life.version == 0 else metadata)
        body["metadata"] = patch["metadata"]
    try:
        text = encode_exactly(body, "settings")
    except UnicodeEncodeError:  # what is kept is what it is compared as: names may be others then
        return patch_entry(life, replace_surrogates(patch)[0])
    patched = title, archived, metadata
    if life.version > 0:  # what comes first is no patch
        fold.expect(text, patched)
    return New(SETTINGS, None, text), patched != (fold.title, fold.archived, fold.metadata)


def first_entry(
    *,
    agent: str = DEFAULT_AGENT,
    title: str | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> New:
    """The entry with which a session is created. Raises `InvalidInput`."""
    body: dict[str, Any] = {"agent": check_agent(agent)}
    if title is not None:
        body["title"] = check_title(title)
    if metadata:
        check_metadata(encode(metadata, "metadata"))
        body["metadata"] = metadata
    return New(SETTINGS, None, encode(body, "settings"))


def create(state: SessionState, first: New, messages: list[New], *, at: str) -> Summary:
    """Makes the session live, with these entries.

    Raises `SessionExists`, `InvalidInput`, `KeyConflict`.
    """
    state.new_life(at)
    state.write([first, *number(None, messages)[1]], at)
    return summary(state, at)


def update(
    state: SessionState, patch: Mapping[str, Any], *, at: str, condition: Condition = ANY
) -> Summary:
    """Merges `patch` into the settings; a patch that changes nothing is no entry.

    Raises `SessionNotFound`, `InvalidInput`, `PreconditionFailed`.
    """
    life = state.present()
    new, changes = patch_entry(life, patch)
    if changes:
        # Not before: who repeats what has been done is no stale writer.
        state.check(condition)
        state.write([new], at)
    return summary(state, at)


def summary(state: SessionState, at: str, *, repeated: bool = False) -> Summary:
    """The session's header, at this moment. Raises `SessionNotFound`."""
    life = state.present()
    header, settings = life.header(), life.settings()
    return Summary(
        session_id=state.session_id,
        version=life.version,
        durable_seq=state.durable_seq,
        tag=life.tag,
        title=settings.title,
        archived=settings.archived,
        metadata_json=settings.metadata,
        created_at=header.created_at,
        last_activity=header.last_activity,
        message_count=header.message_count,
        current_agent=header.current_agent,
        activity=_activity(state, at),
        is_passing=life.standing.lease is not None or 0 < life.standing.waits_until < NEVER,
        forked_from=settings.forked_from,
        repeated=repeated,
    )


def _activity(state: SessionState, at: str) -> Activity:
    life = state.present()
    if life.holder(state.now) is not None:
        return "running"
    until = life.standing.waits_until
    return "waiting" if until and until > milliseconds(at) else "idle"


def _merge(target: dict[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**target, **patch}
    for name, value in patch.items():
        # What nearly all values are comes first: to ask for the abstract `Mapping` takes longer.
        if type(value) in _PLAIN:
            continue
        if value is None:
            del merged[name]
        elif isinstance(value, Mapping):
            inner = target.get(name)
            merged[name] = _merge(inner if isinstance(inner, dict) else {}, value)
    return merged
