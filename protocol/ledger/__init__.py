"""The ledger: what signed records come to, folded into one state that every node computes."""
