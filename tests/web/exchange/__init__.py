"""Pages of the exchange in a browser."""
