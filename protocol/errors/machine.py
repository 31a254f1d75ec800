"""Errors of this machine: its disk, its home, its node."""

from __future__ import annotations

from commonweal.protocol.errors.base import CommonwealError


class StorageError(CommonwealError):
    """The disk did not take the change; nothing was acknowledged."""

    exit_code = 73


class DiskFull(StorageError):
    """The disk is full: the change was not stored. Free some space; reading and serving go on."""


class DiskFailed(StorageError):
    """The disk reported a failure: the change was not stored. Check the disk before going on."""


class DamagedDatabase(StorageError):
    """The database of this home is damaged; restore a backup, or fetch it again from a peer."""


class ReadOnlyDatabase(StorageError):
    """The database of this home cannot be written; check who owns the folder and its rights."""


class FileRefused(StorageError):
    """The file cannot be written there; look who may write in that folder, and for free space."""


class DatabaseBusy(StorageError):
    """Another program is writing to the database of this home; try again when it is done."""


class OutputRefused(CommonwealError):
    """The result cannot be written where it goes. What the command did stands; do not repeat it."""

    exit_code = 73


class NotReachable(CommonwealError):
    """No node answers; start it with `weal up`, or check the address."""

    exit_code = 69


class Unanswered(NotReachable):
    """The node did not answer, and may have done it or do it yet; look before you type it again."""


class NobodyGives(NotReachable):
    """No home that keeps the whole ledger gives this record now; try again when one is there."""


class NodeNotRunning(NotReachable):
    """No node of this home is running, so there is none to end."""


class NodeNotStarted(CommonwealError):
    """The node did not start; the line below says why."""


class PageNotStarted(CommonwealError):
    """The page did not start; the line below says why."""


class ConfigError(CommonwealError):
    """The home or its settings cannot be used as they are."""

    exit_code = 78


class HomeInUse(ConfigError):
    """Another program uses this home; stop it with `weal down`, or wait until it is done."""


class NodeRunsAlready(HomeInUse):
    """Your node runs already: `weal status` says how it stands, and `weal down` stops it."""


class DigestNotShown(ConfigError):
    """The digest was not shown, and comes again the next time; the line below says why."""


class GitMissing(ConfigError):
    """The program git does not run here; install it, and type the command again."""


class HomeTaken(ConfigError):
    """Something is in this folder already, and it was left as it is; choose another --home."""


class NotInCommunity(ConfigError):
    """This home is in no community yet; type `weal found NAME`, or `weal join LINK`."""


class InCommunityAlready(ConfigError):
    """This home is in a community already; one home is one community, so name another --home."""


class BadSetting(ConfigError):
    """A setting cannot be used as it is; correct it there, or take it out."""


class RelayKeyUnusable(ConfigError):
    """The file of the relay's key cannot be used as it is; mend it, or name another with --key."""


class NewerHome(ConfigError):
    """This home was written by a newer version of Commonweal; install that version to open it."""


class FormerHome(ConfigError):
    """No node takes this home's old form; read it with its version, or begin anew: `weal init`."""


class OlderHome(ConfigError):
    """This database is of an older version; any command of this one brings a home up to date."""


class NotOurs(ConfigError):
    """The file is not a database of Commonweal and was left as it is; name another home."""


class MissingDatabase(ConfigError):
    """There is no database here yet; make the home with `weal start` or `weal init`."""


class KeystoreMissing(ConfigError):
    """There is no keystore here; `weal init` makes one, and --home says where to look."""


class KeystoreExists(ConfigError):
    """There is a keystore here already, and it was left as it is; choose another --home."""


class KeystoreExposed(ConfigError):
    """Others on this machine can read or change the keystore; take that right from them."""


class KeystoreDamaged(ConfigError):
    """The keystore is damaged; restore it with `weal restore` from a backup or your words."""


class KeystoreTooNew(ConfigError):
    """The keystore was written by a newer version of Commonweal; upgrade this one."""


class KeystoreTooCostly(ConfigError):
    """The keystore asks for more memory or time than this machine gives to open it."""


class DamagedContent(CommonwealError):
    """A content of this home is not as it was added; restore a backup, or add the file again."""

    exit_code = 65


class TooManyContents(CommonwealError):
    """This home keeps no more contents; remove one by `weal data remove`, then add this one."""

    exit_code = 73
