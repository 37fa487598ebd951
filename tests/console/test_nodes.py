"""The page at one node shows, and changes, what another one owns."""

import trio

from tests.browser.devtools import Browser, Tab
from tests.web.nodes.cluster import Cluster, open_cluster


async def test_a_session_of_another_node_is_read_followed_and_rewound(browser: Browser) -> None:
    async with open_cluster("a", "b") as two:
        session_id = two.b.id()
        for text in ("one", "two", "three"):
            assert (await two.a.say(session_id, text)).status == 201
        tab = await trio.to_thread.run_sync(opened, browser, two, session_id)
        assert (await two.b.say(session_id, "four, which comes live")).status == 201
        await trio.to_thread.run_sync(tab.sees, "four, which comes live", "#rows")
        await trio.to_thread.run_sync(rewound, tab)
        messages = (await two.b.ask("GET", f"/sessions/{session_id}/history")).json["messages"]
        assert [message["content"] for message in messages] == ["one", "two"]
        await trio.to_thread.run_sync(tab.call, "Page.close")
    assert tab.complaints == []


def opened(browser: Browser, two: Cluster, session_id: str) -> Tab:
    tab = browser.tab()
    tab.go(f"http://{two.a.address}/")
    tab.click("#list .row", session_id)
    tab.sees("three", "#rows")
    return tab


def rewound(tab: Tab) -> None:
    second = "document.querySelectorAll('#rows .message')[1]"
    tab.run(f"{second}.querySelector('[data-action=rewind]').click()")
    tab.sees("Went back to #2", "#rows")
