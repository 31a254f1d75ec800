"""The registry of the local API: every question that a node answers, by its name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias, get_args

from commonweal.node.control.messages.changes import Watch
from commonweal.node.control.messages.control import HoldCode, Meet, SealNow, Stop
from commonweal.node.control.messages.held_records import CountHolders, FetchRecord, Holders, Wait
from commonweal.node.control.messages.node_status import Health, Peers, Status
from commonweal.node.control.messages.reach import Reach, TryReach
from commonweal.node.control.messages.submission import Submit

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
