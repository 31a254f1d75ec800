"""What the ledger costs: folding, sealing, importing, and its room on the disk."""
