"""What hands a lent thing out, on and back, and what moves its home: kinds.md."""

from __future__ import annotations

from tests.second_reader.context import Context
from tests.second_reader.lending import (
    forgive,
    lender,
    manages,
    sealed,
    shorten,
    thing_of,
)
from tests.second_reader.records import Record
from tests.second_reader.state import Row
from tests.second_reader.wishes import now


def note(c: Context, record: Record, row: Row, *, waits: bool) -> None:
    """Follow a thing through a new event."""
    if not waits:
        rehome(c, row)
    if row["action"] != "transferCustody" or None in (row["source"], row["target"]):
        return
    if row["quantity"] is None or not row["quantity"][0]:
        return
    lent = c.state.row("HANDED_ON", row["source"])
    if lent is not None and lent["booking"]:
        thing = lent["thing"]
        home = c.state.known("THING", thing)["at"]
        is_to_lender = c.person(row["receiver"]) == c.person(lender(c, thing))
        if row["target"] != home and not is_to_lender:
            _follow(c, row["target"], thing, lent["booking"])
        elif waits or not c.state.known("RESOURCE", row["source"])["onhand"]:
            _come_back(c, record, lent["booking"], home)
        return
    booking = None if row["fulfills"] is None else c.state.row("BOOKING", row["fulfills"])
    if booking is not None:
        _follow(c, row["target"], booking["thing"], row["fulfills"])
        if booking["out"] is None:
            c.state.change("BOOKING", row["fulfills"], out=record.id)


def _come_back(c: Context, record: Record, id: bytes, home: bytes) -> None:
    row, clause = c.state.known("BOOKING", id), c.state.known("COMMITMENT", id)
    if not row["number"] or row["back"] is not None:
        return
    borrower, time = clause["receiver"], now(c)
    if manages(c, home) and c.person(borrower) != c.member:
        time = min(time, max(record.claimed_at, sealed(c)))
    c.state.change("BOOKING", id, back=record.id, back_ms=time)
    if row["late_fee"] is not None and time > clause["end"]:
        (n, scale, unit), per = row["late_fee"]
        units = min(1_000, -(-(time - clause["end"]) // per))
        owed = [c.member, record.clock, "transfer", borrower, clause["provider"]]
        owed += [[n * units, scale, unit], [0, scale, unit], None, [], None, None, None, None]
        owed += ["agreed", clause["agreement"], None, None, None, None]
        c.state.put(owed, "COMMITMENT", record.id)
    shorten(c, id, time)


def rehome(c: Context, row: Row) -> None:
    """Move the home of a thing after an event that resources show."""
    if row["action"] not in ("transfer", "transferCustody", "move"):
        return
    source, target = row["source"], row["target"]
    if source is None or target is None:
        return
    thing = thing_of(c, source)
    where = c.state.row("THING", thing)
    if where is None or where["at"] != source or c.state.known("RESOURCE", source)["onhand"]:
        return
    if row["fulfills"] is not None and c.state.get("BOOKING", row["fulfills"]) is not None:
        return
    if row["quantity"] is None or not row["quantity"][0]:
        return
    if target == thing or _follow(c, target, thing, b""):
        c.state.change("THING", thing, at=target)


def _follow(c: Context, resource: bytes, thing: bytes, booking: bytes) -> bool:
    known = c.state.row("HANDED_ON", resource)
    if c.state.get("TERMS", resource) is not None or (known and known["thing"] != thing):
        return False
    c.state.put([thing, booking], "HANDED_ON", resource)
    return True


def undo(c: Context, event: bytes) -> None:
    """Take back what an event of which nothing is left said of a booking."""
    row = c.state.known("EVENT", event)
    if row["action"] != "transferCustody" or row["quantity"] is None or row["quantity"][0]:
        return
    lent = None if row["source"] is None else c.state.row("HANDED_ON", row["source"])
    id = lent["booking"] if lent and lent["booking"] else row["fulfills"]
    booking = c.state.row("BOOKING", id) if id else None
    if booking is None:
        return
    if booking["back"] == event:
        forgive(c, event)
        c.state.change("BOOKING", id, back=None, back_ms=None)
    elif booking["out"] == event:
        c.state.change("BOOKING", id, out=None)
