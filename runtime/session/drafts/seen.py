"""What of a session's drafts a reader has been given, and what comes next.

Rules:

- Nothing is kept for a reader but how far it has come in each part: drafts only grow, so what it
  has not been given is in them.
- News whose offset is 0 begin a draft, or begin it anew: then all that the reader had of it is
  void. So a draft that was dropped and begun again, or that came back from the store, needs no
  word of its own.
- What ended is said once, whether its message is there or it was dropped. Who is given the log as
  well is given that first: so a message is there before its draft goes.
"""

from collections.abc import Iterator

from attrs import define, field, frozen

from runtime.config import KiB
from runtime.session.drafts.draft import Draft, Drafts

AT_ONCE = 64 * KiB
"""Characters that a reader is given at a time, about: a long draft does not become one event."""


@frozen(kw_only=True)
class DraftNews:
    """What a reader is told of a draft."""

    message_id: str
    role: str = ""
    part: str | None = None
    """Which part has grown; `None`: none has, only the other members are new."""
    offset: int = 0
    """Characters of this draft that the reader has been given before."""
    text: str = ""
    interrupted: bool = False
    dropped: bool = False
    """It is no more; nothing else is said then."""


@define
class _Given:
    draft: Draft
    interrupted: bool
    offset: int = 0
    parts: dict[str, int] = field(factory=dict)


@define(eq=False)
class Seen:
    """How far one reader has come."""

    _given: dict[str, _Given] = field(factory=dict)

    def news(
        self, drafts: Drafts | None, now: float, room: int = AT_ONCE, *, ended: bool = True
    ) -> list[DraftNews]:
        """What is new, to so many characters; they count as given. `None`: there is no session.

        `ended`: whether to tell of those that are no more, or later. Never yields: drafts change
        with every command. Empty: there is nothing new.
        """
        found: list[DraftNews] = []
        if ended:
            for key in [key for key in self._given if drafts is None or key not in drafts]:
                del self._given[key]
                found.append(DraftNews(message_id=key, dropped=True))
        for key, draft in drafts.items() if drafts is not None else ():
            for news in self._of(key, draft, now, room):
                found.append(news)
                room -= len(news.text)
            if room <= 0:
                break
        return found

    def _of(self, key: str, draft: Draft, now: float, room: int) -> Iterator[DraftNews]:
        interrupted = draft.is_interrupted(now)
        given = self._given.get(key)
        is_said = given is not None and given.draft is draft and given.interrupted == interrupted
        if given is None or given.draft is not draft:
            given = self._given[key] = _Given(draft, interrupted)
        given.interrupted = interrupted
        if given.offset < draft.offset:
            for part, text in draft.parts.items():
                position = given.parts.get(part, 0)
                more = text.since(position, room)
                if more:
                    yield DraftNews(
                        message_id=key,
                        role=draft.role,
                        part=part,
                        offset=given.offset,
                        text=more,
                        interrupted=interrupted,
                    )
                    is_said = True
                    room -= len(more)
                    given.parts[part] = position + len(more)
                    given.offset += len(more)
        if not is_said:
            yield DraftNews(
                message_id=key, role=draft.role, offset=given.offset, interrupted=interrupted
            )
