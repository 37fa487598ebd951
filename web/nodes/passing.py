"""One node is asked, and what it says becomes our answer.

A short answer is taken as a whole, so that what is lost in the middle of it is noticed while
something else can still be said. A long one passes in the pieces in which it comes, and as many as
the client takes.
"""

from http import HTTPStatus

from attrs import define, field

from runtime import KiB
from web.call.problems import Refused
from web.call.rendering import begun
from web.call.stream import Streams
from web.http.message import Chunks, Response
from web.nodes.call import Call
from web.nodes.hop import head_of, missing_in, passed_back
from web.nodes.peers import Answer, Cut, Peers

WHOLE = 256 * KiB
"""Bytes of an answer, from which on it passes in pieces: of many at once, each holds so much."""

EVENTS = "text/event-stream"


@define(eq=False)
class Passing:
    """Asks one node at a time, on behalf of clients."""

    peers: Peers
    token: str
    _endless: set[Answer] = field(factory=set, init=False)
    """Streams that pass through."""
    _is_over: bool = field(default=False, init=False)

    async def ask(
        self,
        call: Call,
        address: str,
        session_id: str | None,
        body: bytes | None,
    ) -> Answer:
        """The answer of the node at `address`, because of a session or of the node itself.

        Raises `NotReached`, `Cut`, and `Refused` for what is no request, or where nodes do not have
        the same token.
        """
        length = None if body is None else len(body)
        head = head_of(call.request, address, self.token, session_id, length)
        answer = await self.peers.ask(address, head, body or b"")
        if answer.status == HTTPStatus.FORBIDDEN:  # nothing else is forbidden to a node
            await answer.close()
            raise Refused(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "The nodes of this service do not have the same token: the operator gives all of "
                "them the same --node-token-file",
                (("Retry-After", "5"),),
            )
        return answer

    async def response(self, call: Call, answer: Answer) -> Response | str:
        """What to answer to the client; or the session that the node says is not there.

        Closes `answer`, at the latest when the response is. Raises `Cut`, `Refused`.
        """
        headers = answer.headers
        is_endless = (headers.get("content-type") or "").startswith(EVENTS)
        try:
            if not is_endless and answer.length is not None and answer.length <= WHOLE:
                body: bytes | Chunks = await answer.whole()
            else:
                streams = call.resources.streams if is_endless else None
                body = await begun(self._pieces(answer, streams))
        except BaseException:
            await answer.close()
            raise
        missing = missing_in(answer.status, headers)
        if missing is not None:
            await answer.close()
            return missing
        return Response(answer.status, body, passed_back(answer.fields), is_endless)

    def end_streams(self) -> None:
        """Ends, in order, those that pass through, and lets no other begin."""
        self._is_over = True
        for answer in self._endless:
            answer.cut()

    async def _pieces(self, answer: Answer, streams: Streams | None) -> Chunks:
        try:
            if streams is None:
                yield b""
                while piece := await answer.piece():
                    yield piece
                return
            with streams.one():
                self._endless.add(answer)
                yield b""
                if self._is_over:
                    return
                try:
                    while piece := await answer.piece():
                        yield piece
                except Cut:
                    return  # a client connects again, as when the stream ends with its owner
        finally:
            self._endless.discard(answer)
            await answer.close()
