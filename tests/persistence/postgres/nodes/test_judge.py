from hypothesis import given
from hypothesis import strategies as st

from persistence.postgres.nodes.judge import GAP, SILENCE, TTL, Judge

PACE = 0.25


def looked(judge: Judge, moments: int, beats: int = 7, *, start: float = 0.0) -> list[str]:
    """What the last of so many looks says, a beat apart, where `other` has this number."""
    dead: list[str] = []
    for moment in range(moments):
        dead = list(judge.look(start + moment * PACE, {"other": beats}))
    return dead


def test_a_node_whose_number_stays_is_dead_after_the_ttl() -> None:
    assert looked(Judge(), 1 + round(TTL / PACE)) == ["other"]


def test_and_not_one_look_before() -> None:
    assert looked(Judge(), round(TTL / PACE)) == []


def test_a_node_that_was_seen_once_is_alive() -> None:
    assert looked(Judge(), 1) == []


def test_a_number_that_changes_is_a_sign_of_life() -> None:
    judge = Judge()
    looked(judge, 12, beats=7)
    assert looked(judge, 12, beats=8, start=12 * PACE) == []


def test_so_is_a_lower_one() -> None:
    """A failover may have brought back an older row, and the node has beaten on."""
    judge = Judge()
    looked(judge, 12, beats=7)
    assert looked(judge, 12, beats=6, start=12 * PACE) == []


def test_after_a_gap_nothing_is_concluded_from_before() -> None:
    judge = Judge()
    looked(judge, 12)
    assert looked(judge, 12, start=12 * PACE + GAP) == []


def test_after_a_gap_it_is_found_out_anew() -> None:
    judge = Judge()
    looked(judge, 12)
    assert looked(judge, 13, start=12 * PACE + GAP) == ["other"]


def test_who_has_gone_and_come_back_is_looked_at_anew() -> None:
    judge = Judge()
    looked(judge, 12)
    judge.look(12 * PACE, {})
    assert looked(judge, 2, start=13 * PACE) == []


def test_who_does_not_beat_is_silent_before_it_is_dead() -> None:
    judge = Judge()
    assert looked(judge, 1 + round(SILENCE / PACE)) == []
    assert judge.silent() == {"other"}


def test_who_beats_is_not_silent() -> None:
    judge = Judge()
    looked(judge, 12, beats=7)
    judge.look(12 * PACE, {"other": 8})
    assert judge.silent() == frozenset()


looks = st.lists(
    st.tuples(st.floats(0.01, 1.5), st.dictionaries(st.sampled_from("abc"), st.integers(0, 2))),
    max_size=40,
)


@given(looks)
def test_only_who_was_the_same_in_all_looks_of_a_ttl_without_a_gap_is_dead(
    looks: list[tuple[float, dict[str, int]]],
) -> None:
    judge = Judge()
    now = 0.0
    past: list[tuple[float, dict[str, int]]] = []
    for span, beats in looks:
        now += span
        if past and now - past[-1][0] > GAP:
            past = []
        past.append((now, beats))
        dead = set()
        for node, number in beats.items():
            since = now
            for moment, seen in reversed(past):
                if seen.get(node) != number:
                    break
                since = moment
            if now - since >= TTL:
                dead.add(node)
        assert judge.look(now, beats) == dead
