"""The encoding of a sheet: certain where its bytes prove it, else a guess to be confirmed.

A mark at the beginning, or bytes that are UTF-8 throughout, prove it. Otherwise chardet proposes
encodings, and the first by which all of the file can be read is the guess.
"""

from __future__ import annotations

import codecs
from typing import BinaryIO, NamedTuple

from commonweal.client.language.visible_text import visible
from commonweal.client.language.words import Words
from commonweal.protocol.errors import UnreadableFile, UsageError

SAMPLE_BYTES_MAX = 256 * 1024
"""Lines that are not ASCII, which a guess is made from."""
READ_BYTES = 64 * 1024

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LABELS = {
    "utf-8-sig": "UTF-8",
    "utf-8": "UTF-8",
    "utf-16": "UTF-16",
    "utf-32": "UTF-32",
    "cp1252": "Windows-1252",
    "cp932": "Shift-JIS",
    "cp949": "EUC-KR",
    "big5": "Big5",
    "gb18030": "GB18030",
}
_WIDER = {
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "iso8859-1": "cp1252",
    "ascii": "utf-8",
}
"""Encodings whose name people use for one that has more characters."""
_NO_CHARSETS = ("idna", "punycode", "unicode_escape", "raw_unicode_escape", "utf-7", "undefined")
_NEVER_UTF8 = (b"\0", b"\x1b$")
"""What no text in UTF-8 has: it is UTF-16, or an encoding that shifts."""


class Charset(NamedTuple):
    """An encoding, as Python calls it. is_guess: whether a member has to confirm it."""

    codec: str
    is_guess: bool

    @property
    def label(self) -> str:
        """What people call it."""
        return _LABELS.get(self.codec, self.codec)


def named_charset(name: str, words: Words) -> Charset:
    """Return the encoding that a member names. Raises UsageError."""
    try:
        codec = codecs.lookup(name).name
        "".encode(codec)  # refused by what is no encoding of text
    except (LookupError, ValueError):
        codec = ""
    if not codec or codec in _NO_CHARSETS:
        raise UsageError(
            words("{name} is no encoding; try utf-8, windows-1252, gb18030 or shift-jis").format(
                name=visible(name)
            )
        )
    return Charset(_WIDER.get(codec, codec), is_guess=False)


def find_charset(file: BinaryIO, path: object, words: Words) -> Charset:
    """Return how the bytes of a file are to be read. Raises UnreadableFile where nothing fits."""
    head = _from_start(file).read(READ_BYTES)
    for mark, codec in _MARKS:
        if head.startswith(mark):
            return Charset(codec, is_guess=False)
    if not _shifts(head):
        line = fault_of(file, "utf-8")
        if line is None:
            return Charset("utf-8", is_guess=False)
        if _is_damaged_utf8(_sample(file)):
            damaged = words("{path}, line {line}: this is UTF-8 with other bytes in it; correct it")
            raise UnreadableFile(damaged.format(path=path, line=line))
    for codec in _proposed(_sample(file)):
        if fault_of(file, codec) is None:
            return Charset(codec, is_guess=True)
    raise UnreadableFile(
        words("{path}: no encoding fits all of it; name one with --encoding").format(path=path)
    )


def fault_of(file: BinaryIO, codec: str) -> int | None:
    """Return the first line (from 1) that cannot be read in an encoding; None when all can."""
    decoder = codecs.getincrementaldecoder(codec)("strict")
    _from_start(file)
    line = 1
    while True:
        data = file.read(READ_BYTES)
        try:
            line += decoder.decode(data, final=not data).count("\n")
        except UnicodeError as error:
            start = error.start if isinstance(error, UnicodeDecodeError) else 0
            return line + data.count(b"\n", 0, start)
        if not data:
            return None


def _proposed(sample: bytes) -> list[str]:
    """Return the encodings that a sample may have, the likeliest first."""
    import chardet

    modern, any_age = chardet.EncodingEra.MODERN_WEB, chardet.EncodingEra.ALL
    names = [
        result["encoding"]
        for era in (modern, any_age)
        for result in chardet.detect_all(
            sample, encoding_era=era, max_bytes=SAMPLE_BYTES_MAX, prefer_superset=True
        )
    ]
    known = (codecs.lookup(name).name for name in names if name)
    return list(dict.fromkeys(_WIDER.get(name, name) for name in known))


def _sample(file: BinaryIO) -> bytes:
    """Return the lines that are not ASCII; the beginning of a file that has NUL bytes."""
    head = _from_start(file).read(SAMPLE_BYTES_MAX)
    if _shifts(head):
        return head
    _from_start(file)
    lines: list[bytes] = []
    size = 0
    while size < SAMPLE_BYTES_MAX and (line := file.readline(READ_BYTES)):
        if not line.isascii():
            lines.append(line)
            size += len(line)
    return b"".join(lines)


def _shifts(data: bytes) -> bool:
    return any(mark in data for mark in _NEVER_UTF8)


def _is_damaged_utf8(sample: bytes) -> bool:
    """Whether more of what is not ASCII is UTF-8 than not, which no other encoding looks like."""
    text = sample.decode("utf-8", "replace")
    wrong = text.count("\ufffd")
    return sum(not character.isascii() for character in text) > 2 * wrong


def _from_start(file: BinaryIO) -> BinaryIO:
    file.seek(0)
    return file
