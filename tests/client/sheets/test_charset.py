"""The encoding of a sheet: proven by its bytes, or a guess that says so."""

from __future__ import annotations

import io

import pytest

from commonweal.client.language.words import ENGLISH
from commonweal.client.sheets.charset import Charset, fault_of, find_charset, named_charset
from commonweal.protocol.errors import UnreadableFile, UsageError

GERMAN = "Datum;Tätigkeit;Stunden\n05.01.2026;Gemüse gesät;3,5\n06.01.2026;Bäume gegossen;2\n"
FRENCH = "Date;Travail;Heures\n05/01/2026;semé des légumes à côté;3,5\n06/01/2026;réunion;2\n"
SPANISH = "Fecha;Horas;Nota\n05/01/2026;3;limpieza del jardín y reunión mañana\n"
JAPANESE = "日付,作業,時間\n2026-01-05,畑を耕した,3\n2026-01-06,種をまいた,2.5\n"
KOREAN = "날짜,작업,시간\n2026-01-05,밭을 갈았다,3\n2026-01-06,씨를 뿌렸다,2.5\n"
TAIWANESE = "日期,工作,小時\n2026-01-05,翻土,3\n2026-01-06,播種,2.5\n"
CHINESE = "日期,工作,小时\n2026-01-05,翻土,3\n2026-01-06,播种,2.5\n"


def charset_of(data: bytes) -> Charset:
    return find_charset(io.BytesIO(data), "sheet.csv", ENGLISH)


def repeated(text: str, times: int) -> str:
    heading, _, rows = text.partition("\n")
    return f"{heading}\n{rows * times}"


@pytest.mark.parametrize("times", [1, 50, 2_000], ids=["short", "long", "longer than the sample"])
@pytest.mark.parametrize(
    ("text", "encoding", "label"),
    [
        (GERMAN, "windows-1252", "Windows-1252"),
        (FRENCH, "windows-1252", "Windows-1252"),
        (SPANISH, "windows-1252", "Windows-1252"),
        (JAPANESE, "shift-jis", "Shift-JIS"),
        (KOREAN, "euc-kr", "EUC-KR"),
        (TAIWANESE, "big5", "Big5"),
        (CHINESE, "gb18030", "GB18030"),
        (CHINESE, "gbk", "GB18030"),
    ],
)
def test_an_encoding_is_guessed_and_called_a_guess(
    text: str, encoding: str, label: str, times: int
) -> None:
    data = repeated(text, times).encode(encoding)
    found = charset_of(data)
    assert (found.label, found.is_guess) == (label, True)
    assert data.decode(found.codec) == repeated(text, times)


@pytest.mark.parametrize("text", [GERMAN, JAPANESE, CHINESE, "a,b\n1,2\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_mark_or_utf_8_throughout_proves_the_encoding(text: str, encoding: str) -> None:
    found = charset_of(text.encode(encoding))
    assert not found.is_guess
    assert text.encode(encoding).decode(found.codec) == text


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        *((text, "utf-16-le") for text in (GERMAN, JAPANESE, CHINESE)),
        *((text, "utf-16-be") for text in (GERMAN, JAPANESE, CHINESE)),
        (JAPANESE, "iso2022_jp"),
    ],
)
def test_an_encoding_without_a_mark_that_has_ascii_bytes_is_no_utf_8(
    text: str, encoding: str
) -> None:
    data = text.encode(encoding)
    found = charset_of(data)
    assert found.is_guess
    assert data.decode(found.codec) == text


def test_what_fits_only_a_part_of_the_file_is_not_proposed() -> None:
    data = repeated(JAPANESE, 10_000).encode("shift-jis")
    assert charset_of(data).label == "Shift-JIS"
    with pytest.raises(UnreadableFile, match="no encoding fits all of it"):
        charset_of(data + b"2026-01-05,\x81,3\n")


def test_utf_8_with_other_bytes_in_it_is_named_by_its_line() -> None:
    with pytest.raises(UnreadableFile, match="line 4: this is UTF-8 with other bytes in it"):
        charset_of(GERMAN.encode() + b"\xff\xfe\n")


def test_the_first_line_that_cannot_be_read_is_counted_over_all_blocks() -> None:
    data = b"x" * 70_000 + b"\n" + b"y\n" * 40_000 + b"\xff\n"
    assert fault_of(io.BytesIO(data), "utf-8") == 40_002
    assert fault_of(io.BytesIO(b"a\n\xc3"), "utf-8") == 2
    assert fault_of(io.BytesIO(data), "latin-1") is None


@pytest.mark.parametrize(
    "name", ["rot13", "base64", "klingon", "", "\0", "utf-7", "idna", "x" * 99]
)
def test_what_is_no_encoding_of_text_cannot_be_named(name: str) -> None:
    with pytest.raises(UsageError, match="no encoding"):
        named_charset(name, ENGLISH)


def test_a_named_encoding_has_the_characters_that_people_use_it_with() -> None:
    assert "①㈱".encode("cp932").decode(named_charset("Shift-JIS", ENGLISH).codec) == "①㈱"
    assert named_charset("Windows-1252", ENGLISH) == Charset("cp1252", is_guess=False)
    assert named_charset("EUC-KR", ENGLISH).label == "EUC-KR"
