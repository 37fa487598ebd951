"""Searching, as a program does it: what was said is found, and says through when."""

from functools import partial
from itertools import pairwise

import pytest
import trio
from trio.testing import MockClock

from runtime import (
    HitPosition,
    IndexStatistics,
    InvalidInput,
    SearchPage,
    StoreUnavailable,
    indexing,
)
from runtime.indexing import NOTHING
from tests.runtime.fakes import FakeStore, Watch, error_of, running, until_quiet, user
from tests.runtime.nodes import Cluster, id_in

searched = partial(running, search=True)


def found(page: SearchPage) -> list[tuple[str, int, str]]:
    return [(hit.session_id, hit.seq, hit.snippet) for hit in page.hits]


@pytest.mark.parametrize("durability", ["commit", "snapshot"])
async def test_what_was_said_a_moment_ago_is_found(
    clock: MockClock, store: FakeStore, durability: str
) -> None:
    watch = Watch()
    async with searched(store, now=watch, durability=durability) as runtime:
        await runtime.session("s").append(user("The quick fox"), user("The lazy dog"))
        page = await runtime.search("lazy the")
        assert found(page) == [("s", 2, "The lazy dog")]
        assert page.hits[0].role == "user"
        assert page.next is None
        watch.turn(minutes=1)
        assert (await runtime.search("cat")).indexed_through == "2025-12-31T12:01:00.000Z"


async def test_titles_are_found_and_stand_beside_what_is_found(
    clock: MockClock, store: FakeStore
) -> None:
    async with searched(store) as runtime:
        session = runtime.session("s")
        await session.create(title="Parser work")
        await session.append(user("hello"))
        [title] = (await runtime.search("parser")).hits
        assert (title.seq, title.role, title.title, title.snippet) == (
            1,
            None,
            "Parser work",
            "Parser work",
        )
        [message] = (await runtime.search("hello")).hits
        assert (message.seq, message.role, message.title) == (2, "user", "Parser work")


async def test_rewinds_deletions_and_forks_are_heeded(clock: MockClock, store: FakeStore) -> None:
    async with searched(store) as runtime:
        session = runtime.session("s")
        await session.append(user("one fox"), user("two fox"))
        await session.fork("f", at=1)
        await session.rewind(1)
        assert {hit[:2] for hit in found(await runtime.search("fox"))} == {("s", 1), ("f", 1)}
        await session.rewind(2)
        assert {hit[:2] for hit in found(await runtime.search("fox"))} == {
            ("s", 1),
            ("s", 2),
            ("f", 1),
        }
        await session.delete()
        assert {hit[:2] for hit in found(await runtime.search("fox"))} == {("f", 1)}
        await runtime.session("s").undelete()
        assert len(found(await runtime.search("fox"))) == 3


async def test_what_is_purged_leaves_the_index(clock: MockClock) -> None:
    store = FakeStore(clock.current_time)
    async with searched(store) as runtime:
        await runtime.session("s").append(user("fox"))
        await runtime.session("t").append(user("fox"))
        await runtime.search("fox")
        await runtime.session("s").delete(purge=True)
        await runtime.search("fox")
        await until_quiet()
        assert list(store.index._taken) == [2]


async def test_what_is_erased_is_gone_when_that_is_said(clock: MockClock) -> None:
    store = FakeStore(clock.current_time)
    async with searched(store) as runtime:
        await runtime.session("s").append(user("secret"), user("known"))
        await runtime.search("secret")
        life = store._kept.lives[1]
        redacted = (*life.entries[0][:4], b'{"role":"user","content":"***"}', b"1" * 8)
        life.entries[0] = (*redacted, *life.entries[0][6:])
        life.entries[1] = (*life.entries[1][:5], b"2" * 8, *life.entries[1][6:])
        assert runtime._parts.indexing is not None
        await runtime._parts.indexing.erase("s")
        assert found(await runtime.search("secret")) == []
        assert found(await runtime.search("known")) == [("s", 2, "known")]


async def test_pages_go_on_where_the_one_before_ended(clock: MockClock, store: FakeStore) -> None:
    async with searched(store) as runtime:
        await runtime.session("s").append(*(user(f"fox {n}") for n in range(5)))
        seqs: list[int] = []
        after: HitPosition | None = None
        while True:
            page = await runtime.search("fox", limit=2, after=after)
            seqs += [hit.seq for hit in page.hits]
            after = page.next
            if after is None:
                break
        assert seqs == [5, 4, 3, 2, 1]


async def test_what_an_earlier_process_left_is_taken_at_the_start(clock: MockClock) -> None:
    store = FakeStore(clock.current_time)
    async with running(store) as runtime:
        for n in range(3):
            await runtime.session(f"s{n}").append(user("fox"))
    assert not store.index._taken
    async with searched(store) as runtime:
        assert len(found(await runtime.search("fox"))) == 3


async def test_where_nothing_is_indexed_a_search_says_so(clock: MockClock) -> None:
    async with running(FakeStore(clock.current_time)) as runtime:
        error = await error_of(runtime.search("fox"))
        assert isinstance(error, InvalidInput)
        assert "search=False" in str(error)


@pytest.mark.parametrize(
    ("query", "options"),
    [
        ("", {}),
        ("?!", {}),
        ("a*", {}),
        ("x" * 2_000, {}),
        (" ".join(f"w{n}" for n in range(50)), {}),
        ("fox", {"since": "yesterday"}),
        ("fox", {"until": "2025-13-01"}),
        ("fox", {"limit": 0}),
    ],
)
async def test_a_search_for_nothing_is_refused(
    clock: MockClock, query: str, options: dict[str, object]
) -> None:
    async with searched(FakeStore(clock.current_time)) as runtime:
        error = await error_of(runtime.search(query, **options))  # type: ignore[arg-type]
        assert isinstance(error, InvalidInput)


async def test_moments_may_be_written_in_any_zone(clock: MockClock) -> None:
    watch = Watch()
    async with searched(FakeStore(clock.current_time), now=watch) as runtime:
        await runtime.session("s").append(user("fox"))
        assert found(await runtime.search("fox", since="2025-12-31"))
        assert found(await runtime.search("fox", since="2025-12-31T14:00:00+02:00"))
        assert not found(await runtime.search("fox", since="2025-12-31T12:00:01Z"))
        assert not found(await runtime.search("fox", until=watch.moment))


class SlowIndex(FakeStore):
    """One whose index fails, as told."""

    def __init__(self, clock: MockClock) -> None:
        super().__init__(clock.current_time)
        self.fails = False
        take = self.index.take

        def failing(*args: object) -> object:
            if self.fails:
                raise StoreUnavailable("no room")
            return take(*args)  # type: ignore[arg-type]

        object.__setattr__(self, "index", Failing(self.index, failing))


class Failing:
    def __init__(self, index: object, take: object) -> None:
        self._index, self.take = index, take

    def __getattr__(self, name: str) -> object:
        return getattr(self._index, name)


async def test_an_index_that_fails_keeps_nobody_from_writing_and_catches_up(
    clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    store = SlowIndex(clock)
    watch = Watch()
    async with searched(store, now=watch, durability="commit") as runtime:
        await until_quiet()
        store.fails = True
        await runtime.session("s").append(user("fox"))
        watch.turn(minutes=1)
        await runtime.session("t").append(user("fox"))
        page = await runtime.search("fox")
        assert found(page) == []
        assert page.indexed_through == "2025-12-31T12:00:00.000Z"
        store.fails = False
        await trio.sleep(indexing.AGAIN)
        assert len(found(await runtime.search("fox"))) == 2
    lines = [record.message for record in caplog.records if "search" in record.message]
    assert lines == ["search lags behind: no room", "search works again"]


async def test_until_it_is_known_what_is_behind_nothing_is_promised(clock: MockClock) -> None:
    store = SlowIndex(clock)
    async with running(store) as runtime:
        await runtime.session("s").append(user("fox"))
    store.fails = True
    async with searched(store) as runtime:
        assert (await runtime.search("fox")).indexed_through == NOTHING


async def test_statistics_say_how_far_it_is_behind(clock: MockClock) -> None:
    store = SlowIndex(clock)
    watch = Watch()
    async with searched(store, now=watch, durability="commit") as runtime:
        index = runtime.statistics().index
        assert index is not None
        assert index.is_catching_up
        await until_quiet()
        has_all = IndexStatistics(
            waiting_sessions=0, lag=0.0, is_catching_up=False, is_failing=False
        )
        assert runtime.statistics().index == has_all
        store.fails = True
        await runtime.session("s").append(user("fox"))
        watch.turn(minutes=1)
        await runtime.session("s").append(user("fox"))
        await runtime.session("t").append(user("fox"))
        await runtime.search("fox")
        assert runtime.statistics().index == IndexStatistics(
            waiting_sessions=2, lag=60.0, is_catching_up=False, is_failing=True
        )
        store.fails = False
        await trio.sleep(indexing.AGAIN)
        await runtime.search("fox")
        assert runtime.statistics().index == has_all
    async with running(store) as runtime:
        assert runtime.statistics().index is None


async def test_writers_have_the_time_for_themselves_while_they_write(clock: MockClock) -> None:
    """Between two turns of the index that take a second each, others have twenty-four."""
    store = FakeStore(clock.current_time)
    turns: list[float] = []
    take = store.index.take

    class Timed(Failing):
        pass

    def timed(*args: object) -> object:
        turns.append(clock.current_time())
        clock.jump(1)
        return take(*args)  # type: ignore[arg-type]

    store.index = Timed(store.index, timed)  # type: ignore[assignment]
    async with searched(store, durability="commit") as runtime:
        for n in range(100):
            await runtime.session(f"s{n}").append(user("fox"))
            await trio.sleep(1)
    gaps = [later - earlier for earlier, later in pairwise(turns)]
    assert len(gaps) >= 3
    # At the first turn it does not know yet that somebody goes on writing.
    assert min(gaps[1:]) >= 1 / indexing.SHARE


async def test_what_is_said_at_one_node_is_found_at_another(
    clock: MockClock, cluster: Cluster
) -> None:
    a, b = cluster.join("a", {0, 1}), cluster.join("b", {2, 3})
    async with (
        searched(a.store, durability="commit") as here,
        searched(b.store, durability="commit") as there,
    ):
        for runtime, shards in ((here, {0, 1}), (there, {2, 3})):
            await runtime.session(id_in(shards)).append(user("fox"))
        for runtime in (here, there):
            assert len(found(await runtime.search("fox"))) == 2


async def test_who_comes_to_own_sessions_takes_what_is_lacking(
    clock: MockClock, cluster: Cluster
) -> None:
    a, b = cluster.join("a", {0, 1}), cluster.join("b", {2, 3})
    watch = Watch()
    async with running(a.store, now=watch) as here:
        await here.session(id_in({0})).append(user("fox"))
    watch.turn(minutes=1)  # too long ago for who searches
    async with searched(b.store, now=watch) as there:
        await until_quiet()
        b.store.index._taken.clear()
        assert found(await there.search("fox")) == []
        cluster.bury("a", "b")
        await trio.sleep(2 * indexing.LOOK)
        assert len(found(await there.search("fox"))) == 1


async def test_the_log_says_how_far_a_long_catching_up_has_come(
    clock: MockClock, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level("INFO")
    monkeypatch.setattr(indexing, "AT_ONCE", 2)
    monkeypatch.setattr(indexing, "SAID_EVERY", 0.0)
    store = FakeStore(clock.current_time)
    async with running(store) as runtime:
        for n in range(5):
            await runtime.session(f"s{n}").append(user("fox"))
    async with searched(store) as runtime:
        assert len(found(await runtime.search("fox"))) == 5
    assert [record.message for record in caplog.records if "index" in record.message] == [
        "the index of words is being made: 0 sessions so far",
        "the index of words is being made: 2 sessions so far",
        "the index of words is being made: 4 sessions so far",
        "the index of words is made: 5 sessions were missing",
    ]
