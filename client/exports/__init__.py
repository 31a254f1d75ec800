"""The ledger for other programs: books of account, Valueflows, calendars."""
