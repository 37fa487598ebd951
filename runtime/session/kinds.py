"""The table of the kinds. Their order is the one in which folds describe a session."""

from types import MappingProxyType

from runtime.session.approval import ApprovalKind, DecisionKind
from runtime.session.compaction import CompactionKind
from runtime.session.kind import Kind, Kinds
from runtime.session.message import MessageKind
from runtime.session.record import RecordKind
from runtime.session.rewind import RewindKind
from runtime.session.settings import SettingsKind
from runtime.session.switch import SwitchKind
from runtime.session.turn import TurnKind
from runtime.session.usage import UsageKind

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
