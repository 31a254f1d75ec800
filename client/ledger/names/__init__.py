"""Names: what a typed word may become, what it names, and whose name an id has."""
