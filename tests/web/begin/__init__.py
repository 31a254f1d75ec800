"""The beginning of a home in the browser."""
