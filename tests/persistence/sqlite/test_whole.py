"""A database is whole whatever was done to its sessions, as long as nobody else wrote to it."""

from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from persistence.sqlite.checking.verify import verify
from persistence.sqlite.store import SQLiteStore
from runtime import (
    DAYS,
    CallerError,
    Item,
    Message,
    Purge,
    Runtime,
    RuntimeConfig,
    Settings,
    open_runtime,
)
from runtime.clock import utc_now
from tests.persistence.builders import begins, born, delta, message, switch
from tests.properties import examples

BIG = "x" * 9_000
"""A body that spills to other pages."""


async def append(runtime: Runtime, name: str, pick: int) -> None:
    body: dict[str, Any] = {"role": "user", "content": [{"type": "text", "text": f"{pick}"}]}
    metadata: Any = ({}, [pick], "text", None)[pick]
    session = runtime.session(name)
    await session.append(body | {"metadata": metadata}, Message(role="tool", content=BIG, id=pick))
    await session.append({"role": "user", "id": f"Я'{pick}", "content": "same"})


async def call(runtime: Runtime, name: str, pick: int) -> None:
    items = [Item(kind="rewind", body={"to": pick})] if pick % 2 else []
    said = Item(kind="message", body={"role": "user", "id": "m", "content": name}, key="m")
    await runtime.session(name).append_entries(*items, said, id=f"call {pick}")


async def write_records(runtime: Runtime, name: str, pick: int) -> None:
    await runtime.session(name).put_records(
        {f"r{n}": {"pick": pick} for n in range(pick + 1)}, remove=["r2"], id=f"records {pick}"
    )


async def switch_agent(runtime: Runtime, name: str, pick: int) -> None:
    await runtime.session(name).switch_agent(f"agent {pick}", reason="asked")


async def update(runtime: Runtime, name: str, pick: int) -> None:
    await runtime.session(name).update({"title": f"{pick}", "metadata": {"n": pick or None}})


async def create(runtime: Runtime, name: str, pick: int) -> None:
    await runtime.session(name).create(agent=f"agent {pick}", metadata={"created": True})


async def rewind(runtime: Runtime, name: str, pick: int) -> None:
    await runtime.session(name).rewind(pick)


async def fork(runtime: Runtime, name: str, pick: int) -> None:
    version = (await runtime.session(name).summary()).version
    await runtime.session(name).fork(f"fork {pick} of {name}"[:20], at=min(pick, version))


async def delete(runtime: Runtime, name: str, pick: int) -> None:
    await runtime.session(name).delete(purge=pick == 3)


async def undelete(runtime: Runtime, name: str, pick: int) -> None:
    await runtime.session(name).undelete(as_id=f"back {pick}" if pick == 3 else None)


async def tidy(runtime: Runtime, name: str, pick: int) -> None:
    await runtime.tidy()


async def clean_up(runtime: Runtime, name: str, pick: int) -> None:
    await runtime.cleanup(timedelta(days=4 + pick))


DEEDS = {
    deed.__name__: deed
    for deed in (
        append,
        call,
        write_records,
        switch_agent,
        update,
        create,
        rewind,
        fork,
        delete,
        undelete,
        tidy,
        clean_up,
    )
}
DEED = st.tuples(st.sampled_from(list(DEEDS)), st.sampled_from("ab"), st.integers(0, 3))


async def live(path: Path, deeds: list[tuple[str, str, int]]) -> None:
    """All of it, one deed a day; what a deed is refused, it is refused."""
    today = utc_now()
    config = RuntimeConfig(durability="commit", trash_retention=9 * DAYS, record_retention=2 * DAYS)
    async with open_runtime(SQLiteStore.open(path), config, now=lambda: today) as runtime:
        for deed, name, pick in deeds:
            today += timedelta(days=1)
            with suppress(CallerError):
                await DEEDS[deed](runtime, name, pick)


@settings(max_examples=examples(0.6))
@given(st.lists(DEED, max_size=20))
def test_whatever_was_done_the_database_is_whole(deeds: list[tuple[str, str, int]]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "sessions.db"
        trio.run(live, path, deeds)
        assert verify(path).problems == ()


@pytest.mark.parametrize("metadata", [b"{}", b"[1]", b'"x"', b"7", b"null", b"false"])
def test_the_metadata_of_a_message_may_be_any_json(
    store: SQLiteStore, path: Path, metadata: bytes
) -> None:
    store.commit([born("s", message("hi", metadata=metadata))])
    assert verify(path).problems == ()


def test_a_session_may_have_forgotten_switches(store: SQLiteStore, path: Path) -> None:
    store.commit([born("s", switch("coder"), switch_count=9)])
    assert verify(path).problems == ()


def test_a_life_that_is_being_purged_is_no_problem(path: Path) -> None:
    store = SQLiteStore.open(path)
    no = store.commit([delta("s", begins(*map(str, range(2_500)), end="trash"))]).begun["s"]
    assert store.commit([delta("s", Purge(no))]).leftover
    store.close()
    report = verify(path)
    assert report.problems == ()
    assert (report.sessions, report.trashed, report.entries) == (0, 0, 0)


def test_a_key_may_come_back_when_its_entry_does_not_count(path: Path) -> None:
    store = SQLiteStore.open(path)
    settings = Settings(intervals=((2, None),))
    items = [message("a", "k"), message("b", "k")]
    store.commit([delta("s", begins(*items, settings=settings, message_count=1))])
    store.close()
    assert verify(path).problems == ()
