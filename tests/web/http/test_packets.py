"""What is no request, or could be two: every packet of the corpus."""

import pytest
from trio.testing import MockClock

from tests.web.http.packets import AMBIGUOUS, HELLO, PACKETS
from tests.web.http.serving import in_memory, open_server


@pytest.mark.parametrize(
    ("packet", "status"),
    [pytest.param(packet, status, id=name) for name, packet, status in PACKETS],
)
async def test_a_strange_packet_is_answered_and_the_next_client_too(
    packet: bytes, status: int | None, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_server() as served:
        async with await served.connect() as client:
            await client.send(packet)
            await client.stream.send_eof()
            answer = await client.read_to_end()
        assert (await served.ask("GET", "/hello")).body == b"hello"
    assert answer.startswith(b"HTTP/1.1 ")
    if status is not None:
        assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert b"server:" not in answer.lower()
    assert [record.message for record in caplog.records if record.name.startswith("web")] == []


@pytest.mark.parametrize("packet", [pytest.param(packet, id=name) for name, packet in AMBIGUOUS])
async def test_what_two_readers_could_split_differently_is_refused_and_the_rest_not_read(
    packet: bytes,
) -> None:
    async with in_memory() as served, served.connect() as client:
        await client.send(packet + HELLO)
        await client.stream.send_eof()
        answer = await client.read_to_end()
    assert answer.count(b"HTTP/1.1 ") == 1
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 501 "))


@pytest.mark.parametrize("packet", [pytest.param(packet, id=name) for name, packet, _ in PACKETS])
async def test_how_a_packet_is_cut_makes_no_difference(
    packet: bytes, mock_clock: MockClock
) -> None:
    # No time passes: however long it takes, nothing is late.
    async def answers(size: int) -> bytes:
        async with in_memory() as served, served.connect() as client:
            for start in range(0, len(packet), size):
                await client.send(packet[start : start + size])
            await client.stream.send_eof()
            return b"\r\n".join(
                line
                for line in (await client.read_to_end()).split(b"\r\n")
                if not line.startswith(b"date: ")
            )

    assert await answers(3) == await answers(len(packet))
