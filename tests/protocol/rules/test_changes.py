"""Patches between rulesets, classes of change, and the processes that decide."""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.protocol.rules.changes import (
    classes_of,
    differences,
    patched,
    process_of,
)
from commonweal.protocol.rules.document import (
    from_map,
    read_toml,
)
from tests.protocol.ledger.council import SAID, process, rules
from tests.protocol.rules.patches import patch_between
from tests.protocol.rules.test_document import TEMPLATES


def test_a_patch_makes_the_new_document_of_the_old_one() -> None:
    old, new = from_map(rules()), read_toml(TEMPLATES["cooperative"])
    patch = patch_between(old, new)
    assert patched(old, patch).id == new.id
    assert patched(new, patch_between(new, old)).id == old.id
    assert patch_between(old, old) == {}
    one = patched(old, {"membership": {"vouches": 3, **SAID}})
    assert [(change.path, change.old, change.new) for change in differences(old, one)] == [
        (("membership",), None, {"vouches": 3, **SAID})
    ]
    assert [
        change.path for change in differences(one, patched(one, {"membership": {"vouches": 4}}))
    ] == [("membership", "vouches")]


LAZY = {**process(), "covers": ["value"]}


@pytest.mark.parametrize(
    ("over", "patch", "classes"),
    [
        ({}, {"name": "y"}, ("constitution",)),
        ({}, {"charter": SAID}, ("constitution",)),
        ({}, {"finality": SAID}, ("constitution",)),
        ({}, {"governance": {"ordinary": {"quorum": "1%"}}}, ("constitution",)),
        ({}, {"membership": SAID}, ("membership",)),
        ({}, {"roles": {"a": SAID}}, ("ordinary",)),
        ({}, {"roles": {"a": SAID}, "membership": SAID}, ("membership", "ordinary")),
        ({}, {"roles": {"a": SAID}, "name": "y"}, ("constitution", "ordinary")),
        ({"lazy": LAZY}, {"value": {"work": {"points": "1", **SAID}}}, ("lazy",)),
        (
            {"lazy": LAZY},
            {"value": {"work": {"points": "1", **SAID}}, "name": "y"},
            ("constitution", "ordinary", "lazy"),
        ),
        ({"ordinary": process(voters="producer")}, {"roles": None}, ("constitution",)),
    ],
)
def test_the_class_of_a_change_follows_from_what_it_changes(
    over: dict[str, Any], patch: dict[str, Any], classes: tuple[str, ...]
) -> None:
    document = rules(roles={"producer": SAID})
    document["governance"] |= over
    old = from_map(document)
    assert classes_of(old, patched(old, patch)) == classes


def test_what_asks_more_before_or_after_is_asked() -> None:
    old = from_map(rules())
    lower = patched(old, {"governance": {"constitution": {"threshold": "1/2"}}})
    higher = patched(old, {"governance": {"ordinary": {"threshold": "90%", "quorum": "80%"}}})
    assert process_of(old, lower).ballots[0].needed(10) == 7
    assert process_of(old, higher).ballots[0].needed(10) == 9
    assert process_of(old, higher).ballots[0].quorum(10) == 8
    assert process_of(higher, old).ballots[0].needed(10) == 9
    blocked = patched(old, {"governance": {"ordinary": {"blocks": 2}}})
    assert process_of(old, blocked).ballots[0].blocks == 2
