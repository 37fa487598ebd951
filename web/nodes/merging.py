"""The changes of all nodes in one stream, as one node alone has them.

An event's id is the places among the changes of all nodes, with commas between them. Each node
finds its own there, so a client can go on at any of them. What cannot be known is told with
`reset`, which has an id, too: that a node has come, gone, or begun anew since that place, or that
shards have changed hands.

A stream is a sequence of *rounds*. In a round every node is followed, by a task of its own; it ends
when the roll has changed, or this node's own changes end. What tasks have read and nobody has taken
is dropped then: `reset` has the list read again, which is newer.

While there is a node that cannot be followed, a stream does not begin; and one that has begun ends,
so that nobody takes silence for news. Not at once: if the node has died, that shows within seconds,
and then it is a round without it that begins.
"""

import logging
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from functools import partial
from http import HTTPStatus

import trio
from attrs import define, evolve, field, frozen

from runtime import SECONDS, AgentRuntimeError, Node
from web.call.problems import Refused
from web.call.query import query
from web.call.rendering import begun
from web.call.stream import ALIVE, HEADERS, event, opening
from web.http.failure import names
from web.http.message import Chunks, Headers, Response
from web.nodes.call import Call
from web.nodes.passing import Passing
from web.nodes.peers import Cut, NotReached
from web.nodes.roll import Roll

log = logging.getLogger(__name__)

PATIENCE = 6 * SECONDS
"""For a node that cannot be followed: as for one that is to take a request (see `forwarding`)."""

AGAIN = 0.2 * SECONDS
"""Before a node that could not be followed is asked once more."""

MISSED = event("reset")
IS_ALIVE = event("alive")

_FRAME = re.compile(rb"(?:retry: [0-9]+(?:\n|\Z))?(?:id: ([^\n]+)(?:\n|\Z))?(?:event: (\w+)\n)?")
"""How a frame of a node's stream begins: with its id, and its name."""

_PLACE = re.compile(r"[0-9a-f]+-[0-9]+")


async def merged(passing: Passing, roll: Roll, nursery: trio.Nursery, call: Call) -> Response:
    """The stream. Raises, before it has begun, as this node's own endpoint does."""
    place = call.request.headers.get("last-event-id")
    if not place and call.route.query is not None:
        place = query(call.request, call.route.query).after  # type: ignore[attr-defined]
    stream = Merged(passing, roll, nursery, call)
    return Response(200, await begun(stream.pieces(place or None)), HEADERS, is_endless=True)


HERE = ""
"""Instead of an id, this node."""


@frozen(eq=False)
class News:
    """What a node has told."""

    node: str
    name: str
    """Of the event; of a frame that only says where its stream is, nothing."""
    place: str
    frame: bytes = b""
    """Without the place."""


@frozen(eq=False)
class Merged:
    """One follower of all nodes."""

    _passing: Passing
    _roll: Roll
    _nursery: trio.Nursery
    _call: Call

    async def pieces(self, place: str | None) -> Chunks:
        """The stream from behind a place, or from now on."""
        is_first = True
        while True:
            one = Round(self._passing, self._roll, self._call, place)
            self._nursery.start_soon(one.run)
            try:
                if await one.opens():
                    if is_first:
                        yield b""
                    yield MISSED * (one.has_missed or not is_first) + opening(one.place)
                    is_first, place = False, None
                while (piece := await one.next_piece()) is not None:
                    yield piece
            finally:
                one.end()
            if one.is_over:
                break
        if is_first:
            if one.failure is not None:
                raise one.failure
            # Not a refusal: a browser would not come back.
            yield b""
            yield opening()


@define(eq=False)
class Round:
    """All nodes, each followed by a task, for as long as they are the same ones."""

    _passing: Passing
    _roll: Roll
    _call: Call
    _begin_at: str | None
    """The client's place; `None`: now."""
    has_missed: bool = field(default=False, init=False)
    """Whether there is something before the round's beginning that nobody knows."""
    is_over: bool = field(default=False, init=False)
    """Whether no other round comes: this node's own changes have ended."""
    _places: dict[str, str] = field(factory=dict, init=False)
    """By node; what was told before them."""
    _awaited: set[str] = field(factory=set, init=False)
    """Nodes that are not followed yet."""
    _resetting: set[str] = field(factory=set, init=False)
    """Nodes that have told `reset`, and not yet the place behind it."""
    _are_followed: trio.Event = field(factory=trio.Event, init=False)
    """Set when all are, or none is any more."""
    _is_open: bool = field(default=False, init=False)
    failure: Exception | None = field(default=None, init=False)
    """Why this node's own changes cannot be followed."""
    _running: trio.CancelScope = field(factory=trio.CancelScope, init=False)
    _into: trio.MemorySendChannel[News] = field(init=False)
    _out: trio.MemoryReceiveChannel[News] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._into, self._out = trio.open_memory_channel[News](0)

    @property
    def place(self) -> str:
        """Behind all that was told."""
        return ",".join(sorted(self._places.values()))

    async def run(self) -> None:
        """Follows all nodes. Raises nothing: whoever waits for the news is told."""
        try:
            with self._running, self._into:
                await self._follow_all()
        except Exception as error:
            log.error("Following all nodes failed: %s", names(error))  # noqa: TRY400
            self.is_over = True
        finally:
            self._are_followed.set()

    def end(self) -> None:
        """Nobody wants more of it."""
        self._running.cancel()
        self._out.close()

    async def opens(self) -> bool:
        """Waits until all nodes are followed; whether it has come to that."""
        await self._are_followed.wait()
        self._is_open = not (self._awaited or self._running.cancel_called)
        if self._begin_at is not None:
            known = {_instance(place) for place in self._places.values()}
            self.has_missed |= not known.issuperset(map(_instance, self._begin_at.split(",")))
        return self._is_open

    async def next_piece(self) -> bytes | None:
        """What is told next; `None`: the round is over."""
        piece = b""
        while not piece:
            news = None
            with trio.move_on_after(ALIVE) as waiting:
                try:
                    news = await self._out.receive()
                except trio.EndOfChannel:
                    return None
            piece = IS_ALIVE if waiting.cancelled_caught else self._told(news)
        return piece

    def _told(self, news: "News | None") -> bytes:
        assert news is not None
        self._places[news.node] = news.place
        match news.name:
            case "session":
                return b"id: %s\n%s" % (self.place.encode(), news.frame)
            case "reset":
                return MISSED + opening(self.place)
        return b""

    async def _follow_all(self) -> None:
        changed, others = self._roll.changed, self._roll.others()
        self._awaited = {HERE, *(node.id for node in others)}
        async with trio.open_nursery() as following:
            following.start_soon(self._follow_here)
            for node in others:
                following.start_soon(self._follow, node)
            await changed.wait()
            self._running.cancel()

    async def _follow_here(self) -> None:
        try:
            response = await self._asking(HERE).here()
            body = response.body
            assert isinstance(body, AsyncGenerator)
            async with aclosing(body):
                await self._pass_on(HERE, partial(anext, body, b""))
        except (AgentRuntimeError, Refused) as error:
            self.failure = error
        self.is_over = True
        self._running.cancel()

    async def _follow(self, node: Node) -> None:
        """Again and again: as long as it has a part, it has something to tell."""
        until = trio.current_time() + PATIENCE
        while trio.current_time() < until:
            with suppress(NotReached, Cut, Refused):
                if await self._follow_once(node):
                    until = trio.current_time() + PATIENCE
            await trio.sleep(AGAIN)
        self.is_over = True
        self._running.cancel()

    async def _follow_once(self, node: Node) -> bool:
        """Whether it was followed, until the connection was lost. Raises as asking it does."""
        if node.address is None:
            return False
        answer = await self._passing.ask(self._asking(node.id), node.address, None, None)
        try:
            if answer.status != HTTPStatus.OK:
                return False
            with suppress(Cut):
                await self._pass_on(node.id, answer.piece)
            return True
        finally:
            await answer.close()

    async def _pass_on(self, node: str, receive: Callable[[], Awaitable[bytes]]) -> None:
        """Hands on what a node's stream tells."""
        rest = b""
        self._resetting.discard(node)
        while piece := await receive():
            *frames, rest = (rest + piece).split(b"\n\n")
            for frame in frames:
                news = self._news(node, frame)
                if news is not None:
                    await self._into.send(news)

    def _news(self, node: str, frame: bytes) -> "News | None":
        found = _FRAME.match(frame)
        assert found is not None, "it matches nothing, too"
        place = found[1].decode() if found[1] else None
        name = found[2].decode() if found[2] else ""
        if name == "reset":  # its place stands behind it
            self._resetting.add(node)
        if place is None or not _PLACE.fullmatch(place):  # a stream that begins with `reset`
            return None
        if name == "session":
            return News(node, name, place, b"event: session\n%s\n\n" % frame[found.end() :])
        # Its stream begins here, or begins anew.
        missed = node in self._resetting
        self._resetting.discard(node)
        if self._is_open:
            return News(node, "reset" if missed else "", place)
        self.has_missed |= missed
        self._places[node] = place
        self._awaited.discard(node)
        if not self._awaited:
            self._are_followed.set()
        return None

    def _asking(self, node: str) -> Call:
        """The call as one node is asked: from behind what it has told, or where all begin."""
        request = self._call.request
        headers = [(name, text) for name, text in request.headers if name != "last-event-id"]
        place = self._places.get(node, self._begin_at)
        if place is not None:
            headers.append(("last-event-id", place))
        asked = evolve(request, query="", headers=Headers(headers))
        return evolve(self._call, request=asked)


def _instance(place: str) -> str:
    return place.rpartition("-")[0]
