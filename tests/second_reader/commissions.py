"""Commissions on the income of promoted offers: kinds.md."""

from __future__ import annotations

from typing import Any

from tests.second_reader.context import Context, Void, check
from tests.second_reader.names import is_id
from tests.second_reader.records import Record
from tests.second_reader.rules import DECIMALS
from tests.second_reader.state import Row
from tests.second_reader.wishes import manages, now

WHOLE = 10_000


def first(c: Context, offer: Row) -> Row:
    return c.state.known("INTENT", offer["publishes"][0])


def offers_of(c: Context, promotion: bytes) -> list[tuple[bytes, Row]]:
    """Return the offers of a promotion; the last is its offer now."""
    id = c.state.known("PROMOTION", promotion)["offer"]
    found: list[tuple[bytes, Row]] = []
    for _ in range(64):
        row = c.state.known("PLAN_OFFER", id)
        found.append((id, row))
        if row["status"] != "replaced" or row["by"] is None:
            break
        id = row["by"]
    return found


def referrals_of(c: Context, buyer: bytes) -> list[tuple[bytes, Row]]:
    keys = [key for key, _ in c.state.all("REFERRAL_OF", buyer) if len(key) == len(buyer) + 32]
    return [(key[-32:], c.state.known("OFFER_REFERRAL", key[-32:])) for key in keys]


def note(c: Context, record: Record, row: Row) -> None:
    """Note what income of a promoted offer a new event is."""
    named = record.data.get("offer")
    is_plain = row["spec"] is None and row["source"] is None and row["quantity"] is not None
    pays = row["action"] in ("transfer", "transferAllRights") and is_plain
    if named is not None:
        check(is_id(named), "SHAPE")
        offer = c.state.row("PLAN_OFFER", named)
        if offer is None:
            raise Void("UNKNOWN_PLAN")
        check(manages(c, first(c, offer)), "NOT_YOURS")
        fits = pays and len(row["provider"]) == 16 and offer["purpose"] == "offer"
        check(fits and _is_sellers(c, row, offer), "DOES_NOT_FIT")
    if not pays or (named is None and row["fulfills"] is None):
        return
    buyer, sold = c.person(row["provider"]), _sold(c, row)
    found = []
    for who in dict.fromkeys((row["provider"], buyer)):
        for id, referral in referrals_of(c, who):
            chain = offers_of(c, referral["promotion"])
            offers = [one for one in chain if one[1]["purpose"] == "offer"]
            is_late = now(c) > referral["until_ms"] or referral["promoter"] == buyer
            if is_late or not all(_is_sellers(c, row, offer) for _, offer in offers):
                continue
            parts = {part for _, offer in offers for part in offer["publishes"]}
            parts |= {part for _, offer in offers for part in offer["reciprocal"]}
            if named in [other for other, _ in offers] or parts & set(sold):
                found.append((referral["since_ms"], id))
    if found:
        c.state.put([min(found)[1], None, None], "COMMISSION", record.id)


def _is_sellers(c: Context, row: Row, offer: Row) -> bool:
    seller = first(c, offer)["provider"]
    return row["receiver"] is not None and c.person(row["receiver"]) == c.person(seller)


def _sold(c: Context, row: Row) -> list[bytes]:
    paid = None if row["fulfills"] is None else c.state.row("COMMITMENT", row["fulfills"])
    if paid is None:
        return []
    sold = list(paid["satisfies"])
    if paid["agreement"] is not None:
        deal = c.state.known("AGREEMENT", paid["agreement"])
        for clause in deal["stipulates"] + deal["reciprocal"]:
            sold += c.state.known("COMMITMENT", clause)["satisfies"]
    return sold


def promoter(c: Context, id: bytes) -> bytes | None:
    """Return who has a commission on an income."""
    row = c.state.row("COMMISSION", id)
    if row is None:
        return None
    found: bytes = c.state.known("OFFER_REFERRAL", row["referral"])["promoter"]
    return found


def hear(c: Context, id: bytes, is_attested: bool) -> None:
    """Note whether an income is attested, and look at its commission."""
    corrections = c.state.known("EVENT", id)["corrections"]
    c.state.change("COMMISSION", id, attested=corrections if is_attested else None)
    look(c, id)


def look(c: Context, id: bytes) -> None:
    """Owe the commission of an income, if it is due."""
    row, event = c.state.row("COMMISSION", id), c.state.row("EVENT", id)
    if row is None or event is None or event["disputes"]:
        return
    if row["attested"] != event["corrections"] or row["counted"] == event["corrections"]:
        return
    referral = c.state.known("OFFER_REFERRAL", row["referral"])
    promotion = c.state.known("PROMOTION", referral["promotion"])
    quantity = _due(promotion["rate"], *event["quantity"])
    status = "agreed" if quantity[0] else "ended"
    if c.state.get("COMMITMENT", id) is not None:
        c.state.change("COMMITMENT", id, quantity=quantity, status=status)
    elif quantity[0]:
        seller = first(c, c.state.known("PLAN_OFFER", promotion["offer"]))["provider"]
        owed = [event["member"], event["clock"], "transfer", seller, referral["promoter"]]
        owed += [quantity, [0, *quantity[1:]], None, [], None, None, None, None]
        owed += [status, None, None, None, None, None]
        c.state.put(owed, "COMMITMENT", id)
    c.state.change("COMMISSION", id, counted=event["corrections"])


def _due(rate: int, n: int, scale: int, unit: str) -> list[Any]:
    finer = max(scale, DECIMALS.get(unit, 2))
    amount = n * 10 ** (finer - scale) * rate // WHOLE
    return [amount, finer, unit] if amount < 2**63 else [n * rate // WHOLE, scale, unit]
