"""Acts about money: an income is recorded, a claim paid, a payment confirmed or denied."""

from __future__ import annotations

from fastapi import APIRouter, Response

from commonweal.client.language.quantity import shown_unit
from commonweal.client.ledger.forecast import forecast_words
from commonweal.client.ledger.rows.claim_rows import ClaimState, ExplainedClaim
from commonweal.client.member import Member
from commonweal.protocol.errors import AmbiguousId, CommonwealError, UnknownId, UsageError
from commonweal.web.pages.request import Page, PageRequest

router = APIRouter()

YES, NO = "yes", "no"
INCOME_FIELDS = ("quantity", "unit", "payer", "earned_by", "scope", "note")
NOTE_CHARS_MAX = 2_000
QUANTITY_CHARS_MAX = 40


@router.get("/money/income")
def income(page: Page) -> Response:
    """Show the form of an income."""
    return _income_form(page, {}, {})


@router.post("/money/income")
def record_income(page: Page) -> Response:
    """Record what came in."""
    typed = {name: page.field(name) for name in INCOME_FIELDS}

    def record(me: Member) -> tuple[str, str]:
        if typed["unit"] not in _units(me):
            raise UsageError(me.words("No pool of the rules takes this unit."))
        made = me.income(
            typed["quantity"],
            typed["unit"],
            payer=typed["payer"] or None,
            earned_by=typed["earned_by"] or None,
            scope=typed["scope"] or None,
            note=typed["note"] or None,
        )
        what = f"{typed['quantity']} {shown_unit(typed['unit'], me.words)}"
        return made.id.hex(), forecast_words(what, made.forecast, me.words)

    try:
        id, expected = page.act(record)
    except (UnknownId, AmbiguousId) as error:
        field = "earned_by" if typed["earned_by"] in str(error) and typed["earned_by"] else "payer"
        return _income_form(page, typed, {field: page.sentence(error)})
    except CommonwealError as error:
        return _income_form(page, typed, {"quantity": page.sentence(error)})
    notice = page.words("Recorded: {expected}.").format(expected=expected)
    return page.go("/money", notice, at=f"r-{id[:12]}")


def _units(member: Member) -> list[str]:
    """Return the units in which something can come in by the rules in force."""
    return list(dict.fromkeys(pool.unit for pool in member.view.kept.ruleset.pools))


def _income_form(page: PageRequest, typed: dict[str, str], errors: dict[str, str]) -> Response:
    with page.member() as member:
        units = _units(member)
        names = [agent.name for agent in member.outside_agents() if agent.name]
    return page.show(
        "returns/income.html",
        422 if errors else 200,
        units=[(unit, shown_unit(unit, page.words)) for unit in units],
        payers=names,
        typed=dict.fromkeys(INCOME_FIELDS, "") | {"unit": next(iter(units), "")} | typed,
        errors=dict.fromkeys(INCOME_FIELDS, "") | errors,
        note_chars=NOTE_CHARS_MAX,
        quantity_chars=QUANTITY_CHARS_MAX,
    )


@router.get("/money/pay")
def pay(page: Page) -> Response:
    """Show the form of a payment on a claim."""
    return _pay_form(page, page.query("claim"), {}, "")


@router.post("/money/pay")
def record_payment(page: Page) -> Response:
    """Record that a claim was paid; it is settled once the claimant confirms it."""
    typed = {name: page.field(name) for name in ("claim", "quantity", "giver", "note")}

    def record(me: Member) -> tuple[str, ClaimState]:
        claim = _claim(me, typed["claim"])
        made = me.record(
            "transfer",
            typed["quantity"],
            claim.unit,
            settles=(typed["claim"],),
            note=typed["note"] or None,
            provider=me.view.me.hex() if typed["giver"] == "me" else None,
        )
        return made.id.hex(), claim

    try:
        id, claim = page.act(record)
    except CommonwealError as error:
        return _pay_form(page, typed["claim"], typed, page.sentence(error))
    text = page.words("Recorded. It counts once {name} confirms it.")
    return page.go("/money", text.format(name=claim.member_name), at=f"r-{id[:12]}")


def _pay_form(page: PageRequest, id: str, typed: dict[str, str], error: str) -> Response:
    with page.member() as member:
        claim = _claim(member, id)
        left = claim.open - min(claim.said, claim.open)
        return page.show(
            "returns/pay.html",
            422 if error else 200,
            claim=claim,
            left=left,
            me=member.view.me,
            typed={"quantity": f"{left:f}", "giver": "community", "note": "", **typed},
            error=error,
            note_chars=NOTE_CHARS_MAX,
            quantity_chars=QUANTITY_CHARS_MAX,
        )


def _claim(member: Member, id: str) -> ExplainedClaim:
    """Return a claim by its id. Raises UnknownId for what is none."""
    claim = member.explain(id).subject if id else None
    if not isinstance(claim, ExplainedClaim):
        raise UnknownId(id)
    return claim


@router.post("/money/answer")
def answer(page: Page) -> Response:
    """Say that a payment came, or that it did not."""
    id, say = page.field("payment"), page.field("say")
    if say not in (YES, NO):
        raise UsageError(page.words("Say whether it came."))

    def attest(me: Member) -> None:
        if not any(payment.id.hex() == id and payment.asks_me for payment in me.payments()):
            raise UnknownId(id)
        me.attest(id, say=say)

    page.act(attest)
    came = page.words("You confirmed the payment. The claim is settled so far.")
    missed = page.words("You said that it did not come. The claim is open as before.")
    return page.go("/money", came if say == YES else missed, at=f"r-{id[:12]}")
