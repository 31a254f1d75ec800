"""The local API: every question that a command may ask its running node, and every answer.

Questions of one connection are answered one after the other. Command and node are of the same
version, that of the home's software, so the API has no version of its own. How these values
become bytes is in message_codec.py.

Keys and ids are raw bytes, times are milliseconds since 1970. Every question may be answered by
Malformed (a field is missing, unknown or of another type), UsageError (the node is too busy for
another one) or a StorageError (the disk refused); the client itself raises NotReachable.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias, get_args

from commonweal.node.control.messages.changes import NodeChanges, NodeSummary, OwnLogHolders, Watch
from commonweal.node.control.messages.control import (
    Done,
    Ending,
    HoldCode,
    Meet,
    SealNow,
    SealOutcome,
    SealProgress,
    Stop,
)
from commonweal.node.control.messages.held_records import (
    CountHolders,
    FetchRecord,
    HeldBy,
    HolderCounts,
    Holders,
    NewRecord,
    NewRecords,
    RecordHolders,
    Submit,
    Wait,
)
from commonweal.node.control.messages.node_status import (
    Health,
    HealthFigures,
    NodeStatus,
    PeerList,
    Peers,
    PeerStatus,
    SealingStatus,
    Status,
)
from commonweal.node.control.messages.question import Question
from commonweal.node.control.messages.reach import Reach, TryReach

__all__ = [
    "QUESTIONS",
    "AnyQuestion",
    "CountHolders",
    "Done",
    "Ending",
    "FetchRecord",
    "Health",
    "HealthFigures",
    "HeldBy",
    "HoldCode",
    "HolderCounts",
    "Holders",
    "Meet",
    "NewRecord",
    "NewRecords",
    "NodeChanges",
    "NodeStatus",
    "NodeSummary",
    "OwnLogHolders",
    "PeerList",
    "PeerStatus",
    "Peers",
    "Question",
    "Reach",
    "RecordHolders",
    "SealNow",
    "SealOutcome",
    "SealProgress",
    "SealingStatus",
    "Status",
    "Stop",
    "Submit",
    "TryReach",
    "Wait",
    "Watch",
]

AnyQuestion: TypeAlias = (
    Status
    | Peers
    | Health
    | Reach
    | TryReach
    | Watch
    | Submit
    | Holders
    | CountHolders
    | FetchRecord
    | Wait
    | Meet
    | HoldCode
    | SealNow
    | Stop
)
QUESTIONS: Mapping[str, type[AnyQuestion]] = MappingProxyType(
    {kind.NAME: kind for kind in get_args(AnyQuestion)}
)
"""Every question by its name on the wire; the server serves these and no others."""
