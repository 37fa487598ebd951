"""What was said is found, and a session is taken along."""

import base64
import json

import httpx
import pytest

from tests.browser.devtools import Tab
from tests.console.sample import say
from tests.console.test_day import indexed


def test_a_message_is_found_by_its_words_and_shown_where_it_stands(
    client: httpx.Client, tab: Tab
) -> None:
    said = [{"role": "user", "content": f"Message {number}"} for number in range(300)]
    said[20] = {"role": "assistant", "content": "The cause is a marmalade sandwich"}
    say(client, "searched", *said)
    indexed(client, "marmalade")
    tab.press("/")
    tab.type("#search", "marmal")
    tab.sees("a marmalade sandwich", "#list")
    tab.press("Enter")
    tab.sees("a marmalade sandwich", "#rows .pointed")
    seen = tab.run(
        "(() => { const { top, bottom } = document.querySelector('.pointed')"
        ".getBoundingClientRect(); return top > 0 && bottom < innerHeight; })()"
    )
    assert seen


HITS = [
    ("the cause", "cause", ["the ", "cause", ""]),
    ("y " * 20 + "the cause is", "cause", ["…y y y y the ", "cause", " is"]),
    ("Éclair, because", "ecl cause", ["", "Écl", "air, because"]),
    ("open_runtime(a)", '"open runtime"', ["", "open", "_", "runtime", "(a)"]),
    ("我的数据库", "数据", ["我的", "数据", "库"]),
    ("a <b> \u202etxt", "txt", ["a <b> ⟨U+202E⟩", "txt", ""]),
    ("nothing", "else", ["nothing"]),
    ("", "else", [""]),
]


@pytest.mark.parametrize(("snippet", "query", "pieces"), HITS)
def test_what_was_searched_for_is_marked(
    tab: Tab, snippet: str, query: str, pieces: list[str]
) -> None:
    found = tab.run(
        "import('/console/hits.js').then(({ piecesOf }) =>"
        f" piecesOf({json.dumps(snippet)}, {json.dumps(query)}))"
    )
    assert found == pieces


def test_a_hit_far_into_a_message_is_seen_in_the_list(client: httpx.Client, tab: Tab) -> None:
    say(
        client, "far", {"role": "assistant", "content": f"{'well, ' * 40}the zeppelin {'so ' * 40}"}
    )
    indexed(client, "zeppelin")
    tab.type("#search", "zeppe")
    tab.until("document.querySelector('#list mark')?.textContent === 'zeppe'")
    seen = tab.run(
        "(() => { const mark = document.querySelector('#list mark').getBoundingClientRect();"
        " const row = document.querySelector('#list .row').getBoundingClientRect();"
        " return mark.right < row.right; })()"
    )
    assert seen


def test_a_search_that_the_service_refuses_says_why(client: httpx.Client, tab: Tab) -> None:
    refused = client.get("/search", params={"q": "***"})
    tab.type("#search", "***")
    if refused.status_code == 400:
        tab.sees(refused.json()["detail"], "#empty")
    else:
        tab.sees("There is nothing.", "#empty")


def test_the_exported_file_is_the_sessions(client: httpx.Client, tab: Tab) -> None:
    say(client, "taken", {"role": "user", "content": "Take me along"})
    tab.click("#list .row", "taken")
    tab.sees("Take me along", "#rows")
    # What would be saved is kept, and its name, instead of being saved by the browser.
    tab.run(
        "URL.createObjectURL = (blob) => { window.kept = blob; return '#'; };"
        "HTMLAnchorElement.prototype.click = function () { window.named = this.download; };"
    )
    tab.click("[data-action=export]")
    tab.until("window.named !== undefined")
    assert tab.run("named") == "taken.jsonl"
    told = tab.run(
        "kept.arrayBuffer().then((bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes))))"
    )
    assert base64.b64decode(told) == client.get("/sessions/taken/export").content
