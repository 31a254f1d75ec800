"""What all commands read and write: the folded ledger, names, the running node."""
