"""`weal verify`: everything held here, checked again as if it came from a stranger."""

from __future__ import annotations

from functools import partial

import click

from commonweal.client.keep.integrity import Integrity, IntegrityReport
from commonweal.client.language.plain import plain
from commonweal.client.language.visible_text import visible
from commonweal.commands.terminal.language import _, ngettext
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import form_option, home_option
from commonweal.commands.terminal.output import Form, say, warn, write_json
from commonweal.commands.terminal.progress import watching
from commonweal.storage.home.home import Home

FAULTS_SHOWN_MAX = 20
DAMAGED = 65
"""The exit code when anything is wrong."""


@click.command("verify")
@home_option
@form_option(Form.TEXT, Form.JSON)
def verify(home: Home, form: Form) -> int:
    """Check every hash, chain, signature and text that is held here.

    Ends with 65 when something is not as its author signed it, and says where.
    """
    with part_of(Integrity, home) as me:
        report = me.verify(watching=partial(watching, _("checking")))
    if form is Form.JSON:
        write_json(plain(report))
    else:
        _show(report)
    return DAMAGED if report.faults else 0


def _show(report: IntegrityReport) -> None:
    for fault in report.faults[:FAULTS_SHOWN_MAX]:
        warn(f"{fault.where}: {visible(fault.what)}")
    if len(report.faults) > FAULTS_SHOWN_MAX:
        warn(_("and {n} more").format(n=len(report.faults) - FAULTS_SHOWN_MAX))
    checked = _("Checked {records} records and {bodies} texts").format(
        records=f"{report.records:,}", bodies=f"{report.bodies:,}"
    )
    if not report.faults:
        return say(_("{checked}: all is as it was signed.").format(checked=checked))
    wrong = ngettext("{n} fault", "{n} faults", len(report.faults)).format(n=len(report.faults))
    say(f"{checked}: {wrong}.")
    if all(fault.where != _("the database") for fault in report.faults):
        say(
            _(
                "A running node mends records and texts by itself, from other members: leave it "
                "running, and type this again when others are connected. If something stays:"
            )
        )
    return say(
        _(
            "Stop the node (`weal down`), keep this home as it is, and make another with "
            "`weal restore`, from a backup or from your 24 words."
        )
    )
