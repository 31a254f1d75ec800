"""The inbox: each kind of row appears for whoever is asked, and is gone once it is answered."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from commonweal.client import Member, inbox
from commonweal.client.contributions import attestations
from commonweal.client.home import reminders
from commonweal.client.home.submit import now_ms
from commonweal.client.inbox import InboxRow
from commonweal.node.service.events import Wish
from commonweal.protocol.codec import Value
from commonweal.protocol.ledger.contributions.attestation import attestation_key
from commonweal.protocol.ledger.things.event_row import EVENT, EventRow
from commonweal.storage.home.home import Home
from tests.builders import homes
from tests.builders.commons import RULES, Commons, meet
from tests.builders.weal import good

HOUR: dict[str, Value] = {"n": 1, "scale": 0, "unit": "hour"}
VOUCHED = """
name = "Lanxi"
[membership]
vouches = 2
en = "Two members vouch."
zh = "两人担保。"
"""


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Commons]:
    """Give copies of a community of three, with roles and a pool, in which all is sealed."""
    first = tmp_path_factory.mktemp("inbox")
    made = Commons(first)
    made.adopt(RULES, first)
    made.seal()
    for home in made.all:
        reminders.remember_backup(home, now_ms())
    return made.copies(tmp_path_factory)


@pytest.fixture
def lanxi(scene: Callable[[], Commons]) -> Commons:
    return scene()


def rows(home: Home) -> list[InboxRow]:
    with Member(home) as member:
        listed = member.inbox()
    assert listed.total == len(listed.rows)
    return list(listed.rows)


def kinds(home: Home) -> list[str]:
    return [row.kind for row in rows(home)]


def only(home: Home, kind: str) -> InboxRow:
    """Return the row of a kind, of which there is one."""
    (row,) = [row for row in rows(home) if row.kind == kind]
    return row


def typed(lanxi: Commons, home: Home, row: InboxRow) -> None:
    """Type the command of a row at a home, and let all hold what it wrote."""
    program, *words = shlex.split(row.command)
    assert program == "weal"
    sure = ["--yes"] if words[0] == "role" and words[-1] == "witness" else []
    good(*words, *sure, "--home", home.path)
    lanxi.meet()


@contextmanager
def both(lanxi: Commons) -> Iterator[tuple[Member, Member]]:
    """Open Bo's and Ana's homes; let all meet at the end."""
    with Member(lanxi.bo) as bo, Member(lanxi.ana) as ana:
        yield bo, ana
    lanxi.meet()


def test_nothing_waits_in_a_community_where_all_is_answered(lanxi: Commons) -> None:
    assert [kinds(home) for home in lanxi.all] == [[], [], []]


def test_a_contribution_waits_for_others_until_they_attest_it(lanxi: Commons) -> None:
    with Member(lanxi.bo) as bo:
        made = bo.record("work", 3, "hours")
    lanxi.meet()
    row = only(lanxi.ana, inbox.EVENT)
    assert (row.id, row.member_name, row.words) == (made.id, "Bo", "work 3 hour · Bo")
    assert row.since_ms is not None and abs(row.since_ms - now_ms()) < 600_000
    assert row.until_ms is None
    assert kinds(lanxi.bo) == [], "it is their own"
    typed(lanxi, lanxi.ana, row)
    assert kinds(lanxi.ana) == []
    assert kinds(lanxi.mei) == [inbox.EVENT], "nobody answers for another"


def test_what_is_attested_waits_again_once_it_was_corrected(lanxi: Commons) -> None:
    with both(lanxi) as (bo, ana):
        made = bo.record("work", 3, "hours")
        meet(lanxi.bo, lanxi.ana)
        first = ana.inbox_digest()
        ana.attest(made.id)
        meet(lanxi.bo, lanxi.ana)
        bo.refresh()
        bo.correct(made.id, 2, "hours")
        meet(lanxi.bo, lanxi.ana)
        ana.told(first)
        ana.refresh()
        again = ana.inbox_digest()
    assert (again.new, again.rows[0].words) == (1, "work 2 hour · Bo")


def test_a_correction_waits_for_the_one_it_takes_from(lanxi: Commons) -> None:
    with both(lanxi) as (bo, _ana):
        made = bo.record("work", 3, "hours", provider="Ana")
        bo.correct(made.id, 2, "hours")
    row = only(lanxi.ana, inbox.CORRECTION)
    assert (row.member_name, row.words) == ("Bo", "-1 hour for: work 3 hour · Ana")
    assert inbox.CORRECTION not in kinds(lanxi.mei) + kinds(lanxi.bo)
    typed(lanxi, lanxi.ana, row)
    assert kinds(lanxi.ana) == []


def test_for_a_former_member_others_answer(lanxi: Commons) -> None:
    with both(lanxi) as (bo, _ana):
        made = bo.record("work", 3, "hours", provider="Ana")
    with Member(lanxi.ana) as ana:
        ana.leave()
    lanxi.meet()
    with Member(lanxi.bo) as bo:
        bo.correct(made.id, 2, "hours")
    lanxi.meet()
    assert inbox.CORRECTION not in kinds(lanxi.bo), "it is their own"
    typed(lanxi, lanxi.mei, only(lanxi.mei, inbox.CORRECTION))
    assert inbox.CORRECTION not in kinds(lanxi.mei)
    with Member(lanxi.mei) as mei:
        assert mei.words_of(made.id) == "work 2 hour · Ana"


def test_a_claim_to_be_an_agent_waits_for_others_until_it_holds(lanxi: Commons) -> None:
    with both(lanxi) as (bo, ana):
        came = bo.income(10, "EUR")
        meet(lanxi.bo, lanxi.ana)
        bo.attest_all()
        claimed = ana.claim_agent(came.payer)
    row = only(lanxi.bo, inbox.AGENT)
    assert (row.id, row.member_name) == (claimed.id, "Ana")
    assert row.words.startswith("claims to be outside: ")
    with Member(lanxi.bo) as bo:
        assert ("agent", row.words) in [(wait.kind, wait.words) for wait in bo.waiting()]
        assert bo.words_of(claimed.id) == row.words
    assert inbox.AGENT not in kinds(lanxi.ana)
    typed(lanxi, lanxi.bo, row)
    assert inbox.AGENT not in kinds(lanxi.bo) + kinds(lanxi.mei), "one yes is enough here"


def test_a_payment_waits_for_the_claimant_to_confirm_it(lanxi: Commons) -> None:
    with Member(lanxi.bo) as bo:
        bo.record("work", 3, "hours")
    with Member(lanxi.ana) as ana:
        ana.income(100, "EUR")
    lanxi.meet()
    with Member(lanxi.mei) as mei:
        mei.attest_all()
    lanxi.seal()
    with Member(lanxi.mei) as mei:
        (claim,) = mei.claims(member="Bo").claims
        paid = mei.record("transfer", 40, "EUR", settles=(claim.claim.hex(),))
    lanxi.meet()
    row = only(lanxi.bo, inbox.PAYMENT)
    assert (row.id, row.member_name) == (paid.id, "Mei")
    assert inbox.PAYMENT not in kinds(lanxi.ana) + kinds(lanxi.mei)
    typed(lanxi, lanxi.bo, row)
    assert inbox.PAYMENT not in kinds(lanxi.bo)
    with Member(lanxi.bo) as bo:
        assert str(bo.claims(member="Bo").claims[0].settled) == "40.00"


def test_an_open_vote_waits_with_its_deadline_and_stands_first(lanxi: Commons) -> None:
    with both(lanxi) as (bo, ana):
        bo.record("work", 1, "hour")
        proposed = ana.propose_decision("a pear tree")
    assert inbox.VOTE not in kinds(lanxi.bo), "the vote is not open yet"
    lanxi.seal()
    first, second = rows(lanxi.mei)
    assert (first.kind, first.id, first.words) == (inbox.VOTE, proposed.id, "a pear tree")
    assert second.kind == inbox.EVENT
    with Member(lanxi.mei) as mei:
        assert first.until_ms == mei.proposal(proposed.id).deadline_ms != None  # noqa: E711
    assert inbox.VOTE not in kinds(lanxi.ana), "it is their own"
    typed(lanxi, lanxi.mei, first)
    assert inbox.VOTE not in kinds(lanxi.mei)
    assert inbox.VOTE in kinds(lanxi.bo)
    with Member(lanxi.ana) as ana:
        ana.withdraw_proposal(proposed.id)
    lanxi.meet()
    assert inbox.VOTE not in kinds(lanxi.bo)


def test_nobody_is_asked_to_vote_on_their_own_removal(lanxi: Commons) -> None:
    with Member(lanxi.mei) as mei:
        mei.remove("Bo")
    lanxi.seal()
    assert inbox.VOTE in kinds(lanxi.ana)
    assert inbox.VOTE not in kinds(lanxi.bo) + kinds(lanxi.mei)


def test_a_role_waits_for_an_endorsement(lanxi: Commons) -> None:
    with both(lanxi) as (bo, _ana):
        bo.claim_role("producer")
    row = only(lanxi.ana, inbox.ROLE)
    assert (row.member_name, row.words) == ("Bo", "wants to serve as producer")
    assert inbox.ROLE not in kinds(lanxi.bo)
    typed(lanxi, lanxi.ana, row)
    assert inbox.ROLE not in kinds(lanxi.ana) + kinds(lanxi.mei), "it is held now"


def test_a_seat_waits_for_all_who_have_one(lanxi: Commons) -> None:
    with both(lanxi) as (bo, _ana):
        bo.claim_role("witness")
    row = only(lanxi.mei, inbox.SEAT)
    assert row.member_name == "Bo"
    assert inbox.SEAT not in kinds(lanxi.bo) + kinds(lanxi.ana)
    typed(lanxi, lanxi.mei, row)
    assert inbox.SEAT not in kinds(lanxi.mei)


def test_a_free_seat_is_offered_where_four_could_witness(lanxi: Commons, tmp_path: Path) -> None:
    assert inbox.OFFER not in kinds(lanxi.bo), "three would be no safer than one"
    cleo = homes.newcomer(tmp_path / "cleo", homes.invited(lanxi.mei), "Cleo")
    meet(*lanxi.all, cleo)
    row = only(lanxi.bo, inbox.OFFER)
    assert (row.command, row.member, row.id) == ("weal role claim witness", None, None)
    assert inbox.OFFER not in kinds(lanxi.mei), "Mei has one"
    typed(lanxi, lanxi.bo, row)
    assert inbox.OFFER not in kinds(lanxi.bo)


def test_who_asks_to_join_waits_for_a_vouch(tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text(VOUCHED, "utf-8")
    mei = homes.founder(tmp_path / "mei", rules=str(rules))
    bo = homes.newcomer(tmp_path / "bo", homes.invited(mei), "Bo")
    meet(mei, bo)
    cleo = homes.newcomer(tmp_path / "cleo", homes.invited(mei), "Cleo")
    meet(mei, bo, cleo)
    row = only(bo, inbox.REQUEST)
    with Member(cleo) as asking:
        assert row.member == asking.status().member
    assert inbox.REQUEST not in kinds(mei), "the invite was Mei's vouch"
    good(*shlex.split(row.command)[1:], "--home", bo.path)
    meet(mei, bo, cleo)
    assert inbox.REQUEST not in kinds(bo)
    with Member(cleo) as admitted:
        assert admitted.status().state == "member"


def test_an_old_backup_waits_and_a_new_one_ends_it(lanxi: Commons, tmp_path: Path) -> None:
    old_ms = now_ms() - (inbox.BACKUP_DAYS_MAX + 1) * inbox.DAY_MS
    reminders.remember_backup(lanxi.bo, old_ms)
    row = only(lanxi.bo, inbox.BACKUP)
    assert (row.since_ms, row.words) == (old_ms, "the last backup of this home is old")
    assert shlex.split(row.command)[:2] == ["weal", "backup"]
    good("backup", tmp_path / "backup", "--home", lanxi.bo.path)
    assert inbox.BACKUP not in kinds(lanxi.bo)
    kept = reminders.read_reminders(lanxi.bo).backup_ms
    assert kept is not None and now_ms() - kept < 600_000


def test_a_home_without_a_backup_is_told_once_it_is_old(lanxi: Commons, tmp_path: Path) -> None:
    (lanxi.bo.path / reminders.FILE_NAME).unlink()  # the builder writes first records in 1970
    assert only(lanxi.bo, inbox.BACKUP).words == "no backup of this home was made"
    good("init", "--home", tmp_path / "new", "--name", "Zoe", "--no-passphrase")
    good("found", "Garden", "--home", tmp_path / "new")
    assert kinds(Home(tmp_path / "new")) == []


def test_rows_are_limited_and_the_total_is_said(lanxi: Commons) -> None:
    with Member(lanxi.mei) as mei:
        me = mei.view.me
    data: dict[str, Value] = {"action": "work", "provider": bytes(me), "effortQuantity": HOUR}
    homes.write(lanxi.mei, *[Wish("event", data) for _ in range(30)])
    lanxi.meet()
    with Member(lanxi.bo) as bo:
        bo.view  # noqa: B018  opened, so that only the listing is measured
        listed, digest = bo.inbox(limit=7), bo.inbox_digest(limit=3)
    assert (listed.total, len(listed.rows)) == (30, 7)
    assert (digest.total, digest.new, len(digest.rows)) == (30, 30, 3)


def test_a_digest_tells_what_is_new_and_never_twice(lanxi: Commons) -> None:
    with Member(lanxi.bo) as bo:
        bo.record("work", 3, "hours")
    lanxi.meet()
    with Member(lanxi.ana) as ana:
        assert [ana.inbox_digest().new for _ in range(2)] == [1, 1], "nobody was told yet"
        ana.told(ana.inbox_digest())
        assert (ana.inbox_digest().total, ana.inbox_digest().new) == (1, 0)
    with Member(lanxi.bo) as bo:
        bo.record("work", 4, "hours")
    lanxi.meet()
    with Member(lanxi.ana) as ana:
        digest = ana.inbox_digest()
    assert (digest.total, [row.words for row in digest.rows]) == (2, ["work 4 hour · Bo"])


@pytest.mark.parametrize("text", ["", "[]", "{", '{"told": [1, null]}', '{"backup_ms": "x"}'])
def test_reminders_that_cannot_be_read_say_nothing(lanxi: Commons, text: str) -> None:
    (lanxi.bo.path / reminders.FILE_NAME).write_text(text, "utf-8")
    assert reminders.read_reminders(lanxi.bo) == reminders.Reminders()


def test_an_inbox_grows_with_what_waits_and_not_with_its_square(lanxi: Commons) -> None:
    with Member(lanxi.mei) as mei:
        me = mei.view.me
    data: dict[str, Value] = {"action": "work", "provider": bytes(me), "effortQuantity": HOUR}

    def seconds(more: int) -> float:
        for _ in range(more // 300):
            homes.write(lanxi.mei, *[Wish("event", data) for _ in range(300)])
        meet(lanxi.mei, lanxi.bo)
        with Member(lanxi.bo) as bo:
            bo.view  # noqa: B018  folded before the clock starts
            times = []
            for _ in range(3):
                began = time.process_time()
                bo.inbox()
                times.append(time.process_time() - began)
        return min(times)

    small, large = seconds(300), seconds(2400)
    assert large < 20 * small, (small, large)


def test_what_waits_for_a_word_is_what_a_look_at_each_contribution_finds(lanxi: Commons) -> None:
    mei, bo, ana = lanxi.all
    one, two, three, four = (
        lanxi.json(bo, "record", "work", hours, "hours", "--scope", "beds")["id"]
        for hours in ("1", "2", "3", "4")
    )
    lanxi.json(bo, "record", "work", "5", "hours", "--provider", "Ana")
    lanxi.good(mei, "record", "work", "6", "hours")
    lanxi.meet()
    lanxi.good(mei, "attest", one, two)
    lanxi.meet()
    lanxi.good(bo, "correct", two, "1", "hour")  # Mei's word was on what it was before
    lanxi.good(bo, "correct", three, "2", "hours")
    lanxi.good(bo, "undo", four)
    lanxi.meet()
    lanxi.good(mei, "attest", three)
    with Member(mei) as member:
        view = member.view
        waiting = {row.id.hex() for row in member.waiting()}
        words = {
            key[1:].hex(): attestation_key(key[1:], row, view.me)
            for key, value in view.state.items(EVENT)
            for row in (EventRow(*value),)
            if view.me not in (row.member, row.provider)
        }
        assert waiting == {
            id for id, key in words.items() if view.state.get(key) is None and id != four
        }
        scoped = attestations.unattested(view, None, "beds")
    assert {id.hex() for id, _ in scoped} == {two}
    with Member(ana) as member:
        assert not {row.id.hex() for row in member.waiting()} & {four}
