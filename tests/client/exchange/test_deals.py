"""Deals between homes: proposed, countered, accepted, kept and done; and a ring of three."""

from __future__ import annotations

import dataclasses

import pytest

from commonweal.client import Member
from commonweal.client.exchange.deals import rows
from commonweal.client.exchange.deals.terms import ClauseTerms
from commonweal.protocol.errors import (
    CommonwealError,
    UnknownAction,
    UnknownId,
    UnreadableQuantity,
    UnreadableTime,
    UsageError,
    WouldNotCount,
)
from commonweal.protocol.ledger.exchange.deals.agreements import CLAUSES_MAX
from tests.builders.commons import Commons
from tests.client.exchange.dealing import HOURS, MONEY, RING, agreed, at, deal, did, proposed


def test_a_deal_is_proposed_countered_accepted_kept_and_done(lanxi: Commons) -> None:
    first = at(lanxi.ana, lambda me: me.propose_deal([HOURS, MONEY], note="Would you?"))
    assert first.words == "work 2 hour · Bo → Ana, for: transfer 30 EUR · Ana → Bo"
    assert first.waits_for == ("Bo",)
    lanxi.meet()
    asked = at(lanxi.bo, lambda me: me.deals())
    assert [(deal.state, deal.group) for deal in asked] == [(rows.ASKED, rows.OF_ME)]
    terms = at(lanxi.bo, lambda me: me.deal_terms(first.id))
    terms = (ClauseTerms("Bo", "Ana", "work", "3", "hours"), terms[1])
    second = at(lanxi.bo, lambda me: me.counter_deal(first.id, terms))
    lanxi.meet()
    old, new = (deal(lanxi.ana, id) for id in (first.id, second.id))
    other = second.id.hex()[:8]
    assert (old.state, old.why) == (rows.COUNTERED, f"Bo proposed other terms: {other}")
    assert [comment.text for comment in old.comments] == ["Would you?"]
    assert (new.state, new.group, new.counters) == (rows.ASKED, rows.OF_ME, first.id)
    said = at(lanxi.ana, lambda me: me.accept_deal(second.id))
    assert (said.state, said.waits_for) == (rows.AGREED, ())
    lanxi.meet()
    hours, money = second.clauses
    worked = at(lanxi.bo, lambda me: me.record("work", 1, "hour", fulfills=hours.hex()))
    assert worked.promise is not None
    assert (worked.promise.deal, str(worked.promise.open)) == (second.id, "2")
    lanxi.meet()
    running = deal(lanxi.ana, second.id)
    assert (running.state, running.met, running.clauses) == (rows.RUNNING, 0, 2)
    assert [(str(c.met), str(c.open), c.state) for c in running.terms] == [
        ("1", "2", rows.PARTLY),
        ("0", "30", rows.OPEN),
    ]
    more = at(lanxi.bo, lambda me: me.record("work", 3, "hours", fulfills=hours.hex()))
    assert more.promise is not None
    assert (str(more.promise.open), str(more.promise.free)) == ("0", "1")
    at(lanxi.ana, lambda me: me.record("transfer", 30, "EUR", fulfills=money.hex()))
    lanxi.seal()
    for home in lanxi.all[1:]:
        done = deal(home, second.id)
        assert (done.state, done.met, done.final) == (rows.DONE, 2, True)
        assert {(party.promised, party.kept) for party in done.signatures} == {(1, 1)}
        assert {party.sealed_at for party in done.signatures} == {2}
        assert len(done.history) == 5 and {step.sealed_at for step in done.history} == {2}


def test_a_ring_of_three_is_in_force_with_three_signatures(lanxi: Commons) -> None:
    made = at(lanxi.mei, lambda me: me.propose_deal(RING))
    assert sorted(made.waits_for) == ["Ana", "Bo"]
    lanxi.meet()
    said = at(lanxi.bo, lambda me: me.accept_deal(made.id))
    assert (said.state, said.waits_for) == (rows.ASKED, ("Ana",))
    lanxi.meet()
    ring = deal(lanxi.ana, made.id)
    assert (ring.sort, ring.state, ring.waits_for) == (rows.RING, rows.ASKED, ("Ana",))
    assert at(lanxi.ana, lambda me: me.accept_deal(made.id)).state == rows.AGREED
    lanxi.meet()
    for home, clause, terms in zip(lanxi.all, made.clauses, RING, strict=True):
        with Member(home) as member:
            given = (terms.action, terms.quantity, terms.unit)
            member.record(*given, fulfills=clause.hex())
    lanxi.seal()
    assert {deal(home, made.id).state for home in lanxi.all} == {rows.DONE}


def test_of_many_contributions_to_a_clause_the_last_are_told(
    lanxi: Commons, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = agreed(lanxi, ClauseTerms("Bo", "Ana", "work", "9", "hours"))
    clause = deal(lanxi.bo, id).terms[0].id.hex()
    with Member(lanxi.bo) as bo:
        made = [bo.record("work", 1, "hour", fulfills=clause).id for _ in range(3)]
    for most, told in ((3, made), (2, made[1:])):
        monkeypatch.setattr("commonweal.client.exchange.deals.details.EVENTS_SHOWN_MAX", most)
        (shown,) = deal(lanxi.bo, id).terms
        assert (list(shown.events), str(shown.met)) == (told, "3")


def test_a_deal_of_three_in_which_one_only_gets_is_no_ring(lanxi: Commons) -> None:
    given = [ClauseTerms("Bo", name, "work", "1", "hour") for name in ("Ana", "Mei")]
    made = at(lanxi.bo, lambda me: me.propose_deal(given))
    assert deal(lanxi.bo, made.id).sort == rows.DEAL
    paid = at(lanxi.ana, lambda me: me.propose_deal([dataclasses.replace(MONEY, in_return=False)]))
    assert deal(lanxi.ana, paid.id).sort == rows.PAYMENT


def test_a_deal_is_final_once_a_seal_covers_all_that_is_said_of_it(lanxi: Commons) -> None:
    id = proposed(lanxi)
    assert not deal(lanxi.ana, id).final
    lanxi.seal()
    assert deal(lanxi.ana, id).final
    at(lanxi.bo, lambda me: me.accept_deal(id))
    assert not deal(lanxi.bo, id).final
    lanxi.seal()
    hours = deal(lanxi.bo, id).terms[0].id.hex()
    at(lanxi.bo, lambda me: me.record("work", 1, "hour", fulfills=hours))
    assert not deal(lanxi.bo, id).final
    lanxi.seal()
    assert deal(lanxi.ana, id).final


def test_both_say_that_a_deal_is_done_or_give_it_up(lanxi: Commons) -> None:
    for act, state in (("done_deal", rows.DONE), ("end_deal", rows.GIVEN_UP)):
        id = agreed(lanxi)
        first = did(lanxi.ana, act, id)
        assert first.state == rows.AGREED
        assert deal(lanxi.ana, id).acts == ("comment",)
        with pytest.raises(WouldNotCount, match="said so already"):
            did(lanxi.ana, act, id)
        lanxi.meet()
        ended = {party.member_name: party.ended for party in deal(lanxi.bo, id).signatures}
        assert ended == {"Ana": {"done_deal": "done", "end_deal": "given up"}[act], "Bo": None}
        assert did(lanxi.bo, act, id).state == state
        after = deal(lanxi.bo, id)
        assert [clause.state for clause in after.terms] == [rows.ENDED, rows.ENDED]
        assert after.acts == ("comment",)


def test_what_a_member_can_do_follows_from_what_was_said(lanxi: Commons) -> None:
    id = proposed(lanxi)
    assert deal(lanxi.ana, id).acts == ("withdraw", "counter", "comment")
    assert deal(lanxi.bo, id).acts == ("accept", "counter", "decline", "comment")
    assert deal(lanxi.mei, id).acts == ()
    assert at(lanxi.mei, lambda me: me.deals(closed=True)) == []
    assert [row.group for row in at(lanxi.mei, lambda me: me.deals(everyone=True))] == [
        rows.OF_OTHERS
    ]
    at(lanxi.bo, lambda me: me.decline_deal(id))
    declined = deal(lanxi.bo, id)
    assert (declined.state, declined.why, declined.acts) == (
        rows.DECLINED,
        "Bo declined",
        ("comment",),
    )
    assert at(lanxi.bo, lambda me: me.deals()) == []
    assert [row.group for row in at(lanxi.bo, lambda me: me.deals(closed=True))] == [rows.CLOSED]


def test_the_community_is_a_party_for_which_others_speak(lanxi: Commons) -> None:
    terms = ClauseTerms("Ana", "community", "work", "4", "hours")
    made = at(lanxi.ana, lambda me: me.propose_deal([terms]))
    assert made.waits_for == ("the community",)
    with pytest.raises(WouldNotCount):
        at(lanxi.ana, lambda me: me.accept_deal(made.id))
    lanxi.meet()
    assert deal(lanxi.bo, made.id).group == rows.OF_ME
    assert at(lanxi.bo, lambda me: me.accept_deal(made.id)).state == rows.AGREED
    other = ClauseTerms("Ana", "community", "work", "1", "hour")
    by_bo = at(lanxi.bo, lambda me: me.propose_deal([other], note="Will you?"))
    assert by_bo.waits_for == ("Ana",)


NOT_MINE = ClauseTerms("Bo", "Mei", "work", "1", "hour")


@pytest.mark.parametrize(
    ("clauses", "more", "error", "says"),
    [
        ((), {}, UsageError, "a clause at least"),
        ((MONEY,), {}, UsageError, "a clause at least"),
        ((HOURS,) * (CLAUSES_MAX + 1), {}, UsageError, "at most 16 clauses"),
        ((NOT_MINE,), {}, WouldNotCount, "no party"),
        ((ClauseTerms("Ana", "Ana", "work", "1", "h"),), {}, UsageError, "both sides"),
        ((ClauseTerms("Ana", "Zoe", "work", "1", "h"),), {}, UnknownId, "Zoe"),
        ((ClauseTerms("Ana", "Bo", "wrk", "1", "h"),), {}, UnknownAction, "nearest is work"),
        ((ClauseTerms("Ana", "Bo", "work", "0", "h"),), {}, UnreadableQuantity, "nothing"),
        ((ClauseTerms("Ana", "Bo", "work", "", "h"),), {}, UnreadableQuantity, "say how much"),
        (
            (ClauseTerms("Ana", "Bo", "work", "1", "kg"),),
            {},
            WouldNotCount,
            "needs a quantity of effort",
        ),
        ((ClauseTerms("Ana", "Bo", "transfer", "1", "crate"),), {}, WouldNotCount, "unit"),
        ((ClauseTerms("Ana", "Bo", "transfer", "1", "kg", "pears"),), {}, UnknownId, "pears"),
        ((HOURS,), {"answer_by": "2020-01-01"}, UnreadableTime, "past"),
        ((HOURS,), {"answer_by": "soon"}, UnreadableTime, "soon"),
        ((HOURS,), {"counters": "abcd"}, UnknownId, "abcd"),
        ((HOURS,), {"note": ""}, CommonwealError, "a note has"),
        (
            (ClauseTerms("Ana", "Bo", "work", "1", "h", due="2020-01-01"),),
            {},
            UnreadableTime,
            "past",
        ),
        (
            (ClauseTerms("Ana", "Bo", "work", "1", "h", begin="3d", end="2d"),),
            {},
            UnreadableTime,
            "ends before it begins",
        ),
        (
            (ClauseTerms("Ana", "Bo", "work", "1", "h", satisfies=("ff" * 32,)),),
            {},
            UnknownId,
            "ff",
        ),
        ((ClauseTerms("Ana", "Bo", "work", "1", "h", satisfies=("no",)),), {}, UsageError, "no"),
    ],
)
def test_what_cannot_be_proposed_leaves_nothing(
    lanxi: Commons,
    clauses: tuple[ClauseTerms, ...],
    more: dict[str, str],
    error: type[Exception],
    says: str,
) -> None:
    before = lanxi.records(lanxi.ana)
    with pytest.raises(error, match=says):
        at(lanxi.ana, lambda me: me.propose_deal(clauses, **more))
    assert lanxi.records(lanxi.ana) == before


def test_an_answer_that_comes_to_nothing_is_refused_with_the_reason(lanxi: Commons) -> None:
    id = proposed(lanxi)
    said = {
        "accept_deal": (lanxi.ana, "said so already"),
        "withdraw_deal": (lanxi.bo, "no yes to take back"),
        "done_deal": (lanxi.ana, "not everybody"),
        "end_deal": (lanxi.bo, "not everybody"),
    }
    for act, (home, says) in said.items():
        with pytest.raises(WouldNotCount, match=says):
            did(home, act, id)
    for act in ("accept_deal", "decline_deal", "withdraw_deal", "done_deal"):
        with pytest.raises(WouldNotCount, match="no party"):
            did(lanxi.mei, act, id)
    with pytest.raises(WouldNotCount, match="no party"):
        at(lanxi.mei, lambda me: me.comment_deal(id, "me too"))
    at(lanxi.bo, lambda me: me.accept_deal(id))
    for act in ("accept_deal", "decline_deal", "withdraw_deal"):
        with pytest.raises(WouldNotCount, match="agreed already"):
            did(lanxi.bo, act, id)
    with pytest.raises(WouldNotCount, match="agreed already"):
        at(lanxi.bo, lambda me: me.counter_deal(id, [HOURS]))
    with pytest.raises(UnknownId):
        at(lanxi.bo, lambda me: me.accept_deal("0123456789"))


def test_a_withdrawn_deal_is_answered_no_more(lanxi: Commons) -> None:
    id = proposed(lanxi)
    at(lanxi.ana, lambda me: me.withdraw_deal(id))
    lanxi.meet()
    assert (deal(lanxi.bo, id).state, deal(lanxi.bo, id).why) == (rows.WITHDRAWN, "Ana withdrew")
    with pytest.raises(WouldNotCount, match="withdrawn: Ana withdrew"):
        at(lanxi.bo, lambda me: me.accept_deal(id))


def test_a_promise_of_a_deal_that_is_asked_is_kept_by_nothing(lanxi: Commons) -> None:
    id = proposed(lanxi)
    (hours, _money) = deal(lanxi.bo, id).terms
    with pytest.raises(WouldNotCount):
        at(lanxi.bo, lambda me: me.record("work", 1, "hour", fulfills=hours.id.hex()))


def at_time(monkeypatch: pytest.MonkeyPatch, judged_ms: int) -> None:
    """Let deals be judged at a time."""
    for module in ("states", "details", "deals", "offered"):
        name = f"commonweal.client.exchange.deals.{module}.judged_at_ms"
        monkeypatch.setattr(name, lambda _view: judged_ms)


def test_an_answer_is_late_after_its_last_moment(
    lanxi: Commons, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = proposed(lanxi, answer_by="1h")
    until_ms = deal(lanxi.bo, id).answer_by_ms
    assert until_ms is not None
    at_time(monkeypatch, until_ms)
    assert (deal(lanxi.bo, id).state, deal(lanxi.bo, id).group) == (rows.ASKED, rows.OF_ME)
    at_time(monkeypatch, until_ms + 1)
    late = deal(lanxi.bo, id)
    assert (late.state, late.group) == (rows.EXPIRED, rows.CLOSED)
    assert late.why == "the time to answer is over, by the time of the last seal"
    assert late.acts == ("counter", "decline", "comment")
    monkeypatch.setattr("commonweal.client.exchange.deals.deals.now_ms", lambda: until_ms + 1)
    with pytest.raises(WouldNotCount, match="it was to be answered until"):
        did(lanxi.bo, "accept_deal", id)


def test_a_clause_is_overdue_after_its_last_moment(
    lanxi: Commons, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = agreed(lanxi, ClauseTerms("Bo", "Ana", "work", "2", "hours", due="1h"))
    due_ms = deal(lanxi.bo, id).due_ms
    assert due_ms is not None
    at_time(monkeypatch, due_ms)
    assert deal(lanxi.bo, id).state == rows.AGREED
    at_time(monkeypatch, due_ms + 1)
    late = deal(lanxi.bo, id)
    assert (late.state, late.group, late.terms[0].state) == (rows.OVERDUE, rows.LATE, rows.OVERDUE)
