"""A tree: each branch below and right of what it follows from."""

from __future__ import annotations

from commonweal.client.language.words import ENGLISH
from commonweal.web.pictures import TreeBranch, tree
from commonweal.web.pictures.tree import BRANCHES_MAX, DEPTH_MAX
from tests.web.pictures.drawings import boxes, drawings, size, texts

BREAD = [
    TreeBranch(0, "bread", "/why/01"),
    TreeBranch(1, "baking"),
    TreeBranch(2, "flour"),
    TreeBranch(2, "work 3 hours"),
    TreeBranch(1, "picked up"),
]


def test_branches_stand_right_of_what_they_follow_from() -> None:
    picture = tree("Where the bread came from", "what", BREAD, ENGLISH)
    for root in drawings(picture):
        assert texts(root) == [branch.name for branch in BREAD]
        places = [size(box, "x") for box in boxes(root, "bar-a")]
        assert places[0] < places[1] < places[2] == places[3] and places[4] == places[1]
        assert len([path for path in root.iter("path") if path.get("class") == "line"]) == 4
    assert picture.columns == ("step", "what")
    assert picture.rows[0][1].link == "/why/01"


def test_a_deep_branch_has_room() -> None:
    deep = [TreeBranch(depth, f"step {depth}") for depth in range(40)]
    for root in drawings(tree("deep", "what", deep, ENGLISH)):
        places = [size(box, "x") for box in boxes(root, "bar-a")]
        assert places[DEPTH_MAX] == places[-1] < size(root, "width") / 2
        assert texts(root)[-1] == "step 39"


def test_branches_beyond_the_limit_are_counted() -> None:
    at_limit = tree("many", "what", [TreeBranch(0, "x")] * BRANCHES_MAX, ENGLISH)
    assert all(texts(root)[-1] == "x" for root in drawings(at_limit))
    beyond = tree("many", "what", [TreeBranch(0, "x")] * (BRANCHES_MAX + 1), ENGLISH)
    assert all(texts(root)[-1] == "2 others" for root in drawings(beyond))
    assert len(beyond.rows) == BRANCHES_MAX


def test_a_branch_without_a_parent_and_no_branch_are_drawn() -> None:
    for branches in ([], [TreeBranch(3, "alone")]):
        for root in drawings(tree("odd", "what", branches, ENGLISH)):
            assert texts(root) == [branch.name for branch in branches]
