"""The table of commands: the sections of `weal --help`, and where each command is. Loads none."""

from __future__ import annotations

from typing import NamedTuple

from commonweal.commands.terminal.language import N_


class CommandEntry(NamedTuple):
    """Where a command is, as module of `commands` and name in it, and its line in `--help`."""

    module: str
    name: str
    line: str


TABLE: dict[str, dict[str, CommandEntry]] = {
    N_("Begin"): {
        "start": CommandEntry(
            "begin.start", "start", N_("your way in: make a home, found or join, run your node")
        ),
        "init": CommandEntry(
            "begin.init_found", "init", N_("make a home, with a new member and 24 words")
        ),
        "found": CommandEntry("begin.init_found", "found", N_("found a community")),
        "join": CommandEntry(
            "begin.join", "join", N_("ask to join, with the link that a member gave you")
        ),
    },
    N_("Contribute"): {
        "record": CommandEntry("contribute.record", "record", N_("write down what you gave")),
        "import": CommandEntry(
            "imports.import_",
            "import_",
            N_("take in git commits, a sheet, or what a platform exports"),
        ),
        "ledger": CommandEntry("contribute.ledger", "ledger", N_("list what was given")),
        "show": CommandEntry("contribute.show", "show", N_("show one record in full")),
        "attest": CommandEntry(
            "contribute.attest", "attest", N_("say that a contribution was as written")
        ),
        "inbox": CommandEntry(
            "contribute.inbox", "inbox", N_("what waits for you, and the command that does it")
        ),
        "dispute": CommandEntry("contribute.attest", "dispute", N_("dispute a contribution")),
        "correct": CommandEntry(
            "contribute.attest", "correct", N_("say what a contribution really was")
        ),
        "undo": CommandEntry("contribute.undo", "undo", N_("withdraw what you just wrote down")),
        "erase": CommandEntry(
            "contribute.erase", "erase", N_("have a text of yours forgotten by all")
        ),
        "trace": CommandEntry(
            "contribute.trace", "trace_", N_("what went into a thing, and what came of it")
        ),
    },
    N_("Things"): {
        "resource": CommandEntry(
            "things.resource", "resource", N_("what there is, whose it is, who has it; lend it")
        ),
        "process": CommandEntry(
            "things.process", "process", N_("begin and end what takes inputs and gives outputs")
        ),
        "spec": CommandEntry("things.spec", "spec", N_("the kinds of things and processes")),
        "unit": CommandEntry("things.unit", "unit", N_("in which units things are counted")),
        "agent": CommandEntry(
            "things.agent", "agent", N_("who gives from outside; claim what you gave")
        ),
    },
    N_("Exchange"): {
        "market": CommandEntry(
            "exchange.market.market",
            "market",
            N_("what members offer and need"),
        ),
        "match": CommandEntry(
            "exchange.market.match",
            "match",
            N_("which offers and needs suit each other, and why"),
        ),
        "swap": CommandEntry(
            "exchange.market.swap",
            "swap",
            N_("wish for another thing of the kind of yours"),
        ),
        "offer": CommandEntry(
            "exchange.market.offer",
            "offer",
            N_("offer something; renew, pause or withdraw it"),
        ),
        "need": CommandEntry(
            "exchange.market.need",
            "need",
            N_("say what you need; renew, pause or withdraw it"),
        ),
        "promote": CommandEntry(
            "exchange.promotion.promote",
            "promote",
            N_("promise a commission to those who bring buyers"),
        ),
        "deal": CommandEntry(
            "exchange.deals.deal",
            "deal",
            N_("who gives what to another: propose, answer, keep, end"),
        ),
        "review": CommandEntry(
            "exchange.reviews.review",
            "review",
            N_("review deals that are done; both reviews open together"),
        ),
        "pay": CommandEntry(
            "exchange.payments.credit",
            "pay",
            N_("pay a member from your balance"),
        ),
        "ask": CommandEntry(
            "exchange.payments.credit",
            "ask",
            N_("ask a member to pay you"),
        ),
        "settle": CommandEntry(
            "exchange.payments.credit",
            "settle",
            N_("set off what members owe each other in a ring"),
        ),
        "data": CommandEntry(
            "exchange.data.data",
            "data",
            N_("data that stays with its owner: add, list, use, open"),
        ),
        "campaign": CommandEntry(
            "ventures.campaign",
            "campaign",
            N_("raise a sum together until a deadline; list, show, cancel"),
        ),
        "pledge": CommandEntry(
            "ventures.pledge",
            "pledge",
            N_("pledge to a campaign, take it back, pay it"),
        ),
        "calendar": CommandEntry(
            "exchange.lending.calendar",
            "calendar",
            N_("what is booked and due, day by day; as a file"),
        ),
        "thing": CommandEntry(
            "exchange.lending.thing_terms",
            "thing",
            N_("on which terms a thing is lent, and when not"),
        ),
        "book": CommandEntry(
            "exchange.lending.book",
            "book",
            N_("book a thing; accept, decline, cancel and list bookings"),
        ),
        "lend": CommandEntry(
            "exchange.lending.lend",
            "lend",
            N_("hand a thing out for a booking"),
        ),
        "return": CommandEntry(
            "exchange.lending.lend",
            "give_back",
            N_("say that it is back"),
        ),
        "project": CommandEntry(
            "ventures.project",
            "project",
            N_("undertake something together, with a pool of its own"),
        ),
        "consent": CommandEntry(
            "exchange.data.consent",
            "consent",
            N_("let others use your data, or ask for theirs"),
        ),
    },
    N_("Plan"): {
        "recipe": CommandEntry(
            "plan.recipe", "recipe", N_("by which steps something is made, and out of what")
        ),
        "plan": CommandEntry(
            "plan.plan", "plan", N_("what is to be done by when, and who does it")
        ),
    },
    N_("Members"): {
        "members": CommandEntry("members.members", "members", N_("list the members")),
        "invite": CommandEntry(
            "members.invite", "invite", N_("make links for others, list them, take them back")
        ),
        "device": CommandEntry(
            "members.members", "device", N_("list, add or end the devices that write for you")
        ),
        "key": CommandEntry(
            "members.key", "key", N_("change your key or passphrase, name sponsors")
        ),
        "vouch": CommandEntry("members.membership", "vouch", N_("vouch for one who asks to join")),
        "role": CommandEntry("members.role", "role", N_("list, claim, endorse or give back roles")),
        "referral": CommandEntry(
            "things.agent", "referral", N_("say who brought you here, or to an offer")
        ),
        "leave": CommandEntry("members.membership", "leave", N_("leave the community")),
        "remove": CommandEntry(
            "members.membership",
            "remove",
            N_("propose that somebody is a member no longer"),
        ),
        "resolve": CommandEntry(
            "members.membership", "resolve", N_("propose which record of a fork counts")
        ),
    },
    N_("Decide"): {
        "rules": CommandEntry(
            "decide.rules", "rules", N_("the rules: show, compare, propose, vote, replay")
        ),
        "vote": CommandEntry("decide.vote", "vote", N_("what is voted on, and how it stands")),
    },
    N_("Share"): {
        "balance": CommandEntry(
            "exchange.payments.balance",
            "balance",
            N_("what a member has a share of, has and gave"),
        ),
        "shares": CommandEntry(
            "share.shares", "shares", N_("what each has a share of, and what is in the pools")
        ),
        "claims": CommandEntry(
            "share.claims", "claims", N_("what members are owed, and what is settled")
        ),
        "report": CommandEntry(
            "reports.report",
            "report",
            N_("what was given, who came, what was kept, what lies idle"),
        ),
        "payouts": CommandEntry("share.claims", "payouts", N_("who is to be paid what, as a file")),
        "explain": CommandEntry(
            "share.shares", "explain", N_("why a share is what it is, and what it is worth")
        ),
        "round": CommandEntry(
            "share.round", "round_", N_("give points to others, by which a pool is shared")
        ),
        "seal": CommandEntry("share.seal", "seal", N_("make what waits final now")),
        "seals": CommandEntry(
            "share.seal", "seals", N_("what is final, seal by seal, and who signed")
        ),
        "income": CommandEntry(
            "share.income", "income", N_("write down what came in from outside")
        ),
    },
    N_("Node"): {
        "open": CommandEntry("node.page", "open_", N_("open your page in the browser")),
        "web": CommandEntry("node.page", "web", N_("serve your page in this terminal")),
        "up": CommandEntry("node.up", "up", N_("run your node")),
        "down": CommandEntry("node.up", "down", N_("end your node and your page")),
        "status": CommandEntry("node.status", "status", N_("how this home stands")),
        "peers": CommandEntry("node.status", "peers", N_("whose nodes are connected")),
        "relay": CommandEntry(
            "node.relay", "relay", N_("help members of any community reach each other")
        ),
        "cluster": CommandEntry("node.cluster", "cluster", N_("run several nodes on this machine")),
    },
    N_("Keep"): {
        "sql": CommandEntry("keep.sql", "sql", N_("ask the ledger anything, in SQL")),
        "export": CommandEntry(
            "keep.export", "export", N_("write the ledger out for other programs")
        ),
        "verify": CommandEntry("keep.verify", "verify", N_("check every record that is held here")),
        "prove": CommandEntry("keep.prove", "prove", N_("prove by a file that a record is final")),
        "check-proof": CommandEntry(
            "keep.prove", "check_proof", N_("check such a file, without a home")
        ),
        "backup": CommandEntry("keep.backup", "backup", N_("put all of this home into one file")),
        "restore": CommandEntry(
            "keep.restore", "restore", N_("make a home again, from a backup or 24 words")
        ),
        "refound": CommandEntry(
            "keep.refound", "refound", N_("go on without witnesses who are gone for ever")
        ),
        "token": CommandEntry(
            "keep.token", "token", N_("let other programs read and write for you")
        ),
        "completion": CommandEntry(
            "terminal.completion", "completion", N_("let your shell complete what you type")
        ),
        "doctor": CommandEntry(
            "keep.doctor", "doctor", N_("find what is wrong, and say what to do")
        ),
    },
}
