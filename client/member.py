"""A member: everything that the owner of a home can read and do, in one value.

Each subject is a class of its own in this package; `Member` is all of them. It prints nothing,
asks nobody, and raises a CommonwealError where something cannot be done.
"""

from __future__ import annotations

from commonweal.client.attestations import Attestations
from commonweal.client.claims import Claims
from commonweal.client.contributions import Contributions
from commonweal.client.explanations import Explanations
from commonweal.client.invites import Invites
from commonweal.client.members import Members
from commonweal.client.membership import Membership
from commonweal.client.node import NodeOfHome
from commonweal.client.records import Records
from commonweal.client.resources import Resources
from commonweal.client.rules import RulesAccess
from commonweal.client.sealing import Sealing
from commonweal.client.shares import Shares
from commonweal.client.votes import Votes


class Member(
    Contributions,
    Attestations,
    Records,
    Resources,
    Shares,
    Claims,
    Explanations,
    Sealing,
    RulesAccess,
    Votes,
    Members,
    Membership,
    Invites,
    NodeOfHome,
):
    """The member of a home. `with Member(home) as member: member.record("work", 3, "hours")`.

    What is read is the ledger as of the first look, and anew after each write or `refresh`. One
    thread uses it at a time; several may be open on one home.
    """
