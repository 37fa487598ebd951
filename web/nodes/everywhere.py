"""All nodes are asked, for what each has a part of."""

from collections import Counter
from http import HTTPStatus

import msgspec
import trio

from runtime import Node
from web.call.problems import Refused
from web.call.rendering import json_answer
from web.http.message import Response
from web.nodes.call import Call
from web.nodes.passing import Passing
from web.nodes.peers import Cut, NotReached
from web.nodes.roll import Roll

_totals = msgspec.json.Decoder(dict[str, int]).decode


async def summed(passing: Passing, roll: Roll, call: Call) -> Response:
    """What all nodes answer, an object of numbers each, as one: number by number the sum.

    For calls that are safe to repeat. Raises what this node's endpoint raises, before others are
    asked; and `Refused` if one of them does not answer, saying what the others have done.
    """
    mine = await call.here()
    assert isinstance(mine.body, bytes)
    body = await call.body()
    totals = Counter(_totals(mine.body))
    silent: list[str] = []

    async def ask(node: Node) -> None:
        try:
            if node.address is None:
                raise NotReached("it has no address")  # noqa: TRY301
            answer = await passing.ask(call, node.address, None, body)
            response = await passing.response(call, answer)
        except (NotReached, Cut, Refused):
            silent.append(node.address or node.id)
            return
        if isinstance(response, Response) and response.status == HTTPStatus.OK:
            assert isinstance(response.body, bytes)
            totals.update(_totals(response.body))
        else:
            silent.append(node.address or node.id)

    async with trio.open_nursery() as nursery:
        for node in roll.others():
            nursery.start_soon(ask, node)
    if silent:
        done = ", ".join(f"{name} {number}" for name, number in totals.items())
        raise Refused(
            HTTPStatus.SERVICE_UNAVAILABLE,
            f"Not all nodes did it: {', '.join(sorted(silent))} did not answer, and of the others "
            f"together it is: {done}. Send it again later: what is done stays done",
            (("Retry-After", "5"),),
        )
    return json_answer(dict(totals))
