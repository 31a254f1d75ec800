"""Assessing: the ledger's answer to one question of the service, whoever runs it.

The real node asks in a thread beside the service, the simulator after a while, and a
command that seals alone at once: all of them here.
"""

from __future__ import annotations

from typing import assert_never

from commonweal.node.events import Assessed, Request, Show
from commonweal.protocol.seal.acts import Build, Judge
from commonweal.storage.assessor import Assessor


def answered(assessor: Assessor, request: Request, now_ms: int) -> Assessed:
    """Return the answer of a ledger that was refreshed; now_ms: this node's clock."""
    seal = assessor.outlook().seal
    match request:
        case Show():
            return Assessed(request, seal, assessor.shown())
        case Build(_, haves):
            return Assessed(request, seal, assessor.build(haves, now_ms))
        case Judge(proposal):
            return Assessed(request, seal, assessor.judge(proposal, now_ms))
        case _:
            assert_never(request)
