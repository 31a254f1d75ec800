"""The HTTP API of a home, /api/v1: what members read and do, for other programs."""
