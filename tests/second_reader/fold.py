"""Reads a community height by height: fold.md and witnesses.md."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.second_reader import (
    attestation,
    campaigns,
    data,
    deals,
    events,
    governance,
    keys,
    lending,
    members,
    milestones,
    plans,
    projects,
    promotion,
    reviews,
    rounds,
    shares,
    things,
    wishes,
    witnesses,
)
from tests.second_reader.context import (
    DAY,
    Context,
    Void,
    by_id,
    check,
    in_force,
    last_ms,
    next_jump,
    settled,
)
from tests.second_reader.parent import inherited
from tests.second_reader.records import Record
from tests.second_reader.rules import HOUR, Ruleset
from tests.second_reader.state import PREFIX, State
from tests.second_reader.values import hash32, pack, root, unpack

Act = Callable[[Context, Record], None]
ANYONE: dict[str, Act] = {
    "community.found": members.found,
    "device.enrol": members.enrol,
    "member.request": members.request,
}
OF_MEMBERS: dict[str, Act] = {
    "community.inherit": members.inherit,
    "device.revoke": members.revoke,
    "invite.create": members.invite,
    "invite.revoke": members.revoke_invite,
    "member.vouch": members.vouch,
    "member.leave": members.leave,
    "member.profile": members.profile,
    "member.rekey": keys.rekey,
    "member.sponsors": keys.name_sponsors,
    "body.erase": attestation.erase,
    "referral": promotion.refer,
    "promotion": promotion.promote,
    "promotion.end": promotion.end,
    "role.claim": members.claim_role,
    "role.endorse": members.endorse,
    "role.resign": members.resign,
    "unit.define": things.define_unit,
    "spec.resource": things.specify_resource,
    "spec.process": things.specify_process,
    "process": plans.begin_process,
    "process.end": things.end_process,
    "recipe.process": plans.describe_process,
    "recipe": plans.describe,
    "plan": plans.plan,
    "plan.end": plans.end,
    "intent": projects.intend,
    "intent.pause": wishes.pause,
    "intent.withdraw": wishes.withdraw,
    "proposal.offer": wishes.offer,
    "proposal.withdraw": wishes.withdraw_offer,
    "commitment": deals.commit,
    "agreement": deals.agree,
    "agreement.sign": deals.sign,
    "agreement.end": deals.end,
    "agreement.comment": deals.comment,
    "review": reviews.review,
    "review.open": reviews.open_it,
    "resource.terms": lending.set_terms,
    "resource.block": lending.block,
    "agent.claim": things.claim_agent,
    "agent.name": things.name_agent,
    "consent.ask": data.ask,
    "consent.grant": data.grant,
    "consent.revoke": data.revoke,
    "data.release": data.release,
    "project": projects.begin,
    "project.join": projects.join,
    "project.leave": projects.leave,
    "campaign": campaigns.begin,
    "campaign.cancel": campaigns.cancel,
    "pledge": campaigns.pledge,
    "pledge.withdraw": campaigns.withdraw,
    "event": events.event,
    "attest": attestation.attest,
    "dispute": attestation.dispute,
    "rules.propose": governance.propose,
    "rules.comment": governance.comment,
    "rules.vote": governance.vote,
    "rules.withdraw": governance.withdraw,
    "round.give": rounds.give,
}
RESERVED = ("fork.",)


@dataclass(frozen=True)
class Height:
    """What a height came to. void: why records count for nothing, by id."""

    state_root: bytes
    members_root: bytes
    distribution_root: bytes
    logs_root: bytes
    cut_root: bytes
    ruleset: bytes
    seats: list[list[bytes]]
    void: dict[bytes, str]


class Reader:
    """A community, as far as it was read."""

    def __init__(
        self, community: bytes, records: list[Record], documents: dict[bytes, bytes]
    ) -> None:
        self.community, self.documents = community, documents
        self.records = {record.id: record for record in records}
        self.state = State()
        self.logs: dict[bytes, tuple[int, bytes]] = {}
        self.seals: dict[bytes, int] = {}
        self.last, self.height = community, 0
        self.free = 0
        """How many records of the founding log cost nothing."""

    def begin(self, chunks: list[bytes]) -> None:
        """Begin with the state of a parent, which the records of the founding log carry."""
        founding = self.records[self.community]
        self.state.pairs = inherited(founding, chunks)
        self.height = founding.data["parent"][1]
        self.free = len(chunks) + 1

    def read(self, sealed: bytes, delta: bytes) -> Height:
        """Follow one seal; return what it comes to."""
        seal_bytes, certificate, _ = unpack(sealed)
        seal = unpack(seal_bytes)
        context, community, height, prev, fold, cut_root, clock, time, _, evidence = seal[:10]
        assert context == "commonweal/1/seal" and (community, fold) == (self.community, 2)
        assert prev == self.last and height == self.height + 1
        logs, present = unpack(delta)
        id = hash32("seal", seal_bytes)
        self._check_certificate(certificate, height, id)
        covered = self._covered(logs)
        for author, length, head in logs:
            self.logs[author] = (length, head)
        rules = self._rules_before()
        c = Context(
            *(self.state, community, height, time, prev, last_ms(self.state), rules),
            *(self.documents, self.records, present),
        )
        self._take_evidence(evidence)
        void = self._fold(c, covered, cut_root)
        for record, reason in void.items():
            self.state.put(reason, "REFUSED", record)
        self._charge(c, covered, rules)
        rules = in_force(self.state, self.documents)
        c.rules = rules
        s = settled(self.state, c.time)
        counted = [record for record in covered if record.id not in void]
        touched = shares.book(c, counted)
        milestones.date_records(c, counted)
        projects.start(c, rules)
        rounds.count(c, rules)
        shares.share(c, rules, touched)
        projects.end(c, in_force(self.state, self.documents))
        governance.Decision(c, clock).run()
        reviews.close(c)
        rounds.begin(c, in_force(self.state, self.documents))
        self._write_cut(c, clock)
        campaigns.run(c, touched, s)
        witnesses.renew(c, in_force(self.state, self.documents))
        self.seals[id], self.last, self.height = height, id, height
        return self._outcome(height, present, void)

    def _check_certificate(self, certificate: list[Any], height: int, id: bytes) -> None:
        seats = self.state.get("SEATED")
        if seats is None:
            seats = [[self.records[self.community].author, b""]]
        witnesses.check_certificate(certificate, self.community, height, id, seats)

    def _covered(self, logs: list[list[Any]]) -> list[Record]:
        found = []
        for author, length, head in logs:
            before, id = self.logs.get(author, (0, b""))[0], head
            for seq in range(length - 1, before - 1, -1):
                record = self.records[id]
                assert (record.author, record.seq) == (author, seq)
                found.append(record)
                id = record.prev
            assert id == self.logs.get(author, (0, b""))[1]
        return found

    def _rules_before(self) -> Ruleset:
        if self.state.get("FOUNDING") is not None:
            return in_force(self.state, self.documents)
        body = self.records[self.community].body
        assert body is not None
        return Ruleset(unpack(self.documents[body[0]]))

    def _take_evidence(self, evidence: list[bytes]) -> None:
        ends: dict[bytes, int] = {}
        places: dict[tuple[bytes, int, bytes], int] = {}
        for record in self.records.values():
            place = (record.author, record.seq, record.prev)
            places[place] = places.get(place, 0) + 1
            if places[place] == 2:
                ends[record.author] = min(record.seq, ends.get(record.author, record.seq))
        for author, seq in ends.items():
            if hash32("fact", pack(["log ends", self.community, author, seq])) in evidence:
                kept = self.state.row("KEPT", author)
                self.state.put(seq, "FROZEN", author)
                if kept is not None and seq <= kept["seq"]:
                    self.state.drop("KEPT", author)
                evidence = evidence[1:]
        assert not evidence, "evidence that nothing explains"

    def _fold(self, c: Context, covered: list[Record], cut_root: bytes) -> dict[bytes, str]:
        def place(record: Record) -> tuple[int, bytes]:
            return record.clock, hash32("order", cut_root, record.id)

        ordered, known = sorted(covered, key=place), list[Record]()
        begin = self.state.mark()
        while True:
            void: dict[bytes, str] = {}
            again = False
            for number, record in enumerate(ordered):
                ends = [
                    revocation for revocation in known if revocation.data["device"] == record.author
                ]
                if record in known:
                    members.apply_revocation(c, record)
                    continue
                if any(record.seq > revocation.data["seq"] for revocation in ends):
                    void[record.id] = "DEVICE_REVOKED"
                    continue
                mark = self.state.mark()
                try:
                    self._judge(c, record)
                except Void as reason:
                    self.state.rollback(mark)
                    void[record.id] = str(reason)
                    continue
                if record.kind == "device.revoke":
                    known.append(record)
                    device, seq = record.data["device"], record.data["seq"]
                    again = any(
                        earlier.author == device
                        and earlier.seq > seq
                        and void.get(earlier.id) != "DEVICE_REVOKED"
                        for earlier in ordered[:number]
                    )
                    if again:
                        break
            if not again:
                return void
            self.state.rollback(begin)

    def _judge(self, c: Context, record: Record) -> None:
        is_first = record.basis in (b"", self.community)
        check(is_first or record.basis in self.seals, "UNKNOWN_BASIS")
        act = ANYONE.get(record.kind) or OF_MEMBERS.get(record.kind)
        if act is None:
            raise Void("RESERVED_KIND" if record.kind.startswith(RESERVED) else "UNKNOWN_KIND")
        if record.kind not in ANYONE:
            device = self.state.row("DEVICE", record.author)
            if device is None:
                raise Void("NOT_ENROLLED")
            check(device["last"] is None or record.seq <= device["last"], "DEVICE_REVOKED")
            c.member = device["member"]
            check(c.is_active(c.member), "NOT_A_MEMBER")
        usual = c.rules
        if record.kind == "event":
            c.rules = self._rules_for(c, usual, self.seals.get(record.basis, 0))
        try:
            act(c, record)
        finally:
            c.rules = usual

    def _rules_for(self, c: Context, now: Ruleset, height: int) -> Ruleset:
        grace = now.number("finality", "grace_hours", 24) * HOUR
        known = b""
        for key, (ruleset, since) in self.state.all("ADOPTED"):
            if int.from_bytes(key[:8], "big") > height:
                is_late = c.time - since > grace
                return now if is_late else by_id(self.state, self.documents, known)
            known = ruleset
        return now

    def _charge(self, c: Context, covered: list[Record], rules: Ruleset) -> None:
        payers: dict[bytes, bytes] = {}
        citing = sorted(covered, key=lambda record: (record.clock, record.id))
        for record in covered:
            device = self.state.row("DEVICE", record.author)
            if device is not None:
                payers[record.author] = device["member"]
        authors = {record.id: record.author for record in covered}
        for record in citing:
            for id in record.deps:
                stranger = authors.get(id)
                if stranger is not None and stranger not in payers and record.author in payers:
                    payers[stranger] = payers[record.author]
        uses: dict[bytes, list[int]] = {}
        founder = self.records[self.community].author
        for record in covered:
            size = 0 if record.body is None else record.body[1]
            use = [1, record.size, size * record.is_permanent, size * (not record.is_permanent)]
            if record.author == founder and record.seq < self.free:
                use = [0, 0, 0, 0]
            if record.author in payers:
                sums = uses.setdefault(payers[record.author], [0, 0, 0, 0])
                sums[:] = [was + more for was, more in zip(sums, use, strict=True)]
        mib = 1024 * 1024
        limits = [("records", 200_000, 1), ("header_mib", 64, mib)]
        limits += [("document_mib", 4, mib), ("text_mib", 32, mib)]
        daily = [rules.number("budget", key, usual) * size for key, usual, size in limits]
        for member, use in uses.items():
            today = c.time // DAY
            row = self.state.row("SPENT", member)
            day, used, whole = today, [0] * 4, [0] * 4
            if row is not None:
                paid = max(0, today - row["day"])
                day, whole = max(today, row["day"]), row["whole"]
                used = [max(0, u - paid * d) for u, d in zip(row["used"], daily, strict=True)]
            used = [was + more for was, more in zip(used, use, strict=True)]
            whole = [was + more for was, more in zip(whole, use, strict=True)]
            self.state.put([day, used, whole], "SPENT", member)

    def _write_cut(self, c: Context, clock: int) -> None:
        jump = next_jump(self.state, c.time)
        if jump != tuple(self.state.get("JUMP") or (0, 0)):
            self.state.put([*jump], "JUMP")
        ruleset = in_force(self.state, self.documents).id
        self.state.put([c.height, c.time, c.prev, ruleset, clock], "LAST_CUT")

    def _outcome(self, height: int, present: list[bytes], void: dict[bytes, str]) -> Height:
        logs_root = root((author, pack([*log])) for author, log in self.logs.items())
        return Height(
            self.state.root(),
            self.state.root(PREFIX["MEMBER"], PREFIX["DEVICE"]),
            self.state.root(PREFIX["LINE"] + height.to_bytes(8, "big")),
            logs_root,
            hash32("cut", logs_root, pack(present)),
            in_force(self.state, self.documents).id,
            self.state.get("SEATED"),
            void,
        )
