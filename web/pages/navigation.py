"""The pages as the menu names them."""

from __future__ import annotations

from typing import NamedTuple

from commonweal.client.language.words import N_


class MenuEntry(NamedTuple):
    """A page in the menu. icon: a symbol of assets/icons.svg. first: on a small screen's bar."""

    path: str
    label: str
    icon: str
    first: bool = False


MENU = (
    MenuEntry("/", N_("Today"), "today", first=True),
    MenuEntry("/give", N_("Give"), "give", first=True),
    MenuEntry("/attest", N_("Attest"), "attest", first=True),
    MenuEntry("/ledger", N_("Ledger"), "ledger"),
    MenuEntry("/money", N_("Money"), "money", first=True),
    MenuEntry("/market", N_("Market"), "market"),
    MenuEntry("/deals", N_("Deals"), "deals"),
    MenuEntry("/calendar", N_("Calendar"), "calendar"),
    MenuEntry("/campaigns", N_("Campaigns"), "campaigns"),
    MenuEntry("/projects", N_("Projects"), "projects"),
    MenuEntry("/rules", N_("Rules"), "rules"),
    MenuEntry("/votes", N_("Decide"), "votes"),
    MenuEntry("/people", N_("People"), "people"),
    MenuEntry("/things", N_("Things"), "things"),
    MenuEntry("/reports", N_("Reports"), "reports"),
    MenuEntry("/invite", N_("Invite"), "invite"),
    MenuEntry("/node", N_("Node"), "node"),
    MenuEntry("/data", N_("My data"), "data"),
    MenuEntry("/settings", N_("Settings"), "settings"),
)
