"""Records of a service that errs once: what a campaign that finds nothing has to find."""

from collections.abc import Iterator, Sequence

from attrs import evolve

from tests.faults.streaming.followed import Noted, Reset, Shown


def falsified(record: Sequence[Noted]) -> Iterator[tuple[str, list[Noted]]]:
    """What each follower's record must not be, and why: all of it is about the life at the end."""
    resets = (place for place, noted in enumerate(record) if isinstance(noted, Reset))
    begin = max(resets, default=-1) + 1
    shown = [place for place in range(begin, len(record)) if isinstance(record[place], Shown)]
    if len(shown) < 2:
        return
    middle, last = shown[len(shown) // 2], shown[-1]
    one, end = record[middle], record[last]
    assert isinstance(one, Shown)
    assert isinstance(end, Shown)
    yield "an event left out", [*record[:middle], *record[middle + 1 :]]
    yield "an event left out at the end", [*record[:last], *record[last + 1 :]]
    yield "an event that came twice", [*record[: middle + 1], *record[middle:]]
    changed = evolve(one, text=one.text.replace('"at": "', '"at": "9', 1))
    yield "an entry that nobody wrote", [*record[:middle], changed, *record[middle + 1 :]]
    renamed = evolve(end, name=f"{end.seq}-{'0' * 16}")
    yield "an entry under another name", [*record[:last], renamed, *record[last + 1 :]]
    again = [record[place] for place in shown]
    yield "a reset without a reason", [*record, Reset(end.at), *again]
