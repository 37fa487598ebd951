"""What a context is made of, as it is at one moment: the messages that a model may be told.

The actor only says which they are. Reading them, and making a context of them, is done outside of
it: that may take long, and as entries do not change, nobody has to wait.
"""

from collections.abc import Iterator, Sequence
from itertools import chain, islice

from attrs import frozen

from runtime.session.context.reading import speaker_of
from runtime.session.entries.forms import sent
from runtime.session.entries.stretch import Stretch
from runtime.session.kinds.compaction import present_compaction
from runtime.session.life import Life
from runtime.session.replies import Reply
from runtime.session.state import SessionState
from runtime.store.entries import MESSAGE

MAX_INSTRUCTIONS = 16
"""Messages of the system at a session's beginning that are told in any case: a prompt, in parts."""


@frozen(kw_only=True)
class Telling(Reply):
    """The messages that count, apart by what becomes of them."""

    instructions: Sequence[bytes]
    """Those of the system with which the session begins, as JSON."""
    summary: bytes | None
    """What is told in the place of `earlier`."""
    earlier: Stretch
    """Those that a summary stands for."""
    messages: Stretch
    """The others."""


def telling(state: SessionState) -> Telling:
    """All of it. Raises `SessionNotFound`, `Needs`."""
    life = state.present()
    compaction = present_compaction(life)
    instructions: list[bytes] = []
    first = 1
    for seq in islice(_messages(life), MAX_INSTRUCTIONS):
        # One by one: there is seldom more than one, and what follows may be long.
        life.log.need([seq])
        entry = life.entry(seq)
        if speaker_of(entry.body) != "system":
            break
        instructions.append(sent(entry))
        first = seq + 1
    through = 0 if compaction is None else compaction.through
    told = life.messages()
    return Telling(
        session_id=state.session_id,
        version=life.version,
        durable_seq=state.durable_seq,
        tag=life.tag,
        instructions=instructions,
        summary=None if compaction is None else compaction.summary,
        earlier=told.between(first, through),
        messages=told.between(max(first, through + 1), life.version),
    )


def _messages(life: Life) -> Iterator[int]:
    """The numbers of those that count, the oldest first."""
    where = life.counting_between(MESSAGE, 1, life.version)
    return chain.from_iterable(life.log.of_kind(MESSAGE, *interval) for interval in where)
