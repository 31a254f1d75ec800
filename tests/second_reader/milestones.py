"""What cuts date, and what corrections change: shares.md, for the figures of reports.md."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.second_reader.claims import within
from tests.second_reader.context import Context
from tests.second_reader.records import Record

IN_FORCE = ("agreed", "ended", "given up")


def date(c: Context, sort: str, id: bytes) -> bool:
    """Write a milestone, if there is none; say whether it is new."""
    if c.state.get("MILESTONE", sort.encode() + b"\0", id) is not None:
        return False
    c.state.put([c.height, c.time], "MILESTONE", sort.encode() + b"\0", id)
    return True


def date_records(c: Context, counted: list[Record]) -> None:
    """Write the milestones of what a cut covers."""
    for record in sorted(counted, key=lambda record: (record.clock, record.id)):
        data = record.data
        match record.kind:
            case "invite.create":
                date(c, "invited", record.id)
            case "member.request":
                _request(c, record.id)
            case "member.vouch":
                _request(c, data["request"])
            case "proposal.offer":
                row = c.state.known("PLAN_OFFER", record.id)
                for intent in row["publishes"] if row["purpose"] == "request" else []:
                    date(c, "needed", intent)
            case "commitment":
                _promise(c, record.id, ("agreed", "said"))
            case "agreement":
                _deal(c, record.id)
            case "agreement.sign":
                _deal(c, data["agreement"])
            case "resource.terms" if c.state.get("TERMS", data["resource"]) is not None:
                date(c, "lent", data["resource"])


def _request(c: Context, id: bytes) -> None:
    row = c.state.row("REQUEST", id)
    if row is None:
        return
    date(c, "asked", row["member"])
    if not row["open"]:
        date(c, "admitted", row["member"])
        date(c, "brought", c.state.known("INVITE", row["invite"])["author"])


def _deal(c: Context, id: bytes) -> None:
    row = c.state.row("AGREEMENT", id)
    if row is not None and row["status"] in IN_FORCE and date(c, "agreed", id):
        for clause in (*row["stipulates"], *row["reciprocal"]):
            _promise(c, clause, ("agreed", "said", "ended"))


def _promise(c: Context, id: bytes, statuses: tuple[str, ...]) -> None:
    row = c.state.row("COMMITMENT", id)
    if row is not None and row["status"] in statuses:
        for intent in row["satisfies"]:
            if c.state.get("MILESTONE", b"needed\0", intent) is not None:
                date(c, "answered", intent)


def date_given(c: Context, provider: bytes) -> None:
    """Write that somebody gave, and gave in a later month."""
    member = c.person(provider)
    first = c.state.row("MILESTONE", b"active\0", member)
    if first is not None:
        if _month(c.time) > _month(first["time_ms"]):
            date(c, "again", member)
    elif c.state.get("MEMBER", member) is not None:
        date(c, "active", member)


def _month(time: int) -> tuple[int, int]:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=time)
    return at.year, at.month


def change(c: Context, height: int, event: bytes, giver: bytes, amount: int, events: int) -> None:
    """Add to what a height changed."""
    key = (height.to_bytes(8, "big"), event, giver)
    known = c.state.get("REVALUED", *key) or [0, 0]
    c.state.put([within(known[0] + amount), known[1] + events], "REVALUED", *key)
