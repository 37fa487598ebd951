"""What was in a database of schema version 1 arrives, and nothing of it is lost."""

import shutil
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from persistence.sqlite.checking.verify import verify
from persistence.sqlite.opening import converting
from persistence.sqlite.store import SQLiteStore
from runtime.session.kinds.table import KINDS
from runtime.session.life import Life, Moment
from runtime.store.entries import PLAIN, TEXT_ID
from tests.persistence.builders import query
from tests.persistence.sqlite.opening.upgrades import entries, history, said, upgraded
from tests.persistence.version1 import CREATED, Version1, moment
from tests.properties import examples

ODD_IDS = ["", ".", "../up", "a/b?c#d", "line\nbreak", "nul\0byte", "Ж🤔", "x" * 2_000, " "]


def test_histories_are_byte_for_byte_what_they_were(old: Version1) -> None:
    before = old.histories()
    assert {name: history(found) for name, found in upgraded(old.path).items()} == before


def test_a_message_keeps_its_id_its_metadata_and_its_time(old: Version1) -> None:
    first, _, third = entries(upgraded(old.path)["rich"])
    assert (first.key, first.metadata, first.at) == ("m1", b'{"n":[1,null]}', moment(1))
    assert (first.form, third.form) == (PLAIN | TEXT_ID, PLAIN | TEXT_ID)
    assert (third.key, third.metadata, third.at) == ("m2", None, moment(3))


def test_a_session_keeps_when_it_was_created_and_used(old: Version1) -> None:
    for found in upgraded(old.path).values():
        assert (found.header.created_at, found.header.last_activity) == (CREATED, moment(59))


def test_messages_and_switches_lie_in_the_order_of_time_and_messages_first(old: Version1) -> None:
    assert said(upgraded(old.path)["interleaved"]) == [
        ("settings", CREATED),
        ("message", moment(1)),
        ("switch", moment(2)),
        ("message", moment(3)),
        ("message", moment(3)),
        ("switch", moment(3)),
        ("message", moment(5)),
        ("switch", moment(9)),
    ]


def test_neither_messages_nor_switches_are_sorted_in_themselves(path: Path) -> None:
    database = Version1(path)
    messages = [{"role": "user", "content": f"{at}", "at": at} for at in (8, 2, 5)]
    database.session("s", *messages, switches=[("orchestrator", "b", "", 9), ("b", "c", "", 1)])
    assert [at for _, at in said(upgraded(path)["s"])] == [
        moment(second) for second in (8, 2, 5, 9, 1)
    ]


def test_what_goes_without_saying_is_no_entry(old: Version1) -> None:
    assert [kind for kind, _ in said(upgraded(old.path)["plain"])] == ["message", "message"]


def test_a_session_without_anything_has_the_entry_of_its_creation(old: Version1) -> None:
    [first] = entries(upgraded(old.path)["empty"])
    assert (first.kind, first.body) == ("settings", b'{"agent":"orchestrator"}')


def test_the_first_entry_says_metadata_and_agent(old: Version1) -> None:
    found = upgraded(old.path)
    first = entries(found["interleaved"])[0]
    assert first.body == b'{"agent":"architect","metadata":{"project":"x","tags":["a"]}}'
    assert found["interleaved"].settings.metadata == b'{"project":"x","tags":["a"]}'
    assert entries(found["begun by another"])[0].body == b'{"agent":"architect"}'


def test_a_member_of_the_metadata_that_is_null_stays(path: Path) -> None:
    Version1(path).session("s", metadata='{"a":null,"b":{"c":null,"d":[null]}}')
    assert upgraded(path)["s"].settings.metadata == b'{"a":null,"b":{"c":null,"d":[null]}}'


def test_switches_keep_what_they_said(old: Version1) -> None:
    [switch] = entries(upgraded(old.path)["only switches"])
    assert switch.body == b'{"from":"orchestrator","to":"coder","reason":"why"}'


def test_switches_that_are_known_by_their_number_only_stay_counted(path: Path) -> None:
    database = Version1(path)
    database.session("s", current_agent="coder", switch_count=4, last_switch_at=moment(7))
    header = upgraded(path)["s"].header
    assert (header.switch_count, header.last_switch_at) == (4, moment(7))
    assert header.current_agent == "coder"


@pytest.mark.parametrize(("counted", "now"), [(1, 2), (3, 3)])
def test_the_current_agent_stays_though_the_switches_lead_elsewhere(
    path: Path, counted: int, now: int
) -> None:
    database = Version1(path)
    recorded = [("orchestrator", "coder", "", 1)]
    database.session("s", "one", switches=recorded, current_agent="ask", switch_count=counted)
    found = upgraded(path)["s"]
    assert (found.header.current_agent, found.header.switch_count) == ("ask", now)
    assert b"not recorded" in entries(found)[-1].body


@pytest.mark.parametrize("session_id", ODD_IDS)
def test_an_id_of_any_shape_arrives(path: Path, session_id: str) -> None:
    Version1(path).session(session_id, "one")
    assert list(upgraded(path)) == [session_id]


def test_a_session_of_ten_thousand_messages_arrives(path: Path) -> None:
    database = Version1(path)
    sent = [{"role": "user", "content": f"{n}", "id": f"m{n}", "at": n // 4} for n in range(10_000)]
    database.session("long", *sent, switches=[("a", "b", "", 900), ("b", "c", "", 2_000)])
    before = database.histories()["long"]
    found = upgraded(path)["long"]
    assert history(found) == before
    assert found.header.version == 10_003
    assert found.header.message_count == 10_000


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 7, 8, 9])
@pytest.mark.parametrize("of", ["CHUNK_ENTRIES", "CHUNK_BYTES"])
def test_it_does_not_matter_where_a_session_is_cut(
    old: Version1, monkeypatch: pytest.MonkeyPatch, limit: int, of: str
) -> None:
    monkeypatch.setattr(converting, of, limit if of == "CHUNK_ENTRIES" else 40 * limit)
    before = old.histories()
    found = upgraded(old.path)
    assert {name: history(stored) for name, stored in found.items()} == before
    assert verify(old.path).ok


def test_the_runtime_sees_in_the_log_what_the_store_says_of_it(old: Version1) -> None:
    old.session("lost", "one", current_agent="c", switch_count=3, last_switch_at=moment(2))
    old.session("odd", switches=[("", "b", "", 1)], current_agent="c", switch_count=9)
    for found in upgraded(old.path).values():
        life = Life.restored(KINDS, found, Moment(0.0, moment(0)))
        assert life.header() == found.header
        assert life.settings() == found.settings


def test_the_published_views_say_what_they_said(old: Version1) -> None:
    asked = (
        "SELECT session_id, messages, last_activity, created_at FROM sessions ORDER BY session_id",
        "SELECT session_id, current_agent, context_metadata, switch_count, last_switch_at"
        " FROM agent_contexts ORDER BY session_id",
    )
    before = [query(old.path, sql) for sql in asked]
    SQLiteStore.open(old.path).close()
    assert [query(old.path, sql) for sql in asked] == before


class Drawn(NamedTuple):
    messages: list[dict[str, Any]]
    switches: list[tuple[str, str, str, int]]
    metadata: str
    lost: int


seconds = st.integers(0, 20)
agents = st.sampled_from(["orchestrator", "coder", "ask", "архитектор"])
drawn_messages = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "tool"]), "content": st.text(max_size=9), "at": seconds},
        optional={"name": st.text(max_size=3), "metadata": st.dictionaries(st.text(), seconds)},
    ),
    max_size=8,
)
drawn_sessions = st.builds(
    Drawn,
    drawn_messages,
    st.lists(st.tuples(agents, agents, st.text(max_size=5), seconds), max_size=8),
    st.sampled_from(["{}", '{"a":1}', '{"ж":[{"b":null}],"n":1.5e300}']),
    st.integers(0, 2),
)


@settings(
    max_examples=examples(0.6),
    # In place of those that all tests suppress: the first is one of them.
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(drawn=st.lists(drawn_sessions, max_size=4), chunk=st.integers(1, 6))
def test_whatever_was_in_it_arrives_and_is_whole(
    tmp_path: Path, drawn: list[Drawn], chunk: int
) -> None:
    folder = tmp_path / "one"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    database = Version1(folder / "sessions.db")
    for number, session in enumerate(drawn):
        database.session(
            f"s{number}",
            *session.messages,
            switches=session.switches,
            metadata=session.metadata,
            switch_count=len(session.switches) + session.lost,
        )
    before = database.histories()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(converting, "CHUNK_ENTRIES", chunk)
        found = upgraded(database.path)
    assert {name: history(stored) for name, stored in found.items()} == before
    for stored in found.values():
        assert Life.restored(KINDS, stored, Moment(0.0, moment(0))).header() == stored.header
    assert verify(database.path).ok
