"""The bytes of all request bodies that are in memory, and how many they may be together.

A body counts from its first byte until its request is answered: it is received, decoded, and waits
for the disk as a write. Small ones do not count, and so are never refused for the large ones' sake:
all that connections can have of them is less than that of a few large ones.
"""

from http import HTTPStatus

from attrs import define, field

from runtime import KiB, MiB
from web.call.problems import Refused
from web.http.message import Request

SMALL = 64 * KiB
"""Bytes of a body that does not count. Nearly all are smaller."""

RETRY_AFTER = 2
"""Seconds after which a refused client is to ask again: the densest body is decoded in a few."""


@define(eq=False)
class Bodies:
    """The bodies of one service, each known by its request."""

    limit: int
    """Bytes; at least those of the largest body that is taken, so that one always fits."""
    held: int = field(default=0, init=False)
    """The sum of all shares."""
    _shares: dict[int, int] = field(factory=dict, init=False)
    """By the identity of the request, which is the same until its share is given back."""

    def announce(self, size: int) -> None:
        """Refuses a body that has no room now, before any of it is read.

        Takes nothing yet: who announces much and sends little is not to keep others out. Raises
        `Refused`.
        """
        if size > SMALL:
            self._check(size)

    def grow(self, request: Request, size: int) -> None:
        """The request's body has so many bytes by now. Raises `Refused`."""
        if size > SMALL:
            more = size - self._shares.get(id(request), 0)
            self._check(more)
            self._shares[id(request)] = size
            self.held += more

    def give_back(self, request: Request) -> None:
        """The body is no longer in memory; said twice, it is the same."""
        self.held -= self._shares.pop(id(request), 0)

    def _check(self, size: int) -> None:
        if self.held + size > self.limit:
            raise Refused(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"The bodies of the requests in flight have {self.held} bytes, and the limit is "
                f"{self.limit} ({self.limit // MiB} MiB, --bodies-limit-mib): send it again later",
                (("Retry-After", str(RETRY_AFTER)),),
            )
