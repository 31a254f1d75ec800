"""What the inbox tells of balances: a payment that a seal refused, and a limit that was passed."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING

from commonweal.client.exchange.credit.balances import FLAGS, flag_of
from commonweal.client.home.submit import now_ms
from commonweal.client.inbox_source import COMMAND_ID_DIGITS, Waiting, WaitingSource
from commonweal.client.language.quantity import exact, shown_unit
from commonweal.client.language.words import N_
from commonweal.client.ledger.words.notes import ID_DIGITS
from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.exchange import credit
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.things.quantities import read
from commonweal.protocol.records.record import Record, RecordId

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView

LOST, LIMIT = "payment_lost", "balance"
LOST_DAYS = 14
"""For so many days from when it was written a payment that a seal refused is told."""
LOST_MAX = 100
"""The latest refused payments that are looked at."""
DAY_MS = 86_400_000
REASONS = (Reason.BELOW_FLOOR, Reason.ABOVE_CEILING)
"""Why a payment that counted where it was written may not count at a seal."""


def _waiting(view: LedgerView) -> Iterator[Waiting]:
    """Yield lost payments to or by this member, and their balances beyond a soft limit."""
    for record in _lost(view):
        payer = MemberId(record.data["provider"])
        yield Waiting(LOST, record.id, payer, record.clock)
    for unit, rule in sorted(view.kept.rules.credits.items()):
        row = credit.balance_row(view.final, unit, view.me)
        if flag := flag_of(rule, row):
            place = (None, view.kept.cut.clock, None, 0)
            yield Waiting(LIMIT, b"", *place, about=f"{unit} {flag}", by_name=True)


def _lost(view: LedgerView) -> Iterator[Record]:
    """Yield the payments to or by this member that a seal refused lately."""
    marks = ", ".join("?" for _ in REASONS)
    rows = view.kept.layers.rows(
        "SELECT id FROM refused JOIN said_at USING (id)"  # noqa: S608
        f" WHERE layer = 0 AND reason IN ({marks}) AND claimed_at > ?"
        " ORDER BY claimed_at DESC LIMIT ?",
        (*map(str, REASONS), now_ms() - LOST_DAYS * DAY_MS, LOST_MAX),
    )
    for (id,) in rows:
        record = view.store.record(RecordId(id))
        if record is None or "corrects" in record.data:
            continue
        sides = record.data.get("provider"), record.data.get("receiver")
        if view.me in sides and not _is_paid_since(view, record):
            yield record


def _is_paid_since(view: LedgerView, record: Record) -> bool:
    """Return whether the payer paid the payee as much or more after a payment was lost."""
    quantity = read(record.data["resourceQuantity"])
    assert quantity is not None, "it was refused for its amount"
    rows = view.kept.layers.rows(
        "SELECT quantity_n, quantity_scale FROM event_row"
        " WHERE provider = ? AND receiver = ? AND unit = ? AND clock > ?",
        (record.data["provider"], record.data["receiver"], quantity.unit, record.clock),
    )
    wanted = exact(quantity.n, quantity.scale)
    return any(exact(n, scale) >= wanted for n, scale in rows)


def _words(view: LedgerView, entry: Waiting) -> str:
    words = view.words
    if entry.kind == LIMIT:
        unit, flag = entry.about.rsplit(" ", 1)
        row = credit.balance_row(view.final, unit, view.me)
        text = words("your balance is {balance} {unit}: {flag}")
        shown = {"balance": f"{exact(row.n, row.scale):f}", "unit": shown_unit(unit, words)}
        return text.format(**shown, flag=words(FLAGS[flag]))
    record = view.store.record(RecordId(entry.id))
    assert record is not None, "it was listed"
    quantity = read(record.data["resourceQuantity"])
    assert quantity is not None, "it was refused for its amount"
    amount = f"{exact(quantity.n, quantity.scale):f} {shown_unit(quantity.unit, words)}"
    reason = view.kept.layers.verdict(record.id)
    assert reason is not None, "it was refused"
    if record.data["receiver"] == view.me:
        text = words("{payer} did not pay you {amount} after all: {reason}")
        payer = view.name(record.data["provider"])
        return text.format(payer=payer, amount=amount, reason=words(reason))
    text = words("you did not pay {payee} {amount} after all: {reason}")
    payee = view.name(record.data["receiver"])
    return text.format(payee=payee, amount=amount, reason=words(reason))


def _command(view: LedgerView, entry: Waiting) -> str:
    if entry.kind == LIMIT:
        return "balance"
    record = view.store.record(RecordId(entry.id))
    assert record is not None, "it was listed"
    quantity = read(record.data["resourceQuantity"])
    if quantity is None or record.data["provider"] != view.me:
        return f"show {record.id.hex()[:ID_DIGITS]}"
    payee = record.data["receiver"].hex()[:COMMAND_ID_DIGITS]
    return f"pay {payee} {exact(quantity.n, quantity.scale):f} {shlex.quote(quantity.unit)}"


SOURCE = WaitingSource(
    {LOST: N_("payment that was lost"), LIMIT: N_("balance")}, _waiting, _words, _command
)
