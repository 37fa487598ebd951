from pathlib import Path

import pytest

from web.access.token import VARIABLE, is_loopback, load_token, require_token
from web.problems import CannotServe

TOKEN = "0123456789abcdef"  # noqa: S105


def token_file(folder: Path, content: bytes, mode: int = 0o600) -> Path:
    file = folder / "token"
    file.write_bytes(content)
    file.chmod(mode)
    return file


def test_a_token_comes_from_a_private_file(tmp_path: Path) -> None:
    assert load_token(token_file(tmp_path, TOKEN.encode() + b"\n"), {}) == TOKEN
    assert load_token(token_file(tmp_path, TOKEN.encode(), 0o400), {}) == TOKEN


def test_a_token_comes_from_the_environment() -> None:
    assert load_token(None, {VARIABLE: f" {TOKEN}\n"}) == TOKEN


def test_the_file_goes_before_the_environment(tmp_path: Path) -> None:
    file = token_file(tmp_path, TOKEN.encode())
    assert load_token(file, {VARIABLE: "another token of length"}) == TOKEN


def test_there_may_be_no_token() -> None:
    assert load_token(None, {}) is None


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o620, 0o610])
def test_a_file_that_others_have_access_to_is_refused(tmp_path: Path, mode: int) -> None:
    file = token_file(tmp_path, TOKEN.encode(), mode)
    with pytest.raises(CannotServe) as caught:
        load_token(file, {})
    assert caught.value.hint == f"Run: chmod 600 {file}"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"short",
        b" " * 40,
        TOKEN[:15].encode(),
        b"with a space inside",
        b"\xff" * 20,
        b"a\x00" * 9,
    ],
)
def test_a_token_that_is_weak_or_unsendable_is_refused_without_being_shown(
    tmp_path: Path, content: bytes
) -> None:
    with pytest.raises(CannotServe) as caught:
        load_token(token_file(tmp_path, content), {})
    assert "openssl rand" in caught.value.hint
    assert caught.value.__cause__ is None
    assert not content.strip() or content.decode("latin-1") not in str(caught.value)


def test_an_empty_variable_is_a_mistake_and_not_the_absence_of_a_token() -> None:
    with pytest.raises(CannotServe, match=VARIABLE):
        load_token(None, {VARIABLE: ""})


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(CannotServe, match=str(path)):
            load_token(path, {})


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST", "127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"]
)
def test_loopback_needs_no_token(host: str) -> None:
    assert is_loopback(host)
    require_token(host, None)


@pytest.mark.parametrize(
    "host",
    [
        "0.0.0.0",  # noqa: S104
        "::",
        "",
        "192.168.1.5",
        "example.org",
        "127.1",
        "::ffff:8.8.8.8",
    ],
)
def test_every_other_address_refuses_to_start_without_one(host: str) -> None:
    assert not is_loopback(host)
    with pytest.raises(CannotServe, match="loopback only") as caught:
        require_token(host, None)
    assert VARIABLE in caught.value.hint
    require_token(host, TOKEN)
