"""Turns against a plain list of who held when, through restarts and clocks that are set.

What the list knows is which turn holds, and until when: by the steady time of the process, or, from
a restart on, by what was left by the clock. Every write says under which number it was made.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
from attrs import define, evolve
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from persistence.memory import MemoryStore
from persistence.sqlite.store import SQLiteStore
from runtime.clock import later, milliseconds
from runtime.errors import CallerError, NoTurn, PreconditionFailed, SessionNotFound, TurnHeld
from runtime.session.kinds import turn
from runtime.session.kinds.message import append, from_json
from runtime.session.kinds.rewind import rewind
from runtime.session.kinds.table import KINDS
from runtime.session.life import Moment
from runtime.session.state import Condition, SessionState
from tests.properties import examples
from tests.runtime.session.builders import NOON, commit
from tests.test_model import Side

HOLDERS = st.sampled_from(["one", "two", "three"])
TTLS = st.sampled_from([1, 5, 60])


@define
class Held:
    """The newest turn of the list."""

    number: int
    holder: str
    until: float
    """By the steady time."""
    ends_at: int
    """By the clock, in milliseconds."""
    ttl: float
    stopped: bool = False
    ended: bool = False


class TurnsAndAList(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        path = Path(self.folder.name, "sessions.db")
        self.sides = [
            Side(MemoryStore()),
            Side(SQLiteStore.open(path)),
            Side(MemoryStore(), 0),
        ]
        self.now = 0.0
        self.at = NOON
        self.held: Held | None = None
        self.kept: Held | None = None
        """As the stores have it."""
        self.given: list[int] = []
        """All numbers that were ever told: nobody is told of one that is not on disk."""
        self.turn_entries = 0
        self.writes: list[int | None] = []
        """The number under which each message was written."""
        self.kept_counts: tuple[int, int, int] = 0, 0, 0

    def teardown(self) -> None:
        for side in self.sides:
            side.store.close()
        self.folder.cleanup()

    # -- steps -------------------------------------------------------------------------------

    @initialize()
    def begin(self) -> None:
        for side in self.sides:
            side.states["s"] = SessionState(session_id="s", kinds=KINDS)
        self.write(None, valid=True)
        self.write_down()

    def ask(self, command: Any) -> Any:
        """What all of them answer, or the class of what they raise."""
        found = []
        for side in self.sides:
            state = side.states["s"]
            state.now = self.now
            try:
                found.append(side.ask(state, command))
            except CallerError as error:
                found.append(type(error))
        first = found[0]
        if isinstance(first, type):
            assert found == [first] * len(found)
        else:
            assert [type(one) for one in found] == [type(first)] * len(found)
        return first

    def holding(self) -> Held | None:
        held = self.held
        return held if held and not held.ended and self.now < held.until else None

    @rule(holder=HOLDERS, ttl=TTLS, which=st.sampled_from(["none", "present", "old"]))
    def take(self, holder: str, ttl: float, which: str) -> None:
        number = self.number(which)
        condition = Condition(turn=number)
        found = self.ask(
            lambda state: turn.take(state, holder, ttl, at=self.at, condition=condition)
        )
        held = self.holding()
        if number is not None and (held is None or held.number != number):
            assert found is PreconditionFailed
        elif held is not None and held.holder != holder:
            assert found is TurnHeld
        else:
            if held is None:
                assert found.begun
                assert found.number > max(self.given, default=0)
                self.given.append(found.number)
                self.turn_entries += 1
            else:
                assert (found.begun, found.number) == (False, held.number)
            self.held = Held(
                found.number,
                holder,
                self.now + ttl,
                milliseconds(later(self.at, ttl)),
                ttl,
                held is not None and held.stopped,
            )

    @rule(which=st.sampled_from(["present", "old"]))
    def end(self, which: str) -> None:
        number = self.number(which) or 0
        found = self.ask(lambda state: turn.end(state, number, at=self.at))
        if self.held is None or number != self.held.number:
            assert found is PreconditionFailed
        else:
            self.turn_entries += not self.held.ended
            self.held = evolve(self.held, ended=True)

    @rule()
    def cancel(self) -> None:
        found = self.ask(lambda state: turn.cancel(state, at=self.at))
        held = self.holding()
        if held is None:
            assert found is NoTurn
        else:
            assert found.stop is not None
            self.turn_entries += not held.stopped
            self.held = evolve(held, stopped=True)

    @rule(which=st.sampled_from(["none", "present", "old"]))
    def say(self, which: str) -> None:
        number, held = self.number(which), self.holding()
        valid = number is None or (held is not None and held.number == number)
        self.write(number, valid=valid)

    def write(self, number: int | None, *, valid: bool) -> None:
        new = from_json({"role": "user", "content": f"{number}"})
        found = self.ask(
            lambda state: append(state, [new], at=self.at, condition=Condition(turn=number))
        )
        assert (found in (PreconditionFailed, SessionNotFound)) == (not valid)
        if valid:
            self.writes.append(number)

    @rule(place=st.integers(0, 99))
    def go_back(self, place: int) -> None:
        version = self.sides[0].states["s"].version
        self.ask(lambda state: rewind(state, 1 + place % version, at=self.at))

    @rule(seconds=st.sampled_from([0.5, 1, 4, 30, 61]))
    def let_time_pass(self, seconds: float) -> None:
        self.now += seconds
        self.at = later(self.at, seconds)

    @rule(seconds=st.sampled_from([-100_000, -10, 10, 100_000]))
    def set_the_clock(self, seconds: float) -> None:
        self.at = later(self.at, seconds)

    @rule()
    def write_down(self) -> None:
        for side in self.sides:
            commit(side.states["s"], side.store)  # type: ignore[arg-type]
        self.kept = evolve(self.held) if self.held else None
        self.kept_counts = self.turn_entries, len(self.writes), len(self.given)

    @rule(down=st.sampled_from([0, 3, 100]))
    def crash(self, down: float) -> None:
        """What was not written is gone; what is left of the turn is what is left by the clock."""
        self.at = later(self.at, down)
        self.now = 7.0  # another process's time has nothing to do with this one's
        for side in self.sides:
            side.states["s"] = side.loaded("s", Moment(self.now, self.at))
        self.turn_entries, writes, given = self.kept_counts
        del self.writes[writes:], self.given[given:]
        self.held = evolve(self.kept) if self.kept else None
        if self.held:
            left = (self.held.ends_at - milliseconds(self.at)) / 1000
            self.held.until = self.now + min(left, self.held.ttl)

    # -- what is compared --------------------------------------------------------------------

    def number(self, which: str) -> int | None:
        if which == "none":
            return None
        if which == "present":
            return self.held.number if self.held else 1
        return self.given[-2] if len(self.given) > 1 else 1

    @invariant()
    def who_holds_is_who_holds_in_the_list(self) -> None:
        held = self.holding()
        for side in self.sides:
            state = side.states.get("s")
            if state is None or state.life is None:
                continue
            assert state.life.holder(self.now) == (held.number if held else None)
            if held is not None:
                state.now = self.now
                found = turn.current(state)
                assert (found.holder, found.stop is not None) == (held.holder, held.stopped)

    @invariant()
    def nothing_was_written_under_an_old_number(self) -> None:
        for side in self.sides:
            state = side.states.get("s")
            if state is None or state.life is None or state.life.log.tail.first != 1:
                continue
            log = state.life.log
            entries = [log.entry(seq) for seq in log.of_kind("message", 1, log.last)]
            contents = [msgspec.json.decode(entry.body)["content"] for entry in entries]
            assert contents == [f"{number}" for number in self.writes]
            assert len(list(log.of_kind("turn", 1, log.last))) == self.turn_entries


TestTurnsAndAList = TurnsAndAList.TestCase
TestTurnsAndAList.settings = settings(max_examples=examples(0.6), stateful_step_count=30)
