"""What is wrong with a home and its node, in plain sentences, each with what to do.

Reads and asks, and never changes anything. What concerns the home alone is in `home_checks.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median_low
from typing import TYPE_CHECKING, TypeAlias

from commonweal.client.access import HomeAccess
from commonweal.client.community.standing import LETS_IN, WAITING, standing
from commonweal.client.home.node_client import ask
from commonweal.client.home.own_addresses import answers, is_public, is_taken, own_ports, ports_of
from commonweal.client.home.reach_words import reach_advice, reach_kind, reach_words
from commonweal.client.home.router_words import PORT_MAPPING, mapping_advice, mapping_words
from commonweal.client.home.submit import now_ms
from commonweal.client.keep.home_checks import (
    CheckedHome,
    HealthFinding,
    check_contents,
    check_disk,
    check_folder,
    check_keystore,
    check_ledger,
    check_settings,
    damaged,
)
from commonweal.client.keep.integrity import UNREADABLE
from commonweal.client.language.words import N_, Words
from commonweal.client.ledger.names.directory import People, of_home
from commonweal.client.sharing.finality import AHEAD_MS_MAX
from commonweal.protocol.errors import BadSetting, NotReachable
from commonweal.protocol.records.record import from_bytes_unchecked
from commonweal.storage.home.home import Home, Settings

if TYPE_CHECKING:
    from commonweal.node.control.messages.node_status import NodeStatus, PeerStatus
    from commonweal.node.reach_state import ReachState

Check: TypeAlias = "Callable[[CheckedHome], HealthFinding]"

SKEW_MS_MAX = 60_000
"""Clocks that differ by more are named; seals bear two minutes."""
MINUTE_MS = 60_000
SEAL_WAITS_MS_MAX = 15 * MINUTE_MS
"""What waits so long for a seal, waits for witnesses that do not come."""


class HomeHealth(HomeAccess):
    """How a home and its node are; also where the ledger cannot be read."""

    def health(self) -> tuple[HealthFinding, ...]:
        """Return what was checked, well or not. Raises MissingDatabase where there is no home.

        More is seen with a running node. A part of the database that cannot be read is a finding.
        """
        with self.home.store(readonly=True) as store:
            settings = Settings.read(store)
            status, node = _node(self.home, settings, self.words)
            reach = None if status is None else self._reach()
            checked = CheckedHome(self.home, store, settings, status, reach, self.words)
            return (node, *(_finding(check, checked) for check in CHECKS))

    def _reach(self) -> ReachState | None:
        from commonweal.node.control.messages.reach import Reach

        return self.node_answer(Reach())


def _finding(check: Check, checked: CheckedHome) -> HealthFinding:
    try:
        return check(checked)
    except UNREADABLE as error:
        return damaged(error, checked.words)


def _node(home: Home, settings: Settings, words: Words) -> tuple[NodeStatus | None, HealthFinding]:
    """Return what the running node says of itself, and whether it runs."""
    from commonweal.node.control.messages.node_status import Status

    name = N_("node")
    if settings.community is None:
        return None, HealthFinding(
            name, True, words("not needed yet: this home is in no community")
        )
    pid = home.holder()
    if pid is None:
        return None, HealthFinding(
            name, False, words("your node is not running"), words("Type `weal up --background`.")
        )
    try:
        return ask(home, Status()), HealthFinding(name, True, words("running"))
    except NotReachable:
        return None, HealthFinding(
            name,
            False,
            words("process {pid} holds this home and does not answer").format(pid=pid or "?"),
            words("Wait a minute; then end it with `kill {pid}`, and type `weal up`.").format(
                pid=pid or "?"
            ),
        )


def _membership(checked: CheckedHome) -> HealthFinding:
    name = N_("membership")
    community = checked.settings.community
    people = of_home(checked.home, checked.store, community, checked.words) if community else None
    state = standing(checked.store, checked.settings, people)
    advice = {
        "no-community": checked.words(
            "Type `weal found NAME`, or `weal join LINK` with an invite."
        ),
        "waiting-for-admission": checked.words(
            "Keep `weal up` running until a node of the community answers."
        ),
        "awaiting-restore": checked.words(
            "Keep `weal up` running until a peer has given you your records."
        ),
        "frozen": checked.words("Make a new home from your 24 words: `weal restore --words`."),
        "revoked": checked.words(
            "This device was ended by its member; use another, or `weal restore`."
        ),
    }
    if state == WAITING and _connected(checked):
        advice[state] = checked.words(LETS_IN)
    if state == "member":
        return HealthFinding(name, True, checked.words("you are a member"))
    refusal = checked.status.refusal if checked.status is not None else None
    if state == "awaiting-restore" and refusal and refusal[0] == "not-a-member":
        return HealthFinding(
            name,
            False,
            checked.words(
                "the members' nodes refuse this device: its key speaks for no member there"
            ),
            checked.words(
                "If your key was changed, use the newest words, and a link that a member makes "
                "for you: weal device add --member YOUR-NAME."
            ),
        )
    return HealthFinding(
        name, False, checked.words(state), advice.get(state, checked.words("Ask the members why."))
    )


def _peers(checked: CheckedHome) -> HealthFinding:
    name = N_("peers")
    if checked.status is None:
        return HealthFinding(name, True, checked.words("not asked: the node is not running"))
    here = _connected(checked)
    if here:
        few = checked.words.plural("{n} node is connected", "{n} nodes are connected", len(here))
        return HealthFinding(name, True, few.format(n=len(here)))
    absent = checked.status.peers
    if not absent and checked.status.state == "member":
        return HealthFinding(
            name,
            True,
            checked.words("no other node is known: what you record is on this one only"),
            checked.words("`weal invite create` makes a link for others."),
        )
    tried = "; ".join(f"{peer.address or '?'} {peer.failure or ''}".strip() for peer in absent[:3])
    return HealthFinding(
        name,
        False,
        checked.words("none of {n} known nodes is reached: {tried}").format(
            n=len(absent), tried=tried
        ),
        checked.words(
            "Check your network; one member that all can reach is enough, if that node is up."
        ),
    )


def _version(checked: CheckedHome) -> HealthFinding:
    name = N_("version")
    refusal = checked.status.refusal if checked.status is not None else None
    if refusal and refusal[0] == "version":
        return HealthFinding(
            name,
            False,
            checked.words("a node refused this one, because it speaks another version"),
            checked.words(
                "Install the newest version here; if that is done, the other one has to."
            ),
        )
    return HealthFinding(name, True, checked.words("no node has refused it"))


def _clock(checked: CheckedHome) -> HealthFinding:
    name = N_("clock")
    skews = [peer.skew_ms for peer in _connected(checked) if peer.skew_ms is not None]
    skew = median_low(skews) if skews else 0
    advice = checked.words("Let the system set its clock from the network (NTP).")
    if abs(skew) > SKEW_MS_MAX:
        apart = checked.words(
            "it differs by {s} seconds from that of {n} of {all} connected nodes"
        ).format(
            s=abs(skew) // 1000, n=sum(abs(other) > SKEW_MS_MAX for other in skews), all=len(skews)
        )
        return HealthFinding(name, False, apart, advice)
    sealed = _sealed_ms(checked) - now_ms()
    if sealed > AHEAD_MS_MAX:
        late = checked.words("the last seal is dated {s} seconds later than now").format(
            s=sealed // 1000
        )
        back = checked.words(
            "If this clock is right, the next seal goes back to it, within a month after the wrong"
            " one: type `weal seal` on the node of a witness."
        )
        return HealthFinding(name, False, late, back)
    ahead = _newest_ms(checked) - now_ms()
    if not skews and ahead > AHEAD_MS_MAX:
        late = checked.words(
            "a record that is here claims to be {s} seconds later than now"
        ).format(s=ahead // 1000)
        return HealthFinding(name, False, late, advice)
    return HealthFinding(name, True, checked.words("it agrees with what is known"))


def _port(checked: CheckedHome) -> HealthFinding:
    """Say whether others reach this node: one member that all reach is enough."""
    name = N_("port")
    listening = list(checked.status.listening) if checked.status is not None else []
    used = [checked.reach.port] if checked.reach is not None and checked.reach.port else []
    ports = used or ports_of(listening) or _usual_ports(checked)
    port = ", ".join(map(str, ports)) or "?"
    if checked.status is None:
        taken = [port for port in ports if is_taken(port)]
        if checked.home.holder() is None and taken:
            port = ", ".join(map(str, taken))
            return HealthFinding(
                name,
                False,
                checked.words("port {port} is used by another program").format(port=port),
                checked.words(
                    "End that program, or start with `weal up --listen /ip4/0.0.0.0/tcp/PORT`."
                ),
            )
        return HealthFinding(name, True, checked.words("free: {port}").format(port=port))
    own = _bound(checked, listening)
    closed = [address for address in own if not answers(address)]
    if not own or len(closed) == len(own):
        return HealthFinding(
            name,
            False,
            checked.words("none of this node's addresses answers: {listed}").format(
                listed=", ".join(closed) or "-"
            ),
            checked.words("Let the firewall of this machine pass TCP to port {port}.").format(
                port=port
            ),
        )
    reach = checked.reach
    if reach is not None and reach_kind(reach) != "unknown":
        advice = "" if _connected(checked) else reach_advice(reach, checked.words)
        return HealthFinding(name, True, reach_words(reach, checked.words), advice)
    if any(map(is_public, listening)):
        said = checked.words(
            "port {port}: it has a public address, which no member has tried yet"
        ).format(port=port)
        return HealthFinding(name, True, said)
    return HealthFinding(
        name,
        True,
        checked.words(
            "port {port}: all addresses are private, so only this network reaches it"
        ).format(port=port),
        ""
        if _connected(checked)
        else checked.words(
            "That is enough while one member has a public address and relays records. "
            "Otherwise forward a port of the router to {port}."
        ).format(port=port),
    )


def _bound(checked: CheckedHome, listening: list[str]) -> list[str]:
    """Return the addresses of this machine: the others lie on a router or a relay."""
    reach = checked.reach
    if reach is None:
        return listening
    mapped = {reach.mapping.address} if reach.mapping is not None else set()
    elsewhere = {*reach.announced, *reach.relayed, *mapped}
    elsewhere |= {held.address for held in reach.confirmed}
    return [address for address in listening if address not in elsewhere] or listening


def _mapping(checked: CheckedHome) -> HealthFinding:
    """Say what the router answered. None that helps is no fault: others may be reachable."""
    if checked.reach is None:
        return HealthFinding(
            PORT_MAPPING, True, checked.words("not asked: the node is not running")
        )
    said = mapping_words(checked.reach.mapping, checked.words)
    return HealthFinding(PORT_MAPPING, True, said, mapping_advice(checked.reach, checked.words))


def _usual_ports(checked: CheckedHome) -> list[int]:
    try:
        return own_ports(checked.home, checked.settings)
    except BadSetting:  # which `_settings` tells of
        return [] if checked.settings.port is None else [checked.settings.port]


def _sealing(checked: CheckedHome) -> HealthFinding:
    from commonweal.client.sharing.finality import finality, warnings

    name = N_("seals")
    if checked.settings.community is None:
        return HealthFinding(
            name, True, checked.words("not needed yet: this home is in no community")
        )
    live = checked.status.sealing if checked.status is not None else None
    state = finality(
        checked.store,
        checked.settings,
        People(checked.store, checked.settings.here, words=checked.words),
        live,
    )
    here = checked.words("nothing is sealed yet")
    if state.height:
        here = checked.words("up to height {height}").format(height=state.height)
    said = warnings(state, checked.words)
    if state.forked_at is not None or state.alarm:
        return HealthFinding(
            name, False, said[0], checked.words("Tell the other members, and compare with them.")
        )
    waits_ms = live.waits_ms if live is not None else 0
    if waits_ms < SEAL_WAITS_MS_MAX:
        return HealthFinding(name, True, here)
    waits = checked.words("{here}; something waits for {n} minutes").format(
        here=here, n=waits_ms // MINUTE_MS
    )
    advice = " ".join(said) or checked.words(
        "The witnesses are here and do not agree; look at their clocks."
    )
    return HealthFinding(name, False, waits, advice)


def _writers(checked: CheckedHome) -> HealthFinding:
    """Name those whose records take most of the disk."""
    from commonweal.client.community.node import largest_writers, writers

    name = N_("writers")
    if checked.settings.community is None:
        return HealthFinding(
            name, True, checked.words("not needed yet: this home is in no community")
        )
    writing = writers(
        checked.store, People(checked.store, checked.settings.here, words=checked.words)
    )
    return HealthFinding(
        name,
        True,
        largest_writers(writing, checked.words) or checked.words("nothing is written yet"),
    )


CHECKS: tuple[Check, ...] = (
    *(_membership, _peers, _sealing, _port, _mapping, _version, _clock),
    *(check_disk, _writers, check_ledger, check_contents),
    *(check_keystore, check_folder, check_settings),
)


def _connected(checked: CheckedHome) -> list[PeerStatus]:
    peers = checked.status.peers if checked.status is not None else ()
    return [peer for peer in peers if peer.standing != "absent"]


def _newest_ms(checked: CheckedHome) -> int:
    """Return the latest time that a record of another device claims, by its last record."""
    newest = 0
    for row in checked.store.logs():
        if row.author != checked.settings.device and row.length:
            for wire in checked.store.wires(row.author, row.length - 1, row.length, 0):
                newest = max(newest, from_bytes_unchecked(wire).claimed_at)
    return newest


def _sealed_ms(checked: CheckedHome) -> int:
    """Return the time of the last seal; 0 without one."""
    from commonweal.storage.records.seal_store import SealStore

    if checked.settings.community is None:
        return 0
    seals = SealStore(checked.store, checked.settings.community)
    kept = seals.at(seals.height)
    return 0 if kept is None else kept.sealed.seal.time_ms
