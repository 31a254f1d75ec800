"""What came in for a pledge: counted without all its payments being read at every seal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from commonweal.protocol.ledger.contributions import attestation
from commonweal.protocol.ledger.exchange.commitments import PROMISED_BY
from commonweal.protocol.ledger.governance import active_ruleset
from commonweal.protocol.ledger.state.state import LOCAL
from commonweal.protocol.ledger.things.event_row import (
    EVENT,
    FULFILLING,
    SCOPED,
    UNVALUED,
    event_row,
    fulfilling,
    local_rows,
)
from commonweal.protocol.ledger.ventures.campaigns import collection
from commonweal.protocol.ledger.ventures.campaigns.campaign_row import campaign_row
from tests.protocol.ledger.council import SAID, Council, rules
from tests.protocol.ledger.press import Press, raising, yuan
from tests.protocol.ledger.ventures.campaigns.test_collection import a_press, met

PAYMENTS = 40
OF_EVENTS = (UNVALUED, SCOPED, FULFILLING)


def plain_paid(press: Press, name: str) -> int:
    """Return how much came in for a pledge, found by reading all its payments."""
    state, promise = press.history.final, press.pledged(name).record
    asked, paid = active_ruleset.rules_of(press.history.ruleset), 0
    assert press.current.scale == 0
    for key, _ in state.items(PROMISED_BY + promise):
        row = event_row(state, event := key[-32:]) if len(key) > len(PROMISED_BY) + 32 else None
        if row is None or row.quantity is None or row.disputes:
            continue
        if attestation.is_attested(state, event, asked):
            paid += row.quantity[0]
    return paid


def counted(press: Press) -> int:
    """Seal, and return what came in, once it is what all the payments say."""
    press.cut()
    check_local(press)
    row = campaign_row(press.history.final, press.campaign.id)
    assert row is not None and row.paid == sum(plain_paid(press, name) for name in ("Jun", "Ana"))
    return row.paid


def check_local(press: Press) -> None:
    """What may count is noted beside the state as it follows from the rows of events."""
    final = press.history.final
    rows = [(key, value) for key, value in final.items(EVENT)]
    local = [(key, value) for key, value in final.items(LOCAL) if key[:2] in OF_EVENTS]
    assert sorted(local) == sorted(local_rows(rows))


def say(press: Press, by: str, kind: str, data: dict[str, Any]) -> None:
    assert press.verdict(press.write(by, kind, data)) is None


def test_a_seal_does_not_read_the_payments_that_nobody_attests_or_that_are_of_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    press = met(a_press())
    press.pays("Jun", 5)
    for number in range(PAYMENTS):
        press.pays("Jun", number % 2, attested="" if number % 2 else "Mei")
    press.cut()
    read: list[bytes] = []

    def counting(state: Any, event: bytes) -> Any:
        read.append(event)
        return event_row(state, event)

    monkeypatch.setattr(collection, "event_row", counting)
    again = press.pays("Jun", 0, attested="")
    assert counted(press) == 5
    assert again.id in read and len(read) == 2, "what is new, and what counts"


def test_what_came_in_follows_each_answer_correction_and_dispute() -> None:
    press = met(a_press())
    paid = press.pays("Jun", 100, attested="")
    assert counted(press) == 0
    press.attest(paid, "Mei")
    assert counted(press) == 100
    say(press, "Bo", "dispute", {"event": paid.id})
    assert counted(press) == 0
    say(press, "Bo", "dispute", {"event": paid.id, "say": "withdraw"})
    assert counted(press) == 100
    say(press, "Mei", "attest", {"event": paid.id, "say": "withdraw"})
    assert counted(press) == 0
    for n, corrections, expected in ((-100, 1, 0), (70, 2, 70)):
        less = {"corrects": paid.id, "resourceQuantity": yuan(n)}
        say(press, "Jun", "event", {"action": "transfer"} | less)
        assert counted(press) == 0
        seen = {"event": paid.id, "say": "yes", "corrections": corrections}
        say(press, "Mei", "attest", seen)
        assert counted(press) == expected
    say(press, "Ana", "attest", {"event": paid.id, "say": "no", "corrections": 2})
    assert counted(press) == 0
    say(press, "Bo", "attest", {"event": paid.id, "say": "yes", "corrections": 2})
    assert counted(press) == 70


def test_a_payment_that_too_few_attest_does_not_count() -> None:
    asked = {"attestations": 2, **SAID}
    press = met(Press(rules(contributions=asked, campaigns={**SAID}), "Jun", "Ana", "Bo"))
    paid = press.pays("Jun", 100)
    assert counted(press) == 0
    press.attest(paid, "Bo")
    assert counted(press) == 100


def test_a_dispute_that_ends_with_its_member_counts_from_the_next_payment_on() -> None:
    press = met(a_press())
    paid = press.pays("Jun", 100)
    say(press, "Bo", "dispute", {"event": paid.id})
    assert counted(press) == 0
    say(press, "Bo", "member.leave", {})
    press.cut()
    press.pays("Ana", 1)
    assert counted(press) == 101


@pytest.mark.parametrize(
    "story",
    [lambda: raising("reward", "return"), lambda: raising("loan", "extend")],
)
def test_which_payments_may_count_follows_from_the_rows_of_events(
    story: Callable[[], Council],
) -> None:
    press = story()
    assert isinstance(press, Press)
    check_local(press)
    assert fulfilling(press.history.final, press.pledged("Jun").record)
