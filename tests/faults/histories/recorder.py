"""Keeps what clients saw of each session, and what each answer says, in the checker's terms.

What an answer without effect was (a 429, a connection that was refused) is left out, and so is a
read that failed. A write that failed is kept: it is unknown.
"""

from collections import Counter, defaultdict
from collections.abc import Callable
from http.client import HTTPException
from threading import Lock
from time import monotonic
from typing import Any

from attrs import define, field, frozen

from tests.faults.histories.calls import OK, STALE, Call, Facts, Glimpse, Read, Undelete
from tests.faults.histories.recorded import Answer, Recorded

REFUSALS = {400, 404, 409, 412}
"""With these nothing has happened, and the session was such that it could not."""

NO_EFFECT = 429
"""The call was not even looked at."""

UNKNOWN = 503


@frozen(kw_only=True)
class Response:
    """What came back over HTTP."""

    status: int
    etag: str | None
    durable_seq: int | None
    body: Any

    @property
    def tag(self) -> str | None:
        return self.etag.strip('"') if self.etag else None

    @property
    def version(self) -> int:
        return int((self.tag or "0").partition("-")[0])

    @property
    def is_durable(self) -> bool:
        """Whether all of what it shows is on disk."""
        return self.durable_seq is None or self.durable_seq >= self.version


@define
class Recorder:
    """The histories of one chapter, by session. Threads share it."""

    histories: defaultdict[str, list[Recorded]] = field(factory=lambda: defaultdict(list))
    counted: Counter[str] = field(factory=Counter)
    wrong: list[str] = field(factory=list)
    """Answers that no call may get."""
    _open: list[tuple[str, int]] = field(factory=list)
    """Where those without an answer are, of the present process."""
    _writing: Lock = field(factory=Lock)

    def answered(self, session_id: str, call: Call, invoked: float, response: Response) -> None:
        """A response has come."""
        returned = monotonic()
        status = response.status
        if status == NO_EFFECT:
            self._count("refused by a full mailbox")
        elif status == UNKNOWN:
            self.unanswered(session_id, call, invoked)
        elif status in REFUSALS:
            tag = response.tag if status == STALE else None
            answer = Answer(status=status, tag=tag)
            self._keep(session_id, call, invoked, returned, answer, f"refused with {status}")
        elif status in {200, 201, 204}:
            self._succeeded(session_id, call, invoked, returned, response)
        else:
            self.wrong.append(f"{session_id}: {call} was answered {status}: {response.body!r}")

    def unanswered(
        self,
        session_id: str,
        call: Call,
        invoked: float,
        error: OSError | HTTPException | None = None,
    ) -> None:
        """No response has come, or one that says that nothing is known."""
        if isinstance(error, ConnectionRefusedError) or isinstance(call, Read):
            return
        with self._writing:
            self.counted["unknown"] += 1
            history = self.histories[session_id]
            self._open.append((session_id, len(history)))
            history.append(Recorded(call=call, invoked=invoked))

    def died(self, moment: float) -> None:
        """The process is gone: what it has not done by this moment, it never does."""
        for session_id, place in self._open:
            history = self.histories[session_id]
            history[place] = history[place].ending(moment)
        self._open.clear()

    def _succeeded(
        self,
        session_id: str,
        call: Call,
        invoked: float,
        returned: float,
        response: Response,
    ) -> None:
        facts = facts_of(call, response)
        if isinstance(call, Undelete):
            # It is answered with a look at the session that comes after it.
            self._keep(session_id, call, invoked, returned, Answer(status=OK), "undelete")
            call = Read()
            facts = facts_of(call, response)
        if response.is_durable:
            what = f"{call.what} read" if isinstance(call, Read) else type(call).__name__.lower()
            answer = Answer(status=OK, facts=facts, tag=response.tag)
            self._keep(session_id, call, invoked, returned, answer, what)
        elif not isinstance(call, Read):
            self.wrong.append(
                f"{session_id}: {call} was acknowledged with {response.durable_seq} of "
                f"{response.version} entries on disk"
            )
        elif response.durable_seq:
            shown = tuple(m for m in facts.get("messages", ()) if m[0] <= response.durable_seq)
            glimpse = Glimpse(durable=response.durable_seq, shown=shown)
            answer = Answer(status=OK, facts={"stands": True})
            self._keep(session_id, glimpse, invoked, returned, answer, "reads of a failing store")

    def _keep(
        self,
        session_id: str,
        call: Call,
        invoked: float,
        returned: float,
        answer: Answer,
        what: str,
    ) -> None:
        recorded = Recorded(call=call, invoked=invoked, returned=returned, answer=answer)
        with self._writing:
            self.counted[what] += 1
            self.histories[session_id].append(recorded)

    def _count(self, what: str) -> None:
        with self._writing:
            self.counted[what] += 1


def facts_of(call: Call, response: Response) -> Facts:
    """What the body of a success says."""
    body: Any = response.body
    if isinstance(call, Read) and call.what in _READ:
        return _READ[call.what](body)
    said = _WRITTEN.get(type(call).__name__)
    return {} if said is None else said(body)


def _header(body: Any) -> Facts:
    return {
        "version": body["version"],
        "title": body["title"],
        "agent": body["current_agent"],
        "count": body["message_count"],
    }


_READ: dict[str, Callable[[Any], Facts]] = {
    "header": _header,
    "history": lambda body: {
        "contents": tuple(message["content"] for message in body["messages"]),
        "agent": body["current_agent"],
        "count": body["message_count"],
    },
    "messages": lambda body: {
        "messages": tuple(
            (item["seq"], item.get("id"), item["message"]["content"]) for item in body["messages"]
        ),
        "count": body["message_count"],
    },
    "log": lambda body: {"log": tuple(_entry(entry) for entry in body["entries"])},
    "records": lambda body: {
        "records": tuple((one["seq"], one["key"], one["value"]) for one in body["records"])
    },
    "agent": lambda body: {"agent": body["current_agent"]},
}

_WRITTEN: dict[str, Callable[[Any], Facts]] = {
    "Create": lambda body: {"title": body["title"], "version": body["version"]},
    "Append": lambda body: {"seqs": tuple(body["seqs"]), "count": body["message_count"]},
    "Resend": lambda body: {"seqs": tuple(body["seqs"])},
    "Rename": lambda body: {"title": body["title"], "version": body["version"]},
    "Rewind": lambda body: {"version": body["version"], "count": body["message_count"]},
    "Put": lambda body: {"applied": body["applied"]},
}


def _entry(entry: Any) -> tuple[int, str, str | None, str]:
    kind, body = entry["kind"], entry["body"]
    match kind:
        case "message":
            value = body["content"]
        case "switch":
            value = body["to"]
        case "record":
            value = body["value"]
        case "rewind":
            value = str(body["to"])
        case _:
            value = body.get("title") or ""
    return entry["seq"], kind, entry.get("key"), value
