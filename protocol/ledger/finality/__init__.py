"""What seals make final: deadlines, history, the unsealed set, backtests."""
