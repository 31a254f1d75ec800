"""Seals, votes and proposals of a small set of witnesses, for tests that read or refuse them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from commonweal.protocol.keys import DeviceKey, Signer
from commonweal.protocol.seal.chain import TrustedPoint, founding_point
from commonweal.protocol.seal.cut import Delta, SealedLog
from commonweal.protocol.seal.formats import Proposal, Seal, SealedHeight, sign_proposal
from commonweal.protocol.seal.have_frontiers import HaveFrontier, sign_have
from commonweal.protocol.seal.quorum import quorum_of
from commonweal.protocol.seal.votes import (
    Certificate,
    SealId,
    Step,
    Vote,
    certify,
    sign_vote,
)
from commonweal.protocol.seal.witnesses import Witness, witness_devices, witness_set_root
from tests.builders.cuts import whole_cut_root
from tests.protocol.seal.witness import COMMUNITY, LOGS, record_id, seats, signer

SET = seats(4)
SIGNERS: dict[DeviceKey, Signer] = {DeviceKey(signer(n).key): signer(n) for n in range(12)}
DEVICES = witness_devices(SET)
POINT = replace(founding_point(COMMUNITY, SET[0]), witnesses=SET)
START_MS = 1_700_000_000_000


def logs(*lengths: int) -> tuple[SealedLog, ...]:
    """The first logs with these lengths; 0 leaves one out."""
    listed = zip(LOGS, lengths, strict=False)
    return tuple(SealedLog(log, n, record_id(log, n)) for log, n in listed if n)


def delta(*lengths: int) -> Delta:
    return Delta(logs(*lengths), DEVICES[:3])


def seal(of: Delta | None = None, **changed: Any) -> Seal:
    """The first seal over a cut that is all delta, with fields changed."""
    of = of or delta(3, 2)
    root = whole_cut_root({log.author: log for log in of.logs}, of.present)
    plain = Seal(
        *(COMMUNITY, 1, SealId(COMMUNITY), 1, root, 5, START_MS, b"", (), witness_set_root(SET)),
        *(b"\1" * 32, b"\2" * 32, b"\3" * 32),
    )
    return replace(plain, **changed)


def haves(*lengths: tuple[int, ...]) -> tuple[HaveFrontier, ...]:
    """A have-frontier of each witness in turn, for height 1."""
    shown = zip(DEVICES, lengths, strict=False)
    return tuple(
        sign_have(SIGNERS[device], COMMUNITY, 1, SealId(COMMUNITY), logs(*own))
        for device, own in shown
    )


def vote(place: int, step: Step, on: SealId, round_: int = 0, height: int = 1) -> Vote:
    return sign_vote(SIGNERS[DEVICES[place]], COMMUNITY, height, round_, step, on)


def proposal(round_: int = 0, of: Delta | None = None, **changed: Any) -> Proposal:
    """A fresh proposal of the witness whose turn it is at height 1."""
    of = of or delta(3, 2)
    shown = haves((3, 2), (3, 1), (2, 2))
    who = SIGNERS[DEVICES[(1 + round_) % 4]]
    return sign_proposal(who, round_, seal(of, **changed), of, shown)


def certificate(on: Seal, witnesses: tuple[Witness, ...] = SET, round_: int = 0) -> Certificate:
    votes = [
        sign_vote(SIGNERS[one], COMMUNITY, on.height, round_, Step.PRECOMMIT, on.id)
        for one in witness_devices(witnesses)
    ]
    return certify(votes, quorum_of(len(witnesses)).needed)


def sealed_after(
    point: TrustedPoint, witnesses: tuple[Witness, ...] | None = None, **changed: Any
) -> SealedHeight:
    """A certified height after `point`, that lets `witnesses` follow."""
    after = point.witnesses if witnesses is None else witnesses
    place = {"height": point.height + 1, "prev": point.seal, "witnesses": witness_set_root(after)}
    time = {"time_ms": point.time_ms + 1, "clock": point.clock + 1}
    one = seal(**{**place, **time, **changed})
    return SealedHeight(one, certificate(one, point.witnesses), after)
