"""Quorums: how many witnesses must agree, and how many faults a set of witnesses tolerates.

One formula for every size: any two quorums share an honest witness while at most `lies` witnesses
lie (n >= 3f + 1; Lamport, Shostak, Pease 1982). A set below four tolerates no lie.
"""

from __future__ import annotations

from typing import NamedTuple

WITNESSES_MAX = 64
"""Witnesses in a set; it bounds lists of votes and signatures."""


class Quorum(NamedTuple):
    """The quorum of a set of `witnesses`: `needed` must agree.

    lies: number of arbitrary (Byzantine) faults with which no two seals of one height are
    certified.
    """

    witnesses: int
    lies: int
    needed: int

    @property
    def crashes(self) -> int:
        """Number of silent witnesses with which sealing continues."""
        return self.witnesses - self.needed


def quorum_of(witnesses: int) -> Quorum:
    """Return the quorum of a set of `witnesses`, 1 or more.

    f = (n - 1) // 3 and q = (n + f) // 2 + 1: all of one or two, two of three, three of four.
    """
    assert witnesses > 0, "nobody to agree"
    lies = (witnesses - 1) // 3
    return Quorum(witnesses, lies, (witnesses + lies) // 2 + 1)
