"""What the formats ask of any node in Python: their calls into C, in bare loops.

No node can be faster than these, whatever it does besides. A record's id covers its signature, and
the next record of the log names that id. So a log is signed one record after the other, and a
second core does not help.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from hashlib import blake2b
from operator import eq
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from zlib import compress

import msgpack
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from nacl.bindings import crypto_sign_open

from bench import community as made
from bench.figures import rate
from commonweal.protocol import keys
from commonweal.protocol.keys import SIGNATURE_BYTES, DeviceKey
from commonweal.protocol.records import packed_run, record
from commonweal.storage.records.logs.log_store import Store

MEMBERS = 10
RUN = 136
"""Records of one log in a frame of 448 KiB that has records of ten."""
PACKET_BYTES = 0xFFFF - 16
SIGNED = 5_000
NONCE = bytes(12)

_FIVE, _ID_FOLLOWS = b"\x95", b"\xc4\x20"
_pack = msgpack.Packer(use_bin_type=True).pack


class _Run(NamedTuple):
    """key: of the author. cuts: what of each record is not foretold by the one before."""

    key: bytes
    wires: list[bytes]
    cuts: list[slice]


class _Frame(NamedTuple):
    """The runs of a frame, and the frame as it comes from the line."""

    runs: list[_Run]
    packets: list[bytes]


def sign_rate() -> float:
    """Return how many records a second one log can grow by at most: each is signed."""
    header = _frames(1, ChaCha20Poly1305(bytes(32)))[0].runs[0].wires[0][:-SIGNATURE_BYTES]
    signer = keys.Signer(bytes(keys.SEED_BYTES))

    def sign() -> None:
        for _ in range(SIGNED):
            signature = signer.sign(header)
            blake2b(header + signature, digest_size=keys.HASH_BYTES, person=keys.RECORD).digest()

    return rate(SIGNED, sign)


def receive_rate(records: int) -> float:
    """Return how many records a second can be taken out of frames, read, packed and committed.

    Left out are sockets, all checks but of signatures and canonical form, and all answers.
    """
    cipher = ChaCha20Poly1305(bytes(32))
    frames = _frames(records, cipher)
    count = sum(len(run.wires) for frame in frames for run in frame.runs)
    with TemporaryDirectory(prefix="weal-bench-") as folder:
        table = sqlite3.connect(Path(folder) / "floor.db", isolation_level=None)
        table.executescript(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
            "CREATE TABLE run (key INTEGER PRIMARY KEY, content BLOB NOT NULL) STRICT;"
        )
        taken = rate(count, lambda: _take_all(table, cipher, frames))
        table.close()
    return taken


def _take_all(table: sqlite3.Connection, cipher: ChaCha20Poly1305, frames: list[_Frame]) -> None:
    for frame in frames:
        _take(table, cipher, frame)


def _take(table: sqlite3.Connection, cipher: ChaCha20Poly1305, frame: _Frame) -> None:
    plain = b"".join([cipher.decrypt(NONCE, packet, None) for packet in frame.packets])
    come = msgpack.unpackb(plain)
    rows: list[tuple[bytes]] = []
    for (key, wires), (_, _, cuts) in zip(come, frame.runs, strict=True):
        ids = [blake2b(wire, digest_size=32, person=keys.RECORD).digest() for wire in wires]
        parts = [wire[cut] for wire, cut in zip(wires, cuts, strict=True)]
        _read(parts)
        last = wires[-1]
        crypto_sign_open(last[-SIGNATURE_BYTES:] + last[:-SIGNATURE_BYTES], key)
        size = packed_run.RECORDS_MAX
        for at in range(0, len(wires), size):
            packed = compress(b"".join(parts[at : at + size]), packed_run.LEVEL)
            signatures = b"".join([wire[-SIGNATURE_BYTES:] for wire in wires[at : at + size]])
            rows.append((b"".join([ids[-1], signatures, packed]),))
    table.execute("BEGIN IMMEDIATE")
    table.executemany("INSERT INTO run (content) VALUES (?)", rows)
    table.execute("COMMIT")


def _read(parts: Sequence[bytes]) -> None:
    """Decode, and compare with the only encoding."""
    arrays = [_FIVE + part for part in parts]
    unpacker = msgpack.Unpacker(raw=False)
    unpacker.feed(b"".join(arrays))
    assert all(map(eq, map(_pack, unpacker), arrays))


def _frames(records: int, cipher: ChaCha20Poly1305) -> list[_Frame]:
    """Return a community's records, as the frames in which they travel."""
    with TemporaryDirectory(prefix="weal-bench-") as folder:
        store = Store(Path(folder) / "made.db")
        community = made.make(store, MEMBERS)
        frames: list[_Frame] = []
        for _ in range(-(-records // (MEMBERS * RUN))):
            made.work(community, MEMBERS * RUN, RUN)
            runs = [_run(store, person.key) for person in community.people]
            plain = _pack([(run.key, run.wires) for run in runs])
            pieces = [plain[at : at + PACKET_BYTES] for at in range(0, len(plain), PACKET_BYTES)]
            frames.append(_Frame(runs, [cipher.encrypt(NONCE, piece, None) for piece in pieces]))
        store.close()
    return frames


def _run(store: Store, author: DeviceKey) -> _Run:
    """Return the last records of a log."""
    length = store.log(author).length
    wires = store.wires(author, length - RUN, length, 1 << 30)
    records = map(record.from_bytes_unchecked, wires)
    starts = [
        len(record.header_prefix(read.community, author, read.seq, read.prev))
        + record.int_bytes(read.clock)
        + len(_ID_FOLLOWS + read.basis)
        for read in records
    ]
    return _Run(author, wires, [slice(start, -SIGNATURE_BYTES) for start in starts])
