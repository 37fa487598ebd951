"""The table of the kinds. Their order is the one in which folds describe a session."""

from types import MappingProxyType

from runtime.session.kind import Kind, Kinds
from runtime.session.kinds.approval import ApprovalKind, DecisionKind
from runtime.session.kinds.compaction import CompactionKind
from runtime.session.kinds.message import MessageKind
from runtime.session.kinds.record import RecordKind
from runtime.session.kinds.rewind import RewindKind
from runtime.session.kinds.settings import SettingsKind
from runtime.session.kinds.switch import SwitchKind
from runtime.session.kinds.turn import TurnKind
from runtime.session.kinds.usage import UsageKind

_TABLE: tuple[type[Kind], ...] = (
    SettingsKind,
    MessageKind,
    SwitchKind,
    RecordKind,
    CompactionKind,
    RewindKind,
    TurnKind,
    ApprovalKind,
    DecisionKind,
    UsageKind,
)

KINDS: Kinds = MappingProxyType({kind.name: kind() for kind in _TABLE})
