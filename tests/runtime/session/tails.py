"""Tails that the tests hold against the plain list of their entries."""

from collections.abc import Iterable
from typing import Any

import msgspec
from attrs import evolve
from hypothesis import strategies as st

from runtime.session.entries.tail import Tail
from runtime.store.entries import CALL_SIZE, MESSAGE, NUMBER_ID, PLAIN, TEXT_ID, Entry, Row
from tests.runtime.session.builders import at, entry, keys, text

ROOT = b"the root"


@st.composite
def an_entry(draw: st.DrawFn) -> Entry:
    """One without its number: messages of both forms, and other kinds."""
    kind = draw(st.sampled_from([MESSAGE, MESSAGE, "record", "switch", "rewind"]))
    body: dict[str, Any] = {"role": "user", "content": draw(text | st.none())}
    plain = PLAIN if kind == MESSAGE and body["content"] is not None else 0
    call = draw(st.none() | keys)
    size = draw(st.integers(1, 10_000)) if call is not None else 0
    return entry(
        0,
        kind=kind,
        key=draw(st.none() | keys),
        at=at(draw(st.integers(0, 600))),
        body=msgspec.json.encode(body),
        chain=draw(st.binary(min_size=8, max_size=8)),
        metadata=draw(st.none() | st.just(b'{"a":1}')),
        form=plain | draw(st.sampled_from([0, TEXT_ID, NUMBER_ID])) | size << CALL_SIZE,
        call=call,
    )


logs = st.lists(an_entry(), max_size=20).map(
    lambda entries: [evolve(one, seq=seq) for seq, one in enumerate(entries, 1)]
)


def row(one: Entry) -> Row:
    return (
        one.seq,
        one.kind,
        one.key,
        one.at,
        one.body,
        one.chain,
        one.metadata,
        one.form,
        one.call,
    )


def extend(log: Tail, entries: Iterable[Entry]) -> None:
    for one in entries:
        log.append(one)


@st.composite
def split(draw: st.DrawFn) -> tuple[list[Entry], Tail]:
    """Entries, and a log of them that was loaded, extended and settled in any pieces."""
    entries = draw(logs)
    loaded = draw(st.integers(0, len(entries)))
    log = Tail.of_rows(ROOT, [row(one) for one in entries[:loaded]])
    come, settled, is_all = loaded, loaded, False
    while not is_all:
        # Each piece has an entry, if one is left: else most of the draws would be of empty pieces.
        come = draw(st.integers(min(come + 1, len(entries)), len(entries)))
        extend(log, entries[log.last : come])
        for _ in range(draw(st.integers(0, 2))):
            settled = draw(st.integers(settled, come))
            log.settle(settled)
        is_all = come == len(entries)
    return entries, log
