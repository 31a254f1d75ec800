"""How a home stands in its community: member, asking, gone, or refused; and how far it has come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from commonweal.client.language.words import N_, Words
from commonweal.client.ledger.names.directory import People
from commonweal.protocol.errors import StorageError
from commonweal.protocol.identity.parent import parent_of
from commonweal.protocol.records.record import RecordId
from commonweal.storage.home.home import Home, Settings
from commonweal.storage.records.logs.log_store import Store
from commonweal.storage.records.settings import RESTORING

if TYPE_CHECKING:
    from commonweal.node.control.messages.node_status import NodeStatus

WAITING = "waiting-for-admission"
LETS_IN = N_("Where the invite is not enough, a member lets you in: `weal vouch`.")
"""What a newcomer may wait for, who is known to the community already."""
AWAITING = N_("awaiting-restore")
STATES = (
    N_("waiting-for-admission"),
    N_("member"),
    N_("no-community"),
    N_("refused"),
    N_("frozen"),
    N_("revoked"),
    N_("left"),
    N_("removed"),
)
"""How a home stands, in one word, as programs read it; people read it in their language."""


def joined(home: Home, store: Store) -> tuple[dict[str, int] | None, int | None]:
    """Return how far a home that takes the state of a seal has come.

    First how many records of a state that is here have arrived, until all have; then the height of
    a state that is being fetched, 0 before a peer offered one. None where it is not so.
    """
    from contextlib import closing

    from commonweal.storage.consensus.restored import coming, held
    from commonweal.storage.ledger.state.state_db import StateDb

    if not home.state.exists():
        return None, None
    try:
        with closing(StateDb(home.state)) as layers:
            progress = held(layers, store)
            return None if progress is None else progress._asdict(), coming(layers)
    except StorageError:  # what was folded cannot be read; the rest of the home can
        return None, None


def coming_words(height: int, words: Words) -> str:
    """Say that the state of a community is being fetched, and what that means for what is seen."""
    begun = words("The state at height {height} is coming from other members.").format(
        height=f"{height:,}"
    )
    asked = words("Other members are asked for the state of the community.")
    until = words(
        "Until it is here, this home shows too few members, names and amounts; keep `weal up`"
        " running."
    )
    return words.sentences(begun if height else asked, until)


def parent(store: Store, settings: Settings) -> dict[str, Any] | None:
    """Return from where a re-founded community goes on, as json says it."""
    founding = store.record(RecordId(settings.here))
    parent = None if founding is None else parent_of(founding)
    if parent is None:
        return None
    ids = {"community": parent.community.hex(), "seal": parent.seal.hex()}
    return {**ids, "height": parent.height}


def standing(store: Store, settings: Settings, people: People | None) -> str:
    """Return how this home stands in its community, in one word: see `join.STATES`."""
    if people is None:
        return "no-community"
    from commonweal.protocol.ledger.members import membership
    from commonweal.storage.ledger.membership import requested_invite

    if store.log(settings.device).frozen is not None:
        return "frozen"
    if store.setting(RESTORING):
        return AWAITING
    state = membership.status_of(people.state, settings.device)
    if settings.member in dict(people.decided.removed):
        state = "removed"
    if state in ("left", "removed") and requested_invite(store, settings.device):
        return "waiting-for-admission"
    if state == "active":
        return "member"
    if state is None or state in ("new", "requested"):
        return "waiting-for-admission"
    return one_word(state)


def is_refused(live: NodeStatus) -> bool:
    """Say whether the members' nodes, of which none is connected, refuse us as no member."""
    refusal = live.refusal
    here = any(peer.standing == "member" for peer in live.peers)
    is_member = one_word(live.state) == "member"
    return bool(is_member and not here and refusal and refusal[0] == "not-a-member")


def refused_words(words: Words) -> str:
    """Say what a refusal by other members' nodes means for who was a member as far as is known."""
    return words(
        "Other members' nodes refuse this device: they know of a seal by which you are no member"
        " any more. What you record now counts for nothing; ask a member."
    )


def one_word(state: str) -> str:
    """Return a state without the reason that may follow it."""
    return state.partition(":")[0]
