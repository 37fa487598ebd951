"""Messages and titles are found by their words, while they count and their session lives."""

import pytest

from persistence import hits as all_hits
from persistence.sqlite.store import SQLiteStore
from runtime.session.asked.searched import text_of
from runtime.store.steps import Purge, Undelete
from runtime.store.store import Store
from runtime.store.stored import Settings
from tests.persistence.builders import Item, at, begins, born, delta, follows, fork, message
from tests.persistence.contract.stores import begun, committed, finish_purges
from tests.persistence.contract.texts import hits, pages, sought, taken

NO_TITLE = Item("settings", None, {"title": None})


def titled(title: str | None) -> Item:
    return Item("settings", None, {"title": title})


def test_many_words_of_one_message_are_found(store: Store) -> None:
    text = " ".join(f"word{n}" for n in range(15_000))
    committed(store, born("s", text))
    taken(store)
    assert hits(store, 'word0 "word14998 word14999"') == {("s", 1)}


def test_what_tools_were_told_and_said_is_found(store: Store) -> None:
    call = {"id": "call_77", "function": {"name": "read_file", "arguments": '{"path": "a.py"}'}}
    said = {"type": "tool_result", "content": [{"type": "text", "text": "Permission denied"}]}
    committed(
        store,
        born(
            "s",
            Item("message", None, {"role": "assistant", "content": None, "tool_calls": [call]}),
            Item("message", None, {"role": "tool", "content": [said], "tool_call_id": "call_77"}),
            Item("record", "k", {"value": "Permission denied"}),
        ),
    )
    taken(store)
    assert hits(store, "read_file a.py") == {("s", 1)}
    assert hits(store, '"permission denied"') == {("s", 2)}
    assert hits(store, "call_77") == hits(store, "assistant") == set()


def test_what_was_taken_is_not_behind_any_more(store: Store) -> None:
    [no] = begun(store, born("s", "one"))
    committed(store, born("t", "two"))
    assert list(store.index.behind(1).session_ids) == ["s"]
    assert store.index.take(["s", "nobody"], text_of, 1_000).left == []
    assert list(store.index.behind(10).session_ids) == ["t"]
    committed(store, delta("s", follows(no, 1, "one", "three")))
    assert hits(store, "three") == set()
    taken(store)
    assert list(store.index.behind(10).session_ids) == []
    assert hits(store, "three") == {("s", 2)}


def test_a_long_log_is_taken_bit_by_bit(store: Store) -> None:
    committed(store, born("s", "one", "two", "three"), born("t", "four"))
    assert set(store.index.behind(9).session_ids) == {"s", "t"}
    assert list(store.index.take(["s", "t"], text_of, 1).left) == ["s", "t"]
    assert hits(store, "one") == {("s", 1)}
    taken(store, room=1)
    for word, place in (("one", ("s", 1)), ("three", ("s", 3)), ("four", ("t", 1))):
        assert hits(store, word) == {place}


def test_what_a_rewind_took_back_is_found_when_it_comes_back(store: Store) -> None:
    items: list[Item | str] = ["kept fox", "gone fox", Item("rewind", None, {"to": 1})]
    [no] = begun(store, born("s", *items, settings=Settings(intervals=((1, 1), (4, None)))))
    taken(store)
    assert hits(store, "fox") == {("s", 1)}
    items += ["new fox", Item("rewind", None, {"to": 2})]
    back = Settings(intervals=((1, 2), (6, None)))
    committed(store, delta("s", follows(no, 3, *items, settings=back)))
    taken(store)
    assert hits(store, "fox") == {("s", 1), ("s", 2)}


def test_a_deleted_session_is_not_found_until_it_is_back(store: Store) -> None:
    [no] = begun(store, born("s", "fox"))
    taken(store)
    committed(store, delta("s", follows(no, 1, "fox", end="trash")))
    assert hits(store, "fox") == set()
    committed(store, born("s", "another fox"))
    taken(store)
    assert hits(store, "fox") == {("s", 1)}
    committed(store, delta("r", Undelete(no)))
    taken(store)
    assert hits(store, "fox") == {("r", 1), ("s", 1)}


def test_what_is_gone_for_good_is_forgotten(store: Store) -> None:
    [no] = begun(store, delta("s", begins("fox", "fox", "fox", end="trash")))
    begun(store, born("t", "fox"))
    committed(store, delta("u", Undelete(no)))
    taken(store)
    assert hits(store, "fox") == {("t", 1), ("u", 1), ("u", 2), ("u", 3)}
    committed(store, delta("u", follows(no, 3, "fox", "fox", "fox", end="trash")))
    finish_purges(store, committed(store, delta("u", Purge(no))))
    assert hits(store, "fox") == {("t", 1)}
    taken(store)
    assert store.index.forget(10) is False
    assert hits(store, "fox") == {("t", 1)}


def test_a_forks_copies_are_found_in_the_fork_too(store: Store) -> None:
    [no] = begun(store, born("s", "fox", "dog"))
    committed(store, delta("f", fork(no, 1, "fox", Item("settings", None, {"title": "My fork"}))))
    taken(store)
    assert hits(store, "fox") == {("s", 1), ("f", 1)}
    assert hits(store, "dog") == {("s", 2)}


def test_a_title_is_found_while_it_is_the_title(store: Store) -> None:
    items: list[Item | str] = [titled("Fix the parser"), "hello"]
    [no] = begun(store, born("s", *items, settings=Settings(title="Fix the parser")))
    taken(store)
    [hit] = store.index.search(sought("parser"), 10).hits
    assert (hit.session_id, hit.seq, hit.role, hit.title) == ("s", 1, None, "Fix the parser")
    assert hits(store, "parser", role="user") == set()
    for title, found in (("Another name", {("s", 3)}), ("Another name", {("s", 4)}), (None, set())):
        items.append(titled(title))
        after = len(items) - 1
        committed(store, delta("s", follows(no, after, *items, settings=Settings(title=title))))
        taken(store)
        assert hits(store, "parser") == set()
        assert hits(store, "name") == found


def test_titles_that_come_at_once_leave_the_last_one(store: Store) -> None:
    items = [titled("first name"), titled("second name"), titled("third name")]
    committed(store, born("s", *items, settings=Settings(title="third name")))
    taken(store)
    assert hits(store, "name") == {("s", 3)}


def test_hits_can_be_of_one_role_of_some_sessions_and_of_a_time(store: Store) -> None:
    answer = Item("message", None, {"role": "assistant", "content": "fox"}, at(20))
    committed(
        store,
        born("a/1", message("fox", at=at(10)), answer),
        born("b/1", message("fox", at=at(30))),
        born("a%2", message("fox", at=at(40))),
    )
    taken(store)
    everything = {("a/1", 1), ("a/1", 2), ("b/1", 1), ("a%2", 1)}
    assert hits(store, "fox") == everything
    assert hits(store, "fox", role="assistant") == {("a/1", 2)}
    assert hits(store, "fox", role="nobody") == set()
    assert hits(store, "fox", prefix="a/") == {("a/1", 1), ("a/1", 2)}
    assert hits(store, "fox", since=at(20)) == everything - {("a/1", 1)}
    assert hits(store, "fox", until=at(30)) == {("a/1", 1), ("a/1", 2)}
    assert hits(store, "fox", since=at(20), until=at(20)) == set()


def test_hits_come_in_pages_the_newest_first(store: Store) -> None:
    moments = [at(5), at(1), at(3), at(3), at(2)]
    committed(
        store,
        *(
            born(f"s{n}", message("fox", at=moment), message("fox", at=moment))
            for n, moment in enumerate(moments)
        ),
    )
    taken(store)
    found = [
        [(hit.at, hit.session_id, hit.seq) for hit in page.hits] for page in pages(store, "fox", 3)
    ]
    assert [len(page) for page in found] == [3, 3, 3, 1]
    everything = [place for page in found for place in page]
    assert [place[0] for place in everything] == sorted(2 * moments, reverse=True)
    assert {place[1:] for place in everything} == {(f"s{n}", m) for n in range(5) for m in (1, 2)}


def test_a_page_that_looked_at_enough_goes_on(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(all_hits, "LOOKED_AT", 2)
    committed(store, *(born(f"s{n}", message("fox", at=at(n))) for n in range(5)))
    taken(store)
    page = store.index.search(sought("fox", prefix="s0"), 10)
    while page.next is not None and not page.hits:
        page = store.index.search(sought("fox", prefix="s0"), 10, page.next)
    assert [hit.session_id for hit in page.hits] == ["s0"]


def test_what_was_written_lately_is_known_where_others_share_the_store(store: Store) -> None:
    committed(
        store,
        born("old", "fox", last_activity=at(1)),
        born("new", "fox", last_activity=at(5)),
    )
    store.index.behind(1)
    found = list(store.index.lately(at(5), 10))
    assert found == ([] if isinstance(store, SQLiteStore) else ["new"])
    taken(store)
    assert list(store.index.lately(at(0), 10)) == []
