"""Who is asked while owners change, and what is said if nobody can be."""

import pytest
import trio
from attrs import define

from tests.web.http.serving import Answer
from tests.web.nodes.cluster import TOKEN, Member, open_cluster
from tests.web.nodes.until import until
from web.nodes import forwarding


@define
class Deaths:
    """A node that dies of every request, and is there again."""

    count: int = 0

    async def serve(self, task_status: trio.TaskStatus[str]) -> None:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        task_status.started(f"127.0.0.1:{listeners[0].socket.getsockname()[1]}")
        await trio.serve_listeners(self._die, listeners)

    async def _die(self, stream: trio.SocketStream) -> None:
        await stream.receive_some()
        self.count += 1


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is waited for: what is not there now never is."""
    monkeypatch.setattr(forwarding, "PATIENCE", 0.0)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the machine takes, it is waited for."""
    monkeypatch.setattr(forwarding, "PATIENCE", 100.0)


async def test_a_hop_is_answered_or_refused_and_never_passed_on() -> None:
    async with open_cluster("a", "b") as two:
        session_id = two.b.id()

        async def hop(member: Member) -> Answer:
            head = {"Agent_Runtime_Node": TOKEN, "Agent_Runtime_For": session_id}
            return await member.ask("GET", f"/sessions/{session_id}", b"", **head)

        here, elsewhere = await hop(two.b), await hop(two.a)
        assert here.status == 404
        assert (elsewhere.status, elsewhere.headers["agent-runtime-for"]) == (421, session_id)
        assert two.a.forwards == {}


@pytest.mark.usefixtures("impatient")
async def test_nodes_that_take_each_other_for_the_owner_do_not_ask_in_circles() -> None:
    async with open_cluster("a", "b") as two:
        session_id = two.a.id()
        two.a.node.believed[session_id] = "b"
        two.b.node.believed[session_id] = "a"
        answer = await two.a.say(session_id)
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
        assert f"owned by the node at {two.b.address}" in answer.json["detail"]
        assert (two.a.forwards, two.b.forwards) == ({"not_here": 1, "given_up": 1}, {})


@pytest.mark.usefixtures("impatient")
async def test_without_an_owner_it_is_said_that_there_is_none() -> None:
    async with open_cluster("a", "b") as two:
        session_id = two.a.id()
        two.a.node.believed[session_id] = None
        answer = await two.a.say(session_id)
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
        assert "no node owns it at the moment; send it again later" in answer.json["detail"]


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("owner", ["a", "b"])
async def test_an_owner_that_comes_is_waited_for(owner: str) -> None:
    async with open_cluster("a", "b") as two, trio.open_nursery() as nursery:
        session_id = two.members[owner].id()
        two.a.node.believed[session_id] = None
        answers: list[int] = []

        async def say() -> None:
            answers.append((await two.a.say(session_id)).status)

        nursery.start_soon(say)
        await until(lambda: two.a.node.missed > 1)
        assert answers == []
        del two.a.node.believed[session_id]
        await until(lambda: answers)
        assert answers == [201]


@pytest.mark.usefixtures("patient")
async def test_who_has_given_the_session_away_says_so_and_the_next_owner_is_asked() -> None:
    async with open_cluster("a", "b", "c") as three, trio.open_nursery() as nursery:
        session_id = three.c.id()
        three.a.node.believed[session_id] = "b"

        async def learn() -> None:
            await until(lambda: three.b.node.missed)
            del three.a.node.believed[session_id]

        nursery.start_soon(learn)
        answer = await three.a.say(session_id)
        assert (answer.status, answer.json["seqs"]) == (201, [1])
        assert three.a.forwards["answered"] == 1
        assert three.a.forwards["not_here"] == three.b.node.missed


@pytest.mark.usefixtures("patient")
async def test_a_node_that_cannot_be_reached_has_done_nothing_and_its_heir_is_asked() -> None:
    async with open_cluster("a", "b") as two, trio.open_nursery() as nursery:
        session_id = two.b.id()
        await two.a.say(session_id)
        await two.b.kill()

        async def inherit() -> None:
            await until(lambda: "not_reached" in two.a.forwards)
            two.owners.move(two.b.shards, "a")

        nursery.start_soon(inherit)
        answer = await two.a.say(session_id)
        assert (answer.status, answer.json["seqs"]) == (201, [2])


@pytest.mark.usefixtures("impatient")
async def test_who_stays_away_is_named() -> None:
    async with open_cluster("a", "b") as two:
        session_id = two.b.id()
        await two.b.kill()
        answer = await two.a.say(session_id)
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
        assert f"owned by the node at {two.b.address}, which does not" in answer.json["detail"]


# -- lost behind the request -----------------------------------------------------------------------


async def test_a_write_that_was_lost_with_its_owner_is_unknown_and_not_sent_again() -> None:
    async with open_cluster("a", "b") as two, trio.open_nursery() as nursery:
        session_id = two.b.id()
        await two.a.say(session_id)
        two.b.node.store.gate.clear()

        async def die() -> None:
            await until(lambda: two.b.runtime.statistics().persister.dirty_sessions)
            await two.b.kill()

        nursery.start_soon(die)
        answer = await two.a.say(session_id)
        two.b.node.store.gate.set()
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
        assert "the outcome is unknown, not undone" in answer.json["detail"]
        assert "if it has ids of its own" in answer.json["detail"]
        assert two.a.forwards == {"answered": 1, "cut": 1}


@pytest.mark.usefixtures("patient")
async def test_a_read_that_was_lost_with_its_owner_is_asked_of_its_heir() -> None:
    async with open_cluster("a", "b") as two, trio.open_nursery() as nursery:
        session_id = two.b.id()
        await two.a.say(session_id)
        path = f"/sessions/{session_id}/approvals/x"
        question = b'{"id": "x", "title": "May I?"}'
        await two.a.ask("POST", f"/sessions/{session_id}/approvals", question)

        async def die() -> None:
            await until(lambda: two.b.runtime._parts.feeds.are_followed)
            await two.b.kill()
            await until(lambda: "cut" in two.a.forwards)
            two.owners.move(two.b.shards, "a")
            await until(lambda: two.a.runtime._parts.feeds.are_followed)
            decision = b'{"decision": "approved"}'
            await two.a.ask("POST", f"{path}/decision", decision)

        nursery.start_soon(die)
        answer = await two.a.ask("GET", f"{path}?wait=20")
        assert (answer.status, answer.json["state"]) == (200, "approved")


async def test_a_read_that_ends_every_owner_is_asked_twice_and_not_for_ever() -> None:
    async with open_cluster("a", "b") as two, trio.open_nursery() as nursery:
        session_id = two.b.id()
        await two.a.say(session_id)
        deaths = Deaths()
        two.owners.addresses["b"] = await nursery.start(deaths.serve)
        answer = await two.a.ask("GET", f"/sessions/{session_id}")
        nursery.cancel_scope.cancel()
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
        assert "does not answer at the moment; ask again later" in answer.json["detail"]
        assert deaths.count == 2
