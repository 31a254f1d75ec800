"""What the HTTP API answers, by subject."""
