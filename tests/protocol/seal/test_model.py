"""Every schedule of four witnesses, one lying, through two rounds: never two certificates.

`COMMONWEAL_RUNS=n` also searches three rounds, up to 100 * n states.
"""

from __future__ import annotations

import os

import pytest

from commonweal.protocol.seal.consensus.agreement import Agreement
from commonweal.protocol.seal.consensus.vote_set import RoundVotes
from tests.protocol.seal.model import Model

RUNS = int(os.environ.get("COMMONWEAL_RUNS") or 0)

# The liar is the fourth in the order of turns: it proposes first, second, or in neither round.
LIAR_FIRST, LIAR_SECOND, LIAR_LATER = 3, 2, 4


class Forgetful(Agreement):
    """Prevotes as if it held to nothing."""

    def _prevote(self, now: RoundVotes) -> bool:
        locked, self.locked = self.locked, None
        done = super()._prevote(now)
        self.locked = locked
        return done


@pytest.mark.parametrize(
    ("height", "states"), [(LIAR_FIRST, 86_448), (LIAR_SECOND, 59_769), (LIAR_LATER, 28_686)]
)
def test_no_schedule_of_two_rounds_certifies_two_seals(height: int, states: int) -> None:
    searched, bad = Model(4, liars=1, rounds=2, height=height).search()
    assert bad is None
    assert searched == states, "another number of states: say in docs/seals.md what is searched"


def test_three_rounds_as_far_as_there_is_time() -> None:
    searched, bad = Model(4, liars=1, rounds=3, height=LIAR_FIRST).search(2_000 + 100 * RUNS)
    assert bad is None
    assert searched >= 2_000


def test_two_liars_of_four_are_found_out() -> None:
    _, bad = Model(4, liars=2, rounds=2, height=LIAR_FIRST).search()
    assert bad is not None


def test_a_broken_rule_is_found_out() -> None:
    _, bad = Model(4, liars=1, rounds=2, height=LIAR_FIRST, rules=Forgetful).search()
    assert bad is not None


@pytest.mark.parametrize("size", [1, 2, 3])
def test_small_sets_without_liars_certify_one_seal(size: int) -> None:
    searched, bad = Model(size, liars=0, rounds=2, height=1).search()
    assert bad is None
    assert searched >= size
