"""Second part of the demo: members seal what is final, vote on rules, and share an income."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bench.demo.shell import NAMES, expect, home, ledger, proven, say, step, type_in, until, weal
from commonweal.commands.node.cluster import MEMBERS

VOTERS = 3
"""Of four members; the vote is counted as soon as so many say yes."""
HEIGHTS_MAX = 30
"""Two seats of witnesses change with a seal, and who comes must have been heard before."""

RULES = """
name = "Lanxi"

[contributions]
attestations = 1
en = "A contribution counts once somebody else looked at it."
zh = "贡献经他人查看后算数。"

[value.work]
points = "event.effort_unit == 'hour' ? event.effort : 0"
en = "An hour is 1,000 points."
zh = "一小时记一千点。"

[pools.income]
unit = "EUR"
scale = 2
income = "event.action == 'transfer' && event.from_outside && event.to_community"
en = "What comes from outside."
zh = "外来收入。"

[[pools.income.buckets]]
name = "makers"
share = "100%"
claim = "equity"
en = "Income goes to all that was ever given, by its points."
zh = "收入按点数归于一切贡献。"
"""


def show(folder: Path) -> None:
    """Go through the story, on the cluster that the first part left with n3 stopped."""
    cluster = folder / "cluster"
    step("Start n3, and let every member witness, so that no single node decides")
    type_in("cluster", "start", "n3", "--dir", str(cluster))
    seats(cluster)
    proven("three of four must now agree on a seal: one may be gone, or even lie")

    step("Change the rules: n1 proposes, and three of four say yes")
    rules = folder / "rules.toml"
    rules.write_text(RULES, encoding="utf-8")
    before = ruleset(cluster, "n1")
    vote(cluster, rules)
    until(
        lambda: all(ruleset(cluster, name) != before for name in NAMES),
        "the new rules are in force on every node",
    )
    expect(len({ruleset(cluster, name) for name in NAMES}) == 1, "all nodes have the same rules")
    type_in("rules", "show", "--home", home(cluster, "n4"))
    proven("a quorum sealed the vote, and the rules are in force on every node")

    step("Attest what was given, take in an income, and share it by the new rules")
    share(cluster)
    proven("every node computed the same split, and a quorum of them certified it")

    step("Kill n2 with SIGKILL, and seal without it")
    type_in("cluster", "kill", "n2", "--dir", str(cluster))
    height = last(cluster, "n1")["height"]
    type_in("record", "work", "1", "hour", "--home", home(cluster, "n4"))
    type_in("seal", "--home", home(cluster, "n4"))
    made = last(cluster, "n4")
    expect(made["height"] > height, "a seal is made without n2")
    proven(f"height {made['height']} was sealed by {', '.join(made['signed'])}")

    step("Start n2 again")
    type_in("cluster", "start", "n2", "--dir", str(cluster))
    until(lambda: last(cluster, "n2")["height"] >= made["height"], "n2 follows the seals it missed")
    there = next(seal for seal in seals(cluster, "n2") if seal["height"] == made["height"])
    expect(there["seal"] == made["seal"], "n2 has the seal that the others made")
    proven("n2 has the same seals, and no number that was final has changed")


def seats(cluster: Path) -> None:
    """Give every member the role, and seal until each has a seat."""

    def offering(name: str) -> bool:
        listed = json.loads(weal("role", "list", "--home", home(cluster, name), "-o", "json"))
        return len(listed["claims"]) == len(NAMES)

    for name in NAMES[1:]:
        type_in("role", "claim", "witness", "--yes", "--home", home(cluster, name))
    until(lambda: all(map(offering, NAMES)), "every node has heard who offers")
    for name, member in zip(NAMES[1:], MEMBERS[1:], strict=False):
        type_in("role", "endorse", member, "witness", "--yes", "--home", home(cluster, "n1"))
        for other in NAMES[1:]:
            if other != name:
                weal("role", "endorse", member, "witness", "--yes", "--home", home(cluster, other))
    for number in range(HEIGHTS_MAX):
        writer = home(cluster, NAMES[1 + number % (len(NAMES) - 1)])
        weal("record", "work", str(number + 1), "hour", "--wait", "2", "--home", writer)
        weal("seal", "--home", home(cluster, "n1"))
        if last(cluster, "n1")["witnesses"] == len(NAMES):
            break
    expect(last(cluster, "n1")["witnesses"] == len(NAMES), "every member has a seat")
    type_in("seals", "--home", home(cluster, "n1"))


def vote(cluster: Path, rules: Path) -> None:
    """Propose rules on one node, and say yes on the others once they know of it."""
    answer = weal("rules", "propose", str(rules), "-o", "json", "--home", home(cluster, "n1"))
    proposal = str(json.loads(answer)["id"])
    say(f"weal rules propose rules.toml     on n1: {proposal[:12]}")
    for name in NAMES[:VOTERS]:

        def is_here(name: str = name) -> bool:
            listed = json.loads(weal("vote", "list", "-o", "json", "--home", home(cluster, name)))
            return any(row["id"] == proposal for row in listed["votes"])

        until(is_here, f"{name} hears of the proposal")
        weal("rules", "vote", proposal, "yes", "--home", home(cluster, name))
        say(f"weal rules vote {proposal[:12]} yes     on {name}")


def share(cluster: Path) -> None:
    """Attest, record an income, seal, and compare what every node says of the shares."""
    for member in MEMBERS[1 : len(NAMES)]:
        type_in("attest", "--member", member, "--home", home(cluster, "n1"))
    income = json.loads(weal("income", "100", "EUR", "-o", "json", "--home", home(cluster, "n1")))
    say("weal income 100 EUR     on n1")
    until(lambda: is_held(cluster, "n2", income["id"]), "n2 hears of the income")
    weal("attest", income["id"], "--home", home(cluster, "n2"))
    type_in("seal", "--home", home(cluster, "n1"))
    until(
        lambda: len({weal("shares", "-o", "json", "--home", home(cluster, n)) for n in NAMES}) == 1,
        "all nodes say the same of the shares",
    )
    type_in("shares", "--home", home(cluster, "n3"))
    listed = json.loads(weal("shares", "--lines", "-o", "json", "--home", home(cluster, "n3")))
    type_in("explain", str(listed["lines"][0]["line"]), "--home", home(cluster, "n3"))


def is_held(cluster: Path, name: str, id: str) -> bool:
    """Say whether a node lists a record."""
    return any(row["id"] == id for row in ledger(cluster, name, "50")["records"])


def ruleset(cluster: Path, name: str) -> str:
    """Return the id of the rules in force, as a node says."""
    answer = weal("rules", "show", "-o", "json", "--home", home(cluster, name))
    return str(json.loads(answer)["ruleset"])


def seals(cluster: Path, name: str) -> list[dict[str, Any]]:
    """Return the seals that a node has."""
    answer = json.loads(weal("seals", "-o", "json", "--home", home(cluster, name)))
    listed: list[dict[str, Any]] = answer["seals"]
    return listed


def last(cluster: Path, name: str) -> dict[str, Any]:
    """Return the newest seal that a node has."""
    return seals(cluster, name)[-1]
