"""Reports: the flow of money, and what came of contributions."""
