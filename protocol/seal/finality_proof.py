"""Proof bundles: one file that shows to anybody that a record is final, offline, without a home.

It holds the founding record, whose hash is the community's id; the record; the records after
it in its log, up to where a seal covers the log; the path from there to the root of the
seal's cut; the seal with its certificate; and the heights at which the witnesses changed.

Which set is trusted, and for how long. For height 1 it is the founding device. A seal that
the trusted set certified, and that names another set, hands the trust over, and from then
on only the new set counts; heights ascend, so no set speaks again after it handed over.
Heights at which the set stayed need not be shown: each would only say again, by the same
signatures, that the set is this one. Who leaves out a height at which it changed keeps an
old set in trust, and then needs the signatures of a quorum of it for a height at which it
had no vote. Witnesses that keep the rules vote only where they have a seat, and for one
seal of a height; so that takes more liars in one set than it survives, counting those who
came to lie after they left it. The same number, with the same keys, can sign another seal of
an old height and found a false chain on it: to show every height would be no safer. Who
holds the chain sees either lie, since it has another seal at that height.

What is never shown: that a key is absent from a tree, that the record counts for anything,
or that what it says is so.
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
"""50,000 records of 600 bytes, or 20,000 changes of 7 witnesses."""

FOLLOWING_MAX = CUT_RECORDS_MAX - 1
"""Records of the log after the one that is shown: no cut adds more."""

CHANGES_MAX = 20_000
"""Heights at which the witnesses changed."""

SIGNATURES_MAX = 10_000
"""Signatures of all changes together, which a reader checks in about a second."""

VALUES_MAX = 11 + FOLLOWING_MAX + CHANGES_MAX + merkle.DEPTH_MAX + PRESENT_MAX
"""Values in a proof, each record and each sealed height as one."""


@dataclass(frozen=True, slots=True)
class FinalityProof:
    """What stands in the file, each part in its form and nothing compared yet.

    following: the records after `record` up to the end of its log in the cut, as bytes.
    changes: the heights before `sealed` that name other witnesses. logs_root and beside:
    the root of the tree of logs, and the path to the log's leaf. present: the rest of what
    the root of the cut binds. body: that of the record, or None.
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
    """What a bundle proves: that `record` of `community` is final since `sealed`.

    witnesses: the set whose quorum certified the seal; the certificate says who of them.
    body: that of the record, when the file holds it.
    """

    community: CommunityId
    record: Record
    sealed: SealedHeight
    witnesses: tuple[Witness, ...]
    body: bytes | None


class SealCoverage(NamedTuple):
    """The first seal that covers a record, and what proves it beside the records."""

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

    heights: all that are kept, from the first on, with the deltas of their cuts.
    """
    witnesses: tuple[Witness, ...] = (chain.founder_of(founding),)
    changes: list[SealedHeight] = []
    logs: dict[DeviceKey, SealedLog] = {}
    for sealed, delta in heights:
        logs.update((log.author, log) for log in delta.logs)
        log = logs.get(author)
        if log is not None and log.length > seq:
            tree = merkle.update({}, tree_changes(logs.values()))
            nodes = {place: node for place, node in tree.nodes.items() if node is not None}
            beside = merkle.audit_path(nodes, author)
            assert beside is not None, "a log of the cut is in its tree"
            return SealCoverage(tuple(changes), sealed, log, tree.root, beside, delta.present)
        if sealed.witnesses != witnesses:
            witnesses = sealed.witnesses
            changes.append(sealed)
    return None


def proof_to_bytes(bundle: FinalityProof) -> bytes:
    """Return the bytes of the file; raise `InvalidProof` when a limit does not hold it."""
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
    """Return the bundle in `data`, its form checked; `check` compares the parts.

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
    """Return what the bundle proves, every signature and hash in it checked.

    That the community is the one that is meant, whoever knows its id must compare. Raises
    `InvalidProof`.
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
    """Return what the file `data` proves. Raises `InvalidProof`, `InvalidRecord`, `Malformed`."""
    return check(proof_from_bytes(data))


def _witnesses(bundle: FinalityProof) -> tuple[Witness, ...]:
    """Return the set that certified the seal, followed from the founding record."""
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
