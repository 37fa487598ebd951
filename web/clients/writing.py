"""A message written piece by piece: others see it grow, and a crash leaves what there was of it.

The pieces are a draft; the message with its id takes the draft's place. A block that ends in an
error leaves the draft, which is marked as interrupted when nobody goes on with it.
"""

from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from attrs import define, field

from web.clients.calls import drafts, messages
from web.clients.calls.drafts import Drafted
from web.clients.calls.messages import Appended
from web.clients.calls.shapes import Message
from web.clients.calls.terms import Terms
from web.clients.core.call import Ask, Steps
from web.clients.errors import Conflict

if TYPE_CHECKING:
    from web.clients.client import AgentRuntimeClient

LONGEST = 64 * 2**10
"""Characters of one call: a quarter of what the service takes."""


@define(eq=False)
class Drafting:
    """What is written, whoever sends it."""

    session_id: str
    message_id: str
    role: str
    terms: Terms
    parts: dict[str, str] = field(factory=dict, init=False)
    offset: int = field(default=0, init=False)
    is_over: bool = field(default=False, init=False)

    def append(self, text: str, part: str) -> Steps[None]:
        for start in range(0, len(text), LONGEST):
            yield from self._append(text[start : start + LONGEST], part)

    def _append(self, text: str, part: str) -> Steps[None]:
        behind = self.offset + len(text)
        try:
            drafted: Drafted = yield drafts.append_draft(
                self.session_id,
                self.message_id,
                text,
                role=self.role,
                part=part,
                offset=self.offset,
                terms=self.terms,
            )
        except Conflict as refusal:
            # It had arrived, and its answer got lost: nobody else writes this message.
            if refusal.problem.get("offset") != behind:
                raise
            self.offset = behind
        else:
            self.offset = drafted["offset"]
        self.parts[part] = self.parts.get(part, "") + text

    def finish(self, message: Mapping[str, Any] | None) -> Steps[Appended]:
        whole: Message = {"role": self.role, **(self.parts if message is None else message)}
        whole.setdefault("content", "")
        appended: Appended = yield messages.append_messages(
            self.session_id, [{**whole, "id": self.message_id}], terms=self.terms
        )
        self.is_over = True
        return appended

    def drop(self) -> Ask[None]:
        self.is_over = True
        return drafts.drop_draft(self.session_id, self.message_id, terms=self.terms)


class Draft:
    """A message that is being written. Used in a `with` block, by one thread at one time."""

    def __init__(
        self,
        client: "AgentRuntimeClient",
        session_id: str,
        message_id: str,
        role: str,
        terms: Terms,
    ) -> None:
        self._client = client
        self._drafting = Drafting(session_id, message_id, role, terms)

    def append(self, text: str, part: str = "content") -> None:
        """Adds to a part. The session must be there. Raises as `append_draft` does."""
        self._client.walk(self._drafting.append(text, part))

    def finish(self, message: Mapping[str, Any] | None = None) -> Appended:
        """Puts the message in the draft's place: with its parts as members, or this one."""
        return self._client.walk(self._drafting.finish(message))

    def drop(self) -> None:
        """Takes it back."""
        self._client.ask(self._drafting.drop())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None and not self._drafting.is_over:
            self.finish()
