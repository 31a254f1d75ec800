"""A community with rules of its own, whose members propose and vote in signed records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from commonweal.protocol import codec
from commonweal.protocol.keys import DeviceKey, MemberId, Signer
from commonweal.protocol.ledger.finality.history import AdvanceOutcome, History
from commonweal.protocol.ledger.finality.seal_contents import seal_of
from commonweal.protocol.ledger.governance import proposals, witness_set
from commonweal.protocol.ledger.governance.proposals import ProposalRow
from commonweal.protocol.ledger.state.advance import Advance
from commonweal.protocol.records import record
from commonweal.protocol.records.record import CommunityId, Record
from commonweal.protocol.rules.document import Ruleset, from_map
from commonweal.protocol.seal.cut import Delta
from commonweal.protocol.seal.formats import SealedHeight
from commonweal.protocol.seal.votes import Step, certify, sign_vote
from tests.protocol.ledger.village import Pen, Person, Village, seed

HOUR = 3_600_000
DAY = 24 * HOUR
START = 1_700_000_000_000

SAID = {"en": "As agreed.", "zh": "如所约定。"}


def process(**over: Any) -> dict[str, Any]:
    """Return a process: more than half, a day, not before it is over."""
    return {"threshold": ">1/2", "period_hours": 24, "early": False, **SAID, **over}


def rules(**over: Any) -> dict[str, Any]:
    """Return a document whose constitution needs 2/3, and all else more than half."""
    governance = {
        "ordinary": process(),
        "constitution": process(threshold="2/3"),
        "membership": process(),
    }
    return {"name": "Lanxi", "governance": governance, **over}


class Council(Village):
    """A village founded with a whole ruleset; `history` is what a node makes of its records."""

    def __init__(self, document: Mapping[str, Any], *names: str) -> None:
        self.records: list[Record] = []
        self.founder = Person("Mei")
        self.mei = Pen(self, self.founder)
        self.community = CommunityId(b"")
        self.invite_key = Signer(seed("invite"))
        self.documents: dict[bytes, bytes] = {}
        self.now_ms = START
        founding = self.mei.write(
            record.FOUND, self.founding(), body=self.document(codec.encode(dict(document)))
        )
        self.community = CommunityId(founding.id)
        self.history = History(self.community)
        self.pens = {"Mei": self.mei}
        self.known = 0
        self.sealed: list[tuple[SealedHeight, Delta]] = []
        for name in names:
            self.pens[name] = self.join(name)
        self.learn()

    def document(self, data: bytes) -> record.BodyRef:
        """Keep a permanent body and return its reference."""
        body = record.permanent_body(data)
        self.documents[body.hash] = data
        return body

    def learn(self) -> None:
        """Let the history take in what was written since."""
        self.history.add_documents(self.documents)
        self.history.add(self.records[self.known :])
        self.known = len(self.records)

    def id(self, name: str) -> MemberId:
        """Return a member's id."""
        return self.pens[name].owner.id

    def cut(self, hours: int = 1, present: Sequence[DeviceKey] = ()) -> None:
        """Let time pass, and make final what there is, as a seal of it would.

        present: whose devices show what they have.
        """
        self.learn()
        self.now_ms += hours * HOUR
        advance = self.history.next_advance(self.now_ms, tuple(sorted(present)))
        assert advance is not None, "there is something to decide"
        self.seal(advance)

    def outcome(self, now_ms: int = 0) -> AdvanceOutcome:
        """Return what a seal would make final; nothing changes. now_ms: 0 for the present."""
        advance = self.history.next_advance(now_ms or self.now_ms)
        assert advance is not None, "there is something to decide"
        return self.history.conclude(advance, self.history.covered(advance).records)

    def seal(self, advance: Advance) -> None:
        """Make an advance final by a seal that the founder's device certifies alone."""
        covered = self.history.covered(advance)
        assert not covered.missing, "what is sealed is held"
        outcome = self.history.conclude(advance, covered.records)
        roots = self.history.roots(outcome)
        seal = seal_of(self.community, outcome, roots)
        vote = sign_vote(self.mei.signer, self.community, seal.height, 0, Step.PRECOMMIT, seal.id)
        sealed = SealedHeight(seal, certify([vote], 1), outcome.witnesses)
        self.sealed.append((sealed, advance.delta))
        self.history.accept(outcome, seal.id, roots)

    def propose(self, name: str, document: Mapping[str, Any], **over: Any) -> Record:
        """Propose a whole document on the rules in force."""
        body = self.document(codec.encode(dict(document)))
        data = {"subject": "rules", "base": self.history.ruleset.id, "form": "whole"} | over
        return self.write(name, "rules.propose", data, body=body)

    def patch(self, name: str, patch: Mapping[str, Any], **over: Any) -> Record:
        """Propose a patch of the rules in force."""
        return self.propose(name, patch, **({"form": "patch"} | over))

    def offer(self, *names: str, by: Sequence[str] | None = None) -> list[DeviceKey]:
        """Let members offer their devices as witnesses, and those who are seated endorse them.

        by: who endorses them instead. Return the devices.
        """
        seated = {one.member for one in witness_set.seated(self.history.state)}
        endorsing = [one for one in self.pens if self.id(one) in seated] if by is None else by
        for name in names:
            self.write(name, "role.claim", {"role": "witness"})
            for one in endorsing:
                self.write(one, "role.endorse", {"role": "witness", "member": self.id(name)})
        return [self.pens[name].key for name in names]

    def remove(self, name: str, member: str) -> Record:
        """Propose to remove a member."""
        data = {"subject": "removal", "member": self.id(member)}
        return self.write(name, "rules.propose", data)

    def decide(self, name: str, **over: Any) -> Record:
        """Propose a decision of no other effect."""
        body = self.document(b"We plant a pear tree.")
        return self.write(name, "rules.propose", {"subject": "decision", **over}, body=body)

    def write(
        self, name: str, kind: str, data: dict[str, Any], body: record.BodyRef | None = None
    ) -> Record:
        """Write a record after everything that was written."""
        last = [self.records[-1]] if self.records[-1].author != self.pens[name].key else []
        written = self.pens[name].write(kind, data, last, body)
        self.learn()
        return written

    def say(self, proposal: Record, say: str, names: str | Sequence[str]) -> list[Record]:
        """Let members vote."""
        some = names.split() if isinstance(names, str) else names
        data = {"proposal": proposal.id, "say": say}
        return [self.write(name, "rules.vote", data) for name in some]

    def row(self, proposal: Record) -> ProposalRow:
        """Return what is final of a proposal, or provisional while nothing is."""
        found = proposals.proposal_row(self.history.final, proposal.id)
        found = found or proposals.proposal_row(self.history.state, proposal.id)
        assert found is not None, "the proposal counts"
        return found

    def status(self, proposal: Record) -> str:
        """Return how a proposal stands at the last cut."""
        return self.row(proposal).status


def ruleset(**over: Any) -> Ruleset:
    """Return the rules of `rules`, read."""
    return from_map(rules(**over))
