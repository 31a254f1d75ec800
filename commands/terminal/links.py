"""Links as members read them: a QR code where there is a terminal for it, and text to copy."""

from __future__ import annotations

import io

from commonweal.client.community.invites import DeviceLink, InviteLink
from commonweal.client.language.times import shown
from commonweal.commands.terminal.language import _, ngettext, spoken
from commonweal.commands.terminal.output import say, terminal_columns, warn, width, write_text


def show_invite(invite: InviteLink) -> None:
    """Show an invite, and before it whether others can use it from outside."""
    tell_reach(invite)
    show_link(invite.link)
    if invite.code is not None:
        say(_("Or, for a day while your node runs, this code, which can be read aloud:"))
        say(invite.code)
        say()
    few = ngettext("For {n} person, until {time}.", "For {n} people, until {time}.", invite.uses)
    say(few.format(n=invite.uses, time=shown(invite.expires_ms)))
    say(_("Give it only to the person you invite: whoever holds it joins by your word."))
    say(_("It is your vouch, for as many a week as the rules let each member bring in."))
    say(_("Your node has to run while they join: `weal up`."))


def show_link(text: str) -> None:
    """Show a link as a QR code, where there is a terminal wide enough for it, and as text."""
    import segno

    if columns := terminal_columns():
        drawn = io.StringIO()
        segno.make(text, error="l", micro=False).terminal(drawn, compact=True)
        if max(map(width, drawn.getvalue().split("\n"))) <= columns:
            write_text(drawn.getvalue())
    write_text(text)
    say()


def tell_reach(link: InviteLink | DeviceLink) -> None:
    """Say whether somebody outside this network can use a link, and what would make it work."""
    reach = link.reach
    tell = warn if reach.works is False else say
    tell(reach.said(spoken()))
    for advice in reach.advice:
        tell(advice)
