"""What of a proposal can be judged without a record: links, limits, roots of the cut.

Sound is what never changes, whoever looks and whenever. Time and fairness are judged by a
witness's own clock and only while a proposal is fresh; what a quorum has once found good
stays good. Whether the cut is closed, and what its records fold to, the ledger judges.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from commonweal.protocol.errors import InvalidSeal
from commonweal.protocol.keys import DeviceKey, short
from commonweal.protocol.merkle import NodeReader, update
from commonweal.protocol.seal.chain import TrustedPoint, check_order
from commonweal.protocol.seal.cut import (
    CUT_LOGS_MAX,
    FULL_CUT_BYTES,
    FULL_CUT_RECORDS,
    Cut,
    Delta,
    cut_root,
    extend,
    new_records,
    tree_changes,
)
from commonweal.protocol.seal.formats import Proposal
from commonweal.protocol.seal.have_frontiers import (
    HaveFrontier,
    Least,
    fair_lengths,
    have_logs_max,
    left_out,
)
from commonweal.protocol.seal.quorum import quorum_of
from commonweal.protocol.seal.timing import is_timely
from commonweal.protocol.seal.witnesses import witness_devices


def check_sound(
    proposal: Proposal,
    point: TrustedPoint,
    last: Cut,
    tree: NodeReader,
    deadline_ms: int | None = None,
) -> None:
    """Raise `InvalidSeal` unless the seal follows `point` and its delta extends `last`.

    tree: the nodes of the cut's tree at `last`, by place. deadline_ms: the earliest sealed
    deadline that no seal has passed; without records or evidence only that asks for a seal.
    """
    seal, delta = proposal.seal, proposal.delta
    check_order(seal, point)
    extend(last, delta)
    if not delta.logs and not seal.evidence and (deadline_ms is None or seal.time_ms < deadline_ms):
        raise InvalidSeal("there is nothing to seal")
    changed = update(tree, tree_changes(delta.logs))
    if seal.cut_root != cut_root(changed.root, delta.present):
        raise InvalidSeal("the root of the cut is not that of its logs")


def check_fresh(
    proposal: Proposal,
    point: TrustedPoint,
    last: Cut,
    now_ms: int,
    excused: Iterable[DeviceKey] = (),
    candidates: Iterable[DeviceKey] = (),
    possible: Callable[[Least], Least] = lambda least: least,
    size: int = 0,
) -> None:
    """Raise `InvalidSeal` unless a fresh proposal is timely and fair.

    now_ms: this witness's clock. excused: the logs that the seal's evidence freezes.
    candidates: devices that hold the role without a seat, whose have-frontiers show that
    they are there and count for nothing else. possible: returns how much of what is left out
    a cut can cover, as far as is known here. size: the bytes of the records new in it.
    """
    if not is_timely(proposal.seal.time_ms, point.time_ms, now_ms):
        raise InvalidSeal("its time is more than two minutes from the clock here")
    seated = witness_devices(point.witnesses)
    check_haves(proposal.haves, seated, tuple(candidates))
    if proposal.delta.present != tuple(have.device for have in proposal.haves):
        raise InvalidSeal("who is present is not who shows what he has")
    voting = [have for have in proposal.haves if have.device in seated]
    least = fair_lengths(voting, last, quorum_of(len(seated)).lies)
    missing = left_out(least, proposal.delta, last, excused)
    if missing and not is_full(last, proposal.delta, size):
        asked = possible({author: least[author] for author in missing})
        missing = left_out(asked, proposal.delta, last)
    else:
        missing = ()
    if missing:
        raise InvalidSeal(f"it leaves out records of {short(missing[0])} that a witness holds")


def is_full(last: Cut, delta: Delta, size: int) -> bool:
    """Whether a cut holds so much that what it leaves out may wait for the next.

    size: the bytes of its new records.
    """
    is_large = size >= FULL_CUT_BYTES or len(delta.logs) >= CUT_LOGS_MAX
    return is_large or new_records(last, delta) >= FULL_CUT_RECORDS


def check_haves(
    haves: Iterable[HaveFrontier], seated: tuple[DeviceKey, ...], candidates: tuple[DeviceKey, ...]
) -> None:
    """Raise `InvalidSeal` unless have-frontiers of a quorum are there, and none of a stranger."""
    voting = 0
    most = have_logs_max(len(seated))
    for have in haves:
        voting += have.device in seated
        if have.device not in seated and have.device not in candidates:
            raise InvalidSeal(f"{short(have.device)} is no witness and no candidate")
        if len(have.logs) > most:
            raise InvalidSeal(f"a have-frontier names {len(have.logs)} logs, more than {most}")
    if voting < quorum_of(len(seated)).needed:
        raise InvalidSeal(f"it carries have-frontiers of {voting} witnesses, not of a quorum")
