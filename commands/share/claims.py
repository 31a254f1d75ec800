"""`weal claims` and `payouts`: what members are owed, what was paid of it, and a file to pay by.

A claim is final: a seal made it, and it never changes. What is paid of it is said until the
claimant attests it, and provisional until that is sealed. Every line says which is which.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from commonweal.client.event_words import event_words
from commonweal.client.ledger_view import ID_DIGITS, LedgerView
from commonweal.client.quantity import shown_number, shown_unit
from commonweal.client.visible_text import visible
from commonweal.commands.terminal.language import N_, _, spoken
from commonweal.commands.terminal.ledger import folded
from commonweal.commands.terminal.options import form_option, home_option
from commonweal.commands.terminal.output import Column, Form
from commonweal.commands.terminal.tables import table
from commonweal.protocol import codec
from commonweal.protocol.errors import NotYet
from commonweal.protocol.ledger.claims import claims as ledger
from commonweal.protocol.ledger.claims import pools, settlement
from commonweal.protocol.ledger.claims.claims import Claim
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.things.resources import RESOURCE, ResourceRow
from commonweal.protocol.records.record import RecordId
from commonweal.storage.home.home import Home

CLAIM_FIELDS = (
    *("claim", "height", "pool", "member", "member_name", "amount", "unit", "settled", "said"),
    *("open", "over", "status", "sealed", "final", "earned", "corrected", "owed_back", "ruleset"),
)
PAYOUT_FIELDS = (
    *("height", "seal", "time", "ruleset", "pool", "claim", "member", "member_name", "amount"),
    "unit",
)
OPEN = ("open", "partly")

STATUSES = {
    "open": N_("to be paid"),
    "partly": N_("partly settled"),
    "settled": N_("settled"),
    "nothing": N_("nothing to pay"),
}
PAYMENTS = {
    settlement.SAID: N_("said, not confirmed by the claimant"),
    settlement.CONFIRMED: N_("confirmed"),
    settlement.DENIED: N_("denied by the claimant"),
}


@click.command("claims")
@click.option("--member", metavar="MEMBER", help="Only those of this member.")
@click.option("--open", "only_open", is_flag=True, help="Only those that are not settled whole.")
@click.option("--settled", "only_settled", is_flag=True, help="Only those that are settled.")
@click.option("--if-sealed", is_flag=True, help="Also what a seal of all now would make claims.")
@home_option
@form_option()
def claims(
    member: str | None,
    only_open: bool,
    only_settled: bool,
    if_sealed: bool,
    home: Home,
    form: Form,
) -> None:
    """Show what members are owed, and how much of it is settled.

    A payment counts once the claimant attests it: weal attest ID.
    """
    wanted = (*OPEN * only_open, *("settled",) * only_settled) or (*OPEN, "settled")
    with folded(home) as found:
        whom = found.member(member) if member else None
        height = found.kept.cut.height
        rows = [
            _row(found, one, is_sealed=True)
            for one in ledger.claims(found.state, member=whom)
            if one.status in wanted
        ]
        if if_sealed:
            rows += [_row(found, one, is_sealed=False) for one in _unsealed(found, whom)]
        back = _too_much(found, whom)
        standing = found.standing()
    if form is Form.TEXT:
        for row in rows:
            row["unit"], row["words"] = shown_unit(row["unit"], spoken()), _standing(row)
            row["status"] = _(STATUSES[row["status"]])
    columns = [
        Column("claim", _("claim")),
        Column("member_name", _("member")),
        Column("height", _("height"), is_number=True),
        Column("amount", _("owed"), is_number=True),
        Column("settled", _("settled"), is_number=True),
        Column("said", _("only said"), is_number=True),
        Column("unit", _("unit")),
        Column("status", ""),
        Column("words", ""),
    ]
    notes = [_back_words(one) for one in back] if form is Form.TEXT else []
    more = {"height": height, "too_much": back}
    return table(form, "claims", rows, CLAIM_FIELDS, columns, "\n".join([*notes, standing]), **more)


@click.command("payouts")
@click.option("--height", type=click.IntRange(1), metavar="H", help="What this height pays.")
@home_option
@form_option()
def payouts(height: int | None, home: Home, form: Form) -> None:
    """Write who is to be paid what, each with the seal that it was computed at.

    Only what is sealed is in it, so it is the same on every node. Whoever pays records it:
    weal record transfer AMOUNT UNIT --settles CLAIM.
    """
    with folded(home) as found:
        top = found.kept.cut.height
        if height is not None and height > top:
            words = _("height {height} is not sealed here; the last is {top}")
            raise NotYet(words.format(height=height, top=top))
        seals = _seals(found)
        rows = [
            _payout(found, one, seals)
            for one in ledger.claims(found.final, height)
            if one.row.amount
        ]
    columns = [
        Column("height", _("height"), is_number=True),
        Column("member_name", _("member")),
        Column("amount", _("amount"), is_number=True),
        Column("unit", _("unit")),
        Column("pool", _("pool")),
        Column("claim", _("claim")),
        Column("seal", _("computed at the seal")),
    ]
    standing = _("final at height {height}").format(height=top) if top else ""
    standing = standing or _("provisional: not sealed yet")
    return table(form, "payouts", rows, PAYOUT_FIELDS, columns, standing, height=top)


def story(found: LedgerView, id: bytes) -> tuple[dict[str, Any], list[str]]:
    """Return a claim with its lines and what was paid of it: as json says it, and in words."""
    one = ledger.claim(found.state, id)
    assert one is not None, "it was found"
    row = _row(found, one, is_sealed=True) | {"lines": [], "payments": []}
    row |= _seals(found).get(one.row.height, {})
    unit = shown_unit(one.row.pool.unit, spoken())
    words = [
        _(
            "{name} is owed {amount} {unit} from the pool {pool}, computed at height {height}"
            " with the seal {seal}, by the rules {ruleset}."
        ).format(
            name=visible(found.name(one.row.member)),
            amount=row["amount"],
            unit=unit,
            pool=visible(one.row.pool.name),
            height=one.row.height,
            seal=str(row.get("seal", ""))[:ID_DIGITS],
            ruleset=one.row.ruleset.hex()[:ID_DIGITS],
        )
    ]
    words += _lines(found, one, row, unit)
    if one.row.before:
        less = _("less {amount} {unit} that was too much before")
        words.append(less.format(amount=row["owed_back"], unit=unit))
    words += _payments(found, one, row, unit)
    words.append(
        _("{status}: {settled} {unit} settled, {open} {unit} open").format(
            **{**row, "status": _(STATUSES[row["status"]]), "unit": unit}
        )
    )
    if one.over:
        over = _("{over} {unit} more than is owed was paid and confirmed")
        words.append(over.format(over=row["over"], unit=unit))
    return row, [*words, _standing(row)]


def pays(found: LedgerView, event: bytes) -> tuple[list[dict[str, Any]], list[str]]:
    """Return which claims a contribution pays: as json says it, and in words."""
    row = settlement.settlement_row(found.state, event)
    parts: list[dict[str, Any]] = []
    words: list[str] = []
    for id, n in row.parts if row is not None else ():
        one = ledger.claim(found.state, id)
        assert row is not None and one is not None, "what is paid is owed"
        amount = shown_number(n, one.row.pool.scale)
        parts.append({"claim": id.hex(), "amount": amount, "status": row.status})
        words.append(
            _("pays {amount} {unit} of the claim {claim}: {status}").format(
                amount=amount,
                unit=shown_unit(one.row.pool.unit, spoken()),
                claim=id.hex()[:ID_DIGITS],
                status=_(PAYMENTS[row.status]),
            )
        )
    return parts, words


def paying(
    found: LedgerView,
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
    ids = [found.id_among(text, ledger.CLAIM) for text in texts]
    first = ledger.claim(found.state, ids[0])
    assert first is not None, "it was found"
    taker = first.row.member if receiver is None else bytes(receiver)
    data: dict[str, codec.Value] = {
        "provider": bytes(found.community) if provider is None else bytes(provider),
        "receiver": taker,
        "settles": [bytes(one) for one in dict.fromkeys(ids)],
    }
    chest = None if provider else _purse(found, found.community, quantity, least=quantity)
    if chest is None:
        return data, ()
    purse = _purse(found, taker, quantity)
    data["resourceInventoriedAs"] = bytes(chest)
    if purse is None:
        data["newInventoriedResource"] = {}
        return data, (chest,)
    data["toResourceInventoriedAs"] = bytes(purse)
    return data, (chest, purse)


def _purse(
    found: LedgerView, owner: bytes, quantity: Sequence[Any], least: Sequence[Any] = (0, 0)
) -> RecordId | None:
    """Return what somebody holds of a currency, if it is at least so much; None if nothing is."""
    for key, value in found.state.items(RESOURCE):
        row = ResourceRow(*value)
        is_his = row.accountable == row.custodian == owner
        if is_his and row.spec is None and row.unit == quantity[2]:
            held = min(row.accounting, row.onhand)
            if least[0] * 10**row.scale <= held * 10 ** least[1]:
                return RecordId(key[1:])
    return None


def _row(found: LedgerView, one: Claim, *, is_sealed: bool) -> dict[str, Any]:
    """Return a claim as json says it. is_sealed: else it is none yet."""
    row, scale = one.row, one.row.pool.scale
    then = ledger.claim(found.final, one.id)
    return {
        "claim": one.id.hex(),
        "height": row.height,
        "pool": row.pool.name,
        "member": row.member.hex(),
        "member_name": found.name(row.member),
        "amount": shown_number(row.amount, scale),
        "unit": row.pool.unit,
        "settled": shown_number(one.settled, scale),
        "said": shown_number(one.said, scale),
        "open": shown_number(one.open, scale),
        "over": shown_number(one.over, scale),
        "status": one.status,
        "sealed": is_sealed,
        "final": is_sealed and then is not None and then.paid == one.paid,
        "earned": shown_number(row.earned, scale),
        "corrected": shown_number(row.corrected, scale),
        "owed_back": shown_number(row.before, scale),
        "ruleset": row.ruleset.hex(),
    }


def _standing(row: dict[str, Any]) -> str:
    """Return what of a claim is final, for people."""
    if not row["sealed"]:
        return _("provisional: no claim before a seal")
    if row["final"]:
        return _("final")
    return _("the claim is final, what was paid is provisional: not sealed yet")


def _unsealed(found: LedgerView, whom: bytes | None) -> list[Claim]:
    from commonweal.commands.share.seal import sealed_now

    state, top = sealed_now(found)
    if top == found.kept.cut.height:
        return []
    return [one for one in ledger.claims(state, top, whom) if one.row.amount]


def _too_much(found: LedgerView, whom: bytes | None) -> list[dict[str, Any]]:
    """Return what members had too much, which is taken off their next claims."""
    return [
        {
            "member": member.hex(),
            "member_name": found.name(member),
            "pool": pool.name,
            "amount": shown_number(amount, pool.scale),
            "unit": pool.unit,
        }
        for (pool, member), amount in ledger.all_overpaid(found.final).items()
        if whom in (None, member)
    ]


def _back_words(one: dict[str, Any]) -> str:
    words = _(
        "{member_name} had {amount} {unit} too much from the pool {pool}:"
        " it is taken off the next claim (final)"
    )
    shown = {**one, "unit": shown_unit(one["unit"], spoken()), "pool": visible(one["pool"])}
    return words.format(**{**shown, "member_name": visible(one["member_name"])})


def _payout(found: LedgerView, one: Claim, seals: dict[int, dict[str, Any]]) -> dict[str, Any]:
    row = _row(found, one, is_sealed=True) | seals.get(one.row.height, {})
    row["ruleset"] = one.row.ruleset.hex()
    return {field: row.get(field) for field in PAYOUT_FIELDS}


def _seals(found: LedgerView) -> dict[int, dict[str, Any]]:
    """Return id and time of the seal of each height."""
    rows = found.kept.layers.rows("SELECT height, id, time FROM seals")
    return {height: {"seal": id, "time": time} for height, id, time in rows}


def _lines(found: LedgerView, one: Claim, row: dict[str, Any], unit: str) -> list[str]:
    """Return the lines that a claim is the sum of, in words; put them into `row`."""
    words: list[str] = []
    for place, payout in _places(found.final, one):
        name, line = pools.payout_name(place), payout.line
        amount = shown_number(line.amount, payout.scale)
        row["lines"].append({"line": name, "amount": amount, "bucket": line.bucket})
        what = visible(line.bucket)
        if line.corrects:
            what = _("the split at height {height}, corrected: {event}").format(
                height=line.corrects, event=visible(event_words(found, line.income))
            )
        words.append(f"  {name}  {amount} {unit}  {what}")
    return words


def _places(state: State, one: Claim) -> list[tuple[bytes, pools.Payout]]:
    lines = pools.lines_of(state, one.row.height, one.row.pool)
    return [(place, payout) for place, payout in lines if payout.line.member == one.row.member]


def _payments(found: LedgerView, one: Claim, row: dict[str, Any], unit: str) -> list[str]:
    """Return what is said to pay a claim, in words; put it into `row`."""
    words: list[str] = []
    sealed = settlement.payments(found.final, one.id)
    for event, n, status in settlement.payments(found.state, one.id):
        amount = shown_number(n, one.row.pool.scale)
        is_final = (event, n, status) in sealed
        said = {"event": event.hex(), "amount": amount, "status": status, "final": is_final}
        row["payments"].append(said)
        standing = _("final") if is_final else _("provisional: not sealed yet")
        paid = _("paid {amount} {unit} by {event}: {status} · {standing}").format(
            amount=amount,
            unit=unit,
            event=event.hex()[:ID_DIGITS],
            status=_(PAYMENTS[status]),
            standing=standing,
        )
        words.append(f"  {paid}")
    return words
