"""What the home's router answered about our port, in a member's words, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commonweal.client.language.words import N_, Words

if TYPE_CHECKING:
    from commonweal.node.reach_state import PortMapping, ReachState

PORT_MAPPING = N_("port mapping")
"""Under this name `weal status`, `weal doctor` and the page tell it."""

_ANSWERS = {
    "": N_("{way}: the router forwards {address} to this node"),
    "asking": N_("the router {gateway} is being asked"),
    "no-router": N_("no router is found on this network"),
    "local-only": N_("not asked: this node does not listen on the address that the router sees"),
    "public-already": N_("not needed: this computer has a public address"),
    "silent": N_("the router {gateway} answers none of PCP, NAT-PMP and UPnP"),
    "refused": N_("the router {gateway} refuses by {way}: {said}"),
    "not-public": N_("{way}: the router forwards {address}, but its own address is not public"),
    "not-connected": N_("{way}: the router {gateway} has no address outside: it is offline"),
}
_ADVICE = {
    "silent": N_("Switch on UPnP or PCP on the router's page, or forward TCP port {port} there."),
    "refused": N_(
        "Allow port mapping on the router's page, or forward TCP port {port} there. "
        "A router that has no public address itself refuses, too."
    ),
    "not-public": N_(
        "Another router is before it, often the provider's: ask them for a public address. "
        "Until then one member or relay that is reachable is enough."
    ),
    "not-connected": N_("Look whether the router is connected to the Internet."),
}


def mapping_words(mapping: PortMapping | None, words: Words) -> str:
    """Return what the router answered; None: it is not asked, since that is switched off."""
    if mapping is None:
        return words("switched off")
    return words(_ANSWERS[mapping.reason]).format(
        way=mapping.way or "?",
        address=mapping.address,
        gateway=mapping.gateway or "?",
        said=mapping.said,
    )


def mapping_advice(reach: ReachState, words: Words) -> str:
    """Return what the member can do; "" when there is nothing to do."""
    if reach.mapping is None or reach.mapping.reason not in _ADVICE:
        return ""
    return words(_ADVICE[reach.mapping.reason]).format(port=reach.port or "?")
