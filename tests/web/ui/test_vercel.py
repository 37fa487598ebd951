"""UI messages of the AI SDK: out, in, and as its stream tells them."""

from typing import Any

import pytest

from tests.web.ui.told import Json, log, read, texts
from web.ui.growing import Grown
from web.ui.vercel.changes import changes
from web.ui.vercel.messages import Chat, Lossy
from web.ui.vercel.sent import NoUiMessage, as_message
from web.ui.vercel.telling import Telling

CALL = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}
USER = {"role": "user", "content": "Hello", "id": "u1"}
CALLING = {"role": "assistant", "content": "I add", "tool_calls": [CALL], "id": "a1"}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "2"}
TWO = {"role": "assistant", "content": "Two", "id": "a2"}
PARTS = [
    {"type": "step-start"},
    {"type": "reasoning", "text": "hm", "providerMetadata": {"p": {"s": 1}}},
    {"type": "text", "text": "See", "state": "done"},
    {"type": "file", "mediaType": "image/png", "url": "data:image/png;base64,AA"},
    {"type": "source-url", "sourceId": "s", "url": "https://example.org"},
    {"type": "data-weather", "id": "w", "data": {"t": 5}},
    {
        "type": "tool-add",
        "toolCallId": "c",
        "state": "output-available",
        "input": {"a": 1},
        "output": 2,
    },
    {
        "type": "dynamic-tool",
        "toolName": "x",
        "toolCallId": "d",
        "state": "output-error",
        "input": {},
        "errorText": "no",
    },
]
UI: Json = {"id": "m1", "role": "assistant", "metadata": {"mine": 1}, "parts": PARTS, "more": 1}


def sent(ui_message: Json) -> Json:
    return as_message(ui_message)


# -- out -------------------------------------------------------------------------------------


def test_a_ui_message_comes_back_as_it_was_sent() -> None:
    assert Chat.of(log(sent(UI))).messages == [UI]


def test_an_answer_is_one_message_whose_steps_are_the_logs() -> None:
    user, answer = Chat.of(log(USER, CALLING, RESULT, TWO)).messages
    assert user == {
        "id": "u1",
        "role": "user",
        "parts": [{"type": "text", "text": "Hello", "state": "done"}],
    }
    assert answer["id"] == "a1"
    kinds = [part["type"] for part in answer["parts"]]
    assert kinds == ["step-start", "text", "dynamic-tool", "step-start", "text"]
    assert answer["parts"][2] == {
        "type": "dynamic-tool",
        "toolName": "add",
        "toolCallId": "c1",
        "state": "output-available",
        "input": {"a": 1},
        "output": "2",
    }


def test_a_failed_call_says_so() -> None:
    part = {"type": "tool_use", "id": "c", "name": "x", "input": {}}
    failed = {"type": "tool_result", "tool_use_id": "c", "content": "no", "is_error": True}
    chat = Chat.of(
        log({"role": "assistant", "content": [part]}, {"role": "user", "content": [failed]})
    )
    [message] = chat.messages
    assert message["parts"][1]["state"] == "output-error"
    assert message["parts"][1]["errorText"] == "no"


def test_a_message_without_an_id_is_called_by_its_number() -> None:
    assert Chat.of(log({"role": "user", "content": "x"})).messages[0]["id"] == "entry-1"


def test_what_has_no_form_is_listed() -> None:
    chat = Chat.of(log(RESULT, {**TWO, "logprobs": [1]}, {"role": "user", "content": [{"x": 1}]}))
    assert chat.lossy == [Lossy(1, ["result"]), Lossy(2, ["logprobs"]), Lossy(3, ["x"])]
    assert texts(chat.messages) == ["Two", ""]


# -- in --------------------------------------------------------------------------------------


def test_what_others_read_of_a_ui_message_is_where_they_look() -> None:
    message = sent(UI)
    assert (message["role"], message["parts"], message["id"]) == ("assistant", PARTS, "m1")
    assert message["metadata"] == {"vercel_ai": {"metadata": {"mine": 1}, "more": 1}}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({**UI, "id": ""}, "id: must be text of 1 to 256 characters"),
        ({**UI, "id": "x" * 257}, "id: must be"),
        ({**UI, "role": "tool"}, "role: must be one of system, user, assistant"),
        ({**UI, "parts": {}}, "parts: must be a list"),
        ({**UI, "parts": [{}]}, r"parts\[0\]: must be an object with a type"),
    ],
)
def test_what_is_no_ui_message_is_refused_by_its_member(wrong: Json, said: str) -> None:
    with pytest.raises(NoUiMessage, match=said):
        sent(wrong)


def ui(message_id: str, text: str, role: str = "user") -> Json:
    return {"id": message_id, "role": role, "parts": [{"type": "text", "text": text}]}


KNOWN = Chat.of(log(sent(ui("u1", "Hello")), CALLING, RESULT, TWO, sent(ui("u2", "And?"))))
"""The answer `a1` in the middle is of entries 2 to 4."""


def test_only_what_is_unknown_is_new() -> None:
    found = changes(KNOWN, [*KNOWN.messages, ui("u3", "New")])
    assert (found.to, found.new, found.kept) == (None, [ui("u3", "New")], [])


def test_how_a_client_notes_that_a_part_came_does_not_make_it_another() -> None:
    again = [
        {**one, "parts": [{**part, "state": "done"} for part in one["parts"]]}
        for one in (ui("u1", "Hello"), ui("u2", "And?"))
    ]
    assert changes(KNOWN, again).kept == []


def test_half_of_an_answer_that_a_client_has_changes_nothing() -> None:
    found = changes(KNOWN, [ui("u1", "Hello"), ui("a1", "I a", "assistant"), ui("u3", "New")])
    assert (found.to, found.new, found.kept) == (None, [ui("u3", "New")], ["a1"])


def test_the_last_answer_with_more_parts_takes_its_own_place() -> None:
    chat = Chat.of(log(USER, CALLING))
    more = {**chat.messages[-1], "parts": [{"type": "text", "text": "more"}]}
    found = changes(chat, [*chat.messages[:-1], more])
    assert (found.to, found.new) == (1, [more])


def test_an_edit_goes_back_to_before_its_message() -> None:
    found = changes(KNOWN, [ui("u1", "Hello!")], at="u1")
    assert (found.to, found.new) == (0, [ui("u1", "Hello!")])


def test_another_answer_is_asked_for_behind_the_last_message_that_is_sent() -> None:
    found = changes(KNOWN, [ui("u1", "Hello")], trigger="regenerate-message")
    assert (found.to, found.new) == (1, [])


def test_what_is_before_a_known_message_is_taken_for_known() -> None:
    assert changes(KNOWN, [ui("old", "x"), ui("u2", "And?")]).new == []


# -- the stream ------------------------------------------------------------------------------


def grown(text: str, part: str | None = "content", offset: int = 1, name: str = "a1") -> Grown:
    return Grown(name, "assistant", part, text, offset)


def told(teller: Telling, *things: Any) -> list[Json]:
    """The chunks of drafts that grow, and of messages that come."""
    chunks: list[Json] = []
    for thing in things:
        if isinstance(thing, Grown):
            chunks += teller.grown(thing)
        else:
            chunks += teller.message(log(thing)[0])
    return chunks


def test_a_whole_answer_is_told_as_the_chat_has_it() -> None:
    chunks = [*told(Telling(), CALLING, RESULT, TWO), *Telling().end()]
    [answer] = read(chunks)
    assert answer["id"] == "a1"
    assert answer["parts"] == [
        {"type": "step-start"},
        {"type": "text", "text": "I add"},
        {"type": "tool", "id": "c1", "name": "add", "input": {"a": 1}, "output": "2"},
        {"type": "step-start"},
        {"type": "text", "text": "Two"},
    ]


def test_a_ui_message_is_told_part_by_part() -> None:
    chunks = told(Telling(), sent(UI))
    [answer] = read(chunks)
    assert [part["type"] for part in answer["parts"]] == [
        *("step-start", "reasoning", "text", "file", "source-url", "data-weather"),
        *("tool", "tool"),
    ]
    assert {"type": "message-metadata", "messageMetadata": {"mine": 1}} in chunks


def test_what_a_draft_has_shown_is_not_said_again() -> None:
    teller = Telling()
    answer = {"role": "assistant", "content": "I am fine", "reasoning_content": "hm!", "id": "a1"}
    chunks = told(teller, grown("hm", "reasoning", 0), grown("I am"), answer)
    [message] = read([*chunks, *teller.end()])
    assert message["parts"] == [
        {"type": "step-start"},
        {"type": "reasoning", "text": "hm!"},
        {"type": "text", "text": "I am fine"},
    ]


def test_a_call_grows_and_is_then_there_as_a_whole() -> None:
    teller = Telling()
    chunks = told(teller, grown('{"a"', "tool:add:c1", 0))
    assert read(chunks)[0]["parts"][1]["input"] == '{"a"'
    chunks += told(teller, {**CALLING, "content": None}, RESULT)
    [message] = read(chunks)
    assert message["parts"][1:] == [
        {"type": "tool", "id": "c1", "name": "add", "input": {"a": 1}, "output": "2"}
    ]


def test_texts_that_a_draft_had_as_one_are_told_as_one() -> None:
    teller = Telling()
    parts = [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]
    chunks = told(
        teller, grown("one\n\ntw", offset=0), {"role": "assistant", "content": parts, "id": "a1"}
    )
    assert texts(read(chunks)) == ["one\n\ntwo"]


def test_a_message_that_says_something_else_than_its_draft_is_told_beside_it() -> None:
    teller = Telling()
    chunks = told(teller, grown("I was", offset=0), {**TWO, "id": "a1"})
    assert texts(read([*chunks, *teller.end()])) == ["I was|Two"]


def test_a_part_whose_name_nobody_knows_waits_for_its_message() -> None:
    teller = Telling()
    chunks = told(teller, grown("x", "arguments", 0), grown("Tw"), {**TWO, "id": "a1"})
    assert texts(read(chunks)) == ["Two"]


def test_a_draft_behind_others_belongs_to_the_same_answer() -> None:
    teller = Telling()
    chunks = told(teller, CALLING, RESULT, grown("Tw", offset=0, name="a2"), TWO)
    assert [message["id"] for message in read(chunks)] == ["a1"]


def test_what_comes_between_a_draft_and_its_message_breaks_neither() -> None:
    teller = Telling()
    chunks = told(
        teller,
        grown("one ", offset=0),
        {**TWO, "content": "Between"},
        grown("two"),
        {**TWO, "id": "a1", "content": "one two three"},
    )
    assert texts(read([*chunks, *teller.end()])) == ["one |Between|two three"]


def test_two_drafts_at_one_time_are_both_told() -> None:
    teller = Telling()
    chunks = told(
        teller,
        grown("A", offset=0, name="a1"),
        grown("1", offset=0, name="a2"),
        grown("B", name="a1"),
        grown("2", name="a2"),
        {**TWO, "id": "a2", "content": "12"},
        {**TWO, "id": "a1", "content": "AB"},
    )
    [message] = read([*chunks, *teller.end()])
    said = [part["text"] for part in message["parts"] if part["type"] == "text"]
    assert sorted("".join(said)) == ["1", "2", "A", "B"]


def test_behind_a_person_another_answer_begins() -> None:
    chunks = told(Telling(), TWO, USER, {**TWO, "id": "a3"})
    assert [message["id"] for message in read(chunks)] == ["a2", "a3"]


def test_for_who_has_sent_something_all_is_one_message() -> None:
    teller = Telling(one_message=True)
    chunks = told(teller, sent(ui("m1", "one", "assistant")), sent(ui("m2", "two", "assistant")))
    assert texts(read(chunks)) == ["one|two"]


def test_who_has_a_message_is_told_only_what_comes() -> None:
    teller = Telling(one_message=True)
    teller.goes_on_from(Chat.of(log(CALLING)).messages[0])
    chunks = told(teller, RESULT, TWO)
    assert "start" not in [chunk["type"] for chunk in chunks]
    assert chunks[0]["type"] == "tool-output-available"


@pytest.mark.parametrize("how", ["dropped", "anew", "changed"])
def test_what_is_taken_back_ends_the_stream(how: str) -> None:
    teller = Telling()
    chunks = told(teller, grown("half", offset=0))
    if how == "dropped":
        chunks += teller.dropped("a1")
    elif how == "anew":
        chunks += teller.grown(grown("other", offset=0))
    else:
        chunks += teller.changed()
    assert chunks[-1]["type"] == "abort"
    assert texts(read(chunks)) == ["half"]
    assert teller.is_over
    assert list(teller.end()) == []


def test_a_result_whose_call_was_not_told_is_left_to_the_chat() -> None:
    assert told(Telling(), RESULT) == []


@pytest.mark.parametrize("role", ["user", "system"])
def test_a_draft_of_somebody_else_is_not_told(role: str) -> None:
    assert list(Telling().grown(Grown("u", role, "content", "x", 0))) == []
