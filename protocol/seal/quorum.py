"""How many witnesses must agree, and what a set of witnesses survives.

One formula for every number: two quorums always share a witness who does not lie while
at most `lies` of them do. Below four there is no room for a lie, and nobody pretends.
"""

from __future__ import annotations

from dataclasses import dataclass

WITNESSES_MAX = 64
"""No set is larger; lists of votes and signatures end here."""


@dataclass(frozen=True, slots=True)
class Quorum:
    """What holds for `witnesses`: `needed` must agree.

    lies: so many may do anything at all, and no two seals are certified at one height.
    crashes: so many may be silent, and sealing goes on.
    """

    witnesses: int
    lies: int
    needed: int

    @property
    def crashes(self) -> int:
        """How many may be silent while sealing goes on."""
        return self.witnesses - self.needed


def quorum_of(witnesses: int) -> Quorum:
    """Return the quorum of a set of `witnesses`, 1 or more.

    f = (n - 1) // 3 and q = (n + f) // 2 + 1; so all of one or two, two of three.
    """
    assert witnesses > 0, "nobody to agree"
    lies = (witnesses - 1) // 3
    return Quorum(witnesses, lies, (witnesses + lies) // 2 + 1)


def describe(witnesses: int) -> str:
    """Return one sentence on what a set of `witnesses` survives, for logs and pages."""
    quorum = quorum_of(witnesses)
    needed = f"{quorum.needed} of {witnesses} must agree"
    if not quorum.crashes:
        return f"{needed}: survives no crash and no lie"
    silent = f"{quorum.crashes} silent"
    return f"{needed}: survives {silent}, " + (f"{quorum.lies} lying" if quorum.lies else "no lie")
