"""The values of a new row, in the order in which its statement in `writing` names the columns."""

from persistence.sqlite import intervals
from runtime import Entry, Header, Settings

Values = tuple[object, ...]


def start(no: int, session_id: str, root: bytes, header: Header) -> Values:
    """Of `session`, when a life begins."""
    return (
        no,
        session_id,
        root,
        header.created_at,
        header.last_activity,
        header.version,
        header.message_count,
        header.current_agent,
        header.switch_count,
        header.last_switch_at,
        header.floor,
    )


def settings(no: int, settings: Settings) -> Values:
    """Of `settings`."""
    origin = settings.forked_from
    return (
        no,
        settings.title,
        settings.archived,
        settings.metadata.decode(),
        None if origin is None else origin.session_id,
        None if origin is None else origin.at,
        intervals.encode(settings.intervals),
    )


def entry(place: int, no: int, entry: Entry) -> Values:
    """Of `entry`; `place` is its rowid."""
    metadata = entry.metadata
    return (
        place,
        no,
        entry.seq,
        entry.kind,
        entry.key,
        entry.at,
        entry.form,
        entry.call,
        entry.chain,
        None if metadata is None else metadata.decode(),
        entry.body.decode(),
    )
