"""Every command that writes is tried with ten inputs that would count for nothing.

All are refused before anything is written, with the reason. A command that writes needs the keys
of its device, so it takes --passphrase-file; one that is new and has no inputs here fails.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from commonweal.cli import weal as program
from commonweal.client.plans.recipe_text import EXAMPLES
from commonweal.node.service.events import Text, Wish
from commonweal.protocol.codec import Value
from commonweal.storage.home.home import Home
from tests.builders import homes
from tests.builders.commons import RULES, Commons, meet
from tests.builders.git_histories import commit, git
from tests.builders.weal import Ran, founder, good, member, weal
from tests.commands.void_inputs import REFUSED

INPUTS = 10
ROOT = Path(__file__).parents[2]

WITHOUT_RECORDS = {
    "init": "makes keys; the log begins when a community is founded or joined",
    "start": "asks what to do, and then does what found and join do",
    "up": "runs the node",
    "key passphrase": "changes the keystore alone",
    "token create": "keeps the hash of a token; what the token allows is no record",
    "seal": "asks witnesses to agree; a seal is no record of the member",
    "data open": "reads with the key of the device what was handed over, and writes a file",
}
"""Commands that open the keystore and write no record into a ledger that is here."""


class Scene:
    """A community with something of every kind, and homes that may not write.

    mei, bo, ana, full: members; the last has as many open proposals as one can have. zoe: left.
    nounits: founded a community that counts hours only. other: of another community. fresh: of
    none. nobody, new: no homes.
    """

    def __init__(self, folder: Path) -> None:
        lanxi = self.lanxi = Commons(folder)
        self.homes = dict(zip(("mei", "bo", "ana"), lanxi.all, strict=True))
        link = homes.invited(lanxi.mei, uses=2)
        for name, shown in (("zoe", "Zoe"), ("full", "Lin")):
            self.homes[name] = homes.newcomer(folder / name, link, shown)
        meet(*self.homes.values())
        for name, shown in (("zoe", "Zoe"), ("full", "Lin")):
            profile = Wish("member.profile", {}, text=Text("text/plain", shown.encode()))
            homes.write(self.homes[name], profile)
        meet(*self.homes.values())
        lanxi.adopt(RULES, folder)
        meet(*self.homes.values())
        few = folder / "few.toml"
        few.write_text('name = "Few"\n[contributions]\nunits = ["hour"]\n' + SAID, "utf-8")
        self.others = {name: folder / name for name in ("nounits", "other", "fresh")}
        member(self.others["fresh"])
        founder(self.others["other"])
        member(self.others["nounits"])
        good("found", "Few", "--rules", few, "--home", self.others["nounits"])
        self.paths = {name: home.path for name, home in self.homes.items()} | self.others
        self.paths |= {name: folder / "none" / name for name in ("nobody", "new")}
        self.folder = folder / "files"
        self.folder.mkdir()
        self.words = self._prepared() | self._files()

    def type(self, path: tuple[str, ...], typed: str) -> Ran:
        """Type a command in a home, which is the first word."""
        name, *words = shlex.split(typed)
        return weal(*path, *map(self._word, words), "--home", self.paths[name])

    def records(self) -> dict[str, int | None]:
        """Return how many records each home holds."""
        return {name: _records(path) for name, path in self.paths.items()}

    def _word(self, word: str) -> str:
        if word.startswith("{csv:"):
            file = self.folder / "rows.csv"
            file.write_text(f"a,q,u,r,s,p\n{word[5:-1]}\n", "utf-8")
            return str(file)
        return word.format(**self.words, **{name: str(path) for name, path in self.paths.items()})

    def _prepared(self) -> dict[str, str]:
        """Write something of every kind; return the ids by which inputs name it."""
        lanxi, mei, bo, ana = self.lanxi, *(self.homes[name] for name in ("mei", "bo", "ana"))
        full, words = self.homes["full"], {"nothing": "0" * 64}

        def written(key: str, home: Home, *typed: str) -> str:
            words[key] = lanxi.json(home, *typed)["id"]
            return words[key]

        written("work", mei, "record", "work", "3", "hours")
        written("disputed", mei, "record", "work", "2", "hours")
        written("noted", mei, "record", "work", "1", "hour", "--note", "dug")
        written("attested", bo, "record", "work", "1", "hour")
        written("meeting", ana, "record", "work", "1", "hour")
        written("unit", mei, "unit", "new", "crate")
        written("sold", mei, "resource", "new", "flour", "5", "kg")
        me, flour = bytes.fromhex(lanxi.json(mei, "status")["member"]), bytes.fromhex(words["sold"])
        eaten: Value = {"n": 4, "scale": 0, "unit": "kilogram"}
        used: dict[str, Value] = {"action": "consume", "provider": me}
        used |= {"resourceQuantity": eaten, "resourceInventoriedAs": flour}
        homes.write(mei, Wish("event", used))
        words |= self._things() | self._planned(mei) | self._offered(mei)
        for key in ("deal", "deal_over", "deal_agreed"):
            written(key, mei, "deal", "propose", "--with", "Bo", "--give", "work 2 hours")
        lanxi.good(mei, "deal", "withdraw", words["deal_over"])
        words |= self._lent(mei)
        written("invite", mei, "invite", "create")
        written("revoked", mei, "invite", "create")
        lanxi.good(mei, "invite", "revoke", words["revoked"])
        written("proposal", mei, "rules", "propose", "--decision", "we plant a pear tree")
        written("withdrawn", mei, "rules", "propose", "--decision", "we do not")
        lanxi.good(mei, "rules", "withdraw", words["withdrawn"])
        lanxi.good(mei, "role", "claim", "producer")
        meet(*self.homes.values())
        lanxi.good(bo, "role", "endorse", "Mei", "producer")
        lanxi.good(bo, "referral", "Mei")
        lanxi.good(bo, "deal", "accept", words["deal_agreed"])
        words |= self._booked(bo)
        lanxi.good(bo, "dispute", words["disputed"])
        lanxi.good(ana, "attest", words["attested"])
        written("claim", bo, "agent", "claim", words["agent"])
        meet(*self.homes.values())
        lanxi.good(ana, "attest", words["claim"])
        lanxi.good(mei, "book", "decline", words["booking_over"])
        lanxi.good(self.homes["zoe"], "leave", "--yes")
        for number in range(4):
            lanxi.good(full, "rules", "propose", "--decision", f"number {number}")
        meet(*self.homes.values())
        (words["closed"],) = (
            vote["id"]
            for vote in lanxi.json(mei, "vote", "list", "--all")["votes"]
            if vote["subject"] == "rules"
        )
        words["founding"] = lanxi.json(mei, "status")["community"]
        for name in ("mei", "bo", "zoe"):
            words[f"{name}_device"] = lanxi.json(self.homes[name], "status")["device"]
        words["link"] = lanxi.json(mei, "device", "add")["link"]
        words["link_without_invite"] = words["link"]
        words["code"] = good("key", "new", "-o", "json").json["code"]
        return words

    def _things(self) -> dict[str, str]:
        """Name somebody outside, begin and end processes, lend a thing; return their ids."""
        lanxi, mei = self.lanxi, self.homes["mei"]
        agent = b"a person outside"
        hour: Value = {"n": 1, "scale": 0, "unit": "hour"}
        outside: dict[str, Value] = {
            "action": "work",
            "provider": agent,
            "effortQuantity": hour,
        }
        homes.write(mei, Wish("event", outside))
        words = {"agent": agent.hex()}
        words["shop"] = lanxi.json(mei, "agent", "new", "Shop")["agent"]
        words["process"] = lanxi.json(mei, "process", "new", "baking")["id"]
        words["ended"] = lanxi.json(mei, "process", "new", "mending")["id"]
        lanxi.good(mei, "process", "end", words["ended"])
        seeds = self.folder / "seeds.csv"
        seeds.write_text("pear,3\n", "utf-8")
        words["data"] = lanxi.json(mei, "data", "add", seeds, "--as", "seeds")["id"]
        words["ladder"] = lanxi.json(mei, "resource", "new", "ladder", "1", "piece")["id"]
        lanxi.good(mei, "resource", "lend", "ladder", "Bo")
        return words

    def _planned(self, home: Home) -> dict[str, str]:
        """Plan to bake; return the id of a part of the plan."""
        (self.folder / "bread.toml").write_text(EXAMPLES["en"], "utf-8")
        self.lanxi.good(home, "recipe", "new", self.folder / "bread.toml")
        plan = self.lanxi.json(home, "plan", "from", "Bread", "9")["id"]
        part = self.lanxi.json(home, "plan", "show", plan)["parts"][0]["id"]
        ended = self.lanxi.json(home, "plan", "from", "Bread", "1")["id"]
        self.lanxi.good(home, "plan", "end", ended)
        return {"part": part, "plan": plan, "ended_plan": ended}

    def _lent(self, home: Home) -> dict[str, str]:
        """Let a cart be booked; return the id of a block."""
        self.lanxi.good(home, "resource", "new", "cart", "1", "piece")
        self.lanxi.good(home, "thing", "terms", "cart", "--max", "3d")
        return {"block": self.lanxi.json(home, "thing", "block", "cart", "in 60 days")["id"]}

    def _booked(self, home: Home) -> dict[str, str]:
        """Ask for the cart twice; return the ids."""
        words = {}
        for key, when in (("booking", "in 4 weeks"), ("booking_over", "in 5 weeks")):
            (booking,) = self.lanxi.json(home, "book", "cart", when)["bookings"]
            words[key] = booking["id"]
        return words

    def _offered(self, home: Home) -> dict[str, str]:
        """Offer and need something; return the ids, and that of an offer that was withdrawn."""
        until = ("--until", "in 60 days")
        words = {
            sort: self.lanxi.json(home, sort, "advice", "1", "hour", *until)["id"]
            for sort in ("offer", "need")
        }
        gone = self.lanxi.json(home, "offer", "advice", "1", "hour")["id"]
        self.lanxi.good(home, "offer", "withdraw", gone)
        return words | {"gone": gone}

    def _files(self) -> dict[str, str]:
        """Make the files that inputs name."""
        (self.folder / "bad.toml").write_text("name = 3\n", "utf-8")
        (self.folder / "rules.toml").write_text(RULES.replace("1,000", "2,000"), "utf-8")
        for name, old, new in (
            ("luck", '"knowledge"', '"luck"'),
            ("turned", 'what = "flour"', 'what = "bread"'),
        ):
            (self.folder / f"{name}.toml").write_text(EXAMPLES["en"].replace(old, new), "utf-8")
        (self.folder / "authors").write_text("Ann <ann@example.org>\n", "utf-8")
        for name, content in PLATFORMS.items():
            (self.folder / name).write_text(content, "utf-8")
        empty = self.folder / "empty"
        empty.mkdir()
        seeds = self.folder / "seeds"
        seeds.mkdir()
        git(seeds, "init", "--quiet", "--initial-branch=main")
        commit(seeds, "sort the beans")
        named = {"bad_rules": "bad.toml", "rules": "rules.toml", "authors": "authors"}
        named |= {name: name for name in PLATFORMS}
        named |= {"recipe": "bread.toml", "luck": "luck.toml", "turned": "turned.toml"}
        files = {key: str(self.folder / name) for key, name in named.items()}
        return files | {"folder": str(empty), "git": str(seeds)}


PLATFORMS = {
    "oc": '[{"id": "a", "type": "CREDIT", "createdAt": "2024-01-01T00:00Z", "fromAccount":'
    ' {"slug": "a"}, "amount": {"value": 1, "currency": "EUR"}}]',
    "gh": '[{"login": "a", "contributions": 1}]',
    "loomio": '{"table": "outcomes", "record": {"id": 1, "statement": "yes", "author_id": 1,'
    ' "created_at": "2024-01-01T00:00Z"}}',
}
"""What other platforms export, by the name of the file."""
SAID = 'en = "Hours only."\nzh = "只计小时。"\n'


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return Scene(tmp_path_factory.mktemp("scene"))


def test_every_command_that_writes_has_inputs() -> None:
    writing = {path for path, command in _commands() if _takes_keys(command)}
    known = {*REFUSED, *(tuple(name.split()) for name in WITHOUT_RECORDS)}
    assert writing == known, "give a new command ten inputs that would count for nothing"
    assert {path: len(inputs) for path, inputs in REFUSED.items()} == dict.fromkeys(REFUSED, INPUTS)


@pytest.mark.parametrize("path", REFUSED, ids=" ".join)
def test_what_would_count_for_nothing_is_not_written(path: tuple[str, ...], scene: Scene) -> None:
    before = scene.records()
    for typed in REFUSED[path]:
        ran = scene.type(path, typed)
        assert ran.code not in (0, 1), f"{path} {typed}: {ran}"
        lines = ran.err.strip().splitlines()
        assert len(lines) > 1 or "Error:" in ran.err, f"{path} {typed}: no reason: {ran}"
        assert scene.records() == before, f"{path} {typed}: something was written"


def test_only_drafts_and_an_import_write() -> None:
    users = {
        str(path.relative_to(ROOT))
        for folder in ("client", "commands")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(
            r"client\.home\.submit import (?:\([^)]*|[^\n]*)\bwriter\b", path.read_text("utf-8")
        )
    }
    assert users == {
        "client/ledger/drafts.py",
        "client/platforms/platform_import.py",
        "client/sheets/sheet_import.py",
        "client/importers/git_import.py",
    }


def _commands() -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield every command that can be typed, by its words."""
    context = click.Context(program)
    for name in program.list_commands(context):
        command = program.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from (((name, inner), found) for inner, found in command.commands.items())
        else:
            yield (name,), command


def _takes_keys(command: click.Command) -> bool:
    return any(parameter.name == "passphrase_file" for parameter in command.params)


def _records(path: Path) -> int | None:
    """Return how many records a home holds; None where there is none."""
    if not (path / "ledger.db").exists():
        return None
    with Home(path).store(readonly=True) as store:
        return store.counts().records
