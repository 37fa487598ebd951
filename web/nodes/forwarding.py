"""Who is asked, how often, and what is said when nobody answers.

A request is answered here if its session is. If not, its owner is asked; and if that does not
answer, what may be done follows from what may have happened:

- *Nothing was done*: the owner could not be reached, or has not got the session (any more). Then
  whoever owns it next is asked, for as long as `PATIENCE` lasts.
- *Nobody knows*: the owner had the request, and its answer does not come. A read is asked once
  more. Of a write the client is told that its outcome is unknown.

Once more, and not for as long as patience lasts: if it was this request that ended its owner, it
would end one node after the other.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

import trio
from attrs import define

from runtime import SECONDS, NotHere, Ownership, Runtime
from web.call.problems import ASK_AGAIN, UNKNOWN_ELSEWHERE, Refused
from web.http.message import Request, Response
from web.nodes.call import Call
from web.nodes.everywhere import summed
from web.nodes.hop import Hop, hop_of, not_here
from web.nodes.merging import merged
from web.nodes.passing import Passing
from web.nodes.peers import Cut, NotReached, open_peers
from web.nodes.roll import Roll

PATIENCE = 6 * SECONDS
"""For there to be an owner that takes a request. Sessions of a node that has died have another
owner some four seconds later; those that are handed over, within one."""

PAUSE = 0.05 * SECONDS
"""Between two looks at who owns a session: a fifth of the time in which that is learnt."""

RETRY_AFTER = (("Retry-After", "1"),)


@define(eq=False)
class Forwarding:
    """What the dispatch asks, where there are nodes."""

    _ownership: Ownership
    _passing: Passing
    _roll: Roll
    _nursery: trio.Nursery

    def hop(self, request: Request) -> Hop | None:
        """What another node wants; `None`: a client asks. Raises as `hop_of` does."""
        return hop_of(request, self._passing.token)

    async def answer(self, call: Call, hop: Hop | None) -> Response:
        """The answer to a call, by whichever node can give it.

        Raises what this node's endpoint raises, `Refused`, and `NotHere` if nobody owns the session
        for as long as patience lasts.
        """
        if hop is not None:
            return await self._answer_a_node(call, hop)
        match call.route.everywhere:
            case "summed":
                return await summed(self._passing, self._roll, call)
            case "merged":
                return await merged(self._passing, self._roll, self._nursery, call)
        try:
            if call.session_id is not None:
                self._ownership.check(call.session_id)
            return await call.here()
        except NotHere as error:
            missing = error
        return await self._ask_others(call, missing)

    def end_streams(self) -> None:
        """Ends those that pass through. For a service that is to stop."""
        self._passing.end_streams()

    async def _answer_a_node(self, call: Call, hop: Hop) -> Response:
        """A hop is answered here or not at all: passed on, it could go round for ever."""
        try:
            if hop.session_id is not None:
                self._ownership.check(hop.session_id)
            return await call.here()
        except NotHere as error:
            return not_here(error)

    async def _ask_others(self, call: Call, missing: NotHere) -> Response:
        """The answer of whoever owns the session that is missing here, also if that changes."""
        note = call.resources.metrics.note_forward
        left = PATIENCE
        known = {missing.session_id}
        is_lost = False
        while True:
            wanted = missing.session_id
            if missing.address is not None:
                began = trio.current_time()
                try:
                    found = await self._asked(call, missing.address, wanted)
                except NotReached:
                    note("not_reached")
                    left -= trio.current_time() - began
                except Cut:
                    note("cut")
                    if is_lost or not call.is_read:
                        raise _lost(call) from None
                    is_lost = True
                else:
                    if isinstance(found, Response):
                        note("answered")
                        return found
                    note("not_here")
                    wanted = found
            if wanted in known:
                if left <= 0:
                    note("given_up")
                    raise _given_up(missing)
                await trio.sleep(PAUSE)
                left -= PAUSE
            known.add(wanted)
            try:
                self._ownership.check(wanted)
                return await call.here()
            except NotHere as error:
                missing = error

    async def _asked(self, call: Call, address: str, session_id: str) -> Response | str:
        """What the node there answers; or the session that is missing there, too."""
        answer = await self._passing.ask(call, address, session_id, await call.body())
        return await self._passing.response(call, answer)


def _lost(call: Call) -> Refused:
    detail = ASK_AGAIN if call.is_read else UNKNOWN_ELSEWHERE
    return Refused(HTTPStatus.SERVICE_UNAVAILABLE, detail, RETRY_AFTER)


def _given_up(missing: NotHere) -> Exception:
    if missing.address is None:
        return missing
    return Refused(
        HTTPStatus.SERVICE_UNAVAILABLE,
        f"Session {missing.session_id} is owned by the node at {missing.address}, which does not "
        "take the request; nothing of it was done: send it again later",
        RETRY_AFTER,
    )


@asynccontextmanager
async def open_forwarding(runtime: Runtime, token: str) -> AsyncIterator[Forwarding]:
    """What asks the other nodes that share a runtime's store; for `create_app`, and others.

    Nothing of it outlives the block, and no answer may. `token` is what all nodes have, and nobody
    else.
    """

    def addresses() -> set[str]:
        return {
            node.address
            for node in runtime.nodes()
            if node.address is not None and not node.is_self
        }

    async with open_peers(addresses) as peers, trio.open_nursery() as nursery:
        roll = Roll(runtime.nodes)
        nursery.start_soon(roll.watch)
        yield Forwarding(runtime.ownership, Passing(peers, token), roll, nursery)
        nursery.cancel_scope.cancel()
