"""What JSON, UTF-8 or a URL cannot say is replaced; it never stops a take-over."""

import json

import pytest

from tests.persistence.builders import OldDatabase, change
from tests.persistence.sqlite.guide.looking import listed, messages, taken_over


@pytest.mark.parametrize(
    ("text", "content", "count"),
    [
        (r'"cut \ud83d"', "cut \ufffd", 1),
        ("NaN", None, 1),
        ("[Infinity, -Infinity, 1e999]", [None, None, None], 3),
        (r'{"a\udc00": "\ud83d\ude00"}', {"a\ufffd": "😀"}, 1),
    ],
)
def test_what_json_cannot_say_is_replaced_and_the_log_says_so(
    old: OldDatabase, text: str, content: object, count: int, caplog: pytest.LogCaptureFixture
) -> None:
    old.session("good", {"role": "user", "content": "hi"})
    old.session("s", messages=f'[{{"role": "tool", "content": {text}}}]')
    assert messages(taken_over(old)) == [{"role": "tool", "content": content}]
    assert f"Session 's': replaced {count} values" in caplog.text
    assert "'good'" not in caplog.text


def test_text_that_is_not_utf_8_is_replaced(old: OldDatabase) -> None:
    change(
        old.path,
        "INSERT INTO sessions VALUES ('s', CAST(? AS TEXT), '2025-12-31', '2025-12-31')",
        b'[{"role": "user", "content": "a\xed\xa0\xbd b\xff"}]',
    )
    assert messages(taken_over(old)) == [{"role": "user", "content": "a\ufffd b\ufffd"}]


def test_json_in_a_blob_is_read_like_text(old: OldDatabase) -> None:
    old.session("s", messages=b'[{"role": "user", "content": "hi"}]')
    assert messages(taken_over(old)) == [{"role": "user", "content": "hi"}]


# Ids


@pytest.mark.parametrize("name", ["a/b c", "ключ", ".", "..", "tab\there", "nul\0", "%2F", "~x"])
def test_an_id_stays_whatever_it_is(old: OldDatabase, name: str) -> None:
    old.session(name, {"role": "user", "content": name})
    assert messages(taken_over(old, name)) == [{"role": "user", "content": name}]


@pytest.mark.parametrize("name", ["", "x" * 513, "ß" * 257])
def test_an_id_that_no_url_can_carry_becomes_a_digest_and_is_kept_in_the_metadata(
    old: OldDatabase, name: str
) -> None:
    old.session(name, {"role": "user", "content": "hi"})
    [new] = listed(old)
    assert new.startswith("~")
    session = taken_over(old, new)
    assert json.loads(session.settings.metadata) == {"original_session_id": name}
    assert messages(session) == [{"role": "user", "content": "hi"}]


def test_broken_ids_that_look_alike_stay_apart(old: OldDatabase) -> None:
    for raw in (b"a\xed\xa0\xbd", b"a\xed\xa0\xbe", b"b\xff", "a\ufffd".encode()):
        change(
            old.path,
            "INSERT INTO sessions VALUES (CAST(? AS TEXT), '[]', '2025-12-31', '2025-12-31')",
            raw,
        )
    names = listed(old)
    assert len(set(names)) == 4
    assert {"a\ufffd", "b\ufffd"} < set(names)
    assert all(name.startswith(("a\ufffd", "b\ufffd")) for name in names)
