"""Who may hurt the cluster at the same time: many who do not disturb each other, or one alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition

from attrs import define, field


@define
class Turnstile:
    """Many together, or one alone; who wants to be alone is let in before others who come."""

    _inside: int = 0
    _waiting: int = 0
    _is_alone: bool = False
    _changed: Condition = field(factory=Condition)

    @property
    def is_awaited(self) -> bool:
        """Whether somebody waits to be alone."""
        return self._waiting > 0

    @contextmanager
    def together(self) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: not self._waiting and not self._is_alone)
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        with self._changed:
            self._waiting += 1
            self._changed.wait_for(lambda: not self._inside and not self._is_alone)
            self._waiting -= 1
            self._is_alone = True
        try:
            yield
        finally:
            with self._changed:
                self._is_alone = False
                self._changed.notify_all()
