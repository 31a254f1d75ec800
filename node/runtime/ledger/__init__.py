"""The ledger beside the service: the thread that folds, and what it answers."""
