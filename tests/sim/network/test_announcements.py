"""What is announced by gossip, and when: rules at once, the rest a few times a second."""

from __future__ import annotations

from commonweal.node.service.events import Committed, Publish, Submitted, Ticket, Wish, Woke
from commonweal.node.service.service import Service
from commonweal.node.service.sync.announce import HEADS_PAUSE_MS, HEADS_SPREAD_MS
from tests.sim.world.world import World


def announced(service: Service, now_ms: int, *events: Submitted | Woke) -> list[str]:
    """Return the topics on which a node publishes when it is told something."""
    actions = [action for event in events for action in service.handle(event, now_ms)]
    actions += service.handle(Committed(), now_ms)
    return [one.topic for one in actions if isinstance(one, Publish)]


def wish(kind: str) -> Submitted:
    return Submitted(Ticket(1), (Wish(kind, {"action": "work"}),))


def friends() -> tuple[Service, int]:
    """Return the service of a node that has a neighbour, and its time, long after any news."""
    world = World(8)
    world.grow(2)
    world.settle()
    node = world.nodes[0]
    world.run(HEADS_SPREAD_MS)
    return node.service, node.now_ms + HEADS_PAUSE_MS


def test_records_are_announced_a_few_times_a_second() -> None:
    service, now_ms = friends()
    assert announced(service, now_ms, wish("event")) == [service.topics.announcements.topic]
    assert announced(service, now_ms + 1, wish("event")) == []
    assert announced(service, now_ms + HEADS_PAUSE_MS - 1, Woke()) == []
    assert announced(service, now_ms + HEADS_PAUSE_MS, Woke()) == [
        service.topics.announcements.topic
    ]


def test_new_rules_are_announced_at_once_and_whole() -> None:
    service, now_ms = friends()
    rules = service.topics.announcements.rules_topic
    assert rules in announced(service, now_ms, wish("rules.propose"))
    assert rules not in announced(service, now_ms, wish("event"))
    assert rules in announced(service, now_ms, wish("rules.vote"))
