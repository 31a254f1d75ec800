"""The chain of seals: a node that missed heights verifies them by their certificates alone.

From a trusted point (the founding record, an invite's checkpoint, the last height here), each
seal names the witnesses of the next height. Two certified seals of one height mean that more
witnesses lied than the set tolerates: a node keeps its first, stops sealing, and shows both.
`verify_adjacent` and `verify_skipping` are the two kinds of verification of a light client
(CometBFT). What a seal's roots stand for is not checked here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from commonweal.protocol import keys
from commonweal.protocol.errors import FinalityForked, InvalidRecord, InvalidSeal, Malformed
from commonweal.protocol.identity.identity import Enrolment, Inception, check_enrolment
from commonweal.protocol.identity.parent import parent_of
from commonweal.protocol.keys import MemberKey, short
from commonweal.protocol.records.record import FOUND, CommunityId, Record
from commonweal.protocol.seal.formats import Seal, SealedHeight
from commonweal.protocol.seal.votes import (
    Certificate,
    SealId,
    certificate_to_bytes,
    check_certificate,
)
from commonweal.protocol.seal.witnesses import (
    SEATS_CHANGED_MAX,
    Witness,
    seats_added_max,
    witness_devices,
    witness_set_root,
)

HEIGHTS_PER_FRAME_MAX = 256
"""Sealed heights in one frame; with 7 witnesses about 400 KiB."""


@dataclass(frozen=True, slots=True)
class TrustedPoint:
    """A trusted point of the chain. witnesses: the set for height + 1, ascending by device."""

    community: CommunityId
    height: int
    seal: SealId
    clock: int
    time_ms: int
    witnesses: tuple[Witness, ...]


def founding_point(community: CommunityId, founder: Witness) -> TrustedPoint:
    """Return the start of a chain: height 0, the community's id as seal, one witness."""
    return TrustedPoint(community, 0, SealId(community), 0, 0, (founder,))


def chain_start(founding: Record) -> TrustedPoint:
    """Return the start of the chain of a founding record; with a parent, at the parent's height.

    Raises as `founder_of` does.
    """
    start = founding_point(CommunityId(founding.id), founder_of(founding))
    parent = parent_of(founding)
    if parent is None:
        return start
    return replace(start, height=parent.height, time_ms=parent.time_ms)


def founder_of(founding: Record) -> Witness:
    """Return the first witness: the device that wrote a founding record, and its member.

    Raises `InvalidRecord` for any other record, or `BadSignature` unless the member's keys, the
    device and its peer key signed it.
    """
    try:
        begun = Inception.from_bytes(founding.data["inception"])
        pairs = [(MemberKey(key), signature) for key, signature in founding.data["signatures"]]
        names = (founding.data["nonce"], begun.member, founding.author, founding.data["peer"])
        enrolment = Enrolment(*names)
        check_enrolment(enrolment, begun.keys, begun.threshold, pairs, founding.data["proof"])
    except (KeyError, TypeError, ValueError, Malformed) as error:
        raise InvalidRecord(f"{founding} founds no community") from error
    if founding.kind != FOUND:
        raise InvalidRecord(f"{founding} founds no community")
    keys.verify(founding.author, founding.header, founding.signature)
    return Witness(founding.author, begun.member)


def verify_adjacent(point: TrustedPoint, sealed: SealedHeight) -> TrustedPoint:
    """Return the point after `point`, with every signature of its certificate verified.

    Raises `InvalidSeal` when the seal does not follow from `point`, `NotCertified`, or
    `BadSignature`.
    """
    seal = sealed.seal
    if seal.community != point.community or seal.height != point.height + 1:
        raise InvalidSeal(f"height {seal.height} does not follow {point.height}")
    check_certified(seal, sealed.certificate, point)
    check_order(seal, point)
    return _after(point, sealed)


def verify_skipping(point: TrustedPoint, sealed: SealedHeight) -> TrustedPoint:
    """Return a later point; the heights between are omitted since the witnesses did not change.

    The module `finality_proof` says what that proves and what it leaves to trust. Raises as
    `verify_adjacent` does.
    """
    seal = sealed.seal
    if seal.height <= point.height + 1:
        return verify_adjacent(point, sealed)
    if seal.community != point.community:
        raise InvalidSeal("the seal is of another community")
    check_certified(seal, sealed.certificate, point)
    if seal.clock < point.clock:
        raise InvalidSeal(f"the clock of seal {short(seal.id)} went back")
    return _after(point, sealed)


def _after(point: TrustedPoint, sealed: SealedHeight) -> TrustedPoint:
    """Return the point after a certified seal, with its next witnesses checked."""
    seal = sealed.seal
    if seal.witnesses != witness_set_root(sealed.witnesses):
        raise InvalidSeal(f"the witnesses are not those that seal {short(seal.id)} names")
    came = [witness for witness in sealed.witnesses if witness not in point.witnesses]
    gone = [witness for witness in point.witnesses if witness not in sealed.witnesses]
    if len(came) > seats_added_max(len(point.witnesses)) or len(gone) > SEATS_CHANGED_MAX:
        raise InvalidSeal(f"too many seats change at height {seal.height}")
    return TrustedPoint(
        *(seal.community, seal.height, seal.id, seal.clock, seal.time_ms),
        tuple(sorted(sealed.witnesses)),
    )


def verify_chain(point: TrustedPoint, chain: Iterable[SealedHeight]) -> TrustedPoint:
    """Return the point at the end of `chain`, verified from `point` height by height.

    A seal at the height of `point` with its id is passed over. Raises as `verify_adjacent` does.
    """
    for sealed in chain:
        if sealed.seal.height == point.height and sealed.seal.id == point.seal:
            continue
        point = verify_adjacent(point, sealed)
    return point


def check_same(before: TrustedPoint, first: SealedHeight, second: SealedHeight) -> None:
    """Return when two sealed heights after `before` have the same seal.

    first: the one that this node keeps. Raises `FinalityForked` with both certificates when they
    differ; `InvalidSeal`, `NotCertified` or `BadSignature` when the second is not certified.
    """
    check_same_certificate(before, first.certificate, second.certificate)


def check_same_certificate(before: TrustedPoint, first: Certificate, second: Certificate) -> None:
    """As `check_same`, for a caller that has only the certificates."""
    if second.height != before.height + 1 or first.height != second.height:
        raise InvalidSeal(f"height {second.height} does not follow {before.height}")
    check_certificate(second, before.community, witness_devices(before.witnesses))
    if first.seal != second.seal:
        raise forked(first, second)


def forked(first: Certificate, second: Certificate) -> FinalityForked:
    """Return the error that contains two certificates of one height, as bytes."""
    names = f"{short(first.seal)} and {short(second.seal)}"
    both = (certificate_to_bytes(first), certificate_to_bytes(second))
    return FinalityForked(f"height {first.height}: {names}", *both)


def check_certified(seal: Seal, certificate: Certificate, point: TrustedPoint) -> None:
    """Return when a quorum of the witnesses of `point` certified `seal`.

    Raises `InvalidSeal` for the certificate of another seal, `NotCertified` or `BadSignature`.
    """
    if certificate.height != seal.height or certificate.seal != seal.id:
        raise InvalidSeal(f"the certificate is not that of seal {short(seal.id)}")
    check_certificate(certificate, point.community, witness_devices(point.witnesses))


def check_order(seal: Seal, point: TrustedPoint) -> None:
    """Raise `InvalidSeal` unless `seal` is the successor of `point` in link and clock.

    The ledger judges the time: after a wrong time, a later seal may go back.
    """
    if seal.community != point.community or seal.height != point.height + 1:
        raise InvalidSeal(f"height {seal.height} does not follow {point.height}")
    if seal.prev != point.seal:
        raise InvalidSeal(f"seal {short(seal.id)} does not follow {short(point.seal)}")
    if seal.clock < point.clock:
        raise InvalidSeal(f"the clock of seal {short(seal.id)} went back")
