"""`weal claims` and `payouts`: what members are owed, what was paid of it, and a file to pay by.

A claim is final: a seal made it, and it never changes. What is paid of it is said until the
claimant attests it, and provisional until that is sealed. Every line says which is which.
"""

from __future__ import annotations

import click

from commonweal.client.language.plain import plain_rows
from commonweal.client.language.quantity import shown_unit
from commonweal.client.language.visible_text import visible
from commonweal.client.ledger.rows.claim_rows import STATUSES, Overpaid
from commonweal.client.sharing.claims import Claims
from commonweal.commands.terminal.language import _, spoken
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import form_option, home_option
from commonweal.commands.terminal.output import Column, Form
from commonweal.commands.terminal.tables import table
from commonweal.storage.home.home import Home

CLAIM_FIELDS = (
    *("claim", "height", "pool", "member", "member_name", "amount", "unit", "settled", "said"),
    *("open", "over", "status", "sealed", "final", "earned", "corrected", "owed_back", "ruleset"),
)
PAYOUT_FIELDS = (
    *("height", "seal", "time", "ruleset", "pool", "claim", "member", "member_name", "amount"),
    "unit",
)


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
    every = only_open == only_settled
    with part_of(Claims, home) as me:
        listed = me.claims(
            member=member,
            unsettled=every or only_open,
            settled=every or only_settled,
            if_sealed=if_sealed,
        )
        standing = me.view.standing()
    rows, notes = plain_rows(listed.claims), []
    if form is Form.TEXT:
        for row, claim in zip(rows, listed.claims, strict=True):
            row["unit"] = shown_unit(claim.unit, spoken())
            row["words"] = claim.finality(spoken())
            row["status"] = _(STATUSES[claim.status])
        notes = [_overpaid_sentence(overpaid) for overpaid in listed.too_much]
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
    more = {"height": listed.height, "too_much": plain_rows(listed.too_much)}
    footer = "\n".join([*notes, standing])
    return table(form, "claims", rows, CLAIM_FIELDS, columns, footer, **more)


@click.command("payouts")
@click.option("--height", type=click.IntRange(1), metavar="H", help="What this height pays.")
@home_option
@form_option()
def payouts(height: int | None, home: Home, form: Form) -> None:
    """Write who is to be paid what, each with the seal that it was computed at.

    Only what is sealed is in it, so it is the same on every node. Whoever pays records it:
    weal record transfer AMOUNT UNIT --settles CLAIM.
    """
    with part_of(Claims, home) as me:
        rows = plain_rows(me.payouts(height))
        top, standing = me.sealed.kept.cut.height, me.standing()
    columns = [
        Column("height", _("height"), is_number=True),
        Column("member_name", _("member")),
        Column("amount", _("amount"), is_number=True),
        Column("unit", _("unit")),
        Column("pool", _("pool")),
        Column("claim", _("claim")),
        Column("seal", _("computed at the seal")),
    ]
    return table(form, "payouts", rows, PAYOUT_FIELDS, columns, standing, height=top)


def _overpaid_sentence(overpaid: Overpaid) -> str:
    words = _(
        "{member_name} had {amount} {unit} too much from the pool {pool}:"
        " it is taken off the next claim (final)"
    )
    return words.format(
        member_name=visible(overpaid.member_name),
        amount=f"{overpaid.amount:f}",
        unit=shown_unit(overpaid.unit, spoken()),
        pool=visible(overpaid.pool),
    )
