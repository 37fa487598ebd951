"""AgentRuntimeSessionService: ADK's sessions in a service's log."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from time import time
from typing import Any, Self
from uuid import uuid4
from weakref import WeakValueDictionary

from google.adk.errors import StaleSessionError
from google.adk.events.event import Event
from google.adk.sessions import BaseSessionService, Session
from google.adk.sessions.base_session_service import GetSessionConfig, ListSessionsResponse
from pydantic import PrivateAttr

from web.clients.client import AgentRuntimeClient
from web.clients.core.call import Transport
from web.clients.errors import NotFound
from web.clients.google_adk import stored
from web.clients.google_adk.places import Place, listed_places
from web.clients.shared.waiting import in_thread, to_the_end


class _Session(Session):
    """A session that was read here, and the number of the mark that it had."""

    _seen: int = PrivateAttr(default=0)


class AgentRuntimeSessionService(BaseSessionService):
    """Google ADK's `BaseSessionService` over a service, or over a runtime in this process.

    Calls: `create_session` 4, `get_session` 4 (and 1 for each 1,000 events beyond the first),
    `append_event` 1, `list_sessions` 1 for each 1,000 and at least 2 or 3, `delete_session` 1,
    `get_user_state` 1. A change of `app:` or `user:` state is 1 more each. It is written after the
    event, into a session of its own: the two are not one transaction.

    Raises beside ADK's own errors `web.clients.errors.ServiceUnreachable` and `AccessRefused`.
    """

    def __init__(
        self, url: str | None = None, *, token: str | None = None, runtime: Transport | None = None
    ) -> None:
        """As `AgentRuntimeClient` takes them."""
        self._client = AgentRuntimeClient(url, token=token, runtime=runtime)
        # One append at a time for each session and event loop: parallel branches of an agent share
        # one session object, and the second must find the number that the first one left there.
        self._turns: WeakValueDictionary[tuple[int, str], asyncio.Lock] = WeakValueDictionary()

    async def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def create_session(
        self,
        *,
        app_name: str,
        user_id: str,
        state: dict[str, Any] | None = None,
        session_id: str | None = None,
    ) -> Session:
        """Makes a session; without an id, under a new one.

        Raises `AlreadyExistsError`, and `InputValidationError` for a state that nobody can keep.
        """
        place = Place(app_name, user_id, session_id or str(uuid4()))
        kept = await in_thread(lambda: stored.created(self._client, place, state or {}, time()))
        return _session(place, kept)

    async def get_session(
        self,
        *,
        app_name: str,
        user_id: str,
        session_id: str,
        config: GetSessionConfig | None = None,
    ) -> Session | None:
        """A session with its state and its events, or the newest of them as `config` says."""
        if not session_id:
            return None
        place = Place(app_name, user_id, session_id)
        wanted = config or GetSessionConfig()
        kept = await in_thread(lambda: stored.found(self._client, place, wanted))
        return None if kept is None else _session(place, kept)

    async def list_sessions(
        self, *, app_name: str, user_id: str | None = None
    ) -> ListSessionsResponse:
        """The sessions of a user, or of all users, the last one changed last.

        Without events and states, as ADK's base class has it.
        """
        return ListSessionsResponse(sessions=await in_thread(lambda: self._list(app_name, user_id)))

    async def delete_session(self, *, app_name: str, user_id: str, session_id: str) -> None:
        """Puts a session into the service's trash. What app and user share stays."""
        if session_id:
            place = Place(app_name, user_id, session_id)
            await in_thread(lambda: self._delete(place.session_id))

    async def get_user_state(self, *, app_name: str, user_id: str) -> dict[str, Any]:
        """What all sessions of a user share, without `user:` before the keys."""
        return await in_thread(
            lambda: stored.user_state(self._client, Place(app_name, user_id, ""))
        )

    async def append_event(self, session: Session, event: Event) -> Event:
        """Appends an event, also to the session that is given. A partial one is not kept.

        The same event again has no effect. Raises `StaleSessionError` (a `ValueError`): somebody
        else has appended since the session was read; `SessionNotFoundError`; `AlreadyExistsError`:
        another event has its id; `InputValidationError`: the service does not take it, and says
        why. In all these cases the session is as it was.
        """
        if event.partial:
            return event
        # Who is cancelled has the event in the session too, if it was written.
        return await to_the_end(self._append_whole(session, event))

    async def _append_whole(self, session: Session, event: Event) -> Event:
        place = Place(session.app_name, session.user_id, session.id)
        here = (id(asyncio.get_running_loop()), place.session_id)
        async with self._turns.setdefault(here, asyncio.Lock()):
            seen = session._seen if isinstance(session, _Session) else None
            written = await in_thread(lambda: self._append(place, session, event, seen))
            if isinstance(session, _Session):
                session._seen = max(session._seen, written["seqs"][-1])
            if not written["applied"] and any(known.id == event.id for known in session.events):
                return event
            session.last_update_time = event.timestamp
            return await super().append_event(session, event)

    def _append(
        self, place: Place, session: Session, event: Event, seen: int | None
    ) -> Mapping[str, Any]:
        if seen is None:
            # Somebody made this object without us: only its time tells how old it is.
            mark = stored.mark_of(self._client, place)
            if mark is not None and mark["value"] > session.last_update_time:
                raise StaleSessionError(
                    "The session has been modified in storage after the last_update_time of this "
                    "one. Please reload the session before appending more events."
                )
            seen = 0 if mark is None else mark["seq"]
        return stored.appended(self._client, place, event, seen)

    def _list(self, app: str, user: str | None) -> list[Session]:
        listed = [
            Session(
                app_name=place.app,
                user_id=place.user,
                id=place.id,
                last_update_time=datetime.fromisoformat(found["last_activity"]).timestamp(),
            )
            for place, found in listed_places(self._client, app, user)
        ]
        return sorted(listed, key=lambda one: (one.last_update_time, one.user_id, one.id))

    def _delete(self, session_id: str) -> None:
        try:
            self._client.delete_session(session_id)
        except NotFound:
            return


def _session(place: Place, kept: stored.Kept) -> Session:
    session = _Session(
        app_name=place.app,
        user_id=place.user,
        id=place.id,
        state=kept.state,
        events=kept.events,
        last_update_time=kept.changed,
    )
    session._seen = kept.seen
    return session
