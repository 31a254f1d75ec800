"""What the HTTP API answers about the exchange between members."""
