"""The load generator keeps to its schedule, hides no stall, and drives a real service."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import repeat
from math import inf
from pathlib import Path

import pytest
import trio
from attrs import define, field
from click.testing import CliRunner, Result
from trio.testing import MockClock

from benchmarks import client
from benchmarks.client import Address, Answer, BrokenAnswer
from benchmarks.load.__main__ import Progress, main, report, told
from benchmarks.load.driving import PATIENCE, PAUSE, TIMER, UNANSWERED, Schedule, Tally, drive
from benchmarks.load.mix import MIXES, Requests, endless
from benchmarks.processes import ROOT, bare_server, service

REQUEST = b"GET / HTTP/1.1\r\n\r\n"


@define
class Shop:
    """Answers each request after so many seconds of trio's clock; not before `opens`."""

    seconds: float
    opens: float = 0.0
    status: int = 200
    arrivals: list[float] = field(factory=list)
    """Seconds from the begin."""
    _begun: float = field(factory=trio.current_time)

    async def ask(self, request: bytes, *, keep: bool = True) -> Answer:
        assert (request, keep) == (REQUEST, False)
        now = trio.current_time() - self._begun
        self.arrivals.append(now)
        await trio.sleep(max(0.0, self.opens - now) + self.seconds)
        return Answer(self.status, b"", 5, 100, self.seconds)


@define
class Closed:
    """Answers nothing."""

    asked: int = 0

    async def ask(self, request: bytes, *, keep: bool = True) -> Answer:
        self.asked += 1
        await trio.lowlevel.checkpoint()
        raise BrokenAnswer("Connection refused")


async def driven(service: Shop | Closed, clients: int, schedule: Schedule) -> Tally:
    tally = Tally()
    await drive([(service, repeat(REQUEST))] * clients, schedule, tally)
    return tally


async def test_in_a_closed_loop_each_client_asks_when_it_is_answered(
    autojump_clock: MockClock,
) -> None:
    shop = Shop(seconds=0.25)
    tally = await driven(shop, 2, Schedule(1.0))
    assert shop.arrivals == [0, 0, 0.25, 0.25, 0.5, 0.5, 0.75, 0.75]
    assert list(tally.latencies) == [0.25] * 8
    assert (tally.rate, tally.sent, tally.received) == (8.0, 8 * len(REQUEST), 800)


async def test_in_a_closed_loop_there_is_one_request_however_late_its_client_is(
    mock_clock: MockClock,
) -> None:
    schedule = Schedule(0.05)
    mock_clock.jump(1)
    assert (schedule.take(), schedule.take()) == (schedule.begun, None)


async def test_at_a_rate_requests_leave_when_they_are_due(autojump_clock: MockClock) -> None:
    shop = Shop(seconds=0.5)
    tally = await driven(shop, 8, Schedule(1.0, rate=10))
    due = [number / 10 for number in range(10)]
    assert shop.arrivals == pytest.approx([0, *(moment - TIMER for moment in due[1:])])
    # What leaves early, within the precision of a timer, is not faster for that.
    assert list(tally.latencies) == pytest.approx([0.5] * 10)


async def test_a_stall_is_felt_by_all_that_come_due_meanwhile(autojump_clock: MockClock) -> None:
    tally = await driven(Shop(seconds=0.0, opens=2.0), 1, Schedule(4.0, rate=10))
    assert len(tally.latencies) == 40
    waited = [2.0 - number / 10 for number in range(20)]
    assert list(tally.latencies)[:20] == pytest.approx(waited)
    assert max(list(tally.latencies)[21:]) == pytest.approx(0.0)


async def test_a_closed_loop_hides_the_same_stall(autojump_clock: MockClock) -> None:
    tally = await driven(Shop(seconds=0.1, opens=2.0), 1, Schedule(4.0))
    assert sorted(tally.latencies)[:-1] == pytest.approx([0.1] * 19)


async def test_a_service_that_is_too_slow_is_given_up_at_last(autojump_clock: MockClock) -> None:
    tally = await driven(Shop(seconds=1.4), 1, Schedule(5.0, rate=10))
    assert len(tally.latencies) == 10
    # Those in the line, and the one that is under way.
    assert tally.errors == {UNANSWERED: 40}
    assert tally.seconds == pytest.approx(5.0 + PATIENCE)


async def test_so_many_requests_and_no_more(autojump_clock: MockClock) -> None:
    for rate in (None, 10.0):
        shop = Shop(seconds=0.1)
        tally = await driven(shop, 4, Schedule(inf, rate, limit=7))
        assert (len(shop.arrivals), len(tally.latencies)) == (7, 7)


async def test_errors_are_counted_by_status_and_not_timed(autojump_clock: MockClock) -> None:
    tally = await driven(Shop(seconds=0.1, status=503), 1, Schedule(1.0, limit=3))
    assert (tally.errors, len(tally.latencies)) == ({"503": 3}, 0)
    found = report(tally)
    assert (found["successes"], found["per_second"], found["latency"]) == (0, 0.0, {})


async def test_a_service_that_is_gone_is_not_asked_all_the_time(autojump_clock: MockClock) -> None:
    gone = Closed()
    tally = await driven(gone, 1, Schedule(10 * PAUSE))
    assert 10 <= gone.asked <= 11
    assert tally.errors == {"no answer: Connection refused": gone.asked}


async def test_progress_tells_what_came_since_the_last_line(autojump_clock: MockClock) -> None:
    schedule = Schedule(30.0, rate=2.0)
    tally = Tally()
    progress = Progress(schedule, tally)
    tally.latencies.extend([0.25, 0.5])
    await trio.sleep(3.2)
    assert progress.line() == ("3 s of 30 s, 2 answers, the slowest 500 ms, 7 waiting for a client")
    schedule = Schedule(30.0)
    tally.errors["503"] = 1
    await trio.sleep(1)
    assert progress.line().startswith("4 s of 30 s, 0 answers, ")
    assert progress.line().endswith("1 errors so far")


def test_a_report_has_the_percentiles() -> None:
    tally = Tally(seconds=10.0)
    tally.latencies.extend(number / 1000 for number in range(1000, 0, -1))
    found = report(tally)
    assert found["latency"] == {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99.9": 0.999, "max": 1.0}
    assert found["per_second"] == 100.0
    assert "p50 500 ms, p90 900 ms, p99 990 ms, p99.9 999 ms, max 1 s" in told(found)


@pytest.mark.parametrize("mix", MIXES)
def test_a_mix_is_the_same_each_time(mix: str) -> None:
    first, second = (
        endless(mix, Requests(Address("localhost", 80), 10, [b'{"a":1}'])) for _ in range(2)
    )
    requests = [next(first) for _ in range(500)]
    assert requests == [next(second) for _ in range(500)]
    assert len(set(requests)) > 1


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


@pytest.mark.parametrize(
    "url",
    ["http://192.0.2.1:8001", "http://example.org", "https://127.0.0.1", "http://[2001:db8::1]"],
)
def test_no_load_goes_to_another_machine(url: str) -> None:
    result = run("--url", url)
    assert result.exit_code == 2
    assert "is not" in result.output


@pytest.mark.parametrize("mix", MIXES)
def test_what_is_to_be_done_if_nobody_listens(mix: str) -> None:
    result = run("--url", "http://127.0.0.1:1", "--mix", mix)
    assert result.exit_code == 1
    assert "agent-runtime serve" in result.output


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Address]:
    with service(tmp_path_factory.mktemp("load") / "load.db") as (address, _):
        yield address


@pytest.mark.parametrize("mix", MIXES)
@pytest.mark.parametrize("rate", [(), ("--rate", "2000")], ids=["closed loop", "open loop"])
def test_a_real_service_takes_each_mix(
    mix: str, rate: Sequence[str], address: Address, tmp_path: Path
) -> None:
    output = tmp_path / "report.json"
    result = run(
        *("--url", address.url, "--mix", mix, "--sessions", "5", "--clients", "4"),
        *("--requests", "100", "--json", str(output), *rate),
    )
    assert result.exit_code == 0, result.output
    found = json.loads(output.read_text())
    assert (found["successes"], found["errors"], found["load"]["mix"]) == (100, {}, mix)
    assert "100 answered" in result.output


def test_transcripts_are_loaded_as_they_are(address: Address, tmp_path: Path) -> None:
    (tmp_path / "one.jsonl").write_text('{"role": "user", "content": "naïve"}\n', encoding="utf-8")
    options = ("--url", address.url, "--sessions", "7", "--requests", "10")
    result = run(*options, "--mix", "restore", "--transcripts", str(tmp_path))
    assert result.exit_code == 0, result.output
    # The seventh is new; the others are there from before, or were made just now.
    answer = trio.run(client.asked, address, "/api/v1/sessions/load-6/history")
    assert [message["content"] for message in json.loads(answer.body)["messages"]] == ["naïve"]


def test_a_transcript_that_is_no_json_is_named(address: Address, tmp_path: Path) -> None:
    file = tmp_path / "one.jsonl"
    file.write_text('{"role": "user", "content": "a\u2028b"}\n\n{"role": \n', encoding="utf-8")
    result = run("--url", address.url, "--transcripts", str(tmp_path))
    assert (result.exit_code, f"{file}, line 3: " in result.output) == (1, True)


def test_a_load_of_which_nothing_succeeds_fails(address: Address, tmp_path: Path) -> None:
    (tmp_path / "one.jsonl").write_text('{"content": "of nobody"}\n', encoding="utf-8")
    options = ("--url", address.url, "--transcripts", str(tmp_path), "--requests", "10")
    refused = run(*options, "--mix", "chat", "--sessions", "1000")
    assert (refused.exit_code, "cannot be made: 400" in refused.output) == (1, True)
    failed = run(*options, "--mix", "append")
    assert (failed.exit_code, "10 × 400" in failed.output) == (1, True)


def test_a_server_ends_with_its_block() -> None:
    with bare_server() as (address, _):
        pass
    with pytest.raises(OSError, match="all attempts to connect"):
        trio.run(client.asked, address, "/")


def test_a_server_does_not_outlive_a_program_that_is_terminated() -> None:
    program = "\n".join(
        (
            "import time",
            "from benchmarks.processes import bare_server, unwinding_when_ended",
            "with unwinding_when_ended(), bare_server() as (address, _):",
            "    print(address.url, flush=True)",
            "    time.sleep(60)",
        )
    )
    command = [sys.executable, "-c", program]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        process.terminate()
        _, said = process.communicate()
    assert "KeyboardInterrupt" in said
    with pytest.raises(OSError, match="all attempts to connect"):
        trio.run(client.asked, Address.of(url), "/")


def test_a_server_that_does_not_start_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(SystemExit, match="did not start"),
        service(tmp_path / "x.db", "--port", "no"),
    ):
        pass
