"""The overlay: which peers to dial, which links are alive, and where members' nodes are.

The address book holds what links, mDNS and other members told. A node keeps up to NEIGHBOURS_AIM
links, retries with growing pauses, and drops silent peers. Incoming links never keep it from
choosing some neighbours itself, and now and then it dials one more: all its neighbours may be
hostile and show it less than there is. What peers may send is not decided here.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from commonweal.node.service.core import Core
from commonweal.node.service.events import Dial, Drop
from commonweal.node.service.peer import PeerState
from commonweal.node.transport import TrustLevel
from commonweal.protocol.errors import CommonwealError
from commonweal.protocol.identity import signed_address
from commonweal.protocol.identity.invite import Contact
from commonweal.protocol.identity.signed_address import STAMP_AHEAD_MS_MAX, SignedAddress
from commonweal.protocol.keys import DeviceKey, PeerKey, short
from commonweal.protocol.ledger.members import membership
from commonweal.protocol.wire import messages
from commonweal.storage.records.address_book import Address, with_contact

log = logging.getLogger(__name__)

NEIGHBOURS_AIM = 8
CHOSEN_AIM = 4
"""Neighbours that this node dialled itself, however many links came in."""
LOOK_AROUND_MS = 60_000
"""How often a node with enough neighbours tries one more, the one tried longest ago."""
TRIAL_MS = 20_000
"""Time that a new neighbour has to bring records before another replaces it."""
MADE_ROOM = "made room for another"
PING_MS = 5_000
SILENCE_MS_MAX = 15_000
RETRY_MS_MIN, RETRY_MS_MAX = 500, 30_000
RETRY_ALONE_MS_MAX = 10_000
"""Longest pause while no member is linked: our own line was down, and may be back at any moment."""
STEADY_MS = 2_000
"""After this time a link to a member is good: when it ends, it is soon dialled again."""
DIALS_AT_ONCE_MAX = 4
BOOK_MAX = 4_096
"""Peers in the address book."""
NEAR_MAX = 4
"""Addresses of a peer that mDNS saw last; anyone near can forge them, so they replace no others."""
NEAR_AGAIN_MS = 30_000
"""An announcement by mDNS cuts the pause before the next dial short once in this time."""
MOVE_MS = 5_000
"""Minimum time between two announcements of one node's address; the last one counts."""
EARLY_MAX = 256
"""Addresses that wait until their peer is a member's; beyond that the oldest are dropped."""


@dataclass(slots=True)
class _DialState:
    """When a peer may be dialled next, and the pause that follows a failure."""

    due_ms: int = 0
    pause_ms: int = RETRY_MS_MIN
    dialling: bool = False
    tried_ms: int = 0
    hurried_ms: int = -NEAR_AGAIN_MS
    """When mDNS last made it due before its time."""


class Overlay:
    """The address book, the dialling, and the keepalive of all links."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.listening: tuple[str, ...] = ()
        self.failures: dict[PeerKey, str] = {}
        """The last reason why a peer could not be reached."""
        self._told_coming_ms: dict[PeerKey, int] = {}
        self.reload()

    def reload(self) -> None:
        """Read the address book from the store; no dial is under way."""
        self._tries: dict[PeerKey, _DialState] = {}
        self._looked_ms = 0
        self._book: dict[PeerKey, Address] = {
            known.peer: known for known in self.core.replica.store.addresses()
        }
        self._signed = dict.fromkeys(known.signed for known in self._book.values())
        """The signed addresses that are kept, so that a repeated one is not verified again."""
        self._unverified = {known.peer: None for known in self._book.values() if known.signed}
        """Peers whose signed address was read from the disk, which may have changed it."""
        self._near: dict[PeerKey, tuple[str, ...]] = {}
        self._passed_ms: dict[PeerKey, int] = {}
        self._moved: dict[PeerKey, None] = {}
        """Peers that moved again within MOVE_MS, to be announced later."""
        self._early: dict[PeerKey, tuple[SignedAddress, bytes]] = {}
        """Addresses that came before the records which show whose they are, as a newcomer's do."""

    def listens(self, addresses: tuple[str, ...]) -> None:
        """Note where this node can be dialled, and tell the members.

        It may have come to another network: who could not be reached before is tried soon.
        """
        self.listening = addresses
        for dial in self._tries.values():
            dial.pause_ms = RETRY_MS_MIN
            dial.due_ms = min(dial.due_ms, self.core.now_ms + RETRY_MS_MIN)
        for peer in self.core.members():
            self.tell(peer)

    def tell(self, peer: PeerState) -> None:
        """Send a peer our own signed address and those of others."""
        core = self.core
        signed: list[bytes] = []
        if self.listening:
            community = core.replica.community
            own = signed_address.sign(core.me.host, community, core.now_ms, self.listening)
            signed.append(own.to_bytes())
        signed += islice(self._kept_signed(), messages.ADDRESSES_MAX - len(signed))
        if signed:
            core.send(peer, messages.Addresses(tuple(signed)))

    def _kept_signed(self) -> Iterator[bytes]:
        """Yield the signed addresses that are kept, each verified since it was read."""
        for key in list(self._book):
            signed = self._verified(self._book[key]).signed
            if signed:
                yield signed

    def _verified(self, known: Address) -> Address:
        """Return an entry without its signed address where the disk changed that."""
        if known.peer not in self._unverified:
            return known
        del self._unverified[known.peer]
        try:
            address = signed_address.from_bytes(known.signed, self.core.replica.community)
        except CommonwealError:
            address = None
        if address is not None and address.peer == known.peer:
            return known
        log.warning("the kept address of peer %s is damaged; others tell it", short(known.peer))
        known = known._replace(signed=b"")
        self._put(known)
        return known

    def told(self, peer: PeerState, message: messages.Addresses) -> None:
        """Keep the newer addresses of members, and announce them.

        A stamp that is too far ahead costs the sender nothing: its clock may have been too.
        """
        fresh: list[PeerKey] = []
        for data in message.signed:
            if data in self._signed:
                continue
            try:
                address = signed_address.from_bytes(data, self.core.replica.community)
            except CommonwealError as error:
                return self.core.drop(peer, f"a bad address: {error}")
            if address.stamp_ms - self.core.now_ms > STAMP_AHEAD_MS_MAX:
                continue
            if self._owner(address.peer) is None:
                self._wait(address, data)
            elif self._is_news(address):
                self._keep(address, data)
                fresh.append(address.peer)
        self._pass_on(fresh, peer)
        return None

    def _pass_on(self, moved: Iterable[PeerKey], source: PeerState | None = None) -> None:
        """Announce where these peers are now; those announced within MOVE_MS wait."""
        now_ms = self.core.now_ms
        fresh: list[bytes] = []
        for peer in moved:
            if now_ms - self._passed_ms.get(peer, -MOVE_MS) < MOVE_MS:
                self._moved[peer] = None
                continue
            self._moved.pop(peer, None)
            self._passed_ms[peer] = now_ms
            fresh.append(self._book[peer].signed)
        for at in range(0, len(fresh), messages.ADDRESSES_MAX):
            for other in self.core.members():
                if other is not source:
                    frame = tuple(fresh[at : at + messages.ADDRESSES_MAX])
                    self.core.send(other, messages.Addresses(frame))

    def found(self, key: PeerKey, addresses: tuple[str, ...]) -> None:
        """Note addresses that mDNS saw, of a member's node or of a peer that a link named.

        It is dialled at once, but not whenever somebody near says so.
        """
        known = self._book.get(key)
        enrolled = self._owner(key)
        if known is None and enrolled is None:
            return
        if known is None:
            self._put(Address(key, enrolled, addresses[:NEAR_MAX], b"", 0, "mdns"))
        self._near[key] = addresses[:NEAR_MAX]
        dial = self._try(key)
        if not 0 <= self.core.now_ms - dial.hurried_ms < NEAR_AGAIN_MS:
            dial.due_ms, dial.hurried_ms = 0, self.core.now_ms

    def meet(self, contact: Contact) -> None:
        """Note the addresses of a peer in an invite link, and dial it at once."""
        if contact.peer == self.core.me.peer:
            return
        self._put(with_contact(self._book.get(contact.peer), contact))
        dial = self._try(contact.peer)
        dial.due_ms, dial.pause_ms = 0, RETRY_MS_MIN

    def joined(self, peer: PeerState) -> None:
        """Note that a link to a peer stands; the pause before the next dial stays.

        A peer that accepts links and ends them at once is thus not dialled twice a second.
        """
        if peer.key in self._book:
            self._try(peer.key).dialling = False
        self.failures.pop(peer.key, None)
        known = self._book.get(peer.key)
        if known is not None and peer.outbound:
            self._put(known._replace(worked=peer.address, last_ok_ms=self.core.now_ms))

    def left(self, key: PeerKey, pause_ms_max: int = RETRY_MS_MAX) -> None:
        """Note that a link ended or did not come about; of strangers nothing is kept."""
        self._told_coming_ms.pop(key, None)
        if key not in self._book:
            return
        dial = self._try(key)
        dial.dialling = False
        pause_ms = min(dial.pause_ms, pause_ms_max)
        dial.due_ms = self.core.now_ms + self.core.rng.randint(pause_ms // 2, pause_ms)
        dial.pause_ms = min(dial.pause_ms * 2, RETRY_MS_MAX)

    def failed(self, key: PeerKey, where: str, reason: str, *, more: bool) -> None:
        """Note that a peer was not reached at an address. more: others are still being tried."""
        self.failures[key] = f"{where}: {reason}"
        if not more:
            self.left(key, RETRY_MS_MAX if self.core.members() else RETRY_ALONE_MS_MAX)

    def dial(self) -> None:
        """Dial peers that are due, while there are fewer links than wanted."""
        core = self.core
        self._take_early()
        self._pass_on(tuple(self._moved))
        members = core.members()
        chosen = sum(peer.outbound for peer in members)
        coming = sum(peer.outbound and not peer.is_member for peer in core.peers.values())
        room = max(NEIGHBOURS_AIM - len(members), CHOSEN_AIM - chosen) - coming
        busy = sum(peer.dialling for peer in self._tries.values())
        room = min(room, DIALS_AT_ONCE_MAX - busy)
        looks_around = core.now_ms - self._looked_ms >= LOOK_AROUND_MS
        due = self._due() if room > 0 or looks_around else []
        while due and room > 0:
            self._dial(due.pop(core.rng.randrange(len(due))))
            room -= 1
        if due and looks_around:
            self._looked_ms = core.now_ms
            self._dial(min(due, key=lambda known: (self._try(known.peer).tried_ms, known.peer)))
        self._make_room()

    def _due(self) -> list[Address]:
        """Return the peers that may be dialled now; reads the whole address book."""
        core = self.core
        return [
            known
            for known in self._book.values()
            if known.peer not in core.peers
            and known.peer != core.me.peer
            and (known.places or known.peer in self._near)
            and self._is_due(known.peer)
        ]

    def _dial(self, known: Address) -> None:
        dial = self._try(known.peer)
        dial.dialling, dial.tried_ms = True, self.core.now_ms
        first = (known.worked,) if known.worked else ()
        near = self._near.get(known.peer, ())
        self.core.do(Dial(known.peer, tuple(dict.fromkeys((*first, *near, *known.addresses)))))

    def _make_room(self) -> None:
        """With too many neighbours, drop the one that has brought nothing for longest."""
        core = self.core
        chosen = [peer for peer in core.members() if peer.outbound]
        tried = [peer for peer in chosen if core.now_ms - peer.since_ms >= TRIAL_MS]
        if len(chosen) <= NEIGHBOURS_AIM or not tried:
            return
        least = min(tried, key=lambda peer: (peer.news_ms, peer.since_ms))
        del core.peers[least.key]
        core.do(Drop(least.key, MADE_ROOM))
        core.ended(least, MADE_ROOM, by_us=False)
        self.left(least.key)

    def keep_alive(self) -> None:
        """Ping peers that were not heard lately, and drop those that stay silent."""
        now_ms = self.core.now_ms
        for peer in list(self.core.peers.values()):
            silent_ms = now_ms - peer.heard_ms
            if peer.is_member and now_ms - peer.since_ms >= STEADY_MS:
                self._tries[peer.key] = _DialState(tried_ms=peer.since_ms)
            if silent_ms > SILENCE_MS_MAX:
                self.core.drop(peer, "silent for too long")
                self.left(peer.key)
            elif silent_ms >= PING_MS and peer.trust is not TrustLevel.STRANGER:
                self.core.send(peer, messages.Ping(now_ms))

    def coming(self, peer: PeerState) -> None:
        """Answer a part of a frame, so that neither end seems silent while the rest is coming."""
        now_ms = self.core.now_ms
        if now_ms - self._told_coming_ms.get(peer.key, 0) >= PING_MS:
            self._told_coming_ms[peer.key] = now_ms
            self.core.send(peer, messages.Pong(0))

    def contacts(self) -> list[Address]:
        """Return the address book."""
        return list(self._book.values())

    def _try(self, key: PeerKey) -> _DialState:
        return self._tries.setdefault(key, _DialState())

    def _is_due(self, key: PeerKey) -> bool:
        dial = self._tries.get(key)
        return dial is None or (not dial.dialling and dial.due_ms <= self.core.now_ms)

    def _is_news(self, address: SignedAddress) -> bool:
        core = self.core
        if address.peer == core.me.peer:
            return False
        known = self._book.get(address.peer)
        if known is None:
            return len(self._book) < BOOK_MAX
        known = self._verified(known)
        if not known.signed:
            return True
        held = signed_address.from_bytes(known.signed, core.replica.community)
        return held.stamp_ms < address.stamp_ms and held.addresses != address.addresses

    def _owner(self, key: PeerKey) -> DeviceKey | None:
        """Return the member's device whose enrolment proves that this peer is its host, or None."""
        replica = self.core.replica
        device = membership.device_of_peer(replica.ledger.state, key)
        return device if device is not None and replica.is_member(device) else None

    def _wait(self, address: SignedAddress, data: bytes) -> None:
        """Set aside the newest address of a peer that no record names yet."""
        known = self._early.get(address.peer)
        if known is None or known[0].stamp_ms < address.stamp_ms:
            self._early[address.peer] = address, data
        if len(self._early) > EARLY_MAX:
            del self._early[next(iter(self._early))]

    def _take_early(self) -> None:
        """Keep the addresses that waited and whose peers are members' by now."""
        for key, (address, data) in list(self._early.items()):
            if self._owner(key) is not None:
                del self._early[key]
                if self._is_news(address):
                    self._keep(address, data)

    def _keep(self, address: SignedAddress, data: bytes) -> None:
        known = self._book.get(address.peer)
        last_ok_ms, worked = (known.last_ok_ms, known.worked) if known else (0, "")
        what = (address.peer, self._owner(address.peer), address.addresses, data)
        self._put(Address(*what, last_ok_ms, "signed", worked))

    def _put(self, new: Address) -> None:
        before = self._book.get(new.peer)
        if before is not None:
            self._signed.pop(before.signed, None)
        if before is None or before.signed != new.signed:
            self._unverified.pop(new.peer, None)
        self._signed[new.signed] = None
        self._book[new.peer] = new
        if self.core.keeps:
            self.core.replica.store.put_address(new)
