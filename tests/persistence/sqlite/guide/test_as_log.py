"""An old session becomes a log: what was said comes back, and each kind keeps its order."""

import json
from collections.abc import Sequence
from typing import Any

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from persistence.sqlite.guide.as_log import log_of
from persistence.sqlite.guide.old_session import OldMessage, OldSession, OldSwitch
from runtime import sent
from runtime.session.entries.chain import digest_of, link
from runtime.store.entries import Entry
from runtime.store.steps import Change
from tests.persistence.builders import at

times = st.integers(0, 59).map(at)
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)
said = st.builds(
    lambda members, role: members | {"role": role},
    st.dictionaries(st.sampled_from(["content", "id", "metadata", "name", "x"]) | text, values),
    text,
)
messages = st.lists(st.builds(OldMessage, said, times), max_size=8)
switches = st.lists(st.builds(OldSwitch, text, text, text, times), max_size=5)


def log(old: OldSession) -> tuple[Change, Sequence[Entry]]:
    [step] = log_of(old, lambda _: False).delta.steps
    assert isinstance(step, Change)
    return step, step.entries


def old_session(**members: Any) -> OldSession:
    found = OldSession(session_id="s", created_at=at(0), last_activity=at(30), **members)
    return evolve(found, agent=found.switches[-1].to_agent) if found.switches else found


@given(messages, switches)
def test_everything_comes_back_and_each_kind_keeps_its_order(
    spoken: list[OldMessage], switched: list[OldSwitch]
) -> None:
    _, entries = log(old_session(messages=spoken, switches=switched))
    found = [json.loads(sent(entry)) for entry in entries if entry.kind == "message"]
    assert found == [message.said for message in spoken]
    agents = [json.loads(entry.body)["to"] for entry in entries if entry.kind == "switch"]
    assert agents == [switch.to_agent for switch in switched]


@given(messages, switches)
def test_what_is_in_order_of_time_stays_in_order_of_time(
    spoken: list[OldMessage], switched: list[OldSwitch]
) -> None:
    spoken.sort(key=lambda message: message.at)
    switched.sort(key=lambda switch: switch.at)
    _, entries = log(old_session(messages=spoken, switches=switched))
    moments = [entry.at for entry in entries if entry.kind != "settings"]
    assert moments == sorted(moments)


@given(messages, switches)
def test_the_header_and_the_chain_follow_from_the_entries(
    spoken: list[OldMessage], switched: list[OldSwitch]
) -> None:
    change, entries = log(old_session(messages=spoken, switches=switched, switch_count=9))
    assert change.header.version == len(entries) >= 1
    assert change.header.message_count == len(spoken)
    assert change.header.switch_count == 9
    assert (change.header.created_at, change.header.last_activity) == (at(0), at(30))
    before = change.root
    for seq, entry in enumerate(entries, 1):
        assert entry.seq == seq
        before = link(before, seq, entry.kind, entry.key, entry.at, digest_of(entry))
        assert entry.chain == before


@given(messages)
def test_no_two_messages_have_one_key(spoken: list[OldMessage]) -> None:
    twice = [*spoken, *spoken]
    _, entries = log(old_session(messages=twice))
    keys = [entry.key for entry in entries if entry.key is not None]
    assert len(keys) == len(set(keys))


def test_a_deleted_session_ends_in_the_trash() -> None:
    change, _ = log(old_session(deleted_at=at(40)))
    assert (change.end, change.ended_at) == ("trash", at(40))
