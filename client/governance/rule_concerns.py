"""What the law may say of sound rules: told where rules are checked and read, refused nowhere.

Meant is the Regulation on Prohibition of Pyramid Selling of China (State Council decree 444 of
2005), article 7; prosecution begins with 30 people and 3 levels.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from commonweal.client.language.words import Words

STEPS_FREE = 1
"""Steps of a commission about which nothing is said."""


def rule_concerns(document: Mapping[str, Any], words: Words) -> list[str]:
    """Return what to consider before such rules are adopted, as sentences."""
    pools: Mapping[str, Any] = document.get("pools", {})
    steps = {name: len(table.get("commission", ())) for name, table in pools.items()}
    sentences = []
    for name, count in sorted(steps.items()):
        if count > STEPS_FREE:
            text = words(
                "The pool {pool} pays commissions over {n} steps. Pay that is computed on the sales"
                " of one's downline is pyramid selling in China (禁止传销条例 第七条第（三）项);"
                " prosecution begins with 30 people and 3 levels. One step is enough."
            )
            sentences.append(text.format(pool=name, n=count))
    if not any(steps.values()):
        return sentences
    for name, table in sorted(document.get("admit", {}).items()):
        if _asks_a_fee(table):
            text = words(
                "The condition {name} asks for a payment to the community, and a pool pays for"
                " bringing people. A fee to join or to recruit is pyramid selling in China"
                " (禁止传销条例 第七条第（二）项)."
            )
            sentences.append(text.format(name=name))
    return sentences


def _asks_a_fee(table: Mapping[str, Any]) -> bool:
    """Return whether a condition asks how much is paid to the community."""
    when = str(table.get("when", ""))
    is_paid = "transfer" in table.get("actions", ("transfer",)) or "transfer" in when
    return is_paid and "event.to_community" in when and "event.quantity" in when
