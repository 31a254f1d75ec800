"""Attestation, roles, terms, agents, plans, and the way back from a loaf to the work in it."""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.protocol.ledger.contributions import attestation, trace
from commonweal.protocol.ledger.contributions.trace import FlowNode
from commonweal.protocol.ledger.fold.fold import Ledger
from commonweal.protocol.ledger.members import agents, roles
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.records.record import Record
from commonweal.protocol.vocabulary import identifiers as texts
from commonweal.protocol.vocabulary.rule_params import DEFAULT_PARAMS, Role, RuleParams
from tests.protocol.ledger.bakery import Bakery, amount, between, effort
from tests.protocol.ledger.village import Pen


def say(bakery: Bakery, pen: Pen, event: Record, word: str, **more: Any) -> Record:
    return pen.write(
        "attest", {"event": event.id, "say": word} | more, [event, *bakery.mei.log[-1:]]
    )


class TestAttestation:
    """Others say yes or no; the last word of each stands."""

    def test_an_event_is_attested_by_as_many_others_as_the_rules_ask(self) -> None:
        bakery = Bakery()
        done = bakery.event(bakery.jun, "work", effort(3))
        assert not attestation.is_attested(bakery.ledger().state, done.id, DEFAULT_PARAMS)
        assert bakery.verdict(say(bakery, bakery.lin, done, "yes")) is None
        state = bakery.ledger().state
        assert attestation.is_attested(state, done.id, DEFAULT_PARAMS)
        assert not attestation.is_attested(state, done.id, RuleParams(attestations=2))
        say(bakery, bakery.mei, done, "no")
        assert attestation.attesters(bakery.ledger().state, done.id) == (1, 1)
        assert not attestation.is_attested(bakery.ledger().state, done.id, DEFAULT_PARAMS)

    def test_the_provider_never_attests_himself_not_by_another_device_either(self) -> None:
        bakery = Bakery()
        second = Pen(bakery, bakery.jun.owner, 1)
        second.enrol([bakery.jun.log[-1]], is_new=False)
        done = bakery.event(bakery.lin, "work", {"provider": bakery.jun.owner.id} | effort(3))
        for pen in (bakery.jun, second):
            assert bakery.verdict(say(bakery, pen, done, "yes")) == Reason.SELF_ATTESTED
        assert attestation.attesters(bakery.ledger().state, done.id) == (0, 0)

    def test_a_word_is_changed_and_withdrawn_and_counts_once(self) -> None:
        bakery = Bakery()
        done = bakery.event(bakery.jun, "work", effort(3))
        expected = [("yes", (1, 0)), ("no", (0, 1)), ("withdraw", (0, 0)), ("yes", (1, 0))]
        for word, counts in expected:
            assert bakery.verdict(say(bakery, bakery.lin, done, word)) is None
            assert attestation.attesters(bakery.ledger().state, done.id) == counts
        assert bakery.verdict(say(bakery, bakery.lin, done, "yes")) == Reason.NOTHING_NEW
        assert bakery.verdict(say(bakery, bakery.lin, done, "maybe")) == Reason.SHAPE
        assert bakery.verdict(say(bakery, bakery.lin, bakery.bread, "yes")) == Reason.UNKNOWN_EVENT

    def test_a_correction_takes_back_what_was_said_before_it(self) -> None:
        bakery = Bakery()
        done = bakery.event(bakery.jun, "work", effort(3))
        said = say(bakery, bakery.lin, done, "yes")
        bakery.event(bakery.jun, "work", {"corrects": done.id} | effort(5), said)
        assert attestation.attesters(bakery.ledger().state, done.id) == (0, 0)
        blind = bakery.mei.write("attest", {"event": done.id, "say": "yes"}, [bakery.jun.log[-1]])
        assert bakery.verdict(blind) == Reason.CORRECTED_SINCE
        data = {"event": done.id, "say": "yes", "corrections": 1}
        seen = bakery.lin.write("attest", data, [bakery.jun.log[-1]])
        assert bakery.verdict(seen) is None
        assert attestation.attesters(bakery.ledger().state, done.id) == (1, 0)

    def test_a_dispute_is_opened_and_withdrawn_by_another(self) -> None:
        bakery = Bakery()
        done = bakery.event(bakery.jun, "work", effort(3))
        own = bakery.jun.write("dispute", {"event": done.id})
        assert bakery.verdict(own) == Reason.SELF_ATTESTED
        bakery.lin.write("dispute", {"event": done.id}, [done])
        assert bakery.row(done).disputes == 1
        again = bakery.lin.write("dispute", {"event": done.id})
        assert bakery.verdict(again) == Reason.NOTHING_NEW
        bakery.lin.write("dispute", {"event": done.id, "say": "withdraw"})
        assert bakery.row(done).disputes == 0


class TestAgents:
    """A member claims work done under another name; referrals form no circle."""

    def test_a_claimed_agent_is_the_member_once_another_attests_it(self) -> None:
        bakery = Bakery()
        alias = bytes(range(16))
        done = bakery.event(bakery.mei, "produce", {"provider": alias} | amount(1, "commit"))
        say(bakery, bakery.jun, done, "yes")
        assert attestation.is_attested(bakery.ledger().state, done.id, DEFAULT_PARAMS)
        claim = bakery.jun.write("agent.claim", {"agent": alias}, [done])
        own = say(bakery, bakery.jun, claim, "yes")
        assert bakery.verdict(own) == Reason.SELF_ATTESTED
        assert agents.person(bakery.ledger().state, alias) == alias
        say(bakery, bakery.lin, claim, "yes")
        state = bakery.ledger().state
        assert agents.person(state, alias) == bakery.jun.owner.id
        assert not attestation.is_attested(state, done.id, DEFAULT_PARAMS), (
            "the member had said yes"
        )
        rival = bakery.lin.write("agent.claim", {"agent": alias}, [bakery.lin.log[-1]])
        assert bakery.verdict(rival) == Reason.AGENT_CLAIMED
        late = bakery.mei.write("attest", {"event": claim.id, "say": "yes"}, [claim, rival])
        assert bakery.verdict(late) == Reason.AGENT_CLAIMED

    def test_a_referral_is_made_once_and_never_in_a_circle(self) -> None:
        bakery = Bakery()

        def refer(pen: Pen, to: Pen) -> Record:
            return pen.write("referral", {"referrer": to.owner.id}, [bakery.book, to.log[-1]])

        assert bakery.verdict(refer(bakery.jun, bakery.jun)) == Reason.CIRCLE
        assert bakery.verdict(refer(bakery.jun, bakery.mei)) is None
        assert bakery.verdict(refer(bakery.jun, bakery.lin)) == Reason.ALREADY_REFERRED
        assert bakery.verdict(refer(bakery.lin, bakery.jun)) is None
        assert bakery.verdict(refer(bakery.mei, bakery.lin)) == Reason.CIRCLE
        stranger = bakery.mei.write("referral", {"referrer": bytes(32)})
        assert bakery.verdict(stranger) == Reason.UNKNOWN_AGENT
        assert agents.referrer(bakery.ledger().state, bakery.lin.owner.id) == bakery.jun.owner.id


class TestRoles:
    """Roles are claimed, endorsed and given back as the catalogue of the rules says."""

    def test_a_role_holds_with_the_endorsements_that_it_asks(self) -> None:
        bakery = Bakery()
        jun = bakery.jun.owner.id

        def endorse(pen: Pen, role: str) -> Record:
            data = {"role": role, "member": jun}
            return pen.write("role.endorse", data, [bakery.jun.log[-1]])

        assert bakery.verdict(bakery.jun.write("role.claim", {"role": "consumer"})) is None
        too_soon = bakery.jun.write("role.claim", {"role": "co-owner"})
        assert bakery.verdict(too_soon) == Reason.NO_PATH
        bakery.jun.write("role.claim", {"role": "producer"})
        assert not roles.holds(bakery.ledger().state, jun, "producer")
        assert bakery.verdict(endorse(bakery.jun, "producer")) == Reason.SELF_ENDORSED
        assert bakery.verdict(endorse(bakery.lin, "producer")) is None
        assert roles.holds(bakery.ledger().state, jun, "producer")
        assert bakery.verdict(endorse(bakery.lin, "producer")) == Reason.NOTHING_NEW
        assert bakery.verdict(endorse(bakery.lin, "promoter")) == Reason.NOT_CLAIMED
        bakery.jun.write("role.claim", {"role": "co-owner"}, [bakery.lin.log[-1]])
        endorse(bakery.lin, "co-owner")
        assert not roles.holds(bakery.ledger().state, jun, "co-owner")
        endorse(bakery.mei, "co-owner")
        assert roles.holds(bakery.ledger().state, jun, "co-owner")
        assert sorted(roles.roles(bakery.ledger().state, jun)) == [
            "co-owner",
            "consumer",
            "producer",
        ]

    def test_who_resigns_and_claims_again_begins_again(self) -> None:
        bakery = Bakery()
        jun = bakery.jun.owner.id
        for _ in range(2):
            bakery.jun.write("role.claim", {"role": "producer"}, [bakery.lin.log[-1]])
            assert not roles.holds(bakery.ledger().state, jun, "producer")
            data = {"role": "producer", "member": jun}
            bakery.lin.write("role.endorse", data, [bakery.jun.log[-1]])
            assert roles.holds(bakery.ledger().state, jun, "producer")
            bakery.jun.write("role.resign", {"role": "producer"}, [bakery.lin.log[-1]])
            assert not roles.holds(bakery.ledger().state, jun, "producer")
        assert bakery.verdict(bakery.jun.write("role.resign", {"role": "x"})) == Reason.NOT_CLAIMED
        assert bakery.verdict(bakery.jun.write("role.claim", {"role": "x"})) == Reason.UNKNOWN_ROLE

    def test_the_catalogue_is_that_of_the_rules_in_force(self) -> None:
        bakery = Bakery()
        claim = bakery.jun.write("role.claim", {"role": "烘焙师"}, [bakery.book])
        assert bakery.verdict(claim) == Reason.UNKNOWN_ROLE
        ledger = Ledger(bakery.community, rules=RuleParams(roles={"烘焙师": Role()}))
        ledger.add(bakery.records)
        assert roles.holds(ledger.state, bakery.jun.owner.id, "烘焙师")

    def test_who_left_holds_no_role(self) -> None:
        bakery = Bakery()
        bakery.jun.write("role.claim", {"role": "consumer"})
        assert roles.holds(bakery.ledger().state, bakery.jun.owner.id, "consumer")
        bakery.jun.write("member.leave")
        assert not roles.holds(bakery.ledger().state, bakery.jun.owner.id, "consumer")


class TestTerms:
    """Names have one form, and none looks like another."""

    @pytest.mark.parametrize(
        ("kind", "data", "reason"),
        [
            ("unit.define", {"unit": "loaf"}, Reason.NAME_TAKEN),
            ("unit.define", {"unit": "Loaf"}, Reason.NAME_TAKEN),
            ("unit.define", {"unit": "hоur"}, Reason.NAME_TAKEN),
            ("unit.define", {"unit": "ｓａｃｋ"}, Reason.SHAPE),
            ("unit.define", {"unit": " sack"}, Reason.SHAPE),
            ("unit.define", {"unit": "x" * 33}, Reason.SHAPE),
            ("unit.define", {}, Reason.SHAPE),
            ("unit.define", {"unit": "袋"}, None),
            ("spec.resource", {"name": "Bread"}, Reason.NAME_TAKEN),
            ("spec.resource", {"name": "flour", "unit": "furlong"}, Reason.UNKNOWN_UNIT),
            ("spec.resource", {"name": "flour", "unit": 3}, Reason.SHAPE),
            ("spec.resource", {"name": "flour", "factor": "luck"}, Reason.UNKNOWN_FACTOR),
            ("spec.resource", {"name": "flour", "factor": "capital"}, None),
            ("spec.process", {"name": "bread"}, None),
            ("spec.process", {"name": ""}, Reason.SHAPE),
            ("process", {}, None),
            ("process", {"basedOn": bytes(32)}, Reason.UNKNOWN_SPEC),
            ("process", {"basedOn": "bread"}, Reason.SHAPE),
            ("process", {"inScopeOf": 1}, Reason.SHAPE),
        ],
    )
    def test_a_term_counts_or_says_why_not(
        self, kind: str, data: dict[str, Any], reason: Reason | None
    ) -> None:
        bakery = Bakery()
        assert bakery.verdict(bakery.jun.write(kind, data, [bakery.book])) == reason

    def test_members_whose_names_look_alike_are_found(self) -> None:
        names = {b"1": "Mei", b"2": "МЕI", b"3": "Ｍｅｉ\u200b", b"4": "Jun 🍞", b"5": "Jun"}
        assert texts.confusable_groups(names) == [[b"1", b"2", b"3"]]
        assert texts.displayed_name("  Ｍｅｉ\u200b\n Lin ") == "Mei Lin"


class TestTrace:
    """From a loaf back to flour and work, and on to who ate it."""

    def test_a_loaf_leads_back_to_all_that_went_into_it_and_on_to_all_that_came_of_it(self) -> None:
        bakery = Bakery()
        flour = bakery.mei.write("spec.resource", {"name": "flour", "unit": "kilogram"})
        sack = bakery.make(bakery.jun, flour, 25)
        process = bakery.jun.write("process")
        eaten = {"resourceInventoriedAs": sack.id, "inputOf": process.id} | amount(5, "kilogram")
        consumed = bakery.event(bakery.jun, "consume", eaten)
        worked = bakery.event(bakery.lin, "work", {"inputOf": process.id} | effort(3), consumed)
        out = {"outputOf": process.id, "newInventoriedResource": {}} | amount(40)
        bread = bakery.event(bakery.jun, "produce", out, worked)
        given = bakery.event(
            bakery.jun, "transfer", between(bread, None, bakery.lin) | amount(10), bread
        )
        ate = bakery.event(
            bakery.lin, "consume", {"resourceInventoriedAs": given.id} | amount(1), given
        )
        other = bakery.make(bakery.mei, bakery.bread, 3)
        state = bakery.ledger().state
        back = {(step.sort, step.id): step.depth for step in trace.trace(state, given.id)}
        assert back == {
            (FlowNode.RESOURCE, given.id): 0,
            (FlowNode.EVENT, given.id): 1,
            (FlowNode.RESOURCE, bread.id): 2,
            (FlowNode.EVENT, bread.id): 3,
            (FlowNode.PROCESS, process.id): 4,
            (FlowNode.EVENT, consumed.id): 5,
            (FlowNode.EVENT, worked.id): 5,
            (FlowNode.RESOURCE, sack.id): 6,
            (FlowNode.EVENT, sack.id): 7,
        }
        on = {(step.sort, step.id) for step in trace.track(state, sack.id)}
        assert on == {
            (FlowNode.RESOURCE, sack.id),
            (FlowNode.EVENT, consumed.id),
            (FlowNode.PROCESS, process.id),
            (FlowNode.EVENT, bread.id),
            (FlowNode.RESOURCE, bread.id),
            (FlowNode.EVENT, given.id),
            (FlowNode.RESOURCE, given.id),
            (FlowNode.EVENT, ate.id),
        }
        assert other.id not in {step.id for step in trace.trace(state, given.id)}
        assert len(trace.trace(state, given.id, steps_max=3)) == 3
        assert trace.trace(state, bytes(32)) == []


@pytest.mark.parametrize("joined", ["ا\u200cا", "🧑\u200d🌾"])
def test_a_name_that_differs_by_a_joiner_is_taken(joined: str) -> None:
    bakery = Bakery()
    bare = joined.replace("\u200c", "").replace("\u200d", "")
    assert bakery.verdict(bakery.jun.write("unit.define", {"unit": bare}, [bakery.book])) is None
    again = bakery.jun.write("unit.define", {"unit": joined}, [bakery.book])
    assert bakery.verdict(again) is Reason.NAME_TAKEN
    assert texts.skeleton("Ваκеrу") == texts.skeleton("bakery")
