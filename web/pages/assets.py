"""The files of the page: one stylesheet, one script, the icons; each named by its content."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

from fastapi import APIRouter, Response
from fastapi.exceptions import HTTPException

ASSETS = Path(__file__).parents[1] / "assets"
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
DIGEST_BYTES = 8

router = APIRouter()


@router.get("/assets/{version}/{name}")
async def asset(version: str, name: str) -> Response:
    """Return a file of the page; it never changes under its version."""
    if name not in names() or version != digest(name):
        raise HTTPException(404)
    return Response(
        content(name),
        media_type=TYPES[Path(name).suffix],
        headers={"cache-control": "private, immutable, max-age=31536000"},
    )


@lru_cache(maxsize=1)
def names() -> frozenset[str]:
    """Return the names of all files of the page."""
    return frozenset(path.name for path in ASSETS.iterdir() if path.suffix in TYPES)


@lru_cache(maxsize=64)
def content(name: str) -> bytes:
    """Return what is in a file of the page."""
    return (ASSETS / name).read_bytes()


@lru_cache(maxsize=64)
def digest(name: str) -> str:
    """Return the version of a file, which follows from its content."""
    return blake2b(content(name), digest_size=DIGEST_BYTES).hexdigest()


def address(name: str) -> str:
    """Return where the browser finds a file of the page."""
    return f"/assets/{digest(name)}/{name}"
