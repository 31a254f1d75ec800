"""Explanations: why a share, a claim or a contribution is worth what it is, in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from commonweal.client.access import HomeAccess, prefix
from commonweal.client.contributions.withdrawals import is_withdrawn
from commonweal.client.language.digits import whole_number
from commonweal.client.language.plain import fields_of
from commonweal.client.language.quantity import exact, shown_unit
from commonweal.client.language.visible_text import visible
from commonweal.client.language.words import Words
from commonweal.client.ledger.rows.claim_rows import ExplainedClaim, PaidClaim
from commonweal.client.ledger.rows.contribution_rows import (
    ContributionState,
    contribution_state,
    correction_words,
    event_words,
)
from commonweal.client.sharing.claims import explained_claim, paid_claims
from commonweal.client.sharing.commissions import commission_sentences
from commonweal.client.sharing.project_splits import project_rule
from commonweal.client.sharing.shares import ShareLine, payouts, share_line
from commonweal.protocol.errors import UnknownId
from commonweal.protocol.ledger.claims.claims import CLAIM
from commonweal.protocol.ledger.members import registry
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.things.event_row import EVENT, event_row
from commonweal.protocol.records.record import RecordId
from commonweal.protocol.vocabulary.payout_line import GIVEN, PART_UNITS, USED

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView
    from commonweal.protocol.ledger.claims.pools import Payout
    from commonweal.protocol.ledger.contributions.consent import CorrectionRow
    from commonweal.protocol.ledger.sharing.explanation import EventExplanation
    from commonweal.protocol.ledger.state.state import State

INPUTS_SHOWN_MAX = 10

HEIGHT_MAX = (1 << 63) - 1

POINTS_DECIMALS = 3
"""Decimals of the points of a part of a contribution."""


@dataclass(frozen=True, slots=True)
class ExplainedLine(ShareLine):
    """A line of a split, with the sentence of its rule, and how many contributions it is for."""

    rule: str
    inputs_in_all: int


@dataclass(frozen=True, slots=True)
class ExplainedContribution(ContributionState):
    """A contribution, and what the rules make of it.

    height: at which its value was booked. points, reason: its value, and why. waiting: corrections
    that wait for consent. lines: shares that it is in. settles: claims that it pays.
    """

    height: int | None
    attested: bool
    attestations_needed: int
    waiting: tuple[bytes, ...]
    points: int | None
    reason: str | None
    rule: str
    lines: tuple[ShareLine, ...]
    settles: tuple[PaidClaim, ...]


@dataclass(frozen=True, slots=True)
class ExplainedRecord:
    """A record that is no contribution. reason: why it counts for nothing, None if it counts."""

    id: RecordId
    reason: Reason | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """What something is, as values and as sentences in the member's language."""

    subject: ExplainedLine | ExplainedClaim | ExplainedContribution | ExplainedRecord
    sentences: tuple[str, ...]


class Explanations(HomeAccess):
    """Why things are worth what they are."""

    def explain(self, id: str | bytes) -> Explanation:
        """Explain a line of `shares`, a claim, a contribution, or any other record.

        id: the name of a line, or how an id begins. Raises UnknownId, AmbiguousId. Where a light
        home does not get the record, the state alone explains it.
        """
        self.look_up(id, must=False)
        return explained(self.view, prefix(id))


def explained(view: LedgerView, text: str) -> Explanation:
    """Return what something is. text: the name of a line, or how an id begins."""
    payout = line_named(view.final, text)
    if payout is not None:
        return _of_line(view, text, payout)
    try:
        claim = view.id_among(text, CLAIM)
    except UnknownId:
        return _of_contribution(view, text)
    return Explanation(*explained_claim(view, claim))


def line_named(state: State, text: str) -> Payout | None:
    """Return the line of this name: height, pool and number; None where there is none."""
    height = whole_number(text.partition(".")[0])
    if height is None or height > HEIGHT_MAX:
        return None
    return dict(payouts(state, height)).get(text)


def _of_line(view: LedgerView, name: str, payout: Payout) -> Explanation:
    from commonweal.protocol.ledger.sharing.explanation import rule_sentence

    row = share_line(view, name, payout)
    words, line, unit = view.words, payout.line, shown_unit(payout.unit, view.words)
    rule = project_rule(view.final, payout, words)
    rule = rule or rule_sentence(view.final, payout, words.language, view.kept.documents)
    subject = ExplainedLine(**fields_of(row), rule=rule, inputs_in_all=payout.inputs)
    about = {
        "name": visible(row.member_name),
        "amount": f"{row.amount:f}",
        "unit": unit,
        "height": row.height,
        "pool": visible(row.pool),
        "corrects": row.corrects,
    }
    what = words("{name} has a share of {amount} {unit} at height {height}, from the pool {pool}.")
    if line.corrects:
        what = words(
            "{name}: {amount} {unit} at height {height}, from the pool {pool}, since an income"
            " that was split at height {corrects} was corrected."
        )
    sentences = [
        what.format(**about),
        words("By the rule {bucket}: {rule}").format(
            bucket=visible(line.bucket), rule=visible(subject.rule) or "-"
        ),
        words("{weight:,} of {weights:,} of {of} {unit}").format(
            weight=row.weight, weights=row.weights, of=f"{row.of:f}", unit=unit
        ),
    ]
    if line.commissions:
        less = words("less {commissions} {unit} of commissions")
        sentences.append(less.format(commissions=f"{row.commissions:f}", unit=unit))
    if line.source:
        commission = words("a commission on what {name} got")
        sentences.append(commission.format(name=view.name(line.source)))
    if line.corrects:
        income = words("the income: {event}")
        sentences.append(income.format(event=visible(event_words(view, line.income))))
    elif line.income:
        earned = words("earned by: {event}")
        sentences.append(earned.format(event=event_words(view, line.income)))
    sentences += _input_sentences(view, payout)
    sentences.append(words("final at height {height}").format(height=row.height))
    return Explanation(subject, tuple(sentences))


def _input_sentences(view: LedgerView, payout: Payout) -> list[str]:
    """Return the first contributions that a line is for, each with its points."""
    if not payout.inputs:
        return []
    if payout.line.sort == GIVEN:
        return _gift_sentences(view, payout)
    if payout.line.sort == USED:
        return _use_sentences(view, payout)
    of = view.words.plural("for {n} contribution:", "for {n} contributions:", payout.inputs)
    sentences = [of.format(n=f"{payout.inputs:,}")]
    for used in islice(used_inputs(view, payout), INPUTS_SHOWN_MAX):
        points = "" if used.points is None else _points_words(view.words, used)
        sentences.append(f"  {used.id.hex()[:8]}  {visible(event_words(view, used.id))}{points}")
    if payout.inputs > INPUTS_SHOWN_MAX:
        sentences.append("  ...")
    return sentences


class UsedInput(NamedTuple):
    """A contribution that a line is for. points: None while it has none now; part: how much of it
    was used, in 1 / PART_UNITS.
    """

    id: RecordId
    points: int | None
    part: int

    @property
    def used(self) -> Decimal:
        """The points that were used; what is kept of a part is cut off at its last digit."""
        share = round(Fraction((self.points or 0) * self.part, PART_UNITS), POINTS_DECIMALS)
        return Decimal(share.numerator) / share.denominator


def used_inputs(view: LedgerView, payout: Payout) -> Iterator[UsedInput]:
    """Yield the first contributions that a line is for, with their points as of the last seal."""
    from commonweal.protocol.ledger.sharing.valuation import value_of

    line = payout.line
    whole = [PART_UNITS] * len(line.inputs)
    for id, part in zip(line.inputs, line.parts or whole, strict=True):
        value = value_of(view.final, id)
        yield UsedInput(RecordId(id), None if value is None else value.points, part)


def _points_words(words: Words, used: UsedInput) -> str:
    """Return what a contribution counts with."""
    if used.part == PART_UNITS:
        return words(" = {points:,} points").format(points=used.points)
    text = words(" = {points:,} points, {used} of them for the part that was used")
    return text.format(points=used.points, used=f"{used.used:,f}")


def _gift_sentences(view: LedgerView, payout: Payout) -> list[str]:
    """Return which members gave the points that a line is for, the first of them."""
    of = view.words.plural("points of {n} member:", "points of {n} members:", payout.inputs)
    sentences = [of.format(n=f"{payout.inputs:,}")]
    for id in payout.line.inputs[:INPUTS_SHOWN_MAX]:
        record = view.held(id.hex())
        author = registry.device_row(view.state, record.author)
        assert author is not None, "it counted"
        points = dict(record.data["points"]).get(payout.line.member, 0)
        text = view.words("{id}  {name} gave {points:,} points")
        about = {"id": id.hex()[:8], "name": visible(view.name(author.member)), "points": points}
        sentences.append(f"  {text.format(**about)}")
    if payout.inputs > INPUTS_SHOWN_MAX:
        sentences.append("  ...")
    return sentences


def _use_sentences(view: LedgerView, payout: Payout) -> list[str]:
    """Return the uses of data that a line is for, the first of them."""
    of = view.words.plural("for {n} use of data:", "for {n} uses of data:", payout.inputs)
    sentences = [of.format(n=f"{payout.inputs:,}")]
    sentences += [
        f"  {id.hex()[:8]}  {visible(event_words(view, id))}"
        for id in payout.line.inputs[:INPUTS_SHOWN_MAX]
    ]
    if payout.inputs > INPUTS_SHOWN_MAX:
        sentences.append("  ...")
    return sentences


def _of_contribution(view: LedgerView, text: str) -> Explanation:
    from commonweal.protocol.ledger.claims.pools import payout_name
    from commonweal.protocol.ledger.sharing.explanation import explain_event

    try:
        id = view.id_among(text, EVENT)
    except UnknownId:
        record = view.held(text)
        reason = view.kept.verdict(record)
        sentence = view.reason_words(record, reason)
        return Explanation(ExplainedRecord(record.id, reason), (sentence,))
    event = explain_event(view.state, view.final, id, view.kept.rules)
    assert event is not None, "it is an event"
    lines = [(payout_name(place), payout) for place, payout in event.payouts]
    rule = view.kept.ruleset.document.get("value", {}).get(event.row.action, {})
    settles, settle_sentences = paid_claims(view, id)
    state = contribution_state(view, id, event.row)
    subject = ExplainedContribution(
        **fields_of(state),
        height=event.booked and event.booked[0],
        attested=event.is_attested,
        attestations_needed=event.needed,
        waiting=tuple(correction for correction, _row in event.corrections),
        points=event.value and event.value.points,
        reason=event.value.reason if event.value else None,
        rule=str(rule.get(view.words.language, "")),
        lines=tuple(share_line(view, name, payout) for name, payout in lines),
        settles=settles,
    )
    sentences = [
        visible(event_words(view, id)),
        _attestation_sentence(view, id, event),
        *_waiting_sentences(view, id, event.corrections),
        *_value_sentences(view, subject, event),
        *settle_sentences,
        *map(visible, commission_sentences(view, id)),
        *_line_sentences(view, lines),
    ]
    return Explanation(subject, tuple(sentences))


def _attestation_sentence(view: LedgerView, id: RecordId, event: EventExplanation) -> str:
    row = event_row(view.state, id)
    if row is not None and is_withdrawn(view.state, id, row):
        return view.words("its author withdrew it")
    text = view.words("{yes} say yes, {no} say no; the rules ask for {needed}")
    return text.format(yes=event.yes, no=event.no, needed=event.needed)


def _waiting_sentences(
    view: LedgerView, id: bytes, waiting: Iterable[tuple[bytes, CorrectionRow]]
) -> list[str]:
    """Return what of a contribution has no effect yet."""
    from commonweal.protocol.ledger.contributions import commons

    sentences = []
    if not commons.is_moved(view.state, id):
        sentences.append(view.words("no resource shows it until enough others attest it"))
    for correction, row in waiting:
        names = ", ".join(view.name(member) for member in row.asked)
        more = view.words("{id}: {what}, waits for the yes of {names}")
        what = correction_words(view, row)
        sentences.append(visible(more.format(id=correction.hex()[:8], what=what, names=names)))
    return sentences


def _value_sentences(
    view: LedgerView, subject: ExplainedContribution, event: EventExplanation
) -> list[str]:
    from commonweal.client.ledger.forecast import forecast

    words, sentences = view.words, []
    if subject.disputes:
        disputed = words("disputed by {n}: worth nothing until they withdraw")
        sentences.append(disputed.format(n=subject.disputes))
    value = event.value
    if subject.height is None:
        sentences.append(words("provisional: not sealed yet"))
    elif value is None:
        made = forecast(view.state, view.community, view.kept.rules, view.kept.ruleset, subject.id)
        pool = None if made is None else made.pool
        sealed = words("sealed at height {height}, and without a value")
        if pool is not None:
            sealed = words("income of the pool {pool}, sealed at height {height}")
        sentences.append(sealed.format(height=subject.height, pool=visible(pool or "")))
    else:
        worth = words("worth {points:,} points since height {height}")
        sentences.append(worth.format(points=value.points, height=value.height))
        sentences += [visible(text) for text in (value.reason, subject.rule) if text]
    return sentences


def _line_sentences(view: LedgerView, lines: Iterable[tuple[str, Payout]]) -> list[str]:
    text = view.words("in the line {line}: {amount} {unit} to {name}")
    return [
        text.format(
            line=name,
            amount=f"{exact(payout.line.amount, payout.scale):f}",
            unit=shown_unit(payout.unit, view.words),
            name=visible(view.name(payout.line.member)),
        )
        for name, payout in lines
    ]
