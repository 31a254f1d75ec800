"""What comes in for a campaign that was met: collected, short, given back, rewarded."""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.protocol.ledger.claims import claims, pools
from commonweal.protocol.ledger.exchange.commitments import AGREED, ENDED, commitment_row
from commonweal.protocol.ledger.sharing.valuation import value_of
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.ventures.campaigns.campaign_row import (
    CANCELLED,
    COLLECTED,
    COLLECTING,
    SHORT,
)
from commonweal.protocol.ledger.ventures.campaigns.collection import reward_id
from tests.protocol.ledger.council import HOUR, SAID, rules
from tests.protocol.ledger.press import Press, yuan
from tests.protocol.ledger.ventures.projects.test_second_reader import reads_alike
from tests.protocol.ledger.village import TEXT


def a_press(**section: Any) -> Press:
    """Return a press of which all transfers that come in are income, and [campaigns] says so."""
    pool = {"unit": "CNY", "scale": 0, "buckets": [], **SAID}
    pool["buckets"] = [{"name": "all", "share": "100%", "to": "community", **SAID}]
    document = rules(pools={"income": pool}, campaigns={**SAID, **section})
    return Press(document, "Jun", "Ana", "Bo")


def met(press: Press, **over: Any) -> Press:
    """Let 600 and 400 meet a campaign of 1,000."""
    press.begin(**over)
    press.pledge("Jun", 600)
    press.pledge("Ana", 400)
    press.close()
    assert press.stands == COLLECTING
    return press


def test_all_that_is_promised_and_attested_is_collected_at_once() -> None:
    press = met(a_press())
    press.pays("Jun", 600)
    press.pays("Ana", 400)
    press.cut()
    assert (press.stands, press.current.paid) == (COLLECTED, 1_000)
    assert press.owed_back() == {}, "a gift is not given back"


def test_what_comes_in_for_a_campaign_is_no_income_of_a_pool() -> None:
    press = met(a_press())
    press.pays("Jun", 600)
    beside = {"action": "transfer", "provider": press.id("Bo"), "receiver": press.community}
    press.attest(press.write("Bo", "event", beside | {"resourceQuantity": yuan(70)}), "Mei")
    press.cut()
    assert press.current.paid == 600
    incomes = [pools.income_row(press.history.final, key[1:]) for key, _ in _incomes(press)]
    assert [row.amount for row in incomes if row is not None] == [70]


def with_a_project(press: Press) -> Press:
    """Let Jun open a project of the scope that campaigns are for, before one is met."""
    project = {"name": "shed", "split": "equal"}
    assert press.verdict(press.write("Jun", "project", project, body=TEXT)) is None
    press.cut()
    return press


def test_what_comes_in_for_a_campaign_is_not_in_the_pool_of_the_project_it_is_for() -> None:
    """Owed back by the campaign and shared by the project, 600 would be 1,200 of claims."""
    press = met(with_a_project(a_press()), inScopeOf="shed")
    press.pays("Jun", 600, inScopeOf="shed")
    press.earn(70, resourceQuantity=yuan(70), inScopeOf="shed")
    press.cut()
    press.end_collecting()
    assert (press.stands, press.owed_back()) == (SHORT, {"Jun": 600})
    rows = [pools.income_row(press.history.final, key[1:]) for key, _ in _incomes(press)]
    taken = [(row.pool.name, row.amount) for row in rows if row is not None]
    assert taken == [("project shed", 7_000)], "what is no pledge's goes there still"
    reads_alike(press)


def test_a_share_in_what_a_campaign_for_a_project_raises_is_a_contribution() -> None:
    value = {"transfer": {"points": "event.quantity", **SAID}}
    press = met(with_a_project(Press(rules(value=value), "Jun", "Ana", "Bo")), gives="share")
    paid = press.pays("Jun", 600, inScopeOf="shed")
    press.cut()
    row = value_of(press.history.final, paid.id)
    assert row is not None and row.points == 600_000
    reads_alike(press)


def _incomes(press: Press) -> list[tuple[bytes, Any]]:
    return list(press.history.final.items(pools.INCOME))


def test_a_payment_that_nobody_attests_does_not_count() -> None:
    press = met(a_press())
    press.pays("Jun", 600, attested="")
    denied = press.pays("Jun", 600)
    press.write("Bo", "attest", {"event": denied.id, "say": "no"})
    late = press.pays("Ana", 400)
    press.end_collecting()
    assert (press.stands, press.current.paid) == (SHORT, 400)
    assert press.owed_back() == {"Ana": 400}, "who only says that they paid gets nothing back"
    assert press.verdict(late) is None


def test_enough_is_collected_at_the_end_also_if_somebody_did_not_pay() -> None:
    press = met(a_press(), minimum=500)
    press.pays("Jun", 600)
    press.cut()
    assert press.stands == COLLECTING
    press.end_collecting()
    assert (press.stands, press.current.paid) == (COLLECTED, 600)
    promise = press.promise("Ana")
    assert promise is not None and promise.status == AGREED, "it is owed still"


def test_what_was_paid_to_a_short_campaign_is_owed_back() -> None:
    """Opencollective #5029: some do not pay, and the total falls below the minimum."""
    press = met(a_press())
    press.pays("Jun", 600)
    press.end_collecting()
    assert (press.stands, press.owed_back()) == (SHORT, {"Jun": 600})
    promise = press.promise("Ana")
    assert promise is not None and promise.status == ENDED, "who did not pay owes nothing"
    assert press.verdict(press.pays("Ana", 400)) is Reason.NOT_AGREED
    press.cut()
    assert press.owed_back() == {"Jun": 600}, "and once"


def test_a_payment_attested_after_the_return_is_owed_back_too() -> None:
    press = met(a_press())
    paid = press.pays("Jun", 600, attested="")
    press.end_collecting()
    assert press.owed_back() == {}
    press.attest(paid, "Bo")
    press.cut()
    assert press.owed_back() == {"Jun": 600}


def test_a_corrected_payment_is_owed_back_as_corrected() -> None:
    press = met(a_press())
    paid = press.pays("Jun", 500)
    less = {"action": "transfer", "corrects": paid.id, "resourceQuantity": yuan(-200)}
    press.write("Jun", "event", less)
    press.write("Mei", "attest", {"event": paid.id, "say": "yes", "corrections": 1})
    press.end_collecting()
    assert (press.current.paid, press.owed_back()) == (300, {"Jun": 300})


def test_a_short_campaign_goes_on_where_the_rules_say_so() -> None:
    press = met(a_press(short="go_on"))
    press.pays("Jun", 600)
    press.end_collecting()
    assert (press.stands, press.owed_back()) == (SHORT, {})
    press.pays("Ana", 400)
    press.cut()
    assert press.stands == COLLECTED, "the rest came late"


def test_a_vote_gives_a_short_campaign_more_time() -> None:
    press = met(a_press(short="extend"))
    press.pays("Jun", 600)
    press.end_collecting()
    assert (press.stands, press.owed_back()) == (SHORT, {})
    until = press.now_ms + 60 * HOUR
    proposal = press.vote("extend", until=until)
    press.cut()
    press.say(proposal, "yes", "Mei Jun Ana")
    press.cut(25)
    assert (press.stands, press.current.collect_by) == (COLLECTING, until)
    promise = press.promise("Ana")
    assert promise is not None and promise.due == until
    press.pays("Ana", 400)
    press.cut()
    assert press.stands == COLLECTED


BAD_VOTES: list[tuple[dict[str, Any], Reason]] = [
    ({"decide": "burn"}, Reason.SHAPE),
    ({"campaign": b"x"}, Reason.SHAPE),
    ({"campaign": bytes(32)}, Reason.UNKNOWN_CAMPAIGN),
    ({"until": 0}, Reason.DEADLINE_PAST),
    ({"until": -1}, Reason.SHAPE),
    ({"until": 2**62}, Reason.DEADLINE_FAR),
]


@pytest.mark.parametrize(("over", "reason"), BAD_VOTES)
def test_a_vote_on_a_campaign_that_is_not_sound_counts_for_nothing(
    over: dict[str, Any], reason: Reason
) -> None:
    press = met(a_press())
    assert press.verdict(press.vote("extend", **over)) is reason


def test_only_what_collects_or_is_short_has_more_time() -> None:
    press = a_press()
    press.begin()
    late = press.current.collect_by + HOUR
    assert press.verdict(press.vote("extend", until=late)) is Reason.CAMPAIGN_CLOSED
    press.close()
    assert press.verdict(press.vote("cancel")) is Reason.CAMPAIGN_CLOSED, "it failed"


def test_a_vote_cancels_what_is_pledged_to() -> None:
    press = a_press()
    press.begin()
    press.pledge("Jun", 1_000)
    proposal = press.vote("cancel", by="Ana")
    press.cut()
    press.say(proposal, "yes", "Mei Jun Ana")
    press.cut(25)
    assert press.stands == CANCELLED
    press.now_ms = press.current.collect_by
    press.pledge("Bo", 5)
    press.cut()
    assert (press.stands, press.promised()) == (CANCELLED, {})


def test_a_vote_that_cancels_what_collects_gives_back_what_came() -> None:
    press = met(a_press())
    press.pays("Jun", 600)
    proposal = press.vote("cancel")
    press.cut()
    press.say(proposal, "yes", "Mei Jun Ana")
    press.cut(25)
    assert (press.stands, press.owed_back()) == (CANCELLED, {"Jun": 600})
    promise = press.promise("Ana")
    assert promise is not None and promise.status == ENDED
    press.write("Bo", "member.profile", {})
    press.cut()
    assert press.owed_back() == {"Jun": 600}


def test_a_loan_is_owed_back_as_a_claim_once_it_is_collected() -> None:
    press = met(a_press(), gives="loan")
    press.pays("Jun", 600)
    press.cut()
    assert press.owed_back() == {}, "it collects still"
    press.pays("Ana", 400)
    press.cut()
    assert press.owed_back() == {"Jun": 600, "Ana": 400}
    (claim,) = (c for c in claims.claims(press.history.final) if c.row.member == press.id("Jun"))
    press.confirm(press.write("Mei", "event", _repays(press, "Jun", 600, claim.id)), "Jun")
    press.cut()
    assert press.claim("Jun", claim.row.height).status == "settled"


def _repays(press: Press, name: str, n: int, claim: bytes) -> dict[str, Any]:
    data = {"action": "transfer", "provider": press.community, "receiver": press.id(name)}
    return data | {"resourceQuantity": yuan(n), "settles": [claim]}


def test_a_loan_that_a_bucket_gives_back_is_no_claim() -> None:
    debts = {"name": "debts", "share": "100%", "claim": "debt", **SAID}
    pool = {"unit": "CNY", "scale": 0, "buckets": [debts], **SAID}
    document = rules(pools={"income": pool}, campaigns={"loans": "bucket", **SAID})
    press = met(Press(document, "Jun", "Ana", "Bo"), gives="loan")
    press.pays("Jun", 600)
    press.pays("Ana", 400)
    press.cut()
    assert (press.stands, press.owed_back()) == (COLLECTED, {})


def test_a_share_is_a_contribution_of_who_paid() -> None:
    """The payment is valued as the rules say, so that buckets of equity pay by it."""
    value = {"transfer": {"points": "event.quantity", **SAID}}
    press = met(Press(rules(value=value), "Jun", "Ana", "Bo"), gives="share")
    paid = press.pays("Jun", 600)
    press.cut()
    value_row = value_of(press.history.final, paid.id)
    assert value_row is not None and value_row.points == 600_000
    assert value_row.member == press.id("Jun")


def test_a_reward_is_promised_to_who_paid_all_and_once() -> None:
    loaf = {"n": 2, "scale": 0, "unit": "one"}
    press = met(a_press(), minimum=500, gives="reward", reward=loaf)
    press.pays("Jun", 600)
    press.pays("Ana", 399)
    press.end_collecting()
    assert press.stands == COLLECTED
    promise = commitment_row(press.history.final, reward_id(press.pledged("Jun").record))
    assert promise is not None
    assert (promise.provider, promise.receiver) == (press.community, press.id("Jun"))
    assert (promise.quantity, promise.status) == ([2, 0, "one"], AGREED)
    of_ana = reward_id(press.pledged("Ana").record)
    assert commitment_row(press.history.final, of_ana) is None
    press.pays("Ana", 1)
    press.cut()
    assert commitment_row(press.history.final, of_ana) is not None
