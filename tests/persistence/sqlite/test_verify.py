"""Whether a database is whole, and if not, what is wrong with it."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from persistence.auditing import report as module
from persistence.auditing import telling
from persistence.sqlite.checking import verify as verifying
from persistence.sqlite.checking.verify import verify
from persistence.sqlite.store import SQLiteStore
from runtime import CannotOpenStore, Settings
from tests.persistence.builders import (
    Item,
    OldDatabase,
    begins,
    born,
    change,
    delta,
    follows,
    message,
    place_each,
    record,
    switch,
)

S = [message(f"m{n}", f"k{n}") for n in (1, 2, 3)]
LOG = [*S, switch("coder")._replace(call="c"), record("r", 1), record("r", 2)]


@pytest.fixture
def in_runs(path: Path) -> Path:
    """Session `s` (number 1) has three messages, a switch, two records; one is in the trash.

    Entry 1 of `s` is the first one of all, so its numbers are its places, too: 1 to 6, one run.
    Those of the trash follow.
    """
    store = SQLiteStore.open(path)
    settings = Settings(metadata=b'{"a":1}', intervals=((1, 2), (4, None)))
    store.commit([delta("s", begins(*LOG, settings=settings, message_count=2))])
    store.commit([born("empty"), delta("gone", begins("x", "y", end="trash"))])
    store.close()
    return path


@pytest.fixture
def a_row_each(in_runs: Path) -> Path:
    """The same, and every entry has a row of its own in `look`."""
    place_each(in_runs)
    return in_runs


@pytest.fixture(params=["in_runs", "a_row_each"])
def filled(request: pytest.FixtureRequest) -> Path:
    """The same, once as the one and once as the other."""
    path = request.getfixturevalue(request.param)
    assert isinstance(path, Path)
    return path


def test_a_whole_database_has_no_problems(filled: Path) -> None:
    report = verify(filled)
    assert report.problems == ()
    assert report.ok
    assert (report.sessions, report.trashed, report.commit_seq) == (2, 1, 2)
    assert (report.messages, report.switches, report.entries) == (2, 1, 8)


def test_a_database_in_use_is_verified(store: SQLiteStore, path: Path) -> None:
    no = store.commit([born("s", "one")]).begun["s"]
    assert verify(path).messages == 1
    store.commit([delta("s", follows(no, 1, "one", "two"))])
    assert verify(path).messages == 2
    assert verify(path).ok


COPIED = """
INSERT INTO entry (kind, at, form, chain, body, no, seq)
SELECT kind, at, form, chain, body,
"""

NOT_WRITTEN = "Session 's': entry {} is not what was written (its chain does not fit)"


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("DELETE FROM entry WHERE no = 1 AND seq = 2", "Session 's': entry 2 is missing"),
        (
            "DELETE FROM entry WHERE no = 1 AND seq = 6",
            "Session 's' says it has 6 entries; it has 5",
        ),
        (
            "UPDATE entry SET seq = 9 WHERE no = 1 AND seq = 6",
            "'s': entry 6 is not where it should be",
        ),
        (
            "UPDATE session SET version = 7 WHERE no = 1",
            "Session 's' says it has 7 entries; it has 6",
        ),
        (
            "UPDATE entry SET body = replace(body, 'm2', 'm!') WHERE no = 1 AND seq = 2",
            NOT_WRITTEN.format(2),
        ),
        ("UPDATE entry SET key = 'other' WHERE no = 1 AND seq = 3", NOT_WRITTEN.format(3)),
        ("UPDATE entry SET kind = 'record' WHERE no = 1 AND seq = 1", NOT_WRITTEN.format(1)),
        ("UPDATE entry SET at = replace(at, '12', '13') WHERE no = 1", NOT_WRITTEN.format(6)),
        ("UPDATE entry SET chain = x'0011223344556677' WHERE seq = 3", NOT_WRITTEN.format(3)),
        ("UPDATE entry SET metadata = '{}' WHERE no = 1 AND seq = 2", NOT_WRITTEN.format(2)),
        ("UPDATE entry SET form = 3 WHERE no = 1 AND seq = 2", NOT_WRITTEN.format(2)),
        ("UPDATE entry SET form = form | 8 WHERE no = 1 AND seq = 5", NOT_WRITTEN.format(5)),
        ("UPDATE session SET root = x'0011223344556677'", NOT_WRITTEN.format(1)),
        ("UPDATE session SET root = x'00'", NOT_WRITTEN.format(1)),
        ("UPDATE entry SET body = CAST(x'ff' AS TEXT) WHERE no = 1 AND seq = 2", "entry 2 is not"),
        ("UPDATE entry SET key = CAST(x'ff' AS TEXT) WHERE no = 1 AND seq = 2", "entry 2 is not"),
        (
            "UPDATE session SET message_count = 3 WHERE no = 1",
            "Session 's' says it has 3 messages that count; it has 2",
        ),
        (
            "UPDATE settings SET intervals = NULL",
            "Session 's' says it has 2 messages that count; it has 3",
        ),
        ("UPDATE settings SET intervals = '[[4,null],[1,2]]'", "which of its entries count"),
        ("UPDATE settings SET intervals = '[[1,2]]'", "which of its entries count"),
        ("UPDATE settings SET intervals = '{'", "which of its entries count"),
        (
            "UPDATE session SET switch_count = 0 WHERE no = 1",
            "Session 's' says it has 0 agent switches; it has 1",
        ),
        ("UPDATE session SET floor = 7 WHERE no = 1", "has no entries up to 7"),
        (
            "UPDATE entry SET body = '{' WHERE no = 1 AND seq = 2",
            "Session 's': entry 2 is not a JSON object",
        ),
        (
            "UPDATE entry SET body = '[]' WHERE no = 1 AND seq = 2",
            "Session 's': entry 2 is not a JSON object",
        ),
        (
            "UPDATE entry SET metadata = '{' WHERE no = 1 AND seq = 2",
            "Session 's': the metadata of entry 2 is not JSON",
        ),
        ("UPDATE settings SET metadata = 'x'", "Session 's': the metadata is not a JSON object"),
        (
            "INSERT INTO standing VALUES (1, 7, 'soon', 30, 0)",
            "Session 's': nobody can say until when its turn holds",
        ),
        (
            "INSERT INTO standing VALUES (1, 7, '2025-12-31T12:00:00.000Z', NULL, 0)",
            "Session 's': nobody can say until when its turn holds",
        ),
        ("UPDATE session SET no = 9 WHERE no = 1", "Rows of settings belong to no row of session"),
        ("UPDATE session SET no = 9 WHERE no = 1", "Entries of number 1 belong to no session"),
        ("UPDATE session SET no = 9 WHERE no = 3", "Entries of number 3 belong to no session"),
        ("UPDATE session SET no = 9 WHERE no = 3", "and there is number 9 already"),
        ("UPDATE meta SET living = 5", "The database says it has 5 sessions; it has 2"),
        ("UPDATE session SET listed = 'x' WHERE no = 1", "is listed where it does not belong"),
        (
            "UPDATE entry SET body = replace(body, 'y', 'z') WHERE no = 3 AND seq = 2",
            "Session 'gone': entry 2 is not what was written",
        ),
        (
            "UPDATE session SET version = 5 WHERE no = 1",
            "Session 's' says it has 5 entries; it has 6",
        ),
        ("UPDATE session SET version = 9 WHERE no = 1", "Session 's': entry 7 is missing"),
        (f"{COPIED} 7, 1 FROM entry WHERE id = 1", "Entries of number 7 belong to no session"),
        (f"{COPIED} 1, 7 FROM entry WHERE id = 1", "'s': entry 7 is not found by its number"),
        (
            "DELETE FROM look WHERE k > 99 AND id = 2",
            "Session 's': entry 2 is not found by its key",
        ),
        (
            "DELETE FROM look WHERE k > 99 AND id = 4",
            "Session 's': entry 4 is not found by its key",
        ),
        (
            "UPDATE entry SET call = 'x' WHERE id = 4",
            "Session 's': entry 4 is not found by its key",
        ),
        (
            "UPDATE look SET k = k + 9 WHERE k > 99 AND id = 3",
            "Session 's': entry 3 is not found by its key",
        ),
        ("INSERT INTO look VALUES (1, 1 << 61, 99)", "1 places of keys lead nowhere, or elsewhere"),
        ("INSERT INTO look VALUES (1, 1 << 40, 1)", "1 places of keys lead nowhere, or elsewhere"),
        ("INSERT INTO look VALUES (2, 1, 1)", "Session 'empty': entry 1 is not where it should be"),
        ("INSERT INTO look VALUES (7, 1, 1)", "Entries of number 7 belong to no session"),
        ("INSERT INTO look VALUES (1, 9, 99)", "Session 's': entry 9 is missing"),
        ("INSERT INTO look VALUES (1, 9, 6)", "Session 's': entry 9 is not where it should be"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(filled: Path, sql: str, problem: str) -> None:
    check_that_it_is_said(filled, sql, problem)


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("DELETE FROM look WHERE no = 1 AND k = 1", "Session 's': entry 1 is missing"),
        ("DELETE FROM look WHERE no = 1 AND k = 1", "'s': entry 1 is not found by its number"),
        ("DELETE FROM look WHERE no = 1 AND k = 1", "Session 's' says it has 6 entries; it has 5"),
        ("UPDATE look SET id = 3 WHERE k = 2", "Session 's': entry 2 is not where it should be"),
        ("UPDATE look SET id = 9 WHERE k = 2", "Session 's': entry 2 is missing"),
        ("UPDATE look SET k = 9 WHERE k = 2", "Session 's': entry 9 is not where it should be"),
    ],
)
def test_a_place_of_one_entry_that_is_wrong_is_named(
    a_row_each: Path, sql: str, problem: str
) -> None:
    check_that_it_is_said(a_row_each, sql, problem)


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("DELETE FROM look WHERE no = 1 AND k = 1", "Session 's': entry 1 is missing"),
        ("DELETE FROM look WHERE no = 1 AND k = 1", "'s': entry 6 is not found by its number"),
        ("DELETE FROM look WHERE no = 1 AND k = 1", "Session 's' says it has 6 entries; it has 0"),
        ("UPDATE look SET id = 2 WHERE no = 1 AND k = 1", "entry 1 is not where it should be"),
        ("UPDATE look SET id = 7 WHERE no = 1 AND k = 1", "entry 1 is not where it should be"),
        ("UPDATE look SET id = 99 WHERE no = 1 AND k = 1", "Session 's': entry 1 is missing"),
        ("UPDATE look SET k = 3 WHERE no = 1 AND k = 1", "entry 3 is not where it should be"),
        ("UPDATE look SET k = 0 WHERE no = 1 AND k = 1", "entry 0 is not where it should be"),
        ("INSERT INTO look VALUES (1, 3, 7)", "Session 's': entry 3 is not where it should be"),
        ("INSERT INTO look VALUES (1, 3, 7)", "Session 's': entry 6 is not found by its number"),
        ("INSERT INTO look VALUES (1, 3, 99)", "Session 's': entry 3 is missing"),
        ("INSERT INTO look VALUES (1, 1, 7)", "Session 's': entry 1 is not where it should be"),
    ],
)
def test_a_run_that_is_wrong_is_named(in_runs: Path, sql: str, problem: str) -> None:
    check_that_it_is_said(in_runs, sql, problem)


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("DELETE FROM look WHERE no = 1 AND k = 2", "Session 's': entry 2 is missing"),
        ("DELETE FROM look WHERE no = 1 AND k = 2", "'s': entry 2 is not where it should be"),
        ("DELETE FROM look WHERE no = 1 AND k = 2", "'s': entry 2 is not found by its number"),
        ("DELETE FROM look WHERE no = 1 AND k = 2", "Session 's' says it has 3 entries; it has 1"),
        ("INSERT INTO look VALUES (1, 2, 2)", "Session 's': entry 2 is not where it should be"),
        ("INSERT INTO look VALUES (1, 3, 2)", "Session 's': entry 3 is not where it should be"),
    ],
)
def test_a_lost_run_is_named(store: SQLiteStore, path: Path, sql: str, problem: str) -> None:
    no = store.commit([born("s", "1"), born("other", "1")]).begun["s"]
    store.commit([delta("s", follows(no, 1, "1", "2")), born("more", "1")])
    store.commit([delta("s", follows(no, 2, "1", "2", "3"))])
    check_that_it_is_said(path, sql, problem)


def test_a_run_that_goes_on_in_another_one_is_no_problem(in_runs: Path) -> None:
    change(in_runs, "INSERT INTO look VALUES (1, 3, 3)")
    assert verify(in_runs).problems == ()


def test_of_a_run_that_leads_elsewhere_one_sentence_is_said(in_runs: Path) -> None:
    change(in_runs, "INSERT INTO look VALUES (1, 3, 4)")
    said = [problem for problem in verify(in_runs).problems if "should be" in problem]
    assert said == ["Session 's': entry 3 is not where it should be"]


def check_that_it_is_said(path: Path, sql: str, problem: str) -> None:
    change(path, sql)
    report = verify(path)
    assert [said for said in report.problems if problem in said], report.problems
    assert not report.ok


def test_of_what_follows_on_a_changed_entry_nothing_is_said(filled: Path) -> None:
    change(filled, "UPDATE entry SET body = replace(body, 'm2', 'm!') WHERE no = 1 AND seq = 2")
    assert verify(filled).problems == (NOT_WRITTEN.format(2),)


def test_of_what_follows_on_a_missing_entry_nothing_is_said(filled: Path) -> None:
    change(filled, "DELETE FROM entry WHERE no = 1 AND seq = 4")
    change(filled, "DELETE FROM look WHERE no = 1 AND id = 4")
    change(filled, "UPDATE entry SET body = replace(body, '2', '3') WHERE no = 1 AND seq = 6")
    assert verify(filled).problems == (
        "Session 's': entry 4 is missing",
        NOT_WRITTEN.format(6),
        "Session 's' says it has 6 entries; it has 5",
    )


def test_a_body_may_have_been_dropped_but_its_digest_must_fit(filled: Path) -> None:
    store = SQLiteStore.open(filled)
    change_of = follows(1, 6, *LOG, dropped=[5], message_count=2, floor=5)
    assert not store.commit([delta("s", change_of)]).rejected
    store.close()
    assert verify(filled).ok
    other = b"another body".hex().ljust(32, "0")
    change(filled, "UPDATE entry SET body = json_object('dropped', ?) WHERE seq = 5", other)
    assert verify(filled).problems == (NOT_WRITTEN.format(5),)


def test_of_one_kind_only_so_many_problems_are_listed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_PROBLEMS", 3)
    store = SQLiteStore.open(path)
    store.commit([born(f"s{n}", "x") for n in range(9)])
    store.close()
    change(path, "UPDATE session SET message_count = 2")
    report = verify(path)
    assert len(report.problems) == 3
    assert report.sessions == 9


def test_an_id_that_two_messages_that_count_have_is_named(store: SQLiteStore, path: Path) -> None:
    store.commit([born("s", message("a", "k"), message("b", "k"))])
    assert verify(path).problems == ("Session 's' has the message id 'k' 2 times",)


def test_a_damaged_index_is_found(filled: Path) -> None:
    with closing(sqlite3.connect(filled)) as connection, connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_schema SET sql = replace(sql, 'listed DESC, ', '')"
            " WHERE name = 'session_by_activity'"
        )
    assert any(problem.startswith("SQLite: ") for problem in verify(filled).problems)


def test_a_damaged_page_is_reported_and_does_not_end_the_search(path: Path) -> None:
    store = SQLiteStore.open(path)
    store.commit([born(f"s{number}", "x" * 3_000, settings=Settings()) for number in range(50)])
    store.close()
    change(path, "UPDATE settings SET metadata = 'x' WHERE no = 8")
    change(path, "UPDATE session SET message_count = 5 WHERE no = 50")
    content = bytearray(path.read_bytes())
    [page] = [
        start
        for start in range(0, len(content), 4096)
        if content[start] == 13 and content[start : start + 4096].count(b"x" * 2_900) == 1
    ][30:31]
    content[page : page + 96] = b"\xee" * 96
    path.write_bytes(content)
    problems = verify(path).problems
    assert any(problem.startswith("SQLite: ") for problem in problems)
    assert any("cannot be read" in problem for problem in problems)
    assert "Session 's7': the metadata is not a JSON object" in problems
    assert "Session 's49' says it has 5 messages that count; it has 1" in problems


def test_a_missing_database_is_refused(path: Path) -> None:
    with pytest.raises(CannotOpenStore, match="no database"):
        verify(path)
    assert not path.exists()


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.write_text("A letter to my friends. " * 100)
    with pytest.raises(CannotOpenStore, match="not a database of this program"):
        verify(path)


def test_the_guides_own_database_is_refused(path: Path) -> None:
    OldDatabase(path)
    with pytest.raises(CannotOpenStore, match="taken over when the service opens it"):
        verify(path)


def test_another_version_of_the_schema_is_refused(filled: Path) -> None:
    change(filled, "PRAGMA user_version = 77")
    with pytest.raises(CannotOpenStore, match="schema version 77"):
        verify(filled)


def test_it_tells_how_far_it_is(in_runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "TELL_EVERY", 3)
    told: list[tuple[str, int, int]] = []
    found = verify(in_runs, lambda *said: told.append(said))
    assert found == verify(in_runs)
    assert told == [("checking", 0, 8), ("verifying", 3, 8), ("verifying", 6, 8)]


def test_how_far_it_is_does_not_matter_where_that_cannot_be_known(
    in_runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifying, "_ENTRIES", "SELECT damaged FROM session")
    told: list[tuple[str, int, int]] = []
    assert verify(in_runs, lambda *said: told.append(said)).ok
    assert told == [("checking", 0, 0)]


# -- what was used -------------------------------------------------------------------------------


@pytest.fixture
def spent(path: Path) -> Path:
    """Session `s`, which has used five of `n`, and 0.1 of `c` three times."""
    store = SQLiteStore.open(path)
    items = [Item("usage", None, {"agent": "a", "n": n, "c": 0.1}) for n in (1, 2, 2)]
    store.commit([born("s", *items, reports=[(1, ""), (2, ""), (3, "")])])
    store.close()
    return path


def test_sums_may_differ_by_the_order_of_what_was_added(spent: Path) -> None:
    change(spent, "UPDATE used SET part = 0.3 WHERE name = 'c'")
    assert verify(spent).problems == ()


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        (
            "UPDATE used SET low = 6 WHERE name = 'n'",
            "'n' of agent 'a', model '', on 2025-12-31 is summed up to 6; its entries say 5",
        ),
        (
            "UPDATE used SET high = 1 WHERE name = 'n'",
            "'n' of agent 'a', model '', on 2025-12-31 is summed up to 4294967301; its entries "
            "say 5",
        ),
        (
            "DELETE FROM used WHERE name = 'n'",
            "'n' of agent 'a', model '', on 2025-12-31 is summed up to 0; its entries say 5",
        ),
        (
            "UPDATE used SET part = 5.0 WHERE name = 'n'",
            "'n' of agent 'a', model '', on 2025-12-31 is summed up to 10.0; its entries say 5",
        ),
        (
            "UPDATE used SET part = 0.5, low = 0 WHERE name = 'c'",
            "'c' of agent 'a', model '', on 2025-12-31 is summed up to 0.5; its entries say "
            "0.30000000000000004",
        ),
        (
            "INSERT INTO used VALUES (1, '2025-12-31', 'b', 'm', 'n', 0, 1, NULL)",
            "'n' of agent 'b', model 'm', on 2025-12-31 is summed up to 1; its entries say 0",
        ),
    ],
)
def test_sums_that_are_not_those_of_the_entries_are_named(
    spent: Path, sql: str, problem: str
) -> None:
    change(spent, sql)
    assert verify(spent).problems == (f"Session 's': {problem}",)


def test_sums_of_no_session_are_named(spent: Path) -> None:
    change(spent, "INSERT INTO used VALUES (7, '2025-12-31', 'b', 'm', 'n', 0, 1, NULL)")
    change(spent, "INSERT INTO used VALUES (0, '2025-12-31', 'b', 'm', 'n', 0, 1, NULL)")
    assert verify(spent).problems == ("Sums of number 7 belong to no session",)


def test_of_an_entry_that_is_none_of_ours_the_sums_are_not_known(spent: Path) -> None:
    change(spent, """UPDATE entry SET body = '{"n":1}' WHERE seq = 2""")
    [problem] = verify(spent).problems
    assert "entry 2 is not what was written" in problem
