"""The folded state on disk: what is final, what is pending above it, and the file of both."""
