"""Two windows with one ETag: one of them writes, the other is told, also over a `kill -9`."""

import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.service import running

PATH = "/api/v1/sessions/shared"
ROUNDS = 20


def tag_of(client: httpx.Client) -> str:
    return client.get(f"{PATH}/history").headers["ETag"]


def say(client: httpx.Client, content: str, tag: str) -> httpx.Response:
    message = {"role": "user", "content": content}
    return client.post(f"{PATH}/messages", json=message, headers={"If-Match": tag})


def test_of_two_clients_with_one_etag_one_writes_and_one_is_refused(tmp_path: Path) -> None:
    with running(tmp_path) as service, service.client() as one, service.client() as two:
        one.post(f"{PATH}/messages", json={"role": "user", "content": "begin"})
        with ThreadPoolExecutor(2) as pool:
            for number in range(ROUNDS):
                tag = tag_of(one)
                answers = list(
                    pool.map(say, (one, two), (f"one {number}", f"two {number}"), (tag, tag))
                )
                assert sorted(answer.status_code for answer in answers) == [201, 412]
                [written] = [answer for answer in answers if answer.status_code == 201]
                [refused] = [answer for answer in answers if answer.status_code == 412]
                assert refused.headers["ETag"] == written.headers["ETag"] == tag_of(two)
        assert len(one.get(f"{PATH}/history").json()["messages"]) == 1 + ROUNDS


@pytest.mark.parametrize("options", [(), ("--idle-timeout", "0.05")], ids=["resident", "passive"])
def test_the_same_is_so_when_the_service_was_killed_in_between(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    with running(tmp_path, *options) as service, service.client() as client:
        client.post(f"{PATH}/messages", json={"role": "user", "content": "begin"})
        tag = tag_of(client)
        service.end(signal.SIGKILL)
    found: list[Any] = []
    with running(tmp_path, *options) as service, service.client() as client:
        found.append(say(client, "one", tag).status_code)
        service.end(signal.SIGKILL)
    with running(tmp_path, *options) as service, service.client() as client:
        found.append(say(client, "two", tag).status_code)
        assert len(client.get(f"{PATH}/history").json()["messages"]) == 2
    assert found == [201, 412]
