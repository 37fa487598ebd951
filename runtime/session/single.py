"""The answer to a call that writes one entry, or wrote it before."""

from runtime.session.replies import Written
from runtime.session.state import SessionState


def written(state: SessionState, seq: int, *, repeated: bool = False) -> Written:
    """It is the entry of this number. Raises `SessionNotFound`."""
    life = state.present()
    return Written(
        session_id=state.session_id,
        version=life.version,
        durable_seq=state.durable_seq,
        tag=life.tag,
        seqs=[seq],
        applied=0 if repeated else 1,
        repeated=repeated,
    )
