"""The session against plain lists, and the store against the session's deltas."""

import json
from typing import Any

import attrs
import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from persistence import MemoryStore
from runtime import AgentSwitch, InvalidInput, MessageConflict, SessionExists, SessionNotFound
from runtime.session.message import Entry
from runtime.session.state import SESSION_OVERHEAD, SessionState
from runtime.store import DEFAULT_AGENT, Delta, StoredSession
from tests.runtime.fakes import NOON, at, said


def session_with(*contents: str) -> SessionState:
    session = SessionState(session_id="s")
    session.append([said(content, content[:9]) for content in contents], create=True, at=NOON)
    return session


def everything(session: SessionState) -> dict[str, Any]:
    """All state, detached: lists and dictionaries copied."""
    values = attrs.asdict(session, recurse=False)
    return {n: v.copy() if isinstance(v, list | dict) else v for n, v in values.items()}


# -- messages ----------------------------------------------------------------------------------


def test_the_first_message_creates_the_session() -> None:
    session = SessionState(session_id="s")
    answer = session.append([said("hi")], create=True, at=at(1))
    assert (answer.first_seq, answer.last_seq, answer.message_count) == (1, 1, 1)
    assert (session.summary().created_at, session.summary().last_activity) == (at(1), at(1))


def test_the_first_message_does_not_create_the_session_if_that_was_not_wanted() -> None:
    with pytest.raises(SessionNotFound):
        SessionState(session_id="s").append([said("hi")], create=False, at=NOON)


def test_messages_are_numbered_without_gaps() -> None:
    session = session_with("a", "b")
    answer = session.append([said("c"), said("d")], create=True, at=NOON)
    assert (answer.first_seq, answer.last_seq, answer.message_count) == (3, 4, 4)


def test_a_message_sent_again_has_one_effect() -> None:
    session = session_with("a", "b")
    before = everything(session)
    assert session.append([said("b", "b")], create=True, at=at(9)).repeated
    assert everything(session) == before


def test_a_call_sent_again_gets_the_first_answer() -> None:
    session = session_with("a")
    calls = [said("b", "b"), said("c", "c")]
    first = session.append(calls, create=True, at=NOON)
    session.append([said("d")], create=True, at=NOON)
    again = session.append(calls, create=True, at=at(5))
    assert attrs.evolve(again, repeated=False) == first


def test_messages_without_ids_are_never_taken_for_known() -> None:
    session = session_with("a")
    assert session.append([said("same"), said("same")], create=True, at=NOON).message_count == 3


def test_a_call_may_repeat_one_message_and_add_another() -> None:
    session = session_with("a", "b")
    answer = session.append([said("b", "b"), said("c", "c")], create=True, at=NOON)
    assert (answer.first_seq, answer.last_seq, answer.repeated) == (2, 3, False)


def test_the_same_message_twice_in_one_call_has_one_effect() -> None:
    session = SessionState(session_id="s")
    answer = session.append([said("a", "a"), said("a", "a")], create=True, at=NOON)
    assert (answer.first_seq, answer.last_seq, answer.message_count) == (1, 1, 1)


def test_a_known_id_with_other_content_refuses_the_whole_call() -> None:
    session = session_with("a", "b")
    before = everything(session)
    with pytest.raises(MessageConflict, match="as message 2"):
        session.append([said("c"), said("other", "b")], create=True, at=at(1))
    assert everything(session) == before


def test_a_conflict_within_one_call_says_so() -> None:
    with pytest.raises(MessageConflict, match="earlier in the same call"):
        session_with("a").append([said("x", "x"), said("y", "x")], create=True, at=NOON)


def test_a_refused_first_call_does_not_create_the_session() -> None:
    session = SessionState(session_id="s")
    before = everything(session)
    with pytest.raises(MessageConflict):
        session.append([said("x", "x"), said("y", "x")], create=True, at=NOON)
    assert everything(session) == before


def test_an_append_of_nothing_is_refused() -> None:
    with pytest.raises(InvalidInput, match="at least one"):
        session_with("a").append([], create=True, at=NOON)


def test_ids_are_known_again_after_the_session_was_restored() -> None:
    session = session_with("a", "b")
    store = MemoryStore()
    store.commit([session.delta()])
    restored = SessionState.restored("s", store.load("s"))
    assert restored.append([said("b", "b")], create=True, at=NOON).first_seq == 2


def test_an_id_is_free_again_after_the_session_was_deleted() -> None:
    session = session_with("a")
    session.delete()
    assert session.append([said("other", "a")], create=True, at=NOON).first_seq == 1


def test_a_page_starts_behind_the_number_asked_for() -> None:
    page = session_with("a", "b", "c", "d").messages(after=1, limit=2)
    assert (page.first_seq, [m.content for m in page.messages], page.message_count) == (
        2,
        ["b", "c"],
        4,
    )


def test_a_page_behind_the_end_is_empty() -> None:
    assert list(session_with("a").messages(after=7, limit=2).entries) == []


def test_an_answer_does_not_change_with_the_session() -> None:
    session = session_with("a")
    history = session.history()
    session.append([said("b")], create=True, at=NOON)
    assert len(history.entries) == 1


# -- time --------------------------------------------------------------------------------------


def test_the_last_activity_never_goes_backwards() -> None:
    session = session_with("a")
    session.append([said("b")], create=True, at="2020-01-01T00:00:00.000Z")
    assert session.summary().last_activity == NOON


def test_reading_is_no_activity() -> None:
    session = session_with("a")
    before = everything(session)
    session.history(), session.messages(after=0, limit=9), session.agent_context()
    session.summary(), session.delta()
    assert everything(session) == before


# -- agents ------------------------------------------------------------------------------------


def test_a_switch_is_kept_with_its_reason() -> None:
    context = session_with("a").switch_agent("coder", reason="code", at=at(3))
    assert context.agent_history == (AgentSwitch(DEFAULT_AGENT, "coder", "code", at(3)),)
    assert (context.current_agent, context.switch_count, context.last_switch_at) == (
        "coder",
        1,
        at(3),
    )


def test_a_switch_to_the_current_agent_changes_nothing() -> None:
    session = session_with("a")
    before = everything(session)
    session.switch_agent(DEFAULT_AGENT, reason="again", at=at(3))
    assert everything(session) == before


# -- metadata ----------------------------------------------------------------------------------

RFC_7396 = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]
"""The examples of its appendix A, but for the one whose patch is null: that removes the member."""


@pytest.mark.parametrize(("target", "patch", "result"), RFC_7396)
def test_metadata_is_patched_as_the_rfc_says(target: Any, patch: Any, result: Any) -> None:
    session = SessionState(session_id="s")
    session.create([], agent="a", metadata=json.dumps({"m": target}).encode(), at=NOON)
    assert session.patch_metadata({"m": patch}, at=NOON).metadata == {"m": result}


def test_a_null_removes_a_member_of_the_metadata() -> None:
    session = SessionState(session_id="s")
    session.create([], agent="a", metadata=b'{"a":{"b":1},"c":2}', at=NOON)
    assert session.patch_metadata({"a": None}, at=NOON).metadata == {"c": 2}


def test_a_patch_that_changes_nothing_makes_no_new_version() -> None:
    session = SessionState(session_id="s")
    session.create([], agent="a", metadata=b'{"a":1}', at=NOON)
    before = everything(session)
    session.patch_metadata({"a": 1, "gone": None}, at=at(5))
    assert everything(session) == before


def test_a_patch_that_would_nest_too_deep_is_refused() -> None:
    session = session_with("a")
    deep: dict[str, Any] = {}
    for _ in range(32):
        deep = {"in": deep}
    before = everything(session)
    with pytest.raises(InvalidInput, match="nests deeper"):
        session.patch_metadata(deep, at=at(1))
    assert everything(session) == before


# -- existence ---------------------------------------------------------------------------------

ON_ABSENT: list[Any] = [
    lambda session: session.append([said("a")], create=False, at=NOON),
    lambda session: session.delete(),
    lambda session: session.delete(before="3000"),
    lambda session: session.switch_agent("coder", reason="", at=NOON),
    lambda session: session.patch_metadata({"a": 1}, at=NOON),
    lambda session: session.history(),
    lambda session: session.messages(after=0, limit=1),
    lambda session: session.agent_context(),
    lambda session: session.summary(),
]


@pytest.mark.parametrize("command", ON_ABSENT)
def test_an_absent_session_refuses_everything_but_its_creation(command: Any) -> None:
    session = SessionState(session_id="s")
    before = everything(session)
    with pytest.raises(SessionNotFound, match="Session s not found"):
        command(session)
    assert everything(session) == before


def test_a_session_that_exists_is_not_created_again() -> None:
    session = session_with("a")
    before = everything(session)
    with pytest.raises(SessionExists):
        session.create([said("b")], agent="coder", metadata=b"{}", at=at(1))
    assert everything(session) == before


def test_a_deleted_session_leaves_nothing_to_the_next_one_of_its_id() -> None:
    session = session_with("a")
    session.switch_agent("coder", reason="", at=at(1))
    session.patch_metadata({"a": 1}, at=at(1))
    session.delete()
    session.append([said("new")], create=True, at=at(2))
    context = session.agent_context()
    assert (context.current_agent, context.agent_history, context.metadata) == (
        DEFAULT_AGENT,
        (),
        {},
    )
    assert (session.summary().created_at, session.summary().message_count) == (at(2), 1)


@pytest.mark.parametrize(("before", "deleted"), [(NOON, False), (at(1), True)])
def test_a_session_is_deleted_only_if_it_was_unused_since(before: str, deleted: bool) -> None:
    session = session_with("a")
    assert session.delete(before=before) is deleted
    assert session.exists is not deleted


# -- deltas ------------------------------------------------------------------------------------


def test_the_delta_of_a_new_session_is_all_of_it() -> None:
    delta = session_with("a", "b").delta()
    assert delta.header is not None
    assert (delta.first_seq, len(delta.entries), delta.header.message_count) == (1, 2, 2)


def test_a_delta_taken_twice_is_the_same() -> None:
    session = session_with("a", "b")
    assert session.delta() == session.delta()


def test_a_delta_is_only_what_the_store_does_not_have() -> None:
    session = session_with("a", "b")
    session.mark_durable(session.delta())
    session.append([said("c")], create=True, at=NOON)
    assert (session.delta().first_seq, len(session.delta().entries)) == (3, 1)


def test_what_came_after_a_delta_was_taken_is_in_the_next_one() -> None:
    session = session_with("a")
    delta = session.delta()
    session.append([said("b")], create=True, at=NOON)
    session.mark_durable(delta)
    assert (session.durable_seq, session.delta().first_seq) == (1, 2)


def test_a_session_deleted_while_it_was_committed_is_erased_next() -> None:
    session = session_with("a", "b")
    delta = session.delta()
    session.delete()
    session.append([said("new")], create=True, at=NOON)
    session.mark_durable(delta)
    assert (session.delta().erase, session.delta().first_seq) == (True, 1)
    assert session.durable_seq == 0


def test_a_session_made_again_while_its_erasure_was_committed_is_not_erased_again() -> None:
    session = session_with("a", "b")
    session.delete()
    delta = session.delta()
    session.append([said("new")], create=True, at=NOON)
    session.mark_durable(delta)
    assert (session.delta().erase, session.delta().first_seq) == (False, 1)


def test_undurable_bytes_count_what_is_beyond_the_store() -> None:
    session = session_with("a" * 1000)
    assert 1000 + SESSION_OVERHEAD < session.undurable_bytes < 2000 + SESSION_OVERHEAD
    session.mark_durable(session.delta())
    assert session.undurable_bytes == 0


def test_undurable_bytes_count_what_came_while_the_rest_was_committed() -> None:
    session = session_with("a" * 1_000_000)
    delta = session.delta()
    session.append([said("b" * 1000)], create=True, at=NOON)
    session.mark_durable(delta)
    assert 1000 < session.undurable_bytes < 10_000


# -- everything at once --------------------------------------------------------------------------

message_ids = st.none() | st.sampled_from(["i", "j", "k"])
calls = st.lists(st.tuples(message_ids, st.sampled_from(["x", "y"])), min_size=1, max_size=4)
moments = st.integers(0, 200).map(at)
patches = st.dictionaries(
    st.sampled_from("ab"), st.none() | st.integers(0, 2) | st.just({"c": None, "d": 1}), max_size=2
)


@attrs.define
class Model:
    """A session, plainly."""

    created_at: str
    last_activity: str
    agent: str = DEFAULT_AGENT
    metadata: dict[str, Any] = attrs.field(factory=dict)
    messages: list[tuple[str | None, str]] = attrs.field(factory=list)
    switches: list[AgentSwitch] = attrs.field(factory=list)


def merge(target: Any, patch: Any) -> Any:
    """The pseudocode of RFC 7396, word for word."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge(result.get(name), value)
    return result


def plainly(stored: StoredSession | None) -> Model | None:
    if stored is None:
        return None
    header = stored.header
    return Model(
        header.created_at,
        header.last_activity,
        header.current_agent,
        msgspec.json.decode(header.metadata),
        [plain(entry) for entry in stored.entries],
        list(stored.switches),
    )


def plain(entry: Entry) -> tuple[str | None, str]:
    return (entry.id, json.loads(entry.body)["content"])


class SessionMachine(RuleBasedStateMachine):
    """One session, its commands and its commits in any order, beside a plain model."""

    def __init__(self) -> None:
        super().__init__()
        self.store = MemoryStore()
        self.session = SessionState(session_id="s")
        self.model: Model | None = None
        self.taken: Delta | None = None

    @initialize(known=st.booleans())
    def some_sessions_are_stored_already(self, known: bool) -> None:
        if known:
            self.append([("i", "x"), (None, "y")], create=True, when=NOON)
            self.take()
            self.commit()
            self.passivate()

    # -- commands

    @rule(call=calls, create=st.booleans(), when=moments)
    def append(self, call: list[tuple[str | None, str]], create: bool, when: str) -> None:
        entries = [said(content, message_id) for message_id, content in call]
        if self.model is None and not create:
            self.refused(SessionNotFound, lambda s: s.append(entries, create=False, at=when))
            return
        messages = list(self.model.messages) if self.model else []
        seqs = []
        for message_id, content in call:
            known = [n for n, m in enumerate(messages, 1) if m[0] == message_id is not None]
            if known and messages[known[0] - 1][1] != content:
                self.refused(MessageConflict, lambda s: s.append(entries, create=create, at=when))
                return
            if not known:
                messages.append((message_id, content))
            seqs.append(known[0] if known else len(messages))
        length = len(self.model.messages) if self.model else 0
        answer = self.session.append(entries, create=create, at=when)
        assert (answer.first_seq, answer.last_seq) == (min(seqs), max(seqs))
        assert answer.repeated == (len(messages) == length)
        if not answer.repeated:
            assert answer.message_count == len(messages)
            self.active(when).messages = messages

    @rule(call=calls | st.just([]), agent=st.sampled_from("ab"), when=moments)
    def create(self, call: list[tuple[str | None, str]], agent: str, when: str) -> None:
        entries = [said(content, message_id) for message_id, content in call]

        def command(session: SessionState) -> object:
            return session.create(entries, agent=agent, metadata=b'{"made":true}', at=when)

        by_id: dict[str, str] = {}
        if self.model is not None:
            self.refused(SessionExists, command)
        elif any(by_id.setdefault(i, text) != text for i, text in call if i is not None):
            self.refused(MessageConflict, command)
        else:
            command(self.session)
            messages = [m for n, m in enumerate(call) if m[0] is None or m not in call[:n]]
            self.model = Model(when, when, agent, {"made": True}, messages)

    @rule(agent=st.sampled_from("abc"), when=moments)
    def switch(self, agent: str, when: str) -> None:
        if self.model is None:
            self.refused(SessionNotFound, lambda s: s.switch_agent(agent, reason="r", at=when))
            return
        self.session.switch_agent(agent, reason="r", at=when)
        if agent != self.model.agent:
            self.model.switches.append(AgentSwitch(self.model.agent, agent, "r", when))
            self.active(when).agent = agent

    @rule(patch=patches, when=moments)
    def patch(self, patch: dict[str, Any], when: str) -> None:
        if self.model is None:
            self.refused(SessionNotFound, lambda s: s.patch_metadata(patch, at=when))
            return
        self.session.patch_metadata(patch, at=when)
        merged = merge(self.model.metadata, patch)
        if json.dumps(merged) != json.dumps(self.model.metadata):
            self.active(when).metadata = merged

    @rule(before=st.none() | moments)
    def delete(self, before: str | None) -> None:
        if self.model is None:
            self.refused(SessionNotFound, lambda s: s.delete(before=before))
            return
        deleted = before is None or self.model.last_activity < before
        assert self.session.delete(before=before) is deleted
        if deleted:
            self.model = None

    # -- the persister

    @precondition(lambda self: self.taken is None)
    @rule()
    def take(self) -> None:
        if self.session.version > self.session.durable_version:
            self.taken = self.session.delta()

    @precondition(lambda self: self.taken is not None)
    @rule()
    def commit(self) -> None:
        if self.taken is not None:
            assert not self.store.commit([self.taken]).rejected
            self.session.mark_durable(self.taken)
            self.taken = None

    @precondition(lambda self: self.taken is not None)
    @rule()
    def fail_to_commit(self) -> None:
        self.taken = None

    @precondition(lambda self: self.taken is None)
    @rule()
    def passivate(self) -> None:
        if self.session.version == self.session.durable_version:
            self.session = SessionState.restored("s", self.store.load("s"))

    # -- what always holds

    @invariant()
    def the_session_is_what_the_model_is(self) -> None:
        assert self.session.exists == (self.model is not None)
        if self.model is not None:
            history, summary = self.session.history(), self.session.summary()
            assert [plain(entry) for entry in history.entries] == self.model.messages
            assert list(history.agent_history) == self.model.switches
            assert history.current_agent == self.model.agent
            assert summary.metadata == self.model.metadata
            assert summary.last_activity == self.model.last_activity
            assert summary.created_at == self.model.created_at

    @invariant()
    def the_delta_leads_from_the_store_to_the_session(self) -> None:
        disk = MemoryStore()
        now = self.store.load("s")
        if now is not None:
            header = now.header
            disk.commit(
                [
                    Delta(
                        session_id="s",
                        version=1,
                        header=header,
                        entries=now.entries,
                        switches=now.switches,
                    )
                ]
            )
        if self.session.version > self.session.durable_version:
            assert not disk.commit([self.session.delta()]).rejected
        assert plainly(disk.load("s")) == self.model

    @invariant()
    def the_durable_messages_are_in_the_store(self) -> None:
        durable = self.session.durable_seq
        assert 0 <= durable <= len(self.session.entries)
        kept = self.store.load("s")
        if durable:
            assert kept is not None
            assert list(kept.entries) == list(self.session.entries[:durable])

    @invariant()
    def undurable_bytes_are_there_exactly_with_undurable_state(self) -> None:
        session = self.session
        assert session.durable_version <= session.version
        assert (session.undurable_bytes > 0) == (session.version > session.durable_version)

    # -- inside

    def active(self, when: str) -> Model:
        if self.model is None:
            self.model = Model(when, when)
        self.model.last_activity = max(self.model.last_activity, when)
        return self.model

    def refused(self, error: type[Exception], command: Any) -> None:
        before = everything(self.session)
        with pytest.raises(error):
            command(self.session)
        assert everything(self.session) == before


TestSessionMachine = SessionMachine.TestCase
TestSessionMachine.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
