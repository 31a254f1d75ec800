"""Rules that are written down: the templates to begin with, and files of members."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from commonweal.client.home.files import read_text
from commonweal.client.language.words import N_
from commonweal.protocol.errors import UnknownTemplate
from commonweal.protocol.identity import founding
from commonweal.protocol.rules.document import TEXT_CHARACTERS_MAX, read_toml

FILE_BYTES_MAX = 4 * TEXT_CHARACTERS_MAX
TEMPLATES = {
    "cooperative": N_("people who work and own together: reserve, loans, unpaid work, co-owners"),
    "open-source": N_("makers of something public: maintainers, the last half year, everything"),
    "time-bank": N_("neighbours, hour for hour: in equal parts, once a month"),
    "value-network": N_("many hands and many steps: traced to what went into the thing sold"),
}
"""Rules to begin with: their names, what they suit, and how they share what comes in."""
TITLES = {
    "cooperative": N_("Co-operative"),
    "open-source": N_("Open-source collective"),
    "time-bank": N_("Time bank"),
    "value-network": N_("Value network"),
    "none": N_("No rules yet"),
}
"""What the templates are called where people choose one."""
ROLE_WORDS = (
    N_("Buys here and says what could be better."),
    N_("Hears first of what is new."),
    N_("Brings people here and answers for what was promised to them."),
    N_("A commission for a year on the earnings of the people they brought."),
    N_("Works, and attests the work of others with care."),
    N_("A share of the surplus by work."),
    N_("Votes on the constitution and answers for the whole."),
    N_("An equal share of what is set aside for co-owners."),
    N_("Keeps a node running and seals what is right."),
    N_("Keeps the licence and the tests."),
    N_("A share by what they gave."),
    N_("Reviews, releases, answers."),
    N_("An equal part of what is set aside for upkeep."),
    N_("Asks for help and gives it."),
    N_("Helps where people disagree."),
    N_("Gives, and attests what others give."),
    N_("Shares in what their contributions earn."),
    N_("Brings people and orders."),
    N_("A commission on the shares of those they brought, for half a year."),
    N_("Keeps what belongs to all."),
)
"""What the templates say of the duties and benefits of roles; rules state them in one language."""
NO_RULES = "none"
"""What is typed for a community that begins without rules."""


@dataclass(frozen=True, slots=True)
class IncomePart:
    """A part of what comes in: the bucket that takes it, how many of 100, and its sentence."""

    name: str
    percent: Fraction
    en: str
    zh: str


def document_of_rules(rules: str) -> Mapping[str, Any]:
    """Return the document of a template, of none, or of a file.

    rules: a name of `TEMPLATES`, NO_RULES, or the path of a file. Raises BadRuleset,
    UnknownTemplate, UnreadableFile.
    """
    if rules == NO_RULES:
        return founding.NO_RULES
    return read_toml(text_of_rules(rules)).document


def parts_of_income(rules: str) -> tuple[IncomePart, ...]:
    """Return what becomes of 100 of income by the first pool of a template; they sum to 100.

    rules: as `document_of_rules` takes them; () where no pool shares anything. Commissions to
    referrers are not in it.
    """
    if rules == NO_RULES:
        return ()
    pools = read_toml(text_of_rules(rules)).pools
    parts, whole, rest = [], Fraction(100), Fraction(100)
    for bucket in pools[0].buckets if pools else ():
        share = Fraction(bucket.share.above, bucket.share.below)
        part = share * (rest if bucket.of == "remainder" else whole)
        rest -= part
        parts.append(IncomePart(bucket.name, part, bucket.en, bucket.zh))
    return tuple(parts)


def text_of_rules(name: str) -> str:
    """Return the text of a template, or of the file of that name. Raises UnreadableFile."""
    from importlib import resources

    if name not in TEMPLATES:
        file = Path(name)
        if len(file.parts) == 1 and not file.suffix and not file.exists():
            raise UnknownTemplate(f"{name}; {', '.join([*TEMPLATES, NO_RULES])}")
        return text_of_file(file)
    folder = resources.files("commonweal.protocol.rules") / "templates"
    return (folder / f"{name}.toml").read_text("utf-8")


def text_of_file(file: Path) -> str:
    """Return the text of a file that may hold rules. Raises UnreadableFile."""
    return read_text(file, FILE_BYTES_MAX).replace("\r\n", "\n")
