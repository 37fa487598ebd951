"""What a write asks for in its head: which state it expects, and not to wait for the disk.

Rules:

- A write that must not meet a session says `If-None-Match: *`. Other tags in that header mean
  nothing for a write, and are refused: ignoring them would write what was not to be written.
- `Turn: n` lets a write pass only while that turn holds. Without it a write is taken, as that of a
  second window.
- `Prefer: respond-async` (RFC 7240) means something only where the service waits for the disk
  otherwise; where it does not, the header changes nothing.
"""

from collections.abc import Collection

from attrs import evolve, frozen

from runtime import InvalidInput, PreconditionFailed, Reply, Session
from web.call.rendering import Fields, json_answer
from web.call.resources import Resources
from web.call.tags import Tags, headers_of
from web.http.message import Headers, Request, Response


@frozen
class Write:
    """How one write is to be made and answered. The first four are as the runtime takes them."""

    durable: bool | None
    """`None`: as the runtime is configured."""
    if_match: str | Collection[str] | None
    if_absent: bool
    turn: int | None
    """The number of the turn that has to hold; `None`: whichever does."""
    headers: Fields

    async def check_present(self, session: Session) -> None:
        """For a call that needs a session: `If-None-Match: *` can only fail.

        Raises `PreconditionFailed`, or `SessionNotFound`.
        """
        if self.if_absent:
            found = await session.summary()
            raise PreconditionFailed(f"Session {session.id} is there already", found.tag)

    def check_absent(self, session_id: str) -> None:
        """For a call that makes a session: `If-Match` can only fail. Raises `PreconditionFailed`.

        With the other header it needs no look: that the session is there is refused anyway.
        """
        if self.turn is not None:
            raise PreconditionFailed(
                f"Turn: session {session_id} is to be made, and nobody has a turn yet", None
            )
        if self.if_match is not None:
            raise PreconditionFailed(
                f"If-Match: session {session_id} is to be made, and has no state yet", None
            )

    def confirmed(self) -> "Write":
        """The same, of a call that waits for the disk whatever is preferred."""
        return evolve(self, durable=None, headers=())

    def status(self, confirmed: int) -> int:
        """202 for a write that is not confirmed, else `confirmed`."""
        return confirmed if self.durable is None else 202

    def answer(self, reply: Reply, body: object, status: int, headers: Fields = ()) -> Response:
        """The answer to this write; the state that the session is in now is in its head."""
        return json_answer(body, status, (*headers_of(reply), *self.headers, *headers))


def written(resources: Resources, request: Request) -> Write:
    """What the request asks for. Raises `InvalidInput`."""
    head = request.headers
    if_match: str | Collection[str] | None = None
    if (sent := head.get("if-match")) is not None:
        tags = Tags.of(sent)
        # A quoted star is a tag, which no state has: the runtime would take it for the other one.
        if_match = "*" if tags.is_star else tags.strong - {"*"}
    absent = head.get("if-none-match")
    if absent is not None and not Tags.of(absent).is_star:
        raise InvalidInput("If-None-Match: on a write it can only be *")
    is_async = _prefers_async(head) and resources.runtime.config.durability == "commit"
    applied = (("Preference-Applied", "respond-async"),) if is_async else ()
    durable = False if is_async else None
    return Write(durable, if_match, absent is not None, _turn(head), applied)


def _turn(head: Headers) -> int | None:
    sent = head.get("turn")
    if sent is None:
        return None
    # As many digits as a number has that JSON says exactly.
    if not (sent.isascii() and sent.isdigit() and len(sent) < 17):
        raise InvalidInput("Turn: must be the number that taking the turn answered")
    return int(sent)


def _prefers_async(head: Headers) -> bool:
    wishes = head.get("prefer")
    if wishes is None:
        return False
    return any(
        wish.partition(";")[0].strip() == "respond-async" for wish in wishes.lower().split(",")
    )
