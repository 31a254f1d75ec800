"""The fold: which function applies a record, by its kind."""
