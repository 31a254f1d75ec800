"""The change feed: tells callers of the local API what changed since they last asked.

A caller names the last change that it knows, and is answered once there is a later one. Nothing is
queued for it: who asks late gets all that changed meanwhile in one answer, within the same limits.
While nobody waits, nothing is looked at. It reads no clock; when to look again is `due_ms`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from commonweal.node.service.consensus import status as seal_report
from commonweal.node.service.events import Answer, Ticket
from commonweal.node.service.replica.recent_records import (
    RECENT_IDS_MAX,
    RECENT_KINDS_MAX,
    RecentRecords,
)
from commonweal.protocol.errors import UsageError

if TYPE_CHECKING:
    from commonweal.node.service.core import Core
    from commonweal.node.service.peer import PeerState
    from commonweal.node.service.queries import StatusQueries
    from commonweal.node.service.replica.replica import Replica

COALESCE_MS = 200
"""Minimum time between two changes: what happens within it is told as one."""
LOOK_MS = 20
"""Minimum time between two looks, when the last one found no change."""
QUIET_MS_MAX = 10_000
"""A caller is answered after this time though nothing changed, which shows that the node works."""
WATCHERS_MAX = 16
"""Callers that wait for a change."""
CHANGES_KEPT_MAX = 16
"""Changes of which the details are kept; who knows only an earlier one reads everything again."""
LOGS_COUNTED_MAX = 8_192
"""Logs that are compared with all connected members together, to count what this node lacks."""

TOPICS: Mapping[str, tuple[str, ...]] = {
    "records": ("records",),
    "holders": ("own",),
    "peers": ("connected", "behind", "seals_behind"),
    "seal": (
        *("height", "folded", "sealed_ms", "unsealed", "witnesses", "missing"),
        *("alarm", "is_forked"),
    ),
    "members": (),
    "rules": (),
    "node": ("state", "writable", "damaged"),
}
"""What a change may be about, and the fields of the summary that belong to it."""


@dataclass(frozen=True, slots=True)
class _Change:
    """A change: its number, its topics, and the records that came, as far as they are listed."""

    number: int
    topics: frozenset[str]
    recent: RecentRecords


@dataclass(frozen=True, slots=True)
class _Watcher:
    """A caller that waits for a change after the one it knows; -1 for none. since_ms: it asked."""

    after: int
    since_ms: int


@dataclass(frozen=True, slots=True)
class _Look:
    """How the node stood when it was last looked at.

    decided: what seals said of members; ruleset: id of the active one.
    """

    summary: Mapping[str, Any]
    decided: tuple[object, ...]
    ruleset: bytes


class ChangeFeed:
    """The changes of this node, and the callers that wait for the next one."""

    def __init__(self, core: Core, queries: StatusQueries) -> None:
        self.core, self.queries = core, queries
        self._epoch = b""
        """Names this run of the node; drawn when somebody first asks."""
        self._number = 0
        self._changes: deque[_Change] = deque(maxlen=CHANGES_KEPT_MAX)
        self._watchers: dict[Ticket, _Watcher] = {}
        self._answered: dict[Ticket, _Watcher] = {}
        """Those answered after the last commit, should the next one fail."""
        self._last: _Look | None = None
        self._records = 0
        self._looked_ms = self._changed_ms = 0
        self._is_stale = True
        """Whether something may have changed since it was last looked at."""

    @property
    def due_ms(self) -> int | None:
        """When `committed` is to be called, though nothing happens; None when nothing is due."""
        if not self._watchers:
            return None
        first_ms = next(iter(self._watchers.values())).since_ms + QUIET_MS_MAX
        return min(first_ms, self._look_ms) if self._is_stale else first_ms

    @property
    def _look_ms(self) -> int:
        """When the node may be looked at again."""
        return max(self._changed_ms + COALESCE_MS, self._looked_ms + LOOK_MS)

    def asked(self, ticket: Ticket, about: Mapping[str, Any]) -> list[Answer]:
        """Let a caller wait for the change after the one it knows; `committed` answers."""
        epoch, after = about.get("epoch"), about.get("after")
        if type(epoch) is not bytes or type(after) is not int:
            return [Answer(ticket, UsageError("watch takes the epoch and number of a change"))]
        if len(self._watchers) >= WATCHERS_MAX:
            return [Answer(ticket, UsageError("too many watch this node"))]
        is_known = epoch == self._epoch != b"" and 0 <= after <= self._number
        self._watchers[ticket] = _Watcher(after if is_known else -1, self.core.now_ms)
        return []

    def forget(self, ticket: Ticket) -> None:
        """Forget a caller that went away."""
        self._watchers.pop(ticket, None)

    def committed(self) -> list[Answer]:
        """Return the answers that are due; call it after each commit."""
        self._is_stale = True
        if not self._watchers:
            return []
        now_ms = self.core.now_ms
        if now_ms >= self._look_ms:
            self._look()
        self._answered = {
            ticket: watcher
            for ticket, watcher in self._watchers.items()
            if watcher.after < self._number or now_ms - watcher.since_ms >= QUIET_MS_MAX
        }
        for ticket in self._answered:
            del self._watchers[ticket]
        return [Answer(ticket, self._since(who.after)) for ticket, who in self._answered.items()]

    def reload(self) -> None:
        """Answer once more whoever was answered when a commit failed: the answers were lost."""
        self._watchers = {**self._answered, **self._watchers}

    def _since(self, after: int) -> dict[str, Any]:
        """Return what changed after a number, -1 for all. Something was looked at before."""
        assert self._last is not None
        changes = [change for change in self._changes if change.number > after]
        ids = [id for change in changes for id in change.recent.ids]
        kinds = dict.fromkeys(kind for change in changes for kind in change.recent.kinds)
        topics = frozenset[str]().union(*(change.topics for change in changes))
        is_whole = len(changes) == self._number - after
        is_more = any(change.recent.is_more for change in changes) or not is_whole
        return {
            "epoch": self._epoch,
            "number": self._number,
            "topics": [topic for topic in TOPICS if topic in topics or not is_whole],
            "kinds": list(kinds)[:RECENT_KINDS_MAX],
            "records": ids[:RECENT_IDS_MAX],
            "is_more": is_more or len(ids) > RECENT_IDS_MAX or len(kinds) > RECENT_KINDS_MAX,
            "now": self._last.summary,
        }

    def _look(self) -> None:
        """Look at how the node stands; what differs from the last time is the next change."""
        replica = self.core.replica
        self._is_stale, self._looked_ms = False, self.core.now_ms
        self._epoch = self._epoch or self.core.rng.randbytes(8)
        recent, replica.recent = replica.recent, RecentRecords()
        decided = (replica.decided, replica.waiting, replica.convictions)
        before = self._last
        if before is None or recent or before.decided != decided:
            self._records = sum(map(replica.length, replica.authors()))
        look = self._last = _Look(self._summary(), decided, replica.ruleset)
        topics = frozenset(TOPICS) if before is None else _topics(before, look)
        if recent:
            topics |= {"records"}
        if topics:
            self._number, self._changed_ms = self._number + 1, self._looked_ms
            self._changes.append(_Change(self._number, topics, recent))

    def _summary(self) -> dict[str, Any]:
        core, queries, reactor = self.core, self.queries, self.queries.reactor
        seal, outlook, members = seal_report.report(reactor), reactor.outlook, core.members()
        ahead = [peer.height - reactor.chain.height for peer in members]
        return {
            "state": queries.state(),
            "writable": core.keeps,
            "damaged": queries.scrubber.damaged,
            "records": self._records,
            "behind": _lacking(core.replica, members),
            "connected": len(members),
            "height": seal["height"],
            "folded": 0 if outlook is None else outlook.height,
            "seals_behind": max(0, max(ahead, default=0)),
            "sealed_ms": seal["time_ms"],
            "unsealed": seal["unsealed"],
            "witnesses": len(seal["witnesses"]),
            "missing": seal["missing"],
            "alarm": seal["alarm"],
            "is_forked": seal["forked"] is not None,
            "own": _own_log(core, core.keepers()),
        }


def _topics(before: _Look, look: _Look) -> frozenset[str]:
    topics = {
        topic
        for topic, fields in TOPICS.items()
        if any(before.summary[field] != look.summary[field] for field in fields)
    }
    if before.decided != look.decided:
        topics.add("members")
    if before.ruleset != look.ruleset:
        topics.add("rules")
    return frozenset(topics)


def _lacking(replica: Replica, members: Sequence[PeerState]) -> int:
    """Return the most records that a member has and we lack, within LOGS_COUNTED_MAX logs."""
    held, most = replica.length, 0
    for peer in members:
        logs = islice(peer.theirs.items(), LOGS_COUNTED_MAX // len(members))
        most = max(most, sum(max(0, length - held(author)) for author, length in logs))
    return most


def _own_log(core: Core, members: Sequence[PeerState]) -> dict[str, Any]:
    """Return how many records of this device's log there are, are final, and each member holds."""
    device = core.me.device
    length = core.replica.length(device)
    held = (min(peer.theirs.get(device, length), length) for peer in members if peer.compared)
    return {
        "records": length,
        "final": min(length, core.replica.sealed_length(device)),
        "held": sorted(held, reverse=True),
    }
