"""The language of a request: the reader's choice, else the browser's."""

from __future__ import annotations

from fastapi import Request

from commonweal.client.language.words import words_in
from commonweal.web.pages.page_words import PageWords

LANGUAGE_COOKIE = "weal_language"
ACCEPTED_CHARS_MAX = 200
LANGUAGES = ("en", "zh")


def words_of(request: Request) -> PageWords:
    """Return the words in which a request is answered."""
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    if chosen in LANGUAGES:
        return PageWords(*words_in(chosen))
    return PageWords(*words_in(*accepted(request.headers.get("accept-language", ""))))


def accepted(header: str) -> list[str]:
    """Return the languages of an Accept-Language header (RFC 9110), the most wanted first."""
    weighed = []
    for place, part in enumerate(header[:ACCEPTED_CHARS_MAX].split(",")):
        tag, _, weight = part.partition(";")
        try:
            wanted = float(weight.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        language = tag.strip().split("-")[0].lower()
        if language in LANGUAGES and wanted > 0:
            weighed.append((-wanted, place, language))
    return [language for _, _, language in sorted(weighed)]
