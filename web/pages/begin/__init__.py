"""The beginning: from no home to a running node in a community, a step at a time."""
