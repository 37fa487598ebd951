"""The error tree, split by whose fault it is.

::

    AgentRuntimeError
    ├── CallerError             the call is wrong: sent again unchanged, it fails again
    │   ├── InvalidInput            a value that breaks the rules; names the value
    │   ├── SessionNotFound
    │   ├── SessionExists
    │   ├── KeyConflict             an id came back with different content
    │   ├── LogConflict             a log does not go on where the session's ends
    │   ├── BelowFloor              what a rewind or a fork goes back to was dropped
    │   ├── DoesNotFit              the least of a context is more than what was asked for
    │   ├── DraftConflict           a draft is not what the call takes it for
    │   │   └── WrongOffset             it is longer, or shorter
    │   ├── TurnHeld                somebody else holds the session
    │   ├── NoTurn                  nobody holds it
    │   ├── ApprovalNotFound
    │   ├── ApprovalSettled         it was answered already, or it has expired
    │   └── PreconditionFailed      the session is not what the call expects
    │       ├── ExpectationFailed       a record is not
    │       └── TurnLost                the turn of a block is over before the block is
    ├── NotNow                  the call is right, the moment is wrong: send it again later
    │   ├── MailboxFull             one session has more commands than it can take
    │   ├── StoreBehind             too much accepted state is not on disk yet
    │   ├── NotHere                 another process owns the session
    │   └── RuntimeClosed           the runtime is shutting down
    ├── StoreError              the disk's fault: what happened to a write is unknown, not undone
    │   ├── StoreUnavailable        the store fails now; the runtime keeps trying
    │   │   └── SessionDamaged          it works, but one session's rows are no log
    │   ├── DeltaRejected           the store takes everything but this one session
    │   ├── StoreBroken             nothing more can be known or written: the process has to end
    │   │   └── LostOwnership           others have found it dead, and own what it had
    │   └── CannotOpenStore         an operator's error: says what to do next
    │       └── StoreInUse              another process has it
    └── SessionCrashed          our fault: a bug ended the session's actor
"""


class AgentRuntimeError(Exception):
    """Everything that this package raises on purpose."""


class CallerError(AgentRuntimeError):
    """The call is wrong. Sent again unchanged, it fails again."""


class InvalidInput(CallerError):
    """A value breaks the rules; the message names the value and the rule."""


class SessionNotFound(CallerError):
    """No session has this id, in memory or in the store."""

    def __init__(self, session_id: str) -> None:
        super().__init__(f"Session {session_id} not found")
        self.session_id = session_id


class SessionExists(CallerError):
    """A session was to be created under an id that is taken."""

    def __init__(self, session_id: str) -> None:
        super().__init__(f"Session {session_id} already exists")
        self.session_id = session_id


class NotInTrash(CallerError):
    """Nothing of this name is in the trash."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is not in the trash; GET /trash lists what is")


class KeyConflict(CallerError):
    """An id came back with different content. Nothing of the call was applied."""

    def __init__(self, kind: str, key: str, seq: int | None) -> None:
        where = "earlier in the same call" if seq is None else f"as entry {seq}"
        super().__init__(
            f"{kind.capitalize()} id {key!r} is taken: it was sent {where} with different content"
        )
        self.key = key
        self.seq = seq


class LogConflict(CallerError):
    """A log was to be imported that is not the session's own, nor goes on where that ends."""


class BelowFloor(CallerError):
    """What was asked for is below the version down to which superseded records were dropped."""

    def __init__(self, to: int, floor: int) -> None:
        super().__init__(
            f"Version {to} cannot be gone back to: records of before {floor} were dropped by the "
            f"clean-up; the floor is {floor}"
        )
        self.floor = floor


class DoesNotFit(CallerError):
    """A context was asked for within limits that not even the least of it is within."""

    def __init__(self, size: int, count: int) -> None:
        super().__init__(
            f"The context does not fit: the system's messages, a summary, what the user said last "
            f"and the newest step are {size} bytes in {count} messages; ask for as much "
            "(max_bytes, max_messages), or compact the session"
        )
        self.size = size
        """Bytes that are needed at least."""
        self.count = count
        """Messages that are needed at least."""


class DraftConflict(CallerError):
    """A draft is not what the call takes it for: its message is there, or it has another role."""


class WrongOffset(DraftConflict):
    """A delta does not begin where its draft ends. Nothing of it was added."""

    def __init__(self, key: str, begins: int, offset: int) -> None:
        super().__init__(
            f"Draft {key!r} has {offset} characters, and this begins behind {begins}: go on with "
            f"what follows on the first {offset}"
        )
        self.offset = offset
        """How many characters the draft has."""


class TurnHeld(CallerError):
    """A turn was to be taken, and somebody else has one."""

    def __init__(self, session_id: str, holder: str, expires_at: str) -> None:
        super().__init__(
            f"{holder!r} holds session {session_id}, until {expires_at} unless that is renewed: "
            "take a turn when it is over, or ask its holder to stop"
        )
        self.holder = holder
        self.expires_at = expires_at


class NoTurn(CallerError):
    """Nobody holds the session."""

    def __init__(self, session_id: str) -> None:
        super().__init__(f"Nobody holds session {session_id}: no turn was taken, or it is over")


class ApprovalNotFound(CallerError):
    """The session was not asked for an approval of this id."""

    def __init__(self, session_id: str, approval_id: str) -> None:
        super().__init__(f"Session {session_id} has no approval {approval_id!r}")


class ApprovalSettled(CallerError):
    """A decision comes after another one, or too late. Nothing of it was applied."""


class PreconditionFailed(CallerError):
    """The session is not as the call expects it. Nothing of the call was applied."""

    def __init__(self, problem: str, tag: str | None) -> None:
        super().__init__(problem)
        self.tag = tag
        """What names the session's present state; `None` if there is no session."""


class ExpectationFailed(PreconditionFailed):
    """A record is not as the call expects it. Nothing of the call was applied."""

    def __init__(self, key: str, expected: int, seq: int, tag: str | None) -> None:
        present = f"it is entry {seq}" if seq else "there is none"
        wanted = f"entry {expected} was expected" if expected else "none was expected"
        super().__init__(f"Record {key!r}: {wanted}, and {present}", tag)
        self.key = key
        self.seq = seq


class TurnLost(PreconditionFailed):
    """The block that a turn was taken for goes on no more: the turn is over, or somebody else's."""


class NotNow(AgentRuntimeError):
    """The call is right but cannot be taken now; nothing of it was applied.

    `retry_after` is in seconds: the soonest moment at which trying again can help.
    """

    retry_after: float = 1.0


class MailboxFull(NotNow):
    """The session's mailbox has no room, and the caller asked not to wait."""

    def __init__(self, session_id: str, limit: int) -> None:
        super().__init__(
            f"Session {session_id} has too many commands waiting: the limit is {limit} "
            "(mailbox_size); send it again later"
        )
        self.session_id = session_id


class StoreBehind(NotNow):
    """More state is waiting for the store than the configured bound allows."""

    def __init__(self, undurable_bytes: int, limit: int) -> None:
        super().__init__(
            f"{undurable_bytes} bytes wait to be written and the limit is {limit} "
            "(undurable_limit): the store does not take them now; send it again later"
        )


class RuntimeClosed(NotNow):
    """The runtime is shutting down and takes no more commands."""

    def __init__(self) -> None:
        super().__init__("The runtime is shutting down; send it again after the restart")


class NotHere(NotNow):
    """Another process owns the session, or none does at the moment: nothing of the call was done.

    `address` is where its owner is asked, `host:port`; `None`: nobody knows now. Soon somebody
    does.
    """

    def __init__(self, session_id: str, address: str | None) -> None:
        where = "no node owns it at the moment" if address is None else f"{address} owns it"
        super().__init__(f"Session {session_id} is not here: {where}; send it again later")
        self.session_id = session_id
        self.address = address


class StoreError(AgentRuntimeError):
    """The store failed.

    For a write this means *unknown*, not undone: it stays in memory and is tried again.
    Sending it again with the same message ids is safe.
    """

    retry_after: float = 1.0


class StoreUnavailable(StoreError):
    """The store cannot read or write at the moment: locked, full, or not answering."""


DAMAGE_REMEDY = (
    "The operator can run `agent-runtime verify`, which names all that is damaged, "
    "and restore a backup"
)


class SessionDamaged(StoreUnavailable):
    """The rows of one session are no log. The others are still served."""


def damaged(session_id: str, what: object) -> SessionDamaged:
    """What is to be said of a session whose rows are no log."""
    return SessionDamaged(
        f"Session {session_id!r} is damaged and cannot be read: {what}. {DAMAGE_REMEDY}"
    )


class DeltaRejected(StoreError):
    """The store took the batch, but refused what this one session brought to it."""


class StoreBroken(StoreError):
    """The store failed in a way after which its state is unknown: the process must end.

    Only a restart, which reads what really is on disk, tells the truth again.
    """


class LostOwnership(StoreBroken):
    """Other processes that share the store have found this one dead, and own what it had.

    A new start takes part again.
    """


class CannotOpenStore(StoreError):
    """The store was not opened. For the operator: what is wrong, and what to do next."""

    def __init__(self, problem: str, hint: str) -> None:
        super().__init__(f"{problem}\n  {hint}")
        self.problem = problem
        self.hint = hint


class StoreInUse(CannotOpenStore):
    """Another process owns the store; the message names it."""


class SessionCrashed(AgentRuntimeError):
    """A bug ended the session's actor; the log has the traceback.

    Whether the command took effect is unknown. The next command starts the session
    again from the store.
    """

    def __init__(self, session_id: str) -> None:
        super().__init__(f"Session {session_id} failed internally; the log says how")
        self.session_id = session_id
