"""Drafts against plain texts: whatever is done, and whatever becomes of the commits between.

The state and a store are driven by hand: no task runs, so every sequence of steps can be tried, and
one that fails be shrunk. After every step the session says what the model says; after a restart it
says what the model said when the last commit that was done was taken.
"""

from copy import deepcopy
from typing import Any

import msgspec
import pytest
from attrs import define, field
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from persistence import MemoryStore
from runtime.errors import CallerError, DraftConflict, WrongOffset
from runtime.session.asked import calls, drafting
from runtime.session.drafts.draft import SILENCE
from runtime.session.kinds.rewind import rewind
from runtime.session.kinds.table import KINDS
from runtime.session.state import SessionState
from runtime.session.steps import at_once
from runtime.store.deltas import Delta
from runtime.store.stored import DraftChunk
from tests.properties import examples
from tests.runtime.session.builders import MOMENT, NOON, absent, back_to, said, say, user

KEYS = st.sampled_from(["a", "b", "7"])
PARTS = st.sampled_from(["content", "reasoning"])
TEXTS = st.sampled_from(["", "x", "yz", "🤔é", "long " * 10])


@define
class Plain:
    """A draft as one would write it down."""

    parts: dict[str, str] = field(factory=dict)
    heard: float = -SILENCE

    @property
    def offset(self) -> int:
        return sum(map(len, self.parts.values()))


class Drafting(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.store = MemoryStore()
        self.state = absent()
        say(self.state, user("hello"))
        self.plain: dict[str, Plain] = {}
        self.counting: list[str | None] = [None]
        """The keys of the messages that count, in their order."""
        self.under_way: tuple[Delta, dict[str, Plain], list[str | None]] | None = None
        self.stored: tuple[dict[str, Plain], list[str | None]] = {}, []
        self.take()
        self.settle()

    # -- steps -------------------------------------------------------------------------------

    @rule(key=KEYS, part=PARTS, text=TEXTS, off=st.sampled_from([None, 0, 0, 0, 1, -1]))
    def delta(self, key: str, part: str, text: str, off: int | None) -> None:
        plain = self.plain.get(key)
        has = plain.offset if plain else 0
        offset = None if off is None else max(0, has + off)
        new = drafting.new_text(key, text, part=part, offset=offset)
        if plain is None and key in self.counting:
            with pytest.raises(DraftConflict):
                drafting.append(self.state, new, at=NOON)
            return
        if offset not in (None, has):
            with pytest.raises(WrongOffset) as caught:
                drafting.append(self.state, new, at=NOON)
            assert caught.value.offset == has
            return
        found = drafting.append(self.state, new, at=NOON)
        assert (found.is_new, found.offset) == (plain is None, has + len(text))
        plain = self.plain.setdefault(key, Plain())
        plain.heard = self.state.now
        if text:
            plain.parts[part] = plain.parts.get(part, "") + text

    @rule(key=KEYS)
    def drop(self, key: str) -> None:
        drafting.drop(self.state, key)
        self.plain.pop(key, None)

    @rule(key=KEYS, number=st.booleans())
    def message(self, key: str, number: bool) -> None:
        if key in self.counting:
            return  # sent again, it changes nothing, or is refused
        say(self.state, user(key, int(key) if number and key == "7" else key))
        self.appended(key)

    @rule(keys=st.lists(KEYS | st.none(), min_size=1, max_size=3, unique=True))
    def entries(self, keys: list[str | None]) -> None:
        if any(key in self.counting for key in keys if key):
            return
        items = [said("x", key) for key in keys]
        at_once(calls.append_entries(self.state, items, at=NOON))
        for key in keys:
            self.appended(key)

    @rule(keys=st.lists(KEYS, min_size=1, max_size=3, unique=True))
    def refused(self, keys: list[str]) -> None:
        items = [*(said("other", key) for key in keys), back_to(2**20)]
        with pytest.raises(CallerError):
            at_once(calls.append_entries(self.state, items, at=NOON))

    def appended(self, key: str | None) -> None:
        self.counting.append(key)
        if key is not None:
            self.plain.pop(key, None)

    @rule()
    def go_back(self) -> None:
        rewind(self.state, 1, at=NOON)
        self.counting = [None]

    @rule(seconds=st.sampled_from([1.0, SILENCE / 2, SILENCE]))
    def wait(self, seconds: float) -> None:
        self.state.now += seconds

    @rule()
    def take(self) -> None:
        """A commit begins; one that had begun has failed."""
        delta = self.state.delta()
        self.under_way = delta, deepcopy(self.plain), list(self.counting)

    @precondition(lambda self: self.under_way is not None)
    @rule()
    def settle(self) -> None:
        assert self.under_way is not None
        delta, plain, counting = self.under_way
        committed = self.store.commit([delta])
        assert not committed.rejected
        self.state.mark_durable(delta, committed)
        self.stored, self.under_way = (plain, counting), None

    @rule()
    def restart(self) -> None:
        now = self.state.now
        self.state = SessionState.restored("s", KINDS, self.store.load("s"), MOMENT)
        self.state.now = now
        self.under_way = None
        plain, counting = self.stored
        self.plain, self.counting = deepcopy(plain), list(counting)
        for one in self.plain.values():
            one.heard = -float("inf")

    # -- what always holds -------------------------------------------------------------------

    @invariant()
    def it_says_what_the_model_says(self) -> None:
        found = {view.message_id: view for view in drafting.drafts_of(self.state)}
        assert {
            key: (view.parts, view.offset, view.interrupted) for key, view in found.items()
        } == {
            key: (plain.parts, plain.offset, self.state.now - plain.heard >= SILENCE)
            for key, plain in self.plain.items()
        }
        assert self.state.present().message_count == len(self.counting)

    @invariant()
    def what_the_store_has_follows_on_itself(self) -> None:
        stored = self.store.load("s")
        assert stored is not None
        found: dict[str, Any] = {}
        for chunk in stored.drafts:
            assert isinstance(chunk, DraftChunk)
            assert chunk.offset == found.get(chunk.key, 0)
            found[chunk.key] = chunk.offset + len("".join(_texts(chunk)))
        assert found == {key: plain.offset for key, plain in self.stored[0].items()}

    @invariant()
    def what_is_all_stored_is_durable(self) -> None:
        if self.state.durable_mark == self.state.mark:
            assert self.state.present().is_durable
            assert self.state.undurable_bytes == 0


def _texts(chunk: DraftChunk) -> list[str]:
    return [text for _, text in msgspec.json.decode(chunk.body)]


TestDrafting = Drafting.TestCase
TestDrafting.settings = hypothesis_settings(
    max_examples=examples(0.6), stateful_step_count=30, deadline=None
)
