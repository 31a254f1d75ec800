"""A community whose members offer, need and agree: short ways to write the records of a deal."""

from __future__ import annotations

from typing import Any

from commonweal.protocol.ledger.exchange.commitments import CommitmentRow, commitment_row
from commonweal.protocol.ledger.exchange.deals.agreement_row import AgreementRow, agreement_row
from commonweal.protocol.ledger.exchange.offers.intents import IntentRow, intent_row
from commonweal.protocol.ledger.exchange.offers.offers import OfferRow, offer_row
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.records.record import Record
from tests.protocol.ledger.workshop import Workshop, paying

SUPPLIER = b"s" * 16


def amount(n: int, unit: str = "hour", scale: int = 0) -> dict[str, Any]:
    """Return a quantity: of effort in hours, else of a resource."""
    key = "effortQuantity" if unit == "hour" else "resourceQuantity"
    return {key: {"n": n, "scale": scale, "unit": unit}}


class Trading(Workshop):
    """Mei, Jun, Ana and Bo; whoever is named gives, takes, writes and signs."""

    def __init__(self, *, document: dict[str, Any] | None = None) -> None:
        """Found a community. document: sections of its rules."""
        super().__init__(paying() | (document or {}), "Jun", "Ana", "Bo")

    def who(self, name: str | bytes | None) -> bytes | None:
        """Return the id of a member by name, of the community by "all"; ids as they are."""
        if name == "all":
            return bytes(self.community)
        return bytes(self.id(name)) if isinstance(name, str) else name

    def flow(
        self, n: int, giver: str | bytes | None, taker: str | bytes | None, **over: Any
    ) -> dict[str, Any]:
        """Return what n hours of work from one to another say, unless said otherwise."""
        sides = {"provider": self.who(giver), "receiver": self.who(taker)}
        said = {key: side for key, side in sides.items() if side is not None}
        counted = {} if "resourceQuantity" in over else amount(n)
        action = "transfer" if "resourceQuantity" in over else "work"
        return {"action": action} | counted | said | over

    def offers(self, name: str, n: int, **over: Any) -> Record:
        """Let a member offer n hours of work."""
        return self.write(name, "intent", self.flow(n, name, None, **over))

    def needs(self, name: str, n: int, **over: Any) -> Record:
        """Let a member need n hours of work."""
        return self.write(name, "intent", self.flow(n, None, name, **over))

    def clause(
        self,
        by: str,
        n: int,
        giver: str | bytes,
        taker: str | bytes,
        *satisfies: Record,
        **over: Any,
    ) -> Record:
        """Let a member write that one is to give another n hours of work."""
        named = {"satisfies": [intent.id for intent in satisfies]} if satisfies else {}
        return self.write(by, "commitment", self.flow(n, giver, taker, **named, **over))

    def proposes(
        self, by: str, *clauses: Record, back: tuple[Record, ...] = (), **over: Any
    ) -> Record:
        """Let a member propose an agreement; back: what is given in return."""
        data: dict[str, Any] = {"stipulates": [clause.id for clause in clauses]}
        if back:
            data["stipulatesReciprocal"] = [clause.id for clause in back]
        return self.write(by, "agreement", data | over)

    def answer(self, by: str, deal: Record, say: str = "yes", **over: Any) -> Record:
        """Let a member answer an agreement."""
        return self.write(by, "agreement.sign", {"agreement": deal.id, "say": say} | over)

    def ends(self, by: str, deal: Record, why: str = "done", **over: Any) -> Record:
        """Let a member want an agreement to end."""
        return self.write(by, "agreement.end", {"agreement": deal.id, "why": why} | over)

    def agreed(self, n: int, giver: str, taker: str, *satisfies: Record, **over: Any) -> Record:
        """Let two members agree on n hours of work; return the clause."""
        clause = self.clause(giver, n, giver, taker, *satisfies, **over)
        self.answer(taker, self.proposes(giver, clause))
        return clause

    def done(self, clause: Record, n: int, **over: Any) -> Record:
        """Let the provider of a clause give n hours of it, and say so."""
        provider = clause.data["provider"]
        by = next((name for name, pen in self.pens.items() if pen.owner.id == provider), "Mei")
        sides = {key: clause.data[key] for key in ("provider", "receiver")}
        data = {"action": clause.data["action"], "fulfills": clause.id} | sides | amount(n)
        return self.write(by, "event", data | over)

    def seal_at(self, time_ms: int) -> None:
        """Make final what there is, by a seal of this time."""
        self.learn()
        self.now_ms = time_ms
        advance = self.history.next_advance(time_ms)
        assert advance is not None, "there is something to decide"
        self.seal(advance)

    def verdict(self, record: Record) -> Reason | None:
        """Return why a record counts for nothing."""
        self.learn()
        return self.history.verdict(record.id)

    def intent(self, record: Record) -> IntentRow:
        """Return an intent that counts."""
        assert self.verdict(record) is None, self.verdict(record)
        row = intent_row(self.history.state, record.id)
        assert row is not None
        return row

    def offered(self, record: Record) -> OfferRow:
        """Return an offer that counts."""
        assert self.verdict(record) is None, self.verdict(record)
        row = offer_row(self.history.state, record.id)
        assert row is not None
        return row

    def commitment(self, record: Record) -> CommitmentRow:
        """Return a commitment that counts."""
        assert self.verdict(record) is None, self.verdict(record)
        row = commitment_row(self.history.state, record.id)
        assert row is not None
        return row

    def deal(self, record: Record) -> AgreementRow:
        """Return an agreement that counts."""
        assert self.verdict(record) is None, self.verdict(record)
        row = agreement_row(self.history.state, record.id)
        assert row is not None
        return row

    def deal_of(self, clause: Record) -> Record:
        """Return the agreement by which a commitment is in force."""
        agreement = self.commitment(clause).agreement
        return next(record for record in self.records if record.id == agreement)

    def standing(self, deal: Record) -> tuple[str, bytes | None]:
        """Return how an agreement stands, and the cause."""
        row = self.deal(deal)
        return row.status, row.cause
