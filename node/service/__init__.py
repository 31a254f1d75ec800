"""The sans-IO node: events in, actions out. No clock, no socket, no thread."""
