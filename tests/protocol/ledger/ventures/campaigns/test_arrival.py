"""Campaigns, whatever order records arrive in: one state, and each sum counted once."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.ventures.campaigns.campaign_row import COLLECTING, FAILED
from tests.protocol.ledger.council import rules
from tests.protocol.ledger.press import Press

NAMES = ("Mei", "Jun", "Ana", "Bo")
ACTS = st.tuples(
    st.sampled_from(("pledge", "part", "match", "withdraw", "cut")),
    st.sampled_from(NAMES),
    st.integers(0, 900),
)


def a_press() -> Press:
    press = Press(rules(), "Jun", "Ana", "Bo")
    press.begin(maximum=1_200, matching=1, perPledgeMin=5)
    press.cut()
    return press


@settings(max_examples=15, deadline=None)
@given(st.lists(ACTS, min_size=1, max_size=12), st.integers(0, 99))
def test_any_order_of_arrival_leads_to_one_state(
    acts: list[tuple[str, str, int]], seed: int
) -> None:
    press = a_press()
    for act, name, n in acts:
        match act:
            case "withdraw":
                press.withdraw(name)
            case "cut" if press.history.next_advance(press.now_ms + 1):
                press.cut(0)
            case "pledge" | "part" | "match":
                press.pledge(name, n, part=act == "part", matches=act == "match")
    press.close()
    total = sum(press.promised().values())
    assert total <= 1_200
    assert press.stands == (COLLECTING if press.current.total >= 1_000 else FAILED)
    assert total == (press.current.total if press.stands == COLLECTING else 0)
    for name in press.promised():
        press.pays(name, press.promised()[name])
    press.end_collecting() if press.stands == COLLECTING else None
    other = press.again(seed)
    assert other.final.to_bytes() == press.history.final.to_bytes()
    assert other.state.to_bytes() == press.history.state.to_bytes()


def test_of_two_devices_of_a_member_the_last_pledge_in_seal_order_counts() -> None:
    """Same member 300 then 500, apart: the one that stands later in the order of the seal."""
    press = a_press()
    press.withhold("Jun", "pledge", press.pledge_data(300))
    press.pledge("Jun", 500)
    press.deliver()
    assert press.counted() in ({"Jun": 500}, {"Jun": 300})
    expected = press.counted()
    press.close()
    assert press.current.total == sum(expected.values())
    assert {press.again(seed).final.to_bytes() for seed in range(4)} == {
        press.history.final.to_bytes()
    }


def test_a_pledge_that_was_made_apart_and_comes_after_the_close_came_too_late() -> None:
    press = a_press()
    press.pledge("Ana", 999)
    press.cut()
    press.withhold("Jun", "pledge", press.pledge_data(5))
    press.close()
    assert press.stands == FAILED
    press.deliver()
    (late,) = (
        record
        for record in press.records
        if record.kind == "pledge" and record.author not in {pen.key for pen in press.pens.values()}
    )
    assert press.verdict(late) is Reason.CAMPAIGN_CLOSED
