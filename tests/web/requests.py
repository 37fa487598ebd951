"""Requests without a server."""

from collections.abc import Sequence

from attrs import define, field

from web.http.message import ClientGone, Headers, Request


@define(eq=False)
class Pieces:
    """A body that comes in these pieces; `None`: then the client goes."""

    left: list[bytes | None]
    announced: int | None = None
    asked_for: int = field(default=0, init=False)
    """How often somebody asked for a piece."""

    async def receive(self) -> bytes:
        self.asked_for += 1
        piece = self.left.pop(0) if self.left else b""
        if piece is None:
            raise ClientGone
        return piece


def request(
    method: str,
    target: str,
    *headers: tuple[str, str],
    body: Sequence[bytes | None] = (),
    announced: int | None = None,
) -> Request:
    """The request for a path and, behind a question mark, a query."""
    path, _, query = target.partition("?")
    return Request(
        method=method,
        path=path,
        query=query,
        headers=Headers(headers),
        body=Pieces(list(body), announced),
    )
