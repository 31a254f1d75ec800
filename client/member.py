"""A member: everything that the owner of a home can read and do, in one value.

Each subject is a class of its own in this package; `Member` is all of them. It prints nothing,
asks nobody, and raises a CommonwealError where something cannot be done.

`Member` loads every subject, the rules too. A subject can be opened alone, as `Members(home)`, and
its module loads only what reading needs: the fold, the rules and what writes are imported in the
methods that use them.
"""

from __future__ import annotations

from commonweal.client.community.invites import Invites
from commonweal.client.community.key_recovery import KeyRecovery
from commonweal.client.community.members import Members
from commonweal.client.community.membership import Membership
from commonweal.client.community.node import NodeOfHome
from commonweal.client.community.paths import MemberPaths
from commonweal.client.contributions.attest_rows import AttestChoices
from commonweal.client.contributions.give_choices import Giving
from commonweal.client.contributions.record_states import RecordStates
from commonweal.client.contributions.records import Records
from commonweal.client.contributions.withdrawals import Withdrawals
from commonweal.client.exchange.credit.net_settlement import NetSettlements
from commonweal.client.exchange.credit.payments import CreditPayments
from commonweal.client.exchange.data.consents import Consents
from commonweal.client.exchange.data.contents import DataContents
from commonweal.client.exchange.data.receipts import ConsentReceipts
from commonweal.client.exchange.deals.deals import Deals
from commonweal.client.exchange.lending.availability import Availability
from commonweal.client.exchange.market import Market
from commonweal.client.exchange.matching.matches import RingProposals
from commonweal.client.exchange.matching.swaps import Swaps
from commonweal.client.exchange.offer_changes import OfferChanges
from commonweal.client.exchange.offers import Offers
from commonweal.client.exchange.promotion.promotions import Promotions
from commonweal.client.exchange.reviews.reviews import Reviews
from commonweal.client.exports.books import BookExports
from commonweal.client.exports.calendars.calendar import Calendars
from commonweal.client.exports.contribution_export import ContributionExports
from commonweal.client.exports.selections import Selections
from commonweal.client.exports.valueflows import ValueflowsExports
from commonweal.client.governance.ballots import Ballots
from commonweal.client.governance.rule_drafts import RuleDrafts
from commonweal.client.governance.rule_examples import RuleExamples
from commonweal.client.governance.rules import RulesAccess
from commonweal.client.governance.votes import Votes
from commonweal.client.importers.git_import import GitImports
from commonweal.client.keep.access_tokens import AccessTokens
from commonweal.client.keep.backups import Backups
from commonweal.client.keep.health import HomeHealth
from commonweal.client.keep.integrity import Integrity
from commonweal.client.keep.own_data import OwnRecordsAccess
from commonweal.client.keep.proofs import Proofs
from commonweal.client.keep.queries import Queries
from commonweal.client.keep.refounding import Refounding
from commonweal.client.plans.plans import Plans
from commonweal.client.plans.recipes import Recipes
from commonweal.client.platforms.platform_import import PlatformImports
from commonweal.client.reports.reports import Reports
from commonweal.client.sharing.claims import Claims
from commonweal.client.sharing.explanations import Explanations
from commonweal.client.sharing.incomes import Incomes
from commonweal.client.sharing.payments import Payments
from commonweal.client.sharing.points import Points
from commonweal.client.sharing.reasons import ReasonAccess
from commonweal.client.sharing.seals import Sealing
from commonweal.client.sharing.shares import Shares
from commonweal.client.sheets.sheet_import import SheetImports
from commonweal.client.things.custody import Custody
from commonweal.client.things.outside_agents import OutsideAgents
from commonweal.client.things.processes import Processes
from commonweal.client.things.resources import Resources
from commonweal.client.things.specifications import Specifications
from commonweal.client.today import Today
from commonweal.client.ventures.campaigns.campaigns import Campaigns
from commonweal.client.ventures.projects.projects import Projects


class Member(
    Giving,
    Selections,
    AttestChoices,
    Withdrawals,
    Today,
    Records,
    RecordStates,
    Resources,
    Recipes,
    Plans,
    Offers,
    OfferChanges,
    Market,
    Promotions,
    RingProposals,
    Swaps,
    Deals,
    Consents,
    ConsentReceipts,
    Reviews,
    Campaigns,
    Specifications,
    Processes,
    Custody,
    OutsideAgents,
    GitImports,
    SheetImports,
    PlatformImports,
    CreditPayments,
    NetSettlements,
    DataContents,
    Shares,
    Claims,
    Payments,
    Incomes,
    Explanations,
    ReasonAccess,
    Points,
    Sealing,
    RulesAccess,
    RuleDrafts,
    RuleExamples,
    Votes,
    Ballots,
    Members,
    Membership,
    MemberPaths,
    Invites,
    KeyRecovery,
    NodeOfHome,
    OwnRecordsAccess,
    Proofs,
    ContributionExports,
    BookExports,
    Calendars,
    Availability,
    ValueflowsExports,
    Queries,
    Reports,
    HomeHealth,
    Integrity,
    Backups,
    Refounding,
    AccessTokens,
    Projects,
):
    """The member of a home. `with Member(home) as member: member.record("work", 3, "hours")`.

    Reading shows the ledger as of the first look; a write or `refresh` updates it. One thread uses
    it at a time; several may be open on one home.
    """
