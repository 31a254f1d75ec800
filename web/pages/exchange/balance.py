"""Balance: what this member has with the others, and the forms by which they pay and ask."""

from __future__ import annotations

from fastapi import APIRouter, Response

from commonweal.client.exchange.credit.balances import FLAGS
from commonweal.client.exchange.deals.rows import OF_ME, PAYMENT
from commonweal.client.language.quantity import shown_unit
from commonweal.client.member import Member
from commonweal.protocol.errors import CommonwealError, NotYet, UnreadableTime
from commonweal.web.pages.request import Page, PageRequest

router = APIRouter()

FIELDS = ("member", "quantity", "unit", "note", "due", "for")
NOTE_CHARS_MAX = 2_000
QUANTITY_CHARS_MAX = 40
ASKED_MAX = 50
"""Payments asked of this member that are shown; the oldest first."""


@router.get("/money/balance")
def balance(page: Page) -> Response:
    """Show this member's balances, what is asked of them, and the balances of all."""
    with page.member() as member:
        listed = member.balances()
        asked = [deal for deal in member.deals() if (deal.sort, deal.group) == (PAYMENT, OF_ME)]
        rules = member.view.kept.ruleset
        return page.show(
            "exchange/balance.html",
            own=[row for row in listed.balances if row.member == member.view.me],
            balances=listed.balances,
            former=listed.former,
            height=listed.height,
            asked=asked[:ASKED_MAX],
            sentences={
                unit: rules.sentence(page.words.language, "credit", unit) for unit in rules.credits
            },
            flags=FLAGS,
            me=member.view.me,
        )


@router.get("/money/balance/pay")
def pay(page: Page) -> Response:
    """Show the form of a payment, filled in where the address says of what."""
    return _form(page, "exchange/pay.html", {name: page.query(name) for name in FIELDS}, {})


@router.post("/money/balance/pay")
def record_payment(page: Page) -> Response:
    """Pay a member from this member's balance, or what was promised in a unit without balances."""
    typed = {name: page.field(name) for name in FIELDS}
    place = ["/money/balance"]

    def act(me: Member) -> str:
        made = me.pay(
            typed["member"],
            typed["quantity"],
            typed["unit"],
            fulfills=typed["for"] or None,
            note=typed["note"] or None,
        )
        if made.balance is None:
            place[0] = f"/why/{made.id.hex()}"
        text = me.words("You paid {member} {amount} {unit}.")
        unit = shown_unit(made.unit, me.words)
        return text.format(member=made.member_name, amount=f"{made.amount:f}", unit=unit)

    try:
        notice = page.act(act)
    except CommonwealError as error:
        return _form(page, "exchange/pay.html", typed, {"quantity": page.sentence(error)})
    return page.go(place[0], notice)


@router.get("/money/balance/ask")
def ask(page: Page) -> Response:
    """Show the form by which a member is asked to pay."""
    return _form(page, "exchange/ask.html", {name: page.query(name) for name in FIELDS}, {})


@router.post("/money/balance/ask")
def record_request(page: Page) -> Response:
    """Ask a member to pay."""
    typed = {name: page.field(name) for name in FIELDS}

    def act(me: Member) -> str:
        made = me.ask(
            typed["member"],
            typed["quantity"],
            typed["unit"],
            due=typed["due"] or None,
            note=typed["note"] or None,
        )
        text = me.words("You asked {member} for {amount} {unit}.")
        unit = shown_unit(made.unit, me.words)
        return text.format(member=made.member_name, amount=f"{made.amount:f}", unit=unit)

    try:
        notice = page.act(act)
    except UnreadableTime as error:
        return _form(page, "exchange/ask.html", typed, {"due": page.sentence(error)})
    except CommonwealError as error:
        return _form(page, "exchange/ask.html", typed, {"quantity": page.sentence(error)})
    return page.go("/money/balance", notice)


def _form(
    page: PageRequest, template: str, typed: dict[str, str], errors: dict[str, str]
) -> Response:
    with page.member() as member:
        rows = member.balances().balances
        own = {row.unit: row for row in rows if row.member == member.view.me}
        credits_of_rules = member.view.kept.rules.credits
        units = [*credits_of_rules]
        if typed["unit"] and typed["unit"] not in units:
            units.append(typed["unit"])
        if not units:
            raise NotYet(page.words("The rules have no balances between members."))
        others = [
            (row.member.hex(), row.name)
            for row in member.members()
            if row.status == "active" and row.member != member.view.me
        ]
    first = {"unit": units[0], "member": next((id for id, _ in others), "")}
    return page.show(
        template,
        422 if errors else 200,
        others=others,
        units=[(unit, shown_unit(unit, page.words)) for unit in units],
        own=own,
        typed={**typed, **{name: typed[name] or value for name, value in first.items()}},
        errors=dict.fromkeys(FIELDS, "") | errors,
        note_chars=NOTE_CHARS_MAX,
        quantity_chars=QUANTITY_CHARS_MAX,
    )
