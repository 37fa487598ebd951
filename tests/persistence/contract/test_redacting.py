"""A life in which one entry says something else takes the place of the one that is."""

import pytest
from attrs import astuple, evolve

from runtime.session.entries.chain import digest_of, link
from runtime.store.entries import Entry, Row, Wanted
from runtime.store.steps import Change, Purge, Redact, Scrub, Undelete
from runtime.store.store import Store
from runtime.store.stored import DraftChunk, Settings, Standing
from tests.persistence.builders import (
    NOON,
    ROOT,
    Item,
    born,
    delta,
    follows,
    fork,
    header,
    log,
    message,
    record,
)
from tests.persistence.contract.stores import (
    begun,
    committed,
    finish_purges,
    found,
    in_trash,
    listed,
    loaded,
    reject,
    rows,
    said,
)

LOG = [message("a", "k1"), record("r", "secret"), message("b", "k2", call="c"), message("c", "k3")]
GONE = b'{"value":"gone"}'


def changed(seq: int = 2, body: bytes = GONE) -> Entry:
    return evolve(log(*LOG)[seq - 1], body=body)


def redacts(no: int, entry: Entry, *items: Item | str, **members: object) -> Redact:
    known = {"settings": Settings(), "root": ROOT, **members}
    return Redact(no=no, header=header(log(*(items or LOG))), entry=entry, **known)  # type: ignore[arg-type]


def expected(entry: Entry, *items: Item | str) -> list[Row]:
    """All entries of the log, with the chains that they have then."""
    entries: list[Entry] = []
    before = ROOT
    for one in log(*(items or LOG)):
        new = entry if one.seq == entry.seq else one
        before = link(before, new.seq, new.kind, new.key, new.at, digest_of(new))
        entries.append(evolve(new, chain=before))
    return rows(entries)


def done(store: Store, session_id: str, step: Redact) -> int:
    """Has it done, in as many commits as it takes, and all of the other one purged."""
    outcome = committed(store, delta(session_id, step))
    finish_purges(store, outcome)
    return outcome.begun[session_id]


@pytest.mark.parametrize("seq", [1, 2, 3, 4])
def test_the_entry_is_another_one_and_all_behind_it_have_other_chains(
    store: Store, seq: int
) -> None:
    [no] = begun(store, born("s", *LOG))
    entry = changed(seq, GONE if seq == 2 else b'{"role":"user","content":"gone"}')
    new = done(store, "s", redacts(no, entry))
    assert said(store, "s") == expected(entry)
    assert said(store, "s")[: seq - 1] == rows(log(*LOG)[: seq - 1])
    assert (new != no, found(store, no), listed(store), store.count()) == (True, [], ["s"], 1)
    assert loaded(store, "s").header == header(log(*LOG))


def test_what_is_found_by_a_key_is_the_new_one(store: Store) -> None:
    [no] = begun(store, born("s", *LOG))
    new = done(store, "s", redacts(no, changed()))
    everything = expected(changed())
    assert list(store.find(new, Wanted(keys=[("record", "r")]))) == [everything[1]]
    assert list(store.find(new, Wanted(calls=["c"]))) == [everything[2]]
    assert list(store.find(new, Wanted(keys=[("message", "k3")]))) == [everything[3]]


def test_it_goes_on_from_there(store: Store) -> None:
    [no] = begun(store, born("s", *LOG))
    new = done(store, "s", redacts(no, changed()))
    *_, last = expected(changed())
    more = evolve(log(*LOG, "more")[-1], chain=b"whatever")
    step = Change(no=new, header=header(log(*LOG, "more")), after=4, entries=[more])
    committed(store, delta("s", step))
    assert said(store, "s") == [*expected(changed()), astuple(more)]
    committed(store, delta("s", evolve(step, after=5, entries=[], end="trash", ended_at=NOON)))
    assert in_trash(store) == [(new, "s")]
    committed(store, delta("s", Undelete(new)))
    assert last in said(store, "s")


def test_settings_are_those_that_are_given_and_the_rest_comes_along(store: Store) -> None:
    chunks = [
        DraftChunk(key=key, offset=0, role="user", at=NOON, body=b'[["content","x"]]')
        for key in ("d", "k3")
    ]
    standing = Standing(waits_until=7)
    usage = Item("usage", None, {"agent": "a", "n": 5})
    items = [*LOG, usage]
    first = born("s", *items, settings=Settings(title="old"), standing=standing, reports=[(5, "")])
    [no] = begun(store, first)
    committed(store, delta("s", follows(no, 5, *items, drafts=chunks)))
    settings = Settings(title="new", metadata=b'{"a":1}')
    step = redacts(no, changed(), *items, settings=settings, draft_gone="k3")
    new = done(store, "s", step)
    session = loaded(store, "s")
    assert (session.settings, session.standing) == (settings, standing)
    assert list(session.drafts) == [chunks[0]]
    assert store.used("0", "9", 9).totals == {"n": 5}
    ended = follows(new, 5, *items, end="purge")
    finish_purges(store, committed(store, delta("s", ended)))
    assert store.used("0", "9", 9).totals == {"n": 5}


def test_a_fork_keeps_what_it_has_copied(store: Store) -> None:
    [no] = begun(store, born("s", *LOG))
    begun(store, delta("f", fork(no, 4, *LOG, "other")))
    done(store, "s", redacts(no, changed()))
    assert said(store, "f") == rows(log(*LOG, "other"))


def test_another_life_or_version_is_not_touched(store: Store) -> None:
    [no] = begun(store, born("s", *LOG))
    reject(store, delta("s", redacts(no + 1, changed())))
    reject(store, delta("t", redacts(no, changed())))
    reject(store, delta("s", redacts(no, changed(), *LOG[:3])))
    reject(store, delta("s", redacts(no, changed(), *LOG, "more")))
    assert said(store, "s") == rows(log(*LOG))
    committed(store, delta("s", follows(no, 4, *LOG, end="trash")))
    reject(store, delta("s", redacts(no, changed())))
    assert found(store, no) == rows(log(*LOG))


def test_a_scrub_is_finished_when_nothing_is_left_to_purge(store: Store) -> None:
    [no] = begun(store, born("s", *["x"] * 2_500, end="trash"))
    outcome = store.commit([delta("gone", Purge(no)), delta("a scrub", Scrub())])
    while outcome.unfinished:
        assert outcome.leftover
        assert (list(outcome.unfinished), outcome.traces) == (["a scrub"], ())
        outcome = store.commit([delta("a scrub", Scrub())])
    assert (outcome.leftover, list(outcome.traces), outcome.is_held_up) == (False, [], False)
    assert found(store, no) == []
