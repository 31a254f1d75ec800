"""The list of contributions and what it comes to, read from the rows that the fold writes."""
