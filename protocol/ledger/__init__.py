"""The ledger: a fold from records to a state that every node computes alike."""
