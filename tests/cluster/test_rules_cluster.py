"""Rules voted on real nodes: a member who was away has them in force soon after coming back."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from commonweal.commands.node import cluster as command
from commonweal.node.control.cluster import Cluster
from tests.builders.weal import good

NODES = 5
VOTE_S_MAX = 60.0
BACK_S_MAX = 10.0
LOOK_S = 0.3

RULES = """
name = "Lanxi"

[value.work]
points = "event.effort"
en = "An hour of work counts as an hour of work."
zh = "一小时劳动记一小时。"
"""


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Look until `condition` holds, or fail."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(LOOK_S)


def rules_of(home: Path) -> str:
    """Return the id of the rules in force, as a node's home says."""
    ruleset: str = good("rules", "show", "--home", home, "-o", "json").json["ruleset"]
    return ruleset


def test_a_rule_that_was_voted_is_in_force_on_a_node_that_was_away(tmp_path: Path) -> None:
    command.found(tmp_path, NODES)
    cluster = Cluster(tmp_path)
    homes = [tmp_path / name for name in cluster.names()]
    try:
        cluster.start(cluster.names())
        cluster.wait_equal(60)
        before = rules_of(homes[0])
        cluster.stop("n5")
        good("record", "work", "3", "hour", "--home", homes[1], "--wait", "3")
        rules = tmp_path / "rules.toml"
        rules.write_text(RULES)
        proposed = good("rules", "propose", rules, "--home", homes[0], "-o", "json").json
        for home in homes[1:4]:
            wait_until(partial(knows, home, proposed["id"]), 10, "a proposal is lost")
            good("rules", "vote", proposed["id"], "yes", "--home", home)
        wait_until(
            lambda: all(rules_of(home) != before for home in homes[:4]),
            VOTE_S_MAX,
            "the vote was not counted",
        )
        cluster.start(["n5"])
        wait_until(lambda: rules_of(homes[4]) == rules_of(homes[0]), BACK_S_MAX, "n5 is behind")
        cluster.wait_equal(15)
        for words in (["rules", "show"], ["shares"]):
            what = f"the nodes print different {words}"
            wait_until(partial(agree, homes, words), BACK_S_MAX, what)
    finally:
        cluster.down()


def knows(home: Path, proposal: str) -> bool:
    """Say whether a proposal has come to a home."""
    listed = good("vote", "list", "--home", home, "-o", "json").json["votes"]
    return any(one["id"] == proposal for one in listed)


def agree(homes: list[Path], words: list[str]) -> bool:
    """Say whether a command prints the same JSON, byte for byte, in every home."""
    return len({good(*words, "--home", home, "-o", "json").out for home in homes}) == 1
