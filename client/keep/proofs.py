"""Finality proofs: files that show to anybody, without a home, that a record is final.

Making one reads the home; checking one reads nothing but the file. Neither folds the ledger.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commonweal.client.access import HomeAccess, prefix
from commonweal.client.language.quantity import shown_action, shown_number, shown_unit
from commonweal.client.language.visible_text import visible
from commonweal.client.language.words import ENGLISH, Words
from commonweal.client.ledger.names.directory import PREFIX_DIGITS_MIN, begins
from commonweal.protocol.errors import (
    InvalidProof,
    LightHome,
    Malformed,
    NotSealedYet,
    UnknownId,
    UnreadableFile,
)
from commonweal.protocol.keys import DeviceKey, MemberId
from commonweal.protocol.ledger.things import quantities
from commonweal.protocol.records.record import (
    CommunityId,
    Record,
    RecordId,
    from_bytes_unchecked,
    read_erasable_body,
)
from commonweal.protocol.seal.votes import SealId
from commonweal.storage.home.home import Settings

if TYPE_CHECKING:
    from commonweal.protocol.seal.finality_proof import FinalityProof, ProvenRecord, SealCoverage
    from commonweal.storage.records.logs.log_store import Store
    from commonweal.storage.records.seal_store import KeptSeal, SealStore

COMMUNITY_DIGITS = 64
"""A community is compared in full: whoever makes a false one could choose how its id begins."""


@dataclass(frozen=True, slots=True)
class ProofFile:
    """The bytes of a proof, and what they prove: that a record is final since a height."""

    data: bytes
    id: RecordId
    community: CommunityId
    height: int


@dataclass(frozen=True, slots=True)
class ProofWitness:
    """A witness of the seal that covers a record. signed: its signature is in the proof."""

    device: DeviceKey
    member: MemberId
    signed: bool


@dataclass(frozen=True, slots=True)
class CheckedProof:
    """A proof that holds: the record, and the seal since which it is final.

    data: of the record, as its author signed it. claimed_at_ms: as its author says. text: of the
    record where the file contains it as words, else None. time_ms: of the seal.
    """

    community: CommunityId
    id: RecordId
    device: DeviceKey
    seq: int
    kind: str
    data: dict[str, Any]
    claimed_at_ms: int
    text: str | None
    height: int
    time_ms: int
    seal: SealId
    witnesses: tuple[ProofWitness, ...]


class Proofs(HomeAccess):
    """Proofs of the records that are held here."""

    def prove(self, id: str | bytes, *, with_text: bool = False) -> ProofFile:
        """Return a proof that a record is final. with_text: it contains the text of the record.

        Raises UnknownId, AmbiguousId, NotSealedYet, or InvalidProof when it would be too large; and
        LightHome or NobodyGives, where a light home does not keep the record.
        """
        from commonweal.protocol.seal.finality_proof import proof_to_bytes

        self.look_up(id)
        with self.home.store(readonly=True) as store, store.snapshot():
            community = Settings.read(store).here
            proof = _proof_of(store, community, prefix(id), with_text=with_text, words=self.words)
        height = proof.sealed.seal.height
        return ProofFile(proof_to_bytes(proof), proof.record.id, community, height)


def check_proof(file: Path, community: str | None = None, words: Words = ENGLISH) -> CheckedProof:
    """Return what a proof file proves; nothing else is read.

    community: all 64 hex digits of the community that it must be of. Raises UnreadableFile,
    UnknownId when `community` is none, and InvalidProof when the file proves nothing.
    """
    from commonweal.protocol.seal.finality_proof import verify_proof

    wanted = None if community is None else _community_id(community, words)
    proven = verify_proof(_read(file))
    if wanted is not None and proven.community != wanted:
        text = words("it is of community {id}")
        raise InvalidProof(text.format(id=proven.community.hex()))
    record, seal = proven.record, proven.sealed.seal
    signatures = dict(proven.sealed.certificate.signatures)
    return CheckedProof(
        community=proven.community,
        id=record.id,
        device=record.author,
        seq=record.seq,
        kind=record.kind,
        data=dict(record.data),
        claimed_at_ms=record.claimed_at,
        text=_text(proven),
        height=seal.height,
        time_ms=seal.time_ms,
        seal=seal.id,
        witnesses=tuple(
            ProofWitness(witness.device, witness.member, witness.device in signatures)
            for witness in proven.witnesses
        ),
    )


def summary(proof: CheckedProof, words: Words = ENGLISH) -> str:
    """Return what the record of a proof says in few words: its kind, or action and quantities."""
    parts = [visible(proof.kind)]
    action = proof.data.get("action")
    if isinstance(action, str):
        parts = [visible(shown_action(action, words))]
    for value in proof.data.values():
        quantity = quantities.read(value)
        if quantity is not None:
            unit = visible(shown_unit(quantity.unit, words))
            parts.append(f"{shown_number(quantity.n, quantity.scale)} {unit}")
    scope = proof.data.get("inScopeOf")
    if isinstance(scope, str):
        parts.append(words("for {scope}").format(scope=visible(scope)))
    return " ".join(parts)


def _proof_of(
    store: Store, community: CommunityId, text: str, *, with_text: bool, words: Words
) -> FinalityProof:
    """Return the proof of the record whose id begins with `text`."""
    from commonweal.protocol.seal.finality_proof import FinalityProof, first_covering_seal
    from commonweal.storage.records.seal_store import SealStore

    digits = text.strip().lower()
    if len(digits) < PREFIX_DIGITS_MIN:
        raise UnknownId(visible(text))
    record = store.record(begins(store.ids(digits), digits))
    founding = store.record(RecordId(community))
    assert record is not None, "an id of the store is held"
    if founding is None:
        raise NotSealedYet(words("the founding record is not here yet"))
    coverage = first_covering_seal(
        founding, record.author, record.seq, _heights(SealStore(store, community))
    )
    if coverage is None:
        raise NotSealedYet(visible(str(record)))
    body = record.body and store.body(record.body.hash) if with_text else None
    if with_text and record.body is not None and body is None:
        raise UnknownId(words("its text is not here: erased, or not fetched yet"))
    following = _following(store, record, coverage, words)
    return FinalityProof(
        founding, record, following, coverage.changes, coverage.sealed, *coverage[3:], body
    )


def _heights(seals: SealStore) -> Iterator[KeptSeal]:
    for height in seals.heights:
        kept = seals.at(height)
        assert kept is not None, "the chain has no gaps"
        yield kept


def _following(
    store: Store, record: Record, coverage: SealCoverage, words: Words
) -> tuple[bytes, ...]:
    """Return the records from after `record` up to the end of its log in the cut."""
    from commonweal.protocol.seal.finality_proof import PROOF_BYTES_MAX

    start, stop = record.seq + 1, coverage.log.length
    fetched = store.fetched(record.id)
    if fetched is None:
        wires = store.wires(record.author, start, stop, PROOF_BYTES_MAX)
    elif fetched.following is None:
        raise LightHome(words("too many records of its log came with one seal"))
    else:
        wires = list(fetched.following)
    last = from_bytes_unchecked(wires[-1]) if wires else record
    if last.seq + 1 < stop:
        if sum(map(len, wires)) > PROOF_BYTES_MAX // 2:
            raise InvalidProof(words("too many records of its log came with one seal"))
        raise NotSealedYet(words("records of its log that the seal covers are not here yet"))
    if last.id != coverage.log.head:
        raise NotSealedYet(words("its log was forked, and another branch is final"))
    return tuple(wires)


def _community_id(text: str, words: Words) -> CommunityId:
    digits = "".join(text.split()).lower()
    try:
        if len(digits) == COMMUNITY_DIGITS:
            return CommunityId(bytes.fromhex(digits))
    except ValueError:
        pass
    wrong = words("{text}: a community's id has 64 hex digits")
    raise UnknownId(wrong.format(text=visible(text)))


def _read(file: Path) -> bytes:
    """Return the bytes of a file, one more than a proof may have where there are more."""
    from commonweal.protocol.seal.finality_proof import PROOF_BYTES_MAX

    try:
        with file.open("rb") as opened:
            return opened.read(PROOF_BYTES_MAX + 1)
    except OSError as error:
        raise UnreadableFile(f"{visible(str(file))}: {error.strerror}") from error


def _text(proven: ProvenRecord) -> str | None:
    """Return the words of the body, when the file contains some."""
    record, body = proven.record, proven.body
    if body is None or record.body is None or not record.body.is_text:
        return None
    try:
        media_type, content = read_erasable_body(body)
    except Malformed:
        return None
    return content.decode("utf-8", "replace") if media_type.startswith("text/") else None
