"""An agent asks before it does something, and a person answers: two programs, here two threads.

The agent holds the session's turn meanwhile, so nobody else writes in between, and a page shows
that it works. Either of them may be killed and started again: what was asked, and what was
answered, is there. Start the service (`agent-runtime serve`), which is found by AGENT_RUNTIME_URL.
"""

import threading
from uuid import uuid4

from web.clients import AgentRuntimeClient

SESSION = f"example-approval-{uuid4().hex[:8]}"
FILES = ["notes.txt", "old.log"]


def agent() -> None:
    """Wants to delete files, and asks for each."""
    with AgentRuntimeClient() as client, client.turn(SESSION, "agent", ttl=60) as turn:
        for name in FILES:
            # Under the same id it is asked once, however often this program is started.
            client.ask_approval(SESSION, f"delete-{name}", f"Delete {name}?", terms=turn.terms)
            answer = client.wait_approval(SESSION, f"delete-{name}", timeout=60)
            done = "deleted" if answer["state"] == "approved" else "left alone"
            message = {"role": "assistant", "content": f"{name} is {done}.", "id": f"done-{name}"}
            client.append_messages(SESSION, [message], terms=turn.terms)


def person() -> None:
    """Looks at what is asked, as a page would, and answers it."""
    with (
        AgentRuntimeClient() as client,
        client.follow_session(SESSION, kinds=["approval"]) as events,
    ):
        for event in events:
            key, title = event.data["key"], event.data["body"]["title"]
            decision = "approved" if "old" in key else "denied"
            client.decide_approval(SESSION, key, decision, by="ann")
            print(f"{title} {decision}")
            if key == f"delete-{FILES[-1]}":
                return


with AgentRuntimeClient() as client:
    client.append_messages(SESSION, [{"role": "user", "content": "Tidy up", "id": "ask"}])
    working = threading.Thread(target=agent)
    working.start()
    person()
    working.join()
    for message in client.history(SESSION)["messages"]:
        print(f"{message['role']}: {message['content']}")
    print(f"The session is {client.get_session(SESSION)['state']}.")
