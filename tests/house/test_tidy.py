"""The tree keeps the house rules; and each rule, given a fault, sees it."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

import pytest

from tests.house import tidy

ROOT = Path(__file__).parents[2]
FOLDERS = ("protocol", "storage", "node", "client", "commands", "web", "tests", "bench")
PYTHON = sorted(path for one in FOLDERS for path in (ROOT / one).rglob("*.py"))
PYTHON += [ROOT / name for name in ("cli.py", "conftest.py") if (ROOT / name).is_file()]
PYTHON += sorted((ROOT / ".ci").glob("*.py"))
PYTHON += sorted((ROOT / "commonweal").glob("__*__.py"))
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
PLAIN = [ROOT / name for name in ("Makefile", "pyproject.toml", ".ci/run", ".gitignore")]
PLAIN += [*sorted(ROOT.glob("requirements*.txt")), *sorted((ROOT / "storage").rglob("*.sql"))]
INDEXES = tuple(
    ROOT / name
    for name in (
        *("README.md", "docs/README.md", "docs/internals/README.md"),
        "docs/templates/README.zh.md",
    )
)


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def told(place: str, complaints: list[tidy.Complaint]) -> str:
    return "\n".join(f"{place}:{line}: {text}" for line, text in complaints)


@pytest.mark.parametrize("path", PYTHON, ids=name)
def test_code_keeps_the_house_rules(path: Path) -> None:
    text = path.read_text("utf-8")
    complaints = [*tidy.python(name(path), text), *tidy.words(text)]
    assert not complaints, told(name(path), complaints)


@pytest.mark.parametrize("path", [*PAGES, *PLAIN], ids=name)
def test_text_keeps_the_house_rules(path: Path) -> None:
    complaints = list(tidy.words(path.read_text("utf-8")))
    assert not complaints, told(name(path), complaints)


def test_every_dependency_says_why_it_is_here() -> None:
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    project = tomllib.loads(text)
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    silent = [
        line.strip()
        for line in text.splitlines()
        if line.strip().startswith('"')
        and line.strip().split('"')[1] in wanted
        and "# " not in line
    ]
    assert not silent


# Import names of what pyproject.toml asks for under another name.
IMPORTED_AS = {
    "pynacl": "nacl",
    "prometheus-client": "prometheus_client",
    "python-multipart": "python_multipart",
}
# What libp2p, pinned to one version, brings; behind its wall only.
WITH_LIBP2P = {"multiaddr", "zeroconf", "ifaddr", "trio_typing", "google"}


def test_what_is_imported_is_asked_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    asked = {re.split(r"[<>=]", one)[0] for one in project["dependencies"]}
    known = {IMPORTED_AS.get(one, one) for one in asked} | sys.stdlib_module_names | {"commonweal"}
    strange = [
        f"{name(path)}: {module}"
        for path in PYTHON
        if name(path).startswith(tidy.PRODUCT) or path.name == "cli.py"
        for module in tidy.distant(path.read_text("utf-8"))
        if module not in known | (WITH_LIBP2P if tidy.behind_the_wall(name(path)) else set())
    ]
    assert not strange


def test_the_changelog_has_a_place_for_the_next_change() -> None:
    assert "\n## [Unreleased]\n" in (ROOT / "CHANGELOG.md").read_text("utf-8")


DOC = '"""Says what it is."""\n'

FAULTS = {
    "chance in the service": (
        "node/service/service.py",
        DOC + "from random import Random\n",
        "random may",
    ),
    "a module without a docstring": ("protocol/records/log.py", "x = 1\n", "what it is for"),
    "a function without a docstring": (
        "node/control/server.py",
        DOC + "def f(): pass\n",
        "f has no docstring",
    ),
    "a class without a docstring": (
        "node/control/server.py",
        DOC + "class C: pass\n",
        "C has no docstring",
    ),
    "a method without a docstring": (
        "node/control/server.py",
        DOC + "class C:\n    'A.'\n    def f(self): pass\n",
        "f has no docstring",
    ),
    "a long function": ("tests/x.py", DOC + "def f():\n" + "    a()\n" * 60, "f has 61 lines"),
    "a long file": ("bench/x.py", DOC + "a()\n" * 400, "the file has 401 lines"),
    "a vague class": (
        "node/control/server.py",
        DOC + "class PeerManager:\n    'A.'\n",
        "does not say",
    ),
    "a vague file": ("node/utils.py", DOC, "the file's name says nothing"),
    "protocol that imports storage": (
        "protocol/records/log.py",
        DOC + "from commonweal.storage.records.logs import log_store\n",
        "commonweal.storage.records.logs may not be imported",
    ),
    "protocol that imports storage from the package": (
        "protocol/records/log.py",
        DOC + "from commonweal import storage\n",
        "commonweal.storage may not be imported",
    ),
    "protocol that reads the clock": (
        "protocol/records/log.py",
        DOC + "import time\n",
        "time may not",
    ),
    "protocol that reads it late": (
        "protocol/records/log.py",
        DOC + "def _f():\n    import time\n",
        "time may not",
    ),
    "storage that runs a loop": (
        "storage/records/logs/log_store.py",
        DOC + "import trio\n",
        "trio may not",
    ),
    "a service that waits": ("node/service/service.py", DOC + "import trio\n", "trio may not"),
    "a part of the service that waits": (
        "node/service/peers.py",
        DOC + "import trio\n",
        "trio may",
    ),
    "libp2p beside the network": (
        "node/runtime/loop.py",
        DOC + "import libp2p\n",
        "libp2p may not",
    ),
    "a node that knows the commands": (
        "node/control/server.py",
        DOC + "import commonweal.commands.ledger\n",
        "commonweal.commands.ledger may not",
    ),
    "a command that loads the node": (
        "commands/node/up.py",
        DOC + "from commonweal.node.runtime import loop\n",
        "while the file is loaded",
    ),
    "a command that loads trio if it can": (
        "cli.py",
        DOC + "try:\n    import trio\nexcept ImportError:\n    pass\n",
        "trio may not be imported here while the file is loaded",
    ),
    "a command with libp2p": (
        "commands/node/up.py",
        DOC + "def _f():\n    import libp2p\n",
        "libp2p",
    ),
    "a relative import": ("node/control/server.py", DOC + "from . import service\n", "in full"),
    "a float": ("protocol/records/log.py", DOC + "x = 0.5\n", "a float"),
    "a true division": ("protocol/records/log.py", DOC + "x = 1 / 2\n", "a division"),
    "a true division in place": ("protocol/records/log.py", DOC + "x = 1\nx /= 2\n", "a division"),
    "a float made": ("protocol/records/log.py", DOC + "x = float(2)\n", "a float"),
    "hash()": ("protocol/records/log.py", DOC + "x = hash('a')\n", "process to process"),
    "a set gone through": (
        "protocol/records/log.py",
        DOC + "for x in {1, 2}:\n    x\n",
        "no order",
    ),
    "a named set gone through": (
        "storage/records/logs/log_store.py",
        DOC + "a = set(b)\nx = [c for c in a]\n",
        "no order",
    ),
    "a set argument gone through": (
        "node/service/service.py",
        DOC + "def _f(a: set[int]) -> None:\n    for x in a:\n        x\n",
        "no order",
    ),
    "a set attribute gone through": (
        "protocol/records/log.py",
        DOC + "class _C:\n    a: frozenset[int]\n    def f(self):\n        return list(self.a)\n",
        "no order",
    ),
    "a difference of sets listed": (
        "protocol/records/log.py",
        DOC + "x = [*(set(a) - b)]\n",
        "no order",
    ),
    "a set joined": ("protocol/records/log.py", DOC + "x = ','.join({'a', 'b'})\n", "no order"),
    "print": ("node/control/server.py", DOC + "print(1)\n", "print belongs to"),
    "print in a command": ("commands/node/up.py", DOC + "print(1)\n", "print belongs to"),
    "standard output": (
        "node/control/server.py",
        DOC + "sys.stderr.write('a')\n",
        "goes out through",
    ),
    "a Python that the bundle lacks": (
        "client/community/node.py",
        DOC + "x = [sys.executable, '-m', 'commonweal']\n",
        "the bundle has no Python",
    ),
    "a bare except": ("node/control/server.py", DOC + "try: a()\nexcept: pass\n", "narrowest"),
    "except Exception": (
        "node/control/server.py",
        DOC + "try: a()\nexcept Exception: b()\n",
        "narrowest",
    ),
    "except with Exception among others": (
        "storage/records/logs/log_store.py",
        DOC + "try: a()\nexcept (OSError, Exception) as e: b()\n",
        "narrowest",
    ),
    "a queue without end": (
        "node/control/server.py",
        DOC + "x = trio.open_memory_channel[int](math.inf)\n",
        "a queue has a named limit",
    ),
    "a queue of some number": (
        "node/control/server.py",
        DOC + "x = trio.open_memory_channel(64)\n",
        "a queue has a named limit",
    ),
    "a thread's queue without end": (
        "node/control/server.py",
        DOC + "x = queue.Queue()\n",
        "a named limit",
    ),
    "a skipped test": (
        "tests/test_x.py",
        DOC + "@pytest.mark.skip\ndef f(): ...\n",
        "does not run",
    ),
    "a test that skips itself": ("tests/test_x.py", DOC + "pytest.skip('a')\n", "does not run"),
}


@pytest.mark.parametrize(("place", "text", "complaint"), FAULTS.values(), ids=FAULTS)
def test_a_fault_in_code_is_seen(place: str, text: str, complaint: str) -> None:
    found = [said for _, said in tidy.python(place, text)]
    assert any(complaint in said for said in found), found


FINE = {
    "the type of chance that is given": (
        "node/service/service.py",
        DOC + "if TYPE_CHECKING:\n    from random import Random\n",
    ),
    "a lower layer": (
        "storage/records/logs/log_store.py",
        DOC + "from commonweal.protocol import codec\n",
    ),
    "the network": ("node/network/gossip/host.py", DOC + "import libp2p\nimport trio\n"),
    "a command that loads late": ("commands/node/up.py", DOC + "def _f():\n    import trio\n"),
    "a type only": (
        "commands/node/up.py",
        DOC + "if TYPE_CHECKING:\n    from commonweal.node import api\n",
    ),
    "a sorted set": ("protocol/records/log.py", DOC + "for x in sorted({1, 2}):\n    x\n"),
    "a sorted choice of a set": (
        "protocol/records/log.py",
        DOC + "a = {1, 2}\nx = sorted(b for b in a if b)\n",
    ),
    "a set from a set": ("protocol/records/log.py", DOC + "a = {1, 2}\nx = {b for b in a}\n"),
    "the wall": ("node/network.py", DOC + "try: a()\nexcept Exception: b()\n"),
    "a rollback": (
        "storage/records/logs/log_store.py",
        DOC + "try: a()\nexcept BaseException:\n    b()\n    raise\n",
    ),
    "a queue with a limit": (
        "node/control/server.py",
        DOC + "x = trio.open_memory_channel[int](INBOX_MAX)\ny = trio.open_memory_channel(0)\n",
    ),
    "floor division": ("protocol/records/log.py", DOC + "x = 1 // 2\n"),
    "a command's help in its mark": (
        "commands/node/up.py",
        DOC + "@click.command(help=_('Start.'))\ndef up(): pass\n",
    ),
    "print where people read": ("commands/terminal/output.py", DOC + "print(1)\n"),
    "a method that its base explains": (
        "node/control/server.py",
        DOC + "class C(Base):\n    'A.'\n    def f(self): pass\n",
    ),
    "a private function": ("node/control/server.py", DOC + "def _f(): pass\n"),
}


@pytest.mark.parametrize(("place", "text"), FINE.values(), ids=FINE)
def test_what_is_right_passes(place: str, text: str) -> None:
    assert list(tidy.python(place, text)) == []


# A ~ stands inside each, so that this file does not complain about itself.
WORDS = {
    "a promise": "x = 1  # TO~DO later\n",
    "a mute type": "x = f()  # type:~ ignore\n",
    "a mute rule": "x = f()  # no~qa\n",
    "a home of somebody": "see /~home/ann/x\n",
    "a home on a Mac": "see '/~Users/ann'\n",
    "a folder of the machine": "see /~work/x\n",
    "a neighbour's folder": "see ../~shared/x\n",
    "a registry": "https://py~pi.org/simple\n",
    "a conflict": "~<<<<<<< HEAD\n",
    "space at the end": "a \n",
    "no end": "a",
}


@pytest.mark.parametrize("text", WORDS.values(), ids=WORDS)
def test_a_fault_in_words_is_seen(text: str) -> None:
    assert len(list(tidy.words(text.replace("~", "")))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "x = f()  # type: ignore[no-any-return]\n",
        "x = f()  # noqa: BLE001\n",
        "https://example.org/home/ann\n",
        "~/work/x and $HOME/work/x\n",
    ],
)
def test_words_that_are_right_pass(text: str) -> None:
    assert list(tidy.words(text)) == []
