"""Lists that leave sessions out: by prefix, by what is archived, by members of the metadata."""

import json

import pytest

from persistence.sequence import LOOKED_AT
from runtime.errors import InvalidInput
from runtime.store.listing import MAX_FILTERS, Listing
from runtime.store.store import Store
from runtime.store.stored import Settings
from tests.persistence.builders import at, born
from tests.persistence.contract.stores import WHOLE, committed, ids, listed, pages

STORES = WHOLE

IDS = ["a", "a%", "a%b", "a_", "a_b", "axb", "a'", 'a"', "a\\", "A", "b", "Яа", "Яб", "я", "👋 1"]


@pytest.mark.parametrize("prefix", ["", *IDS, "Я", "👋", "a*", "a[", "%", "_", "zzz", "\U0010ffff"])
@pytest.mark.parametrize("order", ["activity", "created"])
def test_a_prefix_lists_the_ids_that_begin_with_it_to_the_letter(
    store: Store, prefix: str, order: str
) -> None:
    committed(store, *map(born, IDS))
    expected = sorted(name for name in IDS if name.startswith(prefix))
    if order == "activity":
        assert listed(store, Listing(prefix=prefix)) == expected[::-1]
    else:
        assert listed(store, Listing(order="created", prefix=prefix)) == expected


def test_a_prefix_may_end_in_the_last_character_there_is(store: Store) -> None:
    names = ["a\U0010ffff", "a\U0010ffffb", "b"]
    committed(store, *map(born, names))
    assert listed(store, Listing(prefix="a\U0010ffff")) == ["a\U0010ffffb", "a\U0010ffff"]


@pytest.mark.parametrize(
    ("archived", "expected"), [(True, ["put away"]), (False, ["s"]), (None, ["s", "put away"])]
)
def test_archived_lists_either_or_both(
    store: Store, archived: bool | None, expected: list[str]
) -> None:
    committed(store, born("put away", settings=Settings(archived=True)), born("s"))
    assert listed(store, Listing(archived=archived)) == expected


@pytest.mark.parametrize(
    ("member", "text"),
    [
        ("text", "text"),
        ("", ""),
        ("Ж 'in' \"quotes\" \\ \n % _", "Ж 'in' \"quotes\" \\ \n % _"),
        ("true", "true"),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (-7, "-7"),
        (1.5, "1.5"),
        (12345678901234567890, "12345678901234567890"),
        ("7", "7"),
        ("{}", "{}"),
    ],
)
def test_a_member_of_the_metadata_is_compared_by_its_text(
    store: Store, member: object, text: str
) -> None:
    metadata = json.dumps({"other": "x", "name": member}, ensure_ascii=False).encode()
    committed(store, born("s", settings=Settings(metadata=metadata)))
    assert listed(store, Listing(metadata=(("name", text),))) == ["s"]
    assert listed(store, Listing(metadata=(("name", f"{text}x"),))) == []
    assert listed(store, Listing(metadata=(("Name", text or "x"),))) == []


@pytest.mark.parametrize("metadata", [b"{}", b'{"other":"x"}', b'{"name":""}', b'{"name":null}'])
def test_an_empty_text_lists_those_without_the_member(store: Store, metadata: bytes) -> None:
    committed(
        store,
        born("without", settings=Settings(metadata=metadata)),
        born("with", settings=Settings(metadata=b'{"name":"x"}')),
    )
    assert listed(store, Listing(metadata=(("name", ""),))) == ["without"]


@pytest.mark.parametrize("member", [[], [1], {}, {"a": 1}, {"name": "x"}])
def test_an_object_and_an_array_have_no_text(store: Store, member: object) -> None:
    metadata = json.dumps({"name": member}, separators=(",", ":")).encode()
    committed(store, born("s", settings=Settings(metadata=metadata)))
    for text in ("", "x", "1", json.dumps(member, separators=(",", ":"))):
        assert listed(store, Listing(metadata=(("name", text),))) == []


@pytest.mark.parametrize(
    "name",
    ["a.b", "a", "", "$", "$.a", "[0]", "0", 'say "hi"', "it's", "back\\slash", "Ж 👋", "%", "a b"],
)
def test_a_member_is_found_by_its_name_to_the_letter(store: Store, name: str) -> None:
    metadata = {"a": {"b": "x"}, "list": ["x"], name: "found"}
    committed(
        store,
        born("s", settings=Settings(metadata=json.dumps(metadata, ensure_ascii=False).encode())),
        born("without", settings=Settings(metadata=b'{"z":"found"}')),
    )
    assert listed(store, Listing(metadata=((name, "found"),))) == ["s"]
    assert listed(store, Listing(metadata=((name, ""),))) == ["without"]


@pytest.mark.parametrize(
    "name", ['"', '""', '\\"', '"\\', "\\", "\\\\", '"."', "\n", "\x01", "\x7f"]
)
@pytest.mark.parametrize(
    ("member", "text"),
    [
        (b"7", "7"),
        (b"1.50", "1.50"),
        (b"12345678901234567890123", "12345678901234567890123"),
        (b"true", "true"),
        (b'"a\\"\\\\b"', 'a"\\b'),
    ],
)
def test_a_name_that_json_escapes_is_found_whatever_its_member_is(
    store: Store, name: str, member: bytes, text: str
) -> None:
    metadata = b'{"other\\"":0,%s:%s,"last":"\\\\"}' % (json.dumps(name).encode(), member)
    committed(store, born("s", settings=Settings(metadata=metadata)))
    assert listed(store, Listing(metadata=((name, text),))) == ["s"]
    assert listed(store, Listing(metadata=((name, f"{text}x"),))) == []
    escaped = json.dumps(name)[1:-1]
    if escaped != name:
        assert listed(store, Listing(metadata=((escaped, text),))) == []


def test_as_many_members_as_are_allowed_can_be_asked_for(store: Store) -> None:
    members = {f"n{n}": str(n) for n in range(MAX_FILTERS)}
    committed(
        store,
        born("all", settings=Settings(metadata=json.dumps(members).encode())),
        born("one less", settings=Settings(metadata=json.dumps(members | {"n7": ""}).encode())),
    )
    listing = Listing(metadata=tuple(members.items()))
    assert listed(store, listing) == ["all"]
    assert [chunk.count for chunk in store.stream_sessions(listing)] == [1]


def test_more_members_than_that_are_refused() -> None:
    members = tuple((f"n{n}", "x") for n in range(MAX_FILTERS + 1))
    with pytest.raises(InvalidInput, match="17 filters; a list can have at most 16"):
        Listing(metadata=members)


def test_all_members_must_be_as_asked_for(store: Store) -> None:
    committed(
        store,
        born("both", settings=Settings(metadata=b'{"a":1,"b":true}')),
        born("one", settings=Settings(metadata=b'{"a":1,"b":false}')),
    )
    assert listed(store, Listing(metadata=(("a", "1"), ("b", "true")))) == ["both"]
    assert listed(store, Listing(metadata=(("a", "1"), ("a", "2")))) == []


def fill(store: Store, number: int) -> None:
    """Every third session is archived, every second of a project, every fifth begins with t."""
    committed(
        store,
        *(
            born(
                f"{'t' if n % 5 == 0 else 's'}{n:03}",
                created_at=at(n % 7),
                last_activity=at(n % 4),
                settings=Settings(
                    archived=n % 3 == 0, metadata=b'{"project":"x"}' if n % 2 else b"{}"
                ),
            )
            for n in range(number)
        ),
    )


FILTERS: list[Listing] = [
    Listing(prefix="s"),
    Listing(prefix="t"),
    Listing(archived=True, order="created"),
    Listing(archived=False, metadata=(("project", "x"),)),
    Listing(metadata=(("project", ""),), prefix="s0", order="created"),
    Listing(prefix="s", archived=True, metadata=(("project", "x"),)),
    Listing(prefix="nobody"),
    Listing(metadata=(("project", "y"),)),
]


@pytest.mark.parametrize("listing", FILTERS)
def test_a_filtered_list_is_the_list_without_those_left_out(store: Store, listing: Listing) -> None:
    fill(store, 40)
    everything = listed(store, Listing(order=listing.order))
    expected = []
    for name in everything:
        n = int(name[1:])
        project = "x" if n % 2 else ""
        if (
            name.startswith(listing.prefix)
            and listing.archived in (None, n % 3 == 0)
            and all(value == project for _, value in listing.metadata)
        ):
            expected.append(name)
    assert listed(store, listing) == expected


@pytest.mark.parametrize("listing", FILTERS)
@pytest.mark.parametrize("limit", [1, 3, 1_000])
def test_filtered_pages_put_together_are_the_filtered_list(
    store: Store, listing: Listing, limit: int
) -> None:
    fill(store, 40)
    read = list(pages(store, listing, limit))
    assert all(len(page.sessions) <= limit for page in read)
    assert [name for page in read for name in ids(page)] == listed(store, listing)


def test_the_total_of_a_filtered_page_is_that_of_all(store: Store) -> None:
    fill(store, 40)
    assert {page.total for page in pages(store, Listing(prefix="t"), 3)} == {40}


@pytest.mark.parametrize("order", ["activity", "created"])
def test_a_page_that_finds_nobody_for_long_goes_on_elsewhere(store: Store, order: str) -> None:
    hay = [born(f"hay {n:05}", created_at=at(2), last_activity=at(2)) for n in range(LOOKED_AT)]
    needle = Settings(archived=True)
    committed(
        store,
        *hay,
        born("early", created_at=at(1), last_activity=at(1), settings=needle),
        born("late", created_at=at(3), last_activity=at(3), settings=needle),
    )
    listing = Listing(order="created" if order == "created" else "activity", archived=True)
    first, *others = pages(store, listing, 10)
    names = ["early", "late"] if order == "created" else ["late", "early"]
    assert ids(first) == names[:1]
    assert [name for page in others for name in ids(page)] == names[1:]
