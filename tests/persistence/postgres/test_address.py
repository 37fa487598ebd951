"""What libpq is told, and what nobody is."""

import pytest

from persistence.postgres.address import Address
from persistence.postgres.store import PostgresStore
from runtime import CannotOpenStore
from tests.persistence.builders import born
from tests.persistence.contract.stores import committed, loaded


def test_what_the_url_says_comes_first() -> None:
    found = Address.of("postgresql://me@host:1/chats?connect_timeout=30&sslmode=require").parameters
    assert (found["user"], found["host"], found["port"], found["dbname"]) == (
        "me",
        "host",
        "1",
        "chats",
    )
    assert (found["connect_timeout"], found["sslmode"]) == ("30", "require")
    assert found["tcp_user_timeout"]


def test_several_hosts_may_be_named() -> None:
    url = "postgresql://[::1]:1,b:2/chats?target_session_attrs=read-write"
    found = Address.of(url).parameters
    assert (found["host"], found["port"]) == ("::1,b", "1,2")


def test_a_password_is_libpqs_alone() -> None:
    address = Address.of("postgresql://me:a%40secret@host/chats")
    assert address.parameters["password"] == "a@secret"  # noqa: S105
    assert "secret" not in f"{address} {address!r}"
    assert str(address) == "postgresql://me@host/chats"


@pytest.mark.parametrize("name", ["PGPASSWORD", "PGPASSFILE", "PGSERVICE"])
def test_the_environment_is_left_to_libpq(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "secret")
    assert "secret" not in Address.of("postgresql://host/chats").parameters.values()


def test_the_encoding_is_not_the_environments(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    store = PostgresStore.open(url)
    committed(store, born("Ж", "👋"))
    assert "👋".encode() in loaded(store, "Ж").entries[0][4]
    store.close()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://host:port/chats",
        "postgresql://host/chats?unheard=of",
        "postgresql://me:a@b@host/chats",
        "postgresql://me:a/b@host/chats",
        "postgresql://%zz/chats",
        "postgresql://a\0b/chats",
        "postgresql://a\ud800b/chats",
    ],
)
def test_what_libpq_would_misread_it_is_not_given(url: str) -> None:
    with pytest.raises(CannotOpenStore) as error:
        Address.of(url)
    assert "percent-encoded" in error.value.hint
