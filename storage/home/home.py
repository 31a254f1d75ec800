"""A home: the folder of one member in one community.

It has the ledger, the keystore, a lock, and the socket and log file of a running node. A process
that writes to the ledger holds the lock, so a home never has two writers that fork its log. The
folder is private to its owner (0700). Nothing here asks for a passphrase or starts a node.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple, cast

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
from commonweal.storage.home.process_lock import ProcessLock
from commonweal.storage.records.logs.log_store import Store
from commonweal.storage.records.settings import SettingStore

SOCKET_PATH_BYTES_MAX = 100
"""Operating systems limit the path of a socket to 104 to 108 bytes."""

PORT_MIN, PORT_MAX = 20_000, 32_000
"""Range of a home's port, below the ephemeral ports of outgoing connections."""


class ForeignSocket(CommonwealError):
    """Another user could answer in place of your node, so nothing was sent; remove that folder."""

    exit_code = 77


class Home:
    """A folder, existing or to be created, and the paths of its files."""

    def __init__(self, path: str | Path) -> None:
        """Name a folder; nothing is read or created."""
        self.path = Path(path).expanduser().absolute()

    def __str__(self) -> str:
        return str(self.path)

    @property
    def database(self) -> Path:
        """The ledger: records, blobs, seals and settings."""
        return self.path / "ledger.db"

    @property
    def keystore(self) -> Path:
        """The device's secrets; see `storage.home.keystore`."""
        return self.path / "keystore"

    @property
    def lock_file(self) -> Path:
        """The file that the writer locks."""
        return self.path / "lock"

    @property
    def log(self) -> Path:
        """The log file of a node in the background."""
        return self.path / "node.log"

    @property
    def state(self) -> Path:
        """The folded state; made again from the ledger when it is missing."""
        return self.path / "state.db"

    @property
    def config(self) -> Path:
        """Settings that the member edits."""
        return self.path / "config.toml"

    @property
    def socket(self) -> Path:
        """The socket of a running node: in the home, or in a runtime folder for a long path."""
        path = self.path / "node.sock"
        if len(os.fsencode(path)) <= SOCKET_PATH_BYTES_MAX:
            return path
        name = blake2b(os.fsencode(self.path.resolve()), digest_size=12).hexdigest()
        return _runtime_folder() / f"{name}.sock"

    def socket_for_binding(self) -> Path:
        """Return `socket`, after its folder is created and found private.

        Raises ReadOnlyDatabase when the folder cannot be created or belongs to another user.
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
        """Return `socket`, after its folder is found to be ours alone.

        Raises ForeignSocket when another user could read the requests and answer them.
        """
        folder = self.socket.parent
        try:
            status = folder.lstat()
        except OSError:
            return self.socket  # no folder, so no node answers there
        is_shared = status.st_mode & (0o002 if folder == self.path else 0o077)
        is_folder = stat.S_ISDIR(status.st_mode) or folder == self.path
        if status.st_uid != os.getuid() or is_shared or not is_folder:
            raise ForeignSocket(f"{folder}: not ours alone")
        return self.socket

    def open_to_others(self) -> Path | None:
        """Return the folder through which other users could replace this home; None without one.

        This is the home, or a parent folder where others may rename files that are not theirs.
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
        """Whether a home was made here. Raises ReadOnlyDatabase when it cannot be looked at."""
        try:
            return self.database.exists()
        except OSError as error:
            raise ReadOnlyDatabase(f"{self.path}: {error.strerror}") from error

    def create(self) -> None:
        """Create the private folder. Raises KeystoreExists when a home is here."""
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
        """Be the only writer of this home inside. Raises HomeInUse or MissingDatabase.

        The operating system releases the lock when the process ends.
        """
        with ProcessLock(self.lock_file).hold():
            yield

    @contextmanager
    def importing(self) -> Iterator[None]:
        """Be the only import of this home inside. Raises HomeInUse.

        It is not `lock`, which a running node holds while it writes what the import sends.
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
        """Return the process id of the holder of the lock; None when it is free.

        0 when the id is unknown, or of another machine or container, where the same number is
        another process.
        """
        return ProcessLock(self.lock_file).holder()

    @contextmanager
    def store(self, *, readonly: bool = False) -> Iterator[Store]:
        """Open the ledger; close it at the end, without uncommitted writes.

        Hold `lock` unless `readonly`. A ledger of an older version is migrated first, after a
        backup; for that the home must be free, even to read it. Raises MissingDatabase, NewerHome,
        HomeInUse and what `Database` raises.
        """
        if not self.exists():
            raise MissingDatabase(str(self.path))
        try:
            store = Store(self.database, readonly=readonly)
        except OlderHome:
            self._migrate()
            store = Store(self.database, readonly=readonly)
        if not readonly:  # names of members that earlier versions cached, erased ones too
            with suppress(OSError):
                (self.path / "names").unlink(missing_ok=True)
        try:
            yield store
        finally:
            store.close()

    def _migrate(self) -> None:
        """Migrate the ledger once, even when several processes find at once that it is older."""
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
        """Create the ledger of a new home."""
        return Store(self.database)


class Settings(NamedTuple):
    """Settings of a home about itself. link: the invite that waits for admission."""

    name: str
    member: MemberId
    device: DeviceKey
    community: CommunityId | None = None
    port: int | None = None
    link: str | None = None

    @classmethod
    def read(cls, store: SettingStore) -> Settings:
        """Return the settings in `store`. Raises MissingDatabase when a home was not finished."""
        name, member, device, community, port, link = (
            store.setting(f"home.{field}") for field in cls._fields
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
        """Write all settings to `store`; the caller commits."""
        for field in self._fields:
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
        """The home's community. Raises NotInCommunity before it joined one."""
        if self.community is None:
            raise NotInCommunity(self.name)
        return self.community


def new_port() -> int:
    """Return a random port for a new home, which keeps it so that its addresses stay."""
    import secrets

    return PORT_MIN + secrets.randbelow(PORT_MAX - PORT_MIN)


def _runtime_folder() -> Path:
    given = os.environ.get("XDG_RUNTIME_DIR")
    if given and len(given) <= SOCKET_PATH_BYTES_MAX // 2:
        return Path(given) / "commonweal"
    import tempfile

    root = tempfile.gettempdir()
    short = root if len(root) <= SOCKET_PATH_BYTES_MAX // 2 else "/tmp"  # noqa: S108
    return Path(short) / f"commonweal-{os.getuid()}"


def is_open_to_others(folder: os.stat_result) -> bool:
    """Whether other users may rename files in a folder that are not theirs.

    These are users with write access, by mode or by group; in a sticky folder, only its owner.
    """
    if folder.st_mode & stat.S_ISVTX and folder.st_uid in (0, os.getuid()):
        return False
    if folder.st_mode & stat.S_IWOTH:
        return True
    return bool(folder.st_mode & stat.S_IWGRP) and not _is_ours_alone(folder.st_gid)


def _is_ours_alone(group: int) -> bool:
    """Whether a group is the private one that many systems create for each user by their name."""
    import grp
    import pwd

    try:
        user, entry = pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(group)
    except KeyError:  # a group or a user without a name
        return False
    return entry.gr_name == user and set(entry.gr_mem) <= {user}
