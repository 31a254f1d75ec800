"""What reports call distributed, and who is at the core, as the rules describe it.

A document is checked and read here. What members gave is known to the ledger, and to reports.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from commonweal.protocol.rules import portions, schema
from commonweal.protocol.rules.faults import RulesetFault, similar
from commonweal.protocol.rules.portions import Portion


class ReportRules(NamedTuple):
    """core: roles whose holders are at the core; without any, all members are.

    givers: a factor with fewer different givers is not distributed. largest: nor is one of whose
    points a single giver gave more than that.
    """

    core: tuple[str, ...]
    givers: int
    largest: Portion

    def is_distributed(self, givers: int, largest: int, points: int) -> bool:
        """Return whether points of so many givers are; largest: of the one who gave most."""
        above, below, _ = self.largest
        return givers >= self.givers and points > 0 and largest * below <= points * above


def faults(document: Mapping[str, Any]) -> Iterator[RulesetFault]:
    """Yield the faults of [reports] in a document whose tables have the right form."""
    section, roles = document.get("reports", {}), document.get("roles", {})
    for role in section.get("core", ()):
        if role not in roles:
            path = ("reports", "core")
            yield RulesetFault(path, f"there is no role {role!r}", similar(role, roles))
    largest = portions.read(section.get("largest", "1/2"))
    if largest is not None and largest.more:
        hint = "leave out the >: so much is still distributed"
        yield RulesetFault(("reports", "largest"), "largest is the most that one may have", hint)


def report_rules(document: Mapping[str, Any]) -> ReportRules:
    """Return the [reports] section of a checked document; missing keys have defaults."""
    section = document.get("reports", {})
    names: dict[str, Any] = {
        name: section.get(name, field.default) for name, field in schema.REPORTS.items()
    }
    largest = portions.read(names["largest"])
    assert largest is not None, "the document was checked"
    return ReportRules(tuple(names["core"]), names["givers"], largest)
