"""A private address of the calendar: what programs read with the token that it has in its path."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import HTTPException

from commonweal.client.exports.calendars.calendar_file import calendar_bytes
from commonweal.client.keep.calendar_addresses import PATH, CalendarAddresses
from commonweal.client.member import Member
from commonweal.web.pages.language import words_of

router = APIRouter()


@router.get(PATH + "{name}")
def calendar_address(request: Request, name: str) -> Response:
    """Return the calendar of this home in the language that is asked for; 404 without a token."""
    home, token = request.app.state.home, name.removesuffix(".ics")
    with CalendarAddresses(home) as addresses:
        shows = addresses.calendar_shown_by(token)
    if shows is None:
        raise HTTPException(404)
    words = words_of(request)
    with Member(home, language=words.language) as member:
        data = calendar_bytes(member.calendar(), busy=words("busy") if shows == "busy" else "")
    return Response(data, media_type="text/calendar; charset=utf-8")
