"""Bookings as members see them: asked, accepted, lost, out, late, back; and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from commonweal.client.exchange.lending import bookings as client_bookings
from commonweal.client.exchange.lending import notices, states, terms
from commonweal.client.exchange.lending.rows import ListedBooking, NewBooking
from commonweal.client.exchange.lending.terms_words import terms_words
from commonweal.client.home.submit import now_ms
from commonweal.client.language.local_time.spans import Span
from commonweal.client.language.words import words_in
from commonweal.protocol.errors import UnknownId, UsageError, WouldNotCount
from commonweal.protocol.ledger.exchange.commitments import commitment_row
from commonweal.protocol.ledger.exchange.deals.agreement_row import agreement_row
from commonweal.protocol.ledger.exchange.lending.terms import terms_row
from commonweal.storage.home.home import Home
from tests.builders.commons import Commons
from tests.client.exchange.deals import at

HOUR = 3_600_000
DAY = 24 * HOUR


def ahead(hours: int, length: int = 1) -> Span:
    """Return a span that begins so many hours from now."""
    begin = now_ms() // HOUR * HOUR + hours * HOUR
    return Span(begin, begin + length * HOUR)


def lend_bike(lanxi: Commons, **said: object) -> None:
    """Let Bo bring a bike into the books and lend it."""
    with at(lanxi.bo) as bo:
        bo.add_resource("bike", 1, "one")
        bo.set_terms("bike", **said)  # type: ignore[arg-type]
    lanxi.seal()


def book(home: Home, span: Span, **said: object) -> NewBooking:
    with at(home) as member:
        (made,) = member.book("bike", [span], **said).bookings  # type: ignore[arg-type]
    return made


def seen(home: Home, made: NewBooking) -> ListedBooking:
    with at(home) as member:
        return member.booking(made.id)


def waits(home: Home) -> dict[str, str]:
    """Return the kinds of bookings' rows in the inbox, with their commands."""
    with at(home) as member:
        rows = member.inbox().rows
    return {row.kind: row.command for row in rows if row.kind in notices.SOURCE.kinds}


def test_a_booking_goes_from_asked_to_back(lanxi: Commons) -> None:
    lend_bike(lanxi)
    made = book(lanxi.ana, ahead(30, 2))
    assert made.state == "asked"
    lanxi.seal()
    asked = seen(lanxi.bo, made)
    assert (asked.state, asked.acts, asked.final_at) == ("asked", ("accept", "decline"), 3)
    assert (asked.name, asked.lender_name, asked.borrower_name) == ("bike", "Bo", "Ana")
    assert seen(lanxi.ana, made).acts == ("cancel",)
    with at(lanxi.bo) as bo:
        assert bo.accept_booking(made.id).state == "accepted"
    accepted = seen(lanxi.bo, made)
    assert (accepted.final_at, accepted.acts) == (None, ("lend", "cancel"))
    lanxi.seal()
    assert seen(lanxi.ana, made).final_at == 4
    with at(lanxi.bo) as bo:
        assert bo.hand_out(made.id).state == "out"
    lanxi.meet()
    assert seen(lanxi.ana, made).acts == ("return",)
    with at(lanxi.ana) as ana:
        assert ana.take_back(made.id).state == "back"
        with pytest.raises(WouldNotCount, match="it stands so: back"):
            ana.take_back(made.id)


def test_what_clashes_is_said_before_it_is_written(lanxi: Commons) -> None:
    lend_bike(lanxi)
    first = book(lanxi.ana, ahead(30, 2))
    lanxi.meet()
    with at(lanxi.bo) as bo:
        bo.accept_booking(first.id)
    lanxi.meet()
    before = lanxi.records(lanxi.mei)
    with pytest.raises(WouldNotCount, match=f"is taken: Ana has it .* by {first.id.hex()[:8]}"):
        book(lanxi.mei, ahead(31, 2))
    with at(lanxi.bo) as bo:
        bo.block_thing("bike", *ahead(40, 2), note="new tyres")
    lanxi.meet()
    with pytest.raises(WouldNotCount, match="it is out of use then"):
        book(lanxi.mei, ahead(41))
    assert lanxi.records(lanxi.mei) == before + 1, "of them only the block is new"


def test_the_loser_of_one_slot_reads_who_won(lanxi: Commons) -> None:
    lend_bike(lanxi)
    first, second = book(lanxi.ana, ahead(30)), book(lanxi.mei, ahead(30))
    lanxi.meet()
    with at(lanxi.bo) as bo:
        bo.accept_booking(first.id)
        with pytest.raises(WouldNotCount, match="it is taken: Ana has it"):
            bo.accept_booking(second.id)


def test_a_series_is_written_whole_or_not_at_all(lanxi: Commons) -> None:
    lend_bike(lanxi, days=(2, "week"))
    before = lanxi.records(lanxi.ana)
    with at(lanxi.ana) as ana:
        with pytest.raises(WouldNotCount, match="more days than its terms allow"):
            ana.book("bike", [ahead(24 * 30, 24 * 5)])  # three days of one week, on any day
        assert lanxi.records(lanxi.ana) == before
        made = ana.book("bike", "every tue 18:00-20:00, 3 times")
    assert len(made.bookings) == 3
    assert len({booking.id for booking in made.bookings}) == 3
    assert (made.id, made.seq) == (made.bookings[0].id, made.bookings[0].seq)


def test_the_terms_say_yes_and_ask_for_their_fee(lanxi: Commons) -> None:
    # Mei, who founded the community, is its witness.
    lend_bike(lanxi, accepts=["witness"], fee=("2.50", "EUR", HOUR))
    made = book(lanxi.mei, ahead(30, 3))
    assert made.state == "accepted"
    with at(lanxi.mei) as mei:
        row = agreement_row(mei.view.state, made.id)
        assert row is not None
        (paid,) = (commitment_row(mei.view.state, id) for id in row.reciprocal)
    assert paid is not None
    assert (paid.quantity, paid.status) == ([750, 2, "EUR"], "agreed")
    assert book(lanxi.ana, ahead(50)).state == "asked"


def test_a_late_return_shows_what_is_owed(lanxi: Commons, monkeypatch: pytest.MonkeyPatch) -> None:
    lend_bike(lanxi, late_fee=(2, "EUR", HOUR))
    begin = now_ms() + 60_000
    made = book(lanxi.ana, Span(begin, begin + 1_000))
    lanxi.meet()
    with at(lanxi.bo) as bo:
        bo.accept_booking(made.id)
        bo.hand_out(made.id)
    lanxi.seal()
    for module in (client_bookings, states, notices):
        if hasattr(module, "now_ms"):
            monkeypatch.setattr(module, "now_ms", lambda: begin + DAY)
    assert seen(lanxi.ana, made).state == "late"
    assert {*waits(lanxi.bo)} == {"booking_late"}
    assert {*waits(lanxi.ana)} == {"booking_return"}
    assert waits(lanxi.ana)["booking_return"].split()[-2:] == [
        "return",
        seen(lanxi.ana, made).clause.hex()[:16],
    ]


def test_a_booking_is_cancelled_and_declined(lanxi: Commons) -> None:
    lend_bike(lanxi)
    asked, declined, agreed = (book(lanxi.ana, ahead(hours)) for hours in (30, 40, 50))
    lanxi.meet()
    with at(lanxi.bo) as bo:
        assert bo.decline_booking(declined.id).state == "declined"
        bo.accept_booking(agreed.id)
    lanxi.meet()
    with at(lanxi.ana) as ana:
        assert ana.cancel_booking(asked.id).state == "withdrawn"
        assert ana.cancel_booking(agreed.id).state == "cancelled"
        with pytest.raises(WouldNotCount, match="it stands so: declined"):
            ana.cancel_booking(declined.id)
        with pytest.raises(WouldNotCount, match="it stands so: cancelled"):
            ana.accept_booking(agreed.id)
        with pytest.raises(WouldNotCount, match="it stands so: taken back"):
            ana.decline_booking(asked.id)


def test_what_is_out_of_use_is_told_to_both(lanxi: Commons) -> None:
    lend_bike(lanxi)
    made = book(lanxi.ana, ahead(30))
    lanxi.meet()
    with at(lanxi.bo) as bo:
        bo.accept_booking(made.id)
        block = bo.block_thing("bike", *ahead(30))
    lanxi.meet()
    assert seen(lanxi.ana, made).state == "blocked"
    assert waits(lanxi.ana)["booking_blocked"].split()[-3:-1] == ["book", "cancel"]
    with at(lanxi.bo) as bo:
        bo.lift_block(block.id.hex()[:8])
        with pytest.raises(UsageError, match="no block begins with"):
            bo.lift_block(block.id)
    assert seen(lanxi.bo, made).state == "accepted"


def test_a_thing_that_moves_asks_its_new_custodian(lanxi: Commons) -> None:
    lend_bike(lanxi)
    one, two = (book(lanxi.ana, ahead(hours)) for hours in (30, 40))
    lanxi.meet()
    with at(lanxi.bo) as bo:
        bo.accept_booking(one.id)
        bo.accept_booking(two.id)
        bo.lend("bike", "Mei")
    lanxi.meet()
    assert seen(lanxi.ana, one).state == "moved"
    assert seen(lanxi.ana, one).acts == ("cancel",)
    assert seen(lanxi.mei, one).acts == ("accept", "decline")
    assert waits(lanxi.mei)["booking_moved"].split()[-3:-1] == ["book", "accept"]
    with at(lanxi.mei) as mei:
        assert mei.accept_booking(one.id).state == "accepted"
        assert mei.decline_booking(two.id).state == "cancelled"
        assert mei.lent_thing("bike").lender_name == mei.view.name(mei.view.me)
        mei.hand_out(one.id)
    lanxi.meet()
    assert seen(lanxi.ana, one).state == "out"
    # Mei has it to lend, and it is Bo's: Ana says that it is back, or Bo does.
    assert seen(lanxi.mei, one).acts == ()
    assert seen(lanxi.bo, one).acts == ("return",)
    with at(lanxi.ana) as ana:
        ana.take_back(one.id)
    assert seen(lanxi.ana, one).state == "back"


def test_what_is_due_within_a_day_waits(lanxi: Commons) -> None:
    lend_bike(lanxi)
    soon, later = book(lanxi.ana, ahead(3)), book(lanxi.ana, ahead(60))
    lanxi.meet()
    with at(lanxi.bo) as bo:
        bo.accept_booking(soon.id)
        bo.accept_booking(later.id)
    assert {*waits(lanxi.bo)} == {"booking_lend"}
    lanxi.meet()
    assert waits(lanxi.ana) == {}


def test_lists_are_of_one_thing_of_oneself_or_of_all(lanxi: Commons) -> None:
    lend_bike(lanxi)
    made = [book(lanxi.ana, ahead(hours)) for hours in (50, 30)]
    lanxi.meet()
    ids = [booking.id for booking in reversed(made)]
    with at(lanxi.ana) as ana, at(lanxi.mei) as mei:
        assert [row.id for row in ana.bookings()] == ids
        assert mei.bookings() == []
        assert [row.id for row in mei.bookings("bike")] == ids
        assert [row.id for row in mei.bookings(everyone=True)] == ids
        begin, end = ahead(50)
        assert [row.id for row in mei.bookings("bike", since_ms=end)] == []
        assert [row.id for row in mei.bookings("bike", since_ms=begin)] == ids[1:]
        assert [row.id for row in mei.bookings("bike", until_ms=begin)] == ids[:1]


def test_a_word_that_names_no_booking_or_thing_is_refused(lanxi: Commons) -> None:
    lend_bike(lanxi)
    with at(lanxi.bo) as bo, at(lanxi.ana) as ana:
        bo.add_resource("saw", 1, "one")
        with pytest.raises(UsageError, match="saw is not lent yet"):
            bo.book("saw", [ahead(30)])
        with pytest.raises(UsageError, match="bike is with you"):
            bo.book("bike", [ahead(30)])
        with pytest.raises(UnknownId):
            bo.book("boat", [ahead(30)])
        with pytest.raises(UnknownId):
            bo.booking("abcdef")
        with pytest.raises(WouldNotCount, match="only Bo, who has it"):
            ana.set_terms("bike", capacity=2)
        with pytest.raises(UsageError, match="a time that is not over"):
            ana.book("bike", [])
        for places in (0, 17):
            with pytest.raises(UsageError, match="from 1 to 16"):
                ana.book("bike", [ahead(30)], places=places)
        first, second = (ana.book("bike", [ahead(hours)]) for hours in (30, 40))
        assert first.id != second.id
        with pytest.raises(UnknownId):
            ana.booking("")


def test_use_for_hours_is_counted_in_hours(lanxi: Commons) -> None:
    lend_bike(lanxi)
    made = book(lanxi.ana, ahead(30, 2), use=True)
    lanxi.meet()
    with at(lanxi.bo) as bo:
        bo.accept_booking(made.id)
        with pytest.raises(UsageError, match="used where it is"):
            bo.hand_out(made.id)
    assert seen(lanxi.bo, made).use
    assert seen(lanxi.bo, made).acts == ("cancel",)


def test_terms_are_sentences_in_both_languages(lanxi: Commons) -> None:
    lend_bike(
        lanxi,
        accepts=["producer"],
        capacity=2,
        min_ms=HOUR,
        max_ms=3 * DAY,
        buffer_ms=HOUR // 2,
        ahead_ms=30 * DAY,
        fee=("0.5", "EUR", HOUR),
        late_fee=(2, "EUR", DAY),
        days=(2, 30),
    )
    with at(lanxi.ana) as ana:
        lent = ana.lent_thing("bike")
        row = terms_row(ana.view.state, lent.id)
    assert lent.words == (
        "Whoever is producer books it without asking; others ask.",
        "2 of them are lent at once.",
        "For 1 hour at least.",
        "For 3 days at most.",
        "30 minutes pass between two bookings.",
        "At most 30 days ahead.",
        "It costs 0.5 EUR for each started hour.",
        "Who brings it back late owes 2 EUR for each started day.",
        "A member books it on 2 days in any 30 at most.",
    )
    assert (lent.lender_name, lent.yours, lent.fee and lent.fee.quantity) == (
        "Bo",
        False,
        Decimal("0.5"),
    )
    assert row is not None
    told = terms_words(row, words_in("zh"))
    assert len(told) == len(lent.words)
    assert not any(letter.isascii() and letter.isalpha() for letter in told[2])


def test_what_is_not_said_stays_and_what_is_taken_out_goes(lanxi: Commons) -> None:
    lend_bike(lanxi, capacity=2, fee=(1, "EUR", HOUR), days=(3, "month"))
    with at(lanxi.bo) as bo:
        bo.set_terms("bike", max_ms=DAY)
        lent = bo.lent_thing("bike")
        assert (lent.capacity, lent.max_minutes, lent.days_max, lent.per) == (2, 1_440, 3, "month")
        assert lent.fee is not None
        bo.set_terms("bike", without=["fee", "days"])
        lent = bo.lent_thing("bike")
        assert (lent.fee, lent.days_max, lent.capacity) == (None, None, 2)


def test_days_begin_at_the_midnight_of_this_machine(
    lanxi: Commons, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terms, "at", lambda _: datetime(2026, 1, 5, tzinfo=UTC).astimezone())
    lend_bike(lanxi)
    offset = datetime(2026, 1, 5, tzinfo=UTC).astimezone().utcoffset()
    with at(lanxi.bo) as bo:
        minutes = bo.lent_thing("bike").utc_offset_minutes
    assert offset is not None
    assert minutes * 60 == offset.total_seconds()


def test_before_the_first_seal_it_is_said_what_a_booking_waits_for(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    early = Commons(tmp_path_factory.mktemp("early"))
    with at(early.bo) as bo:
        bo.add_resource("bike", 1, "one")
        bo.set_terms("bike")
    early.meet()
    with at(early.ana) as ana:
        (seen_before,) = ana.booking_outlook("bike", [ahead(30)])
        assert "nothing is sealed yet" in seen_before.why
        with pytest.raises(WouldNotCount, match="nothing is sealed yet"):
            ana.book("bike", [ahead(30)])
    early.seal()
    assert book(early.ana, ahead(30)).state == "asked"
