"""A message on its way into a context: as it was sent, and its shape."""

from attrs import define, field

from runtime.session.context.editing import parts_of
from runtime.session.context.shape import Shape


@define(eq=False)
class Told:
    """One message."""

    text: bytes
    """As it was sent, JSON."""
    shape: Shape
    place: int
    """Lower ones came later: messages are taken the newest first."""
    _parts: list[bytes] | None = field(default=None, init=False)

    @property
    def parts(self) -> list[bytes]:
        """Its parts, as JSON; they are cut out when somebody first asks."""
        if self._parts is None:
            self._parts = parts_of(self.text, self.shape.where)
        return self._parts

    @property
    def rest(self) -> list[bytes]:
        """Those that are no results."""
        results = {result.part for result in self.shape.results}
        return [part for place, part in enumerate(self.parts) if place not in results]
