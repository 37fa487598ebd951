"""Turns and approvals for real: a process that is killed, and what is true when it is back."""

import signal
from pathlib import Path
from socket import create_connection
from urllib.parse import urlsplit

import httpx

from tests.service import PATIENCE, running

SESSION = "/api/v1/sessions/s"
HELLO = {"role": "user", "content": "hello"}
HOUR = 3_600


def take(client: httpx.Client, holder: str, **headers: str) -> httpx.Response:
    body = {"holder": holder, "ttl": HOUR}
    return client.post(f"{SESSION}/turn", json=body, headers=headers)


def say(client: httpx.Client, turn: int) -> int:
    answer = client.post(f"{SESSION}/messages", json=HELLO, headers={"Turn": f"{turn}"})
    return answer.status_code


def test_a_turn_outlives_a_process_that_is_killed_between_two_renewals(tmp_path: Path) -> None:
    with running(tmp_path) as service, service.client() as client:
        client.post(f"{SESSION}/messages", json=HELLO).raise_for_status()
        turn = take(client, "one").json()["turn"]
        renewed = take(client, "one").json()
        service.end(signal.SIGKILL)
    with running(tmp_path) as service, service.client() as client:
        assert client.get(f"{SESSION}/turn").json() == renewed
        assert client.get(SESSION).json()["state"] == "running"
        assert take(client, "two").status_code == 409
        again = take(client, "one", Turn=f"{turn}")
        assert (again.status_code, again.json()["turn"]) == (200, turn)
        assert say(client, turn) == 201
        ended = client.delete(f"{SESSION}/turn", headers={"Turn": f"{turn}"})
        assert ended.status_code == 204
        service.end(signal.SIGKILL)
    with running(tmp_path) as service, service.client() as client:
        assert client.get(f"{SESSION}/turn").status_code == 204
        new = take(client, "two")
        assert new.status_code == 201
        assert new.json()["turn"] > turn
        assert (say(client, turn), say(client, new.json()["turn"])) == (412, 201)


def test_an_approval_outlives_a_process_that_is_killed_and_is_answered_once(tmp_path: Path) -> None:
    question = {"id": "a", "title": "Delete build/?"}
    with running(tmp_path) as service, service.client() as client:
        client.post(f"{SESSION}/messages", json=HELLO).raise_for_status()
        assert client.post(f"{SESSION}/approvals", json=question).status_code == 201
        service.end(signal.SIGKILL)
    path = f"{SESSION}/approvals/a"
    with running(tmp_path) as service, service.client() as client:
        [pending] = client.get("/api/v1/approvals?state=pending").json()["approvals"]
        assert (pending["session_id"], pending["id"]) == ("s", "a")
        answer = {"decision": "denied", "by": "late"}
        decided = client.post(f"{path}/decision", json=answer)
        assert decided.status_code == 200
        service.end(signal.SIGKILL)
    with running(tmp_path) as service, service.client() as client:
        assert client.get(f"{path}?wait=60").json() == decided.json()
        other = client.post(f"{path}/decision", json={"decision": "approved"})
        assert other.status_code == 409


def test_who_waits_for_an_answer_does_not_hold_up_the_end(tmp_path: Path) -> None:
    with running(tmp_path) as service, service.client() as client:
        client.post(f"{SESSION}/messages", json=HELLO).raise_for_status()
        client.post(f"{SESSION}/approvals", json={"id": "a", "title": "?"}).raise_for_status()
        url = urlsplit(service.url)
        with create_connection((url.hostname, url.port or 0), PATIENCE) as waiting:
            waiting.sendall(
                f"GET {SESSION}/approvals/a?wait=60 HTTP/1.1\r\nHost: {url.netloc}\r\n\r\n".encode()
            )
            # What has arrived is answered; cut off after the grace time, it would not be.
            assert service.end() == 0
            with waiting.makefile("rb") as answer:
                assert answer.readline() == b"HTTP/1.1 200 OK\r\n"
                assert b'"state":"pending"' in answer.read()
