"""A workshop whose members open projects, work for them, and close them."""

from __future__ import annotations

from typing import Any

from commonweal.protocol.ledger.claims import claims, pools
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.ventures.projects import projects
from commonweal.protocol.ledger.ventures.projects.pools_of_projects import pool_of
from commonweal.protocol.ledger.ventures.projects.projects import ProjectRow
from commonweal.protocol.records.record import Record
from tests.protocol.ledger.council import SAID
from tests.protocol.ledger.village import TEXT
from tests.protocol.ledger.workshop import Workshop, euros, hours, paying


class Fellowship(Workshop):
    """A workshop with projects; `about` are the rules of projects."""

    press: Record
    """The project of the tests that have one."""

    def __init__(self, *names: str, **about: Any) -> None:
        document = paying()
        if about:
            document["projects"] = {**SAID, **about}
        super().__init__(document, *(names or ("Jun", "Ana", "Bo")))
        self.cut()

    def open(self, by: str, name: str = "press", split: str = "equal", **over: Any) -> Record:
        """Open a project."""
        data = {"name": name, "split": split, **over}
        return self.write(by, "project", data, body=TEXT)

    def enter(self, project: Record, *names: str) -> None:
        """Let members join a project."""
        for name in names:
            self.write(name, "project.join", {"project": project.id})

    def leave(self, project: Record, name: str) -> Record:
        """Let a member leave a project."""
        return self.write(name, "project.leave", {"project": project.id})

    def end(self, project: Record, by: str) -> Record:
        """Propose that a project closes."""
        return self.write(by, "rules.propose", {"subject": "project", "project": project.id})

    def spend(self, n: int, name: str, by: str = "Jun", scope: str = "press") -> Record:
        """Record that the community paid a member, attested by `by`."""
        data: dict[str, Any] = {"action": "transfer", "provider": self.community}
        data |= {"receiver": self.id(name), "resourceQuantity": euros(n), "inScopeOf": scope}
        gone = self.write("Mei", "event", data)
        self.attest(gone, by)
        return gone

    def task(self, by: str, n: int = 5, scope: str = "press", **over: Any) -> Record:
        """Ask for work for a project, for the community."""
        data = {"action": "work", "receiver": self.community, "effortQuantity": hours(n)}
        return self.write(by, "intent", data | {"inScopeOf": scope} | over)

    def take(self, task: Record, by: str, n: int = 5) -> Record:
        """Promise the work of a task."""
        data: dict[str, Any] = {"action": "work", "provider": self.id(by)}
        data |= {"receiver": self.community}
        data |= {"effortQuantity": hours(n), "satisfies": [task.id]}
        return self.write(by, "commitment", data)

    def less(self, came: Record, n: int, by: str = "Jun") -> None:
        """Correct an income by n cents, and attest what is left."""
        data = {"action": "transfer", "corrects": came.id, "resourceQuantity": euros(n)}
        self.write("Mei", "event", data)
        self.write(by, "attest", {"event": came.id, "say": "yes", "corrections": 1})

    def verdict(self, record: Record) -> Reason | None:
        """Return why a record counts for nothing, as far as everything held says."""
        self.learn()
        return self.history.verdict(record.id)

    def project(self, project: Record) -> ProjectRow:
        """Return a project at the last seal."""
        row = projects.project_row(self.history.final, project.id)
        assert row is not None, "it counts"
        return row

    def held(self, name: str = "press", unit: str = "EUR") -> int:
        """Return what the pool of a project holds at the last seal."""
        return pools.pool_row(self.history.final, pool_of(name, unit)).carried

    def owed(self) -> dict[str, int]:
        """Return what the claims of each come to, by name."""
        names = {pen.owner.id: name for name, pen in self.pens.items()}
        sums: dict[str, int] = {}
        for claim in claims.claims(self.history.final):
            name = names[claim.row.member]  # type: ignore[index]
            sums[name] = sums.get(name, 0) + claim.row.amount
        return sums
