"""`weal import`: contributions that are written down elsewhere already.

What is here already is not written again, so an import that was cut off is completed by
typing it again. Names and addresses of people stand in erasable bodies only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from os import urandom
from pathlib import Path
from typing import TYPE_CHECKING

import click

from commonweal.client.home.node_client import call
from commonweal.client.home.submit import WrittenRecord, writer
from commonweal.client.importers.git import Commit, Repository
from commonweal.client.importers.mailmap import Mailmap, Person
from commonweal.client.importers.rows import HASH_BYTES as ROW_BYTES
from commonweal.client.importers.rows import ROW_KEY, events_naming, wishes_of
from commonweal.client.importers.sheet import at, read_mapping, read_rows
from commonweal.client.language.quantity import read_scope
from commonweal.client.language.visible_text import visible
from commonweal.client.ledger.directory import People
from commonweal.client.ledger.drafts import BATCH_BYTES_MAX, BATCH_RECORDS, Drafts
from commonweal.client.ledger.drafts import batches as in_batches
from commonweal.client.ledger.fork_losses import void_records
from commonweal.client.ledger.notes import ID_DIGITS
from commonweal.client.ledger.texts import body_of, text_of
from commonweal.commands.terminal.language import _, ngettext, spoken
from commonweal.commands.terminal.ledger import folded
from commonweal.commands.terminal.member import member_of
from commonweal.commands.terminal.options import (
    form_option,
    home_option,
    passphrase_option,
    unlocking,
)
from commonweal.commands.terminal.output import Form, say, warn, write_json
from commonweal.commands.terminal.progress import progress
from commonweal.protocol import codec
from commonweal.protocol.errors import NotPermitted, UnknownId, WouldNotCount
from commonweal.protocol.ledger.members import membership
from commonweal.protocol.ledger.members.agents import OUTSIDE_BYTES
from commonweal.protocol.records.record import Record
from commonweal.storage.home.home import Home, Settings
from commonweal.storage.records.log_store import Store

if TYPE_CHECKING:
    from commonweal.node.service.events import Wish

COMMIT_KEY = "commit"
"""Where the data of an event names the commit that it stands for: 20 or 32 bytes."""
HASH_BYTES = (20, 32)
EMAIL_CHARS_MAX = 320

_AUTHOR = re.compile(r".* — (.*) <([^<>]*)>")
"""How the text of such an event ends."""


@click.group("import")
def import_() -> None:
    """Take in what is written down elsewhere: git commits, or a sheet (CSV)."""


@import_.command("git")
@click.argument("repo", type=click.Path(path_type=Path))
@click.option("--since", metavar="REV", help="Leave out what leads to this revision.")
@click.option(
    "--authors",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Who is a member: lines like NAME <EMAIL>, as git's mailmap has them.",
)
@click.option("--scope", metavar="TEXT", help="What it was for; else the repository's name.")
@click.option("--wait", type=click.IntRange(0), default=0, help="Wait until so many peers hold it.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def git(
    repo: Path,
    since: str | None,
    authors: Path | None,
    scope: str | None,
    wait: int,
    passphrase_file: Path | None,
    home: Home,
    form: Form,
) -> None:
    """Take in every commit that leads to HEAD of the git repository in the folder REPO.

    Each is what its author produced. Authors that FILE does not name stay outside the
    community. Nothing is taken in twice.
    """
    mailmap = Mailmap.read(authors, spoken()) if authors else Mailmap()
    repository = Repository(repo, since, spoken())
    name = read_scope(repository.name if scope is None else scope, spoken())
    _be_the_only_one(home)
    if wait:
        call(home).close()  # nothing is written when nobody can be waited for
    total = repository.count()
    last: list[WrittenRecord] = []
    written = 0
    with folded(home) as ledger:
        ours, drafts = Ours(ledger.store, ledger.settings, mailmap), ledger.drafts()
        _check_commits(repository, ours, name, drafts)
        with (
            writer(home, unlocking(passphrase_file)) as write_batch,
            progress(visible(name), total) as advance,
        ):
            for seen, batch in batches(repository.commits(), ours, name):
                if batch:
                    last = write_batch([drafts.alone(wish)[0] for wish in batch])
                    written += len(last)
                advance(seen)
    for unknown in ours.strangers:
        warn(_("{name} is no member's name here").format(name=visible(unknown)))
    if form is Form.JSON:
        write_json({"commits": total, "written": written, "here": total - written, "scope": name})
    else:
        taken = ngettext("Took in {n} commit", "Took in {n} commits", written)
        say(
            _("{taken}; {here} of {total} were here already.").format(
                taken=taken.format(n=written), here=total - written, total=total
            )
        )
    if wait and last:
        with member_of(home) as me:
            held = me.wait_until_held(last, wait)
        warn(ngettext("held by {held} peer", "held by {held} peers", held).format(held=held))


@import_.command("csv")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--map", "mapping", required=True, metavar="MAPPING", help="Which column says what.")
@click.option("--dry-run", is_flag=True, help="Read and check all of it, and write nothing.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def csv(
    file: Path,
    mapping: str,
    dry_run: bool,
    passphrase_file: Path | None,
    home: Home,
    form: Form,
) -> None:
    """Take in the rows of the sheet FILE (CSV), each as a contribution.

    MAPPING is field=column,field==value,... or a TOML file with tables [columns] and
    [values]. Fields are action, quantity, unit, and perhaps provider, receiver, scope, note
    and date. When one row cannot be read, none is taken in; what is here already is not
    taken in twice.
    """
    rows = read_rows(file, read_mapping(mapping, spoken()), spoken())
    if not dry_run:
        _be_the_only_one(home)
    with folded(home) as ledger:
        drafts = ledger.drafts()
        wishes = wishes_of(rows, file, ledger.store, ledger.settings, warn, spoken())
        _check(drafts, ((at(file, line, "", spoken()), wish) for line, wish in wishes), file)
    written = 0
    if wishes and not dry_run:
        with (
            writer(home, unlocking(passphrase_file)) as write_batch,
            progress(visible(file.name), len(wishes)) as advance,
        ):
            for batch in in_batches(drafts.wishes):
                written += len(write_batch(batch))
                advance(len(batch))
    here = len(rows) - len(wishes)
    if form is Form.JSON:
        return write_json({"rows": len(rows), "new": len(wishes), "written": written, "here": here})
    if dry_run:
        new = ngettext("{n} row would be taken in", "{n} rows would be taken in", len(wishes))
    else:
        new = ngettext("Took in {n} row", "Took in {n} rows", len(wishes))
    return say(
        _("{taken}; {here} of {total} were here already.").format(
            taken=new.format(n=len(wishes)), here=here, total=len(rows)
        )
    )


@import_.command("home")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def home_(folder: Path, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Take in what counts for nothing in the home FOLDER of yours, because its log forked.

    Contributions are recorded again on this device, with their notes; nothing is taken in twice.
    """
    from commonweal.node.service.events import Text, Wish

    _be_the_only_one(home)
    void = [loss.record for loss in void_records(Home(folder)) if loss.record.kind == "event"]
    wishes = []
    with folded(home) as ledger, Home(folder).store(readonly=True) as old:
        store, drafts = ledger.store, ledger.drafts()
        ours, theirs = ledger.settings, Settings.read(old)
        if (ours.community, ours.member) != (theirs.community, theirs.member):
            raise NotPermitted(_("{path} is not a home of yours here").format(path=folder))
        here = {event.data[ROW_KEY] for event in events_naming(store, ROW_KEY, ROW_BYTES)}
        for record in void:
            data = {ROW_KEY: bytes(record.id), **record.data}
            body = body_of(old, record.id)
            text = None if body is None else Text(*body)
            cited = tuple(id for id in record.deps if store.clock_of(id) is not None)
            if data[ROW_KEY] not in here:
                wishes.append(
                    (f"{record.id.hex()[:ID_DIGITS]}: ", Wish(record.kind, data, cited, text))
                )
        _check(drafts, wishes, folder)
    written = len(drafts.write(home, unlocking(passphrase_file))) if wishes else 0
    if form is Form.JSON:
        return write_json({"void": len(void), "written": written, "here": len(void) - written})
    words = ngettext("Recorded {n} contribution again", "Recorded {n} contributions again", written)
    said = _("{taken}; {here} of {total} were here already.")
    taken, here_already = words.format(n=written), len(void) - written
    return say(said.format(taken=taken, here=here_already, total=len(void)))


class Ours:
    """What of a repository is in the ledger, and who its authors are there."""

    def __init__(self, store: Store, settings: Settings, mailmap: Mailmap) -> None:
        """Read the events that stand for commits, and the names of members."""
        people = People(store, settings.here, words=spoken())
        self._mailmap = mailmap
        self._members: dict[str, bytes] = {}
        self.strangers: list[str] = []
        """Names that the mailmap gives and no member has."""
        for name in mailmap.names():
            try:
                self._members[name] = bytes(people.find_active(name))
            except UnknownId:
                self.strangers.append(name)
        self.commits: set[bytes] = set()
        """Those that are here, whoever took them in."""
        self._agents: dict[str, bytes] = {}
        self._known: set[bytes] = set()
        mine = {device.key for device in membership.devices(people.state, settings.member)}
        for record in events_naming(store, COMMIT_KEY, *HASH_BYTES):
            self.commits.add(record.data[COMMIT_KEY])
            # What others say of an address is theirs: it gives nobody the work that we take in.
            if record.author in mine:
                self._note_agent(store, record)

    def provider(self, person: Person) -> bytes:
        """Return the member, or the agent outside who has this address; a new one at first."""
        member = self._members.get(person.name)
        if member is not None:
            return member
        return self._agents.setdefault(_address(person), urandom(OUTSIDE_BYTES))

    def author(self, commit: Commit) -> Person:
        """Return who made a commit, as the mailmap has it."""
        name, email = self._mailmap.person(commit.name, commit.email)
        return Person(name, email[:EMAIL_CHARS_MAX])

    def _note_agent(self, store: Store, record: Record) -> None:
        agent = record.data.get("provider")
        if type(agent) is not bytes or len(agent) != OUTSIDE_BYTES or agent in self._known:
            return
        author = _AUTHOR.fullmatch(text_of(store, record.id) or "")
        if author:
            self._agents.setdefault(_address(Person(author[1], author[2])), agent)
            self._known.add(agent)


def batches(commits: Iterator[Commit], ours: Ours, scope: str) -> Iterator[tuple[int, list[Wish]]]:
    """Yield how many commits were looked at, and the wishes for those that are not here."""
    batch: list[Wish] = []
    seen = size = 0
    for commit in commits:
        seen += 1
        if commit.hash in ours.commits:
            continue
        ours.commits.add(commit.hash)
        wish = _wish(commit, ours, scope)
        batch.append(wish)
        size += len(wish.text.content) if wish.text else 0
        if len(batch) == BATCH_RECORDS or size > BATCH_BYTES_MAX:
            yield seen, batch
            batch, seen, size = [], 0, 0
    yield seen, batch


def _check(drafts: Drafts, rows: Iterable[tuple[str, Wish]], source: Path) -> None:
    """Draft all rows; say of each that would count for nothing why, and raise WouldNotCount then.

    rows: each with its place, in words. source: what they are taken from.
    """
    wrong = 0
    for place, wish in rows:
        reason = drafts.check(wish).reason
        if reason is not None:
            wrong += 1
            warn(f"{place}{drafts.refusal(reason)}")
    _refuse(wrong, source)


def _check_commits(repository: Repository, ours: Ours, scope: str, drafts: Drafts) -> None:
    """Do as `_check` for all commits that are not here; they are too many to be kept."""
    wrong = 0
    for commit in repository.commits():
        if commit.hash not in ours.commits:
            reason = drafts.alone(_wish(commit, ours, scope))[1]
            if reason is not None:
                wrong += 1
                warn(f"{commit.hash.hex()[:ID_DIGITS]}: {drafts.refusal(reason)}")
    _refuse(wrong, repository.name)


def _refuse(wrong: int, source: object) -> None:
    if wrong:
        few = ngettext("{n} row would count for nothing", "{n} rows would count for nothing", wrong)
        raise WouldNotCount(f"{visible(str(source))}: {few.format(n=wrong)}")


def _be_the_only_one(home: Home) -> None:
    """Let nobody else import here until this command ends: two would both take in what is new."""
    with home.store(readonly=True):
        pass  # an older home is brought up to date before
    click.get_current_context().with_resource(home.importing())


def _address(person: Person) -> str:
    return (person.email or person.name).lower()


def _wish(commit: Commit, ours: Ours, scope: str) -> Wish:
    from commonweal.node.service.events import Text, Wish

    author = ours.author(commit)
    data: dict[str, codec.Value] = {
        "action": "produce",
        "provider": ours.provider(author),
        "resourceQuantity": {"n": 1, "scale": 0, "unit": "commit"},
        "inScopeOf": scope,
        "hasPointInTime": commit.authored_at,
        COMMIT_KEY: commit.hash,
    }
    text = f"{commit.subject} — {author.name} <{author.email}>"
    return Wish("event", data, (), Text("text/plain", text.encode()))
