"""What seals make final: the unsealed set, history, deadlines, seal contents, backtests."""
