"""What a disk may hold after a loss of power, from the recorder's log of what was asked of it.

The model, stricter than the file systems in use:

- What was written to a file since its last sync may be there or not, each write and each sector of
  a write by itself.
- A name that was made, changed or taken away since the folder's last sync may be there or not;
  names change in their order.
"""

import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from attrs import define, field, frozen

SECTOR = 512
_HEAD = struct.Struct("=cIQQ")


@frozen
class Operation:
    """One of the log; see `recorder.c` for the letters."""

    kind: str
    name: str
    offset: int = 0
    data: bytes = b""


def read_log(log: Path) -> Iterator[Operation]:
    content = log.read_bytes()
    place = 0
    while place < len(content):
        kind, name_length, offset, length = _HEAD.unpack_from(content, place)
        place += _HEAD.size
        name = content[place : place + name_length].decode()
        place += name_length
        yield Operation(kind.decode(), name, offset, content[place : place + length])
        place += length


Choice = Callable[[Operation], list[tuple[int, bytes]] | None]
"""What of an unsynced write reaches the disk: pieces with their offsets; `None`: nothing at all."""


@define(eq=False)
class Inode:
    """A file's content: what is on the disk for sure, and what was asked for since."""

    synced: bytearray = field(factory=bytearray)
    pending: list[Operation] = field(factory=list)

    def sync(self) -> None:
        self.synced = self.after(everything)
        self.pending.clear()

    def after(self, choice: Choice) -> bytearray:
        """The content if the power fails now, and `choice` says what got through."""
        content = bytearray(self.synced)
        for operation in self.pending:
            pieces = choice(operation)
            if pieces is None:
                continue
            if operation.kind == "T":
                del content[operation.offset :]
                content.extend(bytes(operation.offset - len(content)))
            for offset, data in pieces:
                content.extend(bytes(max(0, offset - len(content))))
                content[offset : offset + len(data)] = data
        return content


def everything(operation: Operation) -> list[tuple[int, bytes]]:
    return [(operation.offset, operation.data)] if operation.kind == "W" else []


def nothing(_: Operation) -> None:
    return None


def some(random: Random) -> Choice:
    """Of the writes a half, and of some of these only some sectors."""

    def choose(operation: Operation) -> list[tuple[int, bytes]] | None:
        fate = random.random()
        if fate < 0.3:
            return None
        if fate < 0.6:
            return everything(operation)
        return [piece for piece in _sectors(operation) if random.random() < 0.5]

    return choose


def _sectors(operation: Operation) -> Iterator[tuple[int, bytes]]:
    at, data = operation.offset, operation.data
    while data:
        length = SECTOR - at % SECTOR
        yield at, data[:length]
        at, data = at + length, data[length:]


@define(eq=False)
class Disk:
    """A folder: names, the files that they stand for, and the changes that are not synced."""

    names: dict[str, Inode] = field(factory=dict)
    """As a running program sees them."""
    _synced: dict[str, Inode] = field(factory=dict)
    _pending: list[tuple[str, Inode | None]] = field(factory=list)
    """Changes since the folder's last sync: the name stands for this file, or for none."""

    @classmethod
    def of(cls, folder: Path) -> "Disk":
        """Everything there is on the disk."""
        disk = cls()
        for place in folder.iterdir():
            disk.names[place.name] = Inode(bytearray(place.read_bytes()))
        disk._synced = dict(disk.names)
        return disk

    def do(self, operation: Operation) -> None:
        match operation.kind:
            case "C" if operation.name in self.names:
                self.names[operation.name].pending.append(Operation("T", operation.name))
            case "C":
                self._change(operation.name, Inode())
            case "W" | "T":
                self.names[operation.name].pending.append(operation)
            case "S" if operation.name in self.names:
                self.names[operation.name].sync()
            case "S":
                for name, inode in self._pending:
                    _set(self._synced, name, inode)
                self._pending.clear()
            case "R":
                inode = self.names[operation.name]
                self._change(operation.data.decode(), inode)
                self._change(operation.name, None)
            case "L":
                self._change(operation.data.decode(), self.names[operation.name])
            case "U":
                self._change(operation.name, None)

    @property
    def uncertain(self) -> bool:
        """Whether a loss of power could take anything now."""
        return bool(self._pending) or any(inode.pending for inode in self.names.values())

    def after(self, choice: Choice, names: float) -> dict[str, bytes]:
        """What a restart finds, by name; of the last changes of names this share got through."""
        found = dict(self._synced)
        for name, inode in self._pending[: round(names * len(self._pending))]:
            _set(found, name, inode)
        return {name: bytes(inode.after(choice)) for name, inode in found.items()}

    def _change(self, name: str, inode: Inode | None) -> None:
        _set(self.names, name, inode)
        self._pending.append((name, inode))


def _set(names: dict[str, Inode], name: str, inode: Inode | None) -> None:
    if inode is None:
        names.pop(name, None)
    else:
        names[name] = inode
