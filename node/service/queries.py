"""Status queries: what only the running node knows about links, holders, and its progress.

It answers the local API and changes nothing but the address book, when a member names a link.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from commonweal.node.service.consensus import status as seal_report
from commonweal.node.service.consensus.reactor import Reactor
from commonweal.node.service.core import Core
from commonweal.node.service.events import PLACES_ASKED_MAX, Answer, Ticket
from commonweal.node.service.peer import PeerState
from commonweal.node.service.peers.handshake import Handshake
from commonweal.node.service.peers.overlay import Overlay
from commonweal.node.service.upkeep.scrub import Scrubber
from commonweal.protocol.errors import BadLink, InvalidRecord, UsageError
from commonweal.protocol.identity import invite
from commonweal.protocol.keys import DeviceKey, MemberId, PeerKey
from commonweal.protocol.records.record import RecordId
from commonweal.protocol.seal.quorum import quorum_of
from commonweal.storage.ledger.membership import requested_invite
from commonweal.storage.records.settings import RESTORING

WAITS_MAX = 1_000
"""Requests that wait until peers hold a record."""


@dataclass(slots=True)
class _HolderWait:
    """Somebody waits until `peers` of the connected peers hold each log up to a length."""

    ticket: Ticket
    lengths: dict[DeviceKey, int]
    peers: int
    told: int = -1


class StatusQueries:
    """Answers to the questions of the local API."""

    def __init__(
        self,
        core: Core,
        handshake: Handshake,
        overlay: Overlay,
        scrubber: Scrubber,
        reactor: Reactor,
    ) -> None:
        self.core = core
        self.reactor = reactor
        self.handshake = handshake
        self.overlay = overlay
        self.scrubber = scrubber
        self._waits: dict[Ticket, _HolderWait] = {}

    def asked(self, ticket: Ticket, question: str, about: Mapping[str, Any]) -> list[Answer]:
        """Answer a question now, or later by `confirmed`; say so when it cannot be answered."""
        try:
            return self._answered(ticket, question, about)
        except (BadLink, InvalidRecord, UsageError) as error:
            return [Answer(ticket, error)]

    def _answered(self, ticket: Ticket, question: str, about: Mapping[str, Any]) -> list[Answer]:
        match question:
            case "status":
                return [Answer(ticket, self.status())]
            case "peers":
                return [Answer(ticket, {"peers": self.peers()})]
            case "health":
                return [Answer(ticket, dict(self.health()))]
            case "holders":
                return [Answer(ticket, self._holders(about))]
            case "count-holders":
                return [Answer(ticket, self._holder_counts(about))]
            case "wait":
                return self._wait(ticket, about)
            case "meet":
                self._meet(about)
                return [Answer(ticket, {})]
            case _:
                raise UsageError(f"a question {question!r:.40} is not known")

    def _meet(self, about: Mapping[str, Any]) -> None:
        """Look for the peers of a link where it says. Raises BadLink: of another community too."""
        link = invite.from_text(str(about.get("link")))
        if link.community != self.core.replica.community:
            raise BadLink("it is of another community")
        for contact in link.contacts:
            self.overlay.meet(contact)

    def forget(self, ticket: Ticket) -> None:
        """Drop what a caller who went away was waiting for."""
        self._waits.pop(ticket, None)

    def confirmed(self) -> list[Answer]:
        """Return answers to those whose wait is over or came further."""
        answers = []
        for wait in list(self._waits.values()):
            answers += self._progress(wait)
        return answers

    def status(self) -> dict[str, Any]:
        """Return how this node stands: as DESIGN of `weal status` says, keys and ids as bytes."""
        core = self.core
        replica = core.replica
        counts = replica.store.counts()
        return {
            "community": replica.community,
            "device": core.me.device,
            "member": replica.member_of(core.me.device),
            "records": counts.records,
            "logs": counts.logs,
            "digest": replica.frontier.digest(),
            "state": self.state(),
            "writable": core.keeps,
            "damaged": self.scrubber.damaged,
            "room": [max(0, left) for left in replica.quota.left(core.me.device)],
            "behind": max((self._behind(peer) for peer in core.members()), default=0),
            "listening": list(self.overlay.listening),
            "refusal": list(self.handshake.refusal) if self.handshake.refusal else None,
            "peers": self.peers(),
            "sealing": dict(seal_report.report(self.reactor)),
            "light": replica.light.heights,
            "keepers": len(self._keepers()),
            "keepers_needed": quorum_of(max(1, len(self.reactor.witnesses))).lies + 1,
        }

    def _keepers(self) -> dict[MemberId, None]:
        """Return the members who keep the whole ledger, as far as is known now.

        A witness does; of others only those count that are connected and say so, and this home.
        """
        replica = self.core.replica
        mine = None if replica.light.is_light else replica.member_of(self.core.me.device)
        seated = (witness.member for witness in self.reactor.witnesses)
        connected = (peer.member for peer in self.core.keepers())
        return dict.fromkeys(member for member in (mine, *seated, *connected) if member)

    def health(self) -> dict[str, int]:
        """Return the figures by which a monitor judges this node."""
        core = self.core
        counts = core.replica.store.counts()
        damaged = self.scrubber.damaged
        return {
            "healthy": int(core.keeps and not damaged),
            "writable": int(core.keeps),
            "damaged": damaged,
            "records": counts.records,
            "logs": counts.logs,
            "members_connected": len(core.members()),
            "peers_known": len(self.overlay.contacts()),
            "behind": max((self._behind(peer) for peer in core.members()), default=0),
            **seal_report.figures(self.reactor),
        }

    def state(self) -> str:
        """Return one word on how this device stands: see docs."""
        replica, device = self.core.replica, self.core.me.device
        if replica.row(device).frozen is not None:
            return "frozen"
        if replica.store.setting(RESTORING):
            return "awaiting-restore"
        status = replica.status_of(device)
        if status in ("left", "removed") and requested_invite(replica.store, device):
            return "waiting-for-admission"
        if status == "active":
            return "member"
        if status is None or status in ("new", "requested"):
            return "waiting-for-admission"
        return status

    def peers(self) -> list[dict[str, Any]]:
        """Return the connected peers, and those of the address book that are not reached."""
        core = self.core
        connected = [
            {
                "peer": peer.key,
                "device": (device := _device(core, peer.key, peer.device)),
                "member": replica_member(core, device),
                "address": peer.address,
                "standing": peer.trust.value,
                "behind": self._ahead(peer),
                "ahead": self._behind(peer),
                "up_to_date": peer.compared and not peer.theirs,
                "skew_ms": peer.skew_ms,
                "since_ms": peer.since_ms,
                **_last_end(core, peer.key),
            }
            for peer in core.peers.values()
        ]
        absent = [
            {
                "peer": known.peer,
                "device": (device := _device(core, known.peer, known.device)),
                "member": replica_member(core, device),
                "address": next(iter(known.places), ""),
                "standing": "absent",
                "failure": self.overlay.failures.get(known.peer, ""),
                **_last_end(core, known.peer),
            }
            for known in self.overlay.contacts()
            if known.peer not in core.peers
        ]
        listed = {row["peer"] for row in connected + absent}
        others = [
            {
                "peer": key,
                "device": end.device,
                "member": replica_member(core, end.device),
                "address": end.address,
                "standing": "absent",
                "failure": "",
                **_last_end(core, key),
            }
            for key, end in core.ends.items()
            if key not in listed
        ]
        return connected + absent + others

    def _behind(self, peer: PeerState) -> int:
        """Return how many records the peer has that we lack."""
        row = self.core.replica.row
        return sum(max(0, length - row(author).length) for author, length in peer.theirs.items())

    def _ahead(self, peer: PeerState) -> int:
        """Return how many records we have that the peer has not confirmed."""
        row = self.core.replica.row
        return sum(max(0, row(author).length - length) for author, length in peer.theirs.items())

    def _holders(self, about: Mapping[str, Any]) -> dict[str, Any]:
        author, length = self._place(about.get("id"))
        holders = [peer.device for peer in self._who_has(author, length)]
        return {"holders": holders, "connected": len(self.core.keepers())}

    def _holder_counts(self, about: Mapping[str, Any]) -> dict[str, Any]:
        places = about.get("places")
        if type(places) is not list or len(places) > PLACES_ASKED_MAX:
            raise UsageError(f"count-holders takes up to {PLACES_ASKED_MAX} places")
        held_by = [self._held_by(DeviceKey(author), seq) for author, seq in places]
        return {"held_by": held_by, "connected": len(self.core.keepers())}

    def _held_by(self, author: DeviceKey, seq: int) -> int | None:
        """Return how many connected members hold a record; None when it is not held here."""
        is_held = 0 <= seq < self.core.replica.row(author).length
        return len(self._who_has(author, seq + 1)) if is_held else None

    def _wait(self, ticket: Ticket, about: Mapping[str, Any]) -> list[Answer]:
        ids, peers = about.get("ids"), about.get("peers")
        if type(ids) is not list or type(peers) is not int or len(self._waits) >= WAITS_MAX:
            raise UsageError("wait takes ids and a number of peers")
        lengths: dict[DeviceKey, int] = {}
        for id in ids:
            author, length = self._place(id)
            lengths[author] = max(length, lengths.get(author, 0))
        wait = _HolderWait(ticket, lengths, peers)
        self._waits[ticket] = wait
        return self._progress(wait)

    def _progress(self, wait: _HolderWait) -> list[Answer]:
        held = min(
            (len(self._who_has(author, length)) for author, length in wait.lengths.items()),
            default=wait.peers,
        )
        if held == wait.told:
            return []
        wait.told = held
        done = held >= wait.peers
        if done:
            del self._waits[wait.ticket]
        return [Answer(wait.ticket, {"held_by": held, "wanted": wait.peers}, last=done)]

    def _who_has(self, author: DeviceKey, length: int) -> list[PeerState]:
        """Return the connected members who confirmed `length` records of a log, and keep them."""
        ours = self.core.replica.row(author).length
        return [
            peer
            for peer in self.core.keepers()
            if peer.compared and peer.theirs.get(author, ours) >= length
        ]

    def _place(self, id: object) -> tuple[DeviceKey, int]:
        record = self.core.replica.store.record(RecordId(id)) if type(id) is bytes else None
        if record is None:
            raise InvalidRecord("no such record is held here")
        return record.author, record.seq + 1


def replica_member(core: Core, device: DeviceKey | None) -> bytes | None:
    """Return the member whose device this is, else None."""
    return None if device is None else core.replica.member_of(device)


def _device(core: Core, key: PeerKey, known: DeviceKey | None) -> DeviceKey | None:
    """Return the device of a peer: `known`, or else the one of its last link."""
    end = core.ends.get(key)
    return known or (end.device if end is not None else None)


def _last_end(core: Core, key: PeerKey) -> dict[str, Any]:
    """Return why the last link to a peer ended, and why this node last closed one."""
    end = core.ends.get(key)
    return {"dropped": end and end.dropped, "ended": end and end.reason}
