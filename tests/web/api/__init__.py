"""The HTTP API, as other programs call it."""
