"""What the API reads is what the commands write with `-o json`, and comes in parts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from commonweal.client import Member
from commonweal.client.language.plain import plain
from commonweal.web.api.application import SUBJECTS
from commonweal.web.api.cursors import NAMED_ROWS
from tests.builders.api_calls import Caller, calling
from tests.builders.weal import good
from tests.web.api.test_writes import fits
from tests.web.api.village import WORK, Village

READS: dict[str, Any] = {
    route.path: route.responses[200]["model"]
    for subject in SUBJECTS
    for route in subject.router.routes
    if "GET" in getattr(route, "methods", ())
}
"""The schema of the answer of each read, by its path."""

EQUAL = [
    ("/status", "status"),
    ("/inbox", "inbox"),
    ("/records/{work}", "show {work}"),
    ("/seals", "seals --last 100"),
    ("/contributions", "ledger"),
    ("/contributions?member=Mei&action=work&scope=garden", "ledger --member Mei --scope garden"),
    ("/contributions?since=2026-11-23&until=2026-11-24", "ledger --since 2026-11-23 --until 1d"),
    ("/explanations/{work}", "explain {work}"),
    ("/explanations/{income}", "explain {income}"),
    ("/explanations/{proposal}", "explain {proposal}"),
    ("/traces/{thing}", "trace {thing}"),
    ("/traces/{thing}?up=false", "trace --down {thing}"),
    ("/attests", "attest"),
    ("/members", "members"),
    ("/devices", "device list"),
    ("/devices?member=Bo", "device list --member Bo"),
    ("/roles", "role list"),
    ("/invites", "invite list"),
    ("/shares", "shares"),
    ("/shares?if_sealed=true", "shares --if-sealed"),
    ("/shares/lines", "shares --lines"),
    ("/balance", "balance"),
    ("/balance?member=Bo", "balance Bo"),
    ("/balances", "balance --all"),
    ("/set-offs", "settle --net --dry-run"),
    ("/claims", "claims"),
    ("/claims?settled=false&if_sealed=true", "claims --open --if-sealed"),
    ("/payouts", "payouts"),
    ("/rounds", "round list"),
    ("/rounds/circle", "round show circle"),
    ("/rules", "rules show"),
    ("/rules?proposal={proposal}", "rules show --proposal {proposal}"),
    ("/rules/history", "rules history"),
    ("/proposals", "vote list"),
    ("/proposals?decided=true", "vote list --all"),
    ("/proposals/{proposal}", "vote show {proposal}"),
    ("/resources", "resource list"),
    ("/resources?name=ladder", "resource list ladder"),
    ("/resources/{thing}", "resource show {thing}"),
    ("/units", "unit list"),
    ("/specifications", "spec list"),
    ("/processes?ended=true", "process list --all"),
    ("/agents", "agent list"),
    ("/recipes", "recipe list"),
    ("/recipes/Bread", "recipe show Bread"),
    ("/plans?ended=true", "plan list --all"),
    ("/plans/{plan}", "plan show {plan}"),
    ("/deals", "deal list"),
    ("/deals?closed=true&everyone=true", "deal list --all --everyone"),
    ("/deals/{deal}", "deal show {deal}"),
    ("/lent-things", "thing list"),
    ("/lent-things/{thing}", "thing terms {thing}"),
    ("/campaigns", "campaign list"),
    ("/campaigns?closed=true", "campaign list --all"),
    ("/campaigns/{campaign}", "campaign show {campaign}"),
    ("/promotions", "promote list"),
    ("/promotions?mine=true", "promote list --mine"),
    ("/offer-referrals", "promote referrals"),
    ("/offer-referrals?mine=true", "promote referrals --mine"),
    ("/commissions", "promote earned"),
    ("/commissions?mine=true", "promote earned --mine"),
    ("/bookings", "book list"),
    ("/bookings?resource=ladder&past=true", "book list ladder --past"),
    ("/bookings?everyone=true", "book list --all"),
    ("/bookings/{booking}", "book show {booking}"),
    ("/reviews", "review list"),
    ("/reviews?deal={deal}&everyone=true", "review list {deal} --everyone"),
    ("/consents", "consent list"),
    ("/consents?ended=true", "consent list --all"),
    ("/consents/{consent}", "consent show {consent}"),
    ("/projects", "project list"),
    ("/projects?closed=true", "project list --closed"),
    ("/projects/{project}", "project show {project}"),
    ("/project-totals", "project totals"),
    ("/data", "data list"),
    ("/data-uses", "data list --uses"),
    ("/calendar", "calendar"),
    ("/calendar?from=today&to=tomorrow&mine=true", "calendar --from today --to tomorrow --mine"),
    ("/market", "market"),
    ("/market?mine=true&state=all&member=Mei", "market --mine --state all --member Mei"),
    ("/market?sort=offer&text=repair", "market --offers --text repair"),
    ("/offers?tag=bike", "market --offers --tag bike"),
    ("/needs", "market --needs"),
    ("/matches", "match"),
    ("/matches?member=Bo", "match --for Bo"),
    ("/matches/round", "match --round"),
    ("/matches/rings", "match --rings"),
    ("/matches/swaps", "match --swaps"),
    ("/reports/factors", "report factors"),
    ("/reports/factors?from=1&to=1", "report factors --from 1 --to 1"),
    ("/reports/funnel", "report funnel"),
    ("/reports/kept", "report kept"),
    ("/reports/things", "report things"),
]
WITHOUT_A_COMMAND = {
    "/peers": "needs a node: docs/http-api.md and test_schema ask one",
    "/deadlines": Member.deadlines,
    "/reports/money": Member.money_flow,
    "/reports/community": Member.report,
    "/contributions/{id}/forecast": "what `record` says beside the id",
    "/market/tags": Member.market_tags,
    "/owned-data": Member.owned_data,
    "/used-data": Member.data_uses,
    "/review-stars": "a part of `report kept`, of all members: below",
    "/consents/{id}/receipt": "has a time of its own: test_consents asks one",
    "/offers/{id}": "one row of the market: below",
    "/promotions/{id}": "one row of those that are promoted: below",
    "/proposals/{id}/trial": "needs a trial: the backtest has the same form",
}


@pytest.fixture(scope="module")
def reader(village: Village) -> Iterator[Caller]:
    with calling(village.mei.path, "read") as caller:
        yield caller


def of(path: str) -> str:
    """Return the path of the document that a call is of."""
    asked = path.partition("?")[0]
    if asked in READS:
        return asked
    patterns = {known: re.sub("{[a-z]+}", "[^/]+", known) for known in READS}
    (fitting,) = (known for known, pattern in patterns.items() if re.fullmatch(pattern, asked))
    return fitting


def test_every_read_is_compared_or_has_a_reason() -> None:
    assert {of(path) for path, _ in EQUAL} | WITHOUT_A_COMMAND.keys() == READS.keys()


@pytest.mark.parametrize(("path", "command"), EQUAL)
def test_a_read_is_equal_to_its_command(
    village: Village,
    reader: Caller,
    path: str,
    command: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COMMONWEAL_HOME", str(village.mei.path))
    ids = {name: id for name, id in vars(village).items() if isinstance(id, str)}
    given = reader.get(path.format(**ids), **({} if "?" in path else paging(path)))
    assert fits(READS[of(path)], given)
    assert given.pop("next", None) is None
    assert given == good(*command.format(**ids).split(), "-o", "json").json


def paging(path: str) -> dict[str, int]:
    return {"limit": 1000} if "next" in getattr(READS[of(path)], "model_fields", {}) else {}


@pytest.mark.parametrize("path", ["/deadlines", "/reports/money", "/reports/community"])
def test_a_read_is_equal_to_its_method(village: Village, reader: Caller, path: str) -> None:
    method: Any = WITHOUT_A_COMMAND[path]
    with Member(village.mei) as mei:
        wanted = plain(method(mei))
    given = reader.get(path)
    assert fits(READS[path], given)
    if path == "/deadlines":
        given.pop("as_of"), wanted.pop("as_of")
    assert given == wanted


def test_stars_count_what_is_open_and_show_nothing_before(village: Village, reader: Caller) -> None:
    given = reader.get("/review-stars")
    assert fits(READS["/review-stars"], given)
    (bo,) = given["members"]
    assert (bo["member_name"], bo["reviews"], bo["stars_tenths"]) == ("Bo", 1, 40)
    assert (bo["opened"], bo["on_time"], bo["as_agreed"], bo["withheld"]) == (1, 0, 1, 0)
    listed = {row["member_name"]: row for row in reader.get("/reviews")["reviews"]}
    assert (listed["Mei"]["state"], listed["Mei"]["text"]) == ("open", "Good work.")
    assert (listed["Bo"]["state"], listed["Bo"]["rating"]) == ("both", None)


def test_an_offer_is_its_row_of_the_market(village: Village, reader: Caller) -> None:
    listed = {row["id"]: row for row in reader.get("/market", limit=1000)["offers"]}
    for id in (village.offer, village.need):
        given = reader.get(f"/offers/{id}")
        assert fits(READS["/offers/{id}"], given)
        assert given == listed[id]
    tags = reader.get("/market/tags")
    assert fits(READS["/market/tags"], tags)
    assert tags["tags"] == [{"tag": tag, "offers": 1} for tag in ("bike", "maths", "pruning")]
    assert reader.try_get(f"/offers/{village.plan}").status_code == 404


def test_a_promotion_is_its_row_of_the_list(village: Village, reader: Caller) -> None:
    (listed,) = reader.get("/promotions")["promotions"]
    for name in (village.promotion, village.promotion[:12]):
        given = reader.get(f"/promotions/{name}")
        assert fits(READS["/promotions/{id}"], given)
        assert given == listed
    assert (listed["state"], listed["referrals"], listed["commissions"]) == ("ended", 1, 1)
    (owed,) = reader.get("/commissions")["commissions"]
    assert (owed["state"], owed["amount"], owed["open"]) == ("paid", "0.99", "0.00")
    assert reader.try_get(f"/promotions/{village.offer}").status_code == 404


def test_a_campaign_that_a_seal_closed_says_what_is_owed(village: Village, reader: Caller) -> None:
    given = reader.get(f"/campaigns/{village.campaign}")
    assert (given["state"], given["counted"]) == ("collecting", "11")
    assert {row["member_name"]: row["counts"] for row in given["backers"]}["Bo"] == "11"
    _sent, paid = village.answers["/campaigns/{id}/payment"]
    assert (paid["amount"], paid["left"]) == ("4", "7")


def test_what_cannot_be_offered_is_refused_by_the_api(caller: Caller) -> None:
    offer = {"what": "repair", "quantity": "2", "unit": "hours"}
    for more, status in (
        ({"quantity": "0"}, 400),
        ({"until": "2020-01-01"}, 400),
        ({"minimum": "3"}, 400),
        ({"price": ["much"]}, 400),
        ({"to": ["Nobody"]}, 404),
        ({"unit": "furlong"}, 422),
        ({"unknown": 1}, 422),
        ({"tags": ["a"] * 9}, 422),
        ({"more": [offer] * 17}, 422),
    ):
        given = caller.try_post("/offers", offer | more)
        assert given.status_code == status, (more, given.text)
    assert caller.get("/market")["total"] == 0
    assert caller.try_get("/market?tag=bike").status_code == 400
    assert caller.try_get("/market?state=gone").status_code == 422


def test_a_forecast_is_that_of_the_record(village: Village, reader: Caller) -> None:
    _sent, given = village.answers["/contributions"]
    forecast = reader.get(f"/contributions/{given['id']}/forecast")
    assert given["forecast"] == forecast | {"attestations_missing": 1}
    assert reader.try_get(f"/contributions/{village.proposal}/forecast").status_code == 404


def test_a_file_of_rules_is_compared_as_by_the_commands(village: Village, reader: Caller) -> None:
    file = village.mei.path.parent / "other.toml"
    file.write_text(village.rules, "utf-8")
    other, proposed = {"toml": village.rules}, {"proposal": village.proposal}
    for asked, typed in ((other, str(file)), (proposed, village.proposal)):
        for path, command in (("/rules/diff", "diff"), ("/rules/backtest", "backtest")):
            wanted = village.lanxi.json(village.mei, "rules", command, typed)
            given = reader.post(path, asked)
            given.pop("next", None)
            assert given == wanted
    assert reader.post("/rules/check", other) == village.lanxi.json(
        village.mei, "rules", "check", file
    )
    bad = reader.post("/rules/check", {"toml": "name = 3\n"})
    assert not bad["ok"] and bad["problems"]
    for asked in ({}, other | proposed):
        assert reader.try_post("/rules/diff", asked).status_code == 400
    assert reader.try_post("/rules/diff", {"proposal": "/etc/passwd"}).status_code == 422


def test_a_list_in_parts_is_the_list(village: Village, reader: Caller) -> None:
    lists = {"/contributions": "records", "/units": "units", "/claims": "claims", "/inbox": "waits"}
    for path, name in lists.items():
        whole = reader.get(path, limit=1000)[name]
        parts: list[Any] = []
        rest: str | None = ""
        while rest is not None:
            given = reader.get(path, limit=2, **({"cursor": rest} if rest else {}))
            assert len(given[name]) <= 2
            parts += given[name]
            rest = given["next"]
        assert parts == whole


def test_what_comes_meanwhile_moves_no_part(caller: Caller) -> None:
    ids = [caller.post("/contributions", WORK)["id"] for _ in range(6)]
    newest = ids[::-1]
    first = caller.get("/contributions", limit=2)
    assert [row["id"] for row in first["records"]] == newest[:2]
    caller.post("/contributions", WORK | {"when": "2026-01-05"})
    caller.post("/contributions", WORK)
    caller.post(f"/contributions/{newest[1]}/withdrawal")
    second = caller.get("/contributions", limit=2, cursor=first["next"])
    assert [row["id"] for row in second["records"]] == newest[2:4]


def test_a_row_that_left_the_list_does_not_end_it(caller: Caller) -> None:
    ids = [caller.post("/processes", {"name": f"p{n}"})["id"] for n in range(NAMED_ROWS + 3)]
    listed = caller.get("/processes", limit=NAMED_ROWS + 1)
    for id in ids[2 : NAMED_ROWS + 1]:
        caller.post(f"/processes/{id}/end")
    rest = caller.get("/processes", cursor=listed["next"])["processes"]
    assert [row["id"] for row in rest] == ids[NAMED_ROWS + 1 :]
    caller.post(f"/processes/{ids[1]}/end")
    given = caller.try_get("/processes", cursor=listed["next"])
    assert (given.status_code, given.json()["error"]["code"]) == (400, "usage_error")


def test_numbers_are_exact(caller: Caller) -> None:
    quantity = "3.000000001"
    caller.post("/contributions", WORK | {"action": "produce", "quantity": quantity, "unit": "kg"})
    (row,) = caller.get("/contributions")["records"]
    assert Decimal(row["quantity"]) == Decimal(quantity)
