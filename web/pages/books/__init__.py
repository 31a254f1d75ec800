"""The books: the ledger, why its numbers are so, things, and what is kept of a member."""
