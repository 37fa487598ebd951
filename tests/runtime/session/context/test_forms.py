"""Calls and results in the forms that agents write: interrupted, moved apart, lost."""

from typing import Any

import msgspec
import pytest

from runtime.session.context.forms import INTERRUPTED
from runtime.session.context.reading import speaker_of
from runtime.session.context.speakers import speaker
from tests.runtime.session.context.logs import (
    Json,
    assistant,
    call,
    chat,
    composed,
    function,
    function_call,
    gemini,
    gemini_user,
    item,
    output,
    response,
    result,
    system,
    text,
    thinking,
    tool,
    use,
    user,
)


def failed(name: str | None) -> Json:
    return {**result(name, INTERRUPTED), "is_error": True}


CALL = {"type": "function_call_output", "output": INTERRUPTED}
CUSTOM = {"type": "custom_tool_call_output", "output": INTERRUPTED}
PATCH = {"type": "apply_patch_call_output", "status": "failed", "output": INTERRUPTED}
SCREEN = {"stdout": "", "stderr": INTERRUPTED, "outcome": {"type": "exit", "exit_code": 1}}
CUSTOM_TOOL = {"id": "c", "type": "custom", "custom": {"name": "f", "input": "x"}}


@pytest.mark.parametrize(
    ("calling", "name", "expected"),
    [
        (chat("c"), "c", tool("c", INTERRUPTED)),
        (chat(None), "f", tool(None, INTERRUPTED)),
        (
            {"role": "assistant", "tool_calls": [CUSTOM_TOOL]},
            "c",
            {"role": "tool", "tool_call_id": "c", "content": INTERRUPTED},
        ),
        # LangChain's.
        ({"role": "ai", "tool_calls": [{"name": "f", "args": {}, "id": "c"}]}, "c", None),
        (function_call(), "f", {"role": "function", "name": "f", "content": INTERRUPTED}),
        (item("i"), "i", {"role": "tool", "call_id": "i", **CALL}),
        (item("i", "custom_tool_call"), "i", {"role": "tool", "call_id": "i", **CUSTOM}),
        (item("i", "apply_patch_call"), "i", {"role": "tool", "call_id": "i", **PATCH}),
        (
            item("i", "shell_call"),
            "i",
            {"role": "tool", "type": "shell_call_output", "call_id": "i", "output": [SCREEN]},
        ),
        (assistant([item("i")]), "i", user([{"call_id": "i", **CALL}])),
        (assistant([text(), use("t")]), "t", user([failed("t")])),
        (
            gemini(call("f", "g")),
            "g",
            gemini_user(
                {"functionResponse": {"id": "g", "name": "f", "response": {"error": INTERRUPTED}}}
            ),
        ),
        (
            gemini({"function_call": {"name": "f", "args": {}}}),
            "f",
            gemini_user({"function_response": {"name": "f", "response": {"error": INTERRUPTED}}}),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_call_without_a_result_gets_one_in_its_own_form(
    calling: Json, name: str, expected: Json | None
) -> None:
    for more in ([], [user("still there?")]):
        told, interrupted = composed([user(), calling, *more])
        assert told == [user(), calling, expected or tool("c", INTERRUPTED), *more]
        assert interrupted == [name]


def test_of_several_calls_those_are_filled_in_that_lack_a_result() -> None:
    told, interrupted = composed([user(), chat("a", "b", "c"), tool("b"), user()])
    filled = [tool("b"), tool("a", INTERRUPTED), tool("c", INTERRUPTED)]
    assert told == [user(), chat("a", "b", "c"), *filled, user()]
    assert interrupted == ["a", "c"]


def test_parts_that_are_filled_in_go_into_the_message_of_the_others() -> None:
    log = [user(), assistant([use("a"), use("b")]), user([result("b"), text("stop")])]
    told, interrupted = composed(log)
    assert told == [*log[:2], user([result("b"), failed("a"), text("stop")])]
    assert interrupted == ["a"]


def test_results_are_moved_behind_their_calls() -> None:
    said = [user(), chat("a"), user("quick!"), system("note"), tool("a"), assistant()]
    told, interrupted = composed(said)
    assert told == [user(), chat("a"), tool("a"), user("quick!"), system("note"), assistant()]
    assert interrupted == []


def test_a_result_comes_before_what_is_said_in_the_same_message() -> None:
    told, _ = composed([user(), assistant([use("a")]), user([text("see"), result("a")])])
    assert told[2] == user([result("a"), text("see")])


def test_a_result_is_taken_out_of_the_message_of_another_call() -> None:
    log = [user(), assistant([use("a")]), assistant([use("b")]), user([result("a"), result("b")])]
    told, interrupted = composed(log)
    assert told == [
        user(),
        assistant([use("a")]),
        user([result("a")]),
        assistant([use("b")]),
        user([result("b")]),
    ]
    assert interrupted == []


def test_results_in_several_messages_become_one() -> None:
    log = [user(), assistant([use("a"), use("b")]), user([result("a")]), user([result("b")])]
    assert composed(log)[0] == [*log[:2], user([result("a"), result("b")])]
    log = [user(), gemini(call(), call()), gemini_user(response()), gemini_user(response())]
    assert composed(log)[0] == [*log[:2], gemini_user(response(), response())]


def test_the_items_of_one_answer_stay_together() -> None:
    answer = [item("a"), item("b"), {**assistant(), "type": "message"}]
    log = [user(), *answer, output("b"), output("a"), assistant()]
    assert composed(log) == (log, [])
    told, interrupted = composed([user(), *answer, output("b"), user()])
    filled = {"role": "tool", "call_id": "a", **CALL}
    assert told == [user(), *answer, output("b"), filled, user()]
    assert interrupted == ["a"]


@pytest.mark.parametrize(
    "orphan",
    [
        tool("a"),
        tool(None),
        function(),
        output("a"),
        user([result("a")]),
        gemini_user(response()),
        {"role": "tool", "content": [text()]},
    ],
)
def test_a_result_without_its_call_is_left_out(orphan: Json) -> None:
    assert composed([user(), orphan, assistant()]) == ([user(), assistant()], [])


def test_what_is_said_beside_such_a_result_stays() -> None:
    told, _ = composed([user(), assistant(), {**user([result("a"), text("so")]), "id": "m"}])
    assert told == [user(), assistant(), {**user([text("so")]), "id": "m"}]


def test_of_two_results_of_one_call_the_first_stays() -> None:
    told, _ = composed([user(), chat("a"), tool("a", "one"), tool("a", "two"), assistant()])
    assert told == [user(), chat("a"), tool("a", "one"), assistant()]


def test_ids_that_come_again_belong_to_the_nearest_call() -> None:
    log = [user(), chat("0"), tool("0", "one"), user(), chat("0"), tool("0", "two")]
    assert composed(log) == (log, [])
    told, interrupted = composed([*log[:2], *log[3:]])
    assert told == [*log[:2], tool("0", INTERRUPTED), *log[3:]]
    assert interrupted == ["0"]


def test_calls_without_ids_are_answered_in_their_order() -> None:
    log = [user(), gemini(call("f"), call("g"), call("f"))]
    answer = gemini_user(response("g"), response("f"), response("f"))
    assert composed([*log, answer]) == ([*log, answer], [])
    told, interrupted = composed([*log, gemini_user(response("g"), response("f"))])
    assert [part["functionResponse"]["name"] for part in told[2]["parts"]] == ["g", "f", "f"]
    assert interrupted == ["f"]


def test_geminis_belong_together_by_name_where_one_has_no_id() -> None:
    log = [user(), gemini(call("f", "1")), gemini_user(response("f"))]
    assert composed(log) == (log, [])


def test_a_call_that_is_kept_in_two_forms_is_one() -> None:
    both = chat("a", content=[text(), use("a")])
    assert composed([user(), both, tool("a")]) == ([user(), both, tool("a")], [])
    results = user([result("a")])
    assert composed([user(), both, results]) == ([user(), both, results], [])
    assert composed([user(), both]) == ([user(), both, tool("a", INTERRUPTED)], ["a"])


def test_of_anthropics_calls_of_one_id_the_newest_stays() -> None:
    again = [assistant([thinking(), use("a")]), user([result("a")])]
    said = assistant([text("first"), use("a")])
    told, interrupted = composed([user(), said, user([result("a", "old")]), *again, *again])
    assert told == [user(), assistant([text("first")]), *again]
    assert interrupted == []


def test_what_a_provider_answers_itself_is_left_alone() -> None:
    asked: list[Json] = [
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
        {"type": "web_search_tool_result", "tool_use_id": "s", "content": []},
    ]
    log = [user(), assistant(asked), {**assistant(), "type": "web_search_call", "id": "w"}]
    assert composed(log) == (log, [])


def test_swe_agents_lists_of_one_id_are_understood() -> None:
    answer = {"role": "tool", "content": "ok", "tool_call_ids": ["a"]}
    assert composed([user(), chat("a"), answer]) == ([user(), chat("a"), answer], [])


@pytest.mark.parametrize(
    "strange",
    [
        {"tool_calls": "none"},
        {"tool_calls": [5, None, "x"]},
        {"function_call": "auto"},
        {"content": [None, 5, "x", [], {}, {"type": 5}, {"type": "tool_use"}]},
        {"content": {"type": "tool_use"}},
        {"parts": [5, {"functionCall": 5}]},
        {"type": 5, "call_id": {}},
        {"type": ["function_call"]},
        {"tool_call_ids": 5},
        {"name": 5},
    ],
)
@pytest.mark.parametrize("role", ["user", "assistant", "tool", "model", "coder"])
def test_members_may_be_anything(role: str, strange: dict[str, Any]) -> None:
    told, _ = composed([user("first"), {"role": role, **strange}, user("last")])
    assert (told[0], told[-1]) == (user("first"), user("last"))


def test_an_agent_with_a_role_of_its_own_calls_too() -> None:
    coder = {**chat("a"), "role": "coder"}
    assert composed([user(), coder])[0] == [user(), coder, tool("a", INTERRUPTED)]


@pytest.mark.parametrize("role", ["Assistant", "MODEL", "ai"])
def test_roles_may_be_written_in_other_ways(role: str) -> None:
    calling = {**chat("a"), "role": role}
    log = [{"role": "Human", "content": "go"}, calling, {**tool("a"), "role": "Tool"}]
    assert composed(log) == (log, [])


def test_who_speaks_is_known_from_a_messages_beginning() -> None:
    for role in ("system", "User", 'a "b"', "é", "tool"):
        for message in ({"role": role, "content": "x" * 10}, {"content": [1], "role": role}):
            text = msgspec.json.encode(message)
            assert speaker_of(text) == speaker(role)


def test_ids_and_metadata_come_back_where_a_message_is_changed() -> None:
    said = {**user([text("see"), result("a")]), "id": 7, "metadata": {"at": 1}, "more": None}
    told, _ = composed([user(), assistant([use("a")]), said])
    assert told[2] == {**said, "content": [result("a"), text("see")]}


def test_large_messages_are_understood_as_well() -> None:
    long = "x" * 100_000
    calling = assistant([text(long), use("a"), {**use("b"), "input": {"long": long}}])
    answer = user([text(long), result("b", long)])
    told, interrupted = composed([user(), calling, answer])
    assert told == [user(), calling, user([result("b", long), failed("a"), text(long)])]
    assert interrupted == ["a"]
    log = [user(), {**chat("c"), "content": long}, tool("c", [text(long)])]
    assert composed(log) == (log, [])
