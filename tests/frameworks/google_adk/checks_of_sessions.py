"""What ADK's documents promise of sessions: made, read, listed, deleted."""

import pytest
from google.adk.errors.already_exists_error import AlreadyExistsError
from google.adk.sessions import BaseSessionService, Session
from google.adk.sessions.base_session_service import GetSessionConfig

from tests.frameworks.google_adk.made import changed, read, said, texts


async def check_a_session_is_what_was_asked_for(sessions: BaseSessionService, app: str) -> None:
    made = await sessions.create_session(app_name=app, user_id="ann", session_id="1")
    assert (made.app_name, made.user_id, made.id, made.events) == (app, "ann", "1", [])
    assert (await read(sessions, made)).id == "1"


async def check_a_session_without_an_id_gets_a_new_one(
    sessions: BaseSessionService, app: str
) -> None:
    first = await sessions.create_session(app_name=app, user_id="ann")
    second = await sessions.create_session(app_name=app, user_id="ann")
    assert first.id
    assert first.id != second.id


async def check_an_id_that_is_taken_is_refused(sessions: BaseSessionService, app: str) -> None:
    made = await sessions.create_session(app_name=app, user_id="ann", session_id="1")
    await sessions.append_event(made, said("hello"))
    with pytest.raises(AlreadyExistsError):
        await sessions.create_session(
            app_name=app, user_id="ann", session_id="1", state={"app:stolen": True}
        )
    found = await read(sessions, made)
    assert texts(found) == ["hello"]
    assert not found.state


async def check_each_user_has_ids_of_their_own(sessions: BaseSessionService, app: str) -> None:
    anns = await sessions.create_session(app_name=app, user_id="ann", session_id="1")
    bobs = await sessions.create_session(app_name=app, user_id="bob", session_id="1")
    await sessions.append_event(anns, said("I am Ann"))
    assert texts(await read(sessions, bobs)) == []


async def check_each_app_has_ids_of_its_own(sessions: BaseSessionService, app: str) -> None:
    await sessions.create_session(app_name=app, user_id="ann", session_id="1")
    await sessions.create_session(app_name=f"{app}2", user_id="ann", session_id="1")


async def check_names_with_any_characters_are_kept_apart(
    sessions: BaseSessionService, app: str
) -> None:
    names = [("a:b", "c"), ("a", "b:c"), ("ü/?%", "~"), ("a b", "..")]
    for user, name in names:
        made = await sessions.create_session(app_name=app, user_id=user, session_id=name)
        await sessions.append_event(made, said(f"{user} {name}"))
    listed = (await sessions.list_sessions(app_name=app)).sessions
    assert {(one.user_id, one.id) for one in listed} == set(names)
    for one in listed:
        assert texts(await read(sessions, one)) == [f"{one.user_id} {one.id}"]


async def check_a_session_that_was_never_made_is_none(
    sessions: BaseSessionService, app: str
) -> None:
    assert await sessions.get_session(app_name=app, user_id="ann", session_id="1") is None


async def check_a_deleted_session_is_none(sessions: BaseSessionService, app: str) -> None:
    made = await sessions.create_session(app_name=app, user_id="ann", session_id="1")
    await sessions.delete_session(app_name=app, user_id="ann", session_id="1")
    assert await sessions.get_session(app_name=app, user_id="ann", session_id=made.id) is None
    assert not (await sessions.list_sessions(app_name=app, user_id="ann")).sessions


async def check_what_is_not_there_can_be_deleted(sessions: BaseSessionService, app: str) -> None:
    await sessions.delete_session(app_name=app, user_id="ann", session_id="1")


async def check_the_id_of_a_deleted_session_is_free(sessions: BaseSessionService, app: str) -> None:
    made = await sessions.create_session(
        app_name=app, user_id="ann", session_id="1", state={"mood": "good"}
    )
    await sessions.append_event(made, said("hello"))
    await sessions.delete_session(app_name=app, user_id="ann", session_id="1")
    again = await sessions.create_session(app_name=app, user_id="ann", session_id="1")
    found = await read(sessions, again)
    assert (found.events, found.state) == ([], {})


async def check_a_user_sees_a_list_of_their_own_sessions(
    sessions: BaseSessionService, app: str
) -> None:
    for user in ("ann", "ann2", "bob"):
        await sessions.create_session(app_name=app, user_id=user, session_id=f"of {user}")
    found = await sessions.list_sessions(app_name=app, user_id="ann")
    assert [one.id for one in found.sessions] == ["of ann"]


async def check_the_list_of_an_app_has_all_users(sessions: BaseSessionService, app: str) -> None:
    for name, user in ((app, "ann"), (app, "bob"), (f"{app}2", "cid")):
        await sessions.create_session(app_name=name, user_id=user, session_id="1")
    found = await sessions.list_sessions(app_name=app)
    assert {one.user_id for one in found.sessions} == {"ann", "bob"}


async def check_an_app_of_which_nobody_knows_has_no_sessions(
    sessions: BaseSessionService, app: str
) -> None:
    assert not (await sessions.list_sessions(app_name=app)).sessions


async def check_a_list_has_no_events(sessions: BaseSessionService, app: str) -> None:
    made = await sessions.create_session(app_name=app, user_id="ann", session_id="1")
    await sessions.append_event(made, said("hello"))
    [found] = (await sessions.list_sessions(app_name=app, user_id="ann")).sessions
    assert found.events == []


async def check_what_only_shares_state_is_in_no_list(
    sessions: BaseSessionService, app: str
) -> None:
    made = await sessions.create_session(
        app_name=app, user_id="ann", session_id="1", state={"app:a": 1, "user:b": 2}
    )
    found = (await sessions.list_sessions(app_name=app)).sessions
    assert [one.id for one in found] == [made.id]


async def check_the_session_that_was_used_last_is_listed_last(
    sessions: BaseSessionService, app: str
) -> None:
    made = [
        await sessions.create_session(app_name=app, user_id="ann", session_id=name)
        for name in ("1", "2", "3")
    ]
    await sessions.append_event(made[0], said("still here"))
    found = (await sessions.list_sessions(app_name=app, user_id="ann")).sessions
    assert [one.id for one in found] == ["2", "3", "1"]


async def _with(sessions: BaseSessionService, app: str, **wanted: float) -> list[str]:
    made = await sessions.create_session(
        app_name=app, user_id="ann", session_id="1", state={"mood": "good"}
    )
    for number in range(1, 6):
        await sessions.append_event(
            made, said(f"{number}", timestamp=made.last_update_time + number)
        )
    after = wanted.get("after")
    last = wanted.get("last")
    found: Session | None = await sessions.get_session(
        app_name=app,
        user_id="ann",
        session_id="1",
        config=GetSessionConfig(
            num_recent_events=None if last is None else int(last),
            after_timestamp=None if after is None else made.events[int(after)].timestamp,
        ),
    )
    assert found is not None
    assert found.state == {"mood": "good"}
    return texts(found)


async def check_recent_events_are_the_last_ones_in_order(
    sessions: BaseSessionService, app: str
) -> None:
    assert await _with(sessions, app, last=2) == ["4", "5"]


async def check_no_recent_events_leave_the_state(sessions: BaseSessionService, app: str) -> None:
    assert await _with(sessions, app, last=0) == []


async def check_more_recent_events_than_there_are_are_all(
    sessions: BaseSessionService, app: str
) -> None:
    assert await _with(sessions, app, last=50) == ["1", "2", "3", "4", "5"]


async def check_events_after_a_time_include_that_time(
    sessions: BaseSessionService, app: str
) -> None:
    assert await _with(sessions, app, after=2) == ["3", "4", "5"]


async def check_recent_events_after_a_time_are_both(sessions: BaseSessionService, app: str) -> None:
    assert await _with(sessions, app, after=2, last=2) == ["4", "5"]


async def check_a_session_read_back_knows_when_it_changed(
    sessions: BaseSessionService, app: str
) -> None:
    made = await sessions.create_session(app_name=app, user_id="ann", session_id="1")
    event = await sessions.append_event(made, changed(mood="good"))
    assert made.last_update_time == event.timestamp
    assert (await read(sessions, made)).last_update_time == event.timestamp
