"""A session's log, to be written as lines: what is fixed when somebody asks."""

from typing import Any

import msgspec
from attrs import frozen

from runtime.session.entries.chain import tag
from runtime.session.entries.tail import Tail
from runtime.session.files.lines import FORMAT, FORMAT_VERSION, Heading
from runtime.session.replies import Reply
from runtime.session.state import SessionState
from runtime.store.stored import Header, Settings


@frozen(kw_only=True)
class ExportedLog(Reply):
    """The log up to `version`: its first line, and where its entries are."""

    heading: bytes
    """Without its end."""
    tail: Tail
    no: int | None
    """The life in the store, where the entries are that are not in the tail."""


def exported(state: SessionState) -> ExportedLog:
    """The log as it is now. Copies nothing. Raises `SessionNotFound`."""
    life = state.present()
    chain = life.log.tail.chain(life.version)
    return ExportedLog(
        session_id=state.session_id,
        version=life.version,
        durable_seq=state.durable_seq,
        tag=life.tag,
        heading=heading_of(state.session_id, life.log.root, chain, life.header(), life.settings()),
        tail=life.log.tail,
        no=life.no,
    )


def heading_of(
    session_id: str, root: bytes, chain: bytes, header: Header, settings: Settings
) -> bytes:
    """The first line of a log, without its end. `chain` is that of the last entry."""
    origin = settings.forked_from
    forked_from: Any = None
    if origin is not None:
        forked_from = {"session_id": origin.session_id, "at": origin.at}
    return msgspec.json.encode(
        Heading(
            format=FORMAT,  # type: ignore[arg-type] # its only value
            format_version=FORMAT_VERSION,
            session_id=session_id,
            root=root.hex(),
            through=tag(header.version, chain),
            created_at=header.created_at,
            last_activity=header.last_activity,
            floor=header.floor,
            title=settings.title,
            archived=settings.archived or None,
            metadata=msgspec.Raw(settings.metadata) if settings.metadata != b"{}" else None,
            message_count=header.message_count,
            current_agent=header.current_agent,
            forked_from=forked_from,
        )
    )
