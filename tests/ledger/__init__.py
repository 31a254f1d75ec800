"""Claims about the ledger."""
