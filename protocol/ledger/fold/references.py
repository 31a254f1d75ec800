"""References: the records on which the data of a record rests, by its author's state.

The author cites them, so that every node folds them first (docs/protocol.md). Whether they are
valid is never judged here: the fold does that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

from commonweal.protocol.keys import DeviceKey, MemberId
from commonweal.protocol.ledger.contributions import commons, consent
from commonweal.protocol.ledger.exchange import credit
from commonweal.protocol.ledger.exchange.commitments import commitment_row
from commonweal.protocol.ledger.exchange.data.consents import consent_row
from commonweal.protocol.ledger.exchange.deals.agreement_row import (
    SIGNED,
    agreement_row,
    signed_row,
)
from commonweal.protocol.ledger.exchange.lending.terms import terms_row, thing_of, thing_row
from commonweal.protocol.ledger.exchange.promotion import promotions, referrals
from commonweal.protocol.ledger.exchange.promotion.commissions import commission_row
from commonweal.protocol.ledger.governance import giving_rounds
from commonweal.protocol.ledger.members import agents, invites, roles
from commonweal.protocol.ledger.state.context import is_bytes
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.things.event_row import OF_RESOURCE, event_row
from commonweal.protocol.ledger.things.quantities import UNIT
from commonweal.protocol.ledger.ventures.campaigns.campaign_row import PLEDGE, pledge_row
from commonweal.protocol.ledger.ventures.projects.projects import PROJECT, project_of
from commonweal.protocol.records.record import RecordId
from commonweal.protocol.vocabulary.identifiers import is_name
from commonweal.protocol.vocabulary.rule_params import RuleParams

RECORDS = (
    *("event", "corrects", "earnedBy", "record", "keep", "invite", "request", "proposal"),
    *("agreement", "fulfills", "satisfies", "inputOf", "outputOf", "basedOn", "process"),
    *("resourceConformsTo", "resourceInventoriedAs", "toResourceInventoriedAs", "containedIn"),
    *("recipe", "processes", "plannedWithin", "plan", "intent", "publishes", "reciprocal"),
    "offer",
    *("stipulates", "stipulatesReciprocal", "counters", "replaces", "resource", "project"),
    *("consent", "answers", "use", "promotion"),
    "campaign",
)
"""Fields of `data` that hold the id of a record, or a list of such ids."""

FLOWS = ("inputs", "outputs")
"""Fields of `data` that hold flows of a recipe, which name units and specifications."""

SPOKEN_FOR = (
    *("intent", "intent.pause", "intent.withdraw", "proposal.offer", "commitment"),
    "proposal.withdraw",
    *("agreement", "agreement.sign", "agreement.end", "agreement.comment"),
    *("resource.terms", "resource.block", "promotion", "promotion.end"),
    *("consent.grant", "consent.revoke"),
)
"""Kinds that a member may write for the community, by the role that the rules name."""

RESOURCES = ("resource", "resourceInventoriedAs", "toResourceInventoriedAs", "containedIn")
MEMBERS = ("provider", "receiver", "member", "referrer", "buyer")
AUDIENCES = ("proposedTo", "recipients")
"""Fields of `data` that list members and roles."""
UNITS = ("unit", "effortUnit")
QUANTITIES = ("resourceQuantity", "effortQuantity")

Above: TypeAlias = Callable[[bytes], Iterable[bytes]]
"""Returns the keys with a prefix that records above the last cut wrote."""


class References(NamedTuple):
    """What a record rests on.

    records: by id. devices: by the first record of their log. attested: events, claims and
    corrections that count because others attested them; the record rests on those attestations.
    done: deals and their clauses; the record rests on what was given for them and who ended them.
    """

    records: tuple[RecordId, ...]
    devices: tuple[DeviceKey, ...]
    attested: tuple[RecordId, ...]
    done: tuple[RecordId, ...]


def references(
    state: State, above: Above, rules: RuleParams, author: bytes, kind: str, data: Mapping[str, Any]
) -> References:
    """Return what a record of `kind` with this `data` rests on, in the order in which it is named.

    state: of everything that the author holds. author: the member who writes it; what admitted them
    is earlier in their log. Of members, agents, resources and roles only what is above the last cut
    is returned; records that are named may be sealed.
    """
    find = _Find(state, above, rules, author)
    for part in (data, *_flows(data)):
        for field in RECORDS:
            value = part.get(field)
            for id in value if type(value) is list else [value]:
                if is_bytes(id):
                    find.records[RecordId(id)] = None
        for field in (*UNITS, *QUANTITIES):
            find.unit(part.get(field))
    for field in MEMBERS:
        find.agent(data.get(field))
    for field in RESOURCES:
        find.resource(data.get(field))
    for field in AUDIENCES:
        for member in data[field] if type(data.get(field)) is list else ():
            find.agent(member)
    find.project(data.get("inScopeOf"))
    if kind in SPOKEN_FOR:
        find.holding(author, rules.speaks_for_community)
    if kind in ("resource.terms", "resource.block"):
        find.holding(author, rules.keeper)
    find.answers(data)
    find.consent(data.get("consent"))
    find.set_off(data.get("setsOff"))
    if kind == "event":
        find.payment(data)
        find.income(data)
    if kind == "promotion":
        find.code(data)
    if kind == "referral":
        find.referral(data)
    if kind in ("agreement", "agreement.sign"):
        find.clauses(kind, data)
    if kind in ("attest", "dispute", "event"):
        find.correction(data.get("event", data.get("corrects")))
    if kind in ("role.claim", "role.endorse", "role.resign"):
        find.role(kind, data)
    if kind == "round.give":
        find.gifts(data)
    if kind in ("pledge", "pledge.withdraw", "campaign", "campaign.cancel"):
        find.pledges(kind, data)
    done = find.done(data.get("agreement")) if kind == "review" else ()
    device = data.get("device") if kind == "device.revoke" else None
    devices = (DeviceKey(device),) if is_bytes(device) else ()
    return References(tuple(find.records), devices, tuple(find.attested), done)


def _flows(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    listed = [data[field] for field in FLOWS if type(data.get(field)) is list]
    return [flow for flows in listed for flow in flows if type(flow) is dict]


class _Find:
    """What was found so far; a dict keeps the order."""

    def __init__(self, state: State, above: Above, rules: RuleParams, author: bytes) -> None:
        self.state, self.above, self.rules, self.author = state, above, rules, author
        self.records: dict[RecordId, None] = {}
        self.attested: dict[RecordId, None] = {}

    def unit(self, value: Any) -> None:
        """Add the definition of a unit, named alone or in a quantity; the rules define others."""
        name = value.get("unit") if type(value) is dict else value
        defined = self.state.get(UNIT + name.encode()) if type(name) is str else None
        if defined is not None:
            self.records[RecordId(defined[1])] = None

    def agent(self, value: Any) -> None:
        """Add what admitted a member, or the claims by which an outside agent became a member's."""
        if agents.is_outside(value):
            return self._claims(value)
        if is_bytes(value) and value != self.author:
            for key in self.above(invites.REQUEST_OF + value):
                request = self.state.get(key)
                row = None if request is None else invites.request_row(self.state, request)
                if row is not None and not row.open:
                    self.records[RecordId(request)] = None
                    self._values(invites.VOUCH + request)
        return None

    def resource(self, value: Any) -> None:
        """Add every event that changed a resource, its last correction, and its terms."""
        self.terms(value)
        prefix = OF_RESOURCE + value if is_bytes(value) else None
        for key in self.above(prefix) if prefix is not None else ():
            event = RecordId(key[len(OF_RESOURCE) + len(value) :])
            self.records[event] = None
            self.correction(event)
            if commons.common_row(self.state, event) is not None:
                self.attested[event] = None

    def project(self, scope: Any) -> None:
        """Add the open project that owns a scope."""
        project = project_of(self.state, scope) if type(scope) is str else None
        if project is not None and any(True for _ in self.above(PROJECT + project)):
            self.records[RecordId(project)] = None

    def terms(self, resource: Any) -> None:
        """Add the terms on which a thing is lent, if it has any."""
        row = terms_row(self.state, thing_of(self.state, resource)) if is_bytes(resource) else None
        if row is not None:
            self.records[RecordId(row.record)] = None

    def clauses(self, kind: str, data: Mapping[str, Any]) -> None:
        """Add what an answer to an agreement rests on: the terms of what it books, now."""
        named = data.get("agreement")
        row = agreement_row(self.state, named) if is_bytes(named) else None
        stipulated = data.get("stipulates") if kind == "agreement" else row and row.clauses
        for id in stipulated if type(stipulated) is list else ():
            clause = commitment_row(self.state, id) if is_bytes(id) else None
            if clause is None or clause.resource is None:
                continue
            thing_id = thing_of(self.state, clause.resource)
            home, terms = thing_row(self.state, thing_id), terms_row(self.state, thing_id)
            if home is not None:
                # What moved it, and the terms on which it is lent now.
                self.resource(clause.resource)
                self.resource(home.at)
            for role in () if terms is None or kind != "agreement" else terms.accepts:
                self.holding(self.author, role)

    def correction(self, event: Any) -> None:
        """Add the last correction of an event: an attestation refers to the corrected event."""
        row = event_row(self.state, event) if is_bytes(event) else None
        if row is not None and row.corrected_by:
            last = RecordId(row.corrected_by)
            self.records[last] = None
            if consent.correction_row(self.state, last) is not None:
                self.attested[last] = None

    def role(self, kind: str, data: Mapping[str, Any]) -> None:
        """Add the claim that is endorsed or given back, or the roles that must come before it."""
        name, member = data.get("role"), data.get("member", self.author)
        if type(name) is not str or type(member) is not bytes:
            return
        role = self.rules.roles.get(name)
        before = role.after if role is not None and kind == "role.claim" else ()
        claimed = roles.roles(self.state, MemberId(member))
        for needed in before or (name,):
            row = claimed.get(needed)
            if row is not None:
                self.records[RecordId(row.claim)] = None
                if before:
                    self._values(roles.ENDORSED + row.claim)

    def answers(self, data: Mapping[str, Any]) -> None:
        """Add what the parties say to the agreement that is named, or in force for a promise."""
        agreement, promise = data.get("agreement"), data.get("fulfills")
        if is_bytes(promise):
            row = commitment_row(self.state, promise)
            agreement = None if row is None else row.agreement
        if is_bytes(agreement):
            self._signatures(agreement)

    def consent(self, named: Any) -> None:
        """Add what a consent that is named is about, and the roles by which it is the author's."""
        row = consent_row(self.state, named) if is_bytes(named) else None
        if row is None:
            return
        self.resource(row.resource)
        for recipient in row.recipients:
            if isinstance(recipient, str):
                self.holding(self.author, recipient)

    def set_off(self, parts: Any) -> None:
        """Add the promises that an agreement sets off, and by what they are in force."""
        for part in parts if type(parts) is list else ():
            promise = part[0] if type(part) is list and part else None
            if not is_bytes(promise):
                continue
            row = commitment_row(self.state, promise)
            if row is not None and row.agreement is not None:
                self.records[RecordId(promise)] = None
                self._signatures(row.agreement)

    def payment(self, data: Mapping[str, Any]) -> None:
        """Add the payments by which a balance has room for another one, or for more of it."""
        sides = data.get("provider"), data.get("receiver")
        corrected = data.get("corrects")
        row = event_row(self.state, corrected) if is_bytes(corrected) else None
        payer, payee = sides if row is None else (row.provider, row.receiver)
        quantity: Any = data.get("resourceQuantity")
        unit = quantity.get("unit") if type(quantity) is dict else None
        if unit not in self.rules.credits:
            return
        for key in self.above(credit.PAYMENT):
            event = key[len(credit.PAYMENT) :]
            paid = event_row(self.state, event)
            assert paid is not None and paid.quantity is not None, "a payment is an event"
            if paid.quantity[2] == unit and (paid.receiver == payer or paid.provider == payee):
                self.records[RecordId(event)] = None
                self.correction(event)

    def income(self, data: Mapping[str, Any]) -> None:
        """Add the referrals of who pays on an offer, and the income of a commission that is paid.

        An event rests on them as on what makes it count: that income is attested.
        """
        if "offer" in data:
            self.holding(self.author, self.rules.speaks_for_community)
        if "offer" in data or "fulfills" in data:
            buyer = data.get("provider")
            known = () if type(buyer) is not bytes else (buyer, agents.person(self.state, buyer))
            for prefix in [referrals.OF_BUYER + id for id in dict.fromkeys(known)]:
                for key in self.above(prefix):
                    referral = RecordId(key[-32:])
                    self.records[referral] = None
                    if agents.is_outside(buyer):
                        self.attested[referral] = None
        promise = data.get("fulfills")
        if is_bytes(promise) and commission_row(self.state, promise) is not None:
            self.attested[RecordId(promise)] = None
            self.correction(promise)

    def code(self, data: Mapping[str, Any]) -> None:
        """Add what made the code of a promotion free again."""
        code = data.get("code")
        known = promotions.promotion_of_code(self.state, code) if is_name(code) else None
        row = None if known is None else promotions.promotion_row(self.state, known)
        if row is not None and row.ended is not None:
            self.records[RecordId(row.ended)] = None

    def referral(self, data: Mapping[str, Any]) -> None:
        """Add by what the promoter of an offer holds the roles that may promote it."""
        id, promoter = data.get("promotion"), data.get("referrer")
        row = promotions.promotion_row(self.state, id) if is_bytes(id) else None
        if row is None or not is_bytes(promoter):
            return
        rule = self.rules.promotion
        for role in ("" if rule is None else rule.role, row.who):
            self.holding(promoter, role)
        if "buyer" in data:
            self.holding(self.author, self.rules.speaks_for_community)

    def done(self, agreement: Any) -> tuple[RecordId, ...]:
        """Return a deal that is done, and its clauses: what keeps them makes it so."""
        row = agreement_row(self.state, agreement) if is_bytes(agreement) else None
        return () if row is None else tuple(map(RecordId, (agreement, *row.clauses)))

    def _signatures(self, agreement: bytes) -> None:
        """Add an agreement, and what its parties say to it."""
        self.records[RecordId(agreement)] = None
        for key in self.above(SIGNED + agreement):
            signed = signed_row(self.state, agreement, key[len(SIGNED) + len(agreement) :])
            if signed is not None:
                self.records[RecordId(signed.record)] = None

    def holding(self, member: bytes, role: str) -> None:
        """Add the claim and the endorsements by which a member holds a role, if there is one."""
        row = roles.roles(self.state, MemberId(member)).get(role) if role else None
        if row is not None:
            self.records[RecordId(row.claim)] = None
            self._values(roles.ENDORSED + row.claim)

    def gifts(self, data: Mapping[str, Any]) -> None:
        """Add what admitted those who are given points, and gave all who take part their roles."""
        name = data.get("round")
        points: Any = data.get("points")
        row = giving_rounds.round_row(self.state, name) if is_name(name) else None
        if row is None or not giving_rounds.is_list_of_points(points):
            return
        self.holding(self.author, row.givers)
        for member, _ in points:
            self.agent(member)
            self.holding(member, row.receivers)

    def pledges(self, kind: str, data: Mapping[str, Any]) -> None:
        """Add the pledge of the author that this changes, or all that were withdrawn."""
        if kind == "campaign":
            self.holding(self.author, self.rules.campaigns.authors)
        campaign = data.get("replaces" if kind == "campaign" else "campaign")
        if not is_bytes(campaign):
            return
        own = kind in ("pledge", "pledge.withdraw")
        for key in self.above(PLEDGE + campaign + (self.author if own else b"")):
            row = pledge_row(self.state, campaign, key[len(PLEDGE) + len(campaign) :])
            if row is not None:
                self.records[RecordId(row.withdrawn or row.record)] = None

    def _claims(self, agent: bytes) -> None:
        if self.state.get(agents.CLAIMED + agent) is None:
            return
        for key in self.above(agents.CLAIM):
            claim = RecordId(key[len(agents.CLAIM) :])
            if self.state.get(key)[0] == agent:
                self.records[claim] = self.attested[claim] = None

    def _values(self, prefix: bytes) -> None:
        """Add the records that the pairs with a prefix name."""
        for key in self.above(prefix):
            value = self.state.get(key)
            if value is not None:
                self.records[RecordId(value)] = None
