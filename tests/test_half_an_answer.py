"""A service that is killed in the middle of a streamed answer has half of it when it comes back."""

import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import trio

from persistence import open_store
from runtime import DraftView, open_runtime
from tests.service import running

ANSWER = [f"word{n} 🤔 " for n in range(100_000)]
DRAFT = "/api/v1/sessions/s/drafts/m"


def written(folder: Path) -> int:
    """Characters of the draft on the disk, as far as another program sees it."""
    with closing(sqlite3.connect(folder / "data" / "agent_runtime.db")) as connection:
        [(count,)] = connection.execute("SELECT coalesce(max(start), 0) FROM draft").fetchall()
    return int(count)


def found(folder: Path) -> DraftView:
    """The draft, as whoever opens the database next has it."""

    async def look() -> DraftView:
        store = open_store(f"sqlite:///{folder}/data/agent_runtime.db")
        async with open_runtime(store) as runtime:
            [draft] = await runtime.session("s").drafts()
            return draft

    return trio.run(look)


def streamed(client: httpx.Client, folder: Path) -> str:
    """What was acknowledged of an answer of which a second piece is on the disk."""
    offset, sent = 0, ""
    for word in ANSWER:
        answer = client.post(DRAFT, json={"append": word, "offset": offset})
        assert answer.status_code in (200, 201), answer.text
        sent += word
        offset = answer.json()["offset"]
        assert offset == len(sent)
        if written(folder) > 0:
            return sent
    raise AssertionError("all of it is sent, and the second piece has not been written")


def test_half_an_answer_is_there_after_a_kill_and_goes_on(tmp_path: Path) -> None:
    with running(tmp_path, "--snapshot-interval", "0.1") as service, service.client() as client:
        hello = {"role": "user", "content": "hello"}
        client.post("/api/v1/sessions/s/messages", json=hello).raise_for_status()
        sent = streamed(client, tmp_path)
        on_disk = written(tmp_path)
        service.end(signal.SIGKILL)

    draft = found(tmp_path)
    half = draft.parts["content"]
    assert draft.interrupted
    assert sent.startswith(half)
    assert len(half) > on_disk > 0

    with running(tmp_path) as service, service.client() as client:
        # The producer does not know how much came: it is told.
        problem = client.post(DRAFT, json={"append": "", "offset": len(sent) + 1})
        assert (problem.status_code, problem.json()["offset"]) == (409, len(half))
        rest = {"append": sent[len(half) :], "offset": len(half)}
        assert client.post(DRAFT, json=rest).json() == {"offset": len(sent)}
        message = {"role": "assistant", "content": sent, "id": "m"}
        client.post("/api/v1/sessions/s/messages", json=message).raise_for_status()
        service.end(signal.SIGKILL)

    with running(tmp_path) as service, service.client() as client:
        history = client.get("/api/v1/sessions/s/history").json()
        assert [one["content"] for one in history["messages"]] == ["hello", sent]
        late = client.post(DRAFT, json={"append": "more"})
        assert late.status_code == 409
    assert written(tmp_path) == 0
