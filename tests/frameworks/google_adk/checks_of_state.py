"""What ADK's documents promise of `state`: its prefixes, its deltas, its values."""

from typing import Any

from google.adk.sessions import BaseSessionService, Session

from tests.frameworks.google_adk.made import changed, read, said


async def _made(
    sessions: BaseSessionService, app: str, user: str = "ann", name: str = "1", **state: Any
) -> Session:
    first = {key.replace("__", ":"): value for key, value in state.items()}
    return await sessions.create_session(app_name=app, user_id=user, session_id=name, state=first)


async def check_a_session_begins_with_its_state(sessions: BaseSessionService, app: str) -> None:
    made = await _made(sessions, app, mood="good", app__theme="dark", user__name="Ann")
    wanted = {"mood": "good", "app:theme": "dark", "user:name": "Ann"}
    assert made.state == wanted
    assert (await read(sessions, made)).state == wanted


async def check_a_delta_is_merged_into_the_state(sessions: BaseSessionService, app: str) -> None:
    made = await _made(sessions, app, mood="good", place="here")
    await sessions.append_event(made, changed(mood="bad", hour=3))
    wanted = {"mood": "bad", "place": "here", "hour": 3}
    assert made.state == wanted
    assert (await read(sessions, made)).state == wanted


async def check_a_delta_replaces_what_is_within_a_value(
    sessions: BaseSessionService, app: str
) -> None:
    made = await _made(sessions, app, user__who={"name": "Ann", "age": 30})
    await sessions.append_event(made, changed(user__who={"name": "Anna"}))
    assert (await read(sessions, made)).state == {"user:who": {"name": "Anna"}}


async def check_none_is_a_value(sessions: BaseSessionService, app: str) -> None:
    made = await _made(sessions, app, mood="good", app__theme="dark")
    await sessions.append_event(made, changed(mood=None, app__theme=None))
    assert (await read(sessions, made)).state == {"mood": None, "app:theme": None}


async def check_all_users_share_what_is_the_apps(sessions: BaseSessionService, app: str) -> None:
    anns = await _made(sessions, app, "ann")
    bobs = await _made(sessions, app, "bob")
    await sessions.append_event(anns, changed(app__theme="dark"))
    assert (await read(sessions, bobs)).state == {"app:theme": "dark"}


async def check_a_users_sessions_share_what_is_the_users(
    sessions: BaseSessionService, app: str
) -> None:
    first = await _made(sessions, app, name="1")
    second = await _made(sessions, app, name="2")
    await sessions.append_event(first, changed(user__name="Ann"))
    assert (await read(sessions, second)).state == {"user:name": "Ann"}


async def check_a_new_session_begins_with_what_is_shared(
    sessions: BaseSessionService, app: str
) -> None:
    first = await _made(sessions, app, name="1", own=1)
    await sessions.append_event(first, changed(user__name="Ann", app__theme="dark"))
    second = await _made(sessions, app, name="2")
    assert second.state == {"user:name": "Ann", "app:theme": "dark"}


async def check_other_users_do_not_see_what_is_the_users(
    sessions: BaseSessionService, app: str
) -> None:
    await _made(sessions, app, "ann", user__name="Ann")
    assert (await _made(sessions, app, "bob")).state == {}


async def check_other_apps_do_not_see_what_is_shared(
    sessions: BaseSessionService, app: str
) -> None:
    await _made(sessions, app, user__name="Ann", app__theme="dark")
    assert (await _made(sessions, f"{app}2")).state == {}


async def check_other_sessions_do_not_see_what_is_a_sessions(
    sessions: BaseSessionService, app: str
) -> None:
    await _made(sessions, app, name="1", mood="good")
    assert (await _made(sessions, app, name="2")).state == {}


async def check_what_is_shared_outlives_the_session(sessions: BaseSessionService, app: str) -> None:
    await _made(sessions, app, name="1", user__name="Ann", app__theme="dark")
    await sessions.delete_session(app_name=app, user_id="ann", session_id="1")
    assert (await _made(sessions, app, name="2")).state == {
        "user:name": "Ann",
        "app:theme": "dark",
    }


async def check_two_writers_of_different_shared_keys_keep_both(
    sessions: BaseSessionService, app: str
) -> None:
    anns, bobs = await _made(sessions, app, "ann"), await _made(sessions, app, "bob")
    await sessions.append_event(anns, changed(app__theme="dark"))
    await sessions.append_event(bobs, changed(app__size="large"))
    assert (await read(sessions, anns)).state == {"app:theme": "dark", "app:size": "large"}


async def check_temp_is_seen_for_as_long_as_the_object_lives(
    sessions: BaseSessionService, app: str
) -> None:
    made = await _made(sessions, app)
    await sessions.append_event(made, changed(temp__draft="x", mood="good"))
    assert made.state == {"temp:draft": "x", "mood": "good"}
    assert (await read(sessions, made)).state == {"mood": "good"}


async def check_temp_is_in_no_stored_event(sessions: BaseSessionService, app: str) -> None:
    made = await _made(sessions, app)
    event = await sessions.append_event(made, changed(temp__draft="x", mood="good"))
    assert event.actions.state_delta == {"mood": "good"}
    [found] = (await read(sessions, made)).events
    assert found.actions.state_delta == {"mood": "good"}


async def check_temp_at_the_beginning_is_not_kept(sessions: BaseSessionService, app: str) -> None:
    made = await _made(sessions, app, temp__draft="x")
    assert (await read(sessions, made)).state == {}


async def check_values_come_back_as_they_were(sessions: BaseSessionService, app: str) -> None:
    values = {
        "text": "ü 😀 \u2028 \\",
        "large": 2**70,
        "precise": 0.1 + 0.2,
        "tiny": 5e-324,
        "yes": True,
        "nothing": None,
        "nested": [{"a": []}, {}, [None]],
        "": "a key without a letter",
    }
    made = await sessions.create_session(
        app_name=app, user_id="ann", session_id="1", state=dict(values)
    )
    assert (await read(sessions, made)).state == values


async def check_values_of_a_delta_come_back_as_they_were(
    sessions: BaseSessionService, app: str
) -> None:
    made = await _made(sessions, app)
    values = {"large": 2**70, "app:precise": 0.1 + 0.2, "user:yes": True, "text": "😀"}
    event = said("so it is")
    event.actions.state_delta.update(values)
    await sessions.append_event(made, event)
    assert (await read(sessions, made)).state == values


async def check_what_becomes_of_a_state_that_was_read_is_not_kept(
    sessions: BaseSessionService, app: str
) -> None:
    made = await _made(sessions, app, mood={"now": "good"}, app__theme={"now": "dark"})
    found = await read(sessions, made)
    found.state["mood"]["now"] = "bad"
    found.state["app:theme"]["now"] = "light"
    assert (await read(sessions, made)).state == {
        "mood": {"now": "good"},
        "app:theme": {"now": "dark"},
    }


async def check_a_users_state_is_read_without_a_session(
    sessions: BaseSessionService, app: str
) -> None:
    await _made(sessions, app, user__name="Ann", app__theme="dark", mood="good")
    assert await sessions.get_user_state(app_name=app, user_id="ann") == {"name": "Ann"}


async def check_nobodys_state_is_empty(sessions: BaseSessionService, app: str) -> None:
    assert await sessions.get_user_state(app_name=app, user_id="nobody") == {}
