"""Promises that are judged: kept ones, and those whose time is over."""

from __future__ import annotations

from commonweal.client import Member
from commonweal.client.exchange.deals import rows
from commonweal.client.exchange.deals.states import judged_at_ms
from commonweal.client.exchange.deals.terms import ClauseTerms
from commonweal.client.exchange.reliability import KeptPromises, kept_promises
from commonweal.protocol.rules.sections.reviews import WithheldRule
from tests.builders.commons import Commons
from tests.client.exchange.dealing import agreed, at, deal, did

HOUR_MS = 3_600_000


def kept(lanxi: Commons, later_ms: int = 0) -> dict[str, KeptPromises]:
    """Return the promises that can be judged at a time after the last seal, by names."""
    with Member(lanxi.mei) as mei:
        view = mei.view
        counted = kept_promises(view.state, judged_at_ms(view) + later_ms, WithheldRule())
        return {view.name(agent): promises for agent, promises in counted.items()}


def test_a_promise_is_judged_once_it_is_kept_or_its_time_is_over(lanxi: Commons) -> None:
    due = ClauseTerms("Bo", "Ana", "work", "2", "hours", due="1h")
    without = ClauseTerms("Ana", "Bo", "transfer", "5", "kg", in_return=True)
    id = agreed(lanxi, due, without)
    lanxi.seal()
    hours, apples = (clause.id.hex() for clause in deal(lanxi.mei, id).terms)
    assert kept(lanxi) == {}
    at(lanxi.bo, lambda me: me.record("work", 1, "hour", fulfills=hours))
    lanxi.meet()
    assert kept(lanxi) == {}
    assert kept(lanxi, 2 * HOUR_MS) == {"Bo": KeptPromises(1, 0)}
    at(lanxi.bo, lambda me: me.record("work", 1, "hour", fulfills=hours))
    at(lanxi.ana, lambda me: me.record("transfer", 5, "kg", fulfills=apples))
    lanxi.meet()
    assert kept(lanxi, 2 * HOUR_MS) == {"Bo": KeptPromises(1, 1), "Ana": KeptPromises(1, 1)}


def test_what_was_only_asked_or_was_ended_by_all_is_not_judged(lanxi: Commons) -> None:
    due = ClauseTerms("Bo", "Ana", "work", "2", "hours", due="1h")
    at(lanxi.ana, lambda me: me.propose_deal([due]))
    ended = agreed(lanxi, due)
    for home in (lanxi.ana, lanxi.bo):
        did(home, "end_deal", ended)
        lanxi.meet()
    lanxi.seal()
    assert deal(lanxi.mei, ended).state == rows.GIVEN_UP
    assert kept(lanxi, 2 * HOUR_MS) == {}


def test_a_correction_opens_a_promise_again(lanxi: Commons) -> None:
    """Two shifts of 4 hours of 8, of which the second was 3: Valueflows' "Bob"."""
    id = agreed(lanxi, ClauseTerms("Bo", "Ana", "work", "8", "hours"))
    clause = deal(lanxi.bo, id).terms[0].id.hex()
    at(lanxi.bo, lambda me: me.record("work", 4, "hours", fulfills=clause))
    second = at(lanxi.bo, lambda me: me.record("work", 4, "hours", fulfills=clause))
    assert deal(lanxi.bo, id).state == rows.DONE
    corrected = at(lanxi.bo, lambda me: me.correct(second.id, 3, "hours"))
    lanxi.meet()
    did(lanxi.ana, "attest", corrected.id)
    lanxi.meet()
    again = deal(lanxi.bo, id)
    assert (again.state, str(again.terms[0].met), str(again.terms[0].open)) == (
        rows.RUNNING,
        "7",
        "1",
    )
    third = at(lanxi.bo, lambda me: me.record("work", 2, "hours", fulfills=clause))
    assert third.promise is not None and str(third.promise.free) == "1"


def test_what_was_given_and_is_disputed_shows(lanxi: Commons) -> None:
    id = agreed(lanxi, ClauseTerms("Bo", "Ana", "work", "2", "hours"))
    clause = deal(lanxi.bo, id).terms[0].id.hex()
    worked = at(lanxi.bo, lambda me: me.record("work", 1, "hour", fulfills=clause))
    lanxi.meet()
    did(lanxi.ana, "dispute", worked.id)
    assert deal(lanxi.ana, id).state == rows.DISPUTED
