"""A session that comes from elsewhere: each store has it as it was, with its own times and root."""

from persistence import MemoryStore
from runtime import Listing, Message, MiB, RuntimeConfig, open_runtime
from runtime.store.store import Store
from tests.clock import Clock


async def some_sessions() -> list[bytes]:
    """Two exported ones, the younger one first."""
    clock = Clock()
    async with open_runtime(MemoryStore(), now=clock) as runtime:
        for session_id in ("older", "younger"):
            clock.advance(seconds=1)
            session = runtime.session(session_id)
            await session.create(title=session_id, metadata={"cwd": "/x", "n": 2**60})
            await session.append(
                *(Message(role="user", content="\0 x" * 10, id=str(n)) for n in range(30))
            )
            await session.put_records({"k": None}, id="call \0")
            await session.rewind(5)
            await session.approvals.ask("a", "Sure?")
        clock.advance(seconds=1)
        await runtime.session("older").fork("fork", at=9)
        return [
            await (await runtime.session(session_id).export()).whole()
            for session_id in ("fork", "younger", "older")
        ]


async def test_it_is_the_same_in_every_store(store: Store) -> None:
    files = await some_sessions()
    config = RuntimeConfig(durability="commit", resident_bytes=MiB // 1024)
    async with open_runtime(store, config) as runtime:
        await runtime.session("new").append({"role": "user", "content": "x"})
        for _ in range(2):
            for text in files:
                await runtime.import_session(text)
        back = [
            await (await runtime.session(session_id).export()).whole()
            for session_id in ("fork", "younger", "older")
        ]
        assert back == files
        listed = (await runtime.list_sessions(Listing())).sessions
        assert [info.session_id for info in listed] == ["new", "fork", "younger", "older"]
        waiting = await runtime.approvals()
        assert {found.session_id for found in waiting.approvals} == {"younger", "older"}
