"""Many proposals at once: what a cut that decides costs grows as their number."""

from __future__ import annotations

import sys
from functools import partial
from types import FrameType

import pytest

from commonweal.protocol.ledger.governance import (
    active_ruleset,
    enactment,
    proposal_records,
    proposals,
    tally,
)
from tests.protocol.ledger.council import SAID, Council, process, rules

HERE = tuple(one.__file__ for one in (enactment, proposal_records, proposals, tally))


def _count(seen: list[int], frame: FrameType, event: str, _: object) -> None:
    seen[0] += event == "call" and frame.f_code.co_filename in HERE


def deciding(count: int) -> tuple[Council, list[int]]:
    """Return a council that adopts the first of many rivals, and the calls that this took."""
    document = rules()
    document["governance"]["membership"] = process(early=True)
    council = Council(document, "Jun")
    rivals = [
        council.patch("Mei" if one % 2 else "Jun", {"membership": {"vouches": 1, **said(one)}})
        for one in range(count)
    ]
    seen = [0]
    for yes in ((), ("Mei", "Jun")):
        council.say(rivals[0], "yes", yes)
        sys.setprofile(partial(_count, seen))
        try:
            council.cut()
        finally:
            sys.setprofile(None)
    assert [council.status(one) for one in rivals] == ["in force", *["stale"] * (count - 1)]
    return council, seen


def said(number: int) -> dict[str, str]:
    return {**SAID, "en": f"Number {number}."}


def test_what_many_rivals_cost_grows_as_their_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proposal_records, "OPEN_PER_MEMBER_MAX", 1000)
    (few, little), (many, much) = deciding(10), deciding(80)
    assert much[0] < 9 * little[0], (little, much)
    for council in (few, many):
        kept = [key[1:] for key, _ in council.history.final.items(active_ruleset.DOCUMENT)]
        assert kept == [council.history.ruleset.id]


def test_a_document_stays_while_another_proposal_needs_it() -> None:
    council = Council(rules(), "Jun", "Ana")
    first, same = (
        council.patch(name, {"membership": {"vouches": 1, **SAID}}) for name in ("Jun", "Ana")
    )
    council.write("Jun", "rules.withdraw", {"proposal": first.id})
    council.cut()
    council.say(same, "yes", "Mei Jun Ana")
    council.cut(25)
    assert council.status(same) == "in force"
    assert council.history.ruleset.membership.vouches == 1
    assert (
        council.history.final.get(active_ruleset.DOCUMENT + council.history.ruleset.id) is not None
    )


def test_a_trial_that_begins_makes_its_rivals_stale_with_the_same_cut() -> None:
    document = rules()
    document["governance"]["membership"] = process(early=True, trial_hours=24)
    council = Council(document, "Jun", "Ana")
    later = council.patch("Ana", {"membership": {"vouches": 2, **SAID}})
    first = council.patch("Jun", {"membership": {"vouches": 1, **SAID}})
    council.cut()
    council.say(first, "yes", "Mei Jun Ana")
    council.cut()
    assert [council.status(one) for one in (first, later)] == ["trial", "stale"]
