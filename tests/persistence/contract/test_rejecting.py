"""A delta that does not fit is left out alone, and nothing of it is left behind."""

from collections.abc import Callable

import pytest
from attrs import evolve

from runtime.errors import DeltaRejected
from runtime.store.deltas import Delta
from runtime.store.store import Store
from runtime.store.stored import Settings
from tests.persistence.builders import (
    ROOT,
    begins,
    born,
    delta,
    follows,
    log,
    record,
)
from tests.persistence.contract.stores import begun, committed, loaded, reject, rows, said

SETTINGS = Settings(title="title", archived=True, metadata=b'{"a":1}')
STORED = ("one", "two")


# Each of them is made with the number of the stored life of "bad", which has two entries.
MISFITS: dict[str, Callable[[int], Delta]] = {
    "a gap": lambda no: delta("bad", follows(no, 3, *STORED, "three", "four")),
    "a repetition": lambda no: delta("bad", follows(no, 1, *STORED)),
    "a second beginning": lambda no: born("bad", "one"),
    "a second beginning without entries": lambda no: born("bad"),
    "a header of an older version": lambda no: delta("bad", follows(no, 1, "one")),
    "a header of a later version": lambda no: delta("bad", follows(no, 3, *STORED, "three")),
    "a header that counts more than comes": lambda no: delta(
        "bad", follows(no, 2, *STORED, "three", version=4)
    ),
    "a header that counts fewer than come": lambda no: delta(
        "bad", follows(no, 2, *STORED, "three", version=2)
    ),
    "a gap in itself": lambda no: delta(
        "bad",
        evolve(
            follows(no, 2, *STORED, "three", "four"),
            entries=(log(*STORED, "three")[2], log(*STORED, "three", "four", "five")[4]),
        ),
    ),
    "entries out of order": lambda no: delta(
        "bad",
        evolve(
            follows(no, 2, *STORED, "three", "four"),
            entries=log(*STORED, "three", "four")[:1:-1],
        ),
    ),
    "a life of another session": lambda no: delta("bad", follows(no - 1, 1, "a", "b")),
    "a life that there never was": lambda no: delta("bad", follows(no + 1_000, 2, *STORED, "x")),
    "a life that ended in the same delta": lambda no: delta(
        "bad", follows(no, 2, *STORED, end="trash"), follows(no, 2, *STORED, "three")
    ),
    "a later step that does not fit": lambda no: delta(
        "bad",
        follows(no, 2, *STORED, "three", settings=SETTINGS, end="trash"),
        begins("new", end="purge"),
        begins("newer"),
        begins("newest"),
    ),
    "a body to drop that is not there": lambda no: delta(
        "bad", follows(no, 2, *STORED, "three", dropped=[1, 4])
    ),
    "a body to drop that is not a record's": lambda no: delta(
        "bad", follows(no, 2, *STORED, record("k", 1), dropped=[3, 2])
    ),
    "a new session that begins in the middle": lambda no: delta(
        "new", follows(None, 1, "one", "two", root=ROOT)
    ),
    "a new session that goes on": lambda no: delta("new", follows(no, 2, *STORED, "three")),
    "an id that is not text": lambda no: born("\ud800", "x"),
}


@pytest.mark.parametrize("misfit", MISFITS)
def test_a_delta_that_does_not_fit_is_rejected_alone(store: Store, misfit: str) -> None:
    _, no = begun(store, born("other", "a"), born("bad", *STORED))
    before = loaded(store, "bad")
    bad = MISFITS[misfit](no)

    outcome = store.commit([born("a", "first"), bad, born("z", "last")])

    assert list(outcome.rejected) == [bad.session_id]
    rejection = outcome.rejected[bad.session_id]
    assert isinstance(rejection, DeltaRejected)
    assert repr(bad.session_id) in str(rejection)
    assert outcome.begun.keys() == {"a", "z"}
    assert loaded(store, "bad") == before
    assert store.trash(10).sessions == []
    assert store.count() == 4
    assert said(store, "a") == rows(log("first"))
    assert said(store, "z") == rows(log("last"))
    assert said(store, "other") == rows(log("a"))


def test_a_session_goes_on_after_a_rejection(store: Store) -> None:
    [no] = begun(store, born("s", "one"))
    reject(store, delta("s", follows(no, 2, "one", "two", "three")))
    committed(store, delta("s", follows(no, 1, "one", "two")))
    assert said(store, "s") == rows(log("one", "two"))
