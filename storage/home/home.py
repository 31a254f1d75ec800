"""A home: the folder that holds one member's place in one community.

It holds the ledger, the keystore, a lock, and what a running node leaves: its socket and
its log. Whoever writes to the ledger holds the lock, so one home never has two writers
and its log is never forked from here. The folder is its owner's alone (0700). Nothing
here asks for a passphrase or starts a node.
"""

from __future__ import annotations

import fcntl
import grp
import os
import pwd
import secrets
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import cast

from commonweal.protocol.errors import (
    CommonwealError,
    HomeInUse,
    KeystoreExists,
    MissingDatabase,
    NotInCommunity,
    OlderHome,
    ReadOnlyDatabase,
)
from commonweal.protocol.keys import DeviceKey, MemberId
from commonweal.protocol.records.record import CommunityId
from commonweal.storage.records.log_store import Store
from commonweal.storage.records.settings import SettingStore

SOCKET_PATH_BYTES_MAX = 100
"""Systems take 104 to 108 bytes as the path of a socket."""

PORT_MIN, PORT_MAX = 20_000, 32_000
"""A home's port is drawn from here, below those that systems lend to outgoing connections."""

LOCK_BYTES_MAX = 512


class ForeignSocket(CommonwealError):
    """Another user could answer in place of your node, so nothing was sent; remove that folder."""

    exit_code = 77


class Home:
    """A folder, existing or to be made, with its files."""

    def __init__(self, path: str | Path) -> None:
        """Name a folder; nothing is read or made."""
        self.path = Path(path).expanduser().absolute()

    def __str__(self) -> str:
        return str(self.path)

    @property
    def database(self) -> Path:
        """The ledger."""
        return self.path / "ledger.db"

    @property
    def keystore(self) -> Path:
        """The device's secrets; see `keystore`."""
        return self.path / "keystore"

    @property
    def lock_file(self) -> Path:
        """The file that the one writer holds; it says his process id, and where that counts."""
        return self.path / "lock"

    @property
    def log(self) -> Path:
        """Where a node in the background writes what it does."""
        return self.path / "node.log"

    @property
    def state(self) -> Path:
        """What the ledger comes to, folded; made anew when it is gone."""
        return self.path / "state.db"

    @property
    def config(self) -> Path:
        """Settings that the member may edit."""
        return self.path / "config.toml"

    @property
    def names(self) -> Path:
        """The names of members, as they were when they were last looked up."""
        return self.path / "names"

    @property
    def socket(self) -> Path:
        """Where a running node answers: in the home, or where a long path finds a short one."""
        path = self.path / "node.sock"
        if len(os.fsencode(path)) <= SOCKET_PATH_BYTES_MAX:
            return path
        name = blake2b(os.fsencode(self.path.resolve()), digest_size=12).hexdigest()
        return _runtime_folder() / f"{name}.sock"

    def socket_for_binding(self) -> Path:
        """Return `socket` with its folder made, private, and our own.

        Raises ReadOnlyDatabase when the folder cannot be made or is somebody else's.
        """
        folder = self.socket.parent
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            status = folder.lstat()
        except OSError as error:
            raise ReadOnlyDatabase(f"{folder}: {error.strerror}") from error
        if status.st_uid != os.getuid() or (folder != self.path and status.st_mode & 0o077):
            raise ReadOnlyDatabase(f"{folder}: not ours alone")
        return self.socket

    def socket_for_calling(self) -> Path:
        """Return `socket`, whose folder nobody else could have made.

        Raises ForeignSocket: what is said there another user would hear and answer.
        """
        folder = self.socket.parent
        try:
            status = folder.lstat()
        except OSError:
            return self.socket  # then nobody answers there
        is_shared = status.st_mode & (0o002 if folder == self.path else 0o077)
        is_folder = stat.S_ISDIR(status.st_mode) or folder == self.path
        if status.st_uid != os.getuid() or is_shared or not is_folder:
            raise ForeignSocket(f"{folder}: not ours alone")
        return self.socket

    def open_to_others(self) -> Path | None:
        """Return the folder by which other users could change this home; None without one.

        That is the home, or a folder above it where others may rename what is not theirs.
        """
        for folder in (self.path.resolve(), *self.path.resolve().parents):
            try:
                status = folder.stat()
            except OSError:
                continue
            if is_open_to_others(status):
                return folder
        return None

    def exists(self) -> bool:
        """Whether a home was made here. Raises ReadOnlyDatabase where we may not look."""
        try:
            return self.database.exists()
        except OSError as error:
            raise ReadOnlyDatabase(f"{self.path}: {error.strerror}") from error

    def create(self) -> None:
        """Make the folder, its owner's alone. Raises KeystoreExists when a home is here."""
        if os.path.lexists(self.keystore):
            raise KeystoreExists(str(self.keystore))
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not any(self.path.iterdir()):
                self.path.chmod(0o700)
        except OSError as error:
            raise ReadOnlyDatabase(f"{self.path}: {error.strerror}") from error

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Be the only writer of this home inside. Raises HomeInUse, or MissingDatabase.

        The lock ends with the process, however it ends.
        """
        try:
            descriptor = os.open(self.lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:
            raise MissingDatabase(str(self.path)) from None
        except OSError as error:
            raise ReadOnlyDatabase(f"{self.lock_file}: {error.strerror}") from error
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pid, where = _written(descriptor)
                place = "" if where == _here() else f", {where}"
                raise HomeInUse(f"{self.path}: process {pid or '?'}{place}") from None
            try:  # in place, which a full disk takes too
                mine = f"{os.getpid()}\n{_here()}\n".encode()
                os.ftruncate(descriptor, os.pwrite(descriptor, mine, 0))
            except OSError as error:
                raise ReadOnlyDatabase(f"{self.lock_file}: {error.strerror}") from error
            yield
        finally:
            os.close(descriptor)

    @contextmanager
    def importing(self) -> Iterator[None]:
        """Be the only one here who looks for what is not held yet and writes it. Raises HomeInUse.

        This is not `lock`, which a running node holds while it writes what is taken in.
        """
        try:
            folder = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            raise MissingDatabase(str(self.path)) from None
        try:
            try:
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise HomeInUse(str(self.path)) from None
            yield
        finally:
            os.close(folder)

    def holder(self) -> int | None:
        """Return the process id of whoever holds the lock; None when nobody does.

        0 when it is not known, or counts in another machine or container: to them that number
        is somebody else.
        """
        try:
            descriptor = os.open(self.lock_file, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            pid, where = _written(descriptor)
            return int(pid) if pid.isdecimal() and where == _here() else 0
        finally:
            os.close(descriptor)
        return None

    @contextmanager
    def store(self, *, readonly: bool = False) -> Iterator[Store]:
        """Open the ledger; close it at the end, without what was not committed.

        Hold `lock` unless `readonly`. One of an older version is brought up to date first, after
        a backup; to read it, too, the home must then be free. Raises MissingDatabase, NewerHome,
        HomeInUse and what `Database` does.
        """
        if not self.exists():
            raise MissingDatabase(str(self.path))
        try:
            store = Store(self.database, readonly=readonly)
        except OlderHome:
            self._bring_up_to_date()
            store = Store(self.database, readonly=readonly)
        try:
            yield store
        finally:
            store.close()

    def _bring_up_to_date(self) -> None:
        """Migrate the ledger, once, whoever else finds at this moment that it is older."""
        folder = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            try:
                Store(self.database, readonly=True).close()
            except OlderHome:
                with self.lock():
                    Store(self.database).close()
        finally:
            os.close(folder)

    def create_store(self) -> Store:
        """Make the ledger of a new home."""
        return Store(self.database)


@dataclass(frozen=True, slots=True)
class Settings:
    """What a home knows of itself. `link`: the invite that waits for admission."""

    name: str
    member: MemberId
    device: DeviceKey
    community: CommunityId | None = None
    port: int | None = None
    link: str | None = None

    @classmethod
    def read(cls, store: SettingStore) -> Settings:
        """Return what `store` says. Raises MissingDatabase where a home was not made in full."""
        name, member, device, community, port, link = (
            store.setting(f"home.{field}") for field in cls.__slots__
        )
        if name is None or member is None or device is None:
            raise MissingDatabase(store.path)
        return cls(
            name.decode(),
            MemberId(member),
            DeviceKey(device),
            None if community is None else CommunityId(community),
            None if port is None else int.from_bytes(port, "big"),
            None if link is None else link.decode(),
        )

    def put(self, store: SettingStore) -> None:
        """Write all of it to `store`; the caller commits."""
        for field in self.__slots__:
            value = cast("str | bytes | int | None", getattr(self, field))
            match value:
                case str():
                    store.put_setting(f"home.{field}", value.encode())
                case int():
                    store.put_setting(f"home.{field}", value.to_bytes(2, "big"))
                case _:
                    store.put_setting(f"home.{field}", value)

    @property
    def here(self) -> CommunityId:
        """The community. Raises NotInCommunity when there is none."""
        if self.community is None:
            raise NotInCommunity(self.name)
        return self.community


def new_port() -> int:
    """Return a port for a home, chosen once so that its addresses stay."""
    return PORT_MIN + secrets.randbelow(PORT_MAX - PORT_MIN)


def _written(lock: int) -> tuple[str, str]:
    """Return what a lock file says: the process id of its holder, and where that counts."""
    said = os.pread(lock, LOCK_BYTES_MAX, 0).decode("utf-8", "replace").splitlines()
    pid, where, *_ = *said, "", ""
    return pid.strip(), where or _here()


def _here() -> str:
    """Return where process ids count: this machine, and on Linux this container."""
    space = ""
    with suppress(OSError):
        space = str(Path("/proc/self/ns/pid").readlink())
    return f"{os.uname().nodename} {space}".strip()


def _runtime_folder() -> Path:
    given = os.environ.get("XDG_RUNTIME_DIR")
    if given and len(given) <= SOCKET_PATH_BYTES_MAX // 2:
        return Path(given) / "commonweal"
    root = tempfile.gettempdir()
    short = root if len(root) <= SOCKET_PATH_BYTES_MAX // 2 else "/tmp"  # noqa: S108
    return Path(short) / f"commonweal-{os.getuid()}"


def is_open_to_others(folder: os.stat_result) -> bool:
    """Say whether other users may rename what is in a folder and is not theirs.

    They are who may write there, by its mode or its group; where it is sticky, its owner alone.
    """
    if folder.st_mode & stat.S_ISVTX and folder.st_uid in (0, os.getuid()):
        return False
    if folder.st_mode & stat.S_IWOTH:
        return True
    return bool(folder.st_mode & stat.S_IWGRP) and not _is_ours_alone(folder.st_gid)


def _is_ours_alone(group: int) -> bool:
    """Say whether a group is the one that many systems make for each user, named as they are."""
    try:
        user, found = pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(group)
    except KeyError:  # a group or a user without a name
        return False
    return found.gr_name == user and set(found.gr_mem) <= {user}
