"""The words of the page: where a sentence names a command, it names the page that does the same."""

from __future__ import annotations

from commonweal.client.language.words import N_, Words

OF_THE_PAGE = {
    "say it again: weal attest {event}": N_("say it again on the page of {event}"),
    "take it back: weal attest {event} --withdraw": N_("take it back on the page of {event}"),
    "dispute it again: weal dispute {event}": N_("dispute it again on the page of {event}"),
    "take it back: weal dispute {event} --withdraw": N_("take it back on the page of {event}"),
    "vote otherwise while the vote is open: weal rules vote {proposal} VOTE": N_(
        "vote otherwise under Decide while the vote is open: {proposal}"
    ),
    "withdraw it: weal rules withdraw {id}": N_("withdraw it under Decide"),
    "give it back: weal role resign {role}": N_("give it back under People: {role}"),
    "take it back: weal invite revoke {id}": N_("take it back under Invite"),
    "{id} corrected {event}; say what is right: weal correct {event} {amount}": N_(
        "{id} corrected {event}; say what is right on the page of {event}: it was {amount}"
    ),
    "{id} withdrew {event}; to undo another, type: weal undo ID": N_("{id} withdrew {event}"),
    "{name} wrote it; dispute it where it is wrong: weal dispute {id}": N_(
        "{name} wrote it; where it is wrong, dispute it on the page of {id}"
    ),
    "{why}; say what it was: weal correct {id} {amount}": N_(
        "{why}; say what it was on its page, by “Correct it”"
    ),
    "Let another member take a seat first: weal role claim witness, weal role endorse.": N_(
        "Let another member take a seat first: under People they claim the role witness."
    ),
    "A new one is added by: weal unit new NAME.": N_("A new one is added under Things."),
    "bookings go by the time of seals, and nothing is sealed yet: weal seal": N_(
        "bookings go by the time of seals, and nothing is sealed yet: make a seal under Node"
    ),
    "it is used where it is: weal record use 1 hour --fulfills {id}": N_(
        "it is used where it is: write the use down under Give"
    ),
    "{name} is not lent yet: who has it says weal thing terms {id}": N_(
        "{name} is not lent yet: who has it says how, on its page under Things"
    ),
    "to promote it, take the role {role}: weal role claim {role}": N_(
        "to promote it, take the role {role} under People"
    ),
    "{name} asks for this work: weal deal propose {id}": N_(
        "{name} asks for this work: propose a deal under Market"
    ),
    "you would promise more than that: weal deal show {id}": N_(
        "you would promise more than that: read the deal {id} under Deals"
    ),
    "nobody consents that you use {name} for {purpose}: weal consent ask asks for it": N_(
        "nobody consents that you use {name} for {purpose}: ask for it under My data"
    ),
    "Type `weal up --background`.": N_("Start it here, by “Start the node”."),
    "`weal invite create` makes a link for others.": N_("Under Invite you make a link for others."),
    "Four witnesses survive one that is gone or lies: weal role claim witness.": N_(
        "Four witnesses survive one that is gone or lies: claim the role witness under People."
    ),
}
"""What the page says instead of a sentence that names a command."""


class PageWords(Words):
    """The sentences of one language, as the page says them."""

    __slots__ = ()

    def __call__(self, text: str) -> str:
        """Return `text` in this language, with the page that does what a command does."""
        return super().__call__(OF_THE_PAGE.get(text, text))
