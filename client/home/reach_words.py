"""Whether others can dial this node from outside its network, in a member's words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commonweal.client.language.times import shown
from commonweal.client.language.words import N_, Words

if TYPE_CHECKING:
    from commonweal.node.reach_state import ReachState

FROM_OUTSIDE = N_("from outside")
"""Under this name `weal status` and the page tell it."""

_SAID = {
    "met": N_("reached: a member came in at {address}, {time}"),
    "relayed": N_("reached through the relay at {address}"),
    "refused": N_("not reached: a member tried {address} in vain, {time}"),
    "unknown": N_("not known: no member outside has tried port {port} yet"),
}
_ADVICE = N_(
    "Forward TCP port {port} on the router, name a relay in the settings, or link to one member "
    "that others reach: docs/reach.md."
)


def reach_kind(reach: ReachState) -> str:
    """Return "met", "relayed", "refused" or "unknown"."""
    if any(held.from_outside for held in reach.confirmed):
        return "met"
    if reach.relayed:
        return "relayed"
    return "refused" if reach.unreached else "unknown"


def reach_words(reach: ReachState, words: Words) -> str:
    """Return whether others can dial this node, and how that is known."""
    kind, address, time_ms = reach_kind(reach), "", 0
    if kind == "met":
        held = next(held for held in reach.confirmed if held.from_outside)
        address, time_ms = held.address, held.at_ms
    elif kind == "refused":
        address, time_ms = reach.unreached[0].address, reach.unreached[0].at_ms
    elif kind == "relayed":
        address = reach.relayed[0].partition("/p2p/")[0]
    said = words(_SAID[kind])
    return said.format(address=address, time=shown(time_ms), port=reach.port or "?")


def reach_advice(reach: ReachState, words: Words) -> str:
    """Return what makes this node reachable; "" when it is, or nobody has tried yet."""
    if reach_kind(reach) != "refused":
        return ""
    return words(_ADVICE).format(port=reach.port or "?")
