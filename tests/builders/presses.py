"""Bo opens a press in a community; Ana joins it, works for it, and it earns something."""

from __future__ import annotations

from pathlib import Path

from commonweal.client import Member
from commonweal.protocol.records.record import RecordId
from tests.builders.commons import RULES, Commons

HOSTILE = "<script>alert(1)</script> \u202e evil"


class Presses(Commons):
    """A community with a project. press, task: ids."""

    press: RecordId
    task: RecordId

    def __init__(self, folder: Path) -> None:
        """Make it: 90.00 came in, Ana worked two hours, and five more are asked for."""
        super().__init__(folder)
        self.adopt(RULES, folder)
        with Member(self.bo) as bo:
            self.press = bo.open_project("press", HOSTILE, split="points").id
            self.task = bo.add_task("press", "set the first page", 5).id
        self.meet()
        with Member(self.ana) as ana:
            ana.join_project("press")
            ana.record("work", 2, "hours", scope="press")
        with Member(self.bo) as bo:
            bo.income(90, "EUR", scope="press")
        self.meet()
        self.agree()
        self.seal()

    def agree(self) -> None:
        """Let Mei attest all that waits."""
        with Member(self.mei) as mei:
            mei.attest(*(row.id for row in mei.waiting()))
        self.meet()
