"""A community in which every write of the API was called once, with what each answered."""

from __future__ import annotations

import base64
import time
from contextlib import ExitStack
from copy import copy
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from commonweal.client import Member
from commonweal.client.plans.recipe_text import EXAMPLES
from commonweal.node.service.events import Wish
from commonweal.protocol.codec import Value
from commonweal.storage.home.home import Home
from tests.builders import homes
from tests.builders.api_calls import Caller, calling
from tests.builders.commons import Commons, meet
from tests.commands.exchange.test_promotion import PROMOTION
from tests.commands.share.test_round import CIRCLE

WORK = {"action": "work", "quantity": "3", "unit": "hours"}


CAMPAIGN_SECONDS = 15
"""Until a campaign ends here: longer than it takes to begin it and to seal that."""

TWO_VOUCHES = """
[membership]
vouches = 2
en = "Two members vouch."
zh = "须两人担保。"
"""
CREDIT = """
[credit.hour]
floor = -9
ceiling = 9
en = "Whoever is helped pays."
zh = "受助者支付。"
"""
RULES = CIRCLE.replace("[contributions]", f"{TWO_VOUCHES}{CREDIT}{PROMOTION}\n[contributions]")


class Village:
    """Mei, Bo and Ana, and Zoe who asks to join. Each write goes through the API.

    answers: of each path of the document, what was sent and what came back. refused: of those
    that cannot be done here, the code.
    """

    def __init__(self, folder: Path) -> None:
        self.lanxi = Commons(folder)
        self.lanxi.adopt(RULES, folder)
        self.mei, self.bo, self.ana = self.lanxi.all
        self.answers: dict[str, tuple[Any, Any]] = {}
        self.refused: dict[str, str] = {}
        self._keys = count()
        self._members = [*self.lanxi.all]
        self._callers: dict[Home, Caller] = {}
        with ExitStack() as held:
            self._callers |= {
                home: held.enter_context(calling(home.path, "grave")) for home in self.lanxi.all
            }
            for chapter in (
                *(self._give, self._speak, self._belong, self._own, self._plan),
                *(
                    self._deal,
                    self._pay,
                    self._book,
                    self._consent,
                    self._undertake,
                    self._trade,
                    self._match,
                    self._promote,
                    self._raise,
                ),
            ):
                chapter(folder)
                self.meet()
            self._decide()
            self._leave()
        self._callers.clear()

    def copied(self, folders: pytest.TempPathFactory) -> Village:
        """Return the same in copies of the three homes."""
        village = copy(self)
        village.lanxi = self.lanxi.copies(folders)()
        village.mei, village.bo, village.ana = village.lanxi.all
        return village

    def meet(self) -> None:
        """Let all hold all."""
        meet(*self._members)

    def did(self, home: Home, path: str, body: Any = None, **named: str) -> Any:
        """Write by a call; return its answer, which a repeated call has too."""
        caller = self._callers[home]
        given = caller.try_post(path.format(**named), body, key := f"write-{next(self._keys)}")
        assert given.status_code == 201, f"{path}: {given.text}"
        again = caller.try_post(path.format(**named), body, key)
        assert again.status_code in (200, 201), f"{path}: {again.text}"
        assert again.headers["idempotency-replayed"] == "true"
        assert again.json().get("id") == given.json().get("id")
        self.answers[path] = (body, given.json())
        return given.json()

    def was_refused(self, home: Home, path: str, body: Any, **named: str) -> None:
        """Try to write what cannot be written here."""
        given = self._callers[home].try_post(path.format(**named), body)
        self.refused[path] = given.json()["error"]["code"]

    def _give(self, _folder: Path) -> None:
        mei, path = self.mei, "/contributions"
        note = {"name": "note.txt", "base64": base64.b64encode(b"roof").decode()}
        self.withdrawn = self.did(mei, path, WORK)["id"]
        self.noted = self.did(mei, path, WORK | {"note": "dug"})["id"]
        self.disputed = self.did(mei, path, WORK | {"file": note})["id"]
        self.corrected = self.did(mei, path, WORK | {"scope": "garden"})["id"]
        self.work = self.did(mei, path, WORK | {"when": "2026-11-23"})["id"]
        self.did(mei, "/contributions/{id}/withdrawal", id=self.withdrawn)
        self.did(mei, "/records/{id}/erasure", id=self.noted)
        two = {"quantity": "2", "unit": "hours"}
        self.did(mei, "/contributions/{id}/corrections", two, id=self.corrected)
        self.income = self.did(mei, "/incomes", {"quantity": "100", "unit": "EUR"})["id"]

    def _speak(self, _folder: Path) -> None:
        self.did(self.bo, "/attests", {"ids": [self.work, self.income]})
        because = {"note": "it rained"}
        self.did(self.bo, "/contributions/{id}/disputes", because, id=self.disputed)

    def _belong(self, folder: Path) -> None:
        mei, bo = self.mei, self.bo
        self.did(mei, "/roles/{role}/claims", role="producer")
        self.meet()
        self.did(bo, "/roles/{role}/endorsements", {"member": "Mei"}, role="producer")
        self.meet()
        self.did(mei, "/roles/{role}/resignation", role="producer")
        self.did(bo, "/referrals", {"member": "Mei"})
        invite = self.did(mei, "/invites", {"uses": 2, "expires": "12h"})
        self.did(mei, "/invites/{id}/revocation", id=invite["id"])
        self._members.append(homes.newcomer(folder / "zoe", homes.invited(mei), "Zoe"))
        self.meet()
        members = self._callers[bo].get("/members")["members"]
        (asking,) = (row["member"] for row in members if row["status"] == "requested")
        self.did(bo, "/vouches", {"member": asking})
        self.did(mei, "/removals", {"member": "Ana", "note": "moved away"})
        self.was_refused(mei, "/fork-resolutions", {"record": self.work})

    def _own(self, _folder: Path) -> None:
        mei, bo = self.mei, self.bo
        self.did(mei, "/units", {"name": "crate"})
        self.did(mei, "/specifications", {"name": "drying", "sort": "process"})
        jar = {"name": "jam", "sort": "resource", "unit": "crate"}
        self.did(mei, "/specifications", jar)
        process = self.did(mei, "/processes", {"name": "baking", "note": "bread"})["id"]
        self.did(mei, "/processes/{id}/end", id=process)
        thing = {"name": "ladder", "quantity": "1", "unit": "piece"}
        self.thing = self.did(mei, "/resources", thing)["id"]
        lent = self.did(mei, "/resources/{id}/loans", {"receiver": "Bo"}, id=self.thing)
        self.meet()
        self.did(bo, "/resources/{id}/returns", {}, id=lent["resource"])
        agent = self.did(mei, "/agents", {"name": "Shop"})["agent"]
        self.meet()
        self.did(mei, "/agents/{agent}/name", {"name": "Mill"}, agent=agent)
        self.meet()
        self.did(bo, "/agents/{agent}/claims", agent=agent)
        self.did(mei, "/rounds/{name}/gifts", {"points": {"Bo": 30, "Ana": 20}}, name="circle")

    def _plan(self, _folder: Path) -> None:
        mei = self.mei
        self.did(mei, "/recipes", {"toml": EXAMPLES["en"]})
        ended = self.did(mei, "/plans", {"recipe": "Bread", "quantity": "1"})["id"]
        self.did(mei, "/plans/{id}/end", id=ended)
        self.plan = self.did(mei, "/plans", {"recipe": "Bread", "quantity": "9"})["id"]
        part = self._callers[mei].get(f"/plans/{self.plan}")["parts"][0]["id"]
        self.did(mei, "/plan-parts/{id}/promises", {}, id=part)

    def _deal(self, _folder: Path) -> None:
        mei, bo = self.mei, self.bo
        work = {"giver": "Mei", "taker": "Bo", "action": "work", "quantity": "2", "unit": "hours"}
        money = {"giver": "Bo", "taker": "Mei", "action": "transfer", "quantity": "9"}
        clauses = [work, money | {"unit": "EUR", "in_return": True}]
        asked = {"clauses": clauses, "note": "Would you?", "answer_by": "3d"}
        ids = [self.did(mei, "/deals", asked)["id"] for _ in range(3)]
        self.meet()
        other = {"clauses": [work | {"quantity": "3"}], "due": "5d"}
        self.deal = self.did(bo, "/deals/{id}/counters", other, id=ids[0])["id"]
        self.did(bo, "/deals/{id}/refusal", id=ids[1])
        self.did(bo, "/deals/{id}/comments", {"text": "Rather not."}, id=ids[1])
        self.meet()
        self.did(mei, "/deals/{id}/withdrawal", id=ids[2])
        self.did(mei, "/deals/{id}/acceptance", id=self.deal)
        self.meet()
        self.did(mei, "/deals/{id}/end", {"why": "done"}, id=self.deal)
        self._review(self.deal)

    def _review(self, deal: str) -> None:
        """Let both say that a deal is done, and review it; Mei's review is opened."""
        mei, bo = self.mei, self.bo
        self.meet()
        self.did(bo, "/deals/{id}/end", {"why": "done"}, id=deal)
        self.meet()
        for home in (mei, bo):
            said = {"rating": 4, "on_time": False, "as_agreed": True, "note": "Good work."}
            self.did(home, "/deals/{id}/reviews", said, id=deal)
        self.meet()
        self.lanxi.seal()
        self.did(mei, "/reviews/openings")
        self.meet()
        self.lanxi.seal()

    def _pay(self, _folder: Path) -> None:
        mei, bo = self.mei, self.bo
        for creditor, debtor, name, n in ((mei, bo, "Bo", "5"), (bo, mei, "Mei", "3")):
            asked = {"member": name, "quantity": n, "unit": "EUR", "due": "3d", "note": "eggs"}
            deal = self.did(creditor, "/payment-requests", asked)["id"]
            self.meet()
            self.did(debtor, "/deals/{id}/acceptance", id=deal)
            self.meet()
        self.did(mei, "/set-offs")
        self.did(bo, "/payments", {"member": "Mei", "quantity": "30", "unit": "minutes"})
        self.meet()

    def _book(self, _folder: Path) -> None:
        mei, bo = self.mei, self.bo
        late = {"quantity": "1", "unit": "EUR", "per_minutes": 60}
        terms = {"resource": self.thing, "capacity": 2, "max_minutes": 4_320, "late_fee": late}
        terms |= {"days_max": 20, "per": "month", "fee": late, "buffer_minutes": 10}
        self.did(mei, "/lent-things", terms)
        self.did(mei, "/lent-things", {"resource": self.thing, "without": ["fee"], "accepts": []})
        block = {"resource": "ladder", "when": "in 8 weeks", "note": "paint"}
        rows = {"file": "yields.csv", "base64": "cGxvdCxrZwo=", "note": "Of each plot."}
        spare = self.did(mei, "/data", rows | {"name": "yields"})["id"]
        self.did(mei, "/data", rows | {"name": "seeds"})
        self.did(mei, "/data/{id}/removal", id=spare)
        lifted = self.did(mei, "/blocks", block)["id"]
        self.did(mei, "/blocks/{id}/lifting", id=lifted)
        self.did(mei, "/blocks", block | {"open": True, "hint": True})
        self.meet()
        when = {"resource": "ladder", "when": "tomorrow 9:00-10:00", "note": "For the roof."}
        ids = [self.did(bo, "/bookings", when)["id"] for _ in range(3)]
        self.meet()
        self.did(mei, "/bookings/{id}/refusal", id=ids[0])
        self.did(mei, "/bookings/{id}/acceptance", id=ids[1])
        self.meet()
        self.did(bo, "/bookings/{id}/cancellation", id=ids[2])
        self.booking = ids[1]
        self.did(mei, "/bookings/{id}/handover", {"note": "Mind the third step."}, id=ids[1])
        self.meet()
        self.did(bo, "/bookings/{id}/return", {}, id=ids[1])
        self.meet()

    def _consent(self, _folder: Path) -> None:
        """Let Mei have data, and Bo ask for it and use it."""
        mei, bo = self.mei, self.bo
        with Member(mei) as me:
            data: dict[str, Value] = {"action": "raise", "provider": bytes(me.view.me)}
        data |= {"newInventoriedResource": {}, "content": {"hash": bytes(32), "size": 9}}
        data |= {"resourceQuantity": {"n": 1, "scale": 0, "unit": "one"}}
        homes.write(mei, Wish("event", data))
        named = self._callers[mei].get("/owned-data")["data"][0]["id"]
        said = {"data": named, "purposes": ["research"], "notice": "For a book."}
        price = {"quantity": "1", "unit": "EUR"}
        given = said | {"recipients": ["Bo", "producer"], "actions": ["cite", "use"]}
        given |= {"begin_ms": 1, "end_ms": 2**62}
        ended = self.did(mei, "/consents", given | {"per_use": price})["consent"]
        again = given | {"replaces": ended, "recipients": ["all"]}
        self.consent = self.did(mei, "/consents", again)["consent"]
        self.meet()
        used = {"purpose": "research", "note": "read once"}
        self.did(bo, "/consents/{id}/uses", used, id=self.consent)
        asked = self.did(bo, "/consent-requests", said)["consent"]
        self.meet()
        answered = self.did(mei, "/consent-requests/{id}/answer", {"per_use": price}, id=asked)
        self.did(mei, "/consents/{id}/revocation", id=answered["consent"])
        self.meet()

    def _undertake(self, _folder: Path) -> None:
        mei, bo = self.mei, self.bo
        said = {"name": "press", "purpose": "A press for all.", "split": "points"}
        self.project = self.did(mei, "/projects", said | {"until": "in 90 days"})["id"]
        work = {"what": "set", "quantity": "5", "due": "in 8 days"}
        self.task = self.did(mei, "/projects/{id}/tasks", work, id=self.project)["id"]
        self.meet()
        self.did(bo, "/projects/{id}/membership", id=self.project)
        self.did(bo, "/tasks/{id}/promise", {"quantity": "2"}, id=self.task)
        self.did(mei, "/projects/{id}/closing", {"note": "done"}, id=self.project)
        self.did(bo, "/projects/{id}/departure", id=self.project)
        self.meet()

    def _trade(self, _folder: Path) -> None:
        mei = self.mei
        offer = {"what": "repair", "quantity": "2", "unit": "hours", "price": ["10 EUR an hour"]}
        asked = offer | {"tags": ["bike"], "until": "in 60 days", "note": "at home"}
        asked |= {"more": [], "minimum": "1", "to": ["Bo"], "place": "yard"}
        made = self.did(mei, "/offers", asked)["id"]
        self.offer = self.did(mei, "/offers/{id}/renewals", {"until": "in 90 days"}, id=made)["id"]
        self.did(mei, "/offers/{id}/pauses", {"paused": True}, id=self.offer)
        self.did(mei, "/offers/{id}/pauses", {"paused": False}, id=self.offer)
        need = {"what": "plums", "quantity": "2", "unit": "kg", "due": "in 2 weeks"}
        self.need = self.did(mei, "/needs", need)["id"]
        gone = self.did(mei, "/offers", offer | {"price": []})["id"]
        self.did(mei, "/offers/{id}/withdrawal", id=gone)

    def _match(self, _folder: Path) -> None:
        """Let Mei and Ana have something for each other, and Ana propose that ring."""
        for home, gives, takes in ((self.mei, "pruning", "maths"), (self.ana, "maths", "pruning")):
            for path, tag in (("/offers", gives), ("/needs", takes)):
                asked = {"what": tag, "quantity": "1", "unit": "hour", "tags": [tag]}
                self.did(home, path, asked)
        tent = self.did(self.ana, "/resources", {"name": "tent", "quantity": "1", "unit": "piece"})
        self.meet()
        other = self.did(self.mei, "/resources", {"name": "tent", "quantity": "1", "unit": "piece"})
        self.meet()
        pair = (tent["id"], other["id"])
        for home, own, wanted in ((self.ana, *pair), (self.mei, *reversed(pair))):
            self.did(home, "/matches/swaps", {"resource": own, "wanted": [wanted]})
        self.meet()
        self.lanxi.seal()
        asked = {"answer_by": "in 3 days", "note": "a swap"}
        self.did(self.ana, "/matches/swaps/{number}", asked, number="1")
        asked = {"answer_by": "in 3 days", "note": "a ring"}
        self.did(self.ana, "/matches/rings/{number}", asked, number="1")

    def _promote(self, _folder: Path) -> None:
        """Let Ana bring Bo to what Mei sells, and Mei pay the commission."""
        mei, bo = self.mei, self.bo
        jam = {"what": "jam", "quantity": "9", "unit": "pieces", "price": ["19.99 EUR"]}
        offer = self.did(mei, "/offers", jam)["id"]
        terms = {"rate": "5%", "code": "jam", "hours": 720}
        self.promotion = self.did(mei, "/promotions", {"offer": offer} | terms)["id"]
        self.meet()
        self.did(bo, "/offer-referrals", {"code": "jam", "by": "Ana"})
        deal = self.did(bo, "/deals", {"offer": offer})["id"]
        self.meet()
        self.did(mei, "/deals/{id}/acceptance", id=deal)
        self.meet()
        agreed = self._callers[bo].get(f"/deals/{deal}")["terms"]
        (price,) = (clause["id"] for clause in agreed if clause["unit"] == "EUR")
        money = {"action": "transfer", "quantity": "19.99", "unit": "EUR", "receiver": "Mei"}
        paid = self._callers[bo].post("/contributions", money | {"fulfills": price})["id"]
        self.meet()
        self.did(mei, "/attests", {"ids": [paid]})
        self.did(mei, "/commissions/{id}/payments", id=paid)
        self.did(mei, "/promotions/{id}/end", id=self.promotion)

    def _raise(self, _folder: Path) -> None:
        """Let Bo pledge to one campaign, which a seal closes, and Mei cancel another."""
        mei, bo, ana = self.mei, self.bo, self.ana
        ends = datetime.now(UTC) + timedelta(seconds=CAMPAIGN_SECONDS)
        press = {"title": "a press", "minimum": "10", "unit": "EUR", "note": "for all"}
        closes = {"deadline": f"{ends:%Y-%m-%d %H:%M:%S}Z", "maximum": "12"}
        begun = {"title": "a kiln", "minimum": "5", "unit": "EUR", "deadline": "in 9 days"}
        gone = self.did(mei, "/campaigns", begun)["id"]
        self.did(mei, "/campaigns/{id}/cancellation", {}, id=gone)
        self.campaign = self.did(mei, "/campaigns", press | closes)["id"]
        self.lanxi.seal()
        self.did(ana, "/campaigns/{id}/pledge", {"amount": "3"}, id=self.campaign)
        self.did(ana, "/campaigns/{id}/withdrawal", id=self.campaign)
        self.did(bo, "/campaigns/{id}/pledge", {"amount": "11", "part": True}, id=self.campaign)
        time.sleep(max(0, (ends - datetime.now(UTC)).total_seconds()))
        self.lanxi.seal()
        self.did(bo, "/campaigns/{id}/payment", {"amount": "4"}, id=self.campaign)
        self.meet()
        self.did(bo, "/campaigns/{id}/extension", {"until": "in 30 days"}, id=self.campaign)

    def _decide(self) -> None:
        mei, bo = self.mei, self.bo
        rules = RULES.replace("1,000", "2,000").replace("event.effort", "event.effort * 2")
        self.rules = rules
        asked = {"toml": rules, "sunset": "30d", "backtest": True}
        self.proposal = self.did(mei, "/proposals", asked)["id"]
        pear = self.did(mei, "/proposals", {"decision": "we plant a pear tree", "vote": True})["id"]
        self.did(mei, "/proposals/{id}/withdrawal", id=pear)
        self.meet()
        self.lanxi.seal()
        self.meet()
        self.did(bo, "/proposals/{id}/votes", {"say": "yes"}, id=self.proposal)
        self.did(bo, "/proposals/{id}/comments", {"text": "good"}, id=self.proposal)
        self.meet()
        self.did(mei, "/seals")
        self.meet()

    def _leave(self) -> None:
        """Do what is grave, in homes without a passphrase."""
        mei, bo, ana = self.mei, self.bo, self.ana
        self.did(bo, "/sponsors", {"members": ["Mei", "Ana"], "needed": 1})
        self.meet()
        code = self._callers[mei].post("/keys")["code"]
        self.did(mei, "/key-gifts", {"member": "Bo", "code": code})
        words = self._callers[ana].post("/keys")["words"]
        self.did(ana, "/key", {"words": words})
        self.was_refused(ana, "/devices/{id}/revocation", {}, id="0123")
        self.did(ana, "/leave", {})
        self.meet()
