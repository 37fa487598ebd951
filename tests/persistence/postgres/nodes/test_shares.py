from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from persistence.postgres.nodes.shares import Owners, moves, quotas

NODES = "abcd"

owned = st.lists(st.sampled_from([None, *NODES, "leaving", "gone"]), min_size=1, max_size=40)
present = st.sets(st.sampled_from(NODES), min_size=1)


def after(owners: Owners, nodes: set[str]) -> list[str | None]:
    moved = moves(owners, nodes)
    return [moved.get(shard, owner) for shard, owner in enumerate(owners)]


def test_each_has_as_many_as_the_others_or_one_more() -> None:
    assert quotas({"c", "a", "b"}, 256) == {"a": 86, "b": 85, "c": 85}


def test_a_node_that_is_alone_has_all() -> None:
    assert quotas({"a"}, 256) == {"a": 256}


def test_where_there_is_nobody_nothing_moves() -> None:
    assert moves(["a", None], []) == {}


def test_what_is_free_goes_first_to_who_has_too_few() -> None:
    assert moves([None, "b", "b", None], ["a", "b"]) == {0: "a", 3: "a"}


def test_of_what_is_too_much_the_highest_go() -> None:
    assert moves(["b", "b", "b", "b"], ["a", "b"]) == {2: "a", 3: "a"}


def test_who_leaves_gives_up_everything() -> None:
    assert moves(["x", "a", "x"], ["a"]) == {0: "a", 2: "a"}


@given(owned, present)
def test_afterwards_each_has_its_quota(owners: Owners, nodes: set[str]) -> None:
    assert Counter(after(owners, nodes)) == Counter(quotas(nodes, len(owners)))


@given(owned, present)
def test_no_more_change_hands_than_are_too_few_somewhere(owners: Owners, nodes: set[str]) -> None:
    quota = quotas(nodes, len(owners))
    missing = sum(max(0, quota[node] - list(owners).count(node)) for node in nodes)
    assert len(moves(owners, nodes)) == missing


@given(owned, present)
def test_nothing_goes_to_who_has_it(owners: Owners, nodes: set[str]) -> None:
    assert all(owners[shard] != taker for shard, taker in moves(owners, nodes).items())


@given(owned, present)
def test_who_has_its_quota_keeps_what_it_has(owners: Owners, nodes: set[str]) -> None:
    quota = quotas(nodes, len(owners))
    moving = {owners[shard] for shard in moves(owners, nodes)}
    assert all(list(owners).count(node) > quota[node] for node in nodes & moving)


@given(owned, present, st.data())
def test_all_come_to_the_same_whatever_the_order(
    owners: Owners, nodes: set[str], data: st.DataObject
) -> None:
    order = data.draw(st.permutations(sorted(nodes)))
    assert moves(owners, order) == moves(owners, nodes)


@given(owned, present)
def test_when_that_is_done_nothing_is_left_to_do(owners: Owners, nodes: set[str]) -> None:
    assert moves(after(owners, nodes), nodes) == {}


@given(owned, present, st.integers(0, 7))
def test_what_is_done_in_part_changes_nothing_of_the_rest(
    owners: Owners, nodes: set[str], done: int
) -> None:
    """So each node does its own moves, and none has to wait for the others."""
    moved = moves(owners, nodes)
    partly = list(owners)
    for shard in list(moved)[:done]:
        partly[shard] = moved[shard]
    assert Counter(after(partly, nodes)) == Counter(quotas(nodes, len(owners)))
