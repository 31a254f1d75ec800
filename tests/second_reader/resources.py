"""What an event does to resources: kinds.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.second_reader.context import Context, Void, check
from tests.second_reader.things import ACTIONS, added, has_two_sides, signs

Row = dict[str, Any]


def speaks_for(c: Context, agent: bytes) -> bool:
    """Whether the author's member may dispose of what is an agent's."""
    owner = c.person(agent)
    return owner == c.member or c.state.get("MEMBER", owner) is None


def changed(resource: Row, n: int, scale: int, of: tuple[int, int]) -> Row:
    """Return a resource after n / 10^scale with signs for accounting and onhand."""
    books = added([resource["accounting"], resource["scale"]], of[0] * n, scale)
    shelf = added([resource["onhand"], resource["scale"]], of[1] * n, scale)
    check(books[0] >= 0 and shelf[0] >= 0, "NOT_ENOUGH")
    return {**resource, "accounting": books[0], "onhand": shelf[0], "scale": books[1]}


@dataclass
class Effect:
    """An event that changes resources. data: what its record says of them."""

    c: Context
    event: bytes
    row: Row
    data: dict[str, Any]

    def apply(self) -> Row:
        """Change the resources; return the row with the resources that it names."""
        row, action = self.row, ACTIONS[self.row["action"]]
        is_new = "newInventoriedResource" in self.data
        check(not is_new or type(self.data["newInventoriedResource"]) is dict, "SHAPE")
        to_new = is_new and action["begins"] == "to" and row["target"] is None
        from_new = is_new and action["begins"] == "it" and row["source"] is None
        check(not is_new or to_new or from_new, "NO_NEW_RESOURCE")
        self._check_sides(to_new)
        if from_new:
            row = {**row, "source": self.event}
        source = None
        if row["source"] is not None:
            source = (
                self._begun(None) if from_new else self.c.state.known("RESOURCE", row["source"])
            )
            self._take(row["source"], source, from_new)
        if to_new or row["target"] is not None:
            row = {**row, "target": self._give(source, to_new)}
        return row

    def _check_sides(self, to_new: bool) -> None:
        row = self.row
        check(row["target"] is None or any(signs(row["action"], 1)), "NO_NEW_RESOURCE")
        check(row["target"] is None or row["source"] != row["target"], "ONE_SIDE")
        if not has_two_sides(row["action"]):
            return
        if row["source"] is None:
            check(len(row["provider"]) == 16, "UNKNOWN_RESOURCE")
        else:
            check(to_new or row["target"] is not None, "NO_OTHER_RESOURCE")

    def _take(self, id: bytes, was: Row, is_new: bool) -> None:
        row, action, data = self.row, ACTIONS[self.row["action"]], self.data
        of = signs(row["action"], 0)
        self._check_fit(was, of)
        if any(of) or "state" in data or "atLocation" in data:
            owners = [was["accountable"]] + ([] if of[0] else [was["custodian"]])
            is_theirs = not has_two_sides(row["action"]) or row["provider"] in owners
            check(is_theirs, "NOT_THEIRS")
            is_maker = is_new and self.c.member == row["provider"]
            check(is_maker or any(speaks_for(self.c, owner) for owner in owners), "NOT_YOURS")
        now = self._counted(was, of)
        if row["quantity"] is not None:
            hand_over(self.c, row, row["quantity"][0], row["quantity"][1])
        if action["location"] in ("it", "new") and "atLocation" in data:
            now["location"] = data["atLocation"]
        if action["state"] == "it" and "state" in data:
            now["state"] = data["state"]
        if action["stage"] == "set" and row["output_of"] is not None:
            now["stage"] = self.c.state.known("PROCESS", row["output_of"])["spec"]
        if action["contained"] != ".":
            now["contained"] = data.get("containedIn") if action["contained"] == "set" else None
        self._write(id, now, "from")

    def _give(self, source: Row | None, is_new: bool) -> bytes:
        row, action, data = self.row, ACTIONS[self.row["action"]], self.data
        of = signs(row["action"], 1)
        id: bytes = self.event if is_new else row["target"]
        known = None if is_new else self.c.state.known("RESOURCE", id)
        keeps_owner = action["owner"] == "."
        is_return = source is not None and keeps_owner and not of[0]
        is_return = is_return and source is not None and source["accountable"] == row["receiver"]
        check(known is not None or not is_return, "RETURN_NOT_NAMED")
        was = known or self._begun(source)
        self._check_fit(was, of)
        if known is not None:
            self._check_target(known, source, keeps_owner, of)
        is_matched = source is not None and has_two_sides(row["action"])
        check(is_matched or speaks_for(self.c, was["accountable"]), "NOT_YOURS")
        now = self._counted(was, of)
        if action["location"] in ("to", "new") and "atLocation" in data:
            now["location"] = data["atLocation"]
        if action["state"] == "to" and "state" in data:
            now["state"] = data["state"]
        self._write(id, now, "to")
        return id

    def _check_target(
        self, known: Row, source: Row | None, keeps_owner: bool, of: tuple[int, int]
    ) -> None:
        receiver = self.row["receiver"] or self.row["provider"]
        check(source is None or known["spec"] == source["spec"], "WRONG_SPEC")
        if not keeps_owner or source is None:
            check(receiver == known["accountable"], "NOT_THEIRS")
            return
        check(known["accountable"] == source["accountable"], "NOT_THEIRS")
        check(of[0] or receiver in (known["accountable"], known["custodian"]), "NOT_THEIRS")

    def _begun(self, source: Row | None) -> Row:
        row = self.row
        if row["quantity"] is None:
            raise Void("NO_QUANTITY")
        owner = row["receiver"] or row["provider"]
        _, scale, unit = row["quantity"]
        begun = {"spec": row["spec"], "accountable": owner, "custodian": owner, "accounting": 0}
        begun |= {"onhand": 0, "scale": scale, "unit": unit, "stage": None, "state": None}
        begun |= {"location": None, "contained": None}
        if source is not None:
            begun |= {key: source[key] for key in ("spec", "stage", "state")}
            if ACTIONS[row["action"]]["owner"] == ".":
                begun["accountable"] = source["accountable"]
        return begun

    def _check_fit(self, resource: Row, of: tuple[int, int]) -> None:
        quantity, spec = self.row["quantity"], self.row["spec"]
        is_counted = any(of) and quantity is not None
        check(not is_counted or resource["unit"] == quantity[2], "WRONG_UNIT")
        check(spec is None or resource["spec"] == spec, "WRONG_SPEC")

    def _counted(self, was: Row, of: tuple[int, int]) -> Row:
        quantity = self.row["quantity"]
        if quantity is None or not any(of):
            return {**was}
        return changed(was, quantity[0], quantity[1], of)

    def _write(self, id: bytes, resource: Row, role: str) -> None:
        self.c.state.put_row(resource, "RESOURCE", id)
        self.c.state.put([role, self.row["clock"]], "OF_RESOURCE", id, self.event)


PAIRS = {"modify": "accept", "dropoff": "pickup", "separate": "combine"}


def hand_over(c: Context, row: Row, n: int, scale: int) -> None:
    """Count what an action takes from a resource, or what its pair gives back."""
    takes = row["action"] in PAIRS.values()
    if row["source"] is None or not (takes or row["action"] in PAIRS):
        return
    name = row["action"] if takes else PAIRS[row["action"]]
    process = row["input_of"] if takes else row["output_of"]
    key = (row["source"], name.encode() + b"\0", b"" if name == "combine" else process or b"")
    left = added(c.state.get("HANDED_IN", *key) or [0, 0], n if takes else -n, scale)
    check(left[0] >= 0, "NOT_TAKEN")
    if left[0]:
        c.state.put(left, "HANDED_IN", *key)
    else:
        c.state.drop("HANDED_IN", *key)


def shift(c: Context, row: Row, n: int, scale: int) -> None:
    """Let an event do n / 10^scale more to its resources."""
    for place, key in enumerate(("source", "target")):
        resource = None if row[key] is None else c.state.row("RESOURCE", row[key])
        if resource is not None:
            now = changed(resource, n, scale, signs(row["action"], place))
            c.state.put_row(now, "RESOURCE", row[key])
    hand_over(c, row, n, scale)
