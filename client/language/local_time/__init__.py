"""Days and times ahead as members type them, in their zone: one day, a span, a series of spans."""
