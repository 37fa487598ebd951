"""Calls of the service, counted: what a method of an adapter costs. Or held, until a test says."""

from threading import Event
from typing import Any

from attrs import define, field

from web.clients.core.call import Call, Reply, Transport


@define
class Counted:
    """Carries calls, and remembers which."""

    inner: Transport
    calls: list[str] = field(factory=list)

    def exchange(self, call: Call) -> Reply:
        self.calls.append(f"{call.method} {call.path.removeprefix('/api/v1')}")
        return self.inner.exchange(call)

    def open(self, call: Call) -> Any:
        raise AssertionError("nothing here reads an answer as it comes")

    def close(self) -> None:
        self.inner.close()

    def taken(self) -> list[str]:
        """The methods of the calls since the last time."""
        methods = [call.split()[0] for call in self.calls]
        self.calls.clear()
        return methods


@define
class Held(Counted):
    """Carries calls once it is open."""

    is_open: Event = field(factory=Event)
    has_come: Event = field(factory=Event)
    """Whether a call waits for that."""

    def __attrs_post_init__(self) -> None:
        self.is_open.set()

    def exchange(self, call: Call) -> Reply:
        if not self.is_open.is_set():
            self.has_come.set()
        self.is_open.wait()
        return super().exchange(call)
