"""`weal seal` and `weal seals`: what is final, and making what waits final now."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commonweal.client.ledger_view import LedgerView
from commonweal.client.submit import line_or_lock, now_ms, service_of
from commonweal.client.times import iso, shown
from commonweal.commands.terminal.language import _, ngettext, spoken
from commonweal.commands.terminal.ledger import folded
from commonweal.commands.terminal.options import form_option, home_option, passphrase_option, unlock
from commonweal.commands.terminal.output import Column, Form, say, warn, write_json
from commonweal.commands.terminal.progress import LEFT_SHOWN_MIN, progress
from commonweal.commands.terminal.tables import table
from commonweal.protocol.errors import NotYet
from commonweal.protocol.ledger.state.state import State
from commonweal.storage.home.home import Home, Settings
from commonweal.storage.ledger import ledger

if TYPE_CHECKING:
    from commonweal.node.control.client import LocalClient

WAIT_SECONDS = 60
SEALS_LISTED = 20
FIELDS = ("height", "time", "records", "signed", "witnesses", "round", "seal")


@click.command("seal")
@click.option(
    "--wait",
    type=click.IntRange(1, 24 * 3600),
    default=WAIT_SECONDS,
    metavar="SECONDS",
    help="So long it is waited for the other witnesses.",
)
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def seal(wait: int, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Make final now what waits: votes are counted, rules come into force, shares are paid.

    It happens by itself too, a while after something was written. The witnesses must agree,
    so your node must run (`weal up`), unless yours is the only device that witnesses.
    """
    with home.store(readonly=True) as store:
        Settings.read(store).here  # noqa: B018  raises without a community
    with ExitStack() as held:
        line = line_or_lock(home, held)
        answer = _alone(home, passphrase_file) if line is None else _through(line, wait, home)
    height, records = answer["height"], 0
    if not answer["is_sealed"]:
        if form is Form.JSON:
            return write_json({"height": height, "records": 0})
        return say(_("Nothing is new since height {height}.").format(height=height))
    with folded(home) as found:
        asked = "SELECT records FROM seal_row WHERE height = ?"
        for (count,) in found.kept.layers.rows(asked, (height,)):
            records = int(count)
    if form is Form.JSON:
        return write_json({"height": height, "records": records})
    many = ngettext("{n} record is final", "{n} records are final", records).format(n=records)
    return say(_("Height {height}: {many}.").format(height=height, many=many))


@click.command("seals")
@click.option(
    "--last",
    type=click.IntRange(1),
    default=SEALS_LISTED,
    metavar="N",
    help="The last so many.",
)
@home_option
@form_option()
def seals(last: int, home: Home, form: Form) -> None:
    """List the seals: when each was made, what it made final, and who signed it."""
    from commonweal.protocol.ledger.members import membership
    from commonweal.storage.records.seal_store import SealStore

    with folded(home) as found:
        kept = SealStore(found.store, found.community)
        rows: list[dict[str, Any]] = []
        times: dict[int, int] = {}
        asked = "SELECT records FROM seal_row WHERE height = ?"
        for height in kept.heights[-last:]:
            one = kept.at(height)
            assert one is not None, "the chain has no gaps"
            sealed, certificate = one.sealed.seal, one.sealed.certificate
            times[height] = sealed.time_ms
            signers = [device for device, _signature in certificate.signatures]
            members = [membership.member_of(found.state, device) for device in signers]
            counted = found.kept.layers.rows(asked, (height,))
            rows.append(
                {
                    "height": height,
                    "time": iso(sealed.time_ms),
                    "records": int(counted[0][0]) if counted else None,
                    "signed": [found.name(member) for member in members],
                    "devices": [device.hex() for device in signers],
                    "witnesses": len(one.sealed.witnesses),
                    "round": certificate.round,
                    "seal": sealed.id.hex(),
                    "state_root": sealed.state_root.hex(),
                    "cut_root": sealed.cut_root.hex(),
                    "ruleset": sealed.ruleset.hex(),
                }
            )
        standing = found.standing()
    if form is Form.TEXT:
        rows = [{**row, "time": shown(times[row["height"]])} for row in rows]
    if form is Form.CSV:
        rows = [{**row, "signed": " ".join(row["devices"])} for row in rows]
    return table(
        form,
        "seals",
        rows,
        FIELDS,
        [
            Column("height", _("height"), is_number=True),
            Column("time", _("time")),
            Column("records", _("records"), is_number=True),
            Column("signed", _("signed by")),
        ],
        standing,
    )


def waiting_words(found: Mapping[str, Any], home: Home) -> str:
    """Return for whom a seal waits, as the node says: who is missing, and how many must agree."""
    from commonweal.client.directory import People

    with home.store(readonly=True) as store:
        people = People(store, Settings.read(store).here, words=spoken())
        names = sorted({people.name(member) for _device, member in found["missing"]})
    about = {"needed": found["needed"], "all": found["witnesses"], "names": ", ".join(names)}
    if not names:
        return _("{needed} of {all} witnesses must agree; all are here").format(**about)
    return _("{needed} of {all} witnesses must agree; missing: {names}").format(**about)


def sealed_now(found: LedgerView) -> tuple[State, int]:
    """Return the state and height if all that is held were sealed now; nothing is kept."""
    history = found.kept.history()
    advance = history.next_advance(now_ms())
    if advance is None:
        return history.final, history.cut.height
    covered = history.covered(advance)
    assert not covered.missing, "what is chosen is held"
    history.accept(history.conclude(advance, covered.records), b"")
    return history.final, history.cut.height


def _through(line: LocalClient, wait: int, home: Home) -> Mapping[str, Any]:
    """Return what the running node says, once it is sealed. Raises NotYet."""
    deadline = time.monotonic() + wait
    told = ""
    for answer in line.each("seal"):
        if "is_sealed" in answer:
            return answer
        words = waiting_words(answer, home)
        if time.monotonic() > deadline:
            raise NotYet(words)
        if words != told and answer["missing"]:
            told = words
            warn(words)
    raise AssertionError("the last answer says whether it is sealed")


def _alone(home: Home, passphrase_file: Path | None) -> Mapping[str, Any]:
    """Seal with the lock of the home held. Raises SealNeedsNode where others must agree."""
    from commonweal.node.control import seal_alone
    from commonweal.storage.consensus.proposals import SealApplication

    secrets = unlock(home, passphrase_file)
    with home.store() as store:
        service = service_of(store, secrets)
        community = service.core.replica.community
        is_long = store.counts().records >= LEFT_SHOWN_MIN
        bar = progress(_("working out the ledger"), None) if is_long else nullcontext()
        with bar, ledger.open_ledger(home.state, store, community, whole=False) as kept:
            answer = seal_alone.seal_alone(service, SealApplication(kept), now_ms())
            kept.refresh(whole=False)  # what was worked out to seal it is kept
        return answer
