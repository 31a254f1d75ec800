"""The books in a browser: ledger, reasons, things, and what is kept of a member."""
