"""Promote an offer, say who brought a buyer, and read what it earned.

A code is what members pass on: that of a promotion, with the member who promotes behind a slash.
What is written names the promotion and the member by their ids, so a code that changes hands
changes no referral.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from commonweal.client.access import HomeAccess, prefix
from commonweal.client.exchange.offer_rows import sealed_at
from commonweal.client.exchange.promotion.lists import (
    agent_name,
    commissions_in,
    promotion_in,
    promotions_in,
    referrals_in,
)
from commonweal.client.exchange.promotion.rows import (
    EndedPromotion,
    ListedCommission,
    ListedPromotion,
    ListedReferral,
    NewPromotion,
    NewReferral,
    PaidCommission,
    PromotionList,
)
from commonweal.client.language.digits import plain_digits
from commonweal.client.language.quantity import exact
from commonweal.client.ledger.names.named import find_outside
from commonweal.client.sharing.commissions import percent
from commonweal.protocol.errors import UnfitPromotion, UnknownId
from commonweal.protocol.ledger.exchange.commitments import PROMISED, commitment_row
from commonweal.protocol.ledger.exchange.offers.offers import OFFER
from commonweal.protocol.ledger.exchange.promotion.commissions import COMMISSION
from commonweal.protocol.ledger.exchange.promotion.promotions import (
    PART_OF_CODE,
    PROMOTION,
    is_code,
    promotion_of_code,
    promotion_row,
)
from commonweal.protocol.records.record import RecordId
from commonweal.protocol.vocabulary.identifiers import CODE_CHARACTERS_MAX, normal_name
from commonweal.protocol.vocabulary.rule_params import HOUR_MS, RATE_WHOLE

if TYPE_CHECKING:
    from commonweal.client.language.words import Words

RATE_CHARACTERS_MAX = 16
DAYS_DEFAULT = 30
"""For how many days income counts where it is not said, if the rules allow as many."""
DAY_HOURS = 24


class Promotions(HomeAccess):
    """What is promoted, and who brought this member to an offer."""

    def promote(
        self,
        offer: str | bytes,
        *,
        rate: str,
        code: str | None = None,
        hours: int | None = None,
        who: str = "",
    ) -> NewPromotion:
        """Promise a part of the income of an offer to those who bring its buyers.

        rate: like "5%". code: one word; else the beginning of the offer's id. hours: for how long
        after a referral income counts; 30 days, or as long as the rules allow. who: a role of those
        who may promote it. Raises UnknownId, AmbiguousId, UnfitPromotion, WouldNotCount.
        """
        chosen = self.view.id_among(prefix(offer), OFFER)
        part = read_rate(rate, self.words)
        word = normal_name(code) if code else chosen.hex()[:8]
        if not is_code(word):
            text = self.words("a code is one word of at most {most} characters, without a slash")
            raise UnfitPromotion(text.format(most=CODE_CHARACTERS_MAX))
        rule = self.view.kept.rules.promotion
        if hours is None:
            allowed = DAYS_DEFAULT * DAY_HOURS
            hours = allowed if rule is None else min(allowed, rule.window_ms_max // HOUR_MS)
        data = {"offer": bytes(chosen), "code": word, "rate": part, "windowHours": hours}
        data |= {"who": who} if who else {}
        written = self._write_one("promotion", data, (chosen,))
        return NewPromotion(written.id, written.seq, chosen, word, percent(part), hours, who)

    def end_promotion(self, code: str | bytes) -> EndedPromotion:
        """Let a promotion take no more referrals; those that count stand. code: or its id.

        Raises UnknownId, AmbiguousId, WouldNotCount.
        """
        chosen = self._promotion(prefix(code))
        written = self._write_one("promotion.end", {"promotion": bytes(chosen)}, (chosen,))
        return EndedPromotion(written.id, written.seq, chosen)

    def refer_by(
        self, code: str, *, by: str | None = None, buyer: str | None = None
    ) -> NewReferral:
        """Say who brought this member to an offer, or with `buyer` somebody outside.

        code: that of a promotion, with the promoter behind a slash, or `by`: their name or how
        their id begins. buyer: an agent outside, by name or id; its seller writes that. Raises
        UnknownId, AmbiguousId, UnfitPromotion, WouldNotCount.
        """
        word, slash, named = normal_name(code).partition(PART_OF_CODE)
        promoter = by or named
        if not promoter or (slash and by):
            text = self.words("name who brought you: {code}/MEMBER")
            raise UnfitPromotion(text.format(code=word[:CODE_CHARACTERS_MAX]))
        chosen, member = self._promotion(word), self.view.member(promoter)
        data = {"promotion": bytes(chosen), "referrer": bytes(member)}
        outside = None if buyer is None else find_outside(self.view, buyer)
        if outside is not None:
            data["buyer"] = outside
        written = self._write_one("referral", data, (chosen,))
        row = promotion_row(self.view.state, chosen)
        assert row is not None, "it was found"
        waits = outside is not None
        return NewReferral(
            written.id,
            written.seq,
            chosen,
            row.code,
            member,
            self.view.name(member),
            agent_name(self.view, outside or self.view.me),
            waits,
            None if waits else sealed_at(self.view) + row.window_ms,
        )

    def pay_commission(self, income: str | bytes) -> PaidCommission:
        """Write down that this member paid what is open of the commission on an income.

        Raises UnknownId, AmbiguousId, UnfitPromotion where nothing is open, WouldNotCount.
        """
        chosen = self.view.id_among(prefix(income), COMMISSION)
        owed = commitment_row(self.view.state, chosen)
        if owed is None or owed.status not in PROMISED or not owed.open.n:
            raise UnfitPromotion(self.words("nothing of this commission is open"))
        n, scale, unit = owed.open
        data = {
            "action": owed.action,
            "provider": owed.provider,
            "receiver": owed.receiver,
            "resourceQuantity": {"n": n, "scale": scale, "unit": unit},
            "fulfills": bytes(chosen),
        }
        written = self._write_one("event", data, (chosen,))
        name = agent_name(self.view, owed.receiver)
        return PaidCommission(written.id, written.seq, chosen, name, exact(n, scale), unit)

    def promotions(self, *, mine: bool = False, offer: str | bytes | None = None) -> PromotionList:
        """Return all promotions, the newest first; mine: those that this member may end.

        offer: only those of one offer. Raises UnknownId, AmbiguousId.
        """
        view = self.view
        of = None if offer is None else view.id_among(prefix(offer), OFFER)
        listed = [
            row
            for row in promotions_in(view)
            if (row.is_mine or not mine) and of in (None, row.offer)
        ]
        return PromotionList(tuple(listed), view.kept.cut.height)

    def promotion_of(self, code: str | bytes) -> ListedPromotion:
        """Return the promotion with this code, or whose id begins so.

        Raises UnknownId, AmbiguousId.
        """
        return promotion_in(self.view, self._promotion(prefix(code)))

    def offer_referrals(self, *, mine: bool = False) -> list[ListedReferral]:
        """Return referrals to offers, the newest first; mine: by or of this member."""
        me = self.view.me
        return [
            row for row in referrals_in(self.view) if not mine or me in (row.promoter, row.buyer)
        ]

    def commissions(self, *, mine: bool = False) -> list[ListedCommission]:
        """Return the commissions on incomes, the newest first; mine: for or from this member."""
        me = self.view.me
        return [
            row for row in commissions_in(self.view) if not mine or me in (row.promoter, row.seller)
        ]

    def _promotion(self, text: str) -> RecordId:
        """Return the promotion with this code, or whose id begins so."""
        word = normal_name(text)
        known = promotion_of_code(self.view.state, word) if is_code(word) else None
        row = None if known is None else promotion_row(self.view.state, known)
        # A code that only looks like the one that was typed is another's, so it is not taken.
        if known is not None and row is not None and row.code.casefold() == word.casefold():
            return RecordId(known)
        try:
            return self.view.id_among(text, PROMOTION)
        except UnknownId:
            wanted = self.words("no promotion has the code {code}: see weal promote list")
            raise UnknownId(wanted.format(code=word[:CODE_CHARACTERS_MAX])) from None


def read_rate(text: str, words: Words) -> int:
    """Return a rate that was typed like "5%" or "2.5 %", in parts of RATE_WHOLE.

    Raises UnfitPromotion for what is none from 0.01 % to 100 %.
    """
    plain = plain_digits(text[: RATE_CHARACTERS_MAX + 1]).replace(" ", "").replace("\uff05", "%")
    match = re.fullmatch(r"(\d{1,3})(?:\.(\d{1,2}))?%", plain, re.ASCII)
    rate = int(match[1] + (match[2] or "").ljust(2, "0")) if match else 0
    if not 1 <= rate <= RATE_WHOLE:
        wanted = words("{text} is no rate: write one from 0.01% to 100%, like 5%")
        raise UnfitPromotion(wanted.format(text=text[:RATE_CHARACTERS_MAX]))
    return rate
