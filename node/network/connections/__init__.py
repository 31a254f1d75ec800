"""Connections of a node: accepted within limits, dialled, secured, and what each may open."""
