"""Campaigns and pledges, and what a seal does with them: kinds.md and fold.md."""

from __future__ import annotations

from typing import Any

from tests.second_reader.claims import MOST, Pool, arise
from tests.second_reader.context import Context, Void, check, in_force, settled
from tests.second_reader.events import is_attested
from tests.second_reader.names import is_count, is_id, is_name
from tests.second_reader.records import Record
from tests.second_reader.rules import HOUR, Ruleset
from tests.second_reader.things import is_unit, quantity_of
from tests.second_reader.values import hash32

Row = dict[str, Any]
DAY = 24 * HOUR
WAITS = ("open", "collecting")


def _put(c: Context, id: bytes, row: Row) -> None:
    c.state.put_row(row, "CAMPAIGN", id)
    if row["status"] in WAITS:
        c.state.put(True, "WAITING_CAMPAIGN", row["member"], id)
    else:
        c.state.drop("WAITING_CAMPAIGN", row["member"], id)


def begin(c: Context, record: Record) -> None:
    data, rules = record.data, c.rules.section("campaigns")
    given = {key: data.get(key) for key in ("unit", "scale", "sort", "gives", "deadline")}
    check(type(given["unit"]) is str and is_count(given["scale"], 0, 9), "SHAPE")
    check(given["sort"] in ("all", "keep"), "SHAPE")
    check(given["gives"] in ("gift", "loan", "share", "reward"), "SHAPE")
    collect_by, scope, reward = (data.get(key) for key in ("collectBy", "inScopeOf", "reward"))
    check(is_count(given["deadline"]) and is_count(collect_by), "SHAPE")
    check(is_count(data.get("matching", 0), 0, 10), "SHAPE")
    check(scope is None or is_name(scope), "SHAPE")
    check((reward is not None) == (given["gives"] == "reward"), "SHAPE")
    check(is_unit(c, str(given["unit"])), "UNKNOWN_UNIT")
    promised = None
    if reward is not None:
        promised = quantity_of(reward)
        check(promised is not None and promised[0] >= 1, "SHAPE")
        assert promised is not None
        check(is_unit(c, promised[2]), "UNKNOWN_UNIT")
    minimum = data.get("minimum")
    check(is_count(minimum), "SHAPE")
    assert minimum is not None
    amounts = [data.get(key) for key in ("optimum", "maximum", "perPledgeMin", "perPledgeMax")]
    check(all(amount is None or is_count(amount, 1) for amount in amounts), "SHAPE")
    optimum, maximum, least, most = amounts
    check((minimum > 0) == (given["sort"] == "all"), "GOALS")
    rising = [(minimum, optimum), (minimum, maximum), (optimum, maximum), (least, most)]
    rising.append((least, maximum))
    check(all(None in pair or pair[0] <= pair[1] for pair in rising), "GOALS")
    now, deadline = settled(c.state, c.time), given["deadline"]
    assert collect_by is not None and deadline is not None
    check(now < deadline < collect_by, "DEADLINE_PAST")
    check(deadline - now <= rules.get("days_max", 90) * DAY, "DEADLINE_FAR")
    check(collect_by - deadline <= rules.get("collect_days_max", 60) * DAY, "DEADLINE_FAR")
    author = rules.get("authors", "")
    check(not author or c.holds(c.member, author), "NOT_YOURS")
    if data.get("replaces") is not None:
        _end(c, data["replaces"], "replaced")
    check(len(c.state.all("WAITING_CAMPAIGN", c.member)) < 4, "TOO_MANY_CAMPAIGNS")
    row: Row = {"member": c.member, "clock": record.clock, **given, "collect_by": collect_by}
    row |= {"minimum": minimum, "optimum": optimum, "maximum": maximum, "least": least}
    row |= {"most": most, "matching": data.get("matching", 0), "scope": scope}
    row |= {"reward": promised, "short": rules.get("short", "return")}
    row |= {"loans": rules.get("loans", "claim"), "status": "open", "pledges": 0, "height": 0}
    _put(c, record.id, row | {"met": False, "total": 0, "paid": 0})


def cancel(c: Context, record: Record) -> None:
    _end(c, record.data.get("campaign"), "cancelled")


def _end(c: Context, id: Any, status: str) -> None:
    check(is_id(id), "SHAPE")
    row = _known(c, id)
    check(row["member"] == c.member, "NOT_YOURS")
    check(row["status"] == "open", "CAMPAIGN_CLOSED")
    check(not _standing(c, id), "HAS_PLEDGES")
    _put(c, id, {**row, "status": status})


def _known(c: Context, id: bytes) -> Row:
    row = c.state.row("CAMPAIGN", id)
    if row is None:
        raise Void("UNKNOWN_CAMPAIGN")
    return row


def _standing(c: Context, id: bytes) -> list[tuple[bytes, Row]]:
    rows = [(key[32:], row) for key, row in c.state.rows("PLEDGE", id)]
    stand = [(m, row) for m, row in rows if row["withdrawn"] is None and c.is_active(m)]
    return sorted(stand, key=lambda entry: entry[1]["number"])


def pledge(c: Context, record: Record) -> None:
    data, id = record.data, record.data.get("campaign")
    part, matches = data.get("part", False), data.get("matches", False)
    said = quantity_of(data.get("quantity"))
    check(is_id(id) and said is not None, "SHAPE")
    check(type(part) is bool and type(matches) is bool, "SHAPE")
    assert said is not None and id is not None
    row = _known(c, id)
    check(row["status"] == "open", "CAMPAIGN_CLOSED")
    check(row["matching"] or not matches, "NO_MATCHING")
    check(said[2] == row["unit"], "PLEDGE_UNIT")
    check(said[0] * 10 ** row["scale"] % 10 ** said[1] == 0, "PLEDGE_UNIT")
    amount = said[0] * 10 ** row["scale"] // 10 ** said[1]
    check(amount >= max(1, row["least"] or 0), "PLEDGE_SMALL")
    check(amount <= min(MOST, row["most"] or MOST), "PLEDGE_LARGE")
    was = c.state.row("PLEDGE", id, c.member)
    if was is not None and was["withdrawn"] is None:
        is_same = (was["amount"], was["part"], was["matches"]) == (amount, part, matches)
        check(not is_same, "NOTHING_NEW")
    number = row["pledges"] + 1
    new = [record.id, record.clock, amount, part, matches, number, None, None, 0]
    c.state.put(new, "PLEDGE", id, c.member)
    _put(c, id, {**row, "pledges": number})


def withdraw(c: Context, record: Record) -> None:
    id = record.data.get("campaign")
    check(is_id(id), "SHAPE")
    assert id is not None
    check(_known(c, id)["status"] == "open", "CAMPAIGN_CLOSED")
    was = c.state.row("PLEDGE", id, c.member)
    check(was is not None and was["withdrawn"] is None, "NO_PLEDGE")
    c.state.change("PLEDGE", id, c.member, withdrawn=record.id)


def propose(c: Context, record: Record) -> bytes:
    """Note what a vote would decide; return the campaign."""
    data = record.data
    id, say, until = data.get("campaign"), data.get("decide"), data.get("until", 0)
    check(is_id(id) and say in ("cancel", "extend") and is_count(until), "SHAPE")
    assert id is not None
    row = _known(c, id)
    if say == "cancel":
        check(row["status"] in ("open", "collecting", "short"), "CAMPAIGN_CLOSED")
    else:
        now, days = (
            settled(c.state, c.time),
            c.rules.section("campaigns").get("collect_days_max", 60),
        )
        check(_may_extend(row), "CAMPAIGN_CLOSED")
        check(until > max(now, row["collect_by"]), "DEADLINE_PAST")
        check(until - now <= days * DAY, "DEADLINE_FAR")
    c.state.put([say, until], "CAMPAIGN_VOTE", record.id)
    return bytes(id)


def _may_extend(row: Row) -> bool:
    is_short = row["status"] == "short" and row["short"] == "extend"
    return bool(row["status"] == "collecting" or is_short)


def decide(c: Context, proposal: bytes, id: bytes) -> None:
    """Do what a vote that passed says."""
    row, (say, until) = _known(c, id), c.state.get("CAMPAIGN_VOTE", proposal)
    if say == "cancel" and row["status"] in ("open", "collecting", "short"):
        _put(c, id, {**row, "status": "cancelled"})
        _release(c, id)
        if row["met"]:
            c.state.put(True, "WAITING_CAMPAIGN", row["member"], id)
    elif say == "extend" and _may_extend(row):
        _put(c, id, {**row, "status": "collecting", "collect_by": until})
        for promise in _promises(c, id):
            c.state.change("COMMITMENT", promise, due=until)


def _promises(c: Context, id: bytes) -> list[bytes]:
    ids = [row["record"] for _, row in c.state.rows("PLEDGE", id)]
    rows = [(promise, c.state.row("COMMITMENT", promise)) for promise in ids]
    return [promise for promise, row in rows if row is not None and row["status"] == "agreed"]


def _release(c: Context, id: bytes) -> None:
    for promise in _promises(c, id):
        c.state.change("COMMITMENT", promise, status="ended")


def pays(c: Context, event: Row) -> bytes | None:
    """Return the campaign that an event pays for, or None."""
    promise = event["fulfills"]
    found: bytes | None = c.state.get("PLEDGE_PAYMENT", promise) if promise else None
    return found


def run(c: Context, touched: list[bytes], s: int) -> None:
    """Close what is due at the settled time s, and count what came in; no cut is full here."""
    concerned: set[bytes] = set()
    for event in touched:
        row = c.state.row("EVENT", event)
        campaign = None if row is None else pays(c, row)
        if row is not None and campaign is not None:
            c.state.put(campaign, "PLEDGE_PAYMENT", row["fulfills"], event)
            concerned.add(campaign)
    for id in sorted(key[32:] for key, _ in c.state.all("WAITING_CAMPAIGN")):
        row = c.state.known("CAMPAIGN", id)
        if row["status"] == "open":
            if s >= row["deadline"]:
                _close(c, id, row)
        elif row["status"] == "cancelled" or s >= row["collect_by"]:
            concerned.add(id)
    rules = in_force(c.state, c.documents)
    sums: dict[tuple[Pool, bytes], list[int]] = {}
    for id in sorted(concerned):
        if c.state.known("CAMPAIGN", id)["met"]:
            _collect(c, id, rules, s, sums)
    arise(c, rules.id, sums)


def _close(c: Context, id: bytes, row: Row) -> None:
    left = MOST * MOST if row["maximum"] is None else row["maximum"]
    counts: dict[bytes, int] = {}
    stand = _standing(c, id)
    for member, own in stand:
        if not own["matches"]:
            is_whole = own["amount"] <= left
            counts[member] = own["amount"] if is_whole else left if own["part"] else 0
            left -= counts[member]
    asked = row["matching"] * sum(counts.values())
    for member, own in stand:
        if own["matches"]:
            counts[member] = min(own["amount"], asked, left)
            asked, left = asked - counts[member], left - counts[member]
    total = sum(counts.values())
    is_met = total >= max(1, row["minimum"] if row["sort"] == "all" else 0)
    row |= {"height": c.height, "met": is_met, "total": min(total, MOST)}
    _put(c, id, {**row, "status": "collecting" if is_met else "failed"})
    for member, own in stand if is_met else ():
        c.state.change("PLEDGE", id, member, counted=counts[member])
        if counts[member]:
            sum_of = [counts[member], row["scale"], row["unit"]]
            sides = (member, c.community, own["clock"])
            _promise(c, own["record"], sides, sum_of, row["collect_by"], member)
            c.state.put(id, "PLEDGE_PAYMENT", own["record"])


def _promise(
    c: Context,
    id: bytes,
    sides: tuple[bytes, bytes, int],
    quantity: list[Any],
    due: int | None,
    member: bytes,
) -> None:
    provider, receiver, clock = sides
    given = [0, *quantity[1:]]
    row = [member, clock, "transfer", provider, receiver, quantity, given, None, [], None, None]
    c.state.put([*row, None, due, "agreed", *[None] * 5], "COMMITMENT", id)


def _paid(c: Context, own: Row, row: Row) -> int:
    paid = 0
    for key, _ in c.state.all("PLEDGE_PAYMENT", own["record"]):
        event = key[32:]
        if not event:
            continue
        known = c.state.known("EVENT", event)
        if not known["disputes"] and is_attested(c, event):
            n, scale, _ = known["quantity"]
            paid += n * 10 ** row["scale"] // 10**scale
    return paid


def _collect(
    c: Context,
    id: bytes,
    rules: Ruleset,
    s: int,
    sums: dict[tuple[Pool, bytes], list[int]],
) -> None:
    row = c.state.known("CAMPAIGN", id)
    c.rules = rules
    pledges = [(key[32:], own) for key, own in c.state.rows("PLEDGE", id) if own["counted"]]
    paid = {member: _paid(c, own, row) for member, own in pledges}
    came, needed = sum(paid.values()), row["minimum"] if row["sort"] == "all" else 0
    row["paid"] = min(came, MOST)
    if row["status"] == "short" and row["short"] != "return":
        row["status"] = "collected" if came >= needed else "short"
    elif row["status"] == "collecting":
        if all(paid[member] >= own["counted"] for member, own in pledges):
            row["status"] = "collected"
        elif s >= row["collect_by"]:
            row["status"] = "collected" if came >= needed else "short"
            if row["status"] == "short" and row["short"] == "return":
                _release(c, id)
    _put(c, id, row)
    is_short, is_used = row["status"] == "short", row["status"] == "collected"
    is_used = is_used or (is_short and row["short"] == "go_on")
    is_lent = row["gives"] == "loan" and row["loans"] == "claim" and is_used
    is_back = row["status"] == "cancelled" or (is_short and row["short"] == "return")
    pool = (f"campaign {id.hex()[:16]}", row["unit"], row["scale"])
    for member, own in pledges:
        more = paid[member] - own["back"]
        if more and (is_back or is_lent):
            both = sums.setdefault((pool, member), [0, 0])
            both[more < 0] += more
            c.state.change("PLEDGE", id, member, back=paid[member])
        if row["reward"] is not None:
            is_due = is_used and paid[member] >= own["counted"]
            _reward(c, row, member, own, is_due)


def _reward(c: Context, row: Row, member: bytes, own: Row, is_due: bool) -> None:
    id = hash32("reward", own["record"])
    was = c.state.row("COMMITMENT", id)
    if was is None:
        sides = (c.community, member, own["clock"])
        if is_due:
            _promise(c, id, sides, row["reward"], None, member)
    elif is_due and was["status"] == "ended":
        c.state.change("COMMITMENT", id, status="agreed")
    elif not is_due and was["status"] == "agreed" and not was["given"][0]:
        c.state.change("COMMITMENT", id, status="ended")
