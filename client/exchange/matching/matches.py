"""What suits each other: for one member, for all in a round, and in rings.

Suggestions bind nobody and are no records: all nodes compute the same from the final state and the
last seal. Who wants one proposes it as a deal.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from commonweal.client.access import HomeAccess
from commonweal.client.exchange.deals.deals import Deals
from commonweal.client.exchange.deals.rows import NewDeal
from commonweal.client.exchange.matching.markets import market_of
from commonweal.client.exchange.matching.reasons import match_reasons
from commonweal.client.exchange.matching.rows import (
    ListedMatch,
    ListedRing,
    MatchList,
    MatchRound,
    RingList,
)
from commonweal.client.exchange.offer_rows import sealed_at, texts
from commonweal.client.language.quantity import SCALE_MAX, exact, read_unit
from commonweal.client.ledger.words.notes import ID_DIGITS
from commonweal.protocol.errors import UsageError
from commonweal.protocol.matching.candidates import CandidatePair, Candidates
from commonweal.protocol.matching.rings import suggested_rings
from commonweal.protocol.matching.rounds import Round, suggested_round
from commonweal.protocol.matching.scores import Suggestion, suggestion, suggestions
from commonweal.protocol.matching.time_balance import balanced_round
from commonweal.protocol.records.record import RecordId

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView


class Matches(HomeAccess):
    """What suits what members offer and need."""

    def matches(self, member: str | None = None, *, limit: int | None = None) -> MatchList:
        """Return what suits the offers and needs of a member, else of this one; the best first.

        limit: at most so many. Raises UnknownId, AmbiguousId.
        """
        view = self.view
        chosen = view.member(member) if member else view.me
        final = Candidates(market_of(view, view.final))
        result = suggestions(final, chosen)
        known = dict.fromkeys((pair.need.id, pair.offer.id) for pair, _, _ in result)
        newer = [
            listed
            for listed in suggestions(Candidates(market_of(view, view.state)), chosen)
            if (listed.pair.need.id, listed.pair.offer.id) not in known
        ]
        return MatchList(
            view.kept.cut.height,
            sealed_at(view) or None,
            chosen,
            view.name(chosen),
            tuple(listed_match(view, listed) for listed in result[:limit]),
            tuple(listed_match(view, listed) for listed in newer[:limit]),
        )

    def match_round(self, *, balanced: str | None = None) -> MatchRound:
        """Return a round for all: so much of whose offer for whose need.

        balanced: a unit in which the rules have credit; then everybody gives as much of it as they
        receive. Raises UsageError where they have none, AmbiguousUnit, UnusableText.
        """
        view = self.view
        unit = "" if balanced is None else self._credit_unit(balanced)
        candidates = Candidates(market_of(view, view.final))
        result: Round = balanced_round(candidates, unit) if unit else suggested_round(candidates)
        matches = tuple(
            listed_match(view, suggestion(candidates, pair), amount)
            for pair, amount, _ in result.assignments
        )
        at_ms = sealed_at(view) or None
        return MatchRound(view.kept.cut.height, at_ms, result.exact, unit, matches)

    def rings(self) -> RingList:
        """Return rings in which everybody gives something to the next."""
        view = self.view
        most = view.kept.ruleset.match.ring_members
        candidates = Candidates(market_of(view, view.final))
        result = suggested_rings(candidates, most)
        rings = [[suggestion(candidates, pair) for pair in ring.pairs] for ring in result.rings]
        return RingList(
            view.kept.cut.height,
            sealed_at(view) or None,
            result.exact,
            most,
            listed_rings([[listed_match(view, flow) for flow in ring] for ring in rings]),
        )

    def _credit_unit(self, typed: str) -> str:
        unit = read_unit(typed, self.words)
        if unit not in self.view.kept.rules.credits:
            known = ", ".join(sorted(self.view.kept.rules.credits)) or "-"
            text = self.words("the rules have no balances in {unit}; they have them in: {units}")
            raise UsageError(text.format(unit=unit, units=known))
        return unit


class RingProposals(Matches, Deals):
    """Rings and swaps, proposed as deals."""

    def propose_ring(
        self, number: int, *, answer_by: str | None = None, note: str | None = None
    ) -> NewDeal:
        """Propose a ring of the list as one deal, which is in force once all in it say yes.

        number: as `rings` has it. Raises UsageError where it has no such ring, or this member is
        not in it, and what `propose_flows` raises.
        """
        listed = self.rings().rings
        if not 1 <= number <= len(listed):
            raise UsageError(
                self.words("there is no ring {n}; see: weal match --rings").format(n=number)
            )
        ring = listed[number - 1]
        if not any(is_mine(self.view, flow) for flow in ring.flows):
            raise UsageError(self.words("you are not in this ring: one of its members proposes it"))
        flows = [(flow.offer, flow.need) for flow in ring.flows]
        return self.propose_flows(flows, answer_by=answer_by, note=note)


def listed_match(view: LedgerView, result: Suggestion, amount: int | None = None) -> ListedMatch:
    """Return a suggestion as members read it. amount: in the parts of matching; None: all of it."""
    need, offer, most = result.pair
    part = most if amount is None else amount
    return ListedMatch(
        offer=RecordId(offer.id),
        need=RecordId(need.id),
        giver=offer.member,
        giver_name=view.name(offer.member),
        taker=need.member,
        taker_name=view.name(need.member),
        title=_title(view, offer.id),
        need_title=_title(view, need.id),
        amount=exact(part, SCALE_MAX).normalize(),
        unit=need.unit,
        score=result.score,
        reasons=match_reasons(result, view.words),
        command=_command(result.pair, part),
    )


def listed_rings(rings: Sequence[Sequence[ListedMatch]]) -> tuple[ListedRing, ...]:
    """Return rings with their numbers and the commands that propose them."""
    listed = []
    for number, flows in enumerate(rings, 1):
        named = " ".join(f"--flow {_short(flow.offer)} {_short(flow.need)}" for flow in flows)
        score = sum(flow.score for flow in flows)
        listed.append(ListedRing(number, score, tuple(flows), f"weal deal propose {named}"))
    return tuple(listed)


def is_mine(view: LedgerView, flow: ListedMatch) -> bool:
    """Whether this member gives or takes in a match."""
    return bytes(view.me) in (flow.giver, flow.taker)


def _command(pair: CandidatePair, part: int) -> str:
    """Return what proposes a match: both sides where all that is left is meant, else a part."""
    if part == min(pair.need.left, pair.offer.left):
        return f"weal deal propose --flow {_short(pair.offer.id)} {_short(pair.need.id)}"
    amount = f"{exact(part, SCALE_MAX).normalize():f}"
    return f"weal deal propose {_short(pair.offer.id)} {amount} {pair.need.unit}"


def _short(id: bytes) -> str:
    return id.hex()[:ID_DIGITS]


def _title(view: LedgerView, intent: bytes) -> str:
    return texts(view, RecordId(intent))[0]
