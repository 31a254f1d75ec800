"""`weal promote` and `weal referral CODE`: from a code to a commission that explains itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from commonweal.protocol.records.record import RecordId
from tests.builders.commons import RULES, Commons
from tests.client.exchange.dealing import intent, write

PROMOTION = """
[promotion]
rate_max = "10%"
window_hours_max = 720
en = "Who brings a buyer has at most 10 % of what they pay within 720 hours."
zh = "带来买方的人至多得其在 720 小时内付款的 10%。"
"""
HEAD = "[contributions]"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Commons]:
    """Give copies of a community whose rules let members promote offers."""
    first = tmp_path_factory.mktemp("town")
    made = Commons(first)
    made.adopt(RULES.replace(HEAD, PROMOTION + "\n" + HEAD), first)
    return made.copies(tmp_path_factory)


def promoted(lanxi: Commons) -> str:
    """Let Mei offer jam and promote it; return the offer."""
    offer: str = lanxi.json(lanxi.mei, "offer", "jam", "9", "pieces", "--for", "19.99 EUR")["id"]
    made = lanxi.json(lanxi.mei, "promote", offer[:16], "--rate", "5%", "--code", "jam")
    assert (made["rate"], made["hours"], made["code"]) == ("5", 720, "jam")
    lanxi.meet()
    return offer


def test_a_code_leads_to_a_commission(town: Callable[[], Commons]) -> None:
    """5 % of 19.99 is 0.99 (EXCHANGE.md, section 7)."""
    lanxi = town()
    promoted(lanxi)
    (row,) = lanxi.json(lanxi.bo, "promote", "list")["promotions"]
    assert (row["title"], row["seller_name"], row["state"]) == ("jam", "Mei", "open")
    assert row["link"].startswith("jam/")
    (mine,) = lanxi.json(lanxi.mei, "promote", "list", "--mine")["promotions"]
    assert mine["link"] is None
    said = lanxi.good(lanxi.ana, "referral", row["link"])
    assert "Bo brought Ana by jam" in said.out
    lanxi.meet()
    (offer,) = lanxi.json(lanxi.ana, "market")["offers"]
    deal = lanxi.json(lanxi.ana, "deal", "propose", offer["id"][:16])["id"]
    lanxi.meet()
    lanxi.good(lanxi.mei, "deal", "accept", deal[:16])
    lanxi.meet()
    shown = lanxi.json(lanxi.ana, "deal", "show", deal[:16])
    (pays,) = [one for one in shown["terms"] if one["unit"] == "EUR"]
    done = (
        "record",
        "transfer",
        "19.99",
        "EUR",
        "--receiver",
        "Mei",
        "--fulfills",
        pays["id"][:16],
    )
    paid = lanxi.json(lanxi.ana, *done)["id"]
    lanxi.meet()
    (waits,) = lanxi.json(lanxi.bo, "promote", "earned")["commissions"]
    assert (waits["state"], waits["amount"]) == ("unattested", "0")
    lanxi.good(lanxi.mei, "attest", paid[:16])
    lanxi.meet()
    (owed,) = lanxi.json(lanxi.bo, "promote", "earned", "--mine")["commissions"]
    assert (owed["state"], owed["amount"], owed["income"]) == ("owed", "0.99", "19.99")
    why = lanxi.good(lanxi.bo, "explain", paid[:16]).out
    assert "Bo brought the buyer by the code jam: 5% of 19.99 EUR is 0.99 EUR" in why
    assert "0.99 EUR to Bo" in lanxi.good(lanxi.mei, "inbox").out
    assert "Paid 0.99 EUR to Bo" in lanxi.good(lanxi.mei, "promote", "pay", paid[:16]).out
    lanxi.meet()
    (over,) = lanxi.json(lanxi.bo, "promote", "earned")["commissions"]
    assert (over["state"], over["open"]) == ("paid", "0.00")
    assert lanxi.refused(lanxi.mei, "promote", "pay", paid[:16]).err
    view = "SELECT amount_n, open_n, scale, unit FROM commissions"
    assert '"amount_n": 99' in lanxi.good(lanxi.bo, "sql", view, "-o", "json").out


def test_an_income_from_outside_has_its_commission(town: Callable[[], Commons]) -> None:
    lanxi = town()
    offer = promoted(lanxi)
    customer = lanxi.json(lanxi.mei, "agent", "new", "Li")["agent"]
    said = lanxi.json(lanxi.mei, "referral", "jam", "--by", "Bo", "--buyer", customer[:16])
    assert said["waits"]
    lanxi.meet()
    assert "Bo brought Li" in lanxi.good(lanxi.ana, "inbox").out
    lanxi.good(lanxi.ana, "attest", said["id"][:16])
    lanxi.meet()
    typed = ("income", "100", "EUR", "--payer", customer[:16], "--offer", offer[:16])
    came = lanxi.json(lanxi.mei, *typed)["id"]
    lanxi.meet()
    lanxi.good(lanxi.ana, "attest", came[:16])
    (owed,) = lanxi.json(lanxi.ana, "promote", "earned")["commissions"]
    assert (owed["amount"], owed["buyer_name"]) == ("5.00", "Li")


def test_a_request_in_the_place_of_an_offer_can_be_read_and_sells_nothing(
    town: Callable[[], Commons],
) -> None:
    lanxi = town()
    offer = promoted(lanxi)
    lanxi.good(lanxi.ana, "referral", "jam", "--by", "Bo")
    need = intent(lanxi.mei, "work", 1, "hour", needed=True)
    sold = RecordId(bytes.fromhex(offer))
    data = {"purpose": "request", "publishes": [need], "replaces": sold}
    asked = write(lanxi.mei, "proposal.offer", data, need, sold)
    lanxi.meet()
    (row,) = lanxi.json(lanxi.bo, "promote", "list")["promotions"]
    assert (row["seller_name"], row["state"], row["link"]) == ("Mei", "gone", None)
    customer = lanxi.json(lanxi.mei, "agent", "new", "Li")["agent"]
    assert lanxi.refused(lanxi.mei, "referral", "jam", "--by", "Bo", "--buyer", customer[:16]).err
    typed = ("income", "100", "EUR", "--payer", customer[:16], "--offer", asked.hex()[:16])
    assert "does not fit" in lanxi.refused(lanxi.mei, *typed).err


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (("referral", "honey/Bo"), "no promotion has the code honey"),
        (("referral", "j\u0430m/Bo"), "no promotion has the code"),
        (("referral", "jam", "--by", "Nobody"), "Nobody"),
        (("referral", "jam/"), "name who brought you"),
        (("referral", "jam/Ana"), "nobody brings themselves"),
        (("referral", "jam/Mei"), "nobody brings themselves"),
        (("promote", "end", "jam"), "no right"),
    ],
)
def test_what_cannot_be_is_refused(
    town: Callable[[], Commons], typed: tuple[str, ...], said: str
) -> None:
    """A code that only looks like another (here with a letter of another script) leads nowhere."""
    lanxi = town()
    promoted(lanxi)
    assert said in lanxi.refused(lanxi.ana, *typed).err


@pytest.mark.parametrize("rate", ["0%", "101%", "5", "x", "1.234%", "-5%", "11%"])
def test_a_rate_that_is_none_is_refused(town: Callable[[], Commons], rate: str) -> None:
    lanxi = town()
    offer = promoted(lanxi)
    typed = ("promote", offer[:16], f"--rate={rate}", "--code", "more")
    assert lanxi.refused(lanxi.mei, *typed).err


def test_rules_with_two_steps_are_sound_and_warned_of(lanxi: Commons, tmp_path: Path) -> None:
    two = tmp_path / "two.toml"
    steps = 'scale = 2\ncommission = ["4%", "1%"]'
    two.write_text(RULES.replace("scale = 2", steps, 1), "utf-8")
    checked = lanxi.good(lanxi.bo, "rules", "check", two)
    assert "The rules are sound." in checked.out
    assert "第七条第（三）项" in checked.err
    fee = """
[admit.fee]
actions = ["transfer"]
when = "!event.to_community || event.quantity >= 100000"
en = "Who joins pays 100."
zh = "加入者付一百。"
"""
    one = 'scale = 2\ncommission = ["4%"]'
    two.write_text(RULES.replace("scale = 2", one, 1) + fee, "utf-8")
    checked = lanxi.good(lanxi.bo, "rules", "check", two)
    assert "第七条第（二）项" in checked.err
    two.write_text(RULES.replace("scale = 2", one, 1), "utf-8")
    assert "禁止传销条例" not in lanxi.good(lanxi.bo, "rules", "check", two).err
