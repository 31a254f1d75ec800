"""What becomes of offers and deals when somebody leaves, is removed, or speaks for all."""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.protocol.ledger.exchange import commitments, open_records
from commonweal.protocol.ledger.exchange.deals.agreement_row import (
    AGREED,
    ASKED,
    DECLINED,
    ENDED,
    OPEN_DEAL,
)
from commonweal.protocol.ledger.exchange.offers import intents
from commonweal.protocol.ledger.members import registry
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.records.record import Record
from tests.protocol.ledger.council import SAID
from tests.protocol.ledger.exchange.trading import Trading

ROLES = {"steward": {"endorsements": 1, **SAID}}
SPOKEN_FOR = {"roles": ROLES, "exchange": {"speaks_for_community": "steward", **SAID}}


@pytest.fixture
def town() -> Trading:
    return Trading()


@pytest.fixture
def led() -> Trading:
    """A town in which Bo speaks for the community."""
    town = Trading(document=SPOKEN_FOR)
    town.write("Bo", "role.claim", {"role": "steward"})
    town.write("Jun", "role.endorse", {"role": "steward", "member": town.id("Bo")})
    return town


def leaves(town: Trading, name: str) -> None:
    """Let a member leave."""
    assert town.verdict(town.write(name, "member.leave", {})) is None


def removed(town: Trading, name: str) -> None:
    """Let the others remove a member by a vote."""
    town.say(town.remove("Mei", name), "yes", [other for other in town.pens if other != name])
    town.cut()
    town.cut(30)
    row = registry.member_row(town.history.final, town.id(name))
    assert row is not None
    assert row.status == registry.REMOVED


@pytest.mark.parametrize("ends", [leaves, removed])
def test_what_is_asked_is_declined_and_what_is_agreed_stands(town: Trading, ends: Any) -> None:
    """One party leaves: while asked it is declined; while agreed it stands, and is shown."""
    offer, need = town.offers("Ana", 9), town.needs("Bo", 9)
    data = {"purpose": "offer", "publishes": [offer.id]}
    published = town.write("Ana", "proposal.offer", data)
    kept = town.agreed(2, "Ana", "Bo", offer, need)
    kept_deal = town.deal_of(kept)
    by_ana = town.proposes("Ana", town.clause("Ana", 1, "Ana", "Bo"))
    of_ana = town.proposes("Jun", town.clause("Jun", 1, "Ana", "Jun"))
    others = town.proposes("Jun", town.clause("Jun", 1, "Jun", "Bo"))
    ends(town, "Ana")
    for deal in (by_ana, of_ana):
        assert town.standing(deal) == (DECLINED, town.id("Ana"))
    assert town.standing(others) == (ASKED, None)
    assert town.standing(kept_deal) == (AGREED, None)
    for row in (town.intent(offer), town.offered(published)):
        assert (row.status, row.by) == (intents.WITHDRAWN, town.id("Ana"))
    assert town.intent(need).status == intents.OPEN
    state = town.history.state
    assert open_records.open_of(state, town.id("Ana")) == []
    assert open_records.open_count(state, town.id("Ana")) == (0, 0)
    assert [key for key, _ in state.items(OPEN_DEAL + town.id("Ana"))] == []
    assert town.verdict(town.answer("Jun", of_ana, "withdraw")) is Reason.NOT_OPEN
    assert town.commitment(kept).status == commitments.AGREED
    town.ends("Bo", kept_deal)
    assert town.standing(kept_deal) == (ENDED, None), "who is no member need not say so"
    assert town.intent(need).taken == [0, 0, "hour"]


def test_a_deal_ends_with_who_is_left_also_when_they_said_so_before(town: Trading) -> None:
    promise = town.agreed(2, "Ana", "Bo")
    deal = town.deal_of(promise)
    town.ends("Bo", deal)
    assert town.verdict(town.ends("Bo", deal)) is Reason.NOTHING_NEW
    leaves(town, "Ana")
    assert town.verdict(town.ends("Bo", deal)) is None
    assert town.standing(deal) == (ENDED, None)


def test_nothing_is_asked_of_who_is_no_member_any_more(town: Trading) -> None:
    clause = town.clause("Jun", 1, "Ana", "Jun")
    leaves(town, "Ana")
    assert town.verdict(town.proposes("Jun", clause)) is Reason.PARTY_LEFT
    both = town.clause("Jun", 1, "Jun", "Bo"), town.clause("Bo", 1, "Ana", "Bo")
    assert town.verdict(town.proposes("Bo", *both)) is Reason.PARTY_LEFT


def test_who_is_removed_at_a_seal_says_yes_no_more_above_it(town: Trading) -> None:
    deal = town.proposes("Bo", town.clause("Bo", 1, "Ana", "Bo"))
    removed(town, "Ana")
    yes = town.answer("Ana", deal)
    assert town.verdict(yes) is Reason.NOT_A_MEMBER
    assert town.standing(deal) == (DECLINED, town.id("Ana"))


def test_what_is_of_the_community_stays_when_who_wrote_it_leaves(town: Trading) -> None:
    need = town.write("Ana", "intent", town.flow(3, None, "all"))
    published = town.write("Ana", "proposal.offer", {"purpose": "request", "publishes": [need.id]})
    assert open_records.open_count(town.history.state, town.id("Ana")) == (0, 0)
    leaves(town, "Ana")
    assert town.intent(need).status == town.offered(published).status == intents.OPEN
    assert town.commitment(town.clause("Bo", 3, "Bo", "all", need)).status == commitments.AGREED
    gone = town.write("Bo", "intent.withdraw", {"intent": need.id})
    assert town.verdict(gone) is None, "who wrote it cannot any more"
    assert town.intent(need).status == intents.WITHDRAWN


def test_without_a_role_any_member_writes_for_the_community_and_manages_their_own(
    town: Trading,
) -> None:
    need = town.write("Ana", "intent", town.flow(3, None, "all"))
    named = {"intent": need.id}
    assert town.verdict(town.write("Bo", "intent.withdraw", named)) is Reason.NOT_YOURS
    assert town.verdict(town.write("Ana", "intent.withdraw", named)) is None


def test_who_has_the_role_offers_and_manages_for_the_community(led: Trading) -> None:
    wanted = led.flow(3, None, "all")
    assert led.verdict(led.write("Ana", "intent", wanted)) is Reason.NOT_YOURS
    need = led.write("Bo", "intent", wanted)
    assert led.verdict(need) is None
    led.write("Ana", "role.claim", {"role": "steward"})
    pause = {"intent": need.id, "paused": True}
    assert led.verdict(led.write("Ana", "intent.pause", pause)) is Reason.NOT_YOURS
    led.write("Jun", "role.endorse", {"role": "steward", "member": led.id("Ana")})
    assert led.verdict(led.write("Ana", "intent.pause", pause)) is None
    led.write("Bo", "role.resign", {"role": "steward"})
    assert led.verdict(led.write("Bo", "intent.withdraw", {"intent": need.id})) is Reason.NOT_YOURS
    mixed = [need.id, led.needs("Ana", 1).id]
    for publishes, reason in (([need.id], None), (mixed, Reason.DOES_NOT_FIT)):
        data = {"purpose": "request", "publishes": publishes}
        assert led.verdict(led.write("Ana", "proposal.offer", data)) is reason
    data = {"purpose": "request", "publishes": [need.id]}
    assert led.verdict(led.write("Bo", "proposal.offer", data)) is Reason.NOT_YOURS


def for_all(town: Trading) -> dict[str, Any]:
    return {"for": bytes(town.community)}


def test_nobody_agrees_with_themselves_in_the_name_of_the_community(led: Trading) -> None:
    ours = for_all(led)
    with_bo = led.proposes("Bo", led.clause("Bo", 9, "all", "Bo"))
    assert led.deal(with_bo).parties == sorted((bytes(led.community), led.id("Bo")))
    for name in ("Bo", "Ana"):
        assert led.verdict(led.answer(name, with_bo, **ours)) is Reason.NOT_YOURS
    with_ana = led.proposes("Ana", led.clause("Ana", 9, "all", "Ana"))
    assert led.verdict(led.answer("Jun", with_ana, **ours)) is Reason.NOT_YOURS
    assert led.verdict(led.answer("Bo", with_ana)) is Reason.NOT_YOURS, "not for themselves"
    assert led.verdict(led.answer("Bo", with_ana, **ours)) is None
    assert led.standing(with_ana) == (AGREED, None)


def test_who_speaks_for_the_community_proposes_counters_comments_and_ends(led: Trading) -> None:
    ours = for_all(led)
    clause = led.clause("Bo", 2, "Ana", "all", clause=True)
    assert led.verdict(led.proposes("Bo", clause)) is Reason.NOT_YOURS
    assert led.verdict(led.proposes("Jun", clause, **ours)) is Reason.NOT_YOURS
    asked = led.proposes("Ana", led.clause("Ana", 2, "Ana", "all", clause=True))
    deal = led.proposes("Bo", clause, counters=asked.id, **ours)
    assert led.verdict(deal) is None
    led.answer("Ana", deal)
    assert led.standing(deal) == (AGREED, None)
    end = led.ends("Bo", deal, **ours)
    assert led.verdict(end) is None
    led.ends("Ana", deal)
    assert led.standing(deal) == (ENDED, None)
    named: Any
    for named, reason in (("x", Reason.SHAPE), (led.id("Ana"), Reason.NOT_YOURS)):
        again = led.proposes("Bo", led.clause("Bo", 1, "Ana", "all"), **{"for": named})
        assert led.verdict(again) is reason


def test_without_a_role_whoever_is_no_party_agrees_for_the_community(town: Trading) -> None:
    deal = town.proposes("Ana", town.clause("Ana", 2, "all", "Ana"))
    assert town.verdict(town.answer("Ana", deal, **for_all(town))) is Reason.NOT_YOURS
    assert town.verdict(town.answer("Bo", deal, **for_all(town))) is None
    assert town.standing(deal) == (AGREED, None)
    private = town.proposes("Ana", town.clause("Ana", 2, "Ana", "Bo"))
    assert town.verdict(town.answer("Jun", private, **for_all(town))) is Reason.NOT_YOURS


def test_a_promise_that_is_a_clause_waits_for_its_deal(town: Trading) -> None:
    def mine(**over: Any) -> Record:
        return town.clause("Ana", 2, "Ana", "all", **over)

    assert town.commitment(mine()).status == commitments.AGREED
    waits = mine(clause=True)
    assert town.commitment(waits).status == commitments.ASKED
    assert town.verdict(mine(clause="yes")) is Reason.SHAPE
    back = town.clause("Ana", 20, "all", "Ana")
    deal = town.proposes("Ana", waits, back=(back,))
    town.answer("Bo", deal, **for_all(town))
    assert town.commitment(waits).agreement == deal.id
    assert town.verdict(town.proposes("Ana", mine())) is Reason.ALREADY_AGREED


def test_who_speaks_for_the_community_says_what_a_supplier_promises_it(led: Trading) -> None:
    for name, status in (("Bo", commitments.SAID), ("Ana", commitments.ASKED)):
        said = led.clause(name, 2, b"s" * 16, "all")
        assert led.commitment(said).status == status
