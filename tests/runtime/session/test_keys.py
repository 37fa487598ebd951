"""What is looked up by its key is found, whatever was added, taken back and cut off."""

from hypothesis import given
from hypothesis import strategies as st

from runtime.session.entries.keys import Keyed, Keys

STEPS = st.one_of(
    st.tuples(st.just("add"), st.sampled_from("abc")),
    st.tuples(st.just("take back"), st.just("")),
    st.tuples(st.just("cut"), st.integers(1, 40)),
)


@given(st.lists(STEPS, max_size=40))
def test_the_entries_with_a_key_are_those_that_are_there(steps: list[tuple[str, object]]) -> None:
    there: list[Keyed] = []
    last = 0
    keys = Keys(lambda: there)
    for step, what in steps:
        if step == "add":
            last += 1
            there.append((last, "message", str(what)))
            keys.add(*there[-1])
        elif step == "take back" and there:
            last -= 1
            keys.remove(*there.pop())
        elif step == "cut":
            first = min(int(str(what)), last + 1)
            there = [one for one in there if one[0] >= first]
            keys.cut(first)
        for key in "abc":
            found = set(keys.candidates("message", key))
            assert found >= {seq for seq, _, one in there if one == key}
            assert found <= {seq for seq, *_ in there}
