"""What becomes of the rest of a project, in the place of a rule's sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commonweal.client.language.words import N_, Words
from commonweal.protocol.ledger.ventures.projects import projects
from commonweal.protocol.vocabulary.identifiers import PROJECT_POOL, skeleton

if TYPE_CHECKING:
    from commonweal.protocol.ledger.claims.pools import Payout
    from commonweal.protocol.ledger.state.state import State

SPLIT_WORDS = {
    projects.EQUAL: N_("what is left is shared in equal parts by who is in it"),
    projects.POINTS: N_("what is left is shared by the points of what was given for it"),
    projects.COMMUNITY: N_("what is left stays with the community"),
}
"""What becomes of the rest of a project, by its split."""


def project_rule(state: State, payout: Payout, words: Words) -> str:
    """Return by what a line of a project's pool was shared; empty for other pools."""
    if not payout.pool.startswith(PROJECT_POOL):
        return ""
    name = payout.pool.removeprefix(PROJECT_POOL)
    id = state.get(projects.PROJECT_LOOK + skeleton(name).encode())
    row = None if id is None else projects.project_row(state, id)
    return "" if row is None else words(SPLIT_WORDS[row.split])
