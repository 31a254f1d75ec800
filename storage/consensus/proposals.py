"""The application side of consensus: it builds seals to propose, and checks proposals of others.

It is what ABCI++ calls PrepareProposal and ProcessProposal. A seal that was folded to build or
check it is not folded again when it is decided. Never writes to the store; a call may take
seconds, so it runs on the ledger thread.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

from commonweal.protocol.errors import InvalidSeal
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.ledger.finality.history import History
from commonweal.protocol.ledger.finality.unsealed import CoveredRecords, size_of
from commonweal.protocol.ledger.members.forks import ends_with
from commonweal.protocol.ledger.state.advance import FOLD, Advance
from commonweal.protocol.ledger.state.evidence import Misbehaviour
from commonweal.protocol.records import log
from commonweal.protocol.records.record import Record
from commonweal.protocol.seal.chain import TrustedPoint
from commonweal.protocol.seal.consensus.events import VALID_PROPOSAL, ProposalVerdict
from commonweal.protocol.seal.cut import (
    FULL_CUT_BYTES,
    FULL_CUT_RECORDS,
    Delta,
    length_in,
)
from commonweal.protocol.seal.formats import Proposal, Seal
from commonweal.protocol.seal.have_frontiers import (
    HaveFrontier,
    Least,
    fair_lengths,
    left_out,
)
from commonweal.protocol.seal.quorum import quorum_of
from commonweal.protocol.seal.validation import check_fresh, check_sound, is_full
from commonweal.protocol.seal.witnesses import Witness, witness_devices
from commonweal.storage.consensus.reader import ConsensusReader
from commonweal.storage.consensus.unsealed import used_up, waiting
from commonweal.storage.ledger.ledger import NO_LEAST
from commonweal.storage.ledger.state.finalizer import FoldedSeal, MissingParts
from commonweal.storage.ledger.state.state_db import TreePages


@dataclass(frozen=True, slots=True)
class PreparedProposal:
    """A seal to propose, the delta of its cut, and the witnesses after it."""

    seal: Seal
    delta: Delta
    witnesses: tuple[Witness, ...]


@dataclass(frozen=True, slots=True)
class ProcessedProposal:
    """The verdict on a proposal, and the witnesses after it when it is sound."""

    verdict: ProposalVerdict
    witnesses: tuple[Witness, ...]


class SealApplication(ConsensusReader):
    """Builds and checks proposals by the ledger in `kept`. Used by one thread at a time."""

    def build(self, haves: tuple[HaveFrontier, ...], now_ms: int) -> PreparedProposal | None:
        """Return the seal to propose at this clock, with the records that `haves` entitle to.

        None when there is nothing to seal, when records of `haves` are not held here yet, or when
        the resulting state cannot be encoded.
        """
        with self._looking():
            point, end = self.kept.chain_point(), self.kept.end()
            if self.kept.alarm or not point.witnesses:
                return None
            seated = witness_devices(point.witnesses)
            voting = [have for have in haves if have.device in seated]
            last = self.kept.last.logs
            waits = waiting(self.kept, self._above(), now_ms)
            fair = fair_lengths(voting, last, quorum_of(len(seated)).lies)
            least = {author: length for author, length in fair.items() if author not in waits}
            records_max = self._records_max(FULL_CUT_RECORDS, now_ms)
            history = self.kept.history(records_max, least, FULL_CUT_BYTES, waits)
            facts = self._new_facts(history.final)
            present = tuple(sorted(have.device for have in haves))
            strangers = self._strangers(self._grown())
            chosen = self._authentic(history, now_ms, present, facts, least, strangers)
            if chosen is None:
                return None
            advance, covered = chosen
            if covered.missing or not self._reaches(advance, least, size_of(covered.records)):
                return None
            self.kept.ready = None
            try:
                folded = end.conclude(history, advance, covered)
            except InvalidSeal:
                return None
            if not folded.outcome.witnesses:
                return None
            self.kept.ready = folded
            return PreparedProposal(folded.seal, advance.delta, folded.outcome.witnesses)

    def judge(self, proposal: Proposal, now_ms: int) -> ProcessedProposal:
        """Return the verdict on a proposal for the next height, at this clock."""
        with self._looking():
            point = self.kept.chain_point()
            try:
                if self.kept.alarm:
                    raise InvalidSeal(self.kept.alarm)
                folded = self._sound(proposal, point)
            except InvalidSeal as error:
                return ProcessedProposal(ProposalVerdict(sound=False, reason=_words(error)), ())
            if isinstance(folded, MissingParts):
                reason = "what it covers is not here"
                return ProcessedProposal(
                    ProposalVerdict(False, reason=reason, missing=folded.missing), ()
                )
            self.kept.ready = folded
            verdict = VALID_PROPOSAL
            if proposal.is_fresh:
                verdict = self._timely(proposal, point, now_ms, folded.outcome.covered)
            return ProcessedProposal(verdict, folded.outcome.witnesses)

    # Inside

    def _sound(self, proposal: Proposal, point: TrustedPoint) -> FoldedSeal | MissingParts:
        """Return a proposal folded, or the parts missing for it. Raises `InvalidSeal`."""
        seal = proposal.seal
        if seal.height > point.height + 1:
            return MissingParts(self.kept.lacks or (seal.prev,))
        if seal.fold < FOLD and proposal.is_fresh:
            raise InvalidSeal(f"who proposes it folds by rules {seal.fold}, older than {FOLD}")
        deadline_ms, last = self._final().deadline_ms, self.kept.last.logs
        check_sound(proposal, point, last, TreePages(self._layers, 0), deadline_ms)
        known = self.kept.ready
        if known is not None and known.seal.id == seal.id:
            return known
        self.kept.ready = None
        folded = self.kept.end().fold(seal, proposal.delta)
        if isinstance(folded, FoldedSeal):
            bad = self._unsigned(folded.outcome.covered)
            if bad is not None:
                raise InvalidSeal(f"{bad} is not signed by its author")
        return folded

    def _authentic(
        self,
        history: History,
        now_ms: int,
        present: tuple[DeviceKey, ...],
        facts: Misbehaviour,
        least: Least,
        strangers: Container[DeviceKey] = (),
        ended: Mapping[DeviceKey, int] = NO_LEAST,
    ) -> tuple[Advance, CoveredRecords] | None:
        """Return the next advance without records whose own signature is bad, and what it covers.

        Such a record is authenticated by the next one of its log; until a proof of it is sealed,
        that log ends before it. ended: the seq from which on logs are left out.
        """
        barred: dict[DeviceKey, int] = dict(ended)
        while True:
            advance = history.next_advance(
                now_ms,
                present,
                ends=facts.ends,
                equivocators=facts.equivocators,
                least=least,
                barred=barred,
                strangers=strangers,
            )
            if advance is None:
                return None
            covered = history.covered(advance)
            bad = self._unsigned(covered.records)
            if bad is None:
                return advance, covered
            barred[bad.author] = min(bad.seq, barred.get(bad.author, bad.seq))

    def _timely(
        self, proposal: Proposal, point: TrustedPoint, now_ms: int, covered: Sequence[Record]
    ) -> ProposalVerdict:
        candidates = self._final().offered
        facts = self.kept.end().facts(proposal.seal.evidence)
        size, time_ms = size_of(covered), proposal.seal.time_ms

        def possible(least: Least) -> Least:
            above = self._above()
            waits = waiting(self.kept, above, time_ms)
            ended = used_up(self.kept, time_ms, proposal.delta, covered, above)
            history = self.kept.history(FULL_CUT_RECORDS, least, FULL_CUT_BYTES, waits)
            most = self._authentic(history, time_ms, (), facts, least, ended=ended)
            return self._possible(None if most is None else most[0], least)

        try:
            last, excused = self.kept.last.logs, dict(facts.ends)
            check_fresh(proposal, point, last, now_ms, excused, candidates, possible, size)
        except InvalidSeal as error:
            return ProposalVerdict(sound=True, timely=False, reason=_words(error))
        return VALID_PROPOSAL

    def _reaches(self, advance: Advance, least: Least, size: int) -> bool:
        """Whether a cut of `size` bytes covers all that it can of `least`, or is full."""
        last, delta = self.kept.last.logs, advance.delta
        missing = left_out(self._possible(advance, least), delta, last, dict(advance.ends))
        return not missing or is_full(last, delta, size)

    def _possible(self, most: Advance | None, least: Least) -> Least:
        """Return how much of `least` can be covered. most: the largest advance possible here.

        A log that ends by a proof, or cites a record that waits for evidence, is held here and
        cannot be covered further; records that are not held here may be held by others.
        """
        reached = {} if most is None else {log.author: log.length for log in most.delta.logs}
        ended = ends_with(self.kept.final, self.kept.end().ends().items())
        lengths = {}
        for author, length in least.items():
            here = reached.get(author, length_in(self.kept.last.logs, author))
            is_known = author in ended or self._store.log(author).length > here
            lengths[author] = min(length, here) if is_known else length
        return lengths

    def _unsigned(self, records: Iterable[Record]) -> Record | None:
        """Return a record whose own signature is bad, of those not checked here; None for none."""
        checked: dict[DeviceKey, int] = {}
        for record in records:
            if record.author not in checked:
                row = self._store.log(record.author)
                checked[record.author] = min(row.checked, row.length)
            if record.seq >= checked[record.author] and not log.is_signed(record):
                return record
        return None


def _words(error: InvalidSeal) -> str:
    return str(error) or type(error).__name__
