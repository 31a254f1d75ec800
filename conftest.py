"""The pages of README.md and docs/ as tests: what a page shows is what happens.

A `console` block is typed into bash, line by line, in a folder of the page's own. A line that
begins with `$ ` is a command and `> ` continues it. The lines below are what it prints, `...`
standing for anything; none means that the output does not matter. The command must succeed, unless
the last line is the exit code in brackets, as in `[69]`. A `python` block runs as it stands.
Blocks of other languages, `sh` among them, are only read. `make docs` runs the pages.

README.md types the installed `weal`; for docs/ a server has loaded its commands, which is faster
(tests/house/command_server.py).
"""

from __future__ import annotations

import doctest
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from functools import cache
from pathlib import Path

from sybil import Document, Example, Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser, SkipParser

SECONDS_PER_COMMAND_MAX = 120
FOLDER = "folder of this page"
_AT_END = ExitStack()
_EXIT = re.compile(r"\[(\d+)\]")


def commands(block: str) -> Iterator[tuple[str, str, int]]:
    """Each command of a `console` block, what it should print, and its exit code."""
    typed: list[str] = []
    printed: list[str] = []
    for line in [*block.splitlines(), "$ "]:
        if line.startswith("$ "):
            if typed:
                code = _EXIT.fullmatch(printed[-1]) if printed else None
                wanted = printed[:-1] if code else printed
                yield "\n".join(typed), "\n".join(wanted), int(code[1]) if code else 0
            typed, printed = [line[2:]], []
        elif line.startswith("> ") and not printed:
            typed.append(line[2:])
        elif not typed:
            raise SyntaxError(f"a console block begins with a command, not with {line!r}")
        else:
            printed.append(line)


def fits(wanted: str, printed: str) -> bool:
    """Whether `printed` is `wanted`, where `...` stands for anything."""
    if not wanted:
        return True
    check = doctest.OutputChecker().check_output
    return check(wanted.rstrip() + "\n", printed.rstrip() + "\n", doctest.ELLIPSIS)


@cache
def _programs() -> Path:
    """The folder of a `weal` whose commands are loaded already, for this process."""
    from tests.house.command_server import serving

    folder = Path(_AT_END.enter_context(tempfile.TemporaryDirectory(prefix="weal-")))
    return _AT_END.enter_context(serving(folder))


def pytest_unconfigure() -> None:
    """End what the pages needed."""
    _AT_END.close()


def _environment(page: str, folder: Path) -> dict[str, str]:
    programs = [str(Path(sys.executable).parent), os.environ["PATH"]]
    if not page.startswith("README"):
        programs.insert(0, str(_programs()))
    kept = {name: os.environ[name] for name in ("TERM", "SSL_CERT_FILE") if name in os.environ}
    return kept | {
        "HOME": str(folder),
        "LANG": "zh_CN.UTF-8" if ".zh" in page else "C.UTF-8",
        "PATH": os.pathsep.join(programs),
        "PYTHONUTF8": "1",
        "COMMONWEAL_PAGE": "no",
        "COMMONWEAL_PORT_MAPPING": "0",
        "GIT_AUTHOR_NAME": "Ann",
        "GIT_AUTHOR_EMAIL": "ann@example.org",
        "GIT_COMMITTER_NAME": "Ann",
        "GIT_COMMITTER_EMAIL": "ann@example.org",
    }


def type_in(example: Example) -> str | None:
    """Type a block into bash; the first difference from the page, or nothing."""
    folder = Path(example.namespace[FOLDER])
    environment = _environment(Path(example.path).name, folder)
    here, said = folder / ".here", folder / ".said"
    for command, wanted, code in commands(example.parsed):
        script = f'{command}\nstatus=$?\npwd > "{here}"\nexit $status\n'
        with said.open("wb") as out:  # a file and no pipe: a node in the background may hold it
            ended = subprocess.run(
                ["bash", "-c", script],
                cwd=here.read_text("utf-8").strip() if here.exists() else folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                timeout=SECONDS_PER_COMMAND_MAX,
            )
        printed = said.read_text("utf-8", errors="replace")
        if ended.returncode != code or not fits(wanted, printed):
            return f"$ {command}\nexit {ended.returncode}, not {code}, or not as shown:\n{printed}"
    return None


def _open(namespace: dict[str, object]) -> None:
    namespace[FOLDER] = tempfile.mkdtemp(prefix="page-")


def _close(namespace: dict[str, object]) -> None:
    folder = Path(str(namespace[FOLDER]))
    _end_nodes(folder)
    shutil.rmtree(folder, ignore_errors=True)


def _end_nodes(folder: Path) -> None:
    """End what holds a home below `folder`, and its page: a page that failed midway did not."""
    from commonweal.storage.home.home import Home
    from commonweal.web.serving.page_file import PageFile

    for lock in folder.rglob(Home("").lock_file.name):
        for pid in (Home(lock.parent).holder(), PageFile(lock.parent).holder()):
            if pid:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def pages(pattern: str) -> Sybil:
    """The examples of the pages whose name fits `pattern`."""
    return Sybil(
        parsers=[
            CodeBlockParser(language="console", evaluator=type_in),
            PythonCodeBlockParser(),
            SkipParser(),
        ],
        pattern=pattern,
        setup=_open,
        teardown=_close,
    )


def parsed(text: str) -> Document:
    """A page that is not in a file, for the tests of this one."""
    sybil = pages("*.md")
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.md"
        page.write_text(text, "utf-8")
        return sybil.parse(page)


pytest_collect_file = pages("*.md").pytest()
