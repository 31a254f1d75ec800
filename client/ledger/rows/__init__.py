"""What the ledger says of contributions, claims and plans, as values."""
