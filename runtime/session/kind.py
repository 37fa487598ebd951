"""What a kind of entries is: how one comes to be, and what follows from those that count.

A kind is one file beside this one, with its commands, and one row in `kinds.py`. Everything else
(the store, deltas, histories of changes, forks, verify) knows entries, and no kinds.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from copy import deepcopy
from typing import TYPE_CHECKING, Any, Self

import msgspec
from attrs import define, evolve, field, frozen

from runtime.errors import InvalidInput
from runtime.session.bodies.encoding import encode, parse
from runtime.session.entries.chain import digest, digest_of
from runtime.session.rules import check_key, check_small_body
from runtime.store.entries import DROPPED, Entry
from runtime.store.stored import Settings

if TYPE_CHECKING:
    from runtime.session.life import Life


REPORT = b'"usage'
"""How the name of a member begins in which a message's metadata may say what was used."""


@frozen
class New:
    """An entry that is to be appended: all of it but its number, time and chain."""

    kind: str
    key: str | None
    body: bytes
    metadata: bytes | None = None
    form: int = 0
    replaced: int = 0
    """Lone surrogates that became U+FFFD in it."""
    digest: bytes = field(init=False)
    """D of the chain, computed where the body is encoded; of one that was dropped, kept."""
    may_report: bool = field(init=False)
    """Whether its metadata may say what was used: looked for there, too, as it may be long."""

    def __attrs_post_init__(self) -> None:
        if self.form & DROPPED:
            content = bytes.fromhex(msgspec.json.decode(self.body)["dropped"])
        else:
            content = digest(self.body, self.metadata, self.form)
        object.__setattr__(self, "digest", content)
        reports = self.metadata is not None and REPORT in self.metadata
        object.__setattr__(self, "may_report", reports)


@frozen
class Searched:
    """What of an entry can be searched."""

    role: str | None
    """A message's; `None`: this is the session's title from now on."""
    text: str


class Fold:
    """What follows from the entries of one kind that count. The default: nothing."""

    __slots__ = ()

    def add(self, entry: Entry) -> None:
        """Takes one more entry in, the newest so far."""

    def lacks(self) -> Collection[int]:
        """The numbers of the entries whose bodies it needs, of those that came without."""
        return ()

    def resume(self, settings: Settings, first: Sequence[Entry]) -> bool:  # noqa: ARG002
        """Takes in what the store keeps of it, and so need not be given the entries of a long log.

        Only of a kind that no rewind takes along. `first` is the log's first entry, if it is of
        this kind. Says whether it did.
        """
        return False

    def copy(self) -> "Fold":
        """One that stays as it is when this one changes."""
        return deepcopy(self)

    def point(self) -> Callable[[], "Fold"]:
        """What gives the fold as it is now, whatever comes until then; until the next point."""
        copy = self.copy()
        return lambda: copy

    def describe(self, header: dict[str, Any]) -> None:
        """Says what of it belongs into a `Header`.

        The folds do so in the order of the kinds, each on top of what stands there already.
        """

    def describe_settings(self, settings: dict[str, Any]) -> None:
        """Says what of it belongs into `Settings`, likewise."""

    def view(self) -> Any:
        """What it holds, as plain JSON values; for whoever asks by the kind's name alone."""
        return None


@define
class Latest(Fold):
    """Of each key, the number of the entry that it has now.

    There may be a hundred thousand: so what a call has changed is put back if it is taken back, and
    nothing is copied before it.
    """

    seqs: dict[str, int] = field(factory=dict)
    _before: dict[str, int | None] | None = field(default=None, init=False, eq=False, repr=False)
    """What the keys had that have changed since the last point; `None`: there was none."""

    def put(self, key: str, seq: int | None) -> None:
        """The key has this entry now; `None`: none."""
        if self._before is not None:
            self._before.setdefault(key, self.seqs.get(key))
        if seq is None:
            self.seqs.pop(key, None)
        else:
            self.seqs[key] = seq

    def copy(self) -> Self:
        return type(self)(self.seqs.copy())

    def point(self) -> Callable[[], Fold]:
        before: dict[str, int | None] = {}
        self._before = before

        def again() -> Fold:
            self._before = None
            for key, seq in before.items():
                self.put(key, seq)
            return self

        return again

    def view(self) -> Any:
        return dict(self.seqs)


class Kind:
    """One kind of entries. A subclass says what differs."""

    name: str
    is_rewound: bool = True
    """Whether a rewind takes its entries along."""
    is_activity: bool = True
    """Whether an entry moves the session's last activity."""
    is_unique: bool = True
    """Whether a key has one effect while its entry counts. (Else each entry is a new value.)"""
    is_inherited: bool = True
    """Whether a fork takes over what follows from its entries. If not, those of before the fork are
    in its log, and mean nothing there."""
    own_calls: str | None = None
    """Which calls alone make its entries, if they cannot be part of a call that appends several."""
    is_report: bool = False
    """Whether an entry says what was used."""
    redactable: tuple[tuple[str, ...], ...] = ()
    """Which values of its bodies may be redacted: patterns of paths, see `pointing`."""
    is_rare: bool = False
    """Whether an entry changes what is in `Settings`."""
    fold: type[Fold] = Fold
    folds_bodies: bool = True
    """Whether the fold looks at bodies. If not, entries that are not in memory come without theirs,
    and nothing is read for them."""

    def read(self, key: str | None, text: bytes) -> tuple[New | None, Any, int]:
        """What `make` makes of a body that is JSON, the body, and its lone surrogates.

        Kinds whose bodies may be as large as a call can be read them in pieces; here they are
        small. Raises `InvalidInput`.
        """
        check_small_body(text, self.name)
        body, replaced = parse(text, "body")
        return self.make(key, body), body, replaced

    def make(self, key: str | None, body: Any) -> New | None:  # noqa: ARG002
        """The entry that a call asks for, if that does not depend on the session; else `None`.

        So large bodies are encoded where they were decoded, in a thread, and never by the actor. A
        kind that makes nothing here has small bodies. Raises `InvalidInput`.
        """
        return None

    def propose(self, life: "Life", key: str | None, body: Any) -> New:  # noqa: ARG002
        """The entry that a call asks for with a body of plain JSON values.

        Raises `InvalidInput`, and `Needs`. Changes nothing.
        """
        new = self.make(key, body)
        assert new is not None, "a kind says either here or in `make` what its entries are"
        return new

    def arrived(self, key: str | None, text: bytes) -> New:
        """An entry of a log that comes from elsewhere: what it was there, from its body as JSON.

        What it says has to be what an entry of this kind can say: nobody looks again. The default
        is for kinds that `make` all of their entries. Raises `InvalidInput`.
        """
        new, _, replaced = self.read(key, text)
        assert new is not None, "a kind says either here or in `make` what its entries are"
        return evolve(new, replaced=replaced) if replaced > new.replaced else new

    def check_place(self, life: "Life", new: New) -> None:
        """Raises `InvalidInput` if an entry that arrived cannot follow on this log.

        That its key is free is looked at for all kinds alike. May raise `Needs`.
        """

    def is_repeat(self, life: "Life", entry: Entry, body: Any) -> bool:
        """Whether a call with this body asked for the entry, when it was first made."""
        return self.propose(life, entry.key, body).digest == digest_of(entry)

    def searched(self, body: bytes) -> Searched | None:  # noqa: ARG002
        """What of an entry with this body can be searched; `None`: nothing."""
        return None


def arrived_as(kind: str, key: str | None, text: bytes, wanted: type[msgspec.Struct]) -> New:
    """An entry whose body must be of this class, and is small. Raises `InvalidInput`."""
    check_small_body(text, kind)
    if key is not None:
        check_key(key, "key")
    body, replaced = parse(text, "body")
    try:
        msgspec.convert(body, wanted)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"{kind}: {error}") from None
    return New(kind, key, encode(body, kind), replaced=replaced)


Kinds = Mapping[str, Kind]
"""By their names."""
