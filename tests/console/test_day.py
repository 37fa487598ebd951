"""A day at the page: what is there, what comes, and what one does about it."""

import httpx

from tests.browser.devtools import Tab
from tests.console.sample import called, result, say
from tests.service import Service

ROWS = "#rows"
SECOND = "document.querySelectorAll('#rows .message')[1].querySelector('[data-action=%s]').click()"
SHOWN = "[...document.querySelectorAll('#rows .message .prose')].map((one) => one.innerText)"


def show(tab: Tab, session_id: str) -> None:
    """Opens a session that is in the list."""
    tab.click("#list .row", session_id)
    tab.until(
        "!document.querySelector('#session').hidden && document.querySelector('#rows .entry')"
    )


def choose(tab: Tab, view: str) -> None:
    """Lists `sessions`, or those that are `waiting`, `archived`, or in the `trash`."""
    chosen = "document.querySelector('#view')"
    tab.run(f"{chosen}.value = '{view}', {chosen}.dispatchEvent(new Event('change'))")


def indexed(client: httpx.Client, word: str) -> None:
    """Waits until the service finds this, if it searches: it is found behind the commit."""
    while (answer := client.get("/search", params={"q": word})).status_code == 200:
        if answer.json()["hits"]:
            return


def texts(*contents: str) -> list[dict[str, object]]:
    roles = ("user", "assistant")
    return [{"role": roles[at % 2], "content": text} for at, text in enumerate(contents)]


# Reading


def test_the_list_says_of_a_session_what_it_is_called_who_works_and_what_it_does(
    client: httpx.Client, tab: Tab
) -> None:
    body = {"session_id": "named", "title": "A title", "agent": "coder"}
    client.post("/sessions", json=body).raise_for_status()
    client.post("/sessions/named/turn", json={"holder": "ann", "ttl": 600}).raise_for_status()
    tab.sees("A title", "#list")
    row = "[...document.querySelectorAll('.row')].find((one) => one.innerText.includes('A title'))"
    tab.until(f"{row}.innerText.includes('running')")
    assert "coder" in tab.run(f"{row}.innerText")
    say(client, "nameless", *texts("Hello"))
    tab.sees("nameless", "#list")


def test_a_session_that_was_left_in_the_middle_of_a_tool_call_says_so(
    client: httpx.Client, tab: Tab
) -> None:
    say(
        client,
        "left",
        {"role": "user", "content": "Look for it"},
        called("call-1", "grep", pattern="first"),
        result("call-1", "found it"),
        called("call-2", "grep", pattern="second"),
    )
    show(tab, "left")
    calls = "document.querySelectorAll('#rows .call')"
    assert tab.run(f"{calls}.length") == 2
    assert tab.run(f"[...{calls}].map((one) => one.innerText.includes('no result yet'))") == [
        False,
        True,
    ]
    assert "found it" not in tab.run(f"{calls}[1].innerText")
    tab.click("#rows .call:last-of-type summary")
    tab.until(f'{calls}[0].innerText.includes(\'"pattern": "first"\')')


def test_reasoning_and_results_are_folded_and_pictures_are_shown(
    client: httpx.Client, tab: Tab
) -> None:
    picture = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
    parts = [
        {"type": "thinking", "thinking": "first this\nthen that"},
        {"type": "image_url", "image_url": {"url": picture}},
        {"type": "image_url", "image_url": {"url": "https://elsewhere.example/a.png"}},
        {"type": "text", "text": "Here it is"},
    ]
    say(client, "parts", {"role": "assistant", "content": parts})
    show(tab, "parts")
    tab.until("document.querySelector('#rows img').naturalWidth === 1")
    assert tab.run("document.querySelectorAll('#rows img').length") == 1
    link = tab.run("document.querySelector('#rows .elsewhere a').outerHTML")
    assert 'href="https://elsewhere.example/a.png"' in link
    assert "noreferrer" in link
    assert "then that" not in tab.run(
        "document.querySelector('#rows .reasoning .prose')?.innerText ?? ''"
    )
    tab.click("#rows .reasoning summary")
    tab.sees("then that", "#rows .reasoning .prose")


# Live


def test_a_message_is_seen_when_it_comes(client: httpx.Client, tab: Tab) -> None:
    say(client, "live", *texts("One"))
    show(tab, "live")
    say(client, "live", {"role": "assistant", "content": "Two, just now"})
    tab.sees("Two, just now", ROWS)


def test_sessions_that_come_are_in_the_list_few_or_many(client: httpx.Client, tab: Tab) -> None:
    say(client, "brand-new", *texts("Hello"))
    tab.sees("brand-new", "#list")
    for number in range(60):  # more than are asked for one by one
        client.post("/sessions", json={"session_id": f"of-many-{number}"}).raise_for_status()
    tab.until("document.querySelector('#list').innerText.includes('of-many-59')")
    listed = [one["session_id"] for one in client.get("/sessions").json()["sessions"]]
    tab.run("window.seen = new Set()")
    look = (
        "(() => { document.querySelectorAll('.row .title').forEach((one) => seen.add(one.title));"
        " const list = document.querySelector('#list'); list.scrollTop += 300;"
        " if (list.scrollTop + list.clientHeight >= list.scrollHeight - 1) list.scrollTop = 0; })()"
    )
    tab.until(f"({look}, seen.size >= {len(listed)})")


def test_a_draft_is_seen_as_it_grows_until_its_message_is_there(
    client: httpx.Client, tab: Tab
) -> None:
    say(client, "drafted", *texts("Tell me a story"))
    show(tab, "drafted")
    place = "/sessions/drafted/drafts/m-2"
    client.post(place, json={"append": "Once upon"}).raise_for_status()
    tab.sees("Once upon", "#drafts")
    client.post(place, json={"append": " a time"}).raise_for_status()
    tab.sees("Once upon a time", "#drafts")
    say(client, "drafted", {"role": "assistant", "content": "Once upon a time.", "id": "m-2"})
    tab.sees("Once upon a time.", ROWS)
    tab.until("document.querySelector('#drafts').childElementCount === 0")


def test_an_answer_to_an_approval_is_given_once_and_is_the_sessions(
    client: httpx.Client, tab: Tab
) -> None:
    say(client, "asking", *texts("Clean up"))
    show(tab, "asking")
    detail = {"command": "rm -r build"}
    question = {"id": "q", "title": "Delete build/?", "detail": detail}
    client.post("/sessions/asking/approvals", json=question).raise_for_status()
    tab.sees("Delete build/?", "#approvals")
    tab.sees("rm -r build", "#approvals")
    tab.type("#approvals input", "only this once")
    tab.click("#approvals button", "Approve")
    answer = client.get("/sessions/asking/approvals/q", params={"wait": 60}).json()
    assert (answer["state"], answer["note"]) == ("approved", "only this once")
    tab.until("document.querySelector('#approvals').childElementCount === 0")
    tab.sees("approved", ROWS)


# Doing


def test_a_rewind_takes_messages_back_and_can_be_undone(client: httpx.Client, tab: Tab) -> None:
    say(client, "rewound", *texts("One", "Two", "Three", "Four"))
    show(tab, "rewound")
    tab.run(SECOND % "rewind")
    tab.sees("Went back to #2", ROWS)
    tab.until(f"{SHOWN}.join() === 'One,Two'")
    assert client.get("/sessions/rewound").json()["message_count"] == 2
    tab.click("#notices button", "Undo")
    tab.until(f"{SHOWN}.join() === 'One,Two,Three,Four'")
    assert client.get("/sessions/rewound").json()["message_count"] == 4


def test_a_fork_is_opened_with_what_was_said_up_to_there(client: httpx.Client, tab: Tab) -> None:
    say(client, "forked", *texts("One", "Two", "Three"))
    show(tab, "forked")
    tab.run(SECOND % "fork")
    tab.until("location.hash !== '#/forked'")
    tab.until(f"{SHOWN}.join() === 'One,Two'")
    fork = tab.run("decodeURIComponent(location.hash.slice(2))")
    assert client.get(f"/sessions/{fork}").json()["forked_from"]["session_id"] == "forked"


def test_what_is_deleted_comes_back_from_the_trash(client: httpx.Client, tab: Tab) -> None:
    say(client, "thrown-away", *texts("Precious"))
    show(tab, "thrown-away")
    tab.click("[data-action=delete]")
    tab.until("!document.querySelector('#list').innerText.includes('thrown-away')")
    assert client.get("/sessions/thrown-away").status_code == 404
    choose(tab, "trash")
    tab.click("#list [data-action=undelete]")
    tab.sees("Precious", ROWS)
    assert client.get("/sessions/thrown-away").status_code == 200


def test_a_deletion_is_undone_at_once(client: httpx.Client, tab: Tab) -> None:
    say(client, "slip", *texts("Not this one"))
    show(tab, "slip")
    tab.click("[data-action=delete]")
    tab.click("#notices button", "Undo")
    tab.sees("Not this one", ROWS)


def test_what_is_in_the_trash_is_deleted_for_good_when_that_is_confirmed(
    client: httpx.Client, tab: Tab
) -> None:
    say(client, "worthless", *texts("Nothing"))
    client.delete("/sessions/worthless").raise_for_status()
    choose(tab, "trash")
    tab.click("#list [data-action=purge]")
    tab.sees("worthless", "#question")
    tab.click("#question-yes")
    tab.until("!document.querySelector('#list').innerText.includes('worthless')")
    trash = client.get("/trash").json()["sessions"]
    assert "worthless" not in [one["session_id"] for one in trash]


def test_a_session_is_renamed_and_archived(client: httpx.Client, tab: Tab) -> None:
    say(client, "old-name", *texts("Hello"))
    show(tab, "old-name")
    tab.click("[data-action=rename]")
    tab.until("document.querySelector('#question').open")
    tab.type("#question-field", "A better name")
    tab.click("#question-yes")
    tab.sees("A better name", "#title")
    tab.click("#archive", "Archive")
    tab.sees("Unarchive", "#archive")
    header = client.get("/sessions/old-name").json()
    assert (header["title"], header["archived"]) == ("A better name", True)
    tab.until("!document.querySelector('#list').innerText.includes('A better name')")
    choose(tab, "archived")
    tab.sees("A better name", "#list")


def test_those_that_wait_for_somebody_are_counted_and_listed(
    client: httpx.Client, tab: Tab
) -> None:
    say(client, "waits", *texts("May I?"))
    question = {"id": "q", "title": "Publish it?"}
    client.post("/sessions/waits/approvals", json=question).raise_for_status()
    tab.until("document.querySelector('#waiting').textContent.includes('(')")
    choose(tab, "waiting")
    tab.sees("Publish it?", "#list")
    tab.click("#list .row", "Publish it?")
    tab.sees("Publish it?", "#approvals")


def test_the_panel_tells_who_worked_and_what_was_used(client: httpx.Client, tab: Tab) -> None:
    say(client, "worked", *texts("Hello"))
    body = {"agent": "coder", "reason": "There is code to write"}
    client.post("/agents/worked/switch", json=body).raise_for_status()
    used = {"model": "gpt-x", "input_tokens": 1200}
    client.post("/sessions/worked/usage", json=used).raise_for_status()
    show(tab, "worked")
    tab.click("[data-action=panel]")
    tab.sees("There is code to write", "#panel-body")
    tab.click("[data-tab=usage]")
    tab.sees("input_tokens", "#panel-body")
    tab.click("[data-tab=details]")
    tab.sees("worked", "#panel-body")


# Finding


def test_a_session_is_found_by_its_title_and_by_the_beginning_of_its_id(
    client: httpx.Client, tab: Tab
) -> None:
    body = {"session_id": "x-17", "title": "The quick brown fox"}
    client.post("/sessions", json=body).raise_for_status()
    say(client, "y-18", *texts("Hello"))
    tab.sees("y-18", "#list")
    indexed(client, "brown")
    tab.press("/")
    tab.type("#search", "brown")
    tab.until("!document.querySelector('#list').innerText.includes('y-18')")
    tab.sees("The quick brown fox", "#list")
    tab.type("#search", "y-1")
    tab.until("!document.querySelector('#list').innerText.includes('brown')")
    tab.sees("y-18", "#list")
    tab.press("Escape")
    tab.sees("The quick brown fox", "#list")


def test_a_projects_sessions_are_shown_alone(client: httpx.Client, tab: Tab) -> None:
    for name in ("shop", "mail"):
        body = {"session_id": f"of-{name}", "metadata": {"cwd": f"/home/ann/{name}"}}
        client.post("/sessions", json=body).raise_for_status()
    tab.sees("of-mail", "#list")
    tab.run("document.querySelector('#project').value = '/home/ann/shop'")
    tab.run("document.querySelector('#project').dispatchEvent(new Event('change'))")
    tab.until("!document.querySelector('#list').innerText.includes('of-mail')")
    tab.sees("of-shop", "#list")


def test_keys_lead_through_the_list_and_the_conversation(client: httpx.Client, tab: Tab) -> None:
    say(client, "first", *texts("One", "Two"))
    tab.sees("first", "#list")
    say(client, "second", *texts("Three"))
    tab.until("document.querySelector('#list .title')?.innerText === 'second'")
    for key in ("j", "j", "Enter"):
        tab.press(key)
    tab.until("document.querySelector('#title').innerText === 'first'")
    tab.until(f"{SHOWN}.join() === 'One,Two'")
    tab.press("j")
    tab.press("j")
    assert tab.run("document.activeElement.innerText").splitlines()[-1] == "Two"
    tab.press("Escape")
    tab.until("document.querySelector('#session').hidden")
    tab.press("?")
    tab.until("document.querySelector('#help').open")


def test_where_it_is_narrow_the_list_and_the_session_take_turns(
    client: httpx.Client, tab: Tab, service: Service
) -> None:
    say(client, "narrow", *texts("One"))
    tab.look(width=400, height=800)
    tab.go(f"{service.url}/")
    show(tab, "narrow")
    assert tab.run("document.querySelector('#side').offsetParent") is None
    tab.click("#back")
    tab.until("document.querySelector('#side').offsetHeight > 0")
    assert tab.run("document.documentElement.scrollWidth") == 400
