"""What of deals waits in the inbox, and when it leaves."""

from __future__ import annotations

import shlex

import pytest

from commonweal.client import Member
from commonweal.client.exchange.deals import notices, rows
from commonweal.client.exchange.deals.states import judged_at_ms
from commonweal.client.exchange.deals.terms import ClauseTerms
from commonweal.client.home.submit import now_ms
from commonweal.client.inbox import KINDS, InboxRow
from commonweal.client.language.local_time.spans import Span, shown_span
from commonweal.client.language.words import ENGLISH, words_in
from commonweal.storage.home.home import Home
from tests.builders.commons import Commons
from tests.builders.weal import good
from tests.client.exchange.dealing import (
    HOURS,
    MONEY,
    RING,
    agreed,
    at,
    deal,
    did,
    intent,
    proposed,
    write,
)

HOUR_MS = 3_600_000
WHAT = "work 2 hour · Bo → Ana, for: transfer 30 EUR · Ana → Bo"


def waits(home: Home) -> list[InboxRow]:
    """Return what of deals waits in a home."""
    listed = at(home, lambda me: me.inbox()).rows
    return [row for row in listed if row.kind in notices.SOURCE.kinds]


def told(home: Home) -> list[tuple[str, str]]:
    """Return kinds and words of what of deals waits in a home."""
    return [(row.kind, row.words) for row in waits(home)]


def test_a_deal_waits_for_whom_it_asks_until_they_answer(lanxi: Commons) -> None:
    id = proposed(lanxi, answer_by="2d")
    assert told(lanxi.ana) == told(lanxi.mei) == []
    (row,) = waits(lanxi.bo)
    assert (row.kind, row.words, row.member_name) == (notices.ANSWER, WHAT, "Ana")
    assert row.until_ms == deal(lanxi.bo, id).answer_by_ms
    assert row.command == f"weal deal accept {id.hex()[:16]}"
    good(*shlex.split(row.command)[1:], "--home", lanxi.bo.path)
    assert told(lanxi.bo) == []
    lanxi.meet()
    assert told(lanxi.ana) == [(notices.OUTCOME, f"all said yes: {WHAT}")]
    (row,) = waits(lanxi.ana)
    assert row.member_name == "Bo"
    good(*shlex.split(row.command)[1:], "--home", lanxi.ana.path)
    assert deal(lanxi.ana, id).terms[1].state == rows.MET
    assert told(lanxi.ana) == [], "something was given"


@pytest.mark.parametrize(
    ("act", "word"), [("decline_deal", "Bo declined"), ("withdraw_deal", "Ana withdrew")]
)
def test_what_came_to_nothing_is_told_to_the_other(lanxi: Commons, act: str, word: str) -> None:
    id = proposed(lanxi)
    does, other = (lanxi.bo, lanxi.ana) if act == "decline_deal" else (lanxi.ana, lanxi.bo)
    did(does, act, id)
    lanxi.meet()
    assert told(does) == []
    assert told(other) == [(notices.OUTCOME, f"{word}: {WHAT}")]
    at(other, lambda me: me.comment_deal(id, "a pity"))
    assert told(other) == [], "who answers has read it"
    lanxi.meet()
    assert told(does) == [(notices.REMARK, "a pity")]


def test_other_terms_are_asked_and_told_once(lanxi: Commons) -> None:
    id = proposed(lanxi)
    other = at(lanxi.bo, lambda me: me.counter_deal(id, [HOURS]))
    lanxi.meet()
    assert told(lanxi.bo) == []
    assert told(lanxi.ana) == [
        (notices.ANSWER, f"work 2 hour · Bo → Ana, in place of {id.hex()[:8]}")
    ]
    at(lanxi.ana, lambda me: me.decline_deal(other.id))
    assert told(lanxi.ana) == []


def test_a_party_that_other_terms_leave_out_is_told(lanxi: Commons) -> None:
    made = at(lanxi.ana, lambda me: me.propose_deal(RING))
    lanxi.meet()
    ring = "a ring of 3: " + made.words
    assert told(lanxi.bo) == told(lanxi.mei) == [(notices.ANSWER, ring)]
    other = at(lanxi.bo, lambda me: me.counter_deal(made.id, [HOURS]))
    lanxi.meet()
    says = f"Bo proposed other terms: {other.id.hex()[:8]}: {made.words}"
    assert told(lanxi.mei) == [(notices.OUTCOME, says)]
    assert [kind for kind, _ in told(lanxi.ana)] == [notices.ANSWER]


def test_who_lost_is_told_what_won(lanxi: Commons) -> None:
    """Two last yes, made apart: the earlier in the order of the ledger wins."""
    offered = intent(lanxi.bo, "work", 1, "hour")
    lanxi.meet()
    asked = {home: at(home, lambda me: me.propose_from(offered)) for home in (lanxi.ana, lanxi.mei)}
    lanxi.meet()
    first, second = asked[lanxi.ana].id, asked[lanxi.mei].id
    at(lanxi.bo, lambda me: me.accept_deal(first))
    with Member(lanxi.bo) as bo:
        write(lanxi.bo, "agreement.sign", {"agreement": second, "say": "yes"}, second)
        bo.refresh()
        assert bo.deal(second).state == rows.LOST
    lanxi.seal()
    loser = told(lanxi.mei)
    winner = f"the deal {first.hex()[:8]} of "
    assert [kind for kind, _ in loser] == [notices.OUTCOME]
    assert winner in loser[0][1] and loser[0][1].startswith("lost to ")
    assert [kind for kind, _ in told(lanxi.ana)] == [notices.OUTCOME]
    assert told(lanxi.ana)[0][1].startswith("all said yes")


def test_of_two_yes_given_apart_one_wins_and_the_other_is_told(lanxi: Commons) -> None:
    """Bo offers one hour to both; both say yes while they do not hear of each other."""
    offered = intent(lanxi.bo, "work", 1, "hour")
    clauses = [
        ClauseTerms("Bo", name, "work", "1", "hour", satisfies=(offered.hex(),))
        for name in ("Ana", "Mei")
    ]
    asked = [did(lanxi.bo, "propose_deal", [terms]) for terms in clauses]
    lanxi.meet()
    for home, made in zip((lanxi.ana, lanxi.mei), asked, strict=True):
        assert did(home, "accept_deal", made.id).state == rows.AGREED
        assert told(home) == []
    lanxi.seal()
    states = {made.id: deal(lanxi.bo, made.id) for made in asked}
    (winner,) = [id for id, known in states.items() if known.state == rows.AGREED]
    (loser,) = [id for id, known in states.items() if known.state == rows.LOST]
    assert states[loser].cause == winner
    lost = lanxi.mei if loser == asked[1].id else lanxi.ana
    ((kind, words),) = told(lost)
    assert kind == notices.OUTCOME and f"the deal {winner.hex()[:8]} of " in words
    assert (notices.OUTCOME, words) in told(lanxi.bo)
    for home in lanxi.all:
        assert {id: deal(home, id).state for id in states} == {
            winner: rows.AGREED,
            loser: rows.LOST,
        }


def test_an_offer_that_is_withdrawn_makes_a_deal_void(lanxi: Commons) -> None:
    offered = intent(lanxi.bo, "work", 1, "hour")
    lanxi.meet()
    made = at(lanxi.ana, lambda me: me.propose_from(offered))
    lanxi.meet()
    write(lanxi.bo, "intent.withdraw", {"intent": offered}, offered)
    write(lanxi.bo, "agreement.sign", {"agreement": made.id, "say": "yes"}, made.id)
    lanxi.meet()
    says = f"Bo withdrew what they offered or needed: {made.words}"
    assert told(lanxi.ana) == told(lanxi.bo) == [(notices.OUTCOME, says)]
    assert deal(lanxi.ana, made.id).state == rows.VOID


def test_an_outcome_is_told_for_a_week_of_seals(
    lanxi: Commons, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = proposed(lanxi)
    at(lanxi.bo, lambda me: me.decline_deal(id))
    lanxi.seal()
    sealed_ms = at(lanxi.ana, lambda me: judged_at_ms(me.view))
    monkeypatch.setattr(notices, "judged_at_ms", lambda _view: sealed_ms + notices.NEWS_MS - 1)
    assert len(told(lanxi.ana)) == 1
    monkeypatch.setattr(notices, "judged_at_ms", lambda _view: sealed_ms + notices.NEWS_MS)
    assert told(lanxi.ana) == []


def test_an_end_waits_for_the_others(lanxi: Commons) -> None:
    id = agreed(lanxi)
    at(lanxi.bo, lambda me: me.end_deal(id))
    lanxi.meet()
    assert (notices.END, f"they give it up: {WHAT}") in told(lanxi.ana)
    assert [kind for kind, _ in told(lanxi.bo) if kind == notices.END] == []
    (row,) = [row for row in waits(lanxi.ana) if row.kind == notices.END]
    assert row.command == f"weal deal end {id.hex()[:16]}"
    good(*shlex.split(row.command)[1:], "--home", lanxi.ana.path)
    assert told(lanxi.ana) == []
    assert deal(lanxi.ana, id).state == rows.GIVEN_UP


def test_what_is_overdue_is_told_to_both(lanxi: Commons, monkeypatch: pytest.MonkeyPatch) -> None:
    due = ClauseTerms("Bo", "Ana", "work", "2", "hours", due="1h")
    id = agreed(lanxi, due)
    lanxi.seal()
    later = now_ms() + 2 * 3_600_000
    for module in ("states", "details", "notices"):
        monkeypatch.setattr(
            f"commonweal.client.exchange.deals.{module}.judged_at_ms", lambda _view: later
        )
    assert deal(lanxi.ana, id).state == rows.OVERDUE
    (row,) = [row for row in waits(lanxi.ana) if row.kind == notices.OVERDUE]
    assert (row.words, row.member_name) == ("not kept in time: work 2 hour · Bo → Ana", "Bo")
    assert row.command == f"weal deal show {id.hex()[:16]}"
    (mine,) = [row for row in at(lanxi.bo, lambda me: me.inbox()).rows if row.kind == "promise"]
    assert mine.words == "work 2 hour"
    assert waits(lanxi.bo) == waits(lanxi.mei) == [], "it is owed to neither"
    kept = {
        party.member_name: (party.kept, party.promised) for party in deal(lanxi.bo, id).signatures
    }
    assert kept == {"Ana": (0, 0), "Bo": (0, 1)}
    good(*shlex.split(mine.command)[1:], "--home", lanxi.bo.path)
    lanxi.meet()
    assert [row for row in waits(lanxi.ana) if row.kind == notices.OVERDUE] == []


def test_a_comment_is_told_to_the_others_until_they_say_something(lanxi: Commons) -> None:
    id = proposed(lanxi, note="Would you?")
    assert (notices.REMARK, "Would you?") in told(lanxi.bo)
    (row,) = [row for row in waits(lanxi.bo) if row.kind == notices.REMARK]
    assert row.command == f"weal deal show {id.hex()[:16]}"
    at(lanxi.bo, lambda me: me.accept_deal(id))
    assert told(lanxi.bo) == []
    at(lanxi.bo, lambda me: me.comment_deal(id, "x" * 500))
    lanxi.meet()
    (row,) = [row for row in waits(lanxi.ana) if row.kind == notices.REMARK]
    assert row.words == "x" * notices.REMARK_CHARS_MAX


def test_a_booking_is_told_with_the_thing_and_the_time(
    lanxi: Commons, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = now_ms() // HOUR_MS * HOUR_MS + 30 * HOUR_MS
    span = Span(begin, begin + 2 * HOUR_MS)
    with Member(lanxi.bo) as bo:
        bo.add_resource("bike", 1, "one")
        bo.set_terms("bike")
    lanxi.seal()
    with Member(lanxi.ana) as ana:
        (made,) = ana.book("bike", [span]).bookings
    lanxi.meet()
    (row,) = waits(lanxi.bo)
    assert (row.kind, row.command) == (notices.ANSWER, f"weal book accept {made.id.hex()[:16]}")
    assert f"lend bike · {shown_span(span, ENGLISH)} · Bo → Ana" in row.words
    lapses_ms = at(lanxi.bo, lambda me: me.booking(made.id)).lapses_ms
    for later, state in ((-1, rows.ASKED), (0, rows.EXPIRED)):
        with monkeypatch.context() as patch:
            name = "commonweal.client.exchange.deals.details.judged_at_ms"
            patch.setattr(name, lambda _view, later=later: lapses_ms + later)
            booked = deal(lanxi.bo, made.id)
        assert (booked.sort, booked.state) == (rows.BOOKING, state)
    good(*shlex.split(row.command)[1:], "--home", lanxi.bo.path)
    lanxi.meet()
    (row,) = waits(lanxi.ana)
    assert (row.kind, row.command) == (notices.OUTCOME, f"weal book show {made.id.hex()[:16]}")


def test_a_digest_tells_each_thing_once(lanxi: Commons) -> None:
    proposed(lanxi)
    with Member(lanxi.bo) as bo:
        digest = bo.inbox_digest()
        assert notices.ANSWER in [row.kind for row in digest.rows]
        bo.told(digest)
        assert bo.inbox_digest().new == 0


def test_who_leaves_has_declined_what_was_asked(lanxi: Commons) -> None:
    asked, in_force = proposed(lanxi), agreed(lanxi, HOURS, MONEY)
    at(lanxi.bo, lambda me: me.leave())
    lanxi.meet()
    gone = deal(lanxi.ana, asked)
    assert (gone.state, gone.why) == (rows.DECLINED, "Bo is no member any more")
    stands = deal(lanxi.ana, in_force)
    assert (stands.state, stands.why) == (
        rows.AGREED,
        "Bo: no member any more; what was promised stands",
    )
    assert [party.present for party in stands.signatures if party.member_name == "Bo"] == [False]
    assert any(word.startswith("Bo is no member any more") for _, word in told(lanxi.ana))


def test_all_kinds_have_names_in_both_languages() -> None:
    for kind, name in notices.SOURCE.kinds.items():
        assert KINDS[kind] == name
        assert words_in("zh")(name) != name
