"""A fault takes one guard out of the code, and names the tests that must see that it is gone.

They stand in `*.toml` beside this file, one table each: `file`, what is taken away there (`old`,
which occurs once), what comes instead (`new`), and `red`, test files or tests, each of which must
fail; `runs` is COMMONWEAL_RUNS for them. What running them showed stands in `results.json`, each
with a digest of the fault and of the files of its tests (without comments and docstrings): a
result of another fault, or of a test that was changed since, is old.
"""

from __future__ import annotations

import ast
import io
import json
import tokenize
import tomllib
from dataclasses import asdict, dataclass
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
RESULTS = HERE / "results.json"

DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True, slots=True)
class Fault:
    """One guard taken away. red: a file, a test, or one with its parameter; each must fail."""

    name: str
    file: str
    old: str
    new: str
    red: tuple[str, ...]
    runs: int | None = None

    def planted_in(self, text: str) -> str:
        """The text without the guard; raises ValueError where it does not stand exactly once."""
        if text.count(self.old) != 1 or self.old == self.new:
            raise ValueError(f"{self.name}: its guard stands {text.count(self.old)} times")
        return text.replace(self.old, self.new)

    def digest(self, root: Path = ROOT) -> str:
        """What a result must name to be of this fault and of its tests as they are in `root`."""
        whole = blake2b(json.dumps(asdict(self), sort_keys=True).encode(), digest_size=8)
        for path in sorted({one.partition("::")[0] for one in self.red}):
            whole.update(_meaning((root / path).read_text("utf-8")).encode())
        return whole.hexdigest()


@dataclass(frozen=True, slots=True)
class Seen:
    """What a planted fault made red: of each of its tests, which failed and what it said."""

    digest: str
    said: dict[str, str]
    seconds: int


@lru_cache(maxsize=1024)
def _meaning(source: str) -> str:
    """Return the text of a test file without its comments, docstrings and spacing.

    Not `ast.dump`: what that prints depends on the version of Python.
    """
    lines = source.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            lines[token.start[0] - 1] = lines[token.start[0] - 1][: token.start[1]]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            docstring = node.body[0]
            for number in range(docstring.lineno, (docstring.end_lineno or 0) + 1):
                lines[number - 1] = ""
    return " ".join(" ".join(lines).split())


def read(folder: Path = HERE) -> dict[str, Fault]:
    """All faults, by name; raises ValueError for a name that stands twice."""
    found: dict[str, Fault] = {}
    for file in sorted(folder.glob("*.toml")):
        for name, fields in tomllib.loads(file.read_text("utf-8")).items():
            if name in found:
                raise ValueError(f"{name} stands twice")
            found[name] = Fault(name, **{**fields, "red": tuple(fields["red"])})
    return found


def results(file: Path = RESULTS) -> dict[str, Seen]:
    """What was seen, by the fault's name; nothing where nothing was ever run."""
    text = file.read_text("utf-8") if file.exists() else ""
    return {name: Seen(**fields) for name, fields in json.loads(text or "{}").items()}


def keep(seen: dict[str, Seen], file: Path = RESULTS) -> None:
    """Write what was seen, one line each."""
    lines = (f"  {json.dumps(name)}: {json.dumps(asdict(seen[name]))}" for name in sorted(seen))
    file.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


def unseen(faults: dict[str, Fault], seen: dict[str, Seen]) -> dict[str, str]:
    """Which faults no test is known to see, and why."""
    why = {name: "never planted" for name in faults if name not in seen}
    for name, fault in faults.items():
        if name in seen and seen[name].digest != fault.digest():
            why[name] = "planted before it, or its test, was changed"
        elif name in seen and (blind := set(fault.red) - seen[name].said.keys()):
            why[name] = f"planted, and not seen by {', '.join(sorted(blind))}"
    return why
