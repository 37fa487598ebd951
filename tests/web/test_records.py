"""Records over REST: values under keys."""

import json
from typing import Any

from quart import Response

from tests.web.conftest import Api


def put(**values: Any) -> list[dict[str, Any]]:
    return [{"key": key, "value": value} for key, value in values.items()]


async def change(api: Api, **call: Any) -> Response:
    return await api.post("/sessions/s/records", call)


async def records(api: Api, query: str = "") -> Any:
    answer = await api.get(f"/sessions/s/records{query}")
    assert answer.status_code == 200
    return json.loads(await answer.get_data(as_text=False))


async def keys(api: Api, query: str = "") -> list[str]:
    return [record["key"] for record in (await records(api, query))["records"]]


async def test_what_is_put_can_be_read(api: Api) -> None:
    answer = await change(api, put=put(a=1, b=None, c={"x": [2**70]}))
    assert answer.status_code == 201
    assert await answer.get_json(force=True) == {
        "session_id": "s",
        "seqs": [1, 2, 3],
        "version": 3,
        "durable_seq": 3,
        "applied": 3,
    }
    assert await records(api) == {
        "records": [
            {"key": "a", "value": 1, "seq": 1},
            {"key": "b", "value": None, "seq": 2},
            {"key": "c", "value": {"x": [2**70]}, "seq": 3},
        ]
    }


async def test_keys_and_prefixes_are_removed_in_the_same_step(api: Api) -> None:
    await change(api, put=put(a=1, b1=1, b2=1, c=1))
    answer = await change(api, put=put(d=1), remove=["a", "none"], remove_prefix=["b"])
    assert (await answer.get_json(force=True))["applied"] == 4
    assert await keys(api) == ["c", "d"]


async def test_compare_and_set_makes_no_other_keys_writer_stale(api: Api) -> None:
    await change(api, put=put(a=1, b=1))
    await change(api, put=put(b=2))
    assert (await change(api, put=put(a=2), expect={"a": 1, "new": 0})).status_code == 201
    refused = await change(api, put=put(a=3), expect={"a": 1})
    assert refused.status_code == 412
    assert "'a'" in (await refused.get_json(force=True))["detail"]
    assert (await records(api, "?key=a"))["records"][0]["value"] == 2


async def test_an_expectation_that_fails_though_all_is_as_asked_is_a_repeat(api: Api) -> None:
    await change(api, put=put(a=1), expect={"a": 0})
    again = await change(api, put=put(a=1), expect={"a": 0})
    assert again.status_code == 200
    assert (await again.get_json(force=True))["applied"] == 0


async def test_the_first_write_of_a_key_wins_with_once(api: Api) -> None:
    await change(api, put=put(a="mine"), once=True)
    answer = await change(api, put=put(a="yours"), once=True)
    assert answer.status_code == 200
    known = (await answer.get_json(force=True))["known"]
    assert known == [{"key": "a", "seq": 1, "value": "mine"}]


async def test_ranges_go_forward_and_back_in_the_order_of_bytes(api: Api) -> None:
    await change(api, put=[{"key": key, "value": 1} for key in ["é", "b", "B", "a", "🤔", "z"]])
    assert await keys(api) == ["B", "a", "b", "z", "é", "🤔"]
    assert await keys(api, "?start=a&end=z") == ["a", "b"]
    assert await keys(api, "?start=a&end=z&reverse=true") == ["b", "a"]
    assert await keys(api, "?key=z&key=a&prefix=B") == ["B", "a", "z"]


async def test_pages_have_every_record_once(api: Api) -> None:
    await change(api, put=[{"key": f"k{n}", "value": n} for n in range(7)])
    for reverse in ("false", "true"):
        page = await records(api, f"?limit=3&reverse={reverse}")
        seen = [record["value"] for record in page["records"]]
        while "next_cursor" in page:
            query = f"?limit=3&reverse={reverse}&cursor={page['next_cursor']}"
            page = await records(api, query)
            seen += [record["value"] for record in page["records"]]
        assert seen == sorted(range(7), reverse=reverse == "true")


async def test_a_rewind_takes_records_back_and_forward_again(api: Api) -> None:
    await change(api, put=put(a=1))
    await change(api, put=put(a=2))
    await api.post("/sessions/s/rewind", {"to": 1})
    assert (await records(api))["records"][0]["value"] == 1
    await api.post("/sessions/s/rewind", {"to": 2})
    assert (await records(api))["records"][0]["value"] == 2
