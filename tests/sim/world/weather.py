"""How bad the world is: for frames, for links, for nodes and for disks.

Probabilities are per frame, per link and second, per second of the whole network, or per
turn of a node (a batch of events, handled and committed).
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Weather:
    """One kind of weather; the default is calm.

    loss, double, late: of single frames, which no stream does, so that each message must
    stand alone. split, one_way: a partition of the nodes begins, of both directions or of
    one. clog: some links stop to move and start again in random order.
    """

    latency_ms: tuple[int, int] = (1, 20)
    loss: float = 0.0
    double: float = 0.0
    late: float = 0.0
    gossip_loss: float = 0.1
    cut: float = 0.0
    crash: float = 0.0
    refuse: float = 0.0
    split: float = 0.0
    one_way: float = 0.0
    clog: float = 0.0

    @property
    def scrambles(self) -> bool:
        """Whether frames of a link are lost, doubled or overtaken."""
        return bool(self.loss or self.double or self.late)


CALM = Weather()
BREAKING = Weather(latency_ms=(1, 300), cut=0.08, crash=0.002, refuse=0.001, gossip_loss=0.5)
PARTED = Weather(latency_ms=(1, 100), split=0.15, one_way=0.15, clog=0.3, crash=0.001)
SCRAMBLED = Weather(latency_ms=(1, 200), loss=0.1, double=0.1, late=0.2, cut=0.03, gossip_loss=0.9)
CRASHING = Weather(latency_ms=(1, 50), crash=0.01, refuse=0.005, cut=0.02)
WORST = Weather((1, 1_000), 0.1, 0.05, 0.1, 0.5, 0.1, 0.004, 0.002, 0.1, 0.1, 0.2)

STORMS = (BREAKING, PARTED, SCRAMBLED, CRASHING, WORST)


def storm(rng: Random) -> Weather:
    """Return one of the storms."""
    return STORMS[rng.randrange(len(STORMS))]
