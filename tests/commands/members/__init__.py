"""Claims about `commands/members/`."""
