"""Five real nodes: one time of a thing is lent once, and a ring of three is agreed and kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from commonweal.commands.node import cluster as command
from tests.cluster.street import FIVE, Street


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    """Five members who are connected."""
    made = Street(tmp_path_factory.mktemp("street"))
    try:
        made.up(*FIVE)
        yield made
    finally:
        made.end()


def common_thing(street: Street, name: str) -> None:
    """Let the community have a thing that two members may lend for it."""
    made = street.weal(1, "resource", "new", name, "1", "one", "--common")
    street.equal(*FIVE)
    street.weal(3, "attest", made["id"])
    street.weal(1, "thing", "terms", name, "--max", "3d")
    street.equal(*FIVE)
    street.seal()


def bookings(street: Street, number: int, thing: str) -> dict[str, dict[str, Any]]:
    """Return the bookings of a thing at a node, by their ids."""
    return {row["id"]: row for row in street.weal(number, "book", "list", thing)["bookings"]}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("is_sealed_apart", [True, False], ids=["sealed apart", "sealed at once"])
def test_two_keepers_accept_one_time_in_two_halves_and_one_member_has_the_thing(
    street: Street, is_sealed_apart: bool
) -> None:
    """The halves run one after the other, so that neither hears of what the other accepts."""
    thing = "cargo bike" if is_sealed_apart else "trailer"
    common_thing(street, thing)
    asked = {
        number: street.weal(number, "book", thing, f"tomorrow {hours}")["bookings"][0]["id"]
        for number, hours in ((2, "9:00-17:00"), (5, "12:00-20:00"))
    }
    street.equal(*FIVE)
    street.seal()

    street.up(1, 2, 3)
    street.weal(1, "book", "accept", asked[2])
    if is_sealed_apart:
        street.seal()
    street.up(4, 5)
    street.weal(4, "book", "accept", asked[5])
    street.equal(4, 5)
    assert bookings(street, 5, thing)[asked[5]]["state"] == "accepted"  # as far as they know
    street.up(*FIVE)
    street.seal()

    assert len(street.roots()) == 1
    final = bookings(street, 1, thing)
    states = {id: row["state"] for id, row in final.items()}
    assert sorted(states.values()) == ["accepted", "lost"]
    (won,) = [id for id, state in states.items() if state == "accepted"]
    (loser,) = [number for number, id in asked.items() if id != won]
    if is_sealed_apart:
        assert loser == 5
    for number in FIVE:
        rows = bookings(street, number, thing)
        assert {id: row["state"] for id, row in rows.items()} == states
        assert rows[asked[loser]]["lost_to"] == won
    waits = street.weal(loser, "inbox")["waits"]
    (told,) = [row for row in waits if row["id"] == asked[loser]]
    assert told["kind"] == "deal_outcome"
    assert told["words"].startswith(f"lost to the deal {won[:8]} ")


@pytest.mark.timeout(300)
def test_a_ring_of_three_is_proposed_signed_on_three_nodes_kept_and_closed(street: Street) -> None:
    skills = ("repair", "cooking", "spanish")
    for number, (gives, takes) in enumerate(
        zip(skills, (*skills[2:], *skills[:2]), strict=True), 1
    ):
        street.weal(number, "offer", gives, "2", "hours", "--tag", gives)
        street.weal(number, "need", takes, "2", "hours", "--tag", takes)
    street.equal(*FIVE)
    street.seal()
    suggested = [street.weal(number, "match", "--rings") for number in FIVE]
    assert all(rings == suggested[0] for rings in suggested)
    (ring,) = suggested[0]["rings"]
    assert len(ring["flows"]) == 3

    deal = street.weal(1, "match", "--rings", "--propose", "1")["id"]
    street.equal(*FIVE)
    for number, state in ((2, "asked"), (3, "agreed")):
        street.weal(number, "deal", "accept", deal)
        street.equal(*FIVE)
        assert {street.weal(one, "deal", "show", deal)["state"] for one in FIVE} == {state}
    street.seal()

    terms = street.weal(1, "deal", "show", deal)["terms"]
    names = dict(zip(command.MEMBERS, FIVE, strict=False))
    for clause in terms:
        giver = names[clause["provider_name"]]
        to = ("--receiver", clause["receiver"], "--fulfills", clause["id"])
        street.weal(giver, "record", "work", "2", "hours", *to)
    street.equal(*FIVE)
    street.seal()
    assert len(street.roots()) == 1
    for number in FIVE:
        shown = street.weal(number, "deal", "show", deal)
        assert shown["state"] == "done"
        assert [clause["open"] for clause in shown["terms"]] == ["0", "0", "0"]
        assert street.weal(number, "match", "--rings")["rings"] == []
