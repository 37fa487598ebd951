"""What is done to drafts: they are added to, dropped, and looked at.

Rules:

- A delta is answered from memory, whatever the durability: what it adds is written at the snapshot
  interval, and a crash takes what came since.
- A delta is a text by itself. Half of a surrogate pair at its end, or at its beginning, is no
  character, and becomes U+FFFD: holding it back for the next delta would make `offset` a number of
  something that nobody has sent. A producer that cuts UTF-16 keeps that half for its next delta.
- A draft that there is can be added to, whatever counts: whether its message is there already is
  looked at where it begins, and a message that is appended later ends it.
"""

from attrs import frozen

from runtime.errors import DraftConflict, InvalidInput, WrongOffset
from runtime.session.bodies.encoding import replace_surrogates
from runtime.session.drafts.draft import (
    MAX_DELTA,
    MAX_DRAFT,
    MAX_DRAFTS,
    MAX_PART,
    MAX_PARTS,
    DraftView,
)
from runtime.session.life import Life
from runtime.session.rules import check_key, check_name, check_role
from runtime.session.state import ANY, ENTRY_OVERHEAD, Condition, SessionState
from runtime.store.entries import MESSAGE

CONTENT = "content"
"""The part that grows if none is named."""

ROLE = "assistant"
"""The role of a draft whose first delta says none."""


@frozen(kw_only=True)
class NewText:
    """What is to be added to a draft."""

    key: str
    text: str
    part: str
    role: str | None
    """`None`: the one that the draft has."""
    offset: int | None
    """How many characters the draft has to have before; `None`: any."""
    size: int
    """Bytes of the text."""
    replaced: int
    """Lone surrogates that became U+FFFD in it."""


@frozen(kw_only=True)
class Drafted:
    """The answer to a delta."""

    offset: int
    """Characters that the draft has now, in all its parts together."""
    is_new: bool
    """Whether it has begun with this."""
    replaced: int
    """Lone surrogates that became U+FFFD."""


def new_text(
    message_id: str,
    text: str,
    *,
    part: str = CONTENT,
    role: str | None = None,
    offset: int | None = None,
    replaced: int = 0,
) -> NewText:
    """A delta of these values. Raises `InvalidInput`."""
    check_key(message_id, "message_id")
    if part != CONTENT:
        check_name(part, "part", MAX_PART)
    if role is not None:
        check_role(role)
        role = replace_surrogates(role)[0]
    if not isinstance(text, str):
        raise InvalidInput("append: must be text")
    if len(text) > MAX_DELTA:
        raise InvalidInput(
            f"append: {len(text)} characters in one call, and the limit is {MAX_DELTA}; send it in "
            "parts"
        )
    if offset is not None and (
        not isinstance(offset, int) or isinstance(offset, bool) or offset < 0
    ):
        raise InvalidInput("offset: must be 0 or more: the number that the last answer gave")
    if text.isascii():
        size = len(text)
    else:
        try:
            size = len(text.encode())
        except UnicodeEncodeError:
            text, count = replace_surrogates(text)
            size, replaced = len(text.encode()), replaced + count
    return NewText(
        key=message_id,
        text=text,
        part=part,
        role=role,
        offset=offset,
        size=size,
        replaced=replaced,
    )


def append(state: SessionState, new: NewText, *, at: str, condition: Condition = ANY) -> Drafted:
    """Adds to a draft, which begins if there is none of this key.

    Raises `SessionNotFound`, `PreconditionFailed`, `DraftConflict` if the message is there already
    or the draft has another role, `WrongOffset`, `InvalidInput` for a limit, `Needs`.
    """
    life = state.present()
    if condition is not ANY:
        state.check(condition)
    draft = life.drafts.get(new.key)
    has = 0 if draft is None else draft.offset
    if draft is None:
        _check_begin(life, new)
    elif new.role is not None and new.role != draft.role:
        raise DraftConflict(
            f"Draft {new.key!r} has the role {draft.role!r}: leave role out, or drop the draft"
        )
    if new.offset is not None and new.offset != has:
        raise WrongOffset(new.key, new.offset, has)
    if has + len(new.text) > MAX_DRAFT:
        raise InvalidInput(
            f"append: draft {new.key!r} would have {has + len(new.text)} characters, and the limit "
            f"is {MAX_DRAFT}; send its message"
        )
    if draft is not None and new.text and draft.is_full_for(new.part):
        raise InvalidInput(
            f"part: draft {new.key!r} has {MAX_PARTS} parts, and that is the limit; add to one of "
            "them, or send its message"
        )
    is_new = draft is None
    if draft is None:
        draft = life.drafts.begin(new.key, new.role or ROLE)
    draft.heard, draft.at = state.now, at
    if new.text:
        draft.add(new.part, new.text, new.size)
    if is_new or new.text:
        state.written(life, new.size + is_new * ENTRY_OVERHEAD, firm=False)
    return Drafted(offset=draft.offset, is_new=is_new, replaced=new.replaced)


def drop(state: SessionState, key: str, *, condition: Condition = ANY) -> None:
    """Ends the draft of this key, if there is one.

    Raises `SessionNotFound`, `PreconditionFailed`.
    """
    life = state.present()
    state.check(condition)
    if key in life.drafts:
        life.drafts.end(key)
        state.written(life, len(key), firm=False)


def drafts_of(state: SessionState) -> list[DraftView]:
    """All drafts, the oldest first. Raises `SessionNotFound`."""
    return state.present().drafts.views(state.now)


def _check_begin(life: Life, new: NewText) -> None:
    seq = life.seq_of(MESSAGE, new.key)
    if seq is not None:
        raise DraftConflict(
            f"Message {new.key!r} is there already, as entry {seq}: there is nothing to draft"
        )
    if len(life.drafts) >= MAX_DRAFTS:
        oldest = next(iter(life.drafts.items()))[0]
        raise InvalidInput(
            f"drafts: there are {len(life.drafts)}, and the limit is {MAX_DRAFTS}; send the "
            f"message of one of them, or drop one, such as the oldest, {oldest!r}"
        )
