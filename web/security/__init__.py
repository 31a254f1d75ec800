"""Who may use the page: hosts, sessions, the tokens of entry, and the gate before every request."""
