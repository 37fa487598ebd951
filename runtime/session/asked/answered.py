"""The answer to a call that appends entries of any kinds, or appended them before."""

from collections.abc import Sequence

from runtime.session.replies import KnownRecord, Written
from runtime.session.state import SessionState


def written(
    state: SessionState,
    seqs: Sequence[int],
    applied: int,
    known: Sequence[KnownRecord],
    *,
    repeated: bool = False,
) -> Written:
    """To these entries, of which so many were appended. Raises `SessionNotFound`."""
    life = state.present()
    return Written(
        session_id=state.session_id,
        version=life.version,
        durable_seq=state.durable_seq,
        tag=life.tag,
        seqs=seqs,
        applied=applied,
        known=known,
        repeated=repeated,
    )
