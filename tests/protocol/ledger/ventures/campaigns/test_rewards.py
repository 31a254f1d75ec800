"""The reward of a campaign: promised to who paid, and only for as long as that is used."""

from __future__ import annotations

from typing import Any

from commonweal.protocol.ledger.exchange.commitments import (
    AGREED,
    ENDED,
    CommitmentRow,
    commitment_row,
)
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.ventures.campaigns.campaign_row import CANCELLED, SHORT
from commonweal.protocol.ledger.ventures.campaigns.collection import reward_id
from commonweal.protocol.records.record import Record
from commonweal.protocol.seal.cut import delta_to_bytes
from commonweal.protocol.seal.formats import sealed_to_bytes
from tests.protocol.ledger.press import Press, yuan
from tests.protocol.ledger.ventures.campaigns.test_collection import a_press
from tests.second_reader.fold import Reader
from tests.second_reader.records import Record as ReadRecord


def rewarding(press: Press) -> Record:
    """Let a campaign of 1,000 with a reward be paid; return the payment of Jun."""
    press.begin(gives="reward", reward={"n": 2, "scale": 0, "unit": "one"})
    press.pledge("Jun", 600)
    press.pledge("Ana", 400)
    press.close()
    paid = press.pays("Jun", 600)
    press.pays("Ana", 400)
    press.cut()
    return paid


def reward(press: Press, name: str = "Jun") -> CommitmentRow:
    """Return the promise of the reward to a member."""
    row = commitment_row(press.history.final, reward_id(press.pledged(name).record))
    assert row is not None, "it was promised once"
    return row


def correct(press: Press, paid: Record, n: int) -> None:
    """Let Jun pay so much more or less."""
    said = {"action": "transfer", "corrects": paid.id, "resourceQuantity": yuan(n)}
    press.write("Jun", "event", said)
    press.cut()


def attest(press: Press, paid: Record, corrections: int) -> None:
    """Let Mei attest a payment as it now stands."""
    said = {"event": paid.id, "say": "yes", "corrections": corrections}
    press.write("Mei", "attest", said)
    press.cut()


def read_alike(press: Press) -> None:
    """Let the second reader read every seal, and compare what it comes to."""
    wires = [ReadRecord.read(record.wire) for record in press.records]
    reader = Reader(bytes(press.community), wires, press.documents)
    for sealed, delta in press.sealed:
        height = reader.read(sealed_to_bytes(sealed), delta_to_bytes(delta))
        assert height.state_root == sealed.seal.state_root, sealed.seal.height


def test_the_reward_of_a_payment_that_is_corrected_to_nothing_ends_alone() -> None:
    press = a_press()
    paid = rewarding(press)
    assert reward(press).status == AGREED
    correct(press, paid, -600)
    assert (press.current.paid, reward(press).status) == (400, ENDED)
    attest(press, paid, 1)
    assert (reward(press).status, reward(press, "Ana").status) == (ENDED, AGREED)
    read_alike(press)


def test_a_payment_that_is_as_large_again_has_its_reward_again() -> None:
    press = a_press()
    paid = rewarding(press)
    was = reward(press)
    correct(press, paid, -1)
    assert reward(press).status == ENDED
    correct(press, paid, 1)
    assert reward(press).status == ENDED, "nobody attests it as it stands"
    attest(press, paid, 2)
    assert reward(press) == was
    read_alike(press)


def test_a_dispute_holds_the_reward_back_until_it_is_withdrawn() -> None:
    press = a_press()
    paid = rewarding(press)
    press.write("Bo", "dispute", {"event": paid.id})
    press.cut()
    assert reward(press).status == ENDED
    press.write("Bo", "dispute", {"event": paid.id, "say": "withdraw"})
    press.cut()
    assert reward(press).status == AGREED
    read_alike(press)


def test_a_reward_of_which_something_was_given_stands() -> None:
    press = a_press()
    paid = rewarding(press)
    said: dict[str, Any] = {"action": "transfer", "provider": press.community}
    said |= {"receiver": press.id("Jun"), "resourceQuantity": {"n": 1, "scale": 0, "unit": "one"}}
    said |= {"fulfills": reward_id(press.pledged("Jun").record)}
    assert press.verdict(press.write("Mei", "event", said)) is None
    correct(press, paid, -600)
    assert (reward(press).status, reward(press).given[0]) == (AGREED, 1)
    read_alike(press)


def test_a_reward_is_replaced_by_no_other_promise() -> None:
    press = a_press()
    rewarding(press)
    said: dict[str, Any] = {"action": "transfer", "provider": press.community}
    said |= {"receiver": press.id("Jun"), "resourceQuantity": {"n": 1, "scale": 0, "unit": "one"}}
    said |= {"replaces": reward_id(press.pledged("Jun").record)}
    assert press.verdict(press.write("Jun", "commitment", said)) is Reason.ALREADY_AGREED
    press.cut()
    assert reward(press).status == AGREED
    read_alike(press)


def test_the_reward_ends_with_a_campaign_that_is_cancelled() -> None:
    press = a_press(short="go_on")
    press.begin(gives="reward", reward={"n": 2, "scale": 0, "unit": "one"})
    press.pledge("Jun", 600)
    press.pledge("Ana", 400)
    press.close()
    press.pays("Jun", 600)
    press.end_collecting()
    assert (press.stands, reward(press).status) == (SHORT, AGREED)
    proposal = press.vote("cancel", by="Bo")
    press.cut()
    press.say(proposal, "yes", "Mei Jun Ana")
    press.cut(25)
    assert (press.stands, press.owed_back()) == (CANCELLED, {"Jun": 600})
    assert reward(press).status == ENDED
    read_alike(press)
