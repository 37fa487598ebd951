"""Calls of the service, counted: what a method of an adapter costs."""

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
