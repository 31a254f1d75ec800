"""A task that is taken in one half while its project closes in the other one."""

from __future__ import annotations

import pytest

from commonweal.protocol.ledger.exchange.commitments import commitment_row
from commonweal.protocol.ledger.exchange.offers.intents import WITHDRAWN
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.ventures.projects.projects import BY_NOBODY, project_row
from commonweal.protocol.records.record import RecordId
from tests.sim.exchange.parted import ORDERS, Order, community, final, member, seal, write
from tests.sim.exchange.trade import hours, intended, verdict


@pytest.mark.parametrize("order", ORDERS)
def test_a_task_is_promised_if_and_only_if_its_record_is_not_after_the_close(order: Order) -> None:
    village = community(150)
    a, b, world = village.a, village.b, village.world
    press = write(b, "project", {"name": "press", "split": "equal"}, "A press for all.")
    asked = hours(5) | {"receiver": world.community, "inScopeOf": "press"}
    task = write(b, "intent", asked | {"project": press})
    world.settle(60_000)
    seal(world)
    taken: list[RecordId] = []

    def take() -> None:
        data = hours(5) | {"provider": member(a), "receiver": world.community}
        taken.append(write(a, "commitment", data | {"satisfies": [task]}))

    village.apart(order, take, lambda: write(b, "project.leave", {"project": press}))
    is_late = order == "b first"
    for node in world.members:
        project = project_row(final(node), press)
        assert project is not None and project.cause == BY_NOBODY
        assert intended(node, task).status == WITHDRAWN
        row = commitment_row(final(node), taken[0])
        assert (row is None) == is_late and (row is None or row.status == "agreed")
        assert verdict(node, taken[0]) == (Reason.NOT_OPEN if is_late else None), "a is told"
