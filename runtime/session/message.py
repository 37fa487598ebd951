"""A chat message: what was sent is what comes back.

Rules:

- A message is any JSON object with a text `role`. Nothing else is asked of it, and nothing is
  taken away: every agent has members of its own.
- It is kept as a *body*: the message without `metadata`, and without an `id` that is the entry's
  key, encoded once, `role` and `content` first. Actors, the persister, the store and the answers
  pass these bytes on and never look inside.
- A history shows the form that the guide's clients can read: `content` is always text, and no
  member is null. Where a body is that already, `PLAIN` says so; others are transformed on the way
  out, and only there.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from attrs import frozen

from runtime.errors import InvalidInput, KeyConflict
from runtime.session.chain import digest_of
from runtime.session.encoding import check_tree, encode, replace_surrogates
from runtime.session.kind import Kind, New
from runtime.session.life import Life
from runtime.session.replies import Appended
from runtime.session.rules import MAX_KEY, check_key, check_role
from runtime.session.state import ANY, Condition, SessionState
from runtime.store import MESSAGE, NUMBER_ID, PLAIN, TEXT_ID


@frozen(kw_only=True)
class Message:
    """A message as most agents write it; any mapping with a role can stand in its place."""

    role: str
    content: Any = ""
    """Text, or a list of parts."""
    name: str | None = None
    tool_calls: Sequence[Mapping[str, Any]] | None = None
    tool_call_id: str | None = None
    metadata: Any = None
    """Anything else that is to be kept with the message; not part of the history."""
    id: str | int | None = None
    """The client's id of the message: sent again with it, it has one effect."""

    def as_sent(self) -> dict[str, Any]:
        """The message as a JSON object, without the members that were not given."""
        found: dict[str, Any] = {"role": self.role, "content": self.content}
        for name in ("name", "tool_calls", "tool_call_id", "metadata", "id"):
            value = getattr(self, name)
            if value is not None:
                found[name] = value
        return found


def from_python(message: Message | Mapping[str, Any]) -> New:
    """The entry of a message that was made by a program, and not read from JSON.

    Raises `InvalidInput`.
    """
    sent = message.as_sent() if isinstance(message, Message) else message
    check_tree(sent, "message")
    clean, replaced = sent, 0
    try:
        _encode_strictly(dict(sent))
    except (UnicodeEncodeError, TypeError):  # a lone surrogate, or a mapping that is no dict
        clean, replaced = replace_surrogates(sent)
    except (OverflowError, ValueError):  # `from_json` says it better
        pass
    return from_json(clean, replaced=replaced)


_encode_strictly = msgspec.json.Encoder().encode


def from_json(message: Any, where: str = "message", *, replaced: int = 0) -> New:
    """The entry of a message whose `id` is its key. It is of plain JSON values.

    Raises `InvalidInput`, naming `where`.
    """
    rest = _object(message, where)
    key, form = None, 0
    sent_id = rest.get("id")
    # An empty id names nothing: it stays a member like others.
    if isinstance(sent_id, str) and sent_id:
        key, form = check_key(sent_id, f"{where}: id"), TEXT_ID
    elif isinstance(sent_id, int) and not isinstance(sent_id, bool):
        if not -_END_OF_NUMBERS < sent_id < _END_OF_NUMBERS:
            raise InvalidInput(f"{where}: id: must have at most {MAX_KEY} digits")
        key, form = check_key(str(sent_id), f"{where}: id"), NUMBER_ID
    elif sent_id is not None and sent_id != "":
        raise InvalidInput(f"{where}: id: must be text or an integer")
    if form:
        del rest["id"]
    return _new(rest, key, form, replaced, where)


_END_OF_NUMBERS = 10**MAX_KEY
"""Integers beyond it have too many digits; `str` would refuse the longest, in words of its own."""


def _object(message: Any, where: str) -> dict[str, Any]:
    if not isinstance(message, Mapping):
        raise InvalidInput(f"{where}: must be a JSON object with a role")
    try:
        check_role(message.get("role"))
    except InvalidInput as error:
        raise InvalidInput(f"{where}: {error}") from None
    return dict(message)


def _new(rest: dict[str, Any], key: str | None, form: int, replaced: int, where: str) -> New:
    metadata = None
    if "metadata" in rest:
        metadata = encode(rest.pop("metadata"), f"{where}: metadata")
    body = {"role": rest.pop("role")}
    if "content" in rest:
        body["content"] = rest.pop("content")
    body.update(rest)
    if _is_plain(body):
        form |= PLAIN
    return New(MESSAGE, key, encode(body, where), metadata, form, replaced)


def _is_plain(body: Mapping[str, Any]) -> bool:
    return (
        isinstance(body.get("content"), str)
        and isinstance(body.get("name", ""), str)
        and "id" not in body
        and None not in body.values()
    )


# -- the kind ----------------------------------------------------------------------------------


class MessageKind(Kind):
    """Messages. That they are counted, and cut out for histories, is the life's own."""

    name = MESSAGE
    is_content = True

    def make(self, key: str | None, body: Any) -> New:
        """A message of a call of several entries: its key is the entry's, and `id` a member."""
        rest = _object(body, "message")
        form = 0
        if key is not None:
            check_key(key, "key")
            if rest.get("id") == key:
                form = TEXT_ID
                del rest["id"]
        return _new(rest, key, form, 0, "message")


def append(
    state: SessionState,
    messages: Sequence[New],
    *,
    at: str,
    create: bool = True,
    condition: Condition = ANY,
) -> Appended:
    """Appends the messages that are not known yet; the first message makes a session live.

    Raises `SessionNotFound` if the session is absent and `create` is false, `InvalidInput` for no
    message at all, `KeyConflict`, `PreconditionFailed`, `Needs`.
    """
    if not messages:
        raise InvalidInput("messages: at least one is needed")
    if not create:
        state.present()
    seqs, fresh = number(state.life, messages)
    if fresh:
        state.check(condition)
        state.write(fresh, at)
    life = state.present()
    return Appended(
        session_id=state.session_id,
        seqs=seqs,
        message_count=life.message_count,
        version=life.version,
        durable_seq=state.durable_seq,
        repeated=not fresh,
        replaced=sum([message.replaced for message in messages]),
        tag=life.tag,
    )


def number(life: Life | None, news: Sequence[New]) -> tuple[Sequence[int], Sequence[New]]:
    """Each entry's number, and the entries that are new. Changes nothing.

    Raises `KeyConflict`, `Needs`.
    """
    last = life.version if life else 0
    if life is not None:
        life.need_keys((new.kind, new.key) for new in news if new.key is not None)
    seqs: list[int] = []
    fresh: list[New] = []
    fresh_keys: dict[str, int] = {}
    for new in news:
        seq = None
        if new.key is not None:
            seq = (life.seq_of(new.kind, new.key) if life else None) or fresh_keys.get(new.key)
            if seq is not None:
                known = fresh[seq - last - 1].digest if seq > last else _digest_at(life, seq)
                if known != new.digest:
                    raise KeyConflict(new.kind, new.key, seq if seq <= last else None)
        if seq is None:
            fresh.append(new)
            seq = last + len(fresh)
            if new.key is not None:
                fresh_keys[new.key] = seq
        seqs.append(seq)
    return seqs, fresh


def _digest_at(life: Life | None, seq: int) -> bytes:
    assert life is not None, "only a life has numbers"
    return digest_of(life.entry(seq))
