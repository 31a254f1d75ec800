"""Validation of a proposal without its records: links, limits, roots, time and fairness.

A proposal is sound when every node would say so at any time. Time and fairness depend on the
witness and are checked only while a proposal is fresh: what a quorum once accepted stays
accepted. Whether the cut is closed, and what its records fold to, is validated by the ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from commonweal.protocol.errors import InvalidSeal
from commonweal.protocol.keys import DeviceKey, short
from commonweal.protocol.merkle import PageReader, update
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
    tree: PageReader,
    deadline_ms: int | None = None,
) -> None:
    """Raise `InvalidSeal` unless the seal follows `point` and its delta extends `last`.

    tree: pages of the cut's tree at `last`, by place. deadline_ms: the earliest sealed deadline
    that no seal has passed; it is the only reason for a seal without records and evidence.
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

    now_ms: this witness's clock. excused: logs that the seal's evidence freezes. candidates:
    devices with the role but without a seat; their have-frontiers only show that they are
    present. possible: returns which part of the omitted lengths a cut can cover, as far as this
    witness knows. size: bytes of the new records.
    """
    if not is_timely(proposal.seal.time_ms, point.time_ms, now_ms):
        raise InvalidSeal("its time is more than two minutes from the clock here")
    seated = witness_devices(point.witnesses)
    check_haves(proposal.haves, seated, tuple(candidates))
    if proposal.delta.present != tuple(have.device for have in proposal.haves):
        raise InvalidSeal("the present devices are not those of its have-frontiers")
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
    """Whether a cut is full, so that it may leave records for the next one.

    size: bytes of its new records.
    """
    is_large = size >= FULL_CUT_BYTES or len(delta.logs) >= CUT_LOGS_MAX
    return is_large or new_records(last, delta) >= FULL_CUT_RECORDS


def check_haves(
    haves: Iterable[HaveFrontier], seated: tuple[DeviceKey, ...], candidates: tuple[DeviceKey, ...]
) -> None:
    """Raise `InvalidSeal` unless a quorum has have-frontiers, and only witnesses and candidates."""
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
