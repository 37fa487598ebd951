"""The bytes of all request bodies that are in memory, and how many they may be together.

A body counts from its first byte until its request is answered: it is received, decoded, and waits
for the disk as a write. Small ones do not count, and so are never refused for the large ones' sake:
all that connections can have of them is less than that of a few large ones.
"""

from attrs import define, field
from werkzeug.exceptions import ServiceUnavailable

from runtime import KiB, MiB

SMALL = 64 * KiB
"""Bytes of a body that does not count. Nearly all are smaller."""

RETRY_AFTER = 2
"""Seconds after which a refused client is to ask again: the densest body is decoded in a few."""


@define(eq=False)
class Bodies:
    """The bodies of one service."""

    limit: int
    """Bytes; at least those of the largest body that is taken, so that one always fits."""
    held: int = field(default=0, init=False)

    def check(self, size: int) -> None:
        """Raises `ServiceUnavailable` if there is no room for so many bytes more."""
        if self.held + size > self.limit:
            raise ServiceUnavailable(
                f"The bodies of the requests in flight have {self.held} bytes, and the limit is "
                f"{self.limit} ({self.limit // MiB} MiB, --bodies-limit-mib): send it again later",
                retry_after=RETRY_AFTER,
            )


@define(eq=False)
class Share:
    """What one body has of it."""

    bodies: Bodies
    _size: int = field(default=0, init=False)

    def announce(self, size: int) -> None:
        """Refuses a body that has no room now, before any of it is read.

        Takes nothing yet: who announces much and sends little is not to keep others out. Raises
        `ServiceUnavailable`.
        """
        if size > SMALL:
            self.bodies.check(size)

    def grow(self, size: int) -> None:
        """The body has so many bytes by now. Raises `ServiceUnavailable`."""
        if size > SMALL:
            self.bodies.check(size - self._size)
            self.bodies.held += size - self._size
            self._size = size

    def give_back(self) -> None:
        """The body is no longer in memory; said twice, it is the same."""
        self.bodies.held -= self._size
        self._size = 0
