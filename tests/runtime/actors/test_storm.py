"""Everything at once: callers, crashes, cancellations, clean-ups and a store that fails."""

import logging
import random
from contextlib import suppress
from datetime import timedelta
from typing import Any

import trio
from attrs import define, field
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime import AgentRuntimeError, Runtime
from tests.properties import examples
from tests.runtime.fakes import (
    Crash,
    FakeStore,
    error_of,
    mock_run,
    patient_threads,
    running,
    stored,
    unavailable,
    until_quiet,
    user,
)


class Errors(logging.Handler):
    """Keeps what is logged with a traceback."""

    def __init__(self) -> None:
        super().__init__()
        self.kinds: set[type[BaseException] | None] = set()

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info:
            self.kinds.add(record.exc_info[0])


@define
class Storm:
    """Callers, crashes, cancellations, sweeps, cleanups and a store that fails, in any order."""

    chance: random.Random
    store: FakeStore = field(factory=FakeStore)
    certain: set[tuple[str, str]] = field(factory=set)
    """What was acknowledged."""
    cleaned: int = 0
    _over: bool = False

    async def pause(self) -> None:
        await trio.sleep(self.chance.choice([0, 0, 0.0005, 0.001, 0.005, 0.02]))

    async def talk(self, runtime: Runtime, name: str, who: int) -> None:
        for n in range(6):
            content = f"{who}-{n}"
            while (name, content) not in self.certain:
                durable = self.chance.random() < 0.5
                with trio.move_on_after(self.chance.choice([0.0, 0.001, 1000])):
                    if not await error_of(
                        runtime.session(name).append(user(content, content), durable=durable)
                    ):
                        self.certain.add((name, content))
                await self.pause()

    async def crash(self, runtime: Runtime, name: str) -> None:
        while not self._over:
            with suppress(AgentRuntimeError):
                await runtime._parts.directory.ask(name, Crash())
            await trio.sleep(self.chance.choice([0.001, 0.01, 0.05]))

    async def fail(self) -> None:
        while not self._over:
            self.store.commit_error = self.chance.choice([None, unavailable()])
            self.store.load_error = self.chance.choice([None, None, unavailable()])
            self.store.rejected = self.chance.choice([set(), set(), {"b"}])
            await trio.sleep(self.chance.choice([0.001, 0.01, 0.05]))

    async def clean(self, runtime: Runtime) -> None:
        while not self._over:
            with suppress(AgentRuntimeError):
                self.cleaned += await runtime.cleanup(timedelta(days=1))
            await self.pause()

    async def run(self, *, faults: bool, **config: Any) -> None:
        async with (
            running(
                self.store,
                backoff_initial=0.001,
                backoff_max=0.004,
                commit_timeout=0.05,
                **config,
            ) as runtime,
            trio.open_nursery() as around,
        ):
            around.start_soon(self.clean, runtime)
            if faults:
                around.start_soon(self.fail)
                around.start_soon(self.crash, runtime, "a")
            async with trio.open_nursery() as talks:
                for name in "abc":
                    for who in range(2):
                        talks.start_soon(self.talk, runtime, name, who)
            self._over = True
            await until_quiet()
            self.store.commit_error = self.store.load_error = None
            self.store.rejected = set()
            await trio.sleep(0.1)
            await runtime.flush()
            assert runtime.statistics().persister.undurable_bytes == 0


@settings(max_examples=examples(0.5))
@given(
    seed=st.integers(0, 2**32),
    faults=st.booleans(),
    idle_timeout=st.sampled_from([0.002, 0.01, 1]),
    mailbox_size=st.integers(1, 3),
    max_active=st.integers(1, 3),
    snapshot_interval=st.sampled_from([0, 0.001, 0.01]),
)
def test_in_any_order_of_things_every_message_has_one_effect(
    seed: int, faults: bool, **config: Any
) -> None:
    """And no session has two activations: that would trip the dirty set's assert, and be logged."""
    storm = Storm(random.Random(seed))  # noqa: S311
    storm.store.commit([stored(name, "old", active="2025-12-01T12:00:00.000Z") for name in "abcd"])
    errors = Errors()
    log = logging.getLogger("agent_runtime")
    log.addHandler(errors)
    try:
        with patient_threads():
            mock_run(lambda: storm.run(faults=faults, **config))
    finally:
        log.removeHandler(errors)
    assert errors.kinds <= {RuntimeError}, "not only our own bug"
    kept = {name: storm.store.texts(name) or [] for name in "abcd"}
    for name, contents in kept.items():
        assert len(contents) == len(set(contents)), "a message had two effects"
        assert {(name, content) for content in contents} - {(name, "old")} == {
            certain for certain in storm.certain if certain[0] == name
        }
    if not faults:  # a cleanup that fails has deleted some without telling how many
        assert storm.cleaned == sum("old" not in contents for contents in kept.values())
