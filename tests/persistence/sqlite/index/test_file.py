"""The index is a file that can be lost: it is made anew whenever it is not the database's own."""

from contextlib import closing
from pathlib import Path
from threading import Thread

import pytest

from persistence import back_up, move, restore, verify
from persistence.sqlite.files import Companion, companion
from persistence.sqlite.index import filling
from persistence.sqlite.reading.reader import SQLiteReader
from persistence.sqlite.store import SQLiteStore
from runtime import Row, StoreUnavailable, Text
from runtime.session.asked.searched import text_of
from tests.persistence.builders import (
    begins,
    born,
    change,
    delta,
    follows,
    message,
    other_process,
    query,
)
from tests.persistence.contract.stores import begun, committed
from tests.persistence.contract.texts import hits, sought, taken


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database in which a fox can be found."""
    path = tmp_path / "sessions.db"
    with closing(SQLiteStore.open(path)) as store:
        committed(store, born("s", "fox"))
        taken(store)
    return path


def index_of(path: Path) -> Path:
    return companion(path, Companion.INDEX)


def behind(path: Path) -> list[str]:
    """What the index lacks when a store is opened."""
    with closing(SQLiteStore.open(path)) as store:
        found = list(store.index.behind(10).session_ids)
        taken(store)
        assert hits(store, "fox") == {("s", 1)}
        return found


def test_it_lies_beside_the_database_for_its_owner_alone(path: Path) -> None:
    assert index_of(path).stat().st_mode & 0o777 == 0o600
    assert sorted(place.name for place in path.parent.glob("*.index*")) == ["sessions.db.index"]


def test_it_is_kept(path: Path) -> None:
    assert behind(path) == []


@pytest.mark.parametrize("content", [None, b"", b"no database at all" * 100])
def test_one_that_is_gone_or_no_index_is_made_anew(path: Path, content: bytes | None) -> None:
    index_of(path).unlink()
    if content is not None:
        index_of(path).write_bytes(content)
    assert behind(path) == ["s"]
    assert behind(path) == []


def test_one_that_is_damaged_is_made_anew_when_that_shows(path: Path) -> None:
    content = index_of(path).read_bytes()
    with closing(SQLiteStore.open(path)) as store:
        index_of(path).write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
        with pytest.raises(StoreUnavailable):
            hits(store, "fox")
        outcome = store.index.take(["s"], text_of, 1_000)
        assert (outcome.is_new, outcome.left) == (True, ["s"])
        taken(store)
        assert hits(store, "fox") == {("s", 1)}


def test_one_of_another_form_is_made_anew(path: Path) -> None:
    change(index_of(path), "UPDATE about SET form = form + 1")
    assert behind(path) == ["s"]


def test_one_of_another_database_is_made_anew(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    with closing(SQLiteStore.open(other)) as store:
        committed(store, born("s", "fox"))
    index_of(path).rename(index_of(other))
    assert behind(other) == ["s"]


def test_a_restored_database_has_none_of_what_came_after_the_backup(
    path: Path, tmp_path: Path
) -> None:
    back_up(str(path), tmp_path / "backup.db")
    with closing(SQLiteStore.open(path)) as store:
        committed(store, born("later", "fox"))
        taken(store)
    restore(tmp_path / "backup.db", str(path))
    with closing(SQLiteReader.looking_at(path)) as reader, pytest.raises(StoreUnavailable):
        hits(reader, "fox")  # type: ignore[arg-type]
    assert behind(path) == ["s"]


def test_a_database_that_is_moved_leaves_it_behind(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "moved.db"
    move(str(path), str(target))
    assert not index_of(target).exists()
    assert behind(target) == ["s"]


def test_verify_does_not_look_at_it(path: Path) -> None:
    index_of(path).write_bytes(b"nonsense")
    assert verify(str(path)).ok


def test_what_a_killed_process_had_no_time_for_is_behind(path: Path) -> None:
    with other_process(WRITER, path):
        pass
    assert behind(path) == ["t"]


WRITER = """
import sys
from pathlib import Path
from persistence.sqlite.store import SQLiteStore
from runtime.session.asked.searched import text_of
from tests.persistence.builders import born
store = SQLiteStore.open(Path(sys.argv[1]))
store.commit([born("t", "dog")])
store.index.take(["s"], text_of, 1)
print("ready", flush=True)
sys.stdin.read()
"""


def test_who_only_reads_searches_beside_the_owner(path: Path) -> None:
    with closing(SQLiteStore.open(path)) as store, closing(SQLiteReader.looking_at(path)) as reader:
        committed(store, born("t", "fox"))
        assert {hit.session_id for hit in reader.index.search(sought("fox"), 9).hits} == {"s"}
        taken(store)
        assert {hit.session_id for hit in reader.index.search(sought("fox"), 9).hits} == {"s", "t"}


def test_before_there_is_one_a_search_says_who_makes_it(tmp_path: Path) -> None:
    with (
        closing(SQLiteStore.open(tmp_path / "new.db")) as store,
        pytest.raises(StoreUnavailable, match="made by the service"),
    ):
        store.index.search(sought("fox"), 9)


def test_a_log_that_is_another_one_is_taken_anew(path: Path) -> None:
    with closing(SQLiteStore.open(path)) as store:
        committed(store, born("t", "dog", "dog"))
        taken(store)
        store.index.close()
    change(path, "UPDATE entry SET chain = x'0000000000000000', body = replace(body, 'dog', 'cat')")
    change(index_of(path), "UPDATE taken SET upto = 1 WHERE no = 2")
    with closing(SQLiteStore.open(path)) as store:
        taken(store)
        assert hits(store, "dog") == set()
        assert hits(store, "cat") == {("t", 1), ("t", 2)}


def test_nothing_is_left_of_what_is_gone_for_good(path: Path) -> None:
    with closing(SQLiteStore.open(path)) as store:
        committed(store, delta("gone", begins("secret", "secret", end="purge")))
        [no] = begun(store, born("u", "secret"))
        taken(store)
        committed(store, delta("u", follows(no, 1, "secret", end="purge")))
        assert store.index.forget(1) is True
        taken(store)
    assert query(index_of(path), "SELECT count(*) FROM found WHERE text = 'secret'") == [(0,)]
    assert query(index_of(path), "SELECT no FROM taken") == [(1,)]


def test_what_is_scrubbed_is_not_on_the_disk_either(path: Path) -> None:
    with closing(SQLiteStore.open(path)) as store:
        [no] = begun(store, born("u", "topsecretword", "fox"))
        taken(store)
        store.index.close()
        assert b"topsecretword" in index_of(path).read_bytes()
    with closing(SQLiteStore.open(path)) as store:
        committed(store, delta("u", follows(no, 2, "topsecretword", "fox", end="purge")))
        taken(store)
        store.index.scrub()
        for place in path.parent.glob("*.index*"):
            assert b"topsecret" not in place.read_bytes()
        assert hits(store, "fox") == {("s", 1)}
        committed(store, born("v", "fox"))
        taken(store)
        assert hits(store, "fox") == {("s", 1), ("v", 1)}


def test_the_end_does_not_wait_for_a_long_turn(path: Path) -> None:
    store = SQLiteStore.open(path)
    committed(store, born("t", *["dog"] * 100))
    store.index.behind(1)
    seen: list[int] = []

    def closed_meanwhile(row: Row) -> Text | None:
        seen.append(row[0])
        closing_thread.start()
        while not store.index._is_closed:
            pass
        return text_of(row)

    closing_thread = Thread(target=store.index.close)

    with pytest.raises(StoreUnavailable):
        store.index.take(["t"], closed_meanwhile, 1_000_000)
    closing_thread.join()
    assert seen == [1]
    store.close()


def test_texts_of_one_moment_have_room_in_the_next_one(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filling, "BITS", 1)
    with closing(SQLiteStore.open(path)) as store:
        committed(store, born("t", *[message("fox") for _ in range(7)]))
        taken(store)
        assert len(hits(store, "fox")) == 8


def test_what_cannot_be_a_moment_comes_first_or_last() -> None:
    assert filling.first_id("") == filling.first_id("1901-01-01T00:00:00.000Z") == 0
    assert filling.first_id("9999-12-31T23:59:59.999Z") < 1 << 63
