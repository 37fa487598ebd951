"""ETags: every answer about a session says of which state it is, and every write may ask for one.

Rules:

- The tag covers all of a session but `durable_seq`, which `Durable-Seq` says beside it. So the
  answer to any read can be kept for as long as the tag stays.
- `If-None-Match` on a read compares weakly, `If-Match` on a write strongly, as RFC 9110 has it: a
  weak tag never lets a write pass.
- A write that must not meet a session says `If-None-Match: *`. Other tags in that header mean
  nothing for a write, and are refused: ignoring them would write what was not to be written.
"""

from collections.abc import Callable, Collection

from attrs import frozen
from quart import Request, Response

from runtime import InvalidInput, PreconditionFailed, Reply, Session
from web.body import encoded_response, json_response, rendered


@frozen
class Conditions:
    """What a write expects of the session, as the runtime's calls take it."""

    if_match: str | Collection[str] | None
    if_absent: bool

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
        if self.if_match is not None:
            raise PreconditionFailed(
                f"If-Match: session {session_id} is to be made, and has no state yet", None
            )


def conditions(request: Request) -> Conditions:
    """What the request's `If-Match` and `If-None-Match` say. Raises `InvalidInput`."""
    if_match: str | Collection[str] | None = None
    if "If-Match" in request.headers:
        tags = request.if_match
        # A quoted star is a tag like others, which no state has.
        if_match = "*" if tags.star_tag else tags.as_set() - {"*"}
    if_absent = "If-None-Match" in request.headers
    if if_absent and not request.if_none_match.star_tag:
        raise InvalidInput("If-None-Match: on a write it can only be *")
    return Conditions(if_match, if_absent)


def headers_of(reply: Reply) -> dict[str, str]:
    """What every answer about a session says in its head."""
    return {"ETag": f'"{reply.tag}"', "Durable-Seq": str(reply.durable_seq)}


def unchanged(request: Request, reply: Reply) -> Response | None:
    """The 304 to whoever asks for what is new and knows this state."""
    if "If-None-Match" in request.headers and request.if_none_match.contains_weak(reply.tag):
        return Response(b"", 304, headers_of(reply))
    return None


def answer(request: Request, reply: Reply, render: Callable[[], object]) -> Response:
    """The answer to a read: what `render` makes, unless the caller has that already."""
    known = unchanged(request, reply)
    return json_response(render(), headers=headers_of(reply)) if known is None else known


async def large_answer(
    request: Request, reply: Reply, size: int, render: Callable[[], object]
) -> Response:
    """The same to a read of so many bytes, which are a client's own and may be many."""
    known = unchanged(request, reply)
    if known is not None:
        return known
    return encoded_response(await rendered(size, render), headers=headers_of(reply))
