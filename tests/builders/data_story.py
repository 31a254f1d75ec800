"""A story of data: Jun and Ana own some, Bo and Cai use it, and a pool shares with its owners."""

from __future__ import annotations

from typing import Any

from commonweal.protocol.records import sealed_body
from commonweal.protocol.records.record import Record
from tests.protocol.ledger.council import DAY, SAID, rules
from tests.protocol.ledger.village import seed
from tests.protocol.ledger.workshop import INCOME, Workshop

ONE = {"n": 1, "scale": 0, "unit": "one"}


def sharing(**over: Any) -> dict[str, Any]:
    """Return rules by which 5 % of an income in EUR goes to the owners of the data that was used.

    over: of the bucket.
    """
    bucket: dict[str, Any] = {"name": "data", "share": "5%", "to": "data", **SAID, **over}
    pools = {"income": {"unit": "EUR", "income": INCOME, "buckets": [bucket], **SAID}}
    data = {"purposes": ["research", "teaching"], "longest_days": 90, **SAID}
    return rules(pools=pools, data=data)


class DataStory(Workshop):
    """The community; `jun` and `ana` are data."""

    def __init__(self, document: dict[str, Any] | None = None) -> None:
        super().__init__(document or sharing(), "Jun", "Ana", "Bo", "Cai")
        self.jun, self.ana = self.add("Jun"), self.add("Ana")
        self.cut()

    def add(self, name: str, **over: Any) -> Record:
        """Let a member begin data."""
        content = {"hash": seed(name, len(self.records)), "size": 700}
        said = {"action": "raise", "provider": self.id(name), "resourceQuantity": ONE}
        said |= {"newInventoriedResource": {}, "content": content}
        return self.write(name, "event", said | over)

    def said(self, resource: Record, *recipients: str, **over: Any) -> dict[str, Any]:
        """Return what a consent says. recipients: members, "all", or roles in lower case."""
        named = [self.recipient(name) for name in recipients]
        until = self.now_ms + 60 * DAY
        said: dict[str, Any] = {"resource": resource.id, "purposes": ["research"]}
        said |= {"recipients": named, "until": until, "language": "en"} | over
        return {key: value for key, value in said.items() if value is not None}

    def recipient(self, name: str) -> bytes | str:
        """Return who receives, as a consent names them."""
        if name == "all":
            return bytes(self.community)
        return bytes(self.id(name)) if name in self.pens else name

    def grant(self, name: str, resource: Record, *recipients: str, **over: Any) -> Record:
        """Let a member consent."""
        notice = self.document(b"What your data is used for.")
        said = self.said(resource, *recipients, **over)
        return self.write(name, "consent.grant", said, notice)

    def ask(self, name: str, resource: Record, *recipients: str, **over: Any) -> Record:
        """Let a member ask for a consent."""
        notice = self.document(b"May I use your data?")
        said = self.said(resource, *(recipients or (name,)), **over)
        return self.write(name, "consent.ask", said, notice)

    def revoke(self, name: str, consent: Record) -> Record:
        """Let a member end a consent, or refuse a request."""
        return self.write(name, "consent.revoke", {"consent": consent.id})

    def use(self, name: str, consent: Record, by: str | None = None, **over: Any) -> Record:
        """Let a member use data under a consent; others attest it. by: who does."""
        owner = next(n for n, pen in self.pens.items() if pen.key == consent.author)
        said: dict[str, Any] = {"action": "use", "provider": self.id(owner)}
        said |= {"receiver": self.id(name), "resourceQuantity": ONE, "purpose": "research"}
        said |= {"resourceInventoriedAs": consent.data["resource"], "consent": consent.id}
        use = self.write(name, "event", said | over)
        if by:
            self.attest(use, by)
        return use

    def release(self, name: str, use: Record, of: int = 1, part: int = 0) -> Record:
        """Let a member hand over a part of what was used."""
        device = self.pens[next(n for n, pen in self.pens.items() if pen.key == use.author)].key
        body = sealed_body.seal(b"x", [device], lambda size: seed(use.id)[:size])[1]
        return self.write(name, "data.release", {"use": use.id, "of": of, "part": part}, body)

    def void(self, name: str, consent: Record) -> Record:
        """Propose to declare a consent void."""
        data = {"subject": "consent", "consent": consent.id}
        return self.write(name, "rules.propose", data)


def hand_over(story: DataStory, consent: Record, uses: list[Record]) -> None:
    """Let owners hand over what was used, and what is void beside it."""
    for name, use, of, part in (
        *(("Jun", uses[0], 1, 0), ("Jun", uses[0], 1, 0), ("Ana", uses[1], 1, 0)),
        *(("Jun", uses[1], 2, 1), ("Jun", uses[1], 1, 1), ("Ana", uses[2], 1, 0)),
        ("Jun", consent, 1, 0),
    ):
        story.release(name, use, of, part)
    story.write("Jun", "data.release", {"use": uses[1].id, "of": 1, "part": 0})


def told() -> DataStory:
    """Return the whole story, with what is void in it."""
    story = DataStory()
    pool = {"pool": "income"}
    paid = {"perUse": {"n": 50, "scale": 2, "unit": "EUR"}}
    first = story.grant("Jun", story.jun, "all", benefit=pool)
    second = story.grant("Ana", story.ana, "Bo", "Cai", "consumer", benefit=pool)
    said = (("Bo", first, "Cai"), ("Cai", first, "Bo"), ("Bo", second, "Cai"))
    uses = [story.use(*words) for words in said]
    story.use("Cai", second)
    story.earn(10_001, by="Jun")
    story.cut()
    hand_over(story, first, uses)
    asked = story.ask("Cai", story.jun, purposes=["teaching"], actions=["cite", "use"])
    story.ask("Cai", story.jun)
    refused = story.ask("Bo", story.ana)
    for bad in (
        *({"purposes": ["selling"]}, {"until": None}, {"benefit": {"pool": "gifts"}}),
        *({"benefit": {"perUse": {"n": 0, "scale": 0, "unit": "EUR"}}}, {"actions": ["copy"]}),
        *({"language": 3}, {"replaces": bytes(32)}, {"answers": first.id}, {"from": -1}),
    ):
        story.grant("Jun", story.jun, "all", **bad)
    story.grant("Bo", story.jun, "all")
    story.write("Jun", "consent.grant", story.said(story.jun, "all"))
    story.cut()
    answer = {"answers": asked.id, "benefit": paid, "purposes": ["teaching"]}
    third = story.grant("Jun", story.jun, "Cai", **answer, actions=["cite", "use"])
    story.revoke("Ana", refused)
    narrow = story.grant("Jun", story.jun, "Bo", replaces=first.id, benefit=paid)
    for name, consent, over in (
        *(("Cai", third, {"purpose": "teaching"}), ("Cai", third, {})),
        *(("Bo", narrow, {}), ("Cai", narrow, {}), ("Bo", first, {}), ("Bo", asked, {})),
        *(("Bo", narrow, {"action": "copy"}), ("Bo", narrow, {"receiver": story.id("Cai")})),
    ):
        story.use(name, consent, **over)
    story.cut()
    vote = story.void("Bo", third)
    story.say(vote, "yes", "Mei Bo Ana")
    story.revoke("Jun", narrow)
    story.use("Bo", narrow)
    story.cut(25)
    story.use("Cai", third, purpose="teaching")
    moved: dict[str, Any] = {
        "action": "transfer",
        "provider": story.id("Ana"),
        "receiver": story.id("Bo"),
    }
    moved |= {"resourceInventoriedAs": story.ana.id, "resourceQuantity": ONE}
    story.write("Ana", "event", moved | {"newInventoriedResource": {}})
    story.use("Bo", second)
    story.write("Jun", "body.erase", {"record": story.jun.id})
    story.grant("Jun", story.jun, "all")
    story.write("Mei", "body.erase", {"record": story.jun.id})
    story.cut(24 * 70)
    late = story.use("Cai", second)
    less: dict[str, Any] = {"action": "use", "corrects": late.id}
    less |= {"resourceQuantity": ONE | {"n": -1}}
    story.write("Cai", "event", less)
    story.cut()
    return story
