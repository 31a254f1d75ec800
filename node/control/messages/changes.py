"""What changes on the node, for whoever watches it."""

from __future__ import annotations

from dataclasses import dataclass

from commonweal.node.control.messages.question import Question


@dataclass(frozen=True, slots=True)
class OwnLogHolders:
    """The log of this device: how many records it has, and how many of them a seal covers.

    held: how many of them each connected member confirmed, the most first; so `held` counts the
    holders of the record `seq` by the lengths above `seq`.
    """

    records: int
    final: int
    held: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class NodeSummary:
    """How the node stands, in what is cheap to tell often.

    state, writable, damaged, records, behind: as in NodeStatus; with very many logs, behind is a
    lower bound. connected: members. height: of the last seal. folded: of the last seal that the
    ledger here is folded up to. seals_behind: by which some connected member is further.
    sealed_ms: when the last seal was made; 0 before the first. unsealed, missing, alarm: as in
    SealingStatus. witnesses: how many there are. is_forked: two seals of a height are certified.
    """

    state: str
    writable: bool
    damaged: int
    records: int
    behind: int
    connected: int
    height: int
    folded: int
    seals_behind: int
    sealed_ms: int
    unsealed: int | None
    witnesses: int
    missing: tuple[tuple[bytes, bytes], ...]
    alarm: str
    is_forked: bool
    own: OwnLogHolders


@dataclass(frozen=True, slots=True)
class NodeChanges:
    """What changed after the change that the caller knew, up to `number`, and how it stands now.

    epoch: names this run of the node; numbers of another run mean nothing. topics: of "records",
    "holders" (of the own log), "peers", "seal", "members", "rules" (what seals decided) and
    "node"; none when nothing changed for a while. records, kinds: ids and kinds of the records
    that came, RECENT_IDS_MAX and RECENT_KINDS_MAX at most. is_more: there may be others, so what
    is shown is to be read again.
    """

    epoch: bytes
    number: int
    topics: tuple[str, ...]
    kinds: tuple[str, ...]
    records: tuple[bytes, ...]
    is_more: bool
    now: NodeSummary


@dataclass(frozen=True, slots=True)
class Watch(Question[NodeChanges]):
    """What changed after the change `after` of the run `epoch`? b"" and 0 for who knows none.

    Answered at once when something did, else when it does, and after QUIET_MS_MAX with no topics.
    Raises UsageError: WATCHERS_MAX others wait.
    """

    NAME = "watch"
    ANSWER = NodeChanges
    epoch: bytes
    after: int
