"""A session that is longer than what of it stays in memory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from runtime import Runtime, Session
from runtime.session.life import Life
from tests.runtime.fakes import FakeStore, running, user

LIMIT = 1_000
"""Bytes of a session that stay in memory: some fifteen short messages."""


def life_of(runtime: Runtime) -> Life:
    """What of session `s` is in memory."""
    state = runtime._parts.directory.actor("s").session
    assert state is not None
    return state.present()


@asynccontextmanager
async def grown(store: FakeStore, *, again: bool = False) -> AsyncIterator[Session]:
    """Session `s`: messages `m1` to `m60`, and records `k/1` to `k/10` early among them.

    As it is after the last commit, or, `again`, after a restart.
    """
    async with running(store) as runtime:
        session = runtime.session("s")
        for n in range(1, 61):
            await session.append(user(f"text {n}", f"m{n}"), durable=True)
            if n <= 10:
                await session.put_records({f"k/{n}": n}, id=f"call {n}", durable=True)
        assert life_of(runtime).log.tail.first > 40
        if not again:
            store.finds.clear()
            yield session
            return
    async with running(store) as runtime:
        store.finds.clear()
        yield runtime.session("s")
