"""Claims: what members are owed, what was paid of it, and by which lines and payments.

A claim is final: a seal made it, and it never changes. What is paid of it is said until the
claimant attests it, and provisional until that is sealed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from commonweal.client.access import HomeAccess, prefix
from commonweal.client.language.quantity import exact, shown_unit
from commonweal.client.language.visible_text import visible
from commonweal.client.ledger.rows.claim_rows import (
    OPEN,
    PAYMENTS,
    STATUSES,
    ClaimLine,
    ClaimList,
    ClaimPayment,
    ClaimState,
    DuePayment,
    ExplainedClaim,
    Overpaid,
    PaidClaim,
)
from commonweal.client.ledger.rows.contribution_rows import event_words
from commonweal.client.ledger.words.notes import ID_DIGITS
from commonweal.client.sharing.seals import sealed_now
from commonweal.protocol import codec
from commonweal.protocol.errors import NotYet
from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.claims import claims as ledger
from commonweal.protocol.ledger.claims import pools, settlement
from commonweal.protocol.ledger.claims.claims import Claim, ClaimId
from commonweal.protocol.ledger.things.resources import RESOURCE, ResourceRow
from commonweal.protocol.records.record import RecordId

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView


class Claims(HomeAccess):
    """What members are owed."""

    def claims(
        self,
        *,
        member: str | None = None,
        unsettled: bool = True,
        settled: bool = True,
        if_sealed: bool = False,
    ) -> ClaimList:
        """Return what members are owed. unsettled, settled: whether such claims are among them.

        if_sealed: also what a seal of all that is held would make claims now.
        """
        view = self.view
        owner = view.member(member) if member else None
        wanted = (*OPEN * unsettled, *("settled",) * settled)
        rows = [
            claim_state(view, claim, is_sealed=True)
            for claim in ledger.claims(view.state, member=owner)
            if claim.status in wanted
        ]
        if if_sealed:
            rows += [claim_state(view, claim, is_sealed=False) for claim in _unsealed(view, owner)]
        return ClaimList(view.kept.cut.height, tuple(rows), tuple(_too_much(view, owner)))

    def payouts(self, height: int | None = None) -> list[DuePayment]:
        """Return who is to be paid what, by the claims of all heights or of one.

        Only what is sealed, so the same on every node. Raises NotYet for a height above the last.
        """
        view = self.sealed
        top = view.kept.cut.height
        if height is not None and height > top:
            text = self.words("height {height} is not sealed here; the last is {top}")
            raise NotYet(text.format(height=height, top=top))
        seals = _seals(view)
        return [
            _due(view, claim, seals)
            for claim in ledger.claims(view.final, height)
            if claim.row.amount
        ]

    def claim_id(self, id: str | bytes) -> ClaimId:
        """Return the claim whose id begins so. Raises UnknownId, AmbiguousId."""
        return ClaimId(self.view.id_among(prefix(id), ledger.CLAIM))


def claim_state(view: LedgerView, claim: Claim, *, is_sealed: bool) -> ClaimState:
    """Return a claim as the fold has it. is_sealed: else it is none yet."""
    return ClaimState(**_state(view, claim, is_sealed=is_sealed))


def explained_claim(view: LedgerView, id: bytes) -> tuple[ExplainedClaim, tuple[str, ...]]:
    """Return a claim with its lines and payments, and the same in sentences."""
    claim = ledger.claim(view.state, id)
    assert claim is not None, "it is a claim"
    words, unit = view.words, shown_unit(claim.row.pool.unit, view.words)
    lines, line_words = _lines(view, claim, unit)
    payments, payment_words = _payments(view, claim, unit)
    seal, time = _seals(view).get(claim.row.height, (None, None))
    explained = ExplainedClaim(
        **_state(view, claim, is_sealed=True), lines=lines, payments=payments, seal=seal, time=time
    )
    sentences = [
        words(
            "{name} is owed {amount} {unit} from the pool {pool}, computed at height {height}"
            " with the seal {seal}, by the rules {ruleset}."
        ).format(
            name=visible(explained.member_name),
            amount=f"{explained.amount:f}",
            unit=unit,
            pool=visible(explained.pool),
            height=explained.height,
            seal=(seal or "")[:ID_DIGITS],
            ruleset=explained.ruleset.hex()[:ID_DIGITS],
        ),
        *line_words,
    ]
    if claim.row.before:
        less = words("less {amount} {unit} that was too much before")
        sentences.append(less.format(amount=f"{explained.owed_back:f}", unit=unit))
    sentences += payment_words
    sentences.append(
        words("{status}: {settled} {unit} settled, {open} {unit} open").format(
            status=words(STATUSES[explained.status]),
            settled=f"{explained.settled:f}",
            open=f"{explained.open:f}",
            unit=unit,
        )
    )
    if claim.over:
        over = words("{over} {unit} more than is owed was paid and confirmed")
        sentences.append(over.format(over=f"{explained.over:f}", unit=unit))
    return explained, (*sentences, explained.finality(words))


def paid_claims(view: LedgerView, event: bytes) -> tuple[tuple[PaidClaim, ...], list[str]]:
    """Return which claims a contribution pays, and the same in sentences."""
    row = settlement.settlement_row(view.state, event)
    parts: list[PaidClaim] = []
    sentences: list[str] = []
    for id, n in row.parts if row is not None else ():
        claim = ledger.claim(view.state, id)
        assert row is not None and claim is not None, "what is paid is owed"
        part = PaidClaim(ClaimId(id), exact(n, claim.row.pool.scale), row.status)
        parts.append(part)
        sentences.append(
            view.words("pays {amount} {unit} of the claim {claim}: {status}").format(
                amount=f"{part.amount:f}",
                unit=shown_unit(claim.row.pool.unit, view.words),
                claim=id.hex()[:ID_DIGITS],
                status=view.words(PAYMENTS[row.status]),
            )
        )
    return tuple(parts), sentences


def paying(
    view: LedgerView,
    texts: Sequence[str],
    quantity: Sequence[Any],
    provider: bytes | None,
    receiver: bytes | None,
) -> tuple[dict[str, codec.Value], tuple[RecordId, ...]]:
    """Return what a transfer says that pays the claims whose ids begin so, and what it cites.

    quantity: [n, scale, unit]. provider: who pays; None for the community, which owes, out
    of what it holds if it holds so much. receiver: who is paid; None for the claimant. Raises
    UnknownId and AmbiguousId.
    """
    ids = [view.id_among(text, ledger.CLAIM) for text in texts]
    first = ledger.claim(view.state, ids[0])
    assert first is not None, "it is a claim"
    taker = first.row.member if receiver is None else bytes(receiver)
    data: dict[str, codec.Value] = {
        "provider": bytes(view.community) if provider is None else bytes(provider),
        "receiver": taker,
        "settles": [bytes(id) for id in dict.fromkeys(ids)],
    }
    source = None if provider else _holding(view, view.community, quantity, least=quantity)
    if source is None:
        return data, ()
    target = _holding(view, taker, quantity)
    data["resourceInventoriedAs"] = bytes(source)
    if target is None:
        data["newInventoriedResource"] = {}
        return data, (source,)
    data["toResourceInventoriedAs"] = bytes(target)
    return data, (source, target)


def _holding(
    view: LedgerView, owner: bytes, quantity: Sequence[Any], least: Sequence[Any] = (0, 0)
) -> RecordId | None:
    """Return what an agent holds of a currency, if it is at least `least`; None without any."""
    for key, value in view.state.items(RESOURCE):
        row = ResourceRow(*value)
        is_owned = row.accountable == row.custodian == owner
        if is_owned and row.spec is None and row.unit == quantity[2]:
            held = min(row.accounting, row.onhand)
            if least[0] * 10**row.scale <= held * 10 ** least[1]:
                return RecordId(key[1:])
    return None


def _state(view: LedgerView, claim: Claim, *, is_sealed: bool) -> dict[str, Any]:
    """Return the fields of a ClaimState."""
    row, scale = claim.row, claim.row.pool.scale
    then = ledger.claim(view.final, claim.id)
    return {
        "claim": claim.id,
        "height": row.height,
        "pool": row.pool.name,
        "member": MemberId(row.member),
        "member_name": view.name(row.member),
        "amount": exact(row.amount, scale),
        "unit": row.pool.unit,
        "settled": exact(claim.settled, scale),
        "said": exact(claim.said, scale),
        "open": exact(claim.open, scale),
        "over": exact(claim.over, scale),
        "status": claim.status,
        "sealed": is_sealed,
        "final": is_sealed and then is not None and then.paid == claim.paid,
        "earned": exact(row.earned, scale),
        "corrected": exact(row.corrected, scale),
        "owed_back": exact(row.before, scale),
        "ruleset": row.ruleset,
    }


def _unsealed(view: LedgerView, owner: bytes | None) -> list[Claim]:
    state, top = sealed_now(view)
    if top == view.kept.cut.height:
        return []
    return [claim for claim in ledger.claims(state, top, owner) if claim.row.amount]


def _too_much(view: LedgerView, owner: bytes | None) -> list[Overpaid]:
    return [
        Overpaid(MemberId(member), view.name(member), pool.name, exact(n, pool.scale), pool.unit)
        for (pool, member), n in ledger.all_overpaid(view.final).items()
        if owner in (None, member)
    ]


def _due(view: LedgerView, claim: Claim, seals: dict[int, tuple[str, str]]) -> DuePayment:
    seal, time = seals.get(claim.row.height, (None, None))
    return DuePayment(
        height=claim.row.height,
        seal=seal,
        time=time,
        ruleset=claim.row.ruleset,
        pool=claim.row.pool.name,
        claim=claim.id,
        member=MemberId(claim.row.member),
        member_name=view.name(claim.row.member),
        amount=exact(claim.row.amount, claim.row.pool.scale),
        unit=claim.row.pool.unit,
    )


def _seals(view: LedgerView) -> dict[int, tuple[str, str]]:
    """Return id and time of the seal of each height."""
    rows = view.kept.layers.rows("SELECT height, id, time FROM seals")
    return {height: (id, time) for height, id, time in rows}


def _lines(view: LedgerView, claim: Claim, unit: str) -> tuple[tuple[ClaimLine, ...], list[str]]:
    """Return the lines that a claim is the sum of, and the same in words."""
    lines: list[ClaimLine] = []
    sentences: list[str] = []
    for place, payout in pools.lines_of(view.final, claim.row.height, claim.row.pool):
        line = payout.line
        if line.member != claim.row.member:
            continue
        row = ClaimLine(pools.payout_name(place), exact(line.amount, payout.scale), line.bucket)
        lines.append(row)
        what = visible(line.bucket)
        if line.corrects:
            what = view.words("the split at height {height}, corrected: {event}").format(
                height=line.corrects, event=visible(event_words(view, line.income))
            )
        sentences.append(f"  {row.line}  {row.amount:f} {unit}  {what}")
    return tuple(lines), sentences


def _payments(
    view: LedgerView, claim: Claim, unit: str
) -> tuple[tuple[ClaimPayment, ...], list[str]]:
    """Return what is said to pay a claim, and the same in words."""
    words = view.words
    payments: list[ClaimPayment] = []
    sentences: list[str] = []
    sealed = settlement.payments(view.final, claim.id)
    for event, n, status in settlement.payments(view.state, claim.id):
        is_final = (event, n, status) in sealed
        amount = exact(n, claim.row.pool.scale)
        payments.append(ClaimPayment(RecordId(event), amount, status, is_final))
        paid = words("paid {amount} {unit} by {event}: {status} · {standing}").format(
            amount=f"{amount:f}",
            unit=unit,
            event=event.hex()[:ID_DIGITS],
            status=words(PAYMENTS[status]),
            standing=words("final") if is_final else words("provisional: not sealed yet"),
        )
        sentences.append(f"  {paid}")
    return tuple(payments), sentences
