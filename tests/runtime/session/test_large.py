"""A large message is kept as a small one is: the way through pieces comes to the same entry."""

import json
from typing import Any

import msgspec
import pytest
from attrs import evolve
from hypothesis import example, given, settings

from runtime import InvalidInput
from runtime.session.asked.items import items_from_json
from runtime.session.bodies.encoding import parse
from runtime.session.bodies.pieces import WHOLE
from runtime.session.entries.forms import history_form, shown
from runtime.session.entries.large_form import large_form
from runtime.session.kind import New
from runtime.session.kinds.message import from_json, from_text
from runtime.session.kinds.record import put_from_json
from runtime.store.entries import PLAIN, Entry
from tests.properties import examples
from tests.runtime.session.builders import NOON, messages
from tests.runtime.session.test_message import SHOWN

FILLING = "x" * WHOLE


def wide(text: bytes) -> bytes:
    """The same object, spaced so widely that it is read in pieces."""
    return b"{" + b" " * WHOLE + text[1:]


def outcome(text: bytes) -> New | str:
    try:
        return from_text(text)
    except InvalidInput as error:
        return str(error)


@settings(max_examples=examples(1))
@given(messages())
def test_a_widely_spaced_message_is_the_same_message(one: dict[str, Any]) -> None:
    text = json.dumps(one).encode()
    assert from_text(wide(text)) == from_text(text) == from_json(parse(text, "message")[0])


@pytest.mark.parametrize(
    "text",
    [
        b'{"role":"user","content":"\\ud800"}',
        b'{"role":"user","content":"a","content":"b","role":"assistant"}',
        b'{"role":"user","metadata":1,"a":1,"metadata":{"b":2}}',
        b'{"role":"user","id":"a","a":1,"id":"b"}',
        b'{"role":"user","id":"a","a":1,"id":null,"b":2}',
        b'{"role":"user","id":null,"a":1,"id":"a","b":2}',
        b'{"role":"user","content":"a","id":""}',
        b'{"role":"user","content":"a","name":1}',
        b'{"role":"user","content":"a","b":null}',
        b'{"content":"a"}',
        b'{"role":1}',
        b'{"role":""}',
        b'{"role":"user","id":[]}',
        b'{"role":"user","id":true}',
    ],
)
@pytest.mark.parametrize("spaces", [0, WHOLE])
def test_also_one_that_is_wrong_or_says_something_twice(text: bytes, spaces: int) -> None:
    # The spaces between: what is said twice is in two pieces.
    spaced = text.replace(b",", b" " * spaces + b",")
    assert outcome(wide(spaced)) == outcome(text)


@pytest.mark.parametrize(
    "one",
    [
        {"role": "user", "content": FILLING},
        {"role": "user", "content": [{"type": "text", "text": FILLING}, *range(10_000)]},
        {"role": "user", "content": {"a": FILLING}},
        {"role": "user", "content": "a", "name": FILLING},
        {"role": "user", "content": "a", "metadata": [FILLING], "id": 7, "b": [FILLING]},
        {"a": FILLING, "content": None, "role": "tool", "id": "k"},
        {"role": "user", **{f"n{n}": n for n in range(10_000)}},
    ],
    ids=["text", "parts", "object", "name", "metadata", "null", "members"],
)
def test_a_message_of_large_members_is_kept_as_if_it_had_been_decoded_whole(
    one: dict[str, Any],
) -> None:
    assert from_text(json.dumps(one).encode()) == from_json(one)


@pytest.mark.parametrize("name", ["role", "id"])
def test_a_large_text_is_neither_a_role_nor_an_id(name: str) -> None:
    one = {"role": "user", "content": "", name: FILLING}
    with pytest.raises(InvalidInput, match=f"message 3: {name}: must be text of 1 to"):
        from_text(json.dumps(one).encode(), "message 3")


@pytest.mark.parametrize("id_of_it", ["k", "other", None, 1, ""])
@pytest.mark.parametrize("key", ["k", None])
def test_in_a_log_the_key_is_the_entrys_own(id_of_it: Any, key: str | None) -> None:
    text = json.dumps({"role": "user", "id": id_of_it, "content": "a"}).encode()
    (large, small), _ = items_from_json([("message", key, wide(text)), ("message", key, text)])
    assert large == small


@pytest.mark.parametrize("value", [FILLING, [FILLING], {"a": FILLING}, [[]] * 40_000, None])
def test_a_large_record_is_kept_as_if_it_had_been_decoded_whole(value: Any) -> None:
    text = json.dumps(value).encode()
    (item,), _ = items_from_json([("record", "k", wide(b'{"value":' + text + b"}"))])
    wanted = msgspec.json.encode({"value": value})
    assert (item.new and item.new.body) == put_from_json("k", text)[0].body == wanted


def test_a_record_is_removed_however_widely_that_is_written() -> None:
    text = b'{"removed":true}'
    (large, small), _ = items_from_json([("record", "k", wide(text)), ("record", "k", text)])
    assert large == small


@pytest.mark.parametrize(
    "body", [b'{"value":1,"x":1}', b'{"removed":1}', b"{}", b'{"removed":true,"value":1}']
)
def test_another_body_of_a_record_is_refused_at_any_size(body: bytes) -> None:
    for text in (body, wide(body)):
        with pytest.raises(InvalidInput, match="entry 1: record: the body must be"):
            items_from_json([("record", "k", text)])


# -- as a history shows it ---------------------------------------------------------------------


def shown_whole(body: bytes) -> bytes:
    return msgspec.json.encode(history_form(msgspec.json.decode(body)))


@settings(max_examples=examples(1))
@given(messages())
@example({"role": "a", "content": None, "parts": [{"text": "b"}], "content_parts": 1})
def test_in_pieces_a_history_shows_the_same(one: dict[str, Any]) -> None:
    body = from_json(one).body
    assert large_form(body) == shown_whole(body)


@pytest.mark.parametrize("one", [case[1] for case in SHOWN], ids=[case[0] for case in SHOWN])
@pytest.mark.parametrize("filling", [{}, {"filling": None, "z": [FILLING]}], ids=["", "filled"])
def test_so_it_does_of_every_form_of_content(one: dict[str, Any], filling: dict[str, Any]) -> None:
    body = from_json({**one, **filling, "role": "user"}).body
    assert large_form(body) == shown_whole(body)


@pytest.mark.parametrize(
    "content",
    [
        [{"type": "text", "text": FILLING}, {"text": "é\n" * WHOLE}, {"type": "x", "text": "b"}],
        [{"text": FILLING, "thought": True}, {"text": FILLING, "type": FILLING}, [FILLING], "a"],
        [{"text": "a", **{f"n{n}": n for n in range(10_000)}}],
        {"é": "é\\" * WHOLE},
        None,
    ],
    ids=["texts", "no texts", "many members", "an object", "null"],
)
def test_so_it_does_of_large_parts(content: Any) -> None:
    body = from_json({"role": "user", "content": content, "z": [FILLING, None]}).body
    assert large_form(body) == shown_whole(body)


def test_what_nests_deeper_than_is_taken_today_is_shown_too() -> None:
    body = b'{"role":"user","content":' + b"[" * 200 + b" " * WHOLE + b"]" * 200 + b"}"
    entry = Entry(1, "message", None, NOON, body, b"")
    assert shown(entry) == shown_whole(body)
    assert shown(evolve(entry, form=PLAIN)) == body
