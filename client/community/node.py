"""The node of a home: started, ended, and asked how it stands and who is connected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from commonweal.client.access import HomeAccess
from commonweal.client.community.standing import is_refused, joined, one_word, parent, standing
from commonweal.client.home.node_client import ask
from commonweal.client.language.visible_text import visible
from commonweal.client.language.words import Words
from commonweal.client.ledger.fork_losses import void_records
from commonweal.client.ledger.names.directory import People, of_home
from commonweal.client.sharing.finality import FinalityState, doubt, finality
from commonweal.protocol.errors import HomeInUse, WitnessKeepsAll
from commonweal.protocol.keys import DeviceKey, MemberId
from commonweal.protocol.ledger.members import registry
from commonweal.protocol.records.record import CommunityId
from commonweal.storage.home.home import Settings
from commonweal.storage.records import light_home
from commonweal.storage.records.logs.log_store import Store

if TYPE_CHECKING:
    from commonweal.node.control.messages.node_status import NodeStatus, PeerStatus
    from commonweal.node.reach_state import ReachState

ROOM_FIELDS = ("records", "bytes", "documents", "texts")
WRITERS_NAMED_MAX = 3
"""More are not named in a sentence."""
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class PeerSummary:
    """A node of another member. behind, ahead: how many records it lacks, and we lack."""

    member: MemberId | None
    member_name: str | None
    device: DeviceKey | None
    address: str | None
    state: str
    behind: int | None
    ahead: int | None
    dropped: str | None


@dataclass(frozen=True, slots=True)
class WriterUse:
    """What the logs of a member have this node keep; without a member, those of nobody admitted."""

    member: MemberId | None
    member_name: str | None
    records: int
    bytes: int
    documents: int
    texts: int


@dataclass(frozen=True, slots=True)
class KnownPeers:
    """The nodes of other members, and whose records this node keeps, the most first."""

    peers: tuple[PeerSummary, ...]
    writers: tuple[WriterUse, ...]


@dataclass(frozen=True, slots=True)
class HomeStatus:
    """How a home stands. What only a running node knows is None without one.

    state: a word of `standing.STATES`. frontier: hex of what all logs come to. refused: other
    members' nodes refuse this device. room: how much more of this device others keep. joined: how
    far a home is that took the state of a seal. coming: the height of the state that is being
    fetched, 0 before a peer offered one. light: of how many heights a light home keeps all
    records; None for a full one. keepers: how many members are known to keep the whole ledger;
    keepers_needed: how many must, so that nothing is lost while witnesses lie. parent: where a
    re-founded community goes on from. reach: what the node knows of being dialled from outside.
    """

    community: CommunityId | None
    community_name: str | None
    member: MemberId
    member_name: str | None
    device: DeviceKey
    records: int
    logs: int
    frontier: str
    state: str
    running: bool = False
    behind: int | None = None
    listening: tuple[str, ...] = ()
    peers: tuple[PeerSummary, ...] = ()
    refused: bool | None = None
    writable: bool | None = None
    damaged: int | None = None
    room: dict[str, int] | None = None
    finality: FinalityState | None = None
    joined: dict[str, int] | None = None
    coming: int | None = None
    not_counting: int = 0
    parent: dict[str, Any] | None = None
    light: int | None = None
    keepers: int | None = None
    keepers_needed: int | None = None
    reach: ReachState | None = None


class NodeOfHome(HomeAccess):
    """The node that runs this home, and what it knows of others."""

    def start_node(
        self, *, listen: tuple[str, ...] = (), mdns: bool = True, port_mapping: bool = True
    ) -> list[str]:
        """Start the node in the background; return its addresses once it answers.

        listen: multiaddrs, else everywhere at the port of the home. mdns: whether nodes are looked
        for on the local network. port_mapping: whether the router is asked to forward the port.
        Raises HomeInUse, NodeNotStarted.
        """
        from commonweal.node.control.daemon import NodeProcess

        self.refresh()
        secrets = self._unlock(self.home)
        return NodeProcess(
            self.home, secrets, listen=listen, mdns=mdns, port_mapping=port_mapping
        ).addresses()

    def stop_node(self) -> None:
        """End the node of this home. Raises NodeNotRunning."""
        from commonweal.node.control import daemon

        daemon.stop(self.home)

    def make_light(self, heights: int) -> None:
        """Let this home keep the records of the last heights only, from its next start on.

        Raises HomeInUse while its node runs, and WitnessKeepsAll.
        """
        if self.home.holder() is not None:
            raise HomeInUse(self.words("end its node before: weal down"))
        with self.home.store(readonly=True) as store:
            settings = Settings.read(store)
        if settings.community is not None and self._is_witness(settings):
            raise WitnessKeepsAll(self.words("give up the seat before: weal role resign witness"))
        with self.home.store() as store:
            light_home.keep_heights(store, heights)
            store.commit()

    def make_full(self) -> None:
        """Let this home keep the whole ledger, from its next start on.

        What it dropped is fetched then. Raises HomeInUse while its node runs.
        """
        if self.home.holder() is not None:
            raise HomeInUse(self.words("end its node before: weal down"))
        with self.home.store() as store:
            light_home.keep_heights(store, None)
            store.commit()

    def _is_witness(self, settings: Settings) -> bool:
        """Say whether this device has a seat, or stands for one."""
        from commonweal.protocol.ledger.governance import witness_set

        kept = self.sealed.kept
        seated = [witness.device for witness in kept.chain_point().witnesses]
        standing = [offer.witness.device for offer in witness_set.candidates(kept.final)]
        self.close()
        return settings.device in (*seated, *standing)

    def status(self) -> HomeStatus:
        """Return how this home stands, with or without a running node."""
        with self.home.store(readonly=True) as store:
            settings = Settings.read(store)
            if settings.community is None:
                return _offline(store, settings, None, None)
            people = of_home(self.home, store, settings.here, self.words)
            live = self._node_status()
            state = _offline(store, settings, people, live)
            final = finality(store, settings, people, None if live is None else live.sealing)
            final = replace(
                final,
                doubt=doubt(self.home, final, self.words) or None,
                newest_held_by=None if live is None else self._newest_held_by(store, settings),
            )
            progress, height = joined(self.home, store)
            state = replace(
                state,
                finality=final,
                joined=progress,
                coming=height,
                not_counting=len(void_records(self.home)),
                parent=parent(store, settings),
            )
            if live is None:
                return state
            return replace(_online(state, live, people), reach=self._reach())

    def peers(self) -> KnownPeers:
        """Return the nodes of other members, connected or not. Raises NotReachable."""
        from commonweal.node.control.messages.node_status import Peers

        answer = ask(self.home, Peers())
        with self.home.store(readonly=True) as store:
            people = People(store, Settings.read(store).here, words=self.words)
            peers = tuple(_peer_state(peer, people) for peer in answer.peers)
            return KnownPeers(peers, tuple(writers(store, people)))

    def _node_status(self) -> NodeStatus | None:
        """Return what the running node says of itself; None, and nothing is loaded, without one."""
        if self.home.holder() is None:
            return None
        from commonweal.node.control.messages.node_status import Status

        return self.node_answer(Status())

    def _reach(self) -> ReachState | None:
        from commonweal.node.control.messages.reach import Reach

        return self.node_answer(Reach())

    def _newest_held_by(self, store: Store, settings: Settings) -> int | None:
        from commonweal.node.control.messages.held_records import Holders

        head = store.log(settings.device).head
        answer = self.node_answer(Holders(bytes(head))) if head else None
        return None if answer is None else len(answer.holders)


def writers(store: Store, people: People) -> list[WriterUse]:
    """Return what each member's logs have this node keep, the largest first.

    Logs that nobody admitted stand under the member that they name, else under none.
    """
    sums: dict[bytes | None, list[int]] = {}
    for row in store.logs():
        device = registry.device_row(people.state, row.author)
        uses = sums.setdefault(None if device is None else device.member, [0, 0, 0, 0])
        for place, more in enumerate((row.length, row.size, row.documents, row.texts)):
            uses[place] += more
    order = sorted(sums.items(), key=lambda entry: (-entry[1][1], entry[0] or b""))
    return [
        WriterUse(None if member is None else MemberId(member), people.name(member) or None, *uses)
        for member, uses in order
    ]


def largest_writers(uses: Sequence[WriterUse], words: Words) -> str:
    """Return the largest writers in words, with what they have this node keep."""
    return ", ".join(
        words("{name} {size} MiB").format(
            name=visible(use.member_name or words("not a member yet")),
            size=f"{use.bytes / MIB:,.1f}",
        )
        for use in uses[:WRITERS_NAMED_MAX]
    )


def _offline(
    store: Store, settings: Settings, people: People | None, live: NodeStatus | None
) -> HomeStatus:
    """Return what a home knows of itself; how it stands, the running node says."""
    from commonweal.protocol.records.frontier import Frontier, FrontierEntry

    counts = store.counts()
    rows = [FrontierEntry(row.author, row.length, row.head, row.frozen) for row in store.logs()]
    return HomeStatus(
        community=settings.community,
        community_name=None if people is None else people.community_name(),
        member=settings.member,
        member_name=settings.name or (people.name(settings.member) if people else None),
        device=settings.device,
        records=counts.records,
        logs=counts.logs,
        frontier=Frontier(rows).digest().hex(),
        state=one_word(live.state) if live else standing(store, settings, people),
        light=light_home.heights_kept(store),
    )


def _online(state: HomeStatus, live: NodeStatus, people: People) -> HomeStatus:
    """Return the status with what the running node answers in the place of what is stored."""
    return replace(
        state,
        running=True,
        behind=live.behind,
        records=live.records,
        logs=live.logs,
        frontier=live.digest.hex(),
        listening=live.listening,
        refused=is_refused(live),
        writable=live.writable,
        damaged=live.damaged,
        room=dict(zip(ROOM_FIELDS, live.room, strict=True)),
        light=live.light,
        keepers=live.keepers,
        keepers_needed=live.keepers_needed,
        peers=tuple(_peer_state(peer, people) for peer in live.peers if _is_connected(peer)),
    )


def _peer_state(peer: PeerStatus, people: People) -> PeerSummary:
    member = None if peer.member is None else MemberId(peer.member)
    return PeerSummary(
        member=member,
        member_name=people.name(member) if member else None,
        device=None if peer.device is None else DeviceKey(peer.device),
        address=peer.address,
        state="connected" if _is_connected(peer) else "absent",
        behind=peer.behind,
        ahead=peer.ahead,
        dropped=peer.dropped,
    )


def _is_connected(peer: PeerStatus) -> bool:
    return peer.standing != "absent"
