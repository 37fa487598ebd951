"""A session: what its client is told is kept first.

Whatever the inner agent tells goes through here one after the other, so the log has it in the order
in which the client has it.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Any, ParamSpec, TypeVar

from acp.interfaces import Client
from acp.schema import SessionNotification
from attrs import define, field

from web.clients.acp.entries import (
    FRAMEWORK,
    SAID,
    Shape,
    Update,
    chunks_entry,
    notification_of,
    told_again,
)
from web.clients.acp.writing import Text, key_of, left_behind, text_in
from web.clients.calls.shapes import NewEntry
from web.clients.client import AgentRuntimeClient
from web.clients.errors import Conflict
from web.clients.shared.conversation import KINDS

P = ParamSpec("P")
T = TypeVar("T")

LONGEST_TITLE = 512
"""Characters, as the service has it."""


@define(eq=False)
class Session:
    """One that this process serves."""

    id: str
    inner_id: str
    kept: AgentRuntimeClient
    modes: Any = None
    config_options: Any = None
    is_silent: bool = False
    """While the inner agent tells again what the log has."""
    _lock: asyncio.Lock = field(factory=asyncio.Lock)
    """Who keeps and tells: in the order in which they ask for it."""
    _working: Lock = field(factory=Lock)
    """The thread that does it goes on when its task is cancelled."""
    _shape: Shape = field(factory=Shape)
    _text: Text | None = None
    _is_taken_over: bool = False
    """Whether texts that an earlier process left are entries."""

    async def tell(self, client: Client, update: object, meta: Mapping[str, Any]) -> None:
        """Keeps an update, then tells the client."""
        if self.is_silent:
            return
        said = notification_of(self.id, update, meta)["update"]
        async with self._lock:
            await self._in_thread(self._keep, said, meta)
            await client.session_update(session_id=self.id, update=update, **meta)

    async def prompt(self, blocks: Sequence[Any]) -> None:
        """Keeps what the user says."""
        dumped = [
            block.model_dump(mode="json", by_alias=True, exclude_none=True) for block in blocks
        ]
        async with self._lock:
            await self._in_thread(self._prompt, dumped)

    async def pause(self) -> None:
        """Ends the text that is being told, if one is: something that is no update follows."""
        async with self._lock:
            await self._in_thread(self._end)

    async def tell_again(self, client: Client) -> None:
        """Tells all that the client was told, in order, and texts that broke off."""
        async with self._lock:
            # Nothing is told in between: what comes now comes after it.
            for said in await self._in_thread(self._told):
                again = SessionNotification.model_validate({"sessionId": self.id, **said})
                meta = again.field_meta or {}
                await client.session_update(session_id=self.id, update=again.update, **meta)

    async def _in_thread(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        def work() -> T:
            with self._working:
                return call(*args, **kwargs)

        return await asyncio.to_thread(work)

    def _keep(self, update: Update, meta: Mapping[str, Any]) -> None:
        text = text_in(update, meta)
        if text is None:
            self._end()
            self._append(self._shape.entries(update, meta))
            if update["sessionUpdate"] == "session_info_update" and "title" in update:
                self.kept.patch_session(self.id, {"title": update["title"][:LONGEST_TITLE]})
            return
        if self._text is None or not self._text.takes(update):
            self._end()
            self._text = Text.of(self.id, update)
        try:
            self._text.add(self.kept, text)
        except Conflict:
            # Another agent serves this session too, and has made an entry of what there was.
            self._end()
            self._text = Text.of(self.id, update)
            self._text.add(self.kept, text)

    def _end(self) -> None:
        if self._text is not None:
            self._text.end(self.kept)
            self._text = None

    def _prompt(self, blocks: Sequence[Any]) -> None:
        self._end()
        if not self._is_taken_over:
            # Before anything new is said: so they stay in their place.
            for text in self._left():
                text.end(self.kept)
            self._is_taken_over = True
        self._append([chunks_entry(SAID, blocks)])

    def _append(self, entries: Sequence[NewEntry]) -> None:
        FRAMEWORK.append(self.kept, self.id, entries)

    def _left(self) -> list[Text]:
        drafts = self.kept.resume(self.id, last=1)["drafts"]
        return [text for draft in drafts for text in left_behind(self.id, draft)]

    def _told(self) -> list[Update]:
        self._end()
        # First the drafts: a text that ends in between is in the log as well, and told once.
        left = self._left()
        told: list[Update] = []
        keys = set()
        for entry in self.kept.iter_log(
            self.id, kinds=KINDS, key_prefix=FRAMEWORK.prefix, counting=True
        ):
            keys.add(entry.get("key"))
            if (item := FRAMEWORK.whole(self.kept, self.id, entry)) is not None:
                told += told_again(item)
        for text in left:
            if key_of(text) not in keys:
                block = {"type": "text", "text": text.text}
                told.append({"update": {"sessionUpdate": text.kind, "content": block}})
        return told
