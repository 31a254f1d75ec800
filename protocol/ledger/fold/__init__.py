"""The fold: records in order, each applied to the state by the function of its kind."""
