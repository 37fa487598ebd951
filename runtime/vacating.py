"""Shards are emptied: what has sessions of them in memory comes to its end, with all on disk.

It begins when the shards have been let go of: from then on no command is taken for their sessions,
and no errand begins, so what is found is all that there will be.

- Whatever is in a mailbox is answered. Who waits for room in one is turned away.
- A session leaves memory when all of it is on disk, drafts too. Not before: if the store does not
  take it, the shard stays here, and the session goes on as it was.
"""

from collections.abc import Collection, Mapping
from contextlib import suppress

import trio
from attrs import frozen

from runtime.actors.directory import Directory
from runtime.actors.mailbox import Command
from runtime.errors import AgentRuntimeError, StoreUnavailable
from runtime.ownership import shard_of
from runtime.saving.persister import Persister

AT_ONCE = 500
"""Sessions whose shards are computed between two checkpoints: well under a millisecond."""


@frozen(eq=False)
class Vacating:
    """The sessions in memory, by shard."""

    _directory: Directory
    _persister: Persister

    def rejected(self) -> set[int]:
        """The shards of the sessions that the store rejects."""
        return {shard_of(name) for name, is_rejected in self._persister.unwritten() if is_rejected}

    async def sessions_of(self, shards: Collection[int]) -> Mapping[int, Collection[str]]:
        """The sessions of these shards that are in memory, or wait for the store."""
        found: dict[int, set[str]] = {}
        names = [*self._directory.active(), *(name for name, _ in self._persister.unwritten())]
        for start in range(0, len(names), AT_ONCE):
            for name in names[start : start + AT_ONCE]:
                if (shard := shard_of(name)) in shards:
                    found.setdefault(shard, set()).add(name)
            await trio.lowlevel.checkpoint()
        return found

    async def vacate(self, session_ids: Collection[str]) -> None:
        """Returns when none of these sessions is in memory, and all that they were is on disk.

        Raises `StoreError` if the store does not take that.
        """
        lasts: list[Command[None]] = []
        for name in session_ids:
            actor = self._directory.present(name)
            if actor is None or self._directory.passivate(actor):
                continue
            actor.turn_away()
            # Behind whatever is in the mailbox: when this is answered, so is all of that, or it
            # waits for the store.
            last = Command(lambda _: None)
            with suppress(trio.ClosedResourceError):  # its activation has failed
                await actor.mail(last)
                lasts.append(last)
        for last in lasts:
            with suppress(AgentRuntimeError):  # the same
                await last.wait()
        await self._persister.wait_all_settled(session_ids)
        for name in session_ids:
            actor = self._directory.present(name)
            if actor is not None and not self._directory.passivate(actor):
                raise StoreUnavailable(f"Session {name!r} is still in use")
