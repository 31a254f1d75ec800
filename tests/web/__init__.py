"""The page of a member, and the HTTP API."""
