"""A cluster that is founded with rules: its members let each other in, or nothing is made."""

from __future__ import annotations

from pathlib import Path

from commonweal.client import Member
from commonweal.node.control.cluster import Cluster
from tests.builders.weal import good, weal


def test_members_vouch_where_an_invite_is_not_enough(tmp_path: Path) -> None:
    good("cluster", "up", "--nodes", "3", "--rules", "value-network", "--dir", tmp_path)
    try:
        with Member(tmp_path / "n1") as mei:
            assert mei.view.kept.rules.membership.vouches == 2
            states = [member.status for member in mei.members()]
        assert states == ["active"] * 3
    finally:
        Cluster(tmp_path).down()


def test_rules_that_cannot_be_read_make_no_home(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("name = 3\n", "utf-8")
    for rules in ("nowhere.toml", tmp_path / "bad.toml"):
        ran = weal("cluster", "up", "--rules", rules, "--dir", tmp_path / "lab")
        assert ran.code == 65, ran
        assert not (tmp_path / "lab" / "n1").exists()
