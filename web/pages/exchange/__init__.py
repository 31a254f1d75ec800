"""Pages of the exchange between members."""
