"""What is stored, and how much; names, copies, removals."""

from typing import Annotated, Any

import pytest
from langgraph.channels.delta import DeltaChannel
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.checkpoint.base.id import uuid6
from langgraph.graph import START, StateGraph
from typing_extensions import TypedDict

from tests.frameworks.langgraph.graphs import THREAD, asking, chat, get, history, texts
from tests.frameworks.served import Served
from web.clients import AgentRuntimeClient
from web.clients.langgraph import AgentRuntimeSaver


def config(thread: str = "thread", namespace: str = "", parent: str | None = None) -> Any:
    found = {"thread_id": thread, "checkpoint_ns": namespace, "checkpoint_id": parent}
    return {"configurable": found}


def checkpoint(number: int, values: dict[str, Any], versions: dict[str, Any]) -> Any:
    return empty_checkpoint() | {
        "id": str(uuid6(clock_seq=number)),
        "channel_values": values,
        "channel_versions": versions,
    }


def filled(saver: AgentRuntimeSaver, count: int, place: Any = None) -> list[Any]:
    """Checkpoints, each the next one's parent; one channel changes, another does not."""
    place = place or config()
    made = []
    for number in range(count):
        versions = {"new": f"{number}", "old": "1"}
        one = checkpoint(number, {"new": number, "old": "x" * 20_000}, versions)
        changed = versions if number == 0 else {"new": versions["new"]}
        place = saver.put(place, one, {"step": number, "run_id": f"run-{number % 2}"}, changed)
        made.append(place)
    return made


def ids(saver: AgentRuntimeSaver, place: Any) -> list[str]:
    return [one.config["configurable"]["checkpoint_id"] for one in saver.list(place)]


def test_a_value_is_stored_once_a_version(saver: AgentRuntimeSaver, service: Served) -> None:
    filled(saver, 50)
    size = sum(file.stat().st_size for file in (service.folder / "data").glob("*.db*"))
    assert size < 2_000_000, "50 times 20 KB would be half of it"
    found = saver.get_tuple(config())
    assert found is not None
    assert found.checkpoint["channel_values"] == {"new": 49, "old": "x" * 20_000}


@pytest.mark.parametrize("name", ["~", "a/b", "ü ☃", "x" * 600, "..", 17], ids=str)
def test_a_thread_may_have_any_name(name: Any, saver: AgentRuntimeSaver) -> None:
    place: Any = {"configurable": {"thread_id": name}}
    chat(saver, "Hello.").invoke({"messages": [("user", "Hi")]}, place)
    assert texts(chat(saver).get_state(place).values["messages"]) == ["Hi", "Hello."]
    assert {one.config["configurable"]["thread_id"] for one in saver.list(None)} == {str(name)}


@pytest.mark.parametrize("name", ["a/b:1|c:2", "x" * 400, "", "="], ids=ascii)
def test_a_namespace_a_channel_and_a_task_may_have_any_name(
    name: str, saver: AgentRuntimeSaver
) -> None:
    stored = saver.put(
        config(namespace=name), checkpoint(1, {name: 1}, {name: "1"}), {}, {name: "1"}
    )
    saver.put_writes(stored, [(name, 2)], name)
    found = saver.get_tuple(config(namespace=name))
    assert found is not None
    assert found.checkpoint["channel_values"] == {name: 1}
    assert found.pending_writes == [(name, name, 2)]
    assert ids(saver, THREAD) == [stored["configurable"]["checkpoint_id"]]


def test_what_a_task_wrote_first_stays_but_its_last_error_counts(saver: AgentRuntimeSaver) -> None:
    stored = saver.put(config(), checkpoint(1, {}, {}), {}, {})
    for value in ("first", "last"):
        saver.put_writes(stored, [("channel", value)], "task")
        saver.put_writes(stored, [("__error__", value)], "task")
    found = saver.get_tuple(stored)
    assert found is not None
    assert found.pending_writes == [("task", "__error__", "last"), ("task", "channel", "first")]


def test_a_checkpoint_that_is_stored_again_is_the_last_one(saver: AgentRuntimeSaver) -> None:
    one = checkpoint(1, {"a": 1}, {"a": "1"})
    for step in (1, 2):
        saver.put(config(), one, {"step": step}, {"a": "1"})
    [found] = saver.list(config())
    assert found.metadata["step"] == 2
    assert found.checkpoint["channel_values"] == {"a": 1}


def test_writes_come_in_the_order_of_their_tasks_paths(saver: AgentRuntimeSaver) -> None:
    stored = saver.put(config(), checkpoint(1, {}, {}), {}, {})
    for task, path in (("a", "~2"), ("b", "~1")):
        saver.put_writes(stored, [("c", f"{task}{n}") for n in range(11)], task, path)
    found = saver.get_tuple(stored)
    assert found is not None
    expected = [f"{task}{n}" for task in "ba" for n in range(11)]
    assert [value for _, _, value in found.pending_writes or []] == expected


def test_values_far_beyond_what_a_call_takes_come_back(saver: AgentRuntimeSaver) -> None:
    large = {"a": b"a" * 20_000_000, "b": "b" * 5_000_000}
    stored = saver.put(config(), checkpoint(1, large, {"a": 1, "b": 1}), {}, {"a": 1, "b": 1})
    saver.put_writes(stored, [("c", b"c" * 20_000_000)], "task")
    found = saver.get_tuple(config())
    assert found is not None
    assert found.checkpoint["channel_values"] == large
    assert found.pending_writes == [("task", "c", b"c" * 20_000_000)]


def test_pruning_keeps_the_latest_and_what_was_said(
    saver: AgentRuntimeSaver, service: Served
) -> None:
    graph = chat(saver, "One.", "Two.")
    for said in ("1", "2"):
        graph.invoke({"messages": [("user", said)]}, THREAD)
    before = graph.get_state(THREAD)
    saver.prune(["thread"])
    assert len(ids(saver, THREAD)) == 1
    assert graph.get_state(THREAD).values == before.values
    saver.prune(["thread"], strategy="delete")
    assert ids(saver, THREAD) == []
    assert [text for _, text in history(service.url)] == ["1", "One.", "2", "Two."]


def test_pruning_removes_the_values_that_nobody_has_any_more(
    saver: AgentRuntimeSaver, service: Served
) -> None:
    filled(saver, 5)
    saver.prune(["thread"])
    keys = [one["key"] for one in get(service.url, "/records?prefix=langgraph/")["records"]]
    assert len(keys) == 3, "a checkpoint and its two values"


def test_pruning_knows_no_other_strategy(saver: AgentRuntimeSaver) -> None:
    with pytest.raises(ValueError, match="neither keep_latest nor delete"):
        saver.prune(["thread"], strategy="some")


def test_more_checkpoints_than_fit_into_a_call_are_removed(saver: AgentRuntimeSaver) -> None:
    made = filled(saver, 300)
    saver.prune(["thread"])
    assert ids(saver, config()) == [made[-1]["configurable"]["checkpoint_id"]]
    found = saver.get_tuple(config())
    assert found is not None
    assert found.checkpoint["channel_values"]["old"] == "x" * 20_000


def test_the_checkpoints_of_a_run_are_removed_and_the_others_read_as_before(
    saver: AgentRuntimeSaver,
) -> None:
    made = filled(saver, 4)
    saver.delete_for_runs(["run-0"])
    left = [one["configurable"]["checkpoint_id"] for one in (made[3], made[1])]
    assert ids(saver, config()) == left
    assert all(one.checkpoint["channel_values"]["old"] for one in saver.list(config()))


def test_a_copy_has_all_and_goes_its_own_way(saver: AgentRuntimeSaver, service: Served) -> None:
    graph = chat(saver, "One.", "Two.")
    graph.invoke({"messages": [("user", "1")]}, THREAD)
    saver.copy_thread("thread", "copy/of it")
    copy: Any = {"configurable": {"thread_id": "copy/of it"}}
    graph.invoke({"messages": [("user", "2")]}, copy)
    assert texts(graph.get_state(THREAD).values["messages"]) == ["1", "One."]
    assert texts(graph.get_state(copy).values["messages"]) == ["1", "One.", "2", "Two."]
    names = {one.config["configurable"]["thread_id"] for one in saver.list(None)}
    assert names == {"thread", "copy/of it"}


def test_a_copy_into_a_thread_that_is_there_adds_the_checkpoints(saver: AgentRuntimeSaver) -> None:
    made = [*filled(saver, 3), *filled(saver, 2, config("other"))]
    saver.copy_thread("thread", "other")
    expected = sorted((one["configurable"]["checkpoint_id"] for one in made), reverse=True)
    assert ids(saver, config("other")) == expected


def test_a_deleted_thread_is_in_the_services_trash(
    saver: AgentRuntimeSaver, service: Served
) -> None:
    filled(saver, 1)
    saver.delete_thread("thread")
    assert saver.get_tuple(config()) is None
    with AgentRuntimeClient(service.url) as client:
        assert list(client.iter_sessions()) == []
    filled(saver, 2)
    assert len(ids(saver, config())) == 2


def test_checkpoints_are_listed_in_pages_and_no_more_than_were_asked_for(
    saver: AgentRuntimeSaver,
) -> None:
    made = [one["configurable"]["checkpoint_id"] for one in filled(saver, 130)][::-1]
    assert ids(saver, config()) == made
    assert [one.checkpoint["id"] for one in saver.list(config(), limit=12)] == made[:12]
    before = config(parent=made[10])
    found = saver.list(config(), before=before, limit=3)
    assert [one.checkpoint["id"] for one in found] == made[11:14]
    steps = saver.list(config(), filter={"run_id": "run-1"}, before=before, limit=2)
    assert [one.metadata["step"] for one in steps] == [117, 115]
    assert list(saver.list(config(), limit=0)) == []


def test_a_configuration_without_a_thread_says_what_it_needs(saver: AgentRuntimeSaver) -> None:
    with pytest.raises(ValueError, match="thread_id"):
        saver.get_tuple({"configurable": {}})


def test_a_step_that_failed_is_done_again_without_those_that_had_finished(
    saver: AgentRuntimeSaver,
) -> None:
    ran: list[str] = []
    fails = [True]

    def fragile(_: Any) -> dict[str, list[str]]:
        if fails:
            raise RuntimeError(fails.pop())
        return {"done": ["fragile"]}

    def steady(_: Any) -> dict[str, list[str]]:
        ran.append("steady")
        return {"done": ["steady"]}

    class Done(TypedDict):
        done: Annotated[list[str], lambda old, new: sorted(old + new)]

    graph = StateGraph(Done)
    graph.add_node("fragile", fragile)
    graph.add_node("steady", steady)
    graph.add_edge(START, "fragile")
    graph.add_edge(START, "steady")
    compiled = graph.compile(checkpointer=saver)
    with pytest.raises(RuntimeError):
        compiled.invoke({"done": []}, THREAD)
    assert compiled.invoke(None, THREAD)["done"] == ["fragile", "steady"]
    assert ran == ["steady"]


def joined(old: list[str], new: list[list[str]]) -> list[str]:
    return [*old, *(item for items in new for item in items)]


class Changes(TypedDict):
    """A channel that keeps what is added, and its whole value now and then."""

    items: Annotated[list[str], DeltaChannel(joined, list, snapshot_frequency=5)]


def growing(saver: Any) -> Any:
    graph = StateGraph(Changes)
    graph.add_node("add", lambda state: {"items": [f"n{len(state['items'])}"]})
    graph.add_edge(START, "add")
    return graph.compile(checkpointer=saver)


def test_a_channel_of_changes_is_put_together_again(saver: AgentRuntimeSaver) -> None:
    graph = growing(saver)
    for number in range(7):
        graph.invoke({"items": [f"u{number}"]}, THREAD)
    expected = [name for n in range(7) for name in (f"u{n}", f"n{2 * n + 1}")]
    assert graph.get_state(THREAD).values["items"] == expected
    history = saver.get_delta_channel_history(config=THREAD, channels=["items"])["items"]
    plain = super(AgentRuntimeSaver, saver).get_delta_channel_history(
        config=THREAD, channels=["items"]
    )["items"]
    assert history == plain


def test_pruning_keeps_what_a_channel_of_changes_needs(saver: AgentRuntimeSaver) -> None:
    graph = growing(saver)
    for number in range(7):
        graph.invoke({"items": [f"u{number}"]}, THREAD)
    before, many = graph.get_state(THREAD).values, len(ids(saver, THREAD))
    saver.prune(["thread"])
    assert graph.get_state(THREAD).values == before
    assert 1 <= len(ids(saver, THREAD)) < many


def test_interrupted_graphs_keep_their_questions_when_pruned(saver: AgentRuntimeSaver) -> None:
    graph = asking(saver, [])
    graph.invoke({"done": []}, THREAD)
    saver.prune(["thread"])
    assert [one.value for one in graph.get_state(THREAD).interrupts] == ["May I?"]
