"""The folded ledger as a member sees it: names, rows, forecasts, drafts and refusals."""
