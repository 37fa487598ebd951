"""A session's log goes out as lines, and comes in again, whatever its length."""

import pytest

from tests.web.clients.fakes import FakeTransport, reply
from web.clients import AgentRuntimeClient, Terms
from web.clients.calls.exports import MOST
from web.clients.errors import InvalidCall, TooLarge

HELLO = {"role": "user", "content": "Hello"}


def test_a_log_goes_out_and_comes_in_once(client: AgentRuntimeClient, session_id: str) -> None:
    client.append_messages(session_id, [HELLO, HELLO])
    lines = list(client.export_session(session_id))
    other = f"{session_id} other"
    assert client.import_session(lines, session_id=other)["applied"] == 2
    assert client.import_session(b"".join(lines), session_id=other)["applied"] == 0
    client.append_messages(session_id, [HELLO])
    more = client.export_session(session_id)
    assert client.import_session(more, session_id=other)["applied"] == 1
    assert list(client.export_session(other))[1:] == list(client.export_session(session_id))[1:]


def test_a_log_of_any_length_comes_in_as_it_was(
    client: AgentRuntimeClient, session_id: str
) -> None:
    large = {**HELLO, "content": "x" * 1_500_000}
    for _ in range(3):
        client.append_messages(session_id, [large] * 2)
    small = [HELLO] * 1000
    for _ in range(MOST // 1000 + 1):
        client.append_messages(session_id, small)
    other = f"{session_id} other"
    terms = Terms(if_absent=True)
    lines = client.export_session(session_id)
    done = client.import_session(lines, session_id=other, terms=terms)
    assert done["applied"] == done["version"] == 6 + MOST + 1000
    assert list(client.export_session(other))[1:] == list(client.export_session(session_id))[1:]


def test_a_line_that_is_too_long_for_the_service_is_named_so(
    client: AgentRuntimeClient, session_id: str
) -> None:
    with pytest.raises(TooLarge):
        client.append_messages(session_id, [{**HELLO, "content": "x" * 17_000_000}])


@pytest.mark.parametrize("line", [b"{}", b'{"seq": 1}', b"nonsense"])
def test_a_part_has_to_end_on_an_entry_of_an_exported_log(line: bytes) -> None:
    fake = FakeTransport([reply({"applied": 1})] * 2)
    with pytest.raises(InvalidCall), AgentRuntimeClient(runtime=fake) as client:
        client.import_session(b'{"format":"agent-runtime"}\n' + (line + b"\n") * (MOST + 1))
