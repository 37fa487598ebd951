"""Whether there is an order of the calls that explains all the answers.

Linearizability (Herlihy and Wing): each call takes effect at one moment between its invocation and
its answer, and every answer is the one that the specification gives at that moment. The search is
Wing and Gong's, session by session (a history is linearizable if each session's is), and never
looks twice at the same calls done and the same state (Lowe; Porcupine).

Rules:

- A call whose answer is known has its place. A call without an answer may take effect at any moment
  until the process that it was sent to has died, or never.
- What is next is a call that no other call, still without a place, has preceded.
- A call that fits and changes nothing is placed at once, unless that would end the time of a call
  without an answer: every order that places it later is also one that places it here.
- What fits is tried in the order of invocation, which is mostly that in which a process works;
  calls without an answer whose writing was seen elsewhere, or not at all, come last. That only
  makes the search quick; none is left out.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from math import inf
from operator import itemgetter

from attrs import define, field, frozen

from tests.faults.histories.model import Life, State
from tests.faults.histories.recorded import Recorded

BUDGET = 200_000
"""Steps of one search; a history that is linearizable takes about as many as it has calls."""

Sightings = Mapping[str, set[int]]
"""Texts that a single call writes, and the numbers under which somebody has seen them."""


@frozen
class Verdict:
    """What a search came to."""

    order: Sequence[Recorded] | None
    """The calls in an order that explains them; `None`: there is none."""
    steps: int
    gave_up: bool = False
    """Whether the search was ended before its end, so that nothing is known."""
    explanation: str = ""
    """How far the best order came, and what does not fit there."""

    @property
    def is_linearizable(self) -> bool:
        return self.order is not None


def check(history: Sequence[Recorded], budget: int = BUDGET) -> Verdict:
    """Looks for an order of one session's calls, which begins with the session absent.

    Where the likeliest order is not found in time, another one is looked for: in which calls
    without an answer had an effect before those with one. That is so behind a lock, where nobody is
    answered until much has happened, and the only trace of it may be one number in a refusal.
    """
    verdict = _Search.of(history, budget).run()
    if verdict.gave_up:
        verdict = _Search.of(history, budget, unknown_first=True).run()
    return verdict


@frozen
class _Place:
    """A point of the search: which calls are done, and what the session is then."""

    known: int
    """Bits of the calls with an answer that are done."""
    unknown: int
    """Bits of those without one."""
    state: State
    horizon: float
    """The latest invocation of all that is done: a call that could have no effect any more at that
    moment cannot be next."""
    last: tuple["_Place", Recorded] | None = field(default=None, repr=False)

    def order(self) -> list[Recorded]:
        place, calls = self, []
        while place.last is not None:
            place, call = place.last
            calls.append(call)
        return calls[::-1]


@define
class _Search:
    """One search, depth first."""

    known: Sequence[Recorded]
    """In the order of their invocations."""
    unknown: Sequence[Recorded]
    sightings: Sightings
    budget: int
    unknown_first: bool = False
    effective_until: dict[float, float] = field(factory=dict)
    """By the death of a process: the latest invocation of a call without an answer whose effect was
    seen. What it was sent before that, it has probably done as well: it keeps their order."""
    _seen: set[tuple[int, int, State]] = field(factory=set)

    def __attrs_post_init__(self) -> None:
        for call in self.unknown:
            if self._seen_of(call):
                before = self.effective_until.get(call.returned, -inf)
                self.effective_until[call.returned] = max(before, call.invoked)

    @classmethod
    def of(
        cls, history: Sequence[Recorded], budget: int, *, unknown_first: bool = False
    ) -> "_Search":
        by_invocation = sorted(history, key=lambda call: call.invoked)
        return cls(
            known=[call for call in by_invocation if call.answer is not None],
            unknown=[call for call in by_invocation if call.answer is None],
            sightings=sightings_in(history),
            budget=budget,
            unknown_first=unknown_first,
        )

    def run(self) -> Verdict:
        whole = (1 << len(self.known)) - 1
        start = _Place(0, 0, State(Life()), -inf)
        ways = [iter([start])]
        best, steps = start, 0
        while ways:
            place = next(ways[-1], None)
            if place is None:
                ways.pop()
                continue
            if place.known == whole:
                return Verdict(place.order(), steps)
            name = (place.known, place.unknown & self._alive(place.horizon), place.state)
            if name in self._seen:
                continue
            self._seen.add(name)
            steps += 1
            if steps > self.budget:
                return Verdict(None, steps, True, self._explain(best))
            if place.known.bit_count() > best.known.bit_count():
                best = place
            ways.append(self._ways_on(place))
        return Verdict(None, steps, explanation=self._explain(best))

    def _ways_on(self, place: _Place) -> Iterator[_Place]:
        """What can be next, the likeliest first."""
        candidates, bound = self._next_known(place)
        first_end = min(
            (call.returned for _, call in self._next_unknown(place, bound)), default=inf
        )
        ways: list[tuple[int, float, _Place]] = []
        for bit, call in candidates:
            done = self._done(place, call, known=bit)
            if done is None:
                continue
            if done.state == place.state and call.invoked <= first_end:
                yield done
                return
            ways.append((0, call.invoked, done))
        for bit, call in self._next_unknown(place, bound):
            done = self._done(place, call, unknown=bit)
            if done is not None:
                unlikeliness = self._unlikeliness(call, place.state)
                if self.unknown_first and unlikeliness < 2:
                    unlikeliness = -1
                ways.append((unlikeliness, call.invoked, done))
        ways.sort(key=itemgetter(0, 1))
        for _, _, done in ways:
            yield done

    def _done(
        self, place: _Place, call: Recorded, *, known: int = 0, unknown: int = 0
    ) -> _Place | None:
        """Where the search is after this call; `None` if it does not fit here."""
        state = call.after(place.state)
        if state is None:
            return None
        horizon = max(place.horizon, call.invoked)
        return _Place(place.known | known, place.unknown | unknown, state, horizon, (place, call))

    def _next_known(self, place: _Place) -> tuple[list[tuple[int, Recorded]], float]:
        """The calls that none without a place has preceded, and until when those were invoked."""
        bound = inf
        found: list[tuple[int, Recorded]] = []
        first = (~place.known & (place.known + 1)).bit_length() - 1
        for number in range(first, len(self.known)):
            call = self.known[number]
            if call.invoked > bound:
                break
            if not place.known >> number & 1:
                bound = min(bound, call.returned)
                found.append((1 << number, call))
        found = [(bit, call) for bit, call in found if call.invoked <= bound]
        found.sort(key=lambda candidate: candidate[1].returned)
        return found, bound

    def _next_unknown(self, place: _Place, bound: float) -> Iterator[tuple[int, Recorded]]:
        for number, call in enumerate(self.unknown):
            if call.invoked > bound:
                return
            if not place.unknown >> number & 1 and call.returned >= place.horizon:
                yield 1 << number, call

    def _alive(self, horizon: float) -> int:
        """Bits of the unknown calls that can still have an effect.

        Of the others it is all the same whether they had one.
        """
        return sum(1 << n for n, call in enumerate(self.unknown) if call.returned >= horizon)

    def _unlikeliness(self, call: Recorded, state: State) -> int:
        """0: it is likely next, if nothing was invoked earlier; 1: it may be; 2: it hardly is."""
        seen = self._seen_of(call)
        if not seen:
            return 0 if call.invoked <= self.effective_until.get(call.returned, -inf) else 1
        after = call.after(state)
        numbers = range(state.version + 1, (after.version if after else 0) + 1)
        return 0 if seen.intersection(numbers) else 2

    def _seen_of(self, call: Recorded) -> set[int]:
        return set[int]().union(*(self.sightings.get(mark, ()) for mark in call.call.marks))

    def _explain(self, best: _Place) -> str:
        candidates, _ = self._next_known(best)
        stuck = "\n".join(f"      {call}" for _, call in candidates)
        before = "\n".join(f"      {call}" for call in best.order()[-12:])
        done, of = best.known.bit_count(), len(self.known)
        return (
            f"{done} of {of} calls have a place; then the session is {best.state}; the last were\n"
            f"{before}\n    and none of these fits:\n{stuck}"
        )


def sightings_in(history: Sequence[Recorded]) -> Sightings:
    """Where the texts were seen that the calls wrote."""
    found: defaultdict[str, set[int]] = defaultdict(set)
    for call in history:
        if call.answer is None:
            continue
        for name in ("messages", "log", "records"):
            for seq, *_, value in call.answer.facts.get(name, ()):
                found[value].add(seq)
        for seq, mark in zip(call.answer.facts.get("seqs", ()), call.call.marks, strict=False):
            found[mark].add(seq)
    # What was sent more than once does not say which time it had its effect.
    times = Counter(mark for call in history for mark in call.call.marks)
    return {mark: seqs for mark, seqs in found.items() if times[mark] == 1}
