"""The tables of the state: the prefix of each, the fields of its keys and values, its owner.

This is the only list of prefixes, and the table in docs/protocol/state.md is generated from it.
Nothing is read from a state or written to one here.

Fields are written `name: type`. In a key they follow the prefix, with nothing between them.
The types are:

  id         32 bytes: a hash, or the key of a device, a peer or a member
  agent      an id, or 16 bytes for an agent outside the community
  u32, u64   4 or 8 bytes, big-endian; in keys only
  name0      text and a zero byte; in keys only
  pool       name0 name0 name0: name, unit, and scale in decimal digits; in keys only
  place      u64 name0 u32: height, name of the pool, number of the line; in keys only
  text       a string; in a key all that is left of it
  int, bool, bytes, map, true   as in MessagePack; `true` is always true
  quantity   [n: int, scale: int, unit: text]
  usage      [records: int, bytes: int, permanent: int, erasable: int]
  T?         T or nil
  T|U        T or U
  [T ...]    a list of T of any length
  name?: T   a field at the end of a list, missing with all that follow
"""

from __future__ import annotations

from enum import Enum

from commonweal.protocol.ledger.state import exchange_layouts, project_layouts, venture_layouts
from commonweal.protocol.ledger.state import row_layouts as rows
from commonweal.protocol.ledger.state.row_layouts import Layout


# fmt: off
class Table(Enum):
    """Every table of the state."""

    FOUNDING = Layout(
        b"F", "", "[member: id, record: id, document: id]",
        "members/registry", "The founder, the founding record, the hash of the founding document.")
    COUNT = Layout(
        b"#", "", "[active: int, ever: int]",
        "members/registry", "How many are members now, and how many ever were.")
    MEMBER = Layout(
        b"M", "member: id",
        "[status: text, since: int, keys: [id ...], threshold: int, devices: int, rekeys: int, "
        "profile: id?, powers_ms: int]",
        "members/registry",
        "A member: status since which clock, keys, devices ever enrolled, changes of keys.")
    DEVICE = Layout(
        b"D", "device: id", "[member: id, last: int?, peer: id, clock: int, revocations: int]",
        "members/registry",
        "A device; last: the number of its last good record, once it is revoked.")
    DEVICE_OF = Layout(
        b"E", "member: id, device: id", "true",
        "members/registry", "The devices of a member.")
    PEER = Layout(
        b"P", "peer: id, device: id", "true",
        "members/registry", "The devices that were enrolled with a peer key.")
    FROZEN = Layout(
        b"Z", "device: id", "int",
        "members/registry", "The number from which a log is void, by evidence in a seal.")
    INVITE = Layout(
        b"I", "invite: id",
        "[key: id, uses: int, used: int, expires: int?, revoked: bool, author: id, device: id, "
        "ended: bool]",
        "members/invites", "An invite, its author's member, and the device that wrote it.")
    REQUEST_OF = Layout(
        b"Q", "member: id, invite: id", "id",
        "members/invites", "The request of a member under an invite.")
    REQUEST = Layout(
        b"R", "request: id",
        "[member: id, device: id, invite: id, clock: int, vouches: int, open: bool]",
        "members/invites", "A request; open until its member is admitted.")
    VOUCH = Layout(
        b"V", "request: id, member: id", "id",
        "members/invites", "The record by which a member vouched for a request.")
    BROUGHT = Layout(
        b"+", "member: id", "[int ...]",
        "members/invites", "The times, within a week, at which a member brought somebody in.")
    SUCCESSION = Layout(
        b"C", "member: id",
        "[named: int, sponsors: bytes, words: [[key: id, document: bytes] ...], naming: bytes, "
        "change: bytes, clock: int]",
        "members/member_keys",
        "A member's sponsors, what they said, and the records that named them and changed keys.")
    CLAIMED = Layout(
        b"A", "agent: bytes", "id",
        "members/agents", "The member whose claim of an outside agent holds.")
    AGENT_CLAIM = Layout(
        b"c", "record: id", "[agent: bytes, member: id, attested: int]",
        "members/agents", "A claim of an outside agent.")
    AGENT_NAME = Layout(
        b"@", "agent: bytes", "[member: id, record: id]",
        "members/agents",
        "The member who named an outside agent, and the record whose body is the name.")
    REFERRER = Layout(
        b"f", "member: id", "id",
        "members/agents", "The member who brought a member here.")
    ROLE = Layout(
        b"r", "member: id, role: text", "[held: bool, endorsements: int, clock: int, claim: id]",
        "members/roles", "A role that a member claimed.")
    ENDORSED = Layout(
        b"n", "claim: id, member: id", "id",
        "members/roles", "The record by which a member endorsed a claim of a role.")
    OFFER = Layout(
        b"1", "member: id", "[device: id, seen: int?]",
        "members/roles",
        "The device offered as witness, and the last height at which it was present.")
    KEPT = Layout(
        b"4", "device: id", "[seq: int, record: id]",
        "members/forks", "Of a fork, the record that a vote keeps.")
    SPENT = Layout(
        b"%", "member: id", "[day: int, used: usage, whole: usage]",
        "members/budgets", "What a member has used of the budget as of a day, and in all.")
    UNIT = Layout(
        b"U", "unit: text", "[member: id, record: id]",
        "things/quantities", "A unit that a record defined.")
    UNIT_LOOK = Layout(
        b"u", "skeleton: text", "text",
        "things/quantities", "The unit whose name has this skeleton.")
    SPEC = Layout(
        b"S", "spec: id",
        "[name: text, unit: text?, effort_unit: text?, factor: text?, member: id]",
        "things/units_and_specs", "A resource specification.")
    PROCESS_SPEC = Layout(
        b"p", "spec: id", "[name: text, member: id]",
        "things/units_and_specs", "A process specification.")
    SPEC_LOOK = Layout(
        b"s", "sort and skeleton: text", "id",
        "things/units_and_specs",
        "The specification whose name has this skeleton; sort: r of a resource, p of a process.")
    PROCESS = Layout(
        b"X", "process: id", "[spec: id?, scope: text?, member: id, clock: int, ended?: int]",
        "things/units_and_specs", "A process; ended: the clock of the record that ended it.")
    RESOURCE = Layout(
        b"B", "resource: id", rows.RESOURCE_ROW,
        "things/resources", "A resource; both quantities are at its scale.")
    EVENT = Layout(
        b"e", "event: id", rows.EVENT_ROW,
        "things/event_row",
        "An event, its quantities as corrected; the cut that took it in, and what it was earned by;"
        " pending while it has no value: an int is the time since which it had one before its"
        " correction.")
    OF_PROCESS = Layout(
        b"x", "process: id, side and event: bytes", "int",
        "things/event_row",
        "The clock of an event of a process; side: one byte, i for an input, o for an output.")
    OF_RESOURCE = Layout(
        b"t", "resource: id, event: id", "[role: text, clock: int]",
        "things/event_row", "An event of a resource; role: from or to.")
    HANDED_IN = Layout(
        b"9p", "resource: id, action: name0, process: bytes", "[n: int, scale: int]",
        "things/pairs",
        "How much of a resource accept, pickup or combine took and its pair has not given back;"
        " the process is empty where none is named, and for combine.")
    INTENT = exchange_layouts.INTENT
    PLAN = Layout(
        b"9j", "plan: id",
        "[member: id, clock: int, name: text, recipe: id?, quantity: quantity?, due: int?, "
        "parts: int, ended?: int]",
        "plans/plans",
        "A plan, and how many processes and intents it has; ended: the clock of the record that"
        " ended it.")
    OF_PLAN = Layout(
        b"9o", "plan: id, record: id", "text",
        "plans/plans",
        "What belongs to a plan: process, intent or commitment.")
    RECIPE_PROCESS = Layout(
        b"9e", "record: id",
        f"[member: id, spec: id, duration_ms: int, inputs: {rows.RECIPE_FLOWS}, "
        f"outputs: {rows.RECIPE_FLOWS}]",
        "plans/recipes", "A step of recipes: what goes in, and what comes out.")
    RECIPE = Layout(
        b"9i", "recipe: id",
        "[member: id, clock: int, name: text, spec: id, quantity: quantity, processes: [id ...]]",
        "plans/recipes", "A recipe, and how much of what its steps make.")
    RECIPE_LOOK = Layout(
        b"9l", "skeleton: text", "id",
        "plans/recipes",
        "The recipe that holds by the name with this skeleton: the last of its member.")
    PLAN_OFFER = exchange_layouts.PLAN_OFFER
    PROMOTION = exchange_layouts.PROMOTION
    PROMOTION_CODE = exchange_layouts.PROMOTION_CODE
    OFFER_REFERRAL = exchange_layouts.OFFER_REFERRAL
    REFERRAL_OF = exchange_layouts.REFERRAL_OF
    COMMISSION = exchange_layouts.COMMISSION
    OPEN_OF = exchange_layouts.OPEN_OF
    OPEN_COUNT = exchange_layouts.OPEN_COUNT
    COMMITMENT = exchange_layouts.COMMITMENT
    AGREEMENT = exchange_layouts.AGREEMENT
    SIGNED = exchange_layouts.SIGNED
    OPEN_DEAL = exchange_layouts.OPEN_DEAL
    DEAL_COMMENT = exchange_layouts.DEAL_COMMENT
    PROJECT = project_layouts.PROJECT
    PROJECT_LOOK = project_layouts.PROJECT_LOOK
    PROJECT_MEMBER = project_layouts.PROJECT_MEMBER
    OPEN_PROJECT = project_layouts.OPEN_PROJECT
    PROJECT_TASK = project_layouts.PROJECT_TASK
    COMPLETION = exchange_layouts.COMPLETION
    REVIEW_END = exchange_layouts.REVIEW_END
    REVIEW = exchange_layouts.REVIEW
    SAID = Layout(
        b"a", "event: id, corrections: u64?, member: id", "text",
        "contributions/attestation",
        "What a member says of an event, by the number of its corrections; of a claim or a "
        "correction without that number.")
    DISPUTE = Layout(
        b"d", "event: id, member: id", "id",
        "contributions/attestation", "The record by which a member disputes an event.")
    COMMON = Layout(
        b"9m", "event: id", "[said: map?, moved: [n: int, scale: int]]",
        "contributions/commons",
        "An event of the commons: what it says of resources until it moves them, and the quantity"
        " moved.")
    CORRECTION = Layout(
        b"9w", "record: id",
        "[event: id, member: id, asked: [id ...], quantity: quantity?, effort: quantity?, "
        "yes: int, held: bool]",
        "contributions/consent", "A correction that needs the yes of others.")
    BALANCE = exchange_layouts.BALANCE
    PAYMENT = exchange_layouts.PAYMENT
    TERMS = exchange_layouts.TERMS
    THING = exchange_layouts.THING
    HANDED_ON = exchange_layouts.HANDED_ON
    BLOCKS = exchange_layouts.BLOCKS
    SLOT = exchange_layouts.SLOT
    BOOKED_DAY = exchange_layouts.BOOKED_DAY
    BOOKING = exchange_layouts.BOOKING
    DATA = exchange_layouts.DATA
    CONSENT = exchange_layouts.CONSENT
    CONSENT_OF = exchange_layouts.CONSENT_OF
    DATA_USE = exchange_layouts.DATA_USE
    USE_OF = exchange_layouts.USE_OF
    DATA_RELEASE = exchange_layouts.DATA_RELEASE
    CAMPAIGN = venture_layouts.CAMPAIGN
    PLEDGE = venture_layouts.PLEDGE
    WAITING_CAMPAIGN = venture_layouts.WAITING_CAMPAIGN
    CAMPAIGN_VOTE = venture_layouts.CAMPAIGN_VOTE
    PLEDGE_PAYMENT = venture_layouts.PLEDGE_PAYMENT
    PROPOSAL = Layout(
        b"G", "proposal: id", rows.PROPOSAL_ROW,
        "governance/proposals", "A proposal and how its vote stands as of the last cut.")
    OPEN = Layout(
        b"O", "proposal: id", "true",
        "governance/proposals", "The proposals that are not ended.")
    VOTE = Layout(
        b"v", "proposal: id, member: id", "[say: text, record: id, clock: int]",
        "governance/proposals", "The last vote of a member.")
    ELECTOR = Layout(
        b"H", "proposal: id, member: id", "[int ...]",
        "governance/proposals",
        "The numbers of the ballots on which a member may vote, while the vote is open.")
    COMMENT = Layout(
        b"m", "proposal: id, record: id", "[member: id, clock: int]",
        "governance/proposals", "A comment on a proposal.")
    OF_MEMBER = Layout(
        b"l", "member: id", "int",
        "governance/proposals", "How many proposals of a member are not decided.")
    DECIDED_FORK = Layout(
        b"3", "proposal: id", "[device: id, seq: int]",
        "governance/proposals", "The place of the fork that a proposal is about.")
    STANDING = Layout(
        b"L", "",
        "[ruleset: id, proposal: bytes, height: int, since_ms: int, until_ms: int, before: id]",
        "governance/active_ruleset", "The ruleset that was adopted last.")
    DOCUMENT = Layout(
        b"J", "ruleset: id", "bytes",
        "governance/active_ruleset", "The canonical document of a proposed ruleset.")
    ADOPTED = Layout(
        b"N", "height: u64, proposal: bytes", "[ruleset: id, time_ms: int]",
        "governance/active_ruleset",
        "Each ruleset that came into force; the proposal is empty where a sunset had no other.")
    ROUND = Layout(
        b"9r", "round: text",
        "[height: int, opened_ms: int, closes_ms: int, open: bool, points: int, most: int, "
        "givers: text, receivers: text]",
        "governance/giving_rounds",
        "The last round of a name: since which height it is open, or was, and for which roles.")
    GIFT = Layout(
        b"9g", "round: name0, giver: id", "[record: id, points: [[member: id, points: int] ...]]",
        "governance/giving_rounds", "What a member gives in the round that is open.")
    POINTS = Layout(
        b"9q", "pool: pool, bucket: name0, member: id",
        "[points: int, givers: int, records: [id ...]]",
        "governance/giving_rounds",
        "Points that wait for the next split of a bucket, and the first records that gave them.")
    GUILTY = Layout(
        b"2", "device: id", "true",
        "governance/witness_set", "A device that voted twice, by evidence in a seal.")
    SEATED = Layout(
        b"Kw", "", "[[device: id, member: id] ...]",
        "governance/witness_set", "The witnesses of the next height, by device.")
    REFUSED = Layout(
        b"9v", "record: id", "text",
        "state/rejections",
        "A record that a cut covers and that counts for nothing, and the name of the reason.")
    LAST_CUT = Layout(
        b"K", "", "[height: int, time_ms: int, prev: id, ruleset: id, clock: int]",
        "state/time_jumps",
        "The last cut: prev is the seal before it, the ruleset the one in force after it.")
    JUMP = Layout(
        b"Kd", "", "[sure_ms: int, since_ms: int]",
        "state/time_jumps", "The last jump of time: the seal before it, and the seal that jumped.")
    VALUED_BY = Layout(
        b"Kv", "", "id",
        "governance/enactment", "The ruleset by which values were given last.")
    REST = Layout(
        b"Kr", "", "id",
        "governance/enactment", "The event from which on more waits than one cut looks at.")
    POOL = Layout(
        b"z", "pool: pool", "[carried: int, split_ms: int, error: text]",
        "claims/pools", "A pool: what it holds, when it was split last, why that failed.")
    TAKEN = Layout(
        b"y", "pool: pool, bucket: name0, event: id", "[amount: int, height: int]",
        "claims/pools", "What a contribution got from a bucket.")
    PART = Layout(
        b"9u", "pool: pool, bucket: name0, event: id, height: u64, source: bytes", "int",
        "claims/part_rows",
        "The part of a contribution that took part once, at a height, by what earned the income;"
        " 10^18 is the whole.")
    PAID = Layout(
        b"W", "pool: pool, bucket: name0, member: id", "int",
        "claims/pools", "What a member got from a bucket.")
    PAST = Layout(
        b"j", "pool: pool, bucket: name0, height: u64", "[amount: int, points: int]",
        "claims/pools", "What a bucket gave at a height, and by how many points it was divided.")
    LINE = Layout(
        b"T", "place: place", rows.LINE_ROW,
        "claims/pools", "A line that was paid, and how many contributions it was reckoned from.")
    INCOME = Layout(
        b"0", "event: id",
        "[pool: text, unit: text, scale: int, height: int, amount: int, first: int, traced: bool, "
        "split?: int, divided?: int]",
        "claims/pools",
        "An income of a pool: as it counts now, and as it first came in; if it waited, the height"
        " of the split that told it apart, and its amount there.")
    WAITING = Layout(
        b"9h", "pool: pool, event: id", "true",
        "claims/pools", "A traced income in a pool that was not split since.")
    SPLIT = Layout(
        b"9s", "pool: pool, height: u64",
        "[total: int, untraced: int, carried: int, tracing: [text ...], debts: [text ...], "
        "once: [text ...], undone: [text ...]]",
        "claims/pools", "A split that gave somebody something.")
    CORRECTED = Layout(
        b"9c", "place: place", "int",
        "claims/pools", "How much of a line was corrected since.")
    TOO_MUCH = Layout(
        b"9t", "pool: pool, member: id", "int",
        "claims/claims", "What a member had too much of a pool.")
    CLAIM = Layout(
        b"5", "claim: id",
        "[height: int, pool: text, unit: text, scale: int, member: id, ruleset: id, earned: int, "
        "corrected: int, before: int, amount: int]",
        "claims/claims", "What a member is owed from a pool by the seal of a height.")
    SETTLED = Layout(
        b"6", "claim: id", "[said: int, confirmed: int]",
        "claims/claims",
        "How much of a claim is said to be paid, and how much of that is confirmed.")
    SETTLEMENT = Layout(
        b"7", "event: id",
        "[claimant: agent, status: text, named: [id ...], parts: [[claim: id, amount: int] ...]]",
        "claims/settlement", "An event that pays claims.")
    OF_CLAIM = Layout(
        b"8", "claim: id, event: id", "true",
        "claims/settlement", "The events that pay a claim.")
    WORTH = Layout(
        b"w", "event: id",
        "[points: int, member: agent, height: int, time_ms: int, reason: text, first_ms?: int]",
        "sharing/valuation", "The value of an event, and why it is 0 where its rule failed.")
    REFERRED = Layout(
        b"Y", "member: id", "int",
        "sharing/valuation", "The time of the cut that took a member's referral in.")
    MILESTONE = Layout(
        b"9a", "sort: name0, id: id", "[height: int, time_ms: int]",
        "sharing/milestones",
        "The cut by which something first happened: invited, asked, admitted, active, again, "
        "brought, needed, answered, agreed or lent.")
    REVALUED = Layout(
        b"94", "height: u64, event: id, giver: bytes", "[amount: int, events: int]",
        "sharing/revaluations",
        "What a height changed of an event that was corrected, in points of the giver; in income "
        "where the giver is empty. events: 1 where that height had given its first value.")
    # fmt: on

    @property
    def prefix(self) -> bytes:
        """The bytes with which every key of the table begins."""
        return self.layout.prefix

    @property
    def layout(self) -> Layout:
        """How the table is laid out."""
        layout: Layout = self.value
        return layout
