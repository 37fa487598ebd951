"""Search over REST: what was said, in which session, and what a query may be."""

from typing import Any
from urllib.parse import quote

import pytest
from quart import Response

from runtime import indexing
from tests.web.conftest import Api


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may take longer to index than somebody waits who searches."""
    monkeypatch.setattr(indexing, "PATIENCE", 100.0)


async def json_of(answer: Response) -> Any:
    return await answer.get_json(force=True)


async def search(api: Api, query: str, more: str = "") -> Any:
    answer = await api.get(f"/search?q={quote(query)}{more}")
    assert answer.status_code == 200
    return await json_of(answer)


async def test_what_was_said_is_found_with_its_session(api: Api) -> None:
    await api.post("/sessions", {"session_id": "s", "title": "Animals"})
    await api.say("s", "The quick brown fox", "A lazy dog")
    assert await search(api, '"lazy do"*') == {
        "hits": [
            {
                "session_id": "s",
                "seq": 3,
                "snippet": "A lazy dog",
                "at": "2025-12-31T08:40:00.000Z",
                "title": "Animals",
                "role": "user",
            }
        ],
        "indexed_through": "2025-12-31T08:40:00.000Z",
    }
    assert (await search(api, "animals"))["hits"] == [
        {
            "session_id": "s",
            "seq": 1,
            "snippet": "Animals",
            "at": "2025-12-31T08:40:00.000Z",
            "title": "Animals",
        }
    ]


async def test_what_a_tool_said_is_found(api: Api) -> None:
    result = {"role": "tool", "tool_call_id": "c1", "content": "ENOENT: no such file: conf.toml"}
    await api.post("/sessions/s/messages", result)
    [hit] = (await search(api, "conf.toml", "&role=tool"))["hits"]
    assert (hit["role"], hit["snippet"]) == ("tool", "ENOENT: no such file: conf.toml")
    assert (await search(api, "conf.toml", "&role=user"))["hits"] == []


async def test_hits_come_in_pages(api: Api) -> None:
    await api.say("a.1", "fox", "fox", "fox")
    await api.say("b", "fox")
    seen: list[tuple[str, int]] = []
    more = "&limit=2&prefix=a."
    while True:
        page = await search(api, "fox", more)
        seen += [(hit["session_id"], hit["seq"]) for hit in page["hits"]]
        if "next_cursor" not in page:
            break
        more = f"&limit=2&prefix=a.&cursor={page['next_cursor']}"
    assert seen == [("a.1", 3), ("a.1", 2), ("a.1", 1)]


async def test_hits_can_be_of_a_time(api: Api) -> None:
    await api.say("s", "early fox")
    api.clock.advance(minutes=10)
    await api.say("s", "late fox")
    late = await search(api, "fox", "&since=2025-12-31T08:45:00Z")
    assert [hit["seq"] for hit in late["hits"]] == [2]
    early = await search(api, "fox", "&until=2025-12-31T08%3A45%3A00%2B00%3A00")
    assert [hit["seq"] for hit in early["hits"]] == [1]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("", "q"),
        ("?q=", "q"),
        ("?q=%21%21", "no word to search for"),
        ("?q=a*", "at least 2 characters"),
        ("?q=fox&since=soon", "since"),
        ("?q=fox&until=2025-99-99", "until"),
        ("?q=fox&cursor=nonsense", "cursor"),
        ("?q=fox&limit=0", "limit"),
        ("?q=fox&query=fox", "query"),
        (f"?q={'x' * 1_001}", "q"),
    ],
)
async def test_a_bad_query_is_told_what_to_do(api: Api, query: str, says: str) -> None:
    answer = await api.get(f"/search{query}")
    assert answer.status_code == 400
    assert says in (await json_of(answer))["detail"]


@pytest.mark.parametrize(
    "query",
    [
        '"',
        '""fox',
        "fox AND",
        "NOT fox",
        "fox*OR",
        "a:b fox",
        "^fox",
        "{fox}",
        "fox-",
        "(fox",
        "fo'x",
    ],
)
async def test_no_query_is_an_error_of_the_database(api: Api, query: str) -> None:
    await api.say("s", "a fox")
    answer = await api.get(f"/search?q={quote(query)}")
    assert answer.status_code == (400 if query == '"' else 200)
