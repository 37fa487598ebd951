"""A request's body, read from its connection when, and as far as, somebody asks for it."""

from collections.abc import Awaitable, Callable

from attrs import define, frozen

from web.http.message import ClientGone


@frozen
class NoBody:
    """Of a request that has none."""

    announced: int = 0

    async def receive(self) -> bytes:
        return b""


@define(eq=False)
class ComingBody:
    """What comes behind a head. Once its request is answered, it has ended."""

    announced: int | None
    _pull: Callable[[], Awaitable[bytes]] | None = None
    """The next piece; nothing at the end. Raises `ClientGone`."""

    async def receive(self) -> bytes:
        """The next piece; nothing at the end, and from then on. Raises `ClientGone`."""
        if self._pull is None:
            raise ClientGone("this request was answered, and its body is not read any more")
        return await self._pull()

    def end(self) -> None:
        """Read nothing more, whoever still asks: the next bytes are another request's."""
        self._pull = None


NOTHING = NoBody()
