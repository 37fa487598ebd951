"""Whether a database is whole, and if not, what is wrong with it."""
# ruff: noqa: S608 -- nothing in the statements comes from outside

from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest

from persistence.auditing import report, telling
from persistence.postgres import auditing
from persistence.postgres.address import Address
from persistence.postgres.auditing import audit
from persistence.postgres.connections import begin_snapshot, connect, take_time
from persistence.postgres.store import PostgresStore
from persistence.postgres.verify import verify
from runtime import CannotOpenStore, Settings
from runtime.store.stored import DraftChunk, Lease, Standing
from tests.persistence.builders import (
    NOON,
    Item,
    at,
    begins,
    born,
    delta,
    follows,
    message,
    record,
    switch,
)
from tests.persistence.contract.stores import begun, committed
from tests.persistence.postgres.asking import Asker
from tests.postgres.databases import Databases

S = [message(f"m{n}", f"k{n}") for n in (1, 2, 3)]
LOG = [*S, switch("coder")._replace(call="c"), record("r", 1), record("r", 2)]


@pytest.fixture(autouse=True)
def _a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auditing, "LIVES", 2)


@pytest.fixture
def filled(url: str) -> str:
    """Sessions `s`, with three messages, a switch and two records, `empty` and `last`; and `gone`.

    The latter is in the trash.
    """
    with closing(PostgresStore.open(url)) as store:
        settings = Settings(metadata=b'{"a":1}', intervals=((1, 2), (4, None)))
        lease = Lease(number=7, ends_at=at(40), ttl=30.0)
        begun(store, delta("s", begins(*LOG, settings=settings, message_count=2)))
        begun(store, born("empty", standing=Standing(lease=lease)))
        begun(store, delta("gone", begins("x", "y", end="trash")))
        begun(store, born("last", "z", drafts=[chunk("a", 0, "bc"), chunk("a", 2, "d")]))
    return url


def chunk(key: str, offset: int, text: str) -> DraftChunk:
    body = f'[["content","{text}"]]'.encode()
    return DraftChunk(key=key, offset=offset, role="assistant", at=NOON, body=body)


def test_a_whole_database_has_no_problems(filled: str) -> None:
    found = verify(filled)
    assert found.problems == ()
    assert (found.sessions, found.trashed) == (3, 1)
    assert (found.messages, found.switches, found.entries) == (3, 1, 9)
    assert len(found.identity) == 32


NOT_WRITTEN = "Session 's': entry {} is not what was written (its chain does not fit)"
OF_S = "no = (SELECT no FROM session WHERE session_id = 's')"


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        (f"DELETE FROM entry WHERE {OF_S} AND seq = 2", "Session 's': entry 2 is missing"),
        (
            f"DELETE FROM entry WHERE {OF_S} AND seq = 6",
            "Session 's' says it has 6 entries; it has 5",
        ),
        (f"DELETE FROM entry WHERE {OF_S}", "Session 's': entry 1 is missing"),
        (f"UPDATE session SET version = 7 WHERE {OF_S}", "'s' says it has 7 entries; it has 6"),
        (f"UPDATE session SET version = 5 WHERE {OF_S}", "'s' says it has 5 entries; it has 6"),
        (
            f"UPDATE entry SET body = replace(body, 'm2', 'm!') WHERE {OF_S} AND seq = 2",
            NOT_WRITTEN.format(2),
        ),
        (f"UPDATE entry SET key = 'other' WHERE {OF_S} AND seq = 3", NOT_WRITTEN.format(3)),
        (f"UPDATE entry SET kind = 'record' WHERE {OF_S} AND seq = 1", NOT_WRITTEN.format(1)),
        (f"UPDATE entry SET at = '' WHERE {OF_S} AND seq = 6", NOT_WRITTEN.format(6)),
        (f"UPDATE entry SET metadata = '{{}}' WHERE {OF_S} AND seq = 2", NOT_WRITTEN.format(2)),
        (f"UPDATE entry SET form = 3 WHERE {OF_S} AND seq = 2", NOT_WRITTEN.format(2)),
        (
            f"UPDATE entry SET body = '[]' WHERE {OF_S} AND seq = 2",
            "Session 's': entry 2 is not a JSON object",
        ),
        (
            f"UPDATE entry SET metadata = '{{' WHERE {OF_S} AND seq = 2",
            "Session 's': the metadata of entry 2 is not JSON",
        ),
        (
            f"UPDATE session SET message_count = 3 WHERE {OF_S}",
            "Session 's' says it has 3 messages that count; it has 2",
        ),
        (
            f"UPDATE session SET switch_count = 0 WHERE {OF_S}",
            "Session 's' says it has 0 agent switches; it has 1",
        ),
        (f"UPDATE session SET floor = 7 WHERE {OF_S}", "has no entries up to 7"),
        (
            f"UPDATE settings SET intervals = NULL WHERE {OF_S}",
            "Session 's' says it has 2 messages that count; it has 3",
        ),
        (f"UPDATE settings SET intervals = '[[1,2]]' WHERE {OF_S}", "which of its entries count"),
        (f"UPDATE settings SET metadata = 'x' WHERE {OF_S}", "is not a JSON object"),
        ("UPDATE standing SET lease_ends_at = 'soon'", "nobody can say until when its turn holds"),
        ("UPDATE standing SET lease_ttl = NULL", "nobody can say until when its turn holds"),
        ("DELETE FROM draft WHERE start = 0", "draft 'a' goes on behind character 2, and has 0"),
        ("UPDATE draft SET body = '{}' WHERE start = 2", "behind character 2 cannot be read"),
        (
            f"UPDATE entry SET no = no + 1 WHERE {OF_S} AND seq = 6",
            "Session 'empty' says it has 0 entries; it has 1",
        ),
        (
            f"UPDATE entry SET no = 2147480000 WHERE {OF_S} AND seq = 6",
            "Entries of number 2147480000 belong to no session",
        ),
        (
            f"UPDATE entry SET no = -5 WHERE {OF_S} AND seq = 6",
            "Entries of number -5 belong to no session",
        ),
        ("UPDATE tally SET living = living + 2 WHERE shard = 3", "Shard 3 says it has 2 sessions"),
        (
            f"UPDATE session SET shard = (shard + 1) % 256 WHERE {OF_S}",
            "Session 's' is of shard",
        ),
        (
            f"UPDATE entry SET key = 'k1' WHERE {OF_S} AND seq = 2",
            "Session 's' has the message id 'k1' 2 times",
        ),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(
    filled: str, ask: Asker, sql: str, problem: str
) -> None:
    ask.run(sql)
    found = verify(filled)
    assert [said for said in found.problems if problem in said], found.problems
    assert (found.sessions, found.trashed) == (3, 1)


def test_a_number_that_will_be_given_again_is_named(filled: str, ask: Asker) -> None:
    before = ask("SELECT last_value FROM session_no")
    ask.run("ALTER SEQUENCE session_no RESTART WITH 1")
    [problem] = verify(filled).problems
    assert problem.startswith("The next session is to be number 1, and there is number ")
    ask.run(f"ALTER SEQUENCE session_no RESTART WITH {before[0][0] + 64}")


def test_entries_between_two_sessions_are_named_once(filled: str, ask: Asker) -> None:
    ask.run("DELETE FROM settings")
    ask.run(f"DELETE FROM session WHERE {OF_S}")
    said = [problem for problem in verify(filled).problems if "no session" in problem]
    assert len(said) == 1


def test_what_follows_on_a_rewind_may_have_an_id_again(filled: str, ask: Asker) -> None:
    ask.run(f"UPDATE entry SET key = 'k1' WHERE {OF_S} AND seq = 3")  # which does not count
    assert verify(filled).problems == (NOT_WRITTEN.format(3),)


def test_of_one_kind_only_so_many_problems_are_listed(
    url: str, ask: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "MAX_PROBLEMS", 3)
    with closing(PostgresStore.open(url)) as store:
        begun(store, *(born(f"s{n}", "x") for n in range(9)))
    ask.run("UPDATE session SET message_count = 2")
    found = verify(url)
    assert len(found.problems) == 3
    assert found.sessions == 9


def test_what_is_being_purged_is_not_looked_at(filled: str, ask: Asker) -> None:
    ask.run("UPDATE session SET deleted_at = '' WHERE session_id = 'gone'")
    ask.run("DELETE FROM entry WHERE seq = 1 AND body LIKE '%x%'")
    assert verify(filled).problems == ()


# -- beside nodes --------------------------------------------------------------------------------


def test_a_database_that_is_in_use_is_verified(store: PostgresStore, url: str) -> None:
    [no] = begun(store, born("s", "one"))
    assert verify(url).messages == 1
    committed(store, delta("s", follows(no, 1, "one", "two")))
    assert verify(url).messages == 2
    assert verify(url).ok


def test_what_is_written_ahead_is_no_problem(store: PostgresStore, url: str) -> None:
    many = [str(n) for n in range(2_400)]
    [no] = begun(store, born("s", "0"), born("other", "x"))[:1]
    assert store.commit([delta("s", follows(no, 1, *many))]).unfinished
    assert store.commit([born("new", *many)]).unfinished
    found = verify(url)
    assert found.problems == ()
    assert found.entries == 2


def test_all_of_it_is_of_one_moment(store: PostgresStore, url: str) -> None:
    nos = begun(store, *(born(f"s{n}", "x") for n in range(6)))
    tally = report.Tally()
    with connect(Address.of(url)) as reader:
        begin_snapshot(reader)
        reader.execute("SELECT FROM agent_runtime.meta")
        committed(store, *(delta(f"s{n}", follows(no, 1, "x", "y")) for n, no in enumerate(nos)))
        committed(store, born("new", "x"), delta("s0", follows(nos[0], 2, "x", "y", end="trash")))
        assert list(audit(reader, tally)) == []
    assert (tally.living, tally.entries) == (6, 6)


@pytest.mark.parametrize("limit", ["statement_timeout", "idle_in_transaction_session_timeout"])
def test_it_may_take_its_time(filled: str, limit: str) -> None:
    separator = "&" if "?" in filled else "?"
    with connect(Address.of(f"{filled}{separator}options=-c%20{limit}%3D7min")) as reader:
        begin_snapshot(reader)
        take_time(reader)
        assert reader.execute(f"SHOW {limit}").fetchall() == [("0",)]
        reader.execute("ROLLBACK")
        assert reader.execute(f"SHOW {limit}").fetchall() == [("7min",)]


# -- damage --------------------------------------------------------------------------------------

DAMAGED = """
ALTER TABLE entry RENAME TO kept;
CREATE FUNCTION page(seq bigint, body text) RETURNS text STABLE LANGUAGE plpgsql AS $$
BEGIN
    IF body LIKE '%m2%' OR body LIKE '%z%' THEN
        RAISE EXCEPTION 'invalid page in block 7' USING ERRCODE = 'XX001';
    END IF;
    RETURN body;
END $$;
CREATE VIEW entry AS
    SELECT no, seq, form, kind, at, chain, key, call, metadata, page(seq, body) AS body FROM kept
"""
MENDED = "DROP VIEW entry; DROP FUNCTION page; ALTER TABLE kept RENAME TO entry"


@pytest.fixture
def damaged(filled: str, ask: Asker) -> Iterator[str]:
    """Of session `s`, the second entry cannot be read, and of `last` the only one."""
    with psycopg.connect(filled) as connection:
        connection.execute("SET search_path TO agent_runtime")
        connection.execute(DAMAGED)
    yield filled
    with psycopg.connect(filled) as connection:
        connection.execute("SET search_path TO agent_runtime")
        connection.execute(MENDED)


def test_a_session_that_cannot_be_read_does_not_end_the_search(damaged: str, ask: Asker) -> None:
    ask.run("UPDATE session SET message_count = 5 WHERE session_id IN ('empty', 'gone')")
    found = verify(damaged)
    assert found.problems == (
        "Session 's' cannot be read: invalid page in block 7 (XX001)",
        "Session 'empty' says it has 5 messages that count; it has 0",
        "Session 'gone' says it has 5 messages that count; it has 2",
        "Session 'last' cannot be read: invalid page in block 7 (XX001)",
    )


@pytest.mark.parametrize("lives", [1, 2, 3, 100])
def test_it_is_named_whatever_is_read_together_with_it(
    damaged: str, lives: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auditing, "LIVES", lives)
    names = [problem.split("'")[1] for problem in verify(damaged).problems]
    assert names == ["s", "last"]


# -- what is no database of this program ----------------------------------------------------------


def test_a_database_without_sessions_is_refused(databases: Databases) -> None:
    with databases.fresh() as url, pytest.raises(CannotOpenStore, match="no sessions"):
        verify(url)


def test_a_schema_of_somebody_elses_is_refused(databases: Databases) -> None:
    with databases.fresh() as url:
        with psycopg.connect(url) as connection:
            connection.execute("CREATE SCHEMA agent_runtime")
            connection.execute("CREATE TABLE agent_runtime.notes (text text)")
        with pytest.raises(CannotOpenStore, match="is not this program's"):
            verify(url)


def test_it_tells_how_far_it_is(filled: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "TELL_EVERY", 3)
    told: list[tuple[str, int, int]] = []
    found = verify(filled, lambda *said: told.append(said))
    assert found == verify(filled)
    assert told[0][:2] == ("checking", 0)
    assert [done for _, done, _ in told[1:]] == list(range(3, found.entries + 1, 3))
    assert {whole for *_, whole in told} == {found.entries}


def test_sums_that_are_not_those_of_the_entries_are_named(url: str, ask: Asker) -> None:
    with closing(PostgresStore.open(url)) as store:
        items = [Item("usage", None, {"agent": "a\0", "n": n, "c": 0.1}) for n in (1, 2, 2)]
        begun(store, *(born(f"s{n}", *items, reports=[(1, ""), (2, ""), (3, "")]) for n in "abc"))
    assert verify(url).problems == ()
    ask.run("UPDATE used SET low = 6 WHERE name = 'n' AND no = (SELECT max(no) FROM session)")
    ask.run("INSERT INTO used VALUES (777777, '2025-12-31', 'b', 'm', 'n', 0, 1, NULL)")
    assert verify(url).problems == (
        "Sums of number 777777 belong to no session",
        "Session 'sc': 'n' of agent 'a\\x00', model '', on 2025-12-31 is summed up to 6; its "
        "entries say 5",
    )
