"""Light-client proofs: one file that proves to anybody, offline, that a record is final.

It contains the founding record, whose hash is the community's id; the record; the records after
it in its log, up to the end of the log in the cut; the audit path from there to the root of the
cut; the seal with its certificate; and the heights at which the witnesses changed.

Which set of witnesses is trusted. At height 1 it is the founding device. A seal that the trusted
set certified, and that names another set, transfers the trust: from then on only the new set
counts. Heights ascend, so a set never counts again after it transferred the trust. Heights at
which the set did not change may be omitted: each would repeat, by the same signatures, that the
set is this one. An attacker that omits a height at which the set changed keeps an old set in
trust, and needs the signatures of a quorum of it for a height at which it had no vote. Honest
witnesses vote only while they have a seat, and for one seal per height; so the attack takes more
liars in one set than it tolerates, including those who began to lie after they left it. The same
number, with the same keys, can sign another seal of an old height and build a false chain on it:
showing every height would be no safer. A node that holds the chain detects either lie, since it
has another seal at that height.

Never proven: that a key is absent from a tree, that the record counts, or that its content is
true.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from commonweal.protocol import codec, keys, merkle
from commonweal.protocol.errors import InvalidProof, InvalidRecord, InvalidSeal, Malformed
from commonweal.protocol.keys import HASH_BYTES, KEY_BYTES, DeviceKey
from commonweal.protocol.records.record import (
    PERMANENT_BYTES_MAX,
    RECORD_BYTES_MAX,
    CommunityId,
    Record,
    RecordId,
    check_community,
    from_bytes,
    from_bytes_unchecked,
    header_prefix,
    is_body,
)
from commonweal.protocol.seal import chain
from commonweal.protocol.seal.cut import (
    CUT_RECORDS_MAX,
    PRESENT_MAX,
    Delta,
    SealedLog,
    cut_root,
    tree_changes,
)
from commonweal.protocol.seal.formats import SealedHeight, sealed_from_bytes, sealed_to_bytes
from commonweal.protocol.seal.witnesses import Witness

CONTEXT = "commonweal/1/final"

PROOF_BYTES_MAX = 32 * 1024 * 1024
"""Enough for 50,000 records of 600 bytes, or for 20,000 changes of 7 witnesses."""

FOLLOWING_MAX = CUT_RECORDS_MAX - 1
"""Records of the log after the proven one; no cut adds more."""

CHANGES_MAX = 20_000
"""Heights at which the witnesses changed."""

SIGNATURES_MAX = 10_000
"""Signatures of all changes together; checking them takes about a second."""

VALUES_MAX = 11 + FOLLOWING_MAX + CHANGES_MAX + merkle.DEPTH_MAX + PRESENT_MAX
"""Values in a proof; a record or a sealed height counts as one."""


@dataclass(frozen=True, slots=True)
class FinalityProof:
    """The content of a proof file; the form of each part is checked, its truth is not.

    following: the records after `record` up to the end of its log in the cut, as bytes. changes:
    the heights before `sealed` that name other witnesses. logs_root, beside: root of the tree of
    logs, and audit path of the log's leaf. present: the other input of the cut's root. body: of
    the record, or None.
    """

    founding: Record
    record: Record
    following: tuple[bytes, ...]
    changes: tuple[SealedHeight, ...]
    sealed: SealedHeight
    logs_root: bytes
    beside: tuple[bytes, ...]
    present: tuple[DeviceKey, ...]
    body: bytes | None


@dataclass(frozen=True, slots=True)
class ProvenRecord:
    """What a file proves: that `record` of `community` is final since `sealed`.

    witnesses: the set of which a quorum certified the seal; the certificate names that quorum.
    body: of the record, when the file contains it.
    """

    community: CommunityId
    record: Record
    sealed: SealedHeight
    witnesses: tuple[Witness, ...]
    body: bytes | None


class SealCoverage(NamedTuple):
    """The first seal that covers a record, and the parts of its proof other than records."""

    changes: tuple[SealedHeight, ...]
    sealed: SealedHeight
    log: SealedLog
    logs_root: bytes
    beside: tuple[bytes, ...]
    present: tuple[DeviceKey, ...]


def first_covering_seal(
    founding: Record, author: DeviceKey, seq: int, heights: Iterable[tuple[SealedHeight, Delta]]
) -> SealCoverage | None:
    """Return the first of `heights` that covers record `seq` of a log; None when none does.

    heights: all sealed heights from the first on, with the deltas of their cuts.
    """
    witnesses: tuple[Witness, ...] = (chain.founder_of(founding),)
    changes: list[SealedHeight] = []
    logs: dict[DeviceKey, SealedLog] = {}
    for sealed, delta in heights:
        logs.update((log.author, log) for log in delta.logs)
        log = logs.get(author)
        if log is not None and log.length > seq:
            tree = merkle.update({}, tree_changes(logs.values()))
            pages = {place: page for place, page in tree.pages.items() if page is not None}
            beside = merkle.audit_path(pages, author)
            assert beside is not None, "a log of the cut is in its tree"
            return SealCoverage(tuple(changes), sealed, log, tree.root, beside, delta.present)
        if sealed.witnesses != witnesses:
            witnesses = sealed.witnesses
            changes.append(sealed)
    return None


def proof_to_bytes(bundle: FinalityProof) -> bytes:
    """Return the bytes of the file. Raises `InvalidProof` when it exceeds a limit."""
    data = codec.encode(
        [
            CONTEXT,
            bundle.founding.wire,
            bundle.record.wire,
            list(bundle.following),
            [sealed_to_bytes(change) for change in bundle.changes],
            sealed_to_bytes(bundle.sealed),
            bundle.logs_root,
            list(bundle.beside),
            list(bundle.present),
            bundle.body,
        ]
    )
    if len(data) > PROOF_BYTES_MAX or len(bundle.changes) > CHANGES_MAX:
        raise InvalidProof(f"it would have {len(data)} bytes; {PROOF_BYTES_MAX} are allowed")
    return data


def proof_from_bytes(data: bytes) -> FinalityProof:
    """Return the proof in `data`, its form checked; `check` verifies it.

    Raises `Malformed` or `InvalidRecord`.
    """
    if len(data) > PROOF_BYTES_MAX:
        raise Malformed(f"a proof of {len(data)} bytes")
    match codec.decode(data, values_max=VALUES_MAX):
        case [
            str(context),
            bytes(founding),
            bytes(record),
            list(following),
            list(changes),
            bytes(sealed),
            bytes(logs_root),
            list(beside),
            list(present),
            None | bytes() as body,
        ] if (
            context == CONTEXT
            and len(following) <= FOLLOWING_MAX
            and len(changes) <= CHANGES_MAX
            and len(logs_root) == HASH_BYTES
            and len(beside) <= merkle.DEPTH_MAX
            and len(present) <= PRESENT_MAX
            and len(body or b"") <= PERMANENT_BYTES_MAX
        ):
            first = from_bytes_unchecked(founding)
            community = CommunityId(first.id)
            return FinalityProof(
                first,
                from_bytes_unchecked(record),
                _each_bytes(following),
                tuple(sealed_from_bytes(change, community) for change in _each_bytes(changes)),
                sealed_from_bytes(sealed, community),
                logs_root,
                _each_bytes(beside, HASH_BYTES),
                tuple(map(DeviceKey, _each_bytes(present, KEY_BYTES))),
                body,
            )
        case _:
            raise Malformed("not a proof that a record is final")


def check(bundle: FinalityProof) -> ProvenRecord:
    """Return what the proof proves, with every signature and hash in it verified.

    The caller must compare the community's id with the one that is meant. Raises `InvalidProof`.
    """
    try:
        witnesses = _witnesses(bundle)
        from_bytes(bundle.record.wire)
        _check_in_cut(bundle)
    except (InvalidSeal, InvalidRecord, Malformed) as error:
        raise InvalidProof(str(error)) from error
    if bundle.body is not None:
        ref = bundle.record.body
        if ref is None or not is_body(ref, bundle.body):
            raise InvalidProof("the text in it is not that of the record")
    community = CommunityId(bundle.founding.id)
    return ProvenRecord(community, bundle.record, bundle.sealed, witnesses, bundle.body)


def verify_proof(data: bytes) -> ProvenRecord:
    """Return what a proof file proves, with every signature and hash in it verified.

    data: the bytes of the file, at most 32 MiB. The caller must compare the community's id with
    the one that is meant. Raises `InvalidProof`, `InvalidRecord` or `Malformed`.
    """
    return check(proof_from_bytes(data))


def _witnesses(bundle: FinalityProof) -> tuple[Witness, ...]:
    """Return the set that certified the seal, verified from the founding record on."""
    signatures = sum(len(change.certificate.signatures) for change in bundle.changes)
    if signatures > SIGNATURES_MAX:
        raise InvalidProof(f"{signatures} signatures of witnesses; {SIGNATURES_MAX} are allowed")
    point = chain.chain_start(bundle.founding)
    for sealed in bundle.changes:
        after = chain.verify_skipping(point, sealed)
        if after.witnesses == point.witnesses:
            raise InvalidProof(f"height {after.height} stands in it and changes nothing")
        point = after
    chain.verify_skipping(point, bundle.sealed)
    return point.witnesses


def _check_in_cut(bundle: FinalityProof) -> None:
    """Raise `InvalidProof` unless the seal's cut covers the record."""
    record, community = bundle.record, CommunityId(bundle.founding.id)
    check_community(record, community)
    seq, head = record.seq, record.id
    for wire in bundle.following:
        seq += 1
        if len(wire) > RECORD_BYTES_MAX or not wire.startswith(
            header_prefix(community, record.author, seq, head)
        ):
            raise InvalidProof(f"record {seq} in it does not follow {record}")
        head = RecordId(keys.hash32(keys.RECORD, wire))
    log = SealedLog(record.author, seq + 1, head)
    ((key, value),) = tree_changes((log,)).items()
    assert value is not None, "a log of a cut has a leaf"
    if not merkle.verify_path(bundle.logs_root, key, value, bundle.beside):
        raise InvalidProof("the path does not lead from the log to the root of the cut")
    if cut_root(bundle.logs_root, bundle.present) != bundle.sealed.seal.cut_root:
        raise InvalidProof("the seal is over another cut")


def _each_bytes(values: list[Any], size: int | None = None) -> tuple[bytes, ...]:
    if not all(type(value) is bytes and size in (None, len(value)) for value in values):
        raise Malformed("a part of the proof has the wrong type or size")
    return tuple(values)
