"""Rules, proposals and votes, and backtests of other rules."""
