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

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import frozen

from runtime.errors import InvalidInput, KeyConflict
from runtime.session.bodies.encoding import (
    check_tree,
    encode,
    encode_exactly,
    parse,
    replace_surrogates,
)
from runtime.session.bodies.large import LargeMessage
from runtime.session.bodies.normal import is_text
from runtime.session.bodies.pieces import WHOLE
from runtime.session.bodies.texts import role_of, texts_of
from runtime.session.entries.chain import digest_of
from runtime.session.kind import Kind, New, Searched
from runtime.session.life import Life
from runtime.session.replies import Appended
from runtime.session.rules import MAX_KEY, check_key, check_role
from runtime.session.state import ANY, Condition, SessionState
from runtime.store.entries import MESSAGE, NUMBER_ID, PLAIN, TEXT_ID


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
    try:
        return _from(sent, "message", 0, encode_exactly)
    except (UnicodeEncodeError, InvalidInput):
        # It may be a lone surrogate, or a mapping that is no dict.
        clean, replaced = replace_surrogates(sent)
        return from_json(clean, replaced=replaced)


def from_json(message: Any, where: str = "message", *, replaced: int = 0) -> New:
    """The entry of a message whose `id` is its key. It is of plain JSON values.

    Raises `InvalidInput`, naming `where`.
    """
    return _from(message, where, replaced, encode)


def _from(message: Any, where: str, replaced: int, encoded: Callable[[object, str], bytes]) -> New:
    rest = _object(message, where)
    key, form = _key_of(rest.get("id"), where)
    if form:
        del rest["id"]
    return _new(rest, key, form, replaced, where, encoded)


def from_text(text: bytes, where: str = "message") -> New:
    """The entry of a message that is JSON, of any size; its `id` is its key.

    Raises `InvalidInput`, naming `where`.
    """
    if len(text) <= WHOLE:
        message, replaced = parse(text, where)
        return from_json(message, where, replaced=replaced)
    sent = LargeMessage.read(text, where, lambda sent_id: bool(_key_of(sent_id, where)[1]))
    return _new_of(sent, *_key_of(sent.id, where), where)


def _key_of(sent_id: Any, where: str) -> tuple[str | None, int]:
    """The key that an id is, and how it is written."""
    # An empty id names nothing: it stays a member like others.
    if sent_id is None or sent_id == "":
        return None, 0
    if is_text(sent_id):
        return check_key(sent_id, f"{where}: id"), TEXT_ID
    if not isinstance(sent_id, int) or isinstance(sent_id, bool):
        raise InvalidInput(f"{where}: id: must be text or an integer")
    if not -_END_OF_NUMBERS < sent_id < _END_OF_NUMBERS:
        raise InvalidInput(f"{where}: id: must have at most {MAX_KEY} digits")
    return check_key(str(sent_id), f"{where}: id"), NUMBER_ID


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


def _new(
    rest: dict[str, Any],
    key: str | None,
    form: int,
    replaced: int,
    where: str,
    encoded: Callable[[object, str], bytes] = encode,
) -> New:
    metadata = None
    if "metadata" in rest:
        metadata = encoded(rest.pop("metadata"), f"{where}: metadata")
    body = {"role": rest.pop("role")}
    if "content" in rest:
        body["content"] = rest.pop("content")
    body.update(rest)
    if _is_plain(body):
        form |= PLAIN
    return New(MESSAGE, key, encoded(body, where), metadata, form, replaced)


def _is_plain(body: Mapping[str, Any]) -> bool:
    return (
        is_text(body.get("content"))
        and isinstance(body.get("name", ""), str)
        and "id" not in body
        and None not in body.values()
    )


def _new_of(sent: LargeMessage, key: str | None, form: int, where: str) -> New:
    """As `_new`."""
    metadata = None
    if "metadata" in sent.front:
        metadata = encode(sent.front["metadata"], f"{where}: metadata")
    if sent.is_plain:
        form |= PLAIN
    return New(MESSAGE, key, sent.body(where), metadata, form, sent.replaced)


# -- the kind ----------------------------------------------------------------------------------


class MessageKind(Kind):
    """Messages. That they are counted, and cut out for histories, is the life's own."""

    name = MESSAGE

    def read(self, key: str | None, text: bytes) -> tuple[New, Any, int]:
        if len(text) <= WHOLE:
            body, replaced = parse(text, "body")
            return self.make(key, body), None, replaced
        if key is not None:
            check_key(key, "key")
        sent = LargeMessage.read(
            text, "message", lambda sent_id: key is not None and sent_id == key
        )
        is_key = key is not None and sent.id == key
        new = _new_of(sent, key, TEXT_ID if is_key else 0, "message")
        return new, None, sent.replaced

    def searched(self, body: bytes) -> Searched:
        return Searched(role_of(body), texts_of(body))

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
    seqs, fresh = told_apart(state, messages, create=create, condition=condition)
    if fresh:
        state.write(fresh, at)
    return appended(state, messages, seqs, repeated=not fresh)


def told_apart(
    state: SessionState, messages: Sequence[New], *, create: bool, condition: Condition
) -> tuple[Sequence[int], Sequence[New]]:
    """Each message's number, and those that `append` has to write. Raises as that does."""
    if not messages:
        raise InvalidInput("messages: at least one is needed")
    if not create:
        state.present()
    seqs, fresh = number(state.life, messages)
    if fresh:
        state.check(condition)
    return seqs, fresh


def appended(
    state: SessionState, messages: Sequence[New], seqs: Sequence[int], *, repeated: bool
) -> Appended:
    """The answer to these messages, which have these numbers."""
    life = state.present()
    return Appended(
        session_id=state.session_id,
        seqs=seqs,
        message_count=life.message_count,
        version=life.version,
        durable_seq=state.durable_seq,
        repeated=repeated,
        replaced=sum([message.replaced for message in messages]),
        tag=life.tag,
    )


def number(life: Life | None, news: Sequence[New]) -> tuple[Sequence[int], Sequence[New]]:
    """Each entry's number, and the entries that are new. Changes nothing.

    Raises `KeyConflict`, `Needs`.
    """
    last = life.version if life else 0
    keyed = [(new.kind, new.key) for new in news if new.key is not None]
    if keyed and life is not None:
        life.need_keys(keyed)
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
