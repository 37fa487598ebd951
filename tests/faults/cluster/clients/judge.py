"""Whether all that was acknowledged is there in the end, once, and nothing else is.

Every acknowledged message is in its session's log, under the number that it was acknowledged under;
no message is there twice; nobody finds what nobody sent; the numbers have no gaps; a fork begins
with the entries of the session that it came from. What nobody acknowledged may be there, once.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from attrs import evolve, frozen

from tests.faults.cluster.clients.book import Write
from tests.faults.cluster.clients.families import Fork


@frozen
class Entry:
    """One entry as somebody has it."""

    seq: int
    kind: str
    key: str | None
    text: str
    """All that is said of it, in one way of writing."""


Logs = Mapping[str, Sequence[Entry]]
"""By session id."""


@frozen
class Fault:
    """Something that is wrong, and when that was promised which is not kept."""

    what: str
    moment: float | None = None


def judge(writes: Iterable[Write], forks: Sequence[Fork], logs: Logs) -> Iterator[Fault]:
    """What is wrong with these logs, which are all that there is."""
    sent = {write.message_id: write for write in writes}
    origin = {fork.session_id: fork for fork in forks}
    for session_id, log in logs.items():
        numbers = [entry.seq for entry in log]
        if numbers != list(range(1, len(numbers) + 1)):
            yield Fault(f"{session_id}: the numbers have gaps: {_around_a_gap(numbers)}")
        ids = Counter(entry.key for entry in log if entry.kind == "message")
        for message_id, times in ids.items():
            if times > 1:
                yield Fault(f"{session_id}: {message_id} is there {times} times")
        inherited = origin[session_id].at if session_id in origin else 0
        for entry in log[inherited:]:
            if entry.kind == "message" and not _was_sent(sent, session_id, entry.key):
                yield Fault(f"{session_id}: nobody sent {entry.key}, which is {entry.seq}")
    for write in sent.values():
        if write.seq:
            yield from _missing(write, logs.get(write.session_id, ()))
    for fork in forks:
        yield from _other_than_its_source(fork, logs)


def _around_a_gap(numbers: Sequence[int]) -> str:
    at = next(at for at, seq in enumerate(numbers) if seq != at + 1)
    return f"{numbers[max(0, at - 2) : at + 3]}, where {at + 1} should be"


def _was_sent(sent: Mapping[str, Write], session_id: str, key: str | None) -> bool:
    return key is not None and key in sent and sent[key].session_id == session_id


def _missing(write: Write, log: Sequence[Entry]) -> Iterator[Fault]:
    there = log[write.seq - 1] if write.seq <= len(log) else None
    if there is None or there.key != write.message_id:
        elsewhere = [entry.seq for entry in log if entry.key == write.message_id]
        where = f"is {elsewhere[0]}" if elsewhere else "is lost"
        acknowledged = f"acknowledged as {write.seq} through {write.way}"
        what = f"{write.session_id}: {write.message_id}, {acknowledged}, {where}"
        yield Fault(what, write.ended)


def _other_than_its_source(fork: Fork, logs: Logs) -> Iterator[Fault]:
    if fork.session_id not in logs:
        yield Fault(f"{fork.session_id}, a fork of {fork.source}, is lost")
        return
    copied = logs[fork.session_id][: fork.at]
    if copied != logs.get(fork.source, ())[: fork.at]:
        yield Fault(f"{fork.session_id} does not begin as {fork.source} does, up to {fork.at}")


def differences(logs: Logs, others: Logs, who: str) -> Iterator[Fault]:
    """What `who` has in another way."""
    for session_id, log in logs.items():
        other = others.get(session_id, ())
        if log == other:
            continue
        pairs = zip(log, other, strict=False)
        at = next((n for n, (one, two) in enumerate(pairs) if one != two), len(other))
        there = other[at].text[:200] if at < len(other) else "nothing"
        yield Fault(f"{session_id}: {who} has {len(other)} of {len(log)}, as {at + 1} {there}")


def falsified(writes: Sequence[Write], logs: Logs) -> Iterator[tuple[str, Logs]]:
    """The same logs, of a service that errs once: what `judge` has to find."""
    write = next((one for one in reversed(writes) if one.seq), None)
    if write is None:
        return
    session_id, log = write.session_id, logs[write.session_id]
    one = log[write.seq - 1]
    yield "a message that is lost at the end", {**logs, session_id: log[: write.seq - 1]}
    without = [*log[: write.seq - 1], *log[write.seq :]]
    if len(without) >= write.seq:
        yield "a message that is lost", {**logs, session_id: without}
    again = evolve(one, seq=len(log) + 1)
    yield "a message that is there twice", {**logs, session_id: [*log, again]}
    foreign = evolve(one, seq=len(log) + 1, key="nobody's")
    yield "a message that nobody sent", {**logs, session_id: [*log, foreign]}
    yield "a session that is gone", {name: one for name, one in logs.items() if name != session_id}
