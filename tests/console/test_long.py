"""Long lists and long sessions: all of it can be seen, and little of it is there at a time."""

import httpx

from tests.browser.devtools import Tab
from tests.console.sample import say
from tests.service import Service

NUMBERS = (
    "[...document.querySelectorAll('#rows .prose')]"
    ".map((one) => Number(one.innerText.split(' ')[1]))"
)
FIRST = f"{NUMBERS}[0]"
LAST = f"{NUMBERS}.at(-1)"


def fill(client: httpx.Client, session_id: str, count: int) -> None:
    for start in range(0, count, 500):
        messages = [
            {"role": "user", "content": f"Message {number} {'and so on ' * (number % 30)}"}
            for number in range(start, min(start + 500, count))
        ]
        say(client, session_id, *messages)


def test_a_long_session_is_read_from_its_end_to_its_beginning_and_back(
    client: httpx.Client, tab: Tab
) -> None:
    fill(client, "long", 900)
    tab.click("#list .row", "long")
    tab.until(f"{LAST} === 899")
    tab.run("window.most = 0; window.gaps = 0")
    look = (
        f"(() => {{ const seen = {NUMBERS}; window.most = Math.max(most, seen.length);"
        " gaps += seen.filter((one, at) => at > 0 && one !== seen[at - 1] + 1).length; })()"
    )
    upwards = "document.querySelector('#scroller').scrollTop -= 900"
    tab.until(f"({upwards}, {look}, {FIRST} === 0)")
    downwards = "document.querySelector('#scroller').scrollTop += 900"
    tab.until(f"({downwards}, {look}, {LAST} === 899)")
    assert tab.run("most") <= 600
    assert tab.run("gaps") == 0


def test_what_is_read_stays_where_it_is_while_older_messages_come_in_above(
    client: httpx.Client, tab: Tab
) -> None:
    fill(client, "still", 400)
    tab.click("#list .row", "still")
    tab.until(f"{LAST} === 399")
    tab.run(
        "const scroller = document.querySelector('#scroller');"
        "scroller.scrollTop = 1000;"
        "window.watched = [...document.querySelectorAll('.entry')]"
        ".find((one) => one.getBoundingClientRect().top > 300);"
        "window.was = watched.getBoundingClientRect().top;"
        f"window.first = {FIRST}"
    )
    tab.until(f"{FIRST} < first")
    assert abs(tab.run("watched.getBoundingClientRect().top - was")) < 2


def test_a_message_that_comes_while_the_end_is_far_is_there_when_one_goes_to_it(
    client: httpx.Client, tab: Tab
) -> None:
    fill(client, "far", 1_200)
    tab.click("#list .row", "far")
    tab.until(f"{LAST} === 1199")
    tab.press("g")
    tab.until(f"{FIRST} === 0")
    say(client, "far", {"role": "user", "content": "Message 1200"})
    tab.until("!document.querySelector('#newest').hidden")
    tab.click("#newest")
    tab.until(f"{LAST} === 1200")


def test_of_a_long_text_a_piece_is_shown_and_the_rest_when_it_is_asked_for(
    client: httpx.Client, tab: Tab
) -> None:
    say(client, "wide", {"role": "user", "content": "words " * 20_000 + "the end"})
    tab.click("#list .row", "wide")
    tab.sees("Show more", "#rows")
    assert tab.run("document.querySelector('#rows').innerText.length") < 10_000
    tab.click("#rows .more")
    tab.click("#rows .more")
    tab.sees("the end", "#rows")


def test_of_a_long_list_the_rows_in_view_are_there_and_the_others_come(
    client: httpx.Client, tab: Tab, service: Service
) -> None:
    for number in range(250):
        client.post("/sessions", json={"session_id": f"n-{number:03}"}).raise_for_status()
    tab.go(f"{service.url}/")
    tab.sees("n-249", "#list")
    tab.run("window.most = 0; window.seen = new Set()")
    look = (
        "(() => { const rows = [...document.querySelectorAll('.row .title')];"
        " most = Math.max(most, rows.length); rows.forEach((one) => seen.add(one.innerText));"
        " document.querySelector('#list').scrollTop += 400; })()"
    )
    tab.until(f"({look}, [...seen].filter((id) => id.startsWith('n-')).length === 250)")
    assert tab.run("most") < 80
