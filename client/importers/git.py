"""Reading a git repository that somebody else may have made: its commits, and nothing else.

Git is asked as a separate program. Neither the repository's settings nor those of this
machine let it run anything: no hook, filter, pager, signature check or transport. What it
says is read as it comes, and no commit takes more than a named number of bytes.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, NamedTuple

from commonweal.client.language.digits import WHOLE_DIGITS_MAX
from commonweal.client.language.visible_text import visible
from commonweal.client.language.words import ENGLISH, Words
from commonweal.protocol.errors import GitMissing, UnreadableRepository

SUBJECT_COLUMNS_MAX = 200
NAME_COLUMNS_MAX = 100
COMMIT_BYTES_MAX = 64 * 1024
"""What git may say of one commit."""
READ_BYTES = 64 * 1024
ANSWER_BYTES_MAX = 64 * 1024
COMPLAINT_CHARS_MAX = 300
MAILMAP_BYTES_MAX = 1024 * 1024
CO_AUTHORS_MAX = 200
PERSON_CHARS_MAX = 320
"""Characters of a name or address; an address has no more."""
TIME_S_MAX = (1 << 62) // 1000

_SAFE = (
    *("--no-pager", "--no-replace-objects", "--literal-pathspecs", "--no-optional-locks"),
    *("-c", "safe.directory=*"),  # whose it is does not matter, since nothing in it is run
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.attributesFile=/dev/null"),
    *("-c", "log.showSignature=false"),
    *("-c", "log.mailmap=false"),
    *("-c", "gpg.program=false"),
    *("-c", "protocol.allow=never"),
    *("-c", "i18n.logOutputEncoding=UTF-8"),
    *("-c", "trailer.separators=:"),
    *("-c", "advice.graftFileDeprecated=false"),
)
_ENVIRONMENT = {
    "LC_ALL": "C",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "false",
    "GIT_PAGER": "cat",
    "GIT_ALLOW_PROTOCOL": "none",  # a repository that lacks commits must not fetch them
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_GRAFT_FILE": os.devnull,  # it makes of one history another, as replacing objects does
}
_FORMAT = (
    "--format=tformat:%H%x00%at%x00%ae%x00"
    f"%<({NAME_COLUMNS_MAX},trunc)%an%x00%<({SUBJECT_COLUMNS_MAX},trunc)%s"
    "%x00%(trailers:key=Co-authored-by,valueonly,unfold,separator=%x01)"
)
_FIELDS = 6
_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_CO_AUTHOR = re.compile(r"([^<>]*)<([^<>]+)>.*", re.DOTALL)
_MAILMAP = re.compile(r"100(?:644|755) blob ([0-9a-f]+)\t\.mailmap")


class Person(NamedTuple):
    """Who made a commit: a name and an address."""

    name: str
    email: str


class Commit(NamedTuple):
    """A commit: its hash, its author's time (ms), the author, the first line, the co-authors.

    co_authors: of the trailers `Co-authored-by: NAME <EMAIL>`, at most CO_AUTHORS_MAX.
    """

    hash: bytes
    authored_at: int
    author: Person
    subject: str
    co_authors: tuple[Person, ...] = ()


class Repository:
    """The history that leads to HEAD of the repository in a folder."""

    def __init__(self, folder: Path, since: str | None = None, words: Words = ENGLISH) -> None:
        """Look for HEAD, and for the revision `since`, whose history is left out.

        What HEAD is later makes no difference.

        words: of what is raised. Raises GitMissing, or UnreadableRepository with the reason.
        """
        self._folder, self._words = folder, words
        if not folder.is_dir():
            raise UnreadableRepository(words("{path}: no such folder").format(path=folder))
        git_dir = self._ask("rev-parse", "--absolute-git-dir")
        common = Path(self._ask("rev-parse", "--git-common-dir"))
        _check_own(folder, Path(git_dir), common, words)
        self.name = _named(Path(git_dir))
        """What people call it: the name of its folder."""
        self._head = self._revision(
            "HEAD", words("{path}: it has no commit yet").format(path=folder)
        )
        self._range = [self._head]
        self.is_shallow = self._ask("rev-parse", "--is-shallow-repository") != "false"
        """Whether commits are missing: a clone of the last ones only."""
        self.is_partial = any((Path(git_dir) / "objects" / "pack").glob("*.promisor"))
        """Whether files are missing, and perhaps more: a clone with a filter."""
        if since is not None:
            unknown = words("{path}: it has no revision {rev}").format(
                path=folder, rev=visible(since)
            )
            self._range += [f"^{self._revision(since, unknown)}"]

    def count(self) -> int:
        """Return how many commits there are."""
        return int(self._ask("rev-list", "--count", *self._range, "--"))

    def hashes(self) -> Iterator[bytes]:
        """Yield the hash of every commit that leads to HEAD, those that `since` leaves out too."""
        with self._running("rev-list", self._head, "--") as output:
            for line in output:
                yield bytes.fromhex(line.decode("ascii", "replace").strip())

    def mailmap(self) -> str:
        """Return the `.mailmap` that is in the history at HEAD; empty without any.

        Not the one in the work tree, and not those that settings name, which are of this machine.
        """
        listed = _MAILMAP.fullmatch(self._ask("ls-tree", self._head, "--", ".mailmap"))
        if listed is None:
            return ""
        with self._running("cat-file", "blob", listed[1]) as output:
            text = output.read(MAILMAP_BYTES_MAX + 1)
            if len(text) > MAILMAP_BYTES_MAX:
                raise UnreadableRepository(
                    self._words("{path}: more than {most} bytes").format(
                        path=self._folder / ".mailmap", most=MAILMAP_BYTES_MAX
                    )
                )
        return text.decode("utf-8", "replace")

    def commits(self) -> Iterator[Commit]:
        """Yield the commits, merges too, each after those that it follows."""
        listing = (
            "--no-show-signature",
            "--no-notes",
            "--no-mailmap",
            "--no-decorate",
            "--no-color",
        )
        order = ("--no-patch", "--topo-order", "--reverse", "-z", "--encoding=UTF-8", _FORMAT)
        with self._running("log", *listing, *order, *self._range, "--") as output:
            yield from _commits(output, self._folder, self._words)

    def _revision(self, name: str, unknown: str) -> str:
        try:
            revision = self._ask(
                "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"
            )
        except (UnreadableRepository, ValueError):  # ValueError: a NUL in an argument
            raise UnreadableRepository(unknown) from None
        if not _HASH.fullmatch(revision):
            raise UnreadableRepository(unknown)
        return revision

    def _ask(self, *arguments: str) -> str:
        with self._running(*arguments) as output:
            return output.read(ANSWER_BYTES_MAX).decode("utf-8", "surrogateescape").strip("\n")

    @contextmanager
    def _running(self, *arguments: str) -> Iterator[IO[bytes]]:
        """Run git; give what it says; end it when that is not read to the end."""
        environment = {"PATH": os.environ.get("PATH", os.defpath), **_ENVIRONMENT}
        with TemporaryFile() as complaints:  # no amount of complaints stops git
            try:
                process = subprocess.Popen(
                    ["git", *_SAFE, "-C", str(self._folder.absolute()), *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=complaints,
                    env=environment,
                )
            except OSError as error:
                raise GitMissing(f"git: {error.strerror}") from error
            assert process.stdout is not None
            finished = False
            try:
                with process.stdout as output:
                    yield output
                finished = True
            finally:
                if not finished:
                    process.kill()
                code = process.wait()
            if code:
                complaints.seek(0)
                said = complaints.read(COMPLAINT_CHARS_MAX).decode("utf-8", "replace").strip()
                raise UnreadableRepository(f"{self._folder}: {said or f'git ended with {code}'}")


def _check_own(folder: Path, git_dir: Path, common: Path, words: Words) -> None:
    """Raise UnreadableRepository where the history is that of a repository elsewhere.

    The maker of the folder could name another repository of this machine in a `.git` file, as a
    source of objects, or by a link, and have its history published by the member who imports it.
    """
    place, here = git_dir.resolve(), folder.resolve()
    roots = [root for folder in (here, *here.parents) for root in (folder / ".git", folder)]
    objects = place / "objects"
    lists = [objects / "info" / name for name in ("alternates", "http-alternates")]
    inside = [place, objects, place / "refs", objects / "info", objects / "pack"]
    with suppress(OSError):
        inside += [*objects.iterdir(), *(objects / "pack").iterdir()]
    is_elsewhere = (
        place not in roots
        or (here / common).resolve() not in (place, (place / common).resolve())
        or (place / "commondir").exists()
        or any(map(Path.exists, lists))
        or any(map(Path.is_symlink, inside))
        or any(
            root.is_symlink() for root in roots[::2] if root.exists() and root.resolve() == place
        )
    )
    if is_elsewhere:
        raise UnreadableRepository(
            words("{path}: its history is that of another repository; name that one").format(
                path=folder
            )
        )


def _commits(output: IO[bytes], folder: Path, words: Words) -> Iterator[Commit]:
    buffered = b""
    while part := output.read(READ_BYTES):
        *fields, buffered = (buffered + part).split(b"\0")
        whole = len(fields) - len(fields) % _FIELDS
        for start in range(0, whole, _FIELDS):
            yield _commit(fields[start : start + _FIELDS], folder, words)
        buffered = b"\0".join([*fields[whole:], buffered])
        if len(buffered) > COMMIT_BYTES_MAX:
            raise UnreadableRepository(
                words("{path}: a commit with a header of more than {most} bytes").format(
                    path=folder, most=COMMIT_BYTES_MAX
                )
            )
    if buffered:
        raise UnreadableRepository(words("{path}: git stopped in the middle").format(path=folder))


def _commit(fields: list[bytes], folder: Path, words: Words) -> Commit:
    *header, trailers = (field.decode("utf-8", "replace") for field in fields)
    digest, seconds, email, name, subject = (field.strip() for field in header)
    if not _HASH.fullmatch(digest):
        raise UnreadableRepository(words("{path}: git answers unexpectedly").format(path=folder))
    named = [match for text in trailers.split("\1") if (match := _CO_AUTHOR.fullmatch(text))]
    if len(named) > CO_AUTHORS_MAX:
        raise UnreadableRepository(
            words("{path}: the commit {hash} has more than {most} co-authors").format(
                path=folder, hash=digest, most=CO_AUTHORS_MAX
            )
        )
    co_authors = tuple(
        Person(*(part.strip()[:PERSON_CHARS_MAX] for part in match.groups())) for match in named
    )
    at = int(seconds[:WHOLE_DIGITS_MAX]) if seconds.isdecimal() else 0  # git prints any number
    place = (bytes.fromhex(digest), min(at, TIME_S_MAX) * 1000)
    return Commit(*place, Person(name, email[:PERSON_CHARS_MAX]), subject, co_authors)


def _named(git_dir: Path) -> str:
    folder = git_dir.parent if git_dir.name == ".git" else git_dir
    return folder.name.removesuffix(".git")
