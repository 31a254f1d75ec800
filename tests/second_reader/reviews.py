"""Deals that are done, and what their parties say of each other: kinds.md and fold.md."""

from __future__ import annotations

from typing import Any

from tests.second_reader.context import Context, Void, check, settled
from tests.second_reader.names import is_count, is_id
from tests.second_reader.records import Record
from tests.second_reader.rules import HOUR
from tests.second_reader.state import Row
from tests.second_reader.values import hash32, pack
from tests.second_reader.wishes import less


def note(c: Context, commitment: bytes | None) -> None:
    """Look whether the deal of a commitment is done now."""
    row = None if commitment is None else c.state.row("COMMITMENT", commitment)
    if row is not None and row["agreement"] is not None:
        note_deal(c, row["agreement"])


def note_deal(c: Context, id: bytes) -> None:
    """Look whether a deal is done now."""
    deal, known = c.state.row("AGREEMENT", id), c.state.row("COMPLETION", id)
    if deal is None:
        return
    ids = [*deal["stipulates"], *deal["reciprocal"]]
    clauses = [c.state.known("COMMITMENT", clause) for clause in ids]
    are_met = all(not less(clause["given"], clause["quantity"]) for clause in clauses)
    is_kept = deal["status"] == "agreed" and are_met
    if bool(ids) and (deal["status"] == "ended" or is_kept):
        if known is None:
            now, rules = settled(c.state, c.time), c.rules
            window = rules.number("reviews", "window_hours", 360) * HOUR
            grace = rules.number("reviews", "grace_hours", 72) * HOUR
            _write(c, id, [now, now + window, grace, "open", 0, []])
    elif known is not None and deal["status"] == "agreed" and not known["reviews"]:
        c.state.drop("REVIEW_END", *_end(id, known))
        c.state.drop("COMPLETION", id)


def _end(id: bytes, row: Row) -> tuple[bytes, bytes, bytes]:
    sort = b"waiting\0" if row["waiting"] else b"quiet\0"
    return sort, row["until_ms"].to_bytes(8, "big"), id


def _write(c: Context, id: bytes, value: list[Any]) -> None:
    known = c.state.row("COMPLETION", id)
    if known is not None and known["stage"] != "over":
        c.state.drop("REVIEW_END", *_end(id, known))
    c.state.put(value, "COMPLETION", id)
    row = c.state.known("COMPLETION", id)
    if row["stage"] != "over":
        c.state.put(True, "REVIEW_END", *_end(id, row))


def _change(c: Context, id: bytes, **fields: Any) -> None:
    _write(c, id, [*{**c.state.known("COMPLETION", id), **fields}.values()])


def _of(c: Context, deal: bytes) -> list[tuple[bytes, Row]]:
    row = c.state.row("COMPLETION", deal)
    return [] if row is None else [(id, c.state.known("REVIEW", id)) for id in row["reviews"]]


def review(c: Context, record: Record) -> None:
    """Note a review that is sealed."""
    id: Any = record.data.get("agreement")
    commit, about = record.data.get("commit"), record.data.get("about")
    check(is_id(id) and is_id(commit) and record.body is None, "SHAPE")
    deal = c.state.row("AGREEMENT", id)
    if deal is None:
        raise Void("UNKNOWN_PLAN")
    check(c.member in deal["parties"], "NOT_YOURS")
    others = [party for party in deal["parties"] if party != c.member]
    if about is None:
        check(len(others) == 1, "NO_PARTY")
        about = others[0]
    check(is_id(about), "SHAPE")
    check(about != c.member, "SELF_REVIEW")
    check(about in others, "NO_PARTY")
    done = c.state.row("COMPLETION", id)
    if done is None:
        raise Void("NOT_DONE")
    for _, row in _of(c, id):
        pair = (row["member"], row["about"])
        check(pair != (c.member, about), "REVIEWED_ALREADY")
        check(pair != (about, c.member) or row["status"] != "open", "REVIEW_CLOSED")
    check(done["stage"] == "open", "REVIEW_CLOSED")
    begun = [id, c.member, about, commit, record.clock, c.height, "written", None, None, None, None]
    c.state.put(begun, "REVIEW", record.id)
    listed = [*done["reviews"], record.id]
    _change(c, id, waiting=done["waiting"] + 1, reviews=listed)


def open_it(c: Context, record: Record) -> None:
    """Open a review."""
    id: Any = record.data.get("review")
    salt, rating, on_time, as_agreed = (
        record.data.get(key) for key in ("salt", "rating", "onTime", "asAgreed")
    )
    check(is_id(id) and is_id(salt) and is_count(rating, 1, 5), "SHAPE")
    check(type(on_time) is bool and type(as_agreed) is bool, "SHAPE")
    row = c.state.row("REVIEW", id)
    if row is None:
        raise Void("UNKNOWN_REVIEW")
    check(row["member"] == c.member, "NOT_YOURS")
    check(row["status"] != "open", "NOTHING_NEW")
    check(row["status"] == "written", "REVIEW_WITHHELD")
    check(_is_free(c, row), "STILL_BLIND")
    text = b"" if record.body is None else record.body[0]
    said = [row["agreement"], row["about"], c.member, rating, on_time, as_agreed, text, salt]
    check(hash32("review", pack(said)) == row["commit"], "WRONG_OPENING")
    c.state.change(
        *("REVIEW", id), status="open", opened=record.id,
        rating=rating, on_time=on_time, as_agreed=as_agreed,
    )  # fmt: skip
    done = c.state.known("COMPLETION", row["agreement"])
    _change(c, row["agreement"], waiting=done["waiting"] - 1)


def _is_free(c: Context, row: Row) -> bool:
    """Whether nobody waits blind for a review to be opened."""
    if row["height"] >= c.height:
        return False
    is_closed = c.state.known("COMPLETION", row["agreement"])["stage"] != "open"
    if is_closed or not c.is_active(row["about"]):
        return True
    pair = (row["about"], row["member"])
    return any(
        (other["member"], other["about"]) == pair and other["height"] < c.height
        for _, other in _of(c, row["agreement"])
    )


def close(c: Context) -> None:
    """End what is over: fold.md."""
    now = settled(c.state, c.time)
    for sort in (b"waiting\0", b"quiet\0"):
        for key, _ in c.state.all("REVIEW_END", sort):
            id = key[-32:]
            row = c.state.known("COMPLETION", id)
            if row["until_ms"] > now:
                continue
            if row["stage"] == "open" and row["waiting"]:
                _change(c, id, stage="closed", until_ms=now + row["grace_ms"])
                continue
            for review_id, written in _of(c, id):
                if written["status"] == "written":
                    status = "withheld" if c.is_active(written["member"]) else "void"
                    c.state.change("REVIEW", review_id, status=status)
            _change(c, id, stage="over", waiting=0)
