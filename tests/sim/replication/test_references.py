"""A record and what it names race through the community, each in both orders of arrival.

One node defines something after a seal, with clocks that are far ahead; another one, which has
just received it, names it. The third node must never fold the use before the definition.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from commonweal.node.service.events import Wish
from commonweal.protocol.codec import Value
from commonweal.protocol.ledger.fold.fold import Ledger
from commonweal.protocol.ledger.governance import giving_rounds
from commonweal.protocol.records.record import RecordId
from commonweal.storage.ledger.ledger import LedgerState
from commonweal.storage.ledger.state.checkpoint import SealIds
from commonweal.storage.records.blobs import PermanentBlobs
from tests.sim.consensus.test_seals import next_seal
from tests.sim.replication.race import (
    AHEAD,
    ARRIVES_MS_MAX,
    HOUR,
    STEP_MS,
    Race,
    Use,
    crates,
    event,
    member,
    state_of,
    uses,
)
from tests.sim.world.node import OPEN, SAID, Node, by_hand


def a_unit(race: Race) -> Use:
    unit = race.define("unit.define", {"unit": "crate"})
    data = {"action": "produce", "provider": member(race.user)}
    return Use("event", {**data, "resourceQuantity": crates(3, "crate")}, unit)


def a_unit_of_a_specification(race: Race) -> Use:
    unit = race.define("unit.define", {"unit": "crate"})
    return Use("spec.resource", {"name": "apples", "unit": "crate"}, unit)


def a_specification(race: Race) -> Use:
    spec = race.define("spec.resource", {"name": "apples"})
    data = {"action": "produce", "provider": member(race.user), "resourceQuantity": crates(3)}
    return Use("event", {**data, "resourceConformsTo": spec}, spec)


def a_specification_of_a_process(race: Race) -> Use:
    spec = race.define("spec.process", {"name": "harvest"})
    return Use("process", {"basedOn": spec}, spec)


def a_process(race: Race) -> Use:
    process = race.define("process", {})
    return Use("event", event(race.user, inputOf=process), process)


def a_newcomer_who_receives(race: Race) -> Use:
    invite = race.world.invited(race.definer)
    guest = race.world.join(invite, [race.definer])
    return Use("event", event(race.user, receiver=member(guest)), _request_of(race, guest))


def a_newcomer_whom_somebody_vouched_for(race: Race) -> Use:
    invite = race.world.invited(race.user)
    guest = race.world.join(invite, [race.user])
    request = _request_of(race, guest)
    data = {"member": member(guest), "request": request}
    (vouch,) = race.written(race.definer, Wish("member.vouch", data, (request,)))
    race.reaches(race.user, vouch)
    return Use("event", event(race.user, receiver=member(guest)), vouch)


def a_request_to_vouch_for(race: Race) -> Use:
    invite = race.world.invited(race.definer)
    guest = race.world.join(invite, [race.definer])
    request = _request_of(race, guest)
    return Use("member.vouch", {"member": member(guest), "request": request}, request)


def an_agent_who_became_a_member(race: Race) -> Use:
    agent = b"agent outside..."
    claim = race.define("agent.claim", {"agent": agent}, race.user)
    race.reaches(race.definer, claim)
    attest = race.define("attest", {"event": claim, "say": "yes"})
    return Use("event", event(race.user, provider=agent), attest)


def a_resource(race: Race) -> Use:
    data = {"action": "produce", "provider": member(race.definer), "resourceQuantity": crates(5)}
    thing = race.define("event", {**data, "newInventoriedResource": {}})
    cite = {"action": "cite", "provider": member(race.user), "resourceInventoriedAs": thing}
    return Use("event", cite, thing)


def a_resource_that_was_given(race: Race) -> Use:
    data = {"action": "produce", "provider": member(race.definer), "resourceQuantity": crates(5)}
    thing = race.define("event", {**data, "newInventoriedResource": {}})
    given = {**data, "action": "transfer", "receiver": member(race.user)}
    given |= {"resourceInventoriedAs": thing, "newInventoriedResource": {}}
    mine = race.define("event", given)
    data = {"action": "consume", "provider": member(race.user), "resourceQuantity": crates(2)}
    return Use("event", {**data, "resourceInventoriedAs": mine}, mine)


def more_of_a_resource(race: Race) -> Use:
    made = {"action": "produce", "provider": member(race.user), "resourceQuantity": crates(1)}
    mine = race.define("event", {**made, "newInventoriedResource": {}}, race.user)
    data = {"action": "produce", "provider": member(race.definer), "resourceQuantity": crates(5)}
    thing = race.define("event", {**data, "newInventoriedResource": {}})
    race.reaches(race.definer, mine)
    given = {**data, "action": "transfer", "receiver": member(race.user)}
    given |= {"resourceInventoriedAs": thing, "toResourceInventoriedAs": mine}
    more = race.define("event", given)
    data = {"action": "consume", "provider": member(race.user), "resourceQuantity": crates(4)}
    return Use("event", {**data, "resourceInventoriedAs": mine}, more)


def handed_in(race: Race, n: int) -> tuple[RecordId, Mapping[str, Any]]:
    """Let the definer accept `n` of what the user lent; return this, and what gives 2 back."""
    data = {"provider": member(race.user), "resourceQuantity": crates(5)}
    mine = race.define(
        "event", {**data, "action": "produce", "newInventoriedResource": {}}, race.user
    )
    sides = {"receiver": member(race.definer), "resourceInventoriedAs": mine}
    lend = {**data, **sides, "action": "transferCustody", "newInventoriedResource": {}}
    lent = race.define("event", lend, race.user)
    race.reaches(race.definer, lent)
    taken = {"action": "accept", "resourceInventoriedAs": lent, "resourceQuantity": crates(n)}
    accepted = race.define("event", {**taken, "provider": member(race.definer)})
    back = {"action": "modify", "resourceInventoriedAs": lent, "resourceQuantity": crates(2)}
    return accepted, {**back, "provider": member(race.user)}


def what_was_handed_in(race: Race) -> Use:
    accepted, back = handed_in(race, 2)
    return Use("event", back, accepted)


def more_that_was_handed_in(race: Race) -> Use:
    accepted, back = handed_in(race, 1)
    for _ in range(AHEAD):
        race.definer.write()
    more = {"action": "accept", "corrects": accepted, "resourceQuantity": crates(1)}
    return Use("event", back, race.define("event", more))


def an_intent(race: Race) -> Use:
    wanted = {"action": "work", "receiver": member(race.definer), "effortQuantity": HOUR}
    intent = race.define("intent", wanted)
    return Use("event", event(race.user, receiver=member(race.definer), satisfies=intent), intent)


def a_last_yes(race: Race) -> Use:
    promised = event(race.user, receiver=member(race.definer))
    commitment = race.define("commitment", promised, race.user)
    data = {"stipulates": [commitment]}
    (agreement,) = race.written(race.user, uses(race.user, "agreement", data))
    race.reaches(race.definer, agreement)
    say = uses(race.definer, "agreement.sign", {"agreement": agreement, "say": "yes"})
    (yes,) = race.written(race.definer, say)
    race.reaches(race.user, yes)
    done = event(race.user, receiver=member(race.definer), fulfills=commitment)
    return Use("event", done, yes)


def an_agreement(race: Race) -> Use:
    promised = event(race.user, receiver=member(race.definer))
    commitment = race.define("commitment", promised)
    agreement = race.define("agreement", {"stipulates": [commitment]})
    return Use("agreement.sign", {"agreement": agreement, "say": "yes"}, agreement)


def a_role(race: Race) -> Use:
    claim = race.define("role.claim", {"role": "witness"})
    return Use("role.endorse", {"role": "witness", "member": member(race.definer)}, claim)


def a_role_that_speaks_for_all(race: Race) -> Use:
    (claim,) = race.written(race.user, uses(race.user, "role.claim", {"role": "promoter"}))
    race.reaches(race.definer, claim)
    data = {"role": "promoter", "member": member(race.user)}
    (endorsed,) = race.written(race.definer, uses(race.definer, "role.endorse", data))
    race.reaches(race.user, endorsed)
    wanted = {"action": "work", "receiver": bytes(race.user.community), "effortQuantity": HOUR}
    return Use("intent", wanted, endorsed)


def an_offer_to_a_newcomer(race: Race) -> Use:
    invite = race.world.invited(race.definer)
    guest = race.world.join(invite, [race.definer])
    request = _request_of(race, guest)
    given = {"action": "work", "provider": member(race.user), "effortQuantity": HOUR}
    (intent,) = race.written(race.user, uses(race.user, "intent", given))
    data = {"purpose": "offer", "publishes": [intent], "proposedTo": [member(guest)]}
    return Use("proposal.offer", data, request)


def an_invite(race: Race) -> Use:
    """The founder may take back any invite, so the founder's node is the one that names it."""
    race.user, race.looker = race.looker, race.user
    invite = race.world.invited(race.definer)
    race.reaches(race.user, invite.id)
    return Use("invite.revoke", {"invite": invite.id}, invite.id)


def a_contribution(race: Race) -> Use:
    given = race.define("event", event(race.definer))
    return Use("attest", {"event": given, "say": "yes"}, given)


def a_correction(race: Race) -> Use:
    given = race.define("event", event(race.definer))
    less = {"action": "work", "corrects": given, "effortQuantity": {**HOUR, "n": -1}}
    corrected = race.define("event", less)
    return Use("attest", {"event": given, "say": "yes", "corrections": 1}, corrected)


def a_proposal(race: Race) -> Use:
    data = {"subject": "removal", "member": member(race.looker)}
    proposal = race.define("rules.propose", data)
    return Use("rules.vote", {"proposal": proposal, "say": "no"}, proposal)


def points_for_a_newcomer(race: Race) -> Use:
    invite = race.world.invited(race.definer)
    guest = race.world.join(invite, [race.definer])
    request = _request_of(race, guest)
    return Use("round.give", _points(race, "all", guest), request)


def points_for_a_member_with_a_role(race: Race) -> Use:
    claim = race.define("role.claim", {"role": "promoter"})
    race.reaches(race.looker, claim)
    data = {"role": "promoter", "member": member(race.definer)}
    (endorsed,) = race.written(race.looker, uses(race.looker, "role.endorse", data))
    race.reaches(race.user, endorsed)
    return Use("round.give", _points(race, "promoters", race.definer), endorsed)


def _points(race: Race, name: str, receiver: Node) -> dict[str, Any]:
    """Return what a member says who gives all points of a round to one other."""
    row = giving_rounds.round_row(state_of(race.user).final, name)
    assert row is not None, "the first seal opened it"
    return {"round": name, "opened": row.height, "points": [[member(receiver), row.points]]}


KINDS: tuple[Callable[[Race], Use], ...] = (
    *(a_unit, a_unit_of_a_specification, a_specification, a_specification_of_a_process),
    *(a_process, a_newcomer_who_receives, a_newcomer_whom_somebody_vouched_for),
    *(a_request_to_vouch_for, an_agent_who_became_a_member, a_resource),
    *(a_resource_that_was_given, more_of_a_resource, what_was_handed_in),
    *(more_that_was_handed_in, an_intent, a_last_yes, an_agreement),
    *(
        a_role,
        a_role_that_speaks_for_all,
        an_offer_to_a_newcomer,
        an_invite,
        a_contribution,
        a_correction,
        a_proposal,
    ),
    *(points_for_a_newcomer, points_for_a_member_with_a_role),
)
ROUNDS: Mapping[str, Value] = {
    "rounds": {"all": dict(SAID), "promoters": {"receivers": "promoter", **SAID}}
}
RULES: Mapping[Callable[[Race], Use], Mapping[str, Value]] = {
    a_newcomer_whom_somebody_vouched_for: by_hand(3),
    a_request_to_vouch_for: by_hand(3),
    a_role_that_speaks_for_all: {
        **OPEN,
        "exchange": {"speaks_for_community": "promoter", **SAID},
    },
    points_for_a_newcomer: {**OPEN, **ROUNDS},
    points_for_a_member_with_a_role: {**OPEN, **ROUNDS},
}


def _request_of(race: Race, guest: Node) -> RecordId:
    """Wait until who will name a newcomer, and who defines, hold the request."""
    records = (record for record in guest.store.rare() if record.kind == "member.request")
    (request,) = records
    race.reaches(race.definer, request.id)
    race.reaches(race.user, request.id)
    return request.id


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("is_used_first", [False, True], ids=["defined-first", "used-first"])
def test_a_use_is_never_folded_before_its_definition(
    kind: Callable[[Race], Use], is_used_first: bool
) -> None:
    race = Race(7, RULES.get(kind, OPEN))
    use = kind(race)
    if is_used_first:
        # What the definer wrote reaches the onlooker only through who named it.
        race.part(race.definer, race.looker)
    (id,) = race.written(race.user, uses(race.user, use.kind, use.data))
    look = race.looker
    for _ in range(ARRIVES_MS_MAX // STEP_MS):
        if look.store.clock_of(id) is not None:
            break
        race.world.run(STEP_MS)
    assert look.store.clock_of(use.named) is not None, "it is held before what rests on it"
    kept = state_of(look)
    record, named = look.store.record(id), look.store.record(use.named)
    assert record is not None and named is not None
    assert kept.verdict(record) is None
    assert (named.clock, named.id) < (record.clock, record.id)
    assert (
        _in_order(look, kept, (id, use.named))
        == _in_order(look, kept, (use.named, id))
        == [*(None, None)]
    )
    race.part()
    height = next_seal(race.world, [race.looker, race.definer, race.user])
    for node in (race.looker, race.definer, race.user):
        kept = state_of(node)
        assert kept.cut.height >= height and kept.is_final(record)
        assert kept.verdict(record) is None


def _in_order(node: Node, kept: LedgerState, last: tuple[RecordId, ...]) -> list[Any]:
    """Return the verdicts on two records that arrive last, in that order, above the last seal."""
    seals, documents = SealIds(node.store, node.community), PermanentBlobs(node.store)
    below = (node.community, kept.final, kept.cut, kept.rules, documents, seals)
    ledger = Ledger(*below, find=node.store.record)
    above = (record for record in kept.records() if not kept.is_final(record))
    ledger.add(record for record in above if record.id not in last)
    ledger.fold()
    for id in last:
        record = node.store.record(id)
        assert record is not None
        ledger.add([record])
        ledger.fold()
    return [ledger.verdict(id) for id in last]
