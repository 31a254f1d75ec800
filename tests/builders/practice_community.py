"""The practice community: a story of records and seals from fixed seeds, for a second reader.

It writes tests/vectors/practice/. What is in these files never changes: a new story is a new file.
`python -m tests.builders.practice_community` writes them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from commonweal.protocol import merkle
from commonweal.protocol.identity import key_rotation
from commonweal.protocol.identity.identity import Inception
from commonweal.protocol.identity.key_rotation import MemberKeys
from commonweal.protocol.keys import MemberKey, Signer
from commonweal.protocol.ledger.checkpoint.roots import leaf
from commonweal.protocol.ledger.claims import claims
from commonweal.protocol.ledger.finality.seal_contents import seal_of
from commonweal.protocol.ledger.governance import witness_set
from commonweal.protocol.ledger.state.advance import Advance
from commonweal.protocol.seal.cut import delta_to_bytes, tree_changes
from commonweal.protocol.seal.formats import SealedHeight, sealed_to_bytes
from commonweal.protocol.seal.quorum import quorum_of
from commonweal.protocol.seal.votes import Step, certify, sign_vote
from tests.builders import (
    practice_credit,
    practice_deals,
    practice_lending,
    practice_reviews,
    practice_round,
    practice_trace,
)
from tests.builders.practice_rules import RULES
from tests.protocol.ledger.baking import ended, planned
from tests.protocol.ledger.village import TEXT, Pen, Person, seed
from tests.protocol.ledger.workshop import Workshop, euros, hours

FOLDER = Path(__file__).parents[1] / "vectors" / "practice"


def kilograms(n: int, scale: int = 0) -> dict[str, Any]:
    """Return a quantity of the resource."""
    return {"resourceQuantity": {"n": n, "scale": scale, "unit": "kilogram"}}


class Practice(Workshop):
    """The story; `heights` is what each seal came to."""

    def __init__(self, *, bakes: bool = True) -> None:
        """Tell the story. bakes: False ends it before recipes, rounds and parts."""
        self.heights: list[dict[str, Any]] = []
        super().__init__(RULES, "Jun", "Ana", "Bo", "Cai")
        for chapter in (
            *(self._begin, self._produce, self._earn, self._correct, self._vote),
            *(self._fork, self._devices, self._keep, self._leave, self._end),
        ):
            chapter()
        if bakes:
            baking = planned(self)
            self.witnessed(1, "Mei", "Jun")
            practice_round.hold(self)
            practice_trace.follow(self)
            ended(baking)
            self.witnessed(1, "Mei", "Jun")
            practice_credit.spend(self)
            practice_deals.Deals(self).tell()
            practice_lending.Lending(self).tell()
            practice_reviews.Reviews(self).tell()

    def seal(self, advance: Advance) -> None:
        """Make an advance final by a seal that a quorum of the witnesses certifies."""
        seated = witness_set.seated(self.history.final) or witness_set.seated(self.history.state)
        covered = self.history.covered(advance)
        assert not covered.missing, "what is sealed is held"
        outcome = self.history.conclude(advance, covered.records)
        roots = self.history.roots(outcome)
        seal = seal_of(self.community, outcome, roots)
        signers = {pen.key: pen.signer for pen in self.pens.values()}
        votes = [
            sign_vote(signers[one.device], self.community, seal.height, 0, Step.PRECOMMIT, seal.id)
            for one in seated
        ]
        certificate = certify(votes, quorum_of(len(seated)).needed)
        sealed = SealedHeight(seal, certificate, outcome.witnesses)
        logs = {**self.history.logs, **{log.author: log for log in advance.delta.logs}}
        self.history.accept(outcome, seal.id, roots)
        self.heights.append(
            {
                "height": seal.height,
                "sealed": sealed_to_bytes(sealed).hex(),
                "delta": delta_to_bytes(advance.delta).hex(),
                "seal id": seal.id.hex(),
                "logs root": merkle.update({}, tree_changes(logs.values())).root.hex(),
                "cut root": seal.cut_root.hex(),
                "state root": seal.state_root.hex(),
                "members root": seal.members_root.hex(),
                "distribution root": seal.distribution_root.hex(),
                "void": {
                    record.hex(): str(reason)
                    for record, reason in sorted(outcome.verdicts.items())
                    if reason is not None
                },
                "changes": [
                    [key.hex(), None if value is None else leaf(value).hex()]
                    for key, value in outcome.changes
                ],
            }
        )
        for name in ("Mei", "Jun"):
            self.pens[name].basis = (seal.id, seal.clock)

    def witnessed(self, hours: int, *names: str) -> None:
        """Seal after some hours, with the devices of these members present."""
        self.cut(hours, [self.pens[name].key for name in names])

    def _begin(self) -> None:
        self.write("Mei", "unit.define", {"unit": "box"})
        self.flour = self.write("Mei", "spec.resource", {"name": "Flour", "unit": "kilogram"})
        self.bread = self.write("Ana", "spec.resource", {"name": "Bread", "factor": "labour"})
        self.baking = self.write("Ana", "spec.process", {"name": "Baking"})
        self.write("Bo", "spec.process", {"name": "BAKING"})
        process = {"basedOn": self.baking.id, "inScopeOf": "oven"}
        self.process = self.write("Bo", "process", process)
        self.write("Jun", "referral", {"referrer": self.id("Mei")})
        self.write("Mei", "referral", {"referrer": self.id("Jun")})
        for name, role in (("Ana", "helper"), ("Bo", "keeper"), ("Jun", "helper")):
            self.write(name, "role.claim", {"role": role})
            self.write("Mei", "role.endorse", {"role": role, "member": self.id(name)})
        self.write("Jun", "role.resign", {"role": "helper"})
        self.offer("Jun", "Ana", "Bo")
        self.write("Cai", "role.claim", {"role": "witness"})
        self.write("Mei", "greeting", {"text": "hello"})
        self.write("Mei", "fork.join", {})
        self.write("Cai", "rules.vote", {"proposal": bytes(32), "say": "yes"})
        self.witnessed(1, "Mei")
        self.write("Mei", "member.profile", {}, TEXT)
        self.witnessed(1, "Mei", "Jun", "Ana", "Bo")

    def _produce(self) -> None:
        made: dict[str, Any] = {
            "action": "raise",
            "provider": self.id("Ana"),
            "newInventoriedResource": {},
        }
        self.sack = self.write(
            "Ana", "event", made | {"resourceConformsTo": self.flour.id} | kilograms(50)
        )
        self.attest(self.sack, "Jun")
        used = {"action": "consume", "provider": self.id("Ana"), "inputOf": self.process.id}
        used |= {"resourceInventoriedAs": self.sack.id}
        self.write("Ana", "event", used | kilograms(205, 1))
        self.write("Ana", "event", used | kilograms(999))
        work = {"inputOf": self.process.id, "inScopeOf": "oven", "factor": "labour"}
        self.baked = self.work("Bo", 6, by="Ana", **work)
        self.work("Bo", 25, by=None)
        made = {"action": "produce", "provider": self.id("Bo"), "outputOf": self.process.id}
        made |= {"newInventoriedResource": {}, "resourceConformsTo": self.bread.id}
        made |= {"state": "fresh", "atLocation": "shelf"}
        self.loaves = self.write("Bo", "event", made | kilograms(30))
        self.attest(self.loaves, "Mei")
        given: dict[str, Any] = {
            "action": "transfer",
            "provider": self.id("Bo"),
            "receiver": self.id("Jun"),
        }
        given |= {"resourceInventoriedAs": self.loaves.id, "newInventoriedResource": {}}
        self.write("Bo", "event", given | kilograms(4) | {"note": "kept and ignored"})
        self.write("Jun", "attest", {"event": self.loaves.id, "say": "no"})
        self.write("Jun", "attest", {"event": self.loaves.id, "say": "withdraw"})
        self.write("Bo", "attest", {"event": self.loaves.id, "say": "yes"})
        self._plan()
        self.work("Jun", 3, by="Ana")
        self.argued = self.work("Mei", 2, by="Jun")
        self.write("Ana", "dispute", {"event": self.argued.id}, TEXT)
        self.witnessed(1, "Mei", "Jun", "Ana", "Bo")

    def _plan(self) -> None:
        wanted: dict[str, Any] = {
            "action": "work",
            "receiver": self.id("Jun"),
            "effortQuantity": hours(4),
        }
        wish = self.write("Jun", "intent", wanted | {"due": 1_800_000_000_000})
        self.write("Jun", "proposal.offer", {"purpose": "request", "publishes": [wish.id]})
        promised = wanted | {"provider": self.id("Ana"), "satisfies": [wish.id]}
        promise = self.write("Ana", "commitment", promised)
        agreed = self.write("Jun", "agreement", {"stipulates": [promise.id]})
        self.write("Ana", "agreement.sign", {"agreement": agreed.id, "say": "yes"})
        self.write("Mei", "agreement.sign", {"agreement": agreed.id, "say": "yes"})
        done = {"receiver": self.id("Jun"), "fulfills": promise.id, "satisfies": wish.id}
        self.work("Ana", 2, by="Jun", **done)

    def _earn(self) -> None:
        claim = self.write("Jun", "agent.claim", {"agent": b"j" * 16})
        self.attest(claim, "Ana")
        self.came = self.earn(100_001)
        self.write("Ana", "dispute", {"event": self.argued.id, "say": "withdraw"})
        self.witnessed(30, "Mei", "Jun", "Ana", "Bo")
        self.owed = {one.row.member: one for one in claims.claims(self.history.final)}

    def _correct(self) -> None:
        jun = self.owed[self.id("Jun")]
        paid = self.settle(5_000, "Jun", jun.id)
        self.attest(paid, "Jun")
        self.write("Bo", "event", self._payment(self.owed[self.id("Ana")].id))
        less: dict[str, Any] = {"action": "work", "corrects": self.baked.id}
        less |= {"effortQuantity": {"n": -5, "scale": 1, "unit": "hour"}}
        self.write("Bo", "event", less)
        self.write("Ana", "attest", {"event": self.baked.id, "say": "yes", "corrections": 1})
        less = {"action": "transfer", "corrects": self.came.id, "resourceQuantity": euros(-10_000)}
        self.write("Mei", "event", less)
        self.write("Ana", "attest", {"event": self.came.id, "say": "yes", "corrections": 1})
        self.settle(1, "Jun", bytes(32))
        taken = {"action": "consume", "corrects": self.sack.id} | kilograms(1)
        self.write("Ana", "event", taken)
        told = self.work("Ana", 3, provider=self.id("Jun"))
        less = {"action": "work", "corrects": told.id, "effortQuantity": hours(-1)}
        waits = self.write("Ana", "event", less)
        self.attest(waits, "Jun")
        self.attest(told, "Mei")
        self.write("Mei", "attest", {"event": told.id, "say": "yes", "corrections": 1})
        self.earn(20_000)
        self.witnessed(2, "Mei", "Jun", "Ana", "Bo")

    def _payment(self, claim: bytes) -> dict[str, Any]:
        sides = {"provider": self.community, "receiver": self.id("Ana")}
        taken = {"resourceInventoriedAs": self.came.id, "newInventoriedResource": {}}
        return {"action": "transfer", "resourceQuantity": euros(300), "settles": [claim]} | {
            **sides,
            **taken,
        }

    def _vote(self) -> None:
        points = {"value": {"work": {"points": "event.effort * 2"}}}
        proposal = self.patch("Jun", points, sunset=48)
        self.write("Ana", "rules.comment", {"proposal": proposal.id}, TEXT)
        self.say(proposal, "no", "Jun")
        self.say(proposal, "yes", "Jun Ana Bo")
        decided = self.decide("Mei")
        self.say(decided, "abstain", "Mei")
        vain = self.decide("Ana")
        self.write("Ana", "rules.withdraw", {"proposal": vain.id})
        self.witnessed(1, "Mei", "Jun", "Ana", "Bo")
        self.work("Ana", 5, by="Jun")
        self.earn(33_333)
        self.witnessed(1, "Mei", "Jun", "Ana")

    def _fork(self) -> None:
        one = self.work("Bo", 1)
        bo = self.pens["Bo"]
        bo.log.pop()
        other = self.work("Bo", 7)
        # It cites the second record of the fork, and is void for nothing.
        self.work("Ana", 1, by="Mei")
        self.history.freeze(bo.key, one.seq)
        self.pair = sorted((one, other), key=lambda record: record.id)
        self.witnessed(1, "Mei", "Jun", "Ana")

    def _devices(self) -> None:
        phone = Pen(self, self.pens["Jun"].owner, 1)
        phone.enrol([self.records[-1]], is_new=False)
        self.pens["Jun's phone"] = phone
        self.learn()
        good = self.work("Jun's phone", 1, by="Ana", provider=self.id("Jun"))
        self.work("Jun's phone", 9, provider=self.id("Jun"))
        self.write("Jun", "member.profile", {}, TEXT)
        self.pens["Jun"].revoke(phone, good.seq)
        self.learn()
        key = Signer(seed("practice", "invite"))
        invite = self.write("Jun", "invite.create", {"key": key.key, "uses": 2})
        dan = self.pens["Dan"] = Pen(self, Person("Dan"))
        dan.enrol([invite])
        asked = dan.request(invite, key)
        self.learn()
        self.write("Ana", "member.vouch", {"member": self.id("Dan"), "request": asked.id})
        eve = self.pens["Eve"] = Pen(self, Person("Eve"))
        eve.enrol([self.records[-1]])
        asked = eve.request(invite, key)
        self.learn()
        self.write("Ana", "member.vouch", {"member": self.id("Eve"), "request": asked.id})
        self.write("Jun", "invite.revoke", {"invite": invite.id})
        self.write("Cai", "invite.revoke", {"invite": invite.id})
        self._change_keys()
        self.witnessed(1, "Mei", "Jun", "Ana")

    def _change_keys(self) -> None:
        ana = self.pens["Ana"]
        keys = MemberKeys.first(ana.owner.inception)
        friends = sorted(self.pens[name].owner.signer.key for name in ("Mei", "Jun"))
        sponsors = Inception(tuple(map(MemberKey, friends)), 2, seed("sponsors"))
        data = key_rotation.sign_sponsors(ana.owner.signer, keys, self.community, sponsors)
        self.write("Ana", "member.sponsors", data)
        keys = key_rotation.apply_sponsors(keys, self.community, data)
        new = Inception((MemberKey(Signer(seed("new key")).key),), 1, seed("new nonce"))
        for name in ("Mei", "Jun"):
            signer = self.pens[name].owner.signer
            data = key_rotation.sign_rekey(signer, keys, self.community, new, [ana.key])
            self.write(name, "member.rekey", data)
            keys = key_rotation.apply_rekey(keys, self.community, data)

    def _keep(self) -> None:
        keep = self.pair[0]
        data = {"subject": "fork", "device": keep.author, "seq": keep.seq, "keep": keep.id}
        data["pair"] = [one.id for one in self.pair]
        proposal = self.pens["Mei"].write("rules.propose", data, [keep, self.records[-1]])
        self.learn()
        self.say(proposal, "yes", "Mei Jun Ana")
        text = self.write("Jun", "member.profile", {}, TEXT)
        self.write("Jun", "body.erase", {"record": text.id})
        self.witnessed(1, "Mei", "Jun", "Ana")
        self.write("Mei", "body.erase", {"record": text.id})
        self.work("Dan", 4, by="Jun")
        self.witnessed(1, "Mei", "Jun", "Ana")

    def _leave(self) -> None:
        removal = self.write(
            "Mei", "rules.propose", {"subject": "removal", "member": self.id("Dan")}
        )
        self.say(removal, "yes", "Jun Ana")
        self.write("Cai", "member.leave", {}, TEXT)
        self.write("Cai", "member.profile", {}, TEXT)
        self.write("Ana", "role.resign", {"role": "witness"})
        less = {"action": "transfer", "corrects": self.came.id, "resourceQuantity": euros(-20_000)}
        self.write("Mei", "event", less)
        self.write("Jun", "attest", {"event": self.came.id, "say": "yes", "corrections": 2})
        self.witnessed(1, "Mei", "Jun", "Ana")

    def _end(self) -> None:
        self.earn(5_000)
        self.witnessed(2, "Mei", "Jun")
        self.witnessed(45, "Mei", "Jun")
        self.work("Jun", 1, by="Mei")
        self.witnessed(72, "Mei", "Jun")
        self.decide("Jun")
        self._name_and_end()
        self.witnessed(2, "Mei", "Jun")

    def _name_and_end(self) -> None:
        shop = {"agent": b"s" * 16}
        self.write("Mei", "agent.name", shop, TEXT)
        self.write("Jun", "agent.name", shop, TEXT)
        self.write("Mei", "agent.name", {"agent": b"s" * 15}, TEXT)
        process = self.write("Jun", "process", {"basedOn": self.baking.id})
        self.work("Jun", 1, by="Mei", inputOf=process.id)
        for name in ("Mei", "Jun", "Jun"):
            self.write(name, "process.end", {"process": process.id})
        self.work("Jun", 2, by=None, inputOf=process.id)
        packed = {"provider": self.id("Ana"), "resourceInventoriedAs": self.sack.id}
        self.write("Ana", "event", {"action": "combine", **packed} | kilograms(2))
        self.write("Ana", "event", {"action": "separate", **packed} | kilograms(1))
        self.write("Ana", "event", {"action": "separate", **packed} | kilograms(2))


def files(practice: Practice) -> dict[str, Any]:
    """Return what each file holds, by its name."""
    return {
        "records.json": {
            "about": "every record that was written, in the order of writing, with the permanent"
            " bodies that records name",
            "community": practice.community.hex(),
            "documents": {
                name.hex(): data.hex() for name, data in sorted(practice.documents.items())
            },
            "records": [
                {"id": record.id.hex(), "wire": record.wire.hex()} for record in practice.records
            ],
        },
        "heights.json": {
            "about": "each height: the sealed height and the delta of its cut, what they come to,"
            " which records that it covers count for nothing and why, and what it changes in the"
            " state: [key, value], the value nil where the key is gone",
            "heights": practice.heights,
        },
    }


def to_text(value: Any) -> str:
    """Return a file's text."""
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Write the files."""
    FOLDER.mkdir(exist_ok=True)
    for name, value in files(Practice()).items():
        (FOLDER / name).write_text(to_text(value), "utf-8")


if __name__ == "__main__":
    main()
