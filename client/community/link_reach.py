"""Whether somebody outside this network can use a link, tested when the link is made.

The node is asked to have members dial it back at that moment; what no member tried is called
untried and never promised. Nothing here opens a socket of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from commonweal.client.home.node_client import ask_if_running
from commonweal.client.home.own_addresses import is_public
from commonweal.client.home.router_words import mapping_advice
from commonweal.client.language.words import N_, Words
from commonweal.protocol.identity.invite import CommunityLink, is_circuit
from commonweal.storage.home.home import Home

if TYPE_CHECKING:
    from commonweal.node.control.messages.node_status import NodeStatus
    from commonweal.node.reach_state import ReachState

MET, RELAYED, MEMBER = "met", "relayed", "member"
MAPPED, UNTRIED, REFUSED, PRIVATE = "mapped", "untried", "refused", "private"

_WORKS: Final = {MET: True, RELAYED: True, MEMBER: True, MAPPED: None, UNTRIED: None}
_SAID: Final = {
    MET: N_("It works from anywhere: {name} has reached this node at {address}."),
    RELAYED: N_("It works from anywhere, through the relay at {address}."),
    MEMBER: N_("It works from anywhere: it also names the node of {name} at {address}."),
    MAPPED: N_("It should work from outside: the router forwards {address}; nobody could try it."),
    UNTRIED: N_("It may work from outside: nobody was there to try {address}."),
    REFUSED: N_("It does not work from outside: {name} tried {address} in vain."),
    PRIVATE: N_("It works on this network only: all addresses in it are private."),
}
_WAYS: Final = (
    N_("A relay makes it work: name one in the settings (relays = [...]); `weal relay` runs one."),
    N_("One member that others reach makes it work: link to them, and make the link again."),
)


@dataclass(frozen=True, slots=True)
class LinkReach:
    """How a link can be used from outside this network.

    state: "met" (a member dialled this node at `address`), "relayed" (through the relay at
    `address`), "member" (the link also names the reachable node of member `by`), "mapped" (the
    router forwards `address`, and nobody could try it), "untried" (nobody could try `address`),
    "refused" (`by` tried in vain) or "private". works: None for mapped and untried.
    advice: what would make it work; empty when it works.
    """

    state: str
    works: bool | None
    address: str | None
    by: bytes | None
    by_name: str
    advice: tuple[str, ...]

    def said(self, words: Words) -> str:
        """Return it in words for the member."""
        name = self.by_name or words("a member")
        return words(_SAID[self.state]).format(address=self.address or "?", name=name)


def tried_reach(home: Home) -> ReachState | None:
    """Have members dial the node of this home now, for TEST_S of the network at most.

    Returns what is known then, None where no node runs. Addresses that were met are in a link that
    is made afterwards.
    """
    from commonweal.node.control.messages.reach import TryReach

    return ask_if_running(home, TryReach())


def link_reach(
    home: Home,
    link: CommunityLink,
    reach: ReachState | None,
    owner: Callable[[bytes], tuple[bytes | None, str]],
    words: Words,
) -> LinkReach:
    """Return how a link can be used, as `reach` says that was tried before it was made.

    reach: None where no node runs. owner: returns the member of a peer key, and their name.
    """
    from commonweal.node.control.messages.node_status import Status

    status = ask_if_running(home, Status()) if reach is not None else None
    state, address, peer = _found(link, reach, status)
    member, name = owner(peer) if peer is not None else (None, "")
    works = _WORKS.get(state, False)
    advice = () if works else _advice(reach, words)
    return LinkReach(state, works, address, member, name, advice)


def _found(
    link: CommunityLink, reach: ReachState | None, status: NodeStatus | None
) -> tuple[str, str | None, bytes | None]:
    """Return the state, the address that shows it, and the peer that tried or is named."""
    own = link.contacts[0].addresses
    outside = [address for address in own if is_public(address)]
    if reach is not None:
        for held in reach.confirmed:
            if held.from_outside and held.address in own:
                return MET, held.address, held.by
        for address in reach.relayed:
            if address in own:
                return RELAYED, address.partition("/p2p/")[0], None
    linked = {peer.peer: peer.address for peer in status.peers} if status is not None else {}
    for contact in link.contacts[1:]:
        address = linked.get(contact.peer, "")
        if address in contact.addresses and is_public(address):
            return MEMBER, address, contact.peer
    tried = {held.address: held.by for held in reach.unreached} if reach is not None else {}
    for address in outside:
        if address not in tried and not is_circuit(address):
            mapping = reach.mapping if reach is not None else None
            is_mapped = mapping is not None and mapping.address == address
            return MAPPED if is_mapped else UNTRIED, address, None
    for address, by in tried.items():
        return REFUSED, address, by
    return PRIVATE, None, None


def _advice(reach: ReachState | None, words: Words) -> tuple[str, ...]:
    router = mapping_advice(reach, words) if reach is not None else ""
    return tuple(said for said in (router, *(words(way) for way in _WAYS)) if said)
