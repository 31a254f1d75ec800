"""Reasons: why a number is what it is, as sums whose lines add up, each with its record.

They are read from what the seals computed; nothing is computed again. A sum is only made where
its lines are exactly its total.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from commonweal.client.access import HomeAccess, prefix
from commonweal.client.contributions.withdrawals import is_withdrawn
from commonweal.client.language.quantity import exact, shown_unit
from commonweal.client.ledger.rows.claim_rows import ExplainedClaim
from commonweal.client.ledger.rows.contribution_rows import amount, event_words
from commonweal.client.sharing.commissions import commission_reason
from commonweal.client.sharing.explanations import (
    ExplainedContribution,
    ExplainedLine,
    Explanation,
    explained,
    line_named,
    used_inputs,
)
from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.claims import settlement
from commonweal.protocol.ledger.contributions import attestation, consent
from commonweal.protocol.ledger.members import agents, registry
from commonweal.protocol.ledger.things.event_row import EventRow, event_row
from commonweal.protocol.ledger.things.quantities import Quantity, read
from commonweal.protocol.records.record import Record, RecordId
from commonweal.protocol.vocabulary.payout_line import CORRECTION, GIVEN, USED

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView
    from commonweal.protocol.ledger.claims.pools import Payout

LOOKED_AT_MAX = 200
"""Records that are looked at to find the corrections of one contribution."""


@dataclass(frozen=True, slots=True)
class SumPart:
    """A line of a sum. id: what it follows from: a record or a claim; line: of a split."""

    label: str
    amount: Decimal
    id: bytes | None = None
    line: str | None = None


@dataclass(frozen=True, slots=True)
class ReasonSum:
    """A sum: its parts are exactly its total. unit: as members read it; of points it is empty."""

    heading: str
    unit: str
    parts: tuple[SumPart, ...]
    label: str
    total: Decimal


@dataclass(frozen=True, slots=True)
class MemberWord:
    """What a member says of a contribution: "yes", "no" or "dispute"."""

    member: MemberId
    member_name: str
    say: str


@dataclass(frozen=True, slots=True)
class PossibleActs:
    """What this member can do about a contribution. said: what they say of it now."""

    said: str | None = None
    attest: bool = False
    dispute: bool = False
    end_dispute: bool = False
    correct: bool = False
    undo: bool = False


@dataclass(frozen=True, slots=True)
class Reasons:
    """Why something is what it is.

    height: of the seal that made it final, None while none did. words: what members say of it.
    """

    explanation: Explanation
    sums: tuple[ReasonSum, ...]
    height: int | None
    words: tuple[MemberWord, ...]
    acts: PossibleActs


class ReasonAccess(HomeAccess):
    """Why numbers are what they are."""

    def reasons(self, id: str | bytes) -> Reasons:
        """Return why a line of a split, a claim, a contribution or another record is what it is.

        id: the name of a line, or how an id begins. Raises UnknownId, AmbiguousId.
        """
        self.look_up(id, must=False)
        view, text = self.view, prefix(id)
        explanation = explained(view, text)
        match explanation.subject:
            case ExplainedLine(height=height) as line:
                payout = line_named(view.final, line.line)
                assert payout is not None, "it was explained"
                sums = tuple(_sums_of_line(view, line, payout))
                return Reasons(explanation, sums, height, (), PossibleActs())
            case ExplainedClaim(height=height) as claim:
                return Reasons(
                    explanation, tuple(_sums_of_claim(view, claim)), height, (), PossibleActs()
                )
            case ExplainedContribution() as given:
                return Reasons(
                    explanation,
                    tuple(_sums_of_contribution(view, given)),
                    given.height,
                    tuple(_words(view, given.id)),
                    _acts(view, given.id),
                )
            case _:
                return Reasons(explanation, (), None, (), PossibleActs())


def _sums_of_line(view: LedgerView, line: ExplainedLine, payout: Payout) -> Iterator[ReasonSum]:
    """Yield the points that a line is for, and how its amount follows from them."""
    words, unit = view.words, shown_unit(line.unit, view.words)
    if line.sort == GIVEN:
        parts = tuple(_gifts(view, payout))
    elif line.sort == USED:
        parts = tuple(SumPart(event_words(view, id), Decimal(1), id) for id in payout.line.inputs)
    else:
        parts = tuple(_inputs(view, payout))
    points = sum((part.amount for part in parts), Decimal())
    rest = line.weight - points
    more = payout.inputs - len(parts)
    if more > 0 and rest > 0:
        text = words.plural("{n} more contribution", "{n} more contributions", more)
        parts += (SumPart(text.format(n=f"{more:,}"), rest),)
        points += rest
    if parts and not (more > 0 > rest):
        heading = words("The points that it is for")
        yield ReasonSum(heading, "", parts, words("points in all"), points)
    whole = line.amount + line.commissions
    if line.sort == CORRECTION or line.corrects:
        label = words("a correction of the split at height {height}")
        first = SumPart(label.format(height=line.corrects), whole, line.income)
    else:
        label = words("{weight} of {weights} parts of {of} {unit}, to the nearest {least}")
        first = SumPart(
            label.format(
                weight=f"{line.weight:,}",
                weights=f"{line.weights:,}",
                of=f"{line.of:,f}",
                unit=unit,
                least=f"{exact(1, payout.scale):f}",
            ),
            whole,
            line.income,
        )
    taken = SumPart(words("less the commissions of others"), -line.commissions)
    yield ReasonSum(
        words("The amount"),
        unit,
        (first, *((taken,) if line.commissions else ())),
        words("the share of {name}").format(name=line.member_name),
        line.amount,
    )


def _inputs(view: LedgerView, payout: Payout) -> Iterator[SumPart]:
    """Yield the contributions that a line is for, each with the points that were used."""
    for used in used_inputs(view, payout):
        yield SumPart(event_words(view, used.id), used.used, used.id)


def _gifts(view: LedgerView, payout: Payout) -> Iterator[SumPart]:
    """Yield which members gave the points that a line is for."""
    for id in payout.line.inputs:
        record = view.held(id.hex())
        author = registry.device_row(view.state, record.author)
        points = Decimal(dict(record.data["points"]).get(payout.line.member, 0))
        text = view.words("given by {name}")
        name = view.name(None if author is None else author.member)
        yield SumPart(text.format(name=name), points, id)


def _sums_of_claim(view: LedgerView, claim: ExplainedClaim) -> Iterator[ReasonSum]:
    """Yield the lines that a claim is the sum of, and what is left of it after payments."""
    words, unit = view.words, shown_unit(claim.unit, view.words)
    parts = [SumPart(line.bucket or line.line, line.amount, line=line.line) for line in claim.lines]
    if claim.owed_back:
        parts.append(SumPart(words("less what was too much before"), -claim.owed_back))
    rest = claim.amount - sum((part.amount for part in parts), Decimal())
    if rest:
        parts.append(SumPart(words("what stays for the next claim"), rest))
    owed = words("what {name} is owed").format(name=claim.member_name)
    yield ReasonSum(words("What was earned"), unit, tuple(parts), owed, claim.amount)
    paid = [
        SumPart(words("less what was paid and confirmed"), -payment.amount, payment.event)
        for payment in claim.payments
        if payment.status == settlement.CONFIRMED
    ]
    if paid:
        left = claim.amount + sum((part.amount for part in paid), Decimal())
        heading = words("What was paid")
        yield ReasonSum(
            heading, unit, (SumPart(owed, claim.amount), *paid), words("what is open"), left
        )


def _sums_of_contribution(view: LedgerView, given: ExplainedContribution) -> Iterator[ReasonSum]:
    """Yield how a contribution that was corrected came to what counts, and its commission."""
    yield from _sums_of_commission(view, given.id)
    row, record = event_row(view.state, given.id), view.store.record(given.id)
    if row is None or record is None or not row.corrections:
        return
    for field, had in (("resourceQuantity", row.quantity), ("effortQuantity", row.effort)):
        first, (now, unit) = read(record.data.get(field)), amount(had)
        if first is None or now is None:
            continue
        parts = [SumPart(view.words("as it was written"), exact(first.n, first.scale), given.id)]
        parts += _differences(view, row, given.id, field)
        rest = now - sum((part.amount for part in parts), Decimal())
        if rest:
            parts.append(SumPart(view.words("other corrections"), rest))
        heading, counts = view.words("As it was corrected"), view.words("what counts")
        yield ReasonSum(heading, shown_unit(unit or "", view.words), tuple(parts), counts, now)


def _sums_of_commission(view: LedgerView, income: bytes) -> Iterator[ReasonSum]:
    """Yield how what is owed to who brought the buyer follows from an income."""
    reason, words = commission_reason(view, income), view.words
    if reason is None or reason.owed is None:
        return
    label = words("{rate}% of it by the code {code}, rounded down, to {name}")
    yield ReasonSum(
        words("The commission"),
        shown_unit(reason.unit, words),
        (
            SumPart(words("the income"), reason.income, income),
            SumPart(words("less what stays with the seller"), reason.owed - reason.income),
        ),
        label.format(rate=f"{reason.rate:f}", code=reason.code, name=reason.promoter_name),
        reason.owed,
    )


def _differences(view: LedgerView, row: EventRow, event: bytes, field: str) -> list[SumPart]:
    """Return the corrections of a contribution that were found, the earliest first."""
    parts = []
    for record in sorted(_corrections(view, row, event), key=lambda other: other.clock):
        change: Quantity | None = read(record.data.get(field))
        if change is not None:
            author = registry.device_row(view.state, record.author)
            name = view.name(None if author is None else author.member)
            label = view.words("corrected by {name}").format(name=name)
            parts.append(SumPart(label, exact(change.n, change.scale), record.id))
    return parts


def _corrections(view: LedgerView, row: EventRow, event: bytes) -> Iterator[Record]:
    """Yield the corrections of a contribution that took effect.

    Each cites the one before, if that is in another log; else it comes later in the same one.
    """
    left, known = deque([row.corrected_by] if row.corrected_by else []), {event}
    number = looked_at = 0
    while left and number < row.corrections and looked_at < LOOKED_AT_MAX:
        id = left.popleft()
        record = None if id in known else view.store.record(RecordId(id))
        known.add(id)
        if record is None or record.clock < row.clock:
            continue
        looked_at += 1
        if record.data.get("corrects") == event and not _waits(view, record):
            number += 1
            left.extendleft(record.deps)
            yield record
        left.append(record.prev)


def _waits(view: LedgerView, record: Record) -> bool:
    """Whether a correction has no effect: it waits for consent, or counts for nothing."""
    waiting = consent.correction_row(view.state, record.id)
    return (waiting is not None and not waiting.held) or view.kept.verdict(record) is not None


def _words(view: LedgerView, event: bytes) -> Iterable[MemberWord]:
    """Yield what members say of a contribution as it stands now, and who disputes it."""
    row = event_row(view.state, event)
    assert row is not None, "it was explained"
    said = attestation.SAID + event + row.corrections.to_bytes(attestation.CORRECTIONS_BYTES)
    for key, say in view.state.items(said):
        member = MemberId(key[len(said) :])
        yield MemberWord(member, view.name(member), str(say))
    for key, _ in view.state.items(attestation.DISPUTE + event):
        member = MemberId(key[-len(view.me) :])
        yield MemberWord(member, view.name(member), "dispute")


def _acts(view: LedgerView, event: bytes) -> PossibleActs:
    """Return what this member can do about a contribution, as far as its row shows."""
    row = event_row(view.state, event)
    assert row is not None, "it was explained"
    giver, said = agents.person(view.state, row.provider), {}
    for word in _words(view, event):
        if word.member == view.me:
            said[word.say == "dispute"] = word.say
    is_own, gone = view.me in (row.member, giver), is_withdrawn(view.state, event, row)
    disputes = True in said
    spoken = bool(row.yes or row.no or row.disputes)
    return PossibleActs(
        said=said.get(False),
        attest=not is_own and not gone,
        dispute=not is_own and not gone and not disputes,
        end_dispute=disputes,
        correct=is_own and not gone and (row.quantity or row.effort) is not None,
        undo=row.member == view.me and not gone and not spoken,
    )
