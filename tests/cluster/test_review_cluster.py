"""Three real nodes: reviews are opened by the nodes of who wrote them, and by no command."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.street import Street, until

ALL = range(1, 4)
WRITERS = {2: "4", 3: "5"}
"""By the number of a node, how many stars its member gives."""


@pytest.fixture
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    """Three members who are connected."""
    made = Street(tmp_path_factory.mktemp("street"), nodes=len(ALL))
    try:
        made.up(*ALL)
        yield made
    finally:
        made.end()


def reviews(street: Street, number: int, deal: str) -> dict[str, dict[str, Any]]:
    """Return the reviews of a deal as a member reads them, by who wrote them."""
    listed = street.weal(number, "review", "list", deal, "--everyone")["reviews"]
    return {row["member_name"]: row for row in listed}


@pytest.mark.timeout(120)
def test_reviews_are_blind_until_the_nodes_open_them_by_themselves(street: Street) -> None:
    names = {number: street.weal(number, "status")["member_name"] for number in WRITERS}
    deal = street.weal(2, "deal", "propose", "--with", names[3], "--give", "work 1 hour")["id"]
    street.equal(*ALL)
    street.weal(3, "deal", "accept", deal)
    street.equal(*ALL)
    street.seal()
    for number in WRITERS:
        street.weal(number, "deal", "done", deal)
    street.equal(*ALL)
    street.seal()
    for number, stars in WRITERS.items():
        street.weal(number, "review", deal, stars, "--note", f"From {names[number]}.")
    street.equal(*ALL)
    for number in ALL:
        others = [row for name, row in reviews(street, number, deal).items()]
        unseen = [row for row in others if row["member_name"] != names.get(number)]
        assert all(row["rating"] is None and row["text"] is None for row in unseen), "blind"
    street.seal()  # it covers both; now the nodes open them

    until(
        lambda: {row["state"] for row in reviews(street, 1, deal).values()} == {"open"},
        "the nodes open nothing",
    )
    street.equal(*ALL)
    street.seal()
    assert len(street.roots()) == 1
    for number in ALL:
        told = reviews(street, number, deal)
        for writer, name in names.items():
            assert told[name]["rating"] == int(WRITERS[writer])
            assert (told[name]["text"], told[name]["sealed"]) == (f"From {name}.", True)
