"""The folded ledger as a member sees it: one view, drafts, forecasts and what a fork made void."""
