"""What the node knows about being dialled from outside its own network."""

from __future__ import annotations

from dataclasses import dataclass

from commonweal.node.control.messages.question import Question
from commonweal.node.reach_state import ReachState


@dataclass(frozen=True, slots=True)
class Reach(Question[ReachState]):
    """At which addresses is the node dialled, and what do router and members say of that?"""

    NAME = "reach"
    ANSWER = ReachState


@dataclass(frozen=True, slots=True)
class TryReach(Question[ReachState]):
    """Let members dial the node's addresses now: at which of them was it met?"""

    NAME = "try-reach"
    ANSWER = ReachState
