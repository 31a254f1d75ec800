"""Projects as the rules describe them: who opens them, how many, and how their members close one.

Which projects there are, and who is in them, is known to the ledger.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from commonweal.protocol.rules.faults import RulesetFault
from commonweal.protocol.rules.process import Ballot, Process
from commonweal.protocol.rules.schema import PROJECTS
from commonweal.protocol.rules.table_values import filled, portion_of
from commonweal.protocol.vocabulary.identifiers import PROJECT_POOL
from commonweal.protocol.vocabulary.rule_params import HOUR_MS


@dataclass(frozen=True, slots=True)
class ProjectRules:
    """What the rules say of projects; fields as in the document, times in ms.

    opener: the role that opens projects; empty: every member. open_per_member: how many that one
    member opened may be open. settled_ms: how long a member must have been in a project to share
    what is left of it in equal parts. closing: how its members decide to close it.
    """

    opener: str
    open_per_member: int
    settled_ms: int
    closing: Process


def faults(document: Mapping[str, Any]) -> Iterator[RulesetFault]:
    """Yield the faults of what a document says of projects, whose tables have the right form."""
    for name in document.get("pools", {}):
        if name.startswith(PROJECT_POOL):
            sentence = "the names of pools that begin so are those of projects"
            yield RulesetFault(("pools", name), sentence, "give the pool another name")


def project_rules(document: Mapping[str, Any]) -> ProjectRules:
    """Return what a document without faults says of projects."""
    values = filled(PROJECTS, document.get("projects", {}))
    ballot = Ballot("", (portion_of(values["threshold"]),), (portion_of("0%"),))
    return ProjectRules(
        opener=values["opener"],
        open_per_member=values["open_per_member"],
        settled_ms=values["settled_hours"] * HOUR_MS,
        closing=Process(
            (ballot,),
            period_ms=values["period_hours"] * HOUR_MS,
            early=True,
            trial_ms=0,
            early_failure=True,
        ),
    )
