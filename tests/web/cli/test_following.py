"""`show --follow`: what is committed, as it comes, from any database that somebody writes to."""

import json
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from attrs import define, field

from runtime import (
    Message,
    Row,
    Runtime,
    SessionDamaged,
    SessionInfo,
    StoreBroken,
    StoreUnavailable,
    TrashedSession,
    Wanted,
)
from tests.clock import Clock
from tests.faults.cluster.ports import free_port
from tests.service import COMMAND, PATIENCE, Service, command, running
from tests.warm import Process, start
from tests.web.cli.given import DB, seed
from web.cli.sessions.following import PATIENCE as TRIED_AGAIN
from web.cli.sessions.following import PAUSE, Followed

PLACE = "/api/v1/sessions/s"


@contextmanager
def following(folder: Path, *options: str) -> Iterator[Process]:
    """`show s --follow`, until the block ends."""
    arguments = [COMMAND, "show", "s", "--follow", *options]
    with start(arguments, folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def read_until(process: Process, wanted: str) -> list[str]:
    """The lines up to this one."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if lines[-1] == wanted:
            return lines
    raise AssertionError(f"{wanted!r} is not among {lines}")


def say(client: httpx.Client, text: str) -> None:
    message = {"role": "user", "content": text}
    client.post(f"{PLACE}/messages", json=message).raise_for_status()


def follow_to_the_end(folder: Path, service: Service, *options: str) -> None:
    with service.client() as client:
        say(client, "one")
        with following(folder, *options) as process:
            assert read_until(process, "one")[0] == "Session s"
            say(client, "two")
            assert any(line.startswith("#2 user") for line in read_until(process, "two"))
            client.post(f"{PLACE}/rewind", json={"to": 1}).raise_for_status()
            said = "What counts now is what counted when entry 1 was the last"
            assert any(line.startswith("#3 rewind") for line in read_until(process, said))
            say(client, "three")
            assert any(line.startswith("#4 user") for line in read_until(process, "three"))
            client.delete(PLACE).raise_for_status()
            assert process.wait(PATIENCE) == 0
            assert process.stderr is not None
            assert process.stderr.read() == "agent-runtime: session s was deleted\n"


def test_it_goes_on_beside_a_service_until_the_session_is_deleted(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        follow_to_the_end(tmp_path, service)


def test_it_goes_on_beside_a_service_on_postgresql(tmp_path: Path, database: str) -> None:
    port = str(free_port())
    with running(tmp_path, "--port", port, db=database) as service:
        follow_to_the_end(tmp_path, service, "--db", database)


def test_it_ends_when_the_session_is_purged(tmp_path: Path) -> None:
    with running(tmp_path) as service, service.client() as client:
        say(client, "one")
        with following(tmp_path) as process:
            read_until(process, "one")
            client.delete(f"{PLACE}?purge=true").raise_for_status()
            assert process.wait(PATIENCE) == 0


async def one_message(runtime: Runtime, clock: Clock) -> None:
    await runtime.session("s").append(Message(role="user", content="one"))


def test_it_ends_by_ctrl_c_without_a_word(tmp_path: Path) -> None:
    seed(tmp_path, one_message)
    with following(tmp_path) as process:
        read_until(process, "one")
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_machines_get_each_entry_on_a_line(tmp_path: Path) -> None:
    with running(tmp_path) as service, service.client() as client:
        say(client, "один\x1b[2J")
        with following(tmp_path, "--json") as process:
            assert process.stdout is not None
            first = process.stdout.readline()
            client.post(f"{PLACE}/rewind", json={"to": 0}).raise_for_status()
            second = process.stdout.readline()
        assert first.isascii()
        assert "\x1b" not in first
        log = client.get(f"{PLACE}/log").json()
        assert [json.loads(first), json.loads(second)] == log["entries"]


def test_json_has_what_a_rewind_took_back_too(tmp_path: Path) -> None:
    async def rewound(runtime: Runtime, clock: Clock) -> None:
        await one_message(runtime, clock)
        await runtime.session("s").rewind(0)

    seed(tmp_path, rewound)
    lines = command(tmp_path, "show", "s", "--json").stdout.splitlines()
    assert [json.loads(line)["kind"] for line in lines] == ["message", "rewind"]


def test_a_session_that_is_not_there_is_not_waited_for(tmp_path: Path) -> None:
    seed(tmp_path, one_message)
    result = command(tmp_path, "show", "nobody", "--follow")
    assert result.returncode == 1
    assert f"Session nobody not found in {DB}" in result.stderr


# -- looks, one by one -----------------------------------------------------------------------------


def row(seq: int, text: str = "hi") -> Row:
    return (seq, "message", None, "", text.encode(), b"", None, 0, None)


@define
class Rows:
    """A database of one session, as `Followed` reads it."""

    rows: list[Row] = field(factory=list)
    is_trashed: bool = False
    failures: list[Exception] = field(factory=list)
    """Of the next reads, one each."""

    def find(self, no: int, wanted: Wanted) -> Sequence[Row]:
        if self.failures:
            raise self.failures.pop(0)
        return [row for row in self.rows if row[0] in wanted.seqs]

    def trashed(self, no: int) -> TrashedSession | None:
        info = SessionInfo(
            session_id="s",
            message_count=0,
            last_activity="",
            current_agent="",
            created_at="",
            version=0,
            title=None,
            archived=False,
            metadata=b"{}",
        )
        return TrashedSession(no=no, info=info, deleted_at="") if self.is_trashed else None


def numbers(store: Rows, *happens: object) -> list[int]:
    """What is followed; at each pause the next of these happens, and then the session goes."""
    steps = iter(happens)

    def wait(_seconds: float) -> None:
        match next(steps, None):
            case None:
                store.is_trashed = True
            case Exception() as failure:
                store.failures.append(failure)
            case tuple() as new:
                store.rows.append(new)
            case _:
                pass

    followed = Followed(store, "s", 1, wait=wait)
    return [entry.seq for entry in followed.on(lambda _: None)]


def test_each_entry_comes_once() -> None:
    assert numbers(Rows([row(1)]), row(2), "nothing", row(3)) == [1, 2, 3]


def test_what_was_written_before_the_end_comes_before_it() -> None:
    assert numbers(Rows([row(1), row(2)], is_trashed=True)) == [1, 2]


def test_a_life_whose_entries_are_gone_is_over() -> None:
    store = Rows([row(1, "long"), row(2)])

    def purge(_seconds: float) -> None:
        store.rows.clear()

    followed = Followed(store, "s", 1, wait=purge)
    assert [entry.seq for entry in followed.on(lambda _: None)] == [1, 2]


def test_a_database_that_cannot_be_read_is_tried_again_and_complained_of_once() -> None:
    store = Rows([row(1)], failures=[StoreUnavailable("locked")] * 3)
    complaints: list[StoreUnavailable] = []
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        store.is_trashed = seconds == PAUSE

    followed = Followed(store, "s", 1, wait=wait)
    assert [entry.seq for entry in followed.on(complaints.append)] == [1]
    assert len(complaints) == 1
    assert waits == [TRIED_AGAIN] * 3 + [PAUSE]


@pytest.mark.parametrize("failure", [StoreBroken("gone"), SessionDamaged("no log")])
def test_what_trying_again_cannot_mend_ends_it(failure: Exception) -> None:
    with pytest.raises(type(failure)):
        numbers(Rows([row(1)]), failure)


def test_an_entry_that_is_missing_is_not_passed_over() -> None:
    with pytest.raises(SessionDamaged, match="entry 2 is missing"):
        numbers(Rows([row(1), row(3)]))
