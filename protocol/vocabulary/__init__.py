"""What ledger, rules and seals share: actions, names, rule parameters."""
